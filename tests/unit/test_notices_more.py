"""Notices where something else goes on: several batches, backups, damage, removals, videos."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from films import Shot, drawn, film, stills
from ingest_parts import add, held, items
from promise_house import Place, rows
from sqlalchemy import text
from synthetic_engine import Drawn, save

from likeness import notices
from likeness.account import STOPPED_BY_A_NOTICE
from likeness.errors import LogTampered, NotAuthorised, SourceBlocked, StorageError
from likeness.fetch_memory import StoredMemory
from likeness.house import Progress
from likeness.library import Library
from likeness.records.collection import SourceRecord
from likeness.store import collections as collection_rows
from likeness.store import fetched, sightings
from likeness.store.notices import all_notices

ANN = 1


def give(library: Library, **what: Any) -> notices.GivenNotice:
    return library.give_notice(**{"given_by": "somebody", "reason": "asked", **what})


def linked_folder(folder: Path, pages: dict[str, str]) -> Path:
    """A folder whose link list leads to pages, by file name."""
    lines = ["path,page_url", *(f"{name},{page}" for name, page in pages.items())]
    (folder / "links.csv").write_text("\n".join(lines))
    return folder


def source(library: Library, kind: str, address: str) -> str:
    """A source of the first collection, as if something had been added from there."""
    source_id = f"src_{kind}"
    with library.house.store.transaction() as connection:
        collection_rows.insert_source(
            connection,
            SourceRecord(
                source_id=source_id,
                collection_id=collection_rows.collection_named(connection, "party").collection_id,
                kind=kind,
                address=address,
                state="active",
                added_at=library.house.clock(),
            ),
        )
    return source_id


def test_a_photo_is_counted_once_over_several_batches(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.purge.SIGHTINGS_AT_ONCE", 1)
    folder = tmp_path / "fair"
    pages = {}
    for number in (1, 2):
        save(folder / f"{number}a.png", Drawn(person=ANN, shot=number), salt=number)
        for copy in "bc":
            shutil.copy(folder / f"{number}a.png", folder / f"{number}{copy}.png")
        pages |= {f"{number}{copy}.png": f"https://example.org/{number}{copy}" for copy in "abc"}
    (tmp_path / "other").mkdir()
    shutil.copy(folder / "1a.png", tmp_path / "other" / "mine.png")
    add(library, linked_folder(folder, pages))
    add(library, tmp_path / "other")
    would = library.dry_run_notice(kind="domain", about="example.org")
    given = give(library, kind="domain", about="example.org")
    expected = {"sightings": 6, "photos": 1, "photos_kept": 1, "files_left": 6}
    assert {name: would[name] for name in expected} == expected
    assert {name: given.counts[name] for name in expected} == expected


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A video of three scenes, from a page of example.org."""
    (tmp_path / "films").mkdir()
    shots = [Shot(picture=drawn(seed), seconds=1.0) for seed in range(3)]
    (tmp_path / "films" / "fair.mp4").write_bytes(film(stills(shots)))
    return linked_folder(tmp_path / "films", {"fair.mp4": "https://example.org/film"})


