"""Promise 13 while a library changes its pack: nothing compares across packs, in no process and at
no point, whatever is killed; and people can leave whichever pack is here."""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from byte_scan import forms_of_template, scan
from promise_house import (
    Place,
    copy_of,
    enrol,
    found_names,
    found_photos,
    kill,
    rows,
    start_process,
    wait_for,
)
from relink_parts import held, human, make_seen_photos, templates_of, waiting
from synthetic_engine import BY_FIRST, Drawn, RecordingEngine, save, second_pack

from likeness import kept_crops
from likeness.errors import PackMismatch
from likeness.faces.packs import Pack
from likeness.library import Library

ANN, BOB, CARL = 1, 2, 3


@pytest.fixture
def second(tmp_path: Path) -> str:
    return str(second_pack(tmp_path / "packs"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_seen_photos(tmp_path / "photos", 45, seed=7)


def fill(library: Library, photos: Path) -> None:
    for name, person in (("Ann", ANN), ("Bob", BOB), ("Carl", CARL)):
        enrol(library, name, person)
    library.ingest(photos, collection="party")


ACTS: dict[str, Callable[[Library, Path], Any]] = {
    "search": lambda library, _: found_names(library, ANN),
    "enrol": lambda library, _: enrol(library, "Late", 9),
    "add": lambda library, folder: library.ingest(folder, collection="club"),
    "rescan": lambda library, _: library.rescan(),
}


@pytest.mark.parametrize("act", ACTS)
def test_a_process_that_has_the_former_pack_open_compares_nothing_more(
    place: Place, library: Library, second: str, tmp_path: Path, act: str
) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    save(tmp_path / "more" / "y.png", Drawn(person=ANN), salt=2)
    enrol(library, "Ann", ANN)
    library.ingest(tmp_path / "photos", collection="party")
    with place.open() as other:
        other.use_pack(second)
        before = [held(other), rows(other, "SELECT count(*) FROM people")]
        with pytest.raises(PackMismatch):
            ACTS[act](library, tmp_path / "more")
        assert [held(other), rows(other, "SELECT count(*) FROM people")] == before
        assert found_names(other, ANN) == ["Ann"]
        other.verify_audit()
    with place.open() as again:
        ACTS[act](again, tmp_path / "more")


def test_a_process_that_has_the_former_pack_open_empties_its_gallery_by_itself(
    place: Place, library: Library, second: str
) -> None:
    enrol(library, "Ann", ANN)
    gallery = library.house.eligibility.gallery
    assert len(gallery)
    with place.open() as other:
        other.use_pack(second)
        deadline = time.monotonic() + 5
        while len(gallery) and time.monotonic() < deadline:
            time.sleep(0.05)
    assert not any(block.any() for block in gallery.memory())


def test_the_library_that_changed_lets_go_of_the_former_templates(
    library: Library, second: str
) -> None:
    enrol(library, "Ann", ANN)
    gallery = library.house.eligibility.gallery
    library.use_pack(second)
    assert not any(block.any() for block in gallery.memory())
    assert len(library.house.eligibility.gallery) == 1


def test_a_photo_on_its_way_while_the_pack_changes_is_not_kept(
    place: Place, library: Library, second: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its faces were found and compared with the former pack."""
    from likeness import ingest

    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    enrol(library, "Ann", ANN)
    arrivals = ingest.arrivals

    def late(*given: Any) -> Any:
        for batch in arrivals(*given):
            with place.open() as other:
                other.use_pack(second)
            yield batch

    monkeypatch.setattr("likeness.ingest.arrivals", late)
    with pytest.raises(PackMismatch):
        library.ingest(tmp_path / "photos", collection="party")
    assert rows(library, "SELECT count(*) FROM photos") == [(0,)]
    monkeypatch.undo()
    with place.open() as again:
        again.ingest(tmp_path / "photos", collection="party")
        assert len(found_photos(again, ANN)) == 1


def test_photos_that_are_not_relinked_yet_keep_what_was_linked_and_nothing_proposed(
    place: Place, photos: Path, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed over and killed before any photo was done: the next who works goes on."""
    with place.open() as library:
        fill(library, photos)
        before = found_photos(library, ANN)
        with monkeypatch.context() as patched:
            patched.setattr("likeness.relink.rescan", lambda *_given, **_named: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                library.use_pack(second)
        assert waiting(library) == 45
        assert found_photos(library, ANN) == before != set()
        assert rows(library, "SELECT count(*) FROM proposals") == [(0,)]
        enrol(library, "Late", 9)
        assert waiting(library) == 0


@pytest.fixture
def without_pack(place: Place, tmp_path: Path) -> tuple[Place, Path]:
    """A library whose pack's manifest went away, with Ann enrolled and in a photo."""
    manifest = second_pack(tmp_path / "lent")
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), Drawn(person=BOB), salt=1)
    with place.open() as library:
        library.use_pack(str(manifest))
        enrol(library, "Ann", ANN)
        enrol(library, "Bob", BOB)
        library.ingest(tmp_path / "photos", collection="party")
    manifest.unlink()
    return place, manifest


def test_without_its_pack_people_can_leave_be_shown_and_have_their_data(
    without_pack: tuple[Place, Path],
) -> None:
    place, _ = without_pack
    with place.open() as library:
        ann, bob = (library.resolve_person(name) for name in ("Ann", "Bob"))
        assert [seen.person.details.name for seen in library.people()] == ["Ann", "Bob"]
        assert len(library.show(ann)[1]) == 1
        assert len(library.export_person(ann)["references"]) == 2
        [source] = library.sources()
        [(sha256,)] = rows(library, "SELECT sha256 FROM photos")
        assert library.unlink(sha256, face=2) == bob
        assert library.status().pack == place.folder.parent.joinpath("lent/second.toml").as_posix()
        withdrawn = library.withdraw(ann)
        assert library.receipt(withdrawn.serial) == withdrawn.receipt
        assert library.house.keyring.is_erased(ann)
        assert library.remove(source.source_id).photos == 1
        library.verify_audit()
        library.doctor()


@pytest.mark.parametrize("act", ACTS)
def test_without_its_pack_nothing_is_compared_until_it_has_one(
    without_pack: tuple[Place, Path], tmp_path: Path, act: str
) -> None:
    place, _ = without_pack
    with place.open() as library:
        with pytest.raises(PackMismatch) as caught:
            ACTS[act](library, tmp_path / "photos")
        assert "likeness models use dlib" in caught.value.fix
        library.use_pack("dlib")
        ACTS[act](library, tmp_path / "photos")
        assert found_names(library, ANN) == ["Ann"]


def test_another_version_of_the_pack_is_changed_over_to(
    place: Place, tmp_path: Path, photos: Path
) -> None:
    """As where a new version of the software brings a pack of the same name."""
    manifest = second_pack(tmp_path / "lent")
    with place.open() as library:
        fill(library, photos)
        library.use_pack(str(manifest))
    manifest.write_text(manifest.read_text().replace("padding = 0.3", "padding = 0.35"))
    with place.open() as library:
        with pytest.raises(PackMismatch) as caught:
            found_names(library, ANN)
        assert f"likeness models use {manifest}" in caught.value.fix
        assert library.use_pack(str(manifest)).changed
        assert found_names(library, ANN) == ["Ann"]


def test_whoever_leaves_while_references_are_made_anew_is_gone_from_these_too(
    place: Place, second: str, engine: RecordingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as library:
        ann = enrol(library, "Ann", ANN)
        enrol(library, "Bob", BOB)
        with monkeypatch.context() as patched:
            patched.setattr("likeness.relink.change_over", lambda *_given, **_named: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                library.use_pack(second)
        sealed = rows(library, "SELECT template FROM staged_templates WHERE person_id = :p", p=ann)
        assert len(sealed) == 2
        library.withdraw(ann)
        for template in engine.made:
            assert scan(place.files(), forms_of_template(template)) == set()
        forms = {str(number): row[0] for number, row in enumerate(sealed)}
        assert scan(place.files(), forms) == set()
        assert library.use_pack(second).references == 2
        assert found_names(library, ANN) == []
        assert found_names(library, BOB) == ["Bob"]


def test_whoever_is_leaving_is_not_made_anew(
    place: Place, library: Library, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their withdrawal was begun and killed; this process has not noticed yet."""
    ann = enrol(library, "Ann", ANN)
    enrol(library, "Bob", BOB)
    with monkeypatch.context() as patched:
        patched.setattr("likeness.withdraw.finish_erasure", lambda *_given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            library.withdraw(ann)
    library.house.keyring.destroy(ann)
    assert library.use_pack(second).references == 2
    with place.open() as again:
        assert rows(again, "SELECT count(*) FROM people") == [(1,)]
        assert found_names(again, ANN) == []
        again.verify_audit()


def test_a_backup_from_within_a_change_brings_nobody_back(
    place: Place, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with place.open() as library:
        ann = enrol(library, "Ann", ANN)
        with monkeypatch.context() as patched:
            patched.setattr("likeness.relink.change_over", lambda *_given, **_named: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                library.use_pack(second)
    backup = place.back_up("backup")
    with place.open() as library:
        library.withdraw(ann)
    place.restore(backup)
    with place.open() as library:
        assert rows(library, "SELECT count(*) FROM staged_templates") == [(0,)]
        assert library.use_pack(second).references == 0
        assert found_names(library, ANN) == []


@pytest.fixture
def decided(place: Place, photos: Path) -> Place:
    """A library with decisions about faces that both packs, or one alone, find; closed."""
    with place.open() as library:
        fill(library, photos)
        shown = library.show(library.resolve_person("Ann"))[1]
        for photo in shown[:6]:
            library.unlink(photo.photo.sha256, face=photo.face.number)
        assert human(library)
    place.clock.advance(days=2)
    return place


def state(place: Place) -> list[Any]:
    with place.open() as library:
        assert waiting(library) == 0
        library.verify_audit()
        assert rows(library, "SELECT count(*) FROM staged_templates") == [(0,)]
        lost = rows(library, "SELECT count(*) FROM faces WHERE lost = 1")
        return [held(library), human(library), templates_of(library), lost]


def test_killed_at_random_and_run_again_it_ends_as_one_that_was_not(
    decided: Place, second: str
) -> None:
    straight = copy_of(decided, "straight")
    with straight.open() as library:
        library.use_pack(second)
    expected = state(straight)
    assert expected[3] != [(0,)]
    dice = random.Random(13)
    for phase in ("references", "relink", "relink"):
        process = start_process(decided, "use", second)
        try:
            wait_for(process, phase)
            time.sleep(dice.random() * 0.06)
        finally:
            kill(process)
    process = start_process(decided, "use", second)
    try:
        wait_for(process, "used")
        assert process.wait() == 0
    finally:
        kill(process)
    assert state(decided) == expected


def test_killed_at_any_commit_it_works_with_one_pack_and_can_go_on_or_back(
    place: Place, second: str, tmp_path: Path
) -> None:
    folder = tmp_path / "few"
    save(folder / "both.png", Drawn(person=ANN), Drawn(person=BOB), salt=1)
    save(folder / "first.png", Drawn(person=ANN, seen=BY_FIRST), salt=2)
    with place.open() as library:
        enrol(library, "Ann", ANN)
        library.ingest(folder, collection="party")
        [(sha256,)] = rows(
            library,
            "SELECT sha256 FROM photos JOIN sightings USING (photo_id) WHERE item = 'first.png'",
        )
        library.unlink(sha256, face=1)
        expected = {"dlib": held(library)}
    place.clock.advance(days=2)
    process = start_process(place, "die-everywhere", "use", second)
    try:
        _, number, status = wait_for(process, "whole")
        assert status == "0"
    finally:
        kill(process)
    packs = []
    for point in range(int(number), 0, -1):
        killed = replace(place, folder=place.folder.parent / f"{place.folder.name}-{point}")
        with killed.open() as library:
            packs.append(library.house.pack.name)
            assert found_names(library, ANN) == ["Ann"]
            # On in one half of the cases, back in the other.
            pack = second if point % 2 else "dlib"
            library.use_pack(pack)
            assert held(library) == expected.setdefault(pack, held(library))
            library.verify_audit()
    assert packs[::-1] == sorted(packs), "from one commit on it uses the other"
    assert set(packs) == {"dlib", "second"} and len(packs) >= 6


def test_the_real_networks_make_the_same_templates_again(
    place: Place, networks: Any, portraits: Any, pack: Pack, tmp_path: Path
) -> None:
    """References enrolled one at a time are made again in a batch, and crops in another frame."""
    with replace(place, engine=networks).open() as library:
        from promise_house import said_yes

        for name, photo in (("Eileen", portraits.collins), ("Grace", portraits.hopper)):
            library.enrol(name, [photo], consent=said_yes())
        before = templates_of(library)
        # Another pack in the same folder: the real engine loads it, as it is of the same files.
        manifest = second_pack(tmp_path / "packs")
        from likeness.house import EngineSource

        house = replace(library.house, engines=EngineSource(library.house.chosen))
        real = Library(house)
        real.use_pack(str(manifest))
        between = templates_of(real)
        assert between.keys() == before.keys() and between != before
        answer = real.search(portraits.collins, purpose="be_found")
        assert [candidate.name for candidate in answer.candidates] == ["Eileen"]
        real.use_pack("dlib")
        assert templates_of(real) == before
        real.house.eligibility.close()


def test_moving_the_manifest_is_told_by_using_it_again(place: Place, tmp_path: Path) -> None:
    manifest = second_pack(tmp_path / "lent")
    with place.open() as library:
        enrol(library, "Ann", ANN)
        library.use_pack(str(manifest))
    moved = Path(shutil.move(manifest, tmp_path / "moved.toml"))
    with place.open() as library:
        with pytest.raises(PackMismatch):
            found_names(library, ANN)
        assert not library.use_pack(str(moved)).changed
        assert found_names(library, ANN) == ["Ann"]


@pytest.mark.parametrize("module", ["rescan", "redetect"])
def test_templates_that_are_being_made_while_the_pack_changes_link_nobody(
    place: Place,
    library: Library,
    second: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    module: str,
) -> None:
    """In the middle of a rescan for somebody new, and of the relinking after an earlier change."""
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    name = f"likeness.{module}.templates_of_crops"
    made = kept_crops.templates_of_crops

    def meanwhile(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(name, made)
        with place.open() as other:
            other.use_pack("dlib" if other.house.pack.name == "second" else second)
        return made(*given, **named)

    if module == "redetect":
        enrol(library, "Ann", ANN)
    before = held(library)
    monkeypatch.setattr(name, meanwhile)
    monkeypatch.setattr("likeness.turns.fcntl.flock", lambda *_given: None)
    with pytest.raises(PackMismatch):
        enrol(library, "Ann", ANN) if module == "rescan" else library.use_pack(second)
    with place.open() as again:
        again.use_pack("dlib")
        assert found_names(again, ANN) == ["Ann"]
        if module == "redetect":
            assert held(again) == before
        assert len(found_photos(again, ANN)) == 1


def test_no_template_of_anybody_else_is_kept_by_a_change(
    place: Place, photos: Path, second: str, engine: RecordingEngine
) -> None:
    with place.open() as library:
        fill(library, photos)
        library.use_pack(second)
        assert len(engine.made) > 45
        forms: dict[str, bytes] = {}
        for number, template in enumerate(engine.made):
            forms |= {f"{number} {name}": f for name, f in forms_of_template(template).items()}
        assert scan(place.files(), forms) == set()
