from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from likeness.audit.checkpoint import Checkpoint
from likeness.errors import (
    KeyErased,
    KeyMissing,
    LibraryBusy,
    LibraryExists,
    LibraryMissing,
    LogRolledBack,
    StorageError,
    UsageError,
)
from likeness.store.keyring import KEPT_WITNESSES, Keyring
from likeness.store.master_key import MasterKey
from likeness.store.sqlite_version import sqlite

MASTER = MasterKey(bytes(range(32)))
ROOT = bytes(32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keyring.db"


@pytest.fixture
def keyring(path: Path) -> Keyring:
    return Keyring.create(path, master=MASTER, origin="likeness/0f3a")


def reopened(path: Path) -> Keyring:
    return Keyring.open(path, master=MASTER)


def test_a_key_is_there_for_every_process_once_it_was_made(keyring: Keyring, path: Path) -> None:
    keyring.create_key("p1")
    keyring.create_key("p2")
    key = keyring.key("p1")
    assert len(key) == 32
    assert reopened(path).key("p1") == key != keyring.key("p2")


def test_a_keyring_and_its_folder_are_their_owners_alone(keyring: Keyring, path: Path) -> None:
    keyring.create_key("p1")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert [file.name for file in path.parent.iterdir()] == ["keyring.db"]


def test_a_key_is_made_once(keyring: Keyring) -> None:
    keyring.create_key("p1")
    key = keyring.key("p1")
    with pytest.raises(StorageError, match="p1"):
        keyring.create_key("p1")
    assert keyring.key("p1") == key


def test_several_keys_are_made_all_or_none(keyring: Keyring) -> None:
    keyring.create_key("p2")
    with pytest.raises(StorageError):
        keyring.create_keys(["p1", "p2", "p3"])
    with pytest.raises(KeyMissing):
        keyring.key("p1")


@pytest.mark.parametrize("subject_id", ["", "a\nb", "a\x00", "x" * 201, "\ud800"])
def test_an_id_that_is_none_is_refused(keyring: Keyring, subject_id: str) -> None:
    with pytest.raises(UsageError):
        keyring.create_key(subject_id)
    with pytest.raises(UsageError):
        keyring.destroy(subject_id)


def test_a_key_that_is_neither_there_nor_destroyed_is_named(keyring: Keyring) -> None:
    with pytest.raises(KeyMissing, match=r"p7.*Nothing was deleted"):
        keyring.key("p7")
    keyring.create_key("p1")
    with pytest.raises(KeyMissing, match="p2, p3, p4 and 2 more"):
        keyring.keys([f"p{number}" for number in range(1, 7)])


def test_many_keys_are_read_at_once_without_those_that_were_destroyed(keyring: Keyring) -> None:
    everybody = [f"p{number}" for number in range(1500)]
    keyring.create_keys(everybody)
    keyring.destroy("p3")
    for asked in (everybody, everybody[:10]):
        found = keyring.keys(asked)
        assert found.keys() == set(asked) - {"p3"}
        assert found["p7"] == keyring.key("p7")
    assert keyring.keys([]) == {}


def test_destroying_a_key_is_for_good_and_for_every_process(keyring: Keyring, path: Path) -> None:
    other = reopened(path)
    keyring.create_key("p1")
    other.key("p1")
    keyring.destroy("p1")
    for ring in (other, keyring, reopened(path)):
        with pytest.raises(KeyErased, match="p1"):
            ring.key("p1")
        with pytest.raises(KeyErased):
            ring.create_key("p1")
        assert ring.is_erased("p1")
        assert ring.tombstones() == {"p1"}


def test_destroying_again_changes_nothing(keyring: Keyring) -> None:
    keyring.create_key("p1")
    keyring.destroy("p1")
    head = keyring.tombstone_head()
    keyring.destroy("p1")
    assert keyring.tombstone_head() == head
    assert head[0] == 1


def test_an_id_without_a_key_gets_a_tombstone_too(keyring: Keyring) -> None:
    keyring.destroy("p9")
    assert keyring.is_erased("p9")
    assert not keyring.is_erased("p8")
    with pytest.raises(KeyErased):
        keyring.create_key("p9")


def test_a_keyring_covers_what_it_saw_and_an_old_copy_does_not(
    keyring: Keyring, path: Path
) -> None:
    start = keyring.tombstone_head()
    keyring.destroy("p1")
    middle = keyring.tombstone_head()
    old = path.read_bytes()
    keyring.destroy("p2")
    keyring.destroy("p3")
    end = keyring.tombstone_head()
    assert [head[0] for head in (start, middle, end)] == [0, 1, 3]
    for head in (start, middle, end):
        keyring.covers(*head)
    path.write_bytes(old)
    keyring.covers(*middle)
    with pytest.raises(StorageError, match="3 erasures"):
        keyring.covers(*end)
    keyring.destroy("p4")
    keyring.destroy("p5")
    with pytest.raises(StorageError):
        keyring.covers(*end)


def test_a_tombstone_that_was_taken_out_or_renamed_is_noticed(keyring: Keyring, path: Path) -> None:
    for number in range(3):
        keyring.destroy(f"p{number}")
    head = keyring.tombstone_head()
    before = path.read_bytes()
    for statement in (
        "UPDATE tombstones SET subject_id = 'other' WHERE position = 2",
        "DELETE FROM tombstones WHERE position = 1",
        "DELETE FROM tombstones WHERE position = 3",
    ):
        path.write_bytes(before)
        connection = sqlite.connect(path)
        connection.execute(statement)
        connection.commit()
        connection.close()
        with pytest.raises(StorageError):
            keyring.covers(*head)


def test_the_signing_key_signs_checkpoints_under_the_librarys_name(
    keyring: Keyring, path: Path
) -> None:
    note = Checkpoint(origin=keyring.origin, size=1, root=ROOT).sign(keyring.signing_key())
    key = reopened(path).verifier_key()
    assert key.text.startswith("likeness/0f3a+")
    assert Checkpoint.verify(note, key=key).size == 1


def test_two_keyrings_never_share_a_signing_key_or_a_name(tmp_path: Path) -> None:
    one = Keyring.create(tmp_path / "one.db", master=MASTER)
    two = Keyring.create(tmp_path / "two.db", master=MASTER)
    assert one.origin != two.origin
    assert one.verifier_key().public != two.verifier_key().public


def test_a_witness_goes_forward_only(keyring: Keyring, path: Path) -> None:
    assert keyring.witnessed() is None
    keyring.witness(5, ROOT)
    keyring.witness(5, ROOT)
    keyring.witness(9, b"\x01" * 32)
    assert reopened(path).witnessed() == (9, b"\x01" * 32)
    for size, root in ((8, ROOT), (5, ROOT), (9, ROOT)):
        with pytest.raises(LogRolledBack):
            keyring.witness(size, root)
    assert keyring.witnesses() == [(5, ROOT), (9, b"\x01" * 32)]


def test_the_last_few_witnesses_are_kept(keyring: Keyring) -> None:
    for size in range(1, 30):
        keyring.witness(size, ROOT)
    kept = [size for size, _ in keyring.witnesses()]
    assert kept == list(range(30 - KEPT_WITNESSES, 30))


def test_processes_that_witness_a_growing_log_never_raise_a_false_alarm(keyring: Keyring) -> None:
    lock = threading.Lock()
    size = 0

    def append_and_witness(_: int) -> None:
        nonlocal size
        with lock:
            size += 1
        keyring.witness_current(lambda: (size, size.to_bytes(32, "big")))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(append_and_witness, range(40)))
    assert keyring.witnessed() == (40, (40).to_bytes(32, "big"))


