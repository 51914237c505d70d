"""Promise 6, as far as it goes today: removing a source stops it at once and takes out what came
from it, with a receipt."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from promise_house import Place, enrol, found_photos, rows
from synthetic_engine import Drawn, save

from likeness.audit.receipt_file import verify_receipt
from likeness.errors import SourceBlocked
from likeness.house import Progress
from likeness.library import Library

ANN = 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos of Ann."""
    for number in range(3):
        save(tmp_path / "fair" / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
    return tmp_path / "fair"


def test_what_came_from_a_removed_source_alone_is_gone_and_the_receipt_counts_it(
    library: Library, folder: Path
) -> None:
    enrol(library, "Ann", ANN)
    library.ingest(folder, collection="party")
    assert len(found_photos(library, ANN)) == 3
    removed = library.remove(library.sources()[0].source_id)
    assert found_photos(library, ANN) == set()
    for table in ("photos", "sightings", "faces", "links"):
        assert rows(library, f"SELECT count(*) FROM {table}") == [(0,)], table
    body = verify_receipt(removed.receipt, key=library.verifier_key).receipt.body
    assert body.kind == "removal"
    assert body.counts == {"sightings": 3, "photos": 3}
    assert str(folder).encode() not in removed.receipt


def test_a_photo_that_another_source_holds_too_stays_with_that_sighting_alone(
    library: Library, folder: Path, tmp_path: Path
) -> None:
    enrol(library, "Ann", ANN)
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(folder / "0.png", other / "same.png")
    library.ingest(folder, collection="party")
    library.ingest(other, collection="party")
    (source,) = [s for s in library.sources() if s.address == str(folder.resolve())]
    library.remove(source.source_id)
    kept = hashlib.sha256((other / "same.png").read_bytes()).hexdigest()
    assert found_photos(library, ANN) == {kept}
    assert rows(library, "SELECT item FROM sightings") == [("same.png",)]


def test_files_in_the_users_folder_are_not_touched(library: Library, folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    library.ingest(folder, collection="party")
    library.remove(library.sources()[0].source_id)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_an_import_that_is_running_takes_in_nothing_more(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "long"
    for number in range(40):
        save(folder / f"{number:02}.png", Drawn(person=ANN, shot=number), salt=number)
    with place.open() as running, place.open() as other:
        stopped = []

        def stop_after_the_first_batch(progress: Progress) -> None:
            if progress.done and not stopped:
                stopped.append(other.remove(other.sources()[0].source_id))

        with pytest.raises(SourceBlocked):
            running.ingest(folder, collection="party", progress=stop_after_the_first_batch)
        assert 0 < stopped[0].photos < 40
        assert rows(running, "SELECT count(*) FROM photos") == [(0,)]


def test_a_removal_that_a_crash_interrupted_is_finished_with_its_receipt_at_the_next_open(
    place: Place, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.removal.SIGHTINGS_AT_ONCE", 1)

    def crash(progress: Progress) -> None:
        if progress.phase == "remove":
            raise KeyboardInterrupt

    with place.open() as library:
        library.ingest(folder, collection="party")
        with pytest.raises(KeyboardInterrupt):
            library.remove(library.sources()[0].source_id, progress=crash)
        assert rows(library, "SELECT count(*) FROM sightings") == [(2,)]
        with pytest.raises(SourceBlocked):
            library.ingest(folder, collection="party")
    with place.open() as library:
        assert rows(library, "SELECT count(*) FROM photos") == [(0,)]
        assert rows(library, "SELECT state FROM sources") == [("removed",)]
        (issued,) = [serial for serial, kind, _ in library.receipts() if kind == "removal"]
        body = verify_receipt(library.receipt(issued), key=library.verifier_key).receipt.body
        assert body.counts == {"sightings": 3, "photos": 3}
