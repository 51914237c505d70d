"""What is left of a key that was destroyed: nothing, in any file, also after a kill."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from likeness.store.keyring import Keyring
from likeness.store.keyring_file import KeyringFile
from likeness.store.master_key import MasterKey
from likeness.store.sqlite_version import sqlite

MASTER = MasterKey(bytes(range(32)))
WRAPPED_BYTES = 61
KILLS = 12


def wrapped_keys(path: Path) -> dict[str, bytes]:
    connection = sqlite.connect(path)
    rows = dict(connection.execute("SELECT subject_id, wrapped FROM subject_keys"))
    connection.close()
    return rows


def everything_in(folder: Path) -> bytes:
    return b"\x00\x00".join(file.read_bytes() for file in sorted(folder.iterdir()))


def traces(folder: Path, wrapped: bytes) -> int:
    """How many pieces of eight bytes of a wrapped key are in any file, leaving out the version."""
    found = everything_in(folder)
    return sum(wrapped[start : start + 8] in found for start in range(1, WRAPPED_BYTES - 7))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "keyring.db"


def test_no_piece_of_a_destroyed_key_is_in_any_file(path: Path) -> None:
    keyring = Keyring.create(path, master=MASTER)
    keyring.create_keys(["p1", "p2"])
    wrapped = wrapped_keys(path)
    assert {len(one) for one in wrapped.values()} == {WRAPPED_BYTES}
    assert traces(path.parent, wrapped["p1"]) == WRAPPED_BYTES - 8
    keyring.destroy("p1")
    assert traces(path.parent, wrapped["p1"]) == 0
    assert traces(path.parent, wrapped["p2"]) == WRAPPED_BYTES - 8


def test_no_piece_is_left_whatever_the_order_in_a_keyring_of_many_pages(path: Path) -> None:
    keyring = Keyring.create(path, master=MASTER)
    order = random.Random(7)
    names = [f"{order.getrandbits(128):032x}" for _ in range(3000)]
    for start in range(0, len(names), 150):
        keyring.create_keys(names[start : start + 150])
    wrapped = wrapped_keys(path)
    found = everything_in(path.parent)
    assert all(found.count(one) == 1 for one in wrapped.values())
    gone = order.sample(names, 60)
    for place, name in enumerate(gone):
        keyring.destroy(name)
        keyring.create_key(f"later-{place}")
    assert [name for name in gone if traces(path.parent, wrapped[name])] == []
    kept = set(names) - set(gone)
    assert keyring.keys(names).keys() == kept


def test_no_other_file_is_left_beside_the_keyring(path: Path) -> None:
    keyring = Keyring.create(path, master=MASTER)
    keyring.create_key("p1")
    keyring.key("p1")
    keyring.destroy("p1")
    assert [file.name for file in path.parent.iterdir()] == ["keyring.db"]


def test_every_connection_overwrites_what_it_deletes_and_waits_for_the_disk(path: Path) -> None:
    Keyring.create(path, master=MASTER)
    with KeyringFile(path=path).reading() as connection:
        found = [
            connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("secure_delete", "journal_mode", "synchronous", "temp_store")
        ]
    extra, in_memory = 3, 2
    assert found == [1, "delete", extra, in_memory]


def test_a_process_killed_while_it_destroys_leaves_a_key_or_a_tombstone(path: Path) -> None:
    keyring = Keyring.create(path, master=MASTER)
    names = [f"p{number}" for number in range(2000)]
    keyring.create_keys(names)
    wrapped = wrapped_keys(path)
    before = keyring.keys(names)
    code = (
        "import sys; from pathlib import Path;"
        "from likeness.store.keyring import Keyring;"
        "from likeness.store.master_key import MasterKey;"
        "ring = Keyring.open(Path(sys.argv[1]), master=MasterKey(bytes(range(32))))\n"
        "for name in sys.stdin.read().split():\n"
        "    ring.destroy(name)\n"
        "    print(name, flush=True)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    moments = random.Random(3)
    for _ in range(KILLS):
        child = subprocess.Popen(
            [sys.executable, "-c", code, str(path)],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert child.stdin is not None and child.stdout is not None
        remaining = sorted(set(names) - keyring.tombstones())
        child.stdin.write("\n".join(remaining))
        child.stdin.close()
        acknowledged = [child.stdout.readline().strip()]
        time.sleep(moments.uniform(0, 0.05))
        os.kill(child.pid, signal.SIGKILL)
        acknowledged += child.stdout.read().split()
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        erased = keyring.tombstones()
        live = keyring.keys(names)
        assert set(names) - erased == live.keys()
        assert erased >= set(acknowledged) & set(names)
        assert all(live[name] == before[name] for name in live)
        keyring.covers(*keyring.tombstone_head())
    erased = keyring.tombstones()
    assert len(erased) >= KILLS
    found = everything_in(path.parent)
    assert [name for name in erased if wrapped[name] in found] == []
