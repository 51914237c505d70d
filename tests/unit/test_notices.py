"""Notices: what they stop, take out, keep out, and how they are undone."""

from __future__ import annotations

import hashlib
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ingest_parts import add, held, items
from promise_house import Place, enrol, found_photos, rows
from synthetic_engine import Drawn, save

from likeness import notices
from likeness.account import STOPPED_BY_A_NOTICE
from likeness.audit.commitment import open_commitment
from likeness.audit.receipt_file import verify_receipt
from likeness.errors import (
    NotFound,
    NotVerified,
    Refused,
    SourceBlocked,
    StorageError,
    UsageError,
)
from likeness.house import Progress
from likeness.library import Library

ANN = 1
LINKS = """path,page_url,media_url
0.png,https://example.org/fair/0,https://cdn.example.net/0.jpg
1.png,https://photos.example.org/fair/1,
2.png,https://twitter.com/ann/status/2,
3.png,https://x.com/anna/status/3,
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five photos of Ann; four link to pages elsewhere."""
    for number in range(5):
        save(tmp_path / "fair" / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
    (tmp_path / "fair" / "links.csv").write_text(LINKS)
    return tmp_path / "fair"


def give(library: Library, **what: Any) -> notices.GivenNotice:
    return library.give_notice(**{"given_by": "somebody", "reason": "asked", **what})


@pytest.mark.parametrize(
    ("kind", "about", "left"),
    [
        ("domain", "Example.ORG", {"2.png", "3.png", "4.png"}),
        ("domain", "photos.example.org", {"0.png", "2.png", "3.png", "4.png"}),
        ("domain", "example.net", {"1.png", "2.png", "3.png", "4.png"}),
        ("account", "https://x.com/Ann", {"0.png", "1.png", "3.png", "4.png"}),
        ("url", "http://www.example.org/fair/0/#top", {"1.png", "2.png", "3.png", "4.png"}),
        ("url", "https://cdn.example.net/0.jpg", {"1.png", "2.png", "3.png", "4.png"}),
        ("url", "https://example.org/", {"0.png", "1.png", "2.png", "3.png", "4.png"}),
    ],
)
def test_a_notice_takes_out_what_it_is_about_and_no_more(
    library: Library, folder: Path, kind: Any, about: str, left: set[str]
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    would = library.dry_run_notice(kind=kind, about=about)
    assert set(items(library)) == {f"{n}.png" for n in range(5)}, "a dry run changes nothing"
    given = give(library, kind=kind, about=about)
    assert set(items(library)) == left
    assert held(library) == (len(left), len(left))
    assert len(found_photos(library, ANN)) == len(left)
    gone = 5 - len(left)
    assert given.counts.get("photos", 0) == given.counts.get("sightings", 0) == gone
    assert (would["sightings"], would["photos"], would["files_left"]) == (gone, gone, gone)


def test_the_receipt_counts_and_dates_and_names_nobody(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    given = give(library, kind="domain", about="example.org", given_by="Eve", reason="my site")
    body = verify_receipt(given.receipt, key=library.verifier_key).receipt.body
    assert (body.kind, body.serial) == ("notice", given.serial)
    assert body.counts == {
        "sightings": 2,
        "photos": 2,
        "faces": 2,
        "links": 2,
        "photos_kept": 0,
        "files_left": 2,
        "sources_stopped": 0,
    }
    assert set(body.times) == {"stopped_at"}
    for word in (b"Eve", b"my site", b"example", str(folder).encode()):
        assert word not in given.receipt
    nonce = bytes.fromhex(given.opening["nonce"])
    details = given.opening["details"].encode()
    open_commitment(body.commitments[0], nonce=nonce, details=details)
    assert "Eve" in given.opening["details"]


def test_the_next_scan_of_the_folder_passes_the_files_over_and_touches_none(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    give(library, kind="domain", about="example.org")
    report = add(library, folder)
    assert dict(report.reasons) == {STOPPED_BY_A_NOTICE: 2}
    assert set(items(library)) == {"2.png", "3.png", "4.png"}
    (folder / "links.csv").unlink()
    report = add(library, folder)
    assert set(items(library)) == {"2.png", "3.png", "4.png"}, "the content is known by its hash"
    assert {p: b for p, b in before.items() if p.suffix == ".png"} == {
        path: path.read_bytes() for path in folder.iterdir()
    }


def test_a_photo_that_is_held_from_elsewhere_stays_with_that(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    enrol(library, "Ann", ANN)
    (tmp_path / "other").mkdir()
    shutil.copy(folder / "0.png", tmp_path / "other" / "mine.png")
    add(library, folder)
    add(library, tmp_path / "other")
    would = library.dry_run_notice(kind="domain", about="example.org")
    assert (would["photos"], would["photos_kept"]) == (1, 1)
    given = give(library, kind="domain", about="example.org")
    assert (given.counts["photos"], given.counts["photos_kept"]) == (1, 1)
    assert "mine.png" in items(library) and "0.png" not in items(library)
    kept = hashlib.sha256((tmp_path / "other" / "mine.png").read_bytes()).hexdigest()
    assert kept in found_photos(library, ANN)
    report = add(library, folder)
    assert report.reasons[STOPPED_BY_A_NOTICE] == 2, "from there it stays out"


def test_a_source_is_stopped_for_good_in_every_collection(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    add(library, folder, collection="club")
    [one, _] = library.sources()
    given = give(library, kind="source", about=one.source_id)
    assert given.counts["sources_stopped"] == 2
    assert held(library) == (0, 0)
    assert {source.state for source in library.sources()} == {"stopped"}
    for collection in ("party", "club"):
        with pytest.raises(SourceBlocked):
            add(library, folder, collection=collection)
    with pytest.raises(SourceBlocked):
        library.remove(one.source_id)


def test_what_came_from_a_stopped_source_does_not_come_back_from_another_folder(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    add(library, folder)
    give(library, kind="source", about=library.sources()[0].source_id)
    shutil.copytree(folder, tmp_path / "copy")
    (tmp_path / "copy" / "links.csv").unlink()
    save(tmp_path / "copy" / "new.png", salt=99)
    report = add(library, tmp_path / "copy")
    assert (report.new, dict(report.reasons)) == (1, {STOPPED_BY_A_NOTICE: 5})
    assert items(library) == ["new.png"]


def test_a_photo_goes_from_everywhere_and_stays_out_also_where_it_was_never_held(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    add(library, folder, collection="club")
    digest = hashlib.sha256((folder / "0.png").read_bytes()).hexdigest()
    later = save(tmp_path / "later" / "later.png", Drawn(person=ANN), salt=77)
    unheld = hashlib.sha256(later.read_bytes()).hexdigest()
    given = give(library, kind="photo", about=digest)
    assert (given.counts["sightings"], given.counts["photos"]) == (2, 1)
    assert digest not in found_photos(library, ANN)
    assert give(library, kind="photo", about=unheld).counts["photos"] == 0
    report = add(library, tmp_path / "later")
    assert (report.new, dict(report.reasons)) == (0, {STOPPED_BY_A_NOTICE: 1})


@pytest.mark.parametrize(
    ("kind", "about", "error"),
    [
        ("domain", "not a domain", UsageError),
        ("domain", "https://example.org/", UsageError),
        ("domain", "org", UsageError),
        ("account", "example.org/ann", UsageError),
        ("url", "javascript:alert(1)", UsageError),
        ("url", "https://user:word@example.org/", UsageError),
        ("photo", "abc", UsageError),
        ("source", "src_unknown", NotFound),
    ],
)
def test_what_is_not_what_its_kind_says_is_refused_and_nothing_is_kept(
    library: Library, kind: Any, about: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as raised:
        give(library, kind=kind, about=about)
    assert "user:word" not in str(raised.value)
    assert library.notices() == []
    with pytest.raises(error):
        library.dry_run_notice(kind=kind, about=about)


def test_a_notice_says_from_whom_it_is(library: Library) -> None:
    with pytest.raises(UsageError):
        give(library, kind="domain", about="example.org", given_by=" \n")
    assert library.notices() == []


def test_the_list_tells_what_was_given_and_the_files_hold_none_of_it_in_clear(
    library: Library, folder: Path, place: Place
) -> None:
    add(library, folder)
    give(
        library, kind="account", about="https://x.com/ann", given_by="Annabel", reason="mine alone"
    )
    [known] = library.notices()
    assert (known.notice.kind, known.notice.state) == ("account", "done")
    assert (known.terms.given_by, known.terms.reason) == ("Annabel", "mine alone")
    assert known.notice.counts["sightings"] == 1
    for path in place.files():
        content = path.read_bytes()
        for word in (b"Annabel", b"mine alone", b"com.x/ann/", b"twitter.com/ann/"):
            assert word not in content, (path.name, word)


def test_whoever_has_the_code_lifts_the_block_and_never_the_purge(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    given = give(library, kind="domain", about="example.org")
    with pytest.raises(NotVerified):
        library.lift_notice(given.notice_id, code="guessed")
    assert add(library, folder).reasons[STOPPED_BY_A_NOTICE] == 2
    library.lift_notice(given.notice_id, code=f" {given.lift_code}\n")
    assert set(items(library)) == {"2.png", "3.png", "4.png"}, "nothing comes back by itself"
    assert [known.notice.state for known in library.notices()] == ["lifted"]
    assert add(library, folder).new == 2
    with pytest.raises(Refused):
        library.lift_notice(given.notice_id, code=given.lift_code)
    with pytest.raises(NotFound):
        library.lift_notice("n_unknown", code="x")


def test_a_lifted_source_may_be_added_again_by_its_operator(library: Library, folder: Path) -> None:
    add(library, folder)
    source_id = library.sources()[0].source_id
    given = give(library, kind="source", about=source_id)
    library.lift_notice(given.notice_id, code=given.lift_code)
    assert [source.state for source in library.sources()] == ["removed"]
    assert add(library, folder).new == 5


def test_of_two_notices_about_the_same_lifting_one_leaves_the_other(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    source_id = library.sources()[0].source_id
    first = give(library, kind="source", about=source_id)
    second = give(library, kind="source", about=source_id)
    library.lift_notice(first.notice_id, code=first.lift_code)
    with pytest.raises(SourceBlocked):
        add(library, folder)
    library.lift_notice(second.notice_id, code=second.lift_code)
    assert add(library, folder).new == 5


def test_broken_off_half_way_it_hides_everything_and_is_finished_at_the_next_open(
    library: Library, folder: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    monkeypatch.setattr("likeness.purge.SIGHTINGS_AT_ONCE", 1)

    def crash(progress: Progress) -> None:
        if progress.phase == "purge" and progress.done:
            raise StorageError("The disk went away.")

    with pytest.raises(StorageError):
        give(library, kind="domain", about="example.org", progress=crash)
    assert len(items(library)) == 4, "one batch went"
    assert len(found_photos(library, ANN)) == 3, "and nothing of the rest shows"
    [known] = library.notices()
    assert known.notice.state == "purging"
    with place.open() as again:
        assert len(items(again)) == 3
        [known] = again.notices()
        assert (known.notice.state, known.notice.counts["sightings"]) == ("done", 2)
        receipt = again.receipt(known.notice.serial)
        assert verify_receipt(receipt, key=again.verifier_key).receipt.body.counts["photos"] == 2


def test_a_notice_that_never_reached_the_data_is_carried_out_at_the_next_open(
    library: Library, folder: Path, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was durable in the keyring: stopping is the side to err on."""
    add(library, folder)

    def crash(*_given: Any) -> None:
        raise StorageError("The disk went away.")

    with monkeypatch.context() as patch:
        patch.setattr(notices, "_stop", crash)
        with pytest.raises(StorageError):
            give(library, kind="domain", about="example.org")
    assert len(items(library)) == 5
    with place.open() as again:
        assert len(items(again)) == 3


def test_a_running_import_of_a_stopped_source_has_ended_when_the_call_returns(
    library: Library, place: Place, tmp_path: Path
) -> None:
    for number in range(60):
        save(tmp_path / "many" / f"{number:02}.png", Drawn(person=ANN, shot=number), salt=number)
    begun, ended = threading.Event(), threading.Event()
    raised: list[BaseException] = []

    def slowly(progress: Progress) -> None:
        if progress.phase == "photos" and progress.done:
            begun.set()
            threading.Event().wait(0.5)

    def run() -> None:
        with place.open() as other:
            try:
                other.ingest(tmp_path / "many", collection="party", progress=slowly)
            except BaseException as error:
                raised.append(error)
            ended.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(60)
    give(library, kind="source", about=library.sources()[0].source_id)
    assert ended.wait(5)
    thread.join()
    assert [type(error) for error in raised] == [SourceBlocked]
    assert held(library) == (0, 0)


def test_an_import_that_runs_on_keeps_nothing_of_a_domain_that_is_stopped_meanwhile(
    library: Library, place: Place, tmp_path: Path
) -> None:
    lines = ["path,page_url"]
    for number in range(40):
        save(tmp_path / "many" / f"{number:02}.png", salt=number)
        lines.append(f"{number:02}.png,https://{'example.org' if number % 2 else 'b.net'}/{number}")
    (tmp_path / "many" / "links.csv").write_text("\n".join(lines))
    given: list[notices.GivenNotice] = []

    def stop_once(progress: Progress) -> None:
        if progress.phase == "photos" and progress.done and not given:
            with place.open() as other:
                given.append(give(other, kind="domain", about="example.org"))

    report = library.ingest(tmp_path / "many", collection="party", progress=stop_once)
    assert given and len(items(library)) == 20
    assert report.reasons[STOPPED_BY_A_NOTICE] + given[0].counts["sightings"] == 20


def test_a_notice_is_in_the_audit_log_of_the_account_that_entered_it(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    before = rows(library, "SELECT count(*) FROM audit")[0][0]
    give(library, kind="domain", about="example.org")
    leaves = [bytes(leaf) for (leaf,) in rows(library, "SELECT leaf FROM audit")][before:]
    assert [leaf.split(b"\n")[1] for leaf in leaves] == [b"stop", b"notice"]
    library.verify_audit()


def test_the_block_list_is_of_no_use_without_the_keyring(library: Library, folder: Path) -> None:
    add(library, folder)
    give(library, kind="domain", about="example.org")
    marks = {bytes(mark) for (mark,) in rows(library, "SELECT mark FROM blocks")}
    assert len(marks) == 3
    for name in ("0.png", "1.png"):
        digest = hashlib.sha256((folder / name).read_bytes())
        assert digest.digest() not in marks and digest.hexdigest().encode() not in marks
    assert hashlib.sha256(b"example.org").digest() not in marks


def test_a_photo_whose_address_is_stopped_is_not_even_looked_at(
    library: Library, folder: Path
) -> None:
    give(library, kind="domain", about="example.org")
    report = add(library, folder)
    assert (report.faces, report.new) == (3, 3)


def test_given_again_it_takes_nothing_and_has_a_receipt_of_its_own(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    first = give(library, kind="domain", about="example.org")
    second = give(library, kind="domain", about="example.org")
    assert first.serial != second.serial
    assert second.counts.get("sightings", 0) == 0
    assert replace(second, lift_code="") != replace(first, lift_code="")
