"""Promise 2: no template of anybody who has not said yes is stored, anywhere, for any time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from byte_scan import forms_of_bytes, forms_of_template, forms_of_text, scan
from numpy.typing import NDArray
from PIL import Image, ImageOps
from promise_house import Place, enrol, make_place, rows, said_yes
from pysqlite3 import dbapi2
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, RecordingEngine, draw, save

from likeness.errors import AlreadyEnrolled, FaceUnusable
from likeness.faces.engine import FaceEngine
from likeness.library import Library

ANN, BOB, CARL = 1, 2, 3


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Nothing may be left, nor be, in the folder for temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    yield folder
    assert list(folder.rglob("*")) == []


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for salt, person in enumerate([ANN, BOB, ANN, BOB, CARL]):
        face = Drawn(person=person, look=NEAR, shot=salt)
        save(folder / f"{salt}.png", face, Drawn(person=50 + salt), salt=salt)
    return folder


def templates_found(place: Place, templates: list[NDArray[np.float32]]) -> set[tuple[str, str]]:
    return {hit for made in templates for hit in scan(place.files(), forms_of_template(made))}


def test_the_scan_finds_what_is_planted(place: Place, library: Library, pack: Any) -> None:
    """Templates as float32 and float16, a name, a key and a JPEG: in database, log and keyring."""
    template = np.random.default_rng(1).standard_normal(pack.template_length)
    template = (template / np.linalg.norm(template)).astype(np.float32)
    name, key = "Žofie Nováková", bytes(range(32))
    planted = {
        "<f4 start": template.astype("<f4").tobytes(),
        "<f2 start": template.astype("<f2").tobytes(),
        "name utf-8": name.encode(),
        "name utf-16-le": name.encode("utf-16-le"),
        "key raw": key,
    }
    forms = {
        **{f"key {form}": data for form, data in forms_of_bytes(key).items()},
        **{f"name {form}": data for form, data in forms_of_text(name).items()},
        **forms_of_template(template),
    }
    with library.house.store.transaction() as connection:
        connection.exec_driver_sql("CREATE TABLE planted (name TEXT, value BLOB)")
    assert scan(place.files(), forms) == set()
    for form, value in planted.items():
        with library.house.store.transaction() as connection:
            connection.exec_driver_sql("INSERT INTO planted VALUES (?, ?)", (form, value))
    # Not yet moved into the file: it stands in the write-ahead log.
    in_log = scan(place.files(), forms)
    assert {(f"{place.library.name}.sqlite3-wal", form) for form in planted} <= in_log
    library.house.store.overwrite_deleted()
    in_file = scan(place.files(), forms)
    assert {(f"{place.library.name}.sqlite3", form) for form in planted} <= in_file
    with dbapi2.connect(place.keys / "keyring.sqlite3") as connection:
        connection.execute("CREATE TABLE planted (value BLOB)")
        connection.executemany(
            "INSERT INTO planted VALUES (?)", [(value,) for value in planted.values()]
        )
    connection.close()
    assert {("keyring.sqlite3", form) for form in planted} <= scan(place.files(), forms)
    (place.library / "note.txt").write_text(template.tobytes().hex())
    assert ("note.txt", "hex") in scan(place.files(), forms)


def test_nobody_said_yes_so_no_template_is_made_at_all(
    library: Library, photos: Path, engine: RecordingEngine
) -> None:
    library.ingest(photos, collection="party")
    # The same photos come into another collection: they wait to be compared, with nobody.
    library.ingest(photos, collection="club")
    library.rescan()
    [club] = [s for s in library.sources() if s.collection_id != library.sources()[0].collection_id]
    library.remove(club.source_id)
    assert rows(library, "SELECT count(*) FROM faces") == [(10,)]
    assert engine.calls == 0


@pytest.mark.parametrize("why", ["publish only", "elsewhere", "expired", "withdrawn"])
def test_nobody_may_be_compared_so_no_template_is_made(
    library: Library, photos: Path, engine: RecordingEngine, clock: Any, why: str
) -> None:
    consent = said_yes(
        "publish" if why == "publish only" else "be_found",
        collections=["club"] if why == "elsewhere" else ["party"],
    )
    ann = enrol(library, "Ann", ANN, consent=consent)
    if why == "expired":
        clock.advance(days=731)
    if why == "withdrawn":
        library.withdraw(ann)
    before = engine.calls
    library.ingest(photos, collection="party")
    library.rescan()
    assert engine.calls == before


def test_templates_of_others_are_compared_and_stand_in_no_file(
    place: Place, library: Library, photos: Path, engine: RecordingEngine
) -> None:
    carl = enrol(library, "Carl", CARL)
    engine.made.clear()
    library.ingest(photos, collection="party")
    assert len(engine.made) == 10, "every face of every photo was compared with Carl"
    assert templates_found(place, engine.made) == set()
    # Nor does the memory that comparisons read hold anybody but Carl.
    gallery = library.house.eligibility.gallery
    assert gallery.person_ids() == {carl}
    held = np.concatenate(gallery.memory())
    assert np.count_nonzero(held.any(axis=1)) == len(gallery) <= 2


def test_a_rescan_leaves_no_template_of_others(
    place: Place, library: Library, photos: Path, engine: RecordingEngine
) -> None:
    library.ingest(photos, collection="party")
    assert engine.calls == 0
    enrol(library, "Carl", CARL)
    assert len(engine.made) >= 10
    assert templates_found(place, engine.made) == set()


def test_a_probe_leaves_nothing(
    place: Place, library: Library, photos: Path, engine: RecordingEngine, tmp_path: Path
) -> None:
    library.ingest(photos, collection="party")
    enrol(library, "Carl", CARL)
    engine.made.clear()
    probe = save(tmp_path / "probe.png", Drawn(person=ANN, shot=8), salt=1234)
    pixels = draw(Drawn(person=ANN, shot=8), salt=1234)
    library.search(probe, purpose="be_found")
    assert len(engine.made) == 1
    assert templates_found(place, engine.made) == set()
    crop = engine.crops(pixels, engine.find(pixels))[0]
    forms = {**forms_of_bytes(probe.read_bytes()), **forms_of_bytes(crop.tobytes())}
    assert scan(place.files(), forms) == set()


def test_who_is_refused_at_enrolment_leaves_nothing(
    place: Place, library: Library, engine: RecordingEngine
) -> None:
    enrol(library, "Carl", CARL)
    engine.made.clear()
    with pytest.raises(AlreadyEnrolled):
        enrol(library, "Carl's twin", CARL)
    with pytest.raises(FaceUnusable):
        library.enrol(
            "Two people",
            [draw(Drawn(person=ANN)), draw(Drawn(person=BOB))],
            consent=said_yes(),
        )
    assert engine.made
    assert templates_found(place, engine.made) == set()
    assert rows(library, "SELECT count(*) FROM people") == [(1,)]
    assert rows(library, 'SELECT count(*) FROM "references"') == [(2,)]


def test_a_proposal_keeps_a_score_and_no_template(
    place: Place, library: Library, engine: RecordingEngine, tmp_path: Path
) -> None:
    save(tmp_path / "maybe" / "x.png", Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=1)
    enrol(library, "Ann", ANN)
    engine.made.clear()
    library.ingest(tmp_path / "maybe", collection="party")
    assert len(library.proposals()) == 1
    assert len(engine.made) == 1
    assert templates_found(place, engine.made) == set()


def test_with_the_real_networks_no_template_of_a_portrait_is_stored(
    tmp_path: Path, portraits: Any, networks: FaceEngine, decoders: Any
) -> None:
    engine = RecordingEngine(networks)
    place = make_place(tmp_path / "real", engine=engine, decoders=decoders)
    collins, hopper = (Image.fromarray(pixels) for pixels in portraits)
    folder = tmp_path / "portraits"
    folder.mkdir()
    ImageOps.mirror(collins).save(folder / "collins.jpg", quality=90)
    hopper.point(lambda value: min(255, value + 25)).save(folder / "hopper.jpg", quality=90)
    hopper.crop((20, 0, hopper.width, hopper.height)).save(folder / "crop.png")
    with place.open() as library:
        library.ingest(folder, collection="party")
        assert engine.calls == 0
        consent = said_yes("be_found")
        library.enrol("Collins", [np.asarray(collins)], consent=consent)
        assert len(engine.made) == 1 + 3, "her reference, and the faces of three photos"
        assert [c.name for c in library.search(portraits.collins, purpose="be_found").candidates]
        assert not library.search(portraits.hopper, purpose="be_found").candidates
        assert templates_found(place, engine.made) == set()
    assert templates_found(place, engine.made) == set()