def test_a_video_is_one_file_that_is_left(
    library: Library, films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.purge.SIGHTINGS_AT_ONCE", 1)
    frames = add(library, films).new
    assert frames >= 3
    assert library.dry_run_notice(kind="domain", about="example.org")["files_left"] == 1
    given = give(library, kind="domain", about="example.org")
    assert (given.counts["sightings"], given.counts["files_left"]) == (frames, 1)


def test_a_video_that_a_notice_stops_is_told_of_in_every_run_and_comes_back_when_it_is_lifted(
    library: Library, films: Path
) -> None:
    frames = add(library, films).new
    given = give(library, kind="domain", about="example.org")
    assert add(library, films).reasons[STOPPED_BY_A_NOTICE] == frames
    assert add(library, films).skipped_count > 0, "nothing is passed over in silence"
    library.lift_notice(given.notice_id, code=given.lift_code)
    assert add(library, films).new == frames


def test_a_backup_from_before_a_notice_that_was_lifted_does_not_undo_the_purge(
    place: Place, tmp_path: Path
) -> None:
    save(tmp_path / "fair" / "1.png", Drawn(person=ANN), salt=1)
    linked_folder(tmp_path / "fair", {"1.png": "https://example.org/1"})
    with place.open() as library:
        add(library, tmp_path / "fair")
    backup = place.back_up("backup")
    with place.open() as library:
        given = give(library, kind="domain", about="example.org")
        library.lift_notice(given.notice_id, code=given.lift_code)
    place.restore(backup)
    with place.open() as library:
        assert held(library) == (0, 0), "what was purged stays purged"
        assert [known.notice.state for known in library.notices()] == ["lifted"]
        assert add(library, tmp_path / "fair").new == 1


def test_opening_while_another_process_gives_a_notice_finds_it_done(
    library: Library, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of notices is read before the keyring: in between, one was given."""
    save(tmp_path / "fair" / "1.png", salt=1)
    linked_folder(tmp_path / "fair", {"1.png": "https://example.org/1"})
    add(library, tmp_path / "fair")
    give(library, kind="domain", about="example.org")
    answers: list[Any] = [[]]
    monkeypatch.setattr(
        notices.notice_rows,
        "all_notices",
        lambda connection: answers.pop() if answers else all_notices(connection),
    )
    assert notices.finish_notices(library.house) == 0
    assert [known.notice.state for known in library.notices()] == ["done"]


def test_a_damaged_audit_log_does_not_stand_in_the_way_of_a_notice_nor_of_opening(
    library: Library, place: Place, tmp_path: Path
) -> None:
    save(tmp_path / "fair" / "1.png", salt=1)
    linked_folder(tmp_path / "fair", {"1.png": "https://example.org/1"})
    add(library, tmp_path / "fair")
    with library.house.store.transaction() as connection:
        connection.execute(text("UPDATE library SET audit_tree = zeroblob(length(audit_tree))"))
    with pytest.raises(LogTampered):
        give(library, kind="domain", about="example.org")
    assert held(library) == (0, 0), "it is gone, and only the receipt waits"
    with place.open() as again:
        assert [known.notice.state for known in again.notices()] == ["purging"]


def test_of_two_notices_about_the_same_lifting_one_leaves_what_came_from_there_out(
    library: Library, tmp_path: Path
) -> None:
    save(tmp_path / "fair" / "1.png", salt=1)
    linked_folder(tmp_path / "fair", {"1.png": "https://example.org/1"})
    add(library, tmp_path / "fair")
    first = give(library, kind="domain", about="example.org")
    second = give(library, kind="domain", about="example.org")
    (tmp_path / "fair" / "links.csv").unlink()
    library.lift_notice(first.notice_id, code=first.lift_code)
    assert add(library, tmp_path / "fair").new == 0
    library.lift_notice(second.notice_id, code=second.lift_code)
    assert add(library, tmp_path / "fair").new == 1


def test_a_bucket_that_a_notice_stopped_is_asked_for_nothing(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    source_id = source(library, "bucket", "s3://photos")
    asked: list[str] = []
    monkeypatch.setattr(
        "likeness.recognise.BucketSource.prove", lambda _source: asked.append("proof")
    )
    give(library, kind="source", about=source_id)
    with pytest.raises(SourceBlocked):
        library.ingest("s3://photos", collection="party")
    assert asked == []


def test_a_crawl_that_takes_images_from_a_further_host_ends_with_that_hosts_yes(
    library: Library,
) -> None:
    pytest.importorskip("scrapy")
    house = library.house
    for host in ("museum.example.org", "images.example.net"):
        library.authorise(host)
    source_id = source(library, "iiif", "https://museum.example.org/manifest")
    with house.store.snapshot() as connection:
        collection = collection_rows.collection_named(connection, "party")
    memory = StoredMemory(house, collection)
    memory.belongs_to(
        kind="iiif",
        address="https://museum.example.org/manifest",
        hosts=("museum.example.org", "images.example.net"),
    )
    assert memory.require_active() == source_id
    give(library, kind="domain", about="example.net")
    with pytest.raises(NotAuthorised):
        memory.require_active()


def test_a_notice_about_one_page_takes_no_authorisation_back(library: Library) -> None:
    pytest.importorskip("scrapy")
    library.authorise("photos.example.org")
    give(library, kind="url", about="https://photos.example.org/")
    assert [one.domain for one in library.authorisations()] == ["photos.example.org"]
    give(library, kind="account", about="https://photos.example.org/")
    assert library.authorisations() == []


def test_a_source_that_is_stopped_while_it_is_removed_stays_stopped(
    library: Library, place: Place, tmp_path: Path
) -> None:
    save(tmp_path / "fair" / "1.png", salt=1)
    add(library, tmp_path / "fair")
    [one] = library.sources()

    def stop(progress: Progress) -> None:
        if progress.phase == "remove" and not library.notices():
            give(library, kind="source", about=one.source_id)

    library.remove(one.source_id, progress=stop)
    assert [source.state for source in library.sources()] == ["stopped"]
    with pytest.raises(SourceBlocked):
        add(library, tmp_path / "fair")


def test_a_photo_that_is_in_no_place_any_more_goes_with_a_notice_about_it(
    library: Library, tmp_path: Path
) -> None:
    """Such a photo is on its way out; a run that was killed leaves it until the next."""
    path = save(tmp_path / "fair" / "1.png", Drawn(person=ANN), salt=1)
    add(library, tmp_path / "fair")
    with library.house.store.transaction() as connection:
        sightings.delete_item(connection, library.sources()[0].source_id, "1.png")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    given = give(library, kind="photo", about=digest)
    assert (given.counts["photos"], given.counts["faces"]) == (1, 1)
    assert rows(library, "SELECT count(*) FROM faces") == [(0,)]


def test_what_a_crawl_remembers_of_stopped_addresses_goes_also_where_no_photo_was(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.purge.SIGHTINGS_AT_ONCE", 2)
    source_id = source(library, "website", "https://example.org")
    columns = {
        "etag": "",
        "last_modified": "",
        "size": 1,
        "modified_ns": 0,
        "link_mark": "",
        "page": "{}",
    }
    urls = [f"https://example.org/{who}/{n}" for who in ("ann", "bob") for n in range(5)]
    with library.house.store.transaction() as connection:
        fetched.put_fetched(connection, source_id, [{"url": url, **columns} for url in urls])
    give(library, kind="account", about="https://example.org/ann")
    left = {url for (url,) in rows(library, "SELECT url FROM fetched")}
    assert left == set(urls[5:])


def test_a_purge_that_breaks_off_counts_nothing_twice(
    library: Library, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.purge.SIGHTINGS_AT_ONCE", 1)
    for number in range(3):
        save(tmp_path / "fair" / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
    add(library, tmp_path / "fair")

    def crash(progress: Progress) -> None:
        if progress.phase == "purge" and progress.done == 2:
            raise StorageError("The disk went away.")

    with pytest.raises(StorageError):
        give(library, kind="source", about=library.sources()[0].source_id, progress=crash)
    assert items(library) != []
    with place.open() as again:
        [known] = again.notices()
        wanted = {"sightings": 3, "photos": 3, "faces": 3, "files_left": 3, "photos_kept": 0}
        assert {name: known.notice.counts[name] for name in wanted} == wanted


def test_whoever_gave_a_notice_has_its_code_also_where_the_purge_breaks_off(
    library: Library, place: Place, tmp_path: Path
) -> None:
    save(tmp_path / "fair" / "1.png", salt=1)
    add(library, tmp_path / "fair")
    told: list[tuple[str, str]] = []

    def crash(progress: Progress) -> None:
        if progress.phase == "purge":
            raise StorageError("The disk went away.")

    with pytest.raises(StorageError):
        give(
            library,
            kind="source",
            about=library.sources()[0].source_id,
            progress=crash,
            begun=lambda notice_id, code: told.append((notice_id, code)),
        )
    with place.open() as again:
        [(notice_id, code)] = told
        again.lift_notice(notice_id, code=code)
        assert [known.notice.state for known in again.notices()] == ["lifted"]


def test_a_site_that_a_notice_stopped_as_a_source_is_asked_for_nothing(library: Library) -> None:
    pytest.importorskip("scrapy")
    library.authorise("photos.example.org")
    source_id = source(library, "website", "https://photos.example.org")
    give(library, kind="source", about=source_id)
    assert library.authorisations() == [], "nor may a manifest take images from there"
    for ask in (library.authorise, library.check_authorisation):
        with pytest.raises(SourceBlocked):
            ask("photos.example.org")


def test_a_bucket_that_a_notice_stopped_cannot_be_authorised_again(library: Library) -> None:
    place = library.authorise("s3://photos").place
    source_id = source(library, "bucket", place)
    give(library, kind="source", about=source_id)
    assert library.authorisations() == []
    for ask in (library.authorise, library.check_authorisation):
        with pytest.raises(SourceBlocked):
            ask("s3://photos")
