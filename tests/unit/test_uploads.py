"""Uploads: in pieces, resumable, and their files are the library's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from export_archives import zip_of
from hypothesis import given, settings
from hypothesis import strategies as st
from promise_house import Clock, enrol, found_photos, rows
from upload_parts import ANN, begun, lying, picture, send, upload, x_files

from likeness import source_runs, uploads
from likeness.errors import (
    BadInput,
    NotFound,
    SourceUnreadable,
    StorageError,
    UploadConflict,
    UsageError,
)
from likeness.library import Library
from likeness.uploaded import folder_of, sweep


@pytest.fixture
def files() -> dict[str, bytes]:
    return {"day/one.png": picture(1), "day/two.png": picture(2)}


def test_photos_that_arrive_in_pieces_are_found_and_stay_as_originals(
    library: Library, files: dict[str, bytes]
) -> None:
    enrol(library, "Ann", ANN)
    upload_id, report = upload(library, files)
    assert (report.found, report.new, report.linked) == (2, 2, 2)
    assert len(found_photos(library, ANN)) == 2
    assert lying(library, upload_id) == {
        "one.png": files["day/one.png"],
        "two.png": files["day/two.png"],
    }
    (source,) = library.sources()
    assert (source.kind, source.address, source.state) == ("upload", upload_id, "active")
    assert uploads.state(library.house, upload_id).state == "done"
    assert rows(library, "SELECT count(*) FROM upload_files") == [(0,)]


def test_the_link_back_tells_no_path_of_the_server(
    library: Library, files: dict[str, bytes], tmp_path: Path
) -> None:
    upload_id, _ = upload(library, files)
    found = rows(library, "SELECT page_url, media_url FROM sightings ORDER BY item")
    assert found[0] == (f"upload:{upload_id}/one.png", f"upload:{upload_id}/one.png")
    assert str(tmp_path) not in str(found)


def test_a_link_list_among_the_files_is_read_and_stays(library: Library) -> None:
    row = "path,page_url,text\n1.png,https://example.org/day,The first day\n"
    files = {"1.png": picture(1), "links.csv": row.encode()}
    upload_id, _ = upload(library, files)
    assert rows(library, "SELECT page_url FROM sightings") == [("https://example.org/day",)]
    assert set(lying(library, upload_id)) == {"1.png", "links.csv"}
    library.remove(library.sources()[0].source_id)
    assert lying(library, upload_id) == {}


def test_what_was_not_taken_in_is_not_kept(library: Library) -> None:
    files = {"good.png": picture(1), "broken.png": b"no photo", "words.txt": b"private"}
    upload_id, report = upload(library, files)
    assert set(lying(library, upload_id)) == {"good.png"}
    assert {one.item for one in report.skipped} >= {"broken.png"}


def test_folders_and_files_are_for_the_owner_of_the_process_alone(
    library: Library, files: dict[str, bytes]
) -> None:
    upload_id, _ = upload(library, files)
    folder = folder_of(library.house, upload_id)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_piece_that_does_not_begin_where_the_file_ends_is_told_where_that_is(
    library: Library, files: dict[str, bytes]
) -> None:
    upload_id = begun(library, files)
    house = library.house
    assert uploads.append(house, upload_id, 1, 0, b"x" * 100) == 100
    for offset in (0, 99, 101, -1, 10**15):
        with pytest.raises(UploadConflict) as caught:
            uploads.append(house, upload_id, 1, offset, b"x")
        assert caught.value.received == 100
    assert [one.received for one in uploads.state(house, upload_id).files] == [100, 0]


@settings(max_examples=20, deadline=None)
@given(sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=12), lost=st.data())
def test_whatever_pieces_and_losses_the_file_is_what_was_sent(
    sizes: list[int], lost: st.DataObject, new_place: object
) -> None:
    assert callable(new_place)
    with new_place().open() as library:
        content = bytes(range(256)) * (sum(sizes) // 256 + 1)
        files = {"one.png": content[: sum(sizes)]}
        upload_id, at = begun(library, files), 0
        path = folder_of(library.house, upload_id) / "one.png"
        for size in sizes:
            if at and lost.draw(st.booleans()):
                # As after a crash: a part that was not acknowledged lies at the end.
                with path.open("ab") as file:
                    file.write(b"lost" * lost.draw(st.integers(1, 500)))
            chunk = files["one.png"][at : at + size]
            at = uploads.append(library.house, upload_id, 1, at, chunk)
        assert lying(library, upload_id) == files


def test_a_piece_cannot_be_too_large_nor_reach_beyond_what_was_told(
    library: Library, files: dict[str, bytes]
) -> None:
    upload_id = begun(library, files)
    house = library.house
    with pytest.raises(BadInput):
        uploads.append(house, upload_id, 1, 0, bytes(uploads.CHUNK_BYTES + 1))
    with pytest.raises(BadInput):
        uploads.append(house, upload_id, 1, 0, bytes(len(files["day/one.png"]) + 1))
    assert uploads.state(house, upload_id).received == 0


def test_what_has_yet_to_arrive_keeps_it_from_being_taken_in(
    library: Library, files: dict[str, bytes]
) -> None:
    upload_id = begun(library, files)
    with pytest.raises(UploadConflict, match="2 of 2"):
        uploads.finish(library.house, upload_id)
    send(library, upload_id, files)
    uploads.finish(library.house, upload_id)
    with pytest.raises(UploadConflict):
        uploads.finish(library.house, upload_id)
    with pytest.raises(UploadConflict):
        uploads.append(library.house, upload_id, 1, 0, b"x")


def test_an_upload_is_that_accounts_who_began_it(library: Library, files: dict[str, bytes]) -> None:
    upload_id = begun(library, files)
    other = library.acting_as(library.create_account("other", role="operator"))
    for act in (
        lambda: uploads.state(other.house, upload_id),
        lambda: uploads.append(other.house, upload_id, 1, 0, b"x"),
        lambda: uploads.finish(other.house, upload_id),
        lambda: uploads.abandon(other.house, upload_id),
        lambda: uploads.state(library.house, "../../keys"),
    ):
        with pytest.raises(NotFound):
            act()
    assert uploads.own_uploads(other.house) == []
    assert [one.upload_id for one in uploads.own_uploads(library.house)] == [upload_id]


def test_hostile_names_stay_in_the_folder(library: Library, tmp_path: Path) -> None:
    names = [
        *("../../../evil.png", "/etc/evil.png", "..\\evil.png", "a/../../b.png", "EVIL.PNG"),
        *(
            "a\x00.png",
            "\ud800.png",
            "gnp.\u202e.png",
            "\u0301" * 200 + ".png",
            "x" * 5000 + ".png",
        ),
        *(
            "NUL.png",
            "\u00e9.png",
            "e\u0301.png",
            "C:evil.png",
            "~.png",
            "-rf.png",
            "%2e%2e%2f.png",
        ),
    ]
    before = set(tmp_path.rglob("*"))
    files = {name: picture(number) for number, name in enumerate(names)}
    upload_id, report = upload(library, files)
    assert report.new == len(names)
    folder = folder_of(library.house, upload_id)
    new = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path for path in new if path.suffix.lower() == ".png"} == set(folder.iterdir())


def test_a_link_that_was_planted_in_the_folder_is_not_followed(
    library: Library, files: dict[str, bytes], tmp_path: Path
) -> None:
    upload_id = begun(library, files)
    folder = folder_of(library.house, upload_id)
    folder.mkdir(parents=True)
    (folder / "one.png").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        uploads.append(library.house, upload_id, 1, 0, b"x")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("photos", []),
        ("photos", [("a.png", -1)]),
        ("photos", [("a.png", 2**60)]),
        ("photos", [("a.png", 1)] * (uploads.MOST_FILES + 1)),
        ("export", [("export.tar.gz", 1)]),
    ],
)
def test_what_cannot_be_uploaded_is_refused_before_it_begins(
    library: Library, kind: uploads.UploadKind, files: list[tuple[str, int]]
) -> None:
    with pytest.raises(UsageError):
        uploads.begin(library.house, "party", kind, files)


def test_a_disk_without_room_is_told_with_what_is_needed(library: Library) -> None:
    free = shutil.disk_usage(library.house.settings.path).free
    with pytest.raises(StorageError, match=r"these files need [0-9.]+ GB"):
        uploads.begin(library.house, "party", "export", [("a.zip", free)])
    # What other uploads have yet to bring is promised to them.
    uploads.begin(library.house, "party", "export", [("a.zip", free - 2 * uploads.ROOM_LEFT)])
    with pytest.raises(StorageError):
        uploads.begin(library.house, "party", "export", [("b.zip", 2 * uploads.ROOM_LEFT)])
    with pytest.raises(NotFound):
        uploads.begin(library.house, "nothing", "photos", [("a.png", 1)])


def test_the_archive_of_an_export_goes_once_its_photos_were_taken_in(
    library: Library, tmp_path: Path
) -> None:
    archive = zip_of(tmp_path / "x.zip", x_files()).read_bytes()
    enrol(library, "Ann", ANN)
    upload_id, report = upload(library, {"twitter-2026.zip": archive}, kind="export")
    assert (report.new, report.linked) == (2, 2)
    assert lying(library, upload_id) == {}
    assert [source.kind for source in library.sources()] == ["export-x"]
    assert len(found_photos(library, ANN)) == 2


def test_an_archive_that_is_no_export_is_said_and_can_be_abandoned(
    library: Library, tmp_path: Path
) -> None:
    archive = zip_of(tmp_path / "a.zip", {"1.png": picture(1)}).read_bytes()
    upload_id = begun(library, {"a.zip": archive}, kind="export")
    send(library, upload_id, {"a.zip": archive})
    with pytest.raises(SourceUnreadable):
        uploads.finish(library.house, upload_id)
    assert uploads.state(library.house, upload_id).state == "failed"
    uploads.abandon(library.house, upload_id)
    assert not folder_of(library.house, upload_id).exists()
    with pytest.raises(NotFound):
        uploads.state(library.house, upload_id)


def test_taking_in_that_was_broken_off_can_be_asked_again(
    library: Library, files: dict[str, bytes]
) -> None:
    upload_id = begun(library, files)
    send(library, upload_id, files)

    def crash(_progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        uploads.finish(library.house, upload_id, progress=crash)
    assert sweep(library.house).total() == 0
    assert uploads.finish(library.house, upload_id).new == 2
    assert len(lying(library, upload_id)) == 2


def test_an_upload_that_nobody_goes_on_with_goes_after_a_week(
    library: Library, files: dict[str, bytes], clock: Clock
) -> None:
    kept, _ = upload(library, files)
    left = begun(library, {"a.png": b"aaaa"})
    clock.advance(days=6)
    uploads.append(library.house, left, 1, 0, b"aa")
    clock.advance(days=6)
    assert uploads.forget_lapsed(library.house) == 1
    assert uploads.state(library.house, left).received == 2
    clock.advance(days=2)
    assert uploads.forget_lapsed(library.house) == 1
    assert not folder_of(library.house, left).exists()
    # What was taken in stays; only that it was an upload is forgotten.
    assert len(lying(library, kept)) == 2


def test_a_photo_that_goes_takes_its_file_with_it(
    library: Library, files: dict[str, bytes], clock: Clock
) -> None:
    upload_id, _ = upload(library, files)
    clock.advance(days=20)
    later, _ = upload(library, {"later.png": picture(3)})
    library.change_collection("party", retention_days=30)
    clock.advance(days=15)
    assert library.apply_retention().photos == 2
    assert lying(library, upload_id) == {}
    assert set(lying(library, later)) == {"later.png"}


def test_it_can_be_taken_in_once_more(library: Library, files: dict[str, bytes]) -> None:
    upload(library, files)
    with library.house.store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM previews")
    report = source_runs.run_again(library.house, library.sources()[0].source_id)
    assert (report.new, report.known) == (0, 2)
    assert rows(library, "SELECT count(*) FROM previews") == [(2,)]


def test_a_library_that_moves_takes_its_uploads_along(
    library: Library, files: dict[str, bytes]
) -> None:
    upload(library, files)
    addresses = rows(library, "SELECT address FROM sources")
    assert not any("/" in address for (address,) in addresses)


def test_what_is_acknowledged_is_on_disk_under_a_name_that_is_too(
    library: Library, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file, its folder, and the folders in which these lie, all made by the first piece."""
    synced, fsync = set(), os.fsync

    def noted(descriptor: int) -> None:
        synced.add(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    upload_id = begun(library, files)
    monkeypatch.setattr(os, "fsync", noted)
    uploads.append(library.house, upload_id, 1, 0, files["day/one.png"][:5])
    folder = folder_of(library.house, upload_id)
    assert synced >= {folder / "one.png", folder, folder.parent, library.house.settings.path}
