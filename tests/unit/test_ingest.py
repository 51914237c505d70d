"""Taking photos in: what comes, moves, changes and goes is followed, and what is off is named."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from promise_house import START, Clock, Place, enrol, found_photos, rows, said_yes
from synthetic_engine import NEAR, Drawn, RecordingEngine, draw, save

from likeness import ingest as ingest_module
from likeness.arrivals import BATCH
from likeness.errors import NotFound, PhotoUnreadable, SourceUnreadable
from likeness.faces.decode import decode
from likeness.house import House, Progress
from likeness.ingest import IngestReport, Skipped
from likeness.library import Library
from likeness.records.photo import DecodedPhoto, ReadLimits
from likeness.sources.base import SkippedEntry, SourceEntry
from likeness.sources.folder import FolderSource

ANN, BOB = 1, 2


class LookingEngine(RecordingEngine):
    """Counts the photos in which faces were looked for."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.looked = 0

    def find_many(self, images: Any) -> Any:
        self.looked += len(images)
        return self._engine.find_many(images)


class CountingDecoders:
    """Decodes in this process, and counts."""

    def __init__(self, limits: ReadLimits | None = None) -> None:
        self.limits = limits or ReadLimits()
        self.decoded = 0

    def decode(self, data: bytes, *, long_side: int | None) -> DecodedPhoto:
        self.decoded += 1
        return decode(data, limits=self.limits, long_side=long_side)

    def close(self) -> None:
        """Nothing is held."""


@pytest.fixture
def engine(pack: Any) -> LookingEngine:
    from synthetic_engine import SyntheticEngine

    return LookingEngine(SyntheticEngine(pack))


