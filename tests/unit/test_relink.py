"""Changing the model pack: references made anew, photos relinked, and what people decided kept."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from promise_house import Place, enrol, found_names, found_photos, make_place, rows
from relink_parts import faces, held, human, templates_of, waiting
from synthetic_engine import (
    BY_FIRST,
    BY_SECOND,
    DOUBTFUL_AMONG_TEN,
    ELSEWHERE,
    NEAR,
    Drawn,
    RecordingEngine,
    SyntheticEngine,
    save,
    second_pack,
)

from likeness import relink
from likeness.errors import ModelFileInvalid, NotFound, UsageError
from likeness.house import Progress
from likeness.library import Library
from likeness.redetect import heirs_of
from likeness.relink import PackUsed

ANN, BOB, CARL = 1, 2, 3


@pytest.fixture
def second(tmp_path: Path) -> str:
    return str(second_pack(tmp_path / "packs"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ann and Bob as both packs find them, and faces that one pack alone finds."""
    folder = tmp_path / "photos"
    save(folder / "both.png", Drawn(person=ANN, look=NEAR), Drawn(person=BOB, look=NEAR), salt=1)
    save(folder / "first.png", Drawn(person=ANN, seen=BY_FIRST), Drawn(person=BOB), salt=2)
    save(folder / "second.png", Drawn(person=BOB), Drawn(person=ANN, seen=BY_SECOND), salt=3)
    save(folder / "elsewhere.png", Drawn(person=ANN, seen=ELSEWHERE), salt=4)
    save(folder / "nobody.png", salt=5)
    return folder


@pytest.fixture
def filled(library: Library, photos: Path) -> Library:
    library.ingest(photos, collection="party")
    for name, person in (("Ann", ANN), ("Bob", BOB)):
        enrol(library, name, person)
    return library


def use(library: Library, pack: str, **how: Any) -> PackUsed:
    return library.use_pack(pack, **how)


def sha256_of(library: Library, item: str) -> str:
    query = "SELECT sha256 FROM photos JOIN sightings USING (photo_id) WHERE item = :item"
    [(found,)] = rows(library, query, item=item)
    return str(found)


def fresh(folder: Path, place: Place, photos: Path, pack: str) -> set[tuple[Any, ...]]:
    """What a library holds that used a pack from the start."""
    other = make_place(folder, engine=place.engine, decoders=place.decoders, pack=pack)
    with other.open() as library:
        library.ingest(photos, collection="party")
        for name, person in (("Ann", ANN), ("Bob", BOB)):
            enrol(library, name, person)
        return held(library)


def test_after_a_change_a_library_is_as_if_it_had_used_the_pack_from_the_start(
    filled: Library, place: Place, photos: Path, tmp_path: Path, second: str
) -> None:
    before, templates = held(filled), templates_of(filled)
    report = use(filled, second)
    assert (report.changed, report.references, report.unread) == (True, 4, 0)
    assert report.rescan.photos == 5
    assert waiting(filled) == 0
    assert held(filled) == fresh(tmp_path / "fresh", place, photos, second) != before
    made = templates_of(filled)
    assert made.keys() == templates.keys()
    assert all(made[reference] != templates[reference] for reference in made)
    assert found_names(filled, ANN) == ["Ann"]
    with place.open() as again:
        assert again.house.pack.name == "second"
        assert found_names(again, BOB) == ["Bob"]
    filled.verify_audit()


def test_going_back_gives_the_very_templates_and_links_of_before(
    filled: Library, second: str
) -> None:
    before, templates = held(filled), templates_of(filled)
    crops = rows(filled, 'SELECT reference_id, crop, alignment FROM "references" ORDER BY 1')
    use(filled, second)
    assert use(filled, "dlib").changed
    assert (held(filled), templates_of(filled)) == (before, templates)
    assert (
        rows(filled, 'SELECT reference_id, crop, alignment FROM "references" ORDER BY 1') == crops
    )
    assert rows(filled, "SELECT count(*) FROM staged_templates") == [(0,)]
    assert found_names(filled, ANN) == ["Ann"]