def test_another_master_key_is_told_apart(keyring: Keyring, path: Path) -> None:
    keyring.create_key("p1")
    with pytest.raises(StorageError, match="another master key"):
        Keyring.open(path, master=MasterKey(bytes(32)))


def test_a_wrapped_key_that_was_moved_to_another_person_does_not_open(
    keyring: Keyring, path: Path
) -> None:
    keyring.create_keys(["p1", "p2"])
    connection = sqlite.connect(path)
    connection.execute(
        "UPDATE subject_keys SET wrapped ="
        " (SELECT wrapped FROM subject_keys WHERE subject_id = 'p1') WHERE subject_id = 'p2'"
    )
    connection.commit()
    connection.close()
    with pytest.raises(StorageError):
        keyring.key("p2")


def test_a_keyring_is_never_overwritten(keyring: Keyring, path: Path) -> None:
    keyring.create_key("p1")
    with pytest.raises(LibraryExists):
        Keyring.create(path, master=MASTER)
    assert len(keyring.key("p1")) == 32
    assert [file.name for file in path.parent.iterdir()] == ["keyring.db"]


def test_a_missing_keyring_is_told_and_not_made(keyring: Keyring, path: Path) -> None:
    path.unlink()
    with pytest.raises(LibraryMissing):
        keyring.key("p1")
    with pytest.raises(LibraryMissing):
        reopened(path)
    with pytest.raises(LibraryMissing):
        reopened(path.parent)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + bytes(5000)])