@pytest.fixture
def decoders() -> CountingDecoders:
    return CountingDecoders()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo of Ann, one of her with Bob, and one of nobody, in two folders."""
    folder = tmp_path / "photos"
    save(folder / "ann.png", Drawn(person=ANN, look=NEAR), salt=1)
    save(folder / "sub" / "both.png", Drawn(person=BOB), Drawn(person=ANN), salt=2)
    save(folder / "sub" / "nobody.png", salt=3)
    return folder


def add(library: Library, folder: Path, **how: Any) -> IngestReport:
    return library.ingest(folder, **{"collection": "party", **how})


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    return report.found, report.new, report.known, report.gone


def items(library: Library) -> list[str]:
    return [item for (item,) in rows(library, "SELECT item FROM sightings ORDER BY item")]


def held(library: Library) -> tuple[int, int]:
    return (
        rows(library, "SELECT count(*) FROM photos")[0][0],
        rows(library, "SELECT count(*) FROM faces")[0][0],
    )


def linked(library: Library) -> set[str]:
    """Items in which somebody is linked."""
    found = rows(
        library,
        "SELECT item FROM sightings JOIN links USING (photo_id) WHERE decision = 'same'",
    )
    return {item for (item,) in found}


def test_the_account_of_a_run_counts_what_came(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    report = add(library, folder)
    assert counts(report) == (3, 3, 0, 0)
    assert (report.faces, report.linked, report.proposed, report.skipped) == (3, 2, 0, ())
    assert items(library) == ["ann.png", "sub/both.png", "sub/nobody.png"]
    assert held(library) == (3, 3)


def test_a_second_run_reads_nothing_again_and_changes_nothing(
    library: Library, folder: Path, engine: LookingEngine, decoders: CountingDecoders
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = (decoders.decoded, engine.looked, engine.calls, rows(library, "SELECT * FROM links"))
    report = add(library, folder)
    assert counts(report) == (3, 0, 3, 0)
    assert (report.faces, report.linked) == (0, 0)
    after = (decoders.decoded, engine.looked, engine.calls, rows(library, "SELECT * FROM links"))
    assert after == before


def test_faces_are_numbered_from_the_left_with_boxes_in_the_original(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    boxes = rows(
        library,
        'SELECT number, "left", top, "right", bottom FROM faces JOIN sightings USING (photo_id)'
        " WHERE item = 'sub/both.png' ORDER BY number",
    )
    assert boxes == [(1, 64, 0, 128, 64), (2, 128, 0, 192, 64)]


def test_boxes_of_a_photo_that_was_reduced_are_in_pixels_of_the_original(
    place: Place, folder: Path
) -> None:
    large = np.asarray(Image.open(folder / "sub" / "both.png")).repeat(2, 0).repeat(2, 1)
    Image.fromarray(large).save(folder / "sub" / "both.png")
    with place.open() as library:
        house = library.house
        settings = replace(house.settings, detection_side=large.shape[1] // 2)
        add(Library(replace(house, settings=settings)), folder / "sub")
        assert rows(library, "SELECT width, height FROM photos ORDER BY width") == [
            (64, 64),
            (384, 128),
        ]
        assert rows(library, 'SELECT "left", top, "right", bottom FROM faces') == [
            (128, 0, 256, 128),
            (256, 0, 384, 128),
        ]


def test_a_file_that_moved_is_the_same_photo_with_its_links(
    library: Library, folder: Path, engine: LookingEngine
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = rows(library, "SELECT photo_id, sha256, matched_through FROM photos")
    links = rows(library, "SELECT * FROM links")
    looked, templates = engine.looked, engine.calls
    (folder / "elsewhere").mkdir()
    (folder / "ann.png").rename(folder / "elsewhere" / "renamed.png")
    report = add(library, folder)
    assert counts(report) == (3, 0, 3, 1)
    assert items(library) == ["elsewhere/renamed.png", "sub/both.png", "sub/nobody.png"]
    assert rows(library, "SELECT photo_id, sha256, matched_through FROM photos") == before
    assert rows(library, "SELECT * FROM links") == links
    assert (engine.looked, engine.calls) == (looked, templates), "nobody looks a second time"


def test_a_file_that_is_gone_takes_photo_faces_and_links_with_it(
    library: Library, folder: Path
) -> None:
    ann = enrol(library, "Ann", ANN)
    add(library, folder)
    (folder / "sub" / "both.png").unlink()
    report = add(library, folder)
    assert counts(report) == (2, 0, 2, 1)
    assert items(library) == ["ann.png", "sub/nobody.png"]
    assert held(library) == (2, 1)
    assert linked(library) == {"ann.png"}
    assert library.people()[0].photos == 1
    assert len(found_photos(library, ANN, as_person=ann)) == 0, "she said be_found alone"


def test_other_bytes_under_the_same_name_are_another_photo(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    old = rows(library, "SELECT photo_id FROM sightings WHERE item = 'ann.png'")
    save(folder / "ann.png", Drawn(person=BOB), salt=9)
    report = add(library, folder)
    assert counts(report) == (3, 1, 2, 0)
    assert rows(library, "SELECT photo_id FROM sightings WHERE item = 'ann.png'") != old
    assert held(library) == (3, 3)
    assert linked(library) == {"sub/both.png"}


def test_a_file_that_was_only_touched_is_read_and_known(
    library: Library, folder: Path, engine: LookingEngine
) -> None:
    add(library, folder)
    looked = engine.looked
    os.utime(folder / "ann.png", ns=(1, 1))
    assert counts(add(library, folder)) == (3, 0, 3, 0)
    assert engine.looked == looked
    assert rows(library, "SELECT modified_ns FROM sightings WHERE item = 'ann.png'") == [(1,)]


def test_the_same_photo_twice_is_one_photo_in_two_places(
    library: Library, tmp_path: Path, engine: LookingEngine
) -> None:
    """Beside each other in one batch, and batches apart."""
    folder = tmp_path / "photos"
    same = save(folder / "00 first.png", Drawn(person=ANN), salt=1)
    shutil.copy(same, folder / "01 beside.png")
    for number in range(2 * BATCH):
        save(folder / f"50 {number:02}.png", salt=100 + number)
    shutil.copy(same, folder / "99 last.png")
    enrol(library, "Ann", ANN)
    report = add(library, folder)
    assert counts(report) == (2 * BATCH + 3, 2 * BATCH + 1, 2, 0)
    assert (report.faces, report.linked) == (1, 1)
    assert engine.looked == 2 * BATCH + 1
    [photo] = library.show(library.people()[0].person.person_id)[1]
    assert [s.item for s in photo.sightings] == ["00 first.png", "01 beside.png", "99 last.png"]
    (folder / "00 first.png").unlink()
    assert counts(add(library, folder))[3] == 1
    assert linked(library) == {"01 beside.png", "99 last.png"}


def test_an_edited_link_list_changes_the_links_back_and_nothing_is_looked_at_again(
    library: Library, folder: Path, engine: LookingEngine
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = rows(library, "SELECT * FROM photos")
    looked, templates = engine.looked, engine.calls
    for page in ("https://example.org/first", "https://example.org/second", ""):
        listed = f"path,page_url,text\nann.png,{page},The party\n" if page else "path,page_url\n"
        (folder / "links.csv").write_text(listed)
        assert counts(add(library, folder)) == (3, 0, 3, 0)
        [(url, link_from, words)] = rows(
            library, "SELECT page_url, link_from, text FROM sightings WHERE item = 'ann.png'"
        )
        if page:
            assert (url, link_from, words) == (page, "links.csv", "The party")
        else:
            assert (url, link_from) == ((folder / "ann.png").as_uri(), "file")
    assert rows(library, "SELECT * FROM photos") == before
    assert (engine.looked, engine.calls) == (looked, templates)


def test_what_is_off_is_named_with_the_reason_and_the_run_goes_on(
    library: Library, folder: Path, decoders: CountingDecoders
) -> None:
    decoders.limits = ReadLimits(max_pixels=100_000)
    good = (folder / "ann.png").read_bytes()
    (folder / "broken.png").write_bytes(good[:60] + b"\0" * 40 + good[100:])
    (folder / "cut.png").write_bytes(good[: len(good) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "letter.jpg").write_bytes(b"Dear Ann,\n" * 50)
    Image.new("L", (1000, 101)).save(folder / "huge.png")
    (folder / "clip.mp4").write_bytes(b"a video")
    (folder / "aside.png").symlink_to(folder / "ann.png")
    (folder / "links.csv").write_text("path,page_url\nann.png,javascript:alert(1)\n")
    os.mkfifo(folder / "pipe.jpg")
    report = add(library, folder)
    skipped = {one.item: one.reason for one in report.skipped}
    assert skipped.pop("broken.png") in {"broken", "truncated"}
    assert skipped.pop("links.csv:2")
    assert skipped == {
        "cut.png": "truncated",
        "empty.jpg": "empty",
        "letter.jpg": "not_a_photo",
        "huge.png": "too_large",
        "clip.mp4": "not a photo (video)",
        "aside.png": "symbolic link",
        "pipe.jpg": "not a regular file",
    }
    assert (report.new, report.found) == (3, 8)
    assert items(library) == ["ann.png", "sub/both.png", "sub/nobody.png"]


def test_a_photo_under_another_formats_suffix_is_read_by_what_it_is(
    library: Library, folder: Path
) -> None:
    (folder / "ann.png").rename(folder / "ann.jpg")
    assert counts(add(library, folder)) == (3, 3, 0, 0)
    assert {form for (form,) in rows(library, "SELECT format FROM photos")} == {"PNG"}


def test_a_heic_photo_without_the_extra_is_skipped_and_read_once_it_is_there(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heif = pytest.importorskip("pillow_heif")
    try:
        heif.from_pillow(Image.new("RGB", (64, 64))).save(folder / "phone.heic")
    except (RuntimeError, ValueError):
        pytest.skip("pillow_heif has no encoder here")
    with monkeypatch.context() as patched:
        patched.setitem(__import__("sys").modules, "pillow_heif", None)
        report = add(library, folder)
    assert report.skipped == (Skipped(item="phone.heic", reason="heic_unsupported"),)
    assert (report.found, report.new) == (4, 3)
    report = add(library, folder)
    assert (report.new, report.skipped) == (1, ())


@dataclass(frozen=True)
class Hidden:
    """A folder in which something could not be looked into, or not read, just now."""

    source: FolderSource
    hide: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.source, name)

    def entries(self) -> Iterator[SourceEntry | SkippedEntry]:
        told = False
        for entry in self.source.entries():
            if not entry.item.startswith(self.hide):
                yield entry
            elif not told:
                told = True
                yield SkippedEntry(item=self.hide, reason="permission denied", hides=True)


def add_hidden(library: Library, folder: Path, hide: str) -> IngestReport:
    [party] = [c for c in library.collections() if c.name == "party"]
    source = Hidden(FolderSource(folder), hide)
    return ingest_module.ingest(library.house, source, collection=party)  # type: ignore[arg-type]


@pytest.mark.parametrize("hide", ["sub", "sub/both.png"])
def test_what_cannot_be_looked_into_just_now_keeps_its_photos(
    library: Library, folder: Path, hide: str
) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = items(library), linked(library), held(library)
    report = add_hidden(library, folder, hide)
    assert report.gone == 0
    assert report.skipped == (Skipped(item=hide, reason="permission denied"),)
    assert (items(library), linked(library), held(library)) == before
    # But what is beside it and gone is gone.
    (folder / "ann.png").unlink()
    assert add_hidden(library, folder, hide).gone == 1
    shutil.rmtree(folder / "sub")
    save(folder / "new.png", salt=8)
    assert add(library, folder).gone == 2


def test_a_file_that_cannot_be_read_just_now_keeps_its_photo(
    library: Library, folder: Path
) -> None:
    """It has grown beyond the limit on bytes, as while something is written to it."""
    enrol(library, "Ann", ANN)
    add(library, folder)
    with (folder / "ann.png").open("ab") as file:
        file.truncate(3_000_000)
    house = library.house
    limits = replace(house.settings.limits, max_bytes=2_000_000)
    tight = Library(replace(house, settings=replace(house.settings, limits=limits)))
    report = add(tight, folder)
    assert report.skipped == (Skipped(item="ann.png", reason="too large"),)
    assert (report.gone, linked(library)) == (0, {"ann.png", "sub/both.png"})


def test_a_file_that_is_no_photo_any_more_loses_its_photo(library: Library, folder: Path) -> None:
    enrol(library, "Ann", ANN)
    add(library, folder)
    (folder / "ann.png").write_bytes(b"overwritten")
    report = add(library, folder)
    assert report.skipped == (Skipped(item="ann.png", reason="not_a_photo"),)
    assert (report.gone, linked(library)) == (1, {"sub/both.png"})


def test_a_folder_whose_photos_are_all_gone_at_once_is_not_taken_for_empty(
    library: Library, folder: Path
) -> None:
    """Such as the mount point of a disk that is not connected."""
    enrol(library, "Ann", ANN)
    add(library, folder)
    before = items(library), linked(library), held(library)
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    with pytest.raises(SourceUnreadable, match="None of the 3 photos") as caught:
        add(library, folder)
    assert "likeness remove SOURCE" in caught.value.fix
    assert (items(library), linked(library), held(library)) == before
    folder.rmdir()
    folder.with_name("away").rename(folder)
    assert counts(add(library, folder)) == (3, 0, 3, 0)


def test_an_empty_folder_is_no_error(library: Library, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert counts(add(library, tmp_path / "empty")) == (0, 0, 0, 0)


def test_one_photo_can_be_added_and_leaves_the_rest_of_its_folder_alone(
    library: Library, folder: Path
) -> None:
    add(library, folder)
    extra = save(folder / "extra.png", salt=8)
    (folder / "ann.png").unlink()
    report = add(library, extra)
    assert counts(report) == (1, 1, 0, 0)
    assert items(library) == ["ann.png", "extra.png", "sub/both.png", "sub/nobody.png"]
    assert len(library.sources()) == 1
    assert counts(add(library, folder)) == (3, 0, 3, 1)


@pytest.mark.parametrize("path", ["nothing", "photos/ann.png/below", "place/library"])
def test_what_is_no_folder_of_photos_is_refused_and_no_source_is_made(
    library: Library, folder: Path, tmp_path: Path, path: str
) -> None:
    with pytest.raises(SourceUnreadable):
        add(library, tmp_path / path)
    assert library.sources() == []


def test_a_collection_that_does_not_exist_is_named(library: Library, folder: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        add(library, folder, collection="nowhere")
    assert library.sources() == []


def test_the_librarys_own_folder_is_passed_over(
    library: Library, place: Place, tmp_path: Path
) -> None:
    save(tmp_path / "ann.png", Drawn(person=ANN))
    save(place.library / "stray.png", Drawn(person=BOB))
    report = add(library, tmp_path)
    assert items(library) == ["ann.png"]
    assert "place/library" in {one.item for one in report.skipped}


def test_a_removed_source_can_be_added_again_by_name(library: Library, folder: Path) -> None:
    add(library, folder)
    [source] = library.sources()
    library.remove(source.source_id)
    assert library.sources()[0].state == "removed"
    assert counts(add(library, folder)) == (3, 3, 0, 0)
    assert [s.state for s in library.sources()] == ["active"]
    assert library.sources()[0].source_id == source.source_id


def test_progress_rises_to_the_total_and_says_what_is_done(
    library: Library, tmp_path: Path
) -> None:
    for number in range(2 * BATCH + 1):
        save(tmp_path / "photos" / f"{number:02}.png", Drawn(person=ANN), salt=number)
    steps: list[Progress] = []
    add(library, tmp_path / "photos", progress=steps.append)
    total = 2 * BATCH + 1
    assert [(s.phase, s.done, s.total) for s in steps] == [
        ("photos", done, total) for done in (0, BATCH, 2 * BATCH, total)
    ]


def test_the_run_is_in_the_audit_log_without_a_name_of_folder_or_file(
    library: Library, folder: Path
) -> None:
    from likeness.store import audit_log

    add(library, folder)
    house = library.house
    with house.store.snapshot() as connection:
        key = house.keyring.key(house.account.account_id)
        details = audit_log.details_of(connection, house.account.account_id, key=key)[-1]["details"]
    assert details.pop("at") and details.pop("source") == library.sources()[0].source_id
    assert details == {"found": 3, "new": 3, "known": 0, "gone": 0, "skipped": 0}
    assert rows(library, "SELECT count(*) FROM runs WHERE finished_at IS NOT NULL") == [(1,)]


Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Does something once the first batch was compared and before it is kept."""

    def arrange(act: Callable[[], object]) -> None:
        arrivals = ingest_module.arrivals

        def interrupted(house: House, *given: Any) -> Iterator[Any]:
            for number, batch in enumerate(arrivals(house, *given)):
                if number == 0:
                    act()
                yield batch

        monkeypatch.setattr(ingest_module, "arrivals", interrupted)

    return arrange


