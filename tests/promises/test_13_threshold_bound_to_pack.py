"""Promise 13: a decision threshold is bound to the model pack, its preprocessing and the gallery
size that it was calibrated for; the software refuses to compare across packs."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from promise_house import Place, enrol, found_names, rows, with_engine
from pysqlite3 import dbapi2
from synthetic_engine import DOUBTFUL_ALONE, DOUBTFUL_AMONG_TEN, Drawn, SyntheticEngine, draw, save

from likeness.errors import PackMismatch, StorageError
from likeness.faces.packs import Pack
from likeness.gallery.faiss import FaissGallery
from likeness.library import Library
from likeness.records.reference import Reference
from likeness.store import people

ANN = 1


@pytest.fixture
def ann(library: Library) -> str:
    return enrol(library, "Ann", ANN)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    save(tmp_path / "photos" / "ann.png", Drawn(person=ANN), salt=1)
    return tmp_path / "photos"


@pytest.mark.usefixtures("ann")
def test_an_engine_of_another_pack_compares_nothing(
    library: Library, photos: Path, pack: Pack, decoders: Any
) -> None:
    other = with_engine(library, SyntheticEngine(pack, fingerprint="0" * 64), decoders=decoders)
    before = rows(library, "SELECT count(*) FROM photos")
    for attempt in (
        lambda: found_names(other, ANN),
        lambda: other.ingest(photos, collection="party"),
        lambda: enrol(other, "Bob", 2),
    ):
        with pytest.raises(PackMismatch):
            attempt()
    assert rows(library, "SELECT count(*) FROM photos") == before
    assert rows(library, "SELECT count(*) FROM people") == [(1,)]


@pytest.mark.usefixtures("ann")
def test_a_library_that_uses_another_pack_compares_nothing(place: Place, photos: Path) -> None:
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        connection.execute("UPDATE library SET pack_fingerprint = ?", ("0" * 64,))
        connection.commit()
    with place.open() as library:
        for attempt in (
            lambda: found_names(library, ANN),
            lambda: library.ingest(photos, collection="party"),
            lambda: enrol(library, "Bob", 2),
            library.rescan,
        ):
            with pytest.raises(PackMismatch):
                attempt()
        assert rows(library, "SELECT count(*) FROM photos") == [(0,)]
        assert rows(library, "SELECT count(*) FROM people") == [(1,)]


@pytest.mark.parametrize(
    "changed",
    [
        lambda pack: {"preprocessing": replace(pack.preprocessing, version=99)},
        lambda pack: {"preprocessing": replace(pack.preprocessing, mirror=False)},
        lambda pack: {"preprocessing": replace(pack.preprocessing, padding=0.3)},
        lambda pack: {"template_length": 512},
        lambda pack: {"files": (replace(pack.files[0], sha256="0" * 64), *pack.files[1:])},
    ],
)
def test_other_files_or_preprocessing_are_another_pack(
    place: Place, pack: Pack, monkeypatch: pytest.MonkeyPatch, changed: Any
) -> None:
    """As where a new version of the software brings a pack of the same name."""
    another = replace(pack, **changed(pack))
    assert another.fingerprint != pack.fingerprint
    monkeypatch.setattr("likeness.founding.load_manifest", lambda _name: another)
    with place.open() as library, pytest.raises(PackMismatch):
        found_names(library, ANN)


def test_references_of_another_pack_are_not_taken_into_the_gallery(place: Place, ann: str) -> None:
    with closing(dbapi2.connect(place.library / "library.sqlite3")) as connection:
        connection.execute('UPDATE "references" SET pack_fingerprint = ?', ("0" * 64,))
        connection.commit()
    with place.open() as library:
        assert len(library.house.eligibility.gallery) == 0
        assert found_names(library, ANN) == []


def test_the_fingerprint_is_sealed_with_the_template(place: Place, ann: str) -> None:
    """Calling a template of another pack one of this pack does not make it one."""
    with place.open() as library:
        house = library.house
        with house.store.transaction() as connection:
            connection.exec_driver_sql('UPDATE "references" SET pack_fingerprint = ?', ("0" * 64,))
        keys = {ann: house.keyring.key(ann)}
        with house.store.snapshot() as connection, pytest.raises(StorageError):
            list(people.references_of_many(connection, keys, pack_fingerprint="0" * 64))


def test_a_gallery_takes_and_compares_templates_of_its_own_length_only(pack: Pack) -> None:
    gallery = FaissGallery(
        fingerprint=pack.fingerprint, template_length=pack.template_length, threads=1
    )
    longer = np.zeros(pack.template_length * 2, np.float32)
    longer[0] = 1.0
    with pytest.raises(PackMismatch):
        gallery.add([Reference(reference_id="r", person_id="p", template=longer)])
    with pytest.raises(PackMismatch):
        gallery.search(longer[None, :], eligible=frozenset({"p"}), threshold=0.5)
    assert len(gallery) == 0


def test_thresholds_are_those_measured_at_the_gallerys_size_or_above(pack: Pack) -> None:
    sizes = [thresholds.gallery_size for thresholds in pack.thresholds]
    assert sizes == sorted(set(sizes))
    for thresholds in pack.thresholds:
        at = pack.thresholds_for(thresholds.gallery_size)
        assert at == thresholds and not at.beyond_calibration
        assert at.review <= at.strong < 1.0
        assert at.measured_on
    for size in range(1, sizes[-1] + 1):
        assert pack.thresholds_for(size).gallery_size >= size
    assert pack.thresholds_for(sizes[-1] + 1).beyond_calibration
    strong = [pack.thresholds_for(size).strong for size in sizes]
    assert strong == sorted(strong), "a larger gallery needs a higher threshold"


def test_a_face_is_decided_by_the_threshold_of_the_gallery_it_was_compared_with(
    library: Library, tmp_path: Path, pack: Pack
) -> None:
    """The same face is linked where she is alone, and proposed where there are several others."""
    alone, among = pack.thresholds_for(1), pack.thresholds_for(10)
    face = Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN)
    score = float(
        library.house.engine().template(face) @ library.house.engine().template(Drawn(person=ANN))
    )
    assert among.review < score < among.strong
    save(tmp_path / "one" / "x.png", face, salt=1)
    library.ingest(tmp_path / "one", collection="club")
    enrol(library, "Ann", ANN, collections=["club", "party"])
    if score >= alone.strong:
        assert len(library.show(_id_of(library, "Ann"))[1]) == 1
    else:
        assert len(library.proposals()) == 1
    for number in range(2, 6):
        enrol(library, f"Other {number}", number, collections=["party"])
    save(tmp_path / "two" / "y.png", face, salt=2)
    library.ingest(tmp_path / "two", collection="party")
    items = {s.item for open_ in library.proposals() for s in open_.sightings}
    assert "y.png" in items
    # Searching decides by the same figures.
    doubtful = draw(Drawn(person=ANN, look=DOUBTFUL_ALONE))
    [candidate] = library.search(doubtful, purpose="be_found", collection="club").candidates
    assert candidate.strength == "possible"


def _id_of(library: Library, name: str) -> str:
    return library.resolve_person(name)