def test_a_face_that_is_found_again_keeps_its_id_and_others_come_and_go(
    filled: Library, second: str
) -> None:
    before = {(item, box): face for item, _, box, face, _ in faces(filled)}
    assert len(before) == 6
    use(filled, second)
    after = {(item, box): face for item, _, box, face, _ in faces(filled)}
    moved = {(item, (b[0] + 6, b[1] + 2, b[2] + 6, b[3] + 2)): f for (item, b), f in before.items()}
    stayed = {key for key in moved if key in after}
    assert {after[key] for key in stayed} == {moved[key] for key in stayed}
    assert {item for item, _ in stayed} == {"both.png", "first.png", "second.png"}
    new = {item for item, box in after if (item, box) not in stayed}
    assert new == {"second.png", "elsewhere.png"}
    assert not {after[key] for key in after.keys() - stayed} & set(before.values())
    assert rows(filled, "SELECT DISTINCT lost FROM faces") == [(0,)]
    numbers = {
        item: [n for name, n, *_ in faces(filled) if name == item] for item, *_ in faces(filled)
    }
    assert all(found == list(range(1, len(found) + 1)) for found in numbers.values())


def test_a_decided_face_that_is_no_longer_found_stays_marked_and_comes_back(
    filled: Library, second: str
) -> None:
    first = sha256_of(filled, "first.png")
    ann = filled.resolve_person("Ann")
    filled.unlink(first, face=1)
    filled.decide(first, face=1, person_id=ann, decision="same")
    decided = human(filled)
    use(filled, second)
    assert human(filled) == decided
    lost = [face for face in faces(filled) if face[-1]]
    assert [(item, number) for item, number, *_ in lost] == [("first.png", 2)]
    shown = {photo.photo.sha256: photo.face.lost for photo in filled.show(ann)[1]}
    assert shown[first] is True and sum(shown.values()) == 1
    assert first in found_photos(filled, ANN)
    # It is hers still, so no other face of that photo becomes hers; and it is not compared.
    filled.rescan()
    enrol(filled, "Carl", CARL)
    assert human(filled) == decided
    use(filled, "dlib")
    assert human(filled) == decided
    assert not any(face[-1] for face in faces(filled))
    assert ("first.png", 1) in {face[:2] for face in faces(filled) if face[3] == lost[0][3]}


def test_not_this_person_is_inherited(filled: Library, second: str) -> None:
    both = sha256_of(filled, "both.png")
    ann = filled.unlink(both, face=1)
    use(filled, second)
    assert both not in found_photos(filled, ANN)
    with pytest.raises(NotFound):
        filled.decide(both, face=2, person_id=ann, decision="same")
    use(filled, "dlib")
    assert both not in found_photos(filled, ANN)
    assert {decision for *_, decision in human(filled)} == {"different"}


def test_a_lost_face_that_nobody_decided_about_any_more_goes(filled: Library, second: str) -> None:
    first = sha256_of(filled, "first.png")
    ann = filled.unlink(first, face=1)
    use(filled, second)
    assert sum(face[-1] for face in faces(filled)) == 1
    filled.withdraw(ann)
    use(filled, "dlib")
    use(filled, second)
    assert sum(face[-1] for face in faces(filled)) == 0


def test_photos_that_cannot_be_read_are_compared_by_their_crops(
    filled: Library, photos: Path, second: str, tmp_path: Path
) -> None:
    before = faces(filled)
    shutil.move(photos, tmp_path / "away")
    report = use(filled, second)
    assert report.unread == 5
    assert faces(filled) == before, "faces and ids stay"
    assert waiting(filled) == 0, "and they are not tried at each turn"
    assert filled.rescan().photos == 0
    items = {"both.png", "first.png", "elsewhere.png"}
    assert found_photos(filled, ANN) == {sha256_of(filled, item) for item in items}
    # Their disk is back.
    shutil.move(tmp_path / "away", photos)
    report = use(filled, second)
    assert (report.changed, report.unread, report.rescan.photos) == (False, 0, 5)
    items = {"both.png", "second.png", "elsewhere.png"}
    assert found_photos(filled, ANN) == {sha256_of(filled, item) for item in items}