def test_somebody_who_enrols_while_a_photo_is_on_its_way_is_found_in_it(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile
) -> None:
    with place.open() as other:
        meanwhile(lambda: enrol(other, "Ann", ANN))
        report = add(library, folder)
    assert report.linked == 2
    assert linked(library) == {"ann.png", "sub/both.png"}


def test_somebody_who_withdraws_meanwhile_is_linked_with_nothing(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile
) -> None:
    ann = enrol(library, "Ann", ANN)
    with place.open() as other:
        meanwhile(lambda: other.withdraw(ann))
        report = add(library, folder)
    assert (report.new, report.linked, linked(library)) == (3, 0, set())


def test_somebody_whose_consent_ends_meanwhile_is_linked_with_nothing(
    library: Library, folder: Path, clock: Clock, meanwhile: Meanwhile
) -> None:
    enrol(library, "Ann", ANN, expires_at=START.replace(day=9))
    meanwhile(lambda: clock.advance(days=30))
    report = add(library, folder)
    assert (report.new, report.linked, linked(library)) == (3, 0, set())


def test_a_photo_that_was_taken_out_meanwhile_is_looked_at_again(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile, tmp_path: Path
) -> None:
    """It was known when its batch was read, so that nobody had looked for its faces."""
    enrol(library, "Ann", ANN)
    shutil.copytree(folder, tmp_path / "again")
    add(library, folder)
    [first] = library.sources()
    with place.open() as other:
        meanwhile(lambda: other.remove(first.source_id))
        report = add(library, tmp_path / "again")
    assert counts(report) == (3, 3, 0, 0)
    assert held(library) == (3, 3)
    assert linked(library) == {"ann.png", "sub/both.png"}


