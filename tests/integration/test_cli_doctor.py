"""The doctor and the audit check name what is wrong, also where the library cannot be opened."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runs import run
from sqlalchemy import Executable, delete, update

from likeness.errors import LogTampered
from likeness.library import Library
from likeness.store.schema import audit, audit_details, library


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A library with a few audit entries; the keys lie in ``keys`` beside it."""
    with Library.create(tmp_path / "library", keyring=tmp_path / "keys") as made:
        for name in ("one", "two", "three"):
            made.create_collection(name, controller="Tennis club")
    monkeypatch.setenv("LIKENESS_LIBRARY", str(tmp_path / "library"))
    yield tmp_path


def _states() -> tuple[int, dict[str, str]]:
    ran = run("doctor", "--json")
    return ran.code, {check["check"]: check["state"] for check in ran.answer["checks"]}


def _change(place: Path, *statements: Executable) -> None:
    with Library.open(place / "library") as opened, opened.house.store.transaction() as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_sound_library_passes_and_the_audit_log_verifies(place: Path) -> None:
    code, states = _states()
    assert code == 0 and set(states.values()) == {"ok", "warn"}
    verified = run("audit", "verify", "--json").answer
    assert verified["entries"] == 4 and verified["witnesses"] >= 1


def test_a_changed_entry_is_named_and_ends_with_5(place: Path) -> None:
    _change(place, update(audit).where(audit.c.leaf_index == 2).values(leaf=b"likeness.leaf/1\nx"))
    ran = run("audit", "verify", "--json")
    assert (ran.code, ran.answer["error"], ran.answer["index"]) == (5, "log_tampered", 2)
    code, states = _states()
    assert (code, states["audit log"]) == (5, "fail")


def test_an_entry_cut_off_the_end_is_named(place: Path) -> None:
    _change(
        place,
        delete(audit_details).where(audit_details.c.leaf_index == 3),
        delete(audit).where(audit.c.leaf_index == 3),
    )
    # Nothing is written to such a library either: it would hide what was cut off.
    for words in ("audit verify", "audit checkpoint", "collection create four"):
        ran = run(*words.split(), "--json")
        assert (ran.code, ran.answer["error"], ran.answer["index"]) == (5, "log_tampered", 3)
    assert _states()[0] == 5
    assert run("status", "--json").answer["audit"]["problem"]


def test_an_entry_cut_off_while_the_library_is_open_is_named(place: Path) -> None:
    with Library.open(place / "library") as opened:
        with opened.house.store.transaction() as connection:
            for table in (audit_details, audit):
                connection.execute(delete(table).where(table.c.leaf_index == 3))
        with pytest.raises(LogTampered) as verified:
            opened.verify_audit()
        with pytest.raises(LogTampered) as signed:
            opened.checkpoint()
        assert verified.value.index == signed.value.index == 3
        assert "missing" in verified.value.what
        assert opened.status().audit_problem


def test_a_log_that_was_rolled_back_whole_is_noticed(place: Path) -> None:
    shutil.copytree(place / "library", place / "old")
    with Library.open(place / "library") as opened:
        opened.create_collection("four", controller="Tennis club")
    shutil.rmtree(place / "library")
    (place / "old").rename(place / "library")
    for _ in range(2):
        # It goes on saying so, also once the log has gone on from there.
        ran = run("audit", "verify", "--json")
        assert (ran.code, ran.answer["error"]) == (5, "log_rolled_back")
        assert "rolled back" in run("status", "--json").answer["audit"]["problem"]
        assert run("collection", "audience", "one", "--drop", "owner").code in (0, 2)


def test_a_checkpoint_kept_elsewhere_is_held_against_the_log(place: Path) -> None:
    note = place / "checkpoint.txt"
    note.write_bytes(run("audit", "checkpoint").out)
    assert note.read_text().startswith("likeness/")
    before = run("audit", "verify", "--json").answer["witnesses"]
    with_it = run("audit", "verify", "--checkpoint", note, "--json")
    assert with_it.code == 0 and with_it.answer["witnesses"] == before + 1
    other = Library.create(place / "other", keyring=place / "other keys")
    other.close()
    refused = run("audit", "verify", "--checkpoint", note, "--library", place / "other")
    assert refused.code == 5 and "checkpoint kept elsewhere" in refused.err
    assert run("audit", "checkpoint", "--key").text.strip() == _key(place)


def _key(place: Path) -> str:
    with Library.open(place / "library") as opened:
        return opened.verifier_key


def test_a_keyring_that_others_can_reach_is_named_though_nothing_opens(place: Path) -> None:
    (place / "keys" / "keyring.sqlite3").chmod(0o644)
    ran = run("doctor", "--json")
    first, *rest = ran.answer["checks"]
    assert ran.code == 6 and (first["check"], first["state"]) == ("open", "fail")
    assert first["fix"].startswith("Run: chmod 600")
    assert {check["check"] for check in rest} >= {"sqlite", "models", "heic"}


def test_a_library_folder_that_others_can_read_fails(place: Path) -> None:
    (place / "library").chmod(0o755)
    code, states = _states()
    assert (code, states["library permissions"]) == (6, "fail")


def test_a_master_key_kept_apart_is_not_warned_about(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _states()[1]["master key"] == "warn"
    (place / "apart").mkdir()
    (place / "keys" / "master.key").rename(place / "apart" / "master.key")
    monkeypatch.setenv("LIKENESS_MASTER_KEY_FILE", str(place / "apart" / "master.key"))
    assert _states()[1]["master key"] == "ok"


def test_a_keyring_far_from_the_library_is_not_warned_about(
    place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert _states()[1]["keyring place"] == "warn"
    apart = tmp_path_factory.mktemp("far") / "library"
    Library.create(apart, keyring=place / "apart keys").close()
    checks = run("doctor", "--library", apart, "--json").answer["checks"]
    assert {c["check"]: c["state"] for c in checks}["keyring place"] == "ok"


def test_a_restored_backup_of_the_data_says_which_tombstones_it_lacks_nothing_of(
    place: Path,
) -> None:
    _change(place, update(library).values(tombstone_count=7))
    ran = run("doctor", "--json")
    assert ran.code == 6 and ran.answer["checks"][0]["check"] == "open"
    assert "erasures" in ran.answer["checks"][0]["what"]


def test_for_people_each_finding_is_a_line_with_what_to_do_below(place: Path) -> None:
    ran = run("doctor")
    assert "  ok  database: The library's database is whole.\n" in ran.text
    assert "warn  master key: " in ran.text