def test_a_file_that_is_another_photo_now_is_not_taken_for_the_old_one(
    filled: Library, photos: Path, second: str
) -> None:
    save(photos / "both.png", Drawn(person=CARL), salt=9)
    report = use(filled, second)
    assert report.unread == 1
    assert sha256_of(filled, "both.png") in found_photos(filled, ANN)


def test_a_photo_is_read_from_whichever_folder_still_has_it(
    library: Library, photos: Path, tmp_path: Path, second: str
) -> None:
    copies = Path(shutil.copytree(photos, tmp_path / "copies"))
    library.ingest(photos, collection="party")
    library.ingest(copies, collection="club")
    shutil.rmtree(photos)
    assert use(library, second).unread == 0


def test_proposals_are_made_anew(library: Library, tmp_path: Path, second: str) -> None:
    save(tmp_path / "p" / "x.png", Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN), salt=1)
    library.ingest(tmp_path / "p", collection="party")
    enrol(library, "Ann", ANN)
    enrol(library, "Bob", BOB)
    [open_] = library.proposals()
    use(library, second)
    [again] = library.proposals()
    assert (again.person, again.face.face_id) == (open_.person, open_.face.face_id)
    assert again.face.box != open_.face.box


def test_using_the_pack_in_use_changes_nothing(filled: Library, second: str) -> None:
    before, audited = held(filled), filled.status().audit_entries
    report = use(filled, "dlib")
    assert (report.changed, report.references, report.rescan.photos) == (False, 0, 0)
    assert (held(filled), filled.status().audit_entries) == (before, audited)


def test_a_change_is_in_the_audit_log_under_the_account_alone(filled: Library, second: str) -> None:
    use(filled, second)
    [subject] = rows(
        filled,
        "SELECT subject_id FROM audit_details WHERE leaf_index ="
        " (SELECT max(leaf_index) FROM audit_details)",
    )
    assert subject == (filled.house.account.account_id,)


def test_progress_tells_of_references_and_photos(filled: Library, second: str) -> None:
    steps: list[Progress] = []
    use(filled, second, progress=steps.append)
    ends = {step.phase: (step.done, step.total) for step in steps}
    assert ends == {"references": (4, 4), "relink": (5, 5)}


class Stopped(BaseException):
    """As when the process is killed."""


class StoppingEngine(RecordingEngine):
    """Stops after it was asked for templates a number of times."""

    left = 10_000

    def _kept(self, made: Any) -> Any:
        type(self).left -= 1
        if type(self).left < 0:
            raise Stopped
        return super()._kept(made)