def test_a_photo_that_is_gone_too_by_then_is_named(
    library: Library, place: Place, folder: Path, meanwhile: Meanwhile, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "again")
    add(library, folder)
    [first] = library.sources()

    def gone() -> None:
        with place.open() as other:
            other.remove(first.source_id)
        (tmp_path / "again" / "ann.png").unlink()

    meanwhile(gone)
    report = add(library, tmp_path / "again")
    assert (report.new, report.skipped) == (2, (Skipped(item="ann.png", reason="gone"),))
    assert items(library) == ["sub/both.png", "sub/nobody.png"]


def test_photos_for_people_who_said_only_find_me_are_linked_and_not_told_of(
    library: Library, folder: Path
) -> None:
    ann = library.enrol("Ann", [draw(Drawn(person=ANN))], consent=said_yes("find_me")).person_id
    report = add(library, folder)
    assert (report.linked, linked(library)) == (0, {"ann.png", "sub/both.png"})
    assert len(found_photos(library, ANN, as_person=ann)) == 2


def test_an_error_in_a_photo_reaches_the_caller_and_what_came_before_is_kept(
    library: Library, tmp_path: Path, decoders: CountingDecoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3 * BATCH):
        save(tmp_path / "photos" / f"{number:02}.png", salt=number)
    read = decoders.decode

    def failing(data: bytes, **how: Any) -> DecodedPhoto:
        if decoders.decoded >= 2 * BATCH:
            raise MemoryError
        return read(data, **how)

    with monkeypatch.context() as patched:
        patched.setattr(decoders, "decode", failing)
        with pytest.raises(MemoryError):
            add(library, tmp_path / "photos")
    assert held(library)[0] == 2 * BATCH
    assert counts(add(library, tmp_path / "photos")) == (3 * BATCH, BATCH, 2 * BATCH, 0)


def test_a_photo_that_crashes_the_decoder_is_named_like_any_other(
    library: Library, folder: Path, decoders: CountingDecoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crashing(_data: bytes, **_how: Any) -> DecodedPhoto:
        raise PhotoUnreadable(
            "It made the decoder fail.", "Save it again.", reason="crashed_decoder"
        )

    monkeypatch.setattr(decoders, "decode", crashing)
    report = add(library, folder)
    assert {one.reason for one in report.skipped} == {"crashed_decoder"}
    assert counts(report) == (3, 0, 0, 0)