def test_a_file_that_is_no_keyring_is_refused(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700)
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(StorageError):
        reopened(path)


def test_another_programs_database_is_refused(path: Path) -> None:
    path.parent.mkdir(mode=0o700)
    connection = sqlite.connect(path)
    connection.execute("CREATE TABLE facts (name, value)")
    connection.close()
    path.chmod(0o600)
    with pytest.raises(StorageError, match="not a keyring"):
        reopened(path)


def test_a_keyring_that_lost_its_own_facts_is_refused(keyring: Keyring, path: Path) -> None:
    connection = sqlite.connect(path)
    connection.execute("DELETE FROM facts WHERE name = 'check'")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match="damaged"):
        reopened(path)


def test_a_keyring_that_others_can_reach_is_refused_with_advice(
    keyring: Keyring, path: Path, tmp_path: Path
) -> None:
    path.chmod(0o640)
    with pytest.raises(StorageError, match="chmod 600"):
        reopened(path)
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    with pytest.raises(StorageError, match="chmod 700"):
        Keyring.create(shared / "keyring.db", master=MASTER)
    assert list(shared.iterdir()) == []


def test_an_origin_that_no_note_can_carry_is_refused(path: Path) -> None:
    with pytest.raises(UsageError):
        Keyring.create(path, master=MASTER, origin="two words")
    assert not path.exists()


def test_a_keyring_held_by_another_process_for_too_long_is_busy(
    keyring: Keyring, path: Path
) -> None:
    hurried = Keyring.open(path, master=MASTER, busy_seconds=0.2)
    held = sqlite.connect(path, isolation_level=None)
    held.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    with pytest.raises(LibraryBusy):
        hurried.create_key("p1")
    assert 0.1 < time.monotonic() - started < 10
    held.execute("ROLLBACK")
    hurried.create_key("p1")
    held.close()


def test_threads_make_read_and_destroy_keys_together(keyring: Keyring) -> None:
    def live(number: int) -> None:
        keyring.create_key(f"p{number}")
        keyring.key(f"p{number}")
        if number % 2:
            keyring.destroy(f"p{number}")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(live, range(60)))
    assert keyring.tombstones() == {f"p{number}" for number in range(1, 60, 2)}
    assert len(keyring.keys(f"p{number}" for number in range(60))) == 30
    keyring.covers(*keyring.tombstone_head())


def test_two_processes_use_one_keyring_at_the_same_time(keyring: Keyring, path: Path) -> None:
    keyring.create_key("p1")
    code = (
        "import sys; from pathlib import Path;"
        "from likeness.store.keyring import Keyring;"
        "from likeness.store.master_key import MasterKey;"
        "ring = Keyring.open(Path(sys.argv[1]), master=MasterKey(bytes(range(32))));"
        "[ring.create_key(f'c{n}') for n in range(30)]; ring.destroy('p1')"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(path)], env=_environ())
    for number in range(30):
        keyring.create_key(f"d{number}")
    assert child.wait(60) == 0
    names = [f"{letter}{number}" for letter in "cd" for number in range(30)]
    assert len(keyring.keys(names)) == 60
    assert keyring.is_erased("p1")


def test_a_full_disk_leaves_everything_as_it_was(keyring: Keyring, path: Path) -> None:
    keyring.create_key("p1")
    size = path.stat().st_size
    code = (
        "import sys, resource; from pathlib import Path;"
        "from likeness.errors import StorageError;"
        "from likeness.store.keyring import Keyring;"
        "from likeness.store.master_key import MasterKey;"
        "ring = Keyring.open(Path(sys.argv[1]), master=MasterKey(bytes(range(32))));"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)\n"
        "for action in (lambda: ring.create_keys(f'q{n}' for n in range(500)),"
        " lambda: ring.destroy('p1'), lambda: ring.witness(1, bytes(32))):\n"
        "    try:\n        action()\n"
        "    except StorageError as error:\n        print(type(error).__name__)\n"
        "    else:\n        print('done')\n"
    )
    answers = subprocess.run(
        [sys.executable, "-c", code, str(path), "512"],
        env=_environ(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout.split()
    assert answers == ["StorageError"] * 3
    assert path.stat().st_size == size
    assert len(keyring.key("p1")) == 32
    assert keyring.tombstones() == frozenset()
    assert keyring.witnessed() is None
    with pytest.raises(KeyMissing):
        keyring.key("q0")


def test_a_keyring_shows_no_key(keyring: Keyring) -> None:
    assert "keyring.db" in repr(keyring)
    assert "MasterKey" not in repr(keyring)


def _environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