def test_stopped_while_references_are_made_it_goes_on_where_it_was(
    place: Place, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likeness.reembed.AT_ONCE", 1)
    stopping = StoppingEngine(SyntheticEngine(place.engine.pack))
    with replace(place, engine=stopping).open() as library:
        for number in (ANN, BOB, CARL):
            enrol(library, f"Person {number}", number)
        before = templates_of(library)
        monkeypatch.setattr(StoppingEngine, "left", 4)
        with pytest.raises(Stopped):
            use(library, second)
        assert rows(library, "SELECT count(*) FROM staged_templates") == [(4,)]
        monkeypatch.setattr(StoppingEngine, "left", 10_000)
        # Meanwhile the library works with its pack, and people come and go.
        assert library.house.pack.name == "dlib"
        assert templates_of(library) == before
        assert found_names(library, ANN) == ["Person 1"]
        library.withdraw(library.resolve_person("Person 1"))
        assert rows(
            library,
            "SELECT count(*) FROM staged_templates WHERE person_id NOT IN"
            " (SELECT person_id FROM people)",
        ) == [(0,)]
        enrol(library, "Late", 5)
        stopping.made.clear()
        left = rows(library, "SELECT count(*) FROM staged_templates")[0][0]
        report = use(library, second)
        assert report.references == 6
        assert len(stopping.made) == 6 - left, "nothing is made a second time"
        assert found_names(library, 5) == ["Late"]
        assert found_names(library, ANN) == []


def test_a_change_that_was_given_up_leaves_nothing(
    library: Library, second: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    enrol(library, "Ann", ANN)

    def stop(*_given: object, **_named: object) -> None:
        raise Stopped

    with monkeypatch.context() as patched:
        patched.setattr("likeness.relink.change_over", stop)
        with pytest.raises(Stopped):
            use(library, second)
    assert rows(library, "SELECT count(*) FROM staged_templates") == [(2,)]
    assert not use(library, "dlib").changed
    assert rows(library, "SELECT count(*) FROM staged_templates") == [(0,)]
    assert found_names(library, ANN) == ["Ann"]


@pytest.mark.parametrize("few", [0, 1, 64])
def test_whoever_enrols_while_references_are_made_is_not_missed(
    library: Library, place: Place, second: str, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    enrol(library, "Ann", ANN)
    monkeypatch.setattr("likeness.relink.FEW", few)
    change_over, names = relink.change_over, iter(["Late", "Later", "Latest"])

    def meanwhile(*given: Any, **named: Any) -> int | None:
        with place.open() as other:
            enrol(other, next(names), 40 + few)
        monkeypatch.setattr("likeness.relink.change_over", change_over)
        return change_over(*given, **named)

    monkeypatch.setattr("likeness.relink.change_over", meanwhile)
    assert use(library, second).references == 4
    assert found_names(library, 40 + few) == ["Late"]


def test_a_pack_that_is_not_there_or_not_whole_is_refused_and_nothing_changes(
    filled: Library, second: str, tmp_path: Path
) -> None:
    before, audited = held(filled), filled.status().audit_entries
    broken = tmp_path / "broken.toml"
    text = Path(second).read_text()
    at = text.index('sha256 = "') + len('sha256 = "')
    broken.write_text(text[:at] + "0" * 64 + text[at + 64 :])
    for pack, error in (("nosuch", UsageError), (str(broken), ModelFileInvalid)):
        with pytest.raises(error):
            use(filled, pack)
    assert (held(filled), filled.status().audit_entries) == (before, audited)
    assert rows(filled, "SELECT count(*) FROM staged_templates") == [(0,)]


def test_the_settings_say_which_pack_is_in_use(place: Place, second: str) -> None:
    file = place.library / "library.toml"
    file.write_text(file.read_text() + "detection_side = 1200  # smaller\n")
    with place.open() as library:
        use(library, second)
    assert tomllib.loads(file.read_text())["pack"] == second
    assert "detection_side = 1200  # smaller\n" in file.read_text()


def test_settings_written_in_another_way_stay_and_do_not_count(place: Place, second: str) -> None:
    file = place.library / "library.toml"
    own = file.read_text().replace('pack = "dlib"', "'pack'='dlib'")
    file.write_text(own)
    with place.open() as library:
        use(library, second)
    assert file.read_text() == own
    with place.open() as again:
        assert again.house.pack.name == "second"


boxes = st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(31, 60)] * 2)


def test_a_decided_face_takes_its_place_from_one_that_nobody_decided_about() -> None:
    held = [(0, 0, 100, 100), (0, 38, 100, 138)]
    found = [(0, 25, 100, 125)]
    assert heirs_of(held, found) == {0: 1}
    assert heirs_of(held, found, decided=[0]) == {0: 0}
    assert heirs_of(held, found, decided=[0, 1]) == {0: 1}


@settings(max_examples=200)
@given(st.lists(boxes, max_size=6), st.lists(boxes, max_size=6))
def test_heirs_are_one_to_one_and_agree_by_half(held: list[Any], found: list[Any]) -> None:
    heirs = heirs_of(held, found)
    assert len(set(heirs.values())) == len(heirs)

    def pixels(box: Any) -> set[tuple[int, int]]:
        return {(x, y) for x in range(box[0], box[2]) for y in range(box[1], box[3])}

    def agreement(one: Any, other: Any) -> float:
        return len(pixels(one) & pixels(other)) / len(pixels(one) | pixels(other))

    assert all(agreement(found[new], held[old]) >= 0.5 for new, old in heirs.items())
    for new, one in enumerate(found):
        for old, other in enumerate(held):
            if new not in heirs and old not in heirs.values():
                assert agreement(one, other) < 0.5, "nobody is left without an heir in reach"
    back = heirs_of(found, held)
    strengths = [
        sorted(agreement(found[n], held[o]) for n, o in heirs.items()),
        sorted(agreement(found[n], held[o]) for o, n in back.items()),
    ]
    assert strengths[0] == strengths[1], "there and back agree"
