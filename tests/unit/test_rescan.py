"""Photos that are held and people who enrol later: in whatever order, none misses another."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from promise_house import (
    Place,
    acting_as,
    enrol,
    found_photos,
    holdings,
    rows,
    said_yes,
    with_engine,
)
from synthetic_engine import (
    DOUBTFUL_ALONE,
    DOUBTFUL_AMONG_TEN,
    EXACT,
    NEAR,
    Drawn,
    RecordingEngine,
    SyntheticEngine,
    draw,
    save,
)

from likeness.errors import StorageError
from likeness.library import Library
from likeness.rescan import PHOTOS_AT_ONCE

ANN, BOB, CARL = 1, 2, 3


class FailingEngine(RecordingEngine):
    """Breaks off after some templates, as when the process is killed."""

    def __init__(self, engine: Any) -> None:
        super().__init__(engine)
        self.left: int | None = None

    def _kept(self, made: NDArray[np.float32]) -> NDArray[np.float32]:
        if self.left is not None:
            self.left -= len(made)
            if self.left < 0:
                raise KeyboardInterrupt
        return super()._kept(made)


def waiting(library: Library) -> int:
    [(count,)] = rows(
        library,
        "SELECT count(*) FROM photos WHERE matched_through <"
        " (SELECT coalesce(max(comparable_since), 0) FROM people)",
    )
    assert isinstance(count, int)
    return count


def links(library: Library) -> set[tuple[Any, ...]]:
    """(item, number of the face, name of the person, decision) of what is linked and proposed."""
    names = {seen.person.person_id: seen.person.details.name for seen in library.people()}
    found = rows(
        library,
        "SELECT s.item, f.number, l.person_id, l.decision FROM links l"
        " JOIN faces f ON f.face_id = l.face_id"
        " JOIN sightings s ON s.photo_id = l.photo_id"
        " UNION SELECT s.item, f.number, q.person_id, 'proposed' FROM proposals q"
        " JOIN faces f ON f.face_id = q.face_id JOIN sightings s ON s.photo_id = q.photo_id",
    )
    return {(item, face, names[person], decision) for item, face, person, decision in found}


def test_a_new_enrolment_finds_the_photos_that_are_held(library: Library, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    save(folder / "ann.png", Drawn(person=ANN, look=NEAR), salt=1)
    save(folder / "both.png", Drawn(person=BOB), Drawn(person=ANN), salt=2)
    save(folder / "bob.png", Drawn(person=BOB), salt=3)
    save(folder / "nobody.png", salt=4)
    library.ingest(folder, collection="party")
    enrol(library, "Ann", ANN)
    assert links(library) == {("ann.png", 1, "Ann", "same"), ("both.png", 2, "Ann", "same")}
    assert waiting(library) == 0
    enrol(library, "Bob", BOB)
    assert {(item, name) for item, _, name, _ in links(library)} == {
        ("ann.png", "Ann"),
        ("both.png", "Ann"),
        ("both.png", "Bob"),
        ("bob.png", "Bob"),
    }


def test_newest_photos_come_first_and_a_bounded_number_at_a_time(
    library: Library, tmp_path: Path, engine: RecordingEngine
) -> None:
    for batch, person in enumerate((ANN, BOB)):
        for number in range(PHOTOS_AT_ONCE):
            face = Drawn(person=person, shot=number)
            save(tmp_path / str(batch) / f"{number:03}.png", face, salt=100 * batch + number)
        library.ingest(tmp_path / str(batch), collection="party")
    steps: list[tuple[int, int | None]] = []
    made: list[int] = []

    def note(step: Any) -> None:
        steps.append((step.done, step.total))
        made.append(len(engine.made))

    consent = said_yes()
    library.enrol("Carl", [draw(Drawn(person=CARL))], consent=consent, progress=note)
    assert steps == [(0, 2 * PHOTOS_AT_ONCE), (PHOTOS_AT_ONCE, 2 * PHOTOS_AT_ONCE)]
    drawn = SyntheticEngine(library.house.pack)
    first = engine.made[made[0] : made[1]]
    assert len(first) == PHOTOS_AT_ONCE
    for template in first:
        assert template @ drawn.template(Drawn(person=BOB)) > 0.99, "those that came last"


def test_one_pass_serves_everybody_who_waits(
    place: Place, library: Library, tmp_path: Path, engine: RecordingEngine
) -> None:
    for number in range(4):
        faces = [Drawn(person=ANN, shot=number), Drawn(person=BOB, shot=number)]
        save(tmp_path / "photos" / f"{number}.png", *faces, salt=number)
    library.ingest(tmp_path / "photos", collection="party")
    failing = FailingEngine(SyntheticEngine(library.house.pack))
    broken = with_engine(library, failing)
    for person in (ANN, BOB):
        failing.left = 2
        with pytest.raises(KeyboardInterrupt):
            enrol(broken, f"{person}", person)
    assert waiting(library) == 4
    engine.made.clear()
    report = library.rescan()
    assert (report.photos, report.linked) == (4, 8)
    assert len(engine.made) == 8, "each face once, for both"
    assert library.rescan().photos == 0
    assert len(engine.made) == 8


def test_a_rescan_that_breaks_off_goes_on_where_it_was(
    place: Place, library: Library, tmp_path: Path, engine: RecordingEngine
) -> None:
    count = 2 * PHOTOS_AT_ONCE + 3
    for number in range(count):
        face = Drawn(person=ANN, shot=number)
        save(tmp_path / "photos" / f"{number:03}.png", face, salt=number)
    library.ingest(tmp_path / "photos", collection="party")
    failing = FailingEngine(SyntheticEngine(library.house.pack))
    failing.left = 2 + PHOTOS_AT_ONCE
    with pytest.raises(KeyboardInterrupt):
        enrol(with_engine(library, failing), "Ann", ANN)
    assert waiting(library) == PHOTOS_AT_ONCE + 3, "a batch is whole or not at all"
    assert len(links(library)) == PHOTOS_AT_ONCE
    engine.made.clear()
    with place.open() as again:
        report = again.rescan()
        assert (report.photos, report.linked) == (PHOTOS_AT_ONCE + 3, PHOTOS_AT_ONCE + 3)
        assert len(engine.made) == PHOTOS_AT_ONCE + 3, "nothing is compared a second time"
        assert len(found_photos(again, ANN)) == count


def test_a_batch_that_cannot_be_written_is_not_taken_for_done(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from likeness import deciding

    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")

    def full(*_given: Any, **_named: Any) -> None:
        raise StorageError("The disk is full.", "Free some space.")

    with monkeypatch.context() as patched:
        patched.setattr(deciding, "put_proposals", full)
        with pytest.raises(StorageError):
            enrol(library, "Ann", ANN)
    assert (links(library), waiting(library)) == (set(), 1)
    assert library.rescan().linked == 1


def test_only_photos_of_collections_that_somebody_newer_is_compared_in_need_templates(
    library: Library, tmp_path: Path, engine: RecordingEngine
) -> None:
    save(tmp_path / "party" / "x.png", Drawn(person=ANN), salt=1)
    save(tmp_path / "club" / "y.png", Drawn(person=ANN), salt=2)
    for name in ("party", "club"):
        library.ingest(tmp_path / name, collection=name)
    engine.made.clear()
    enrol(library, "Ann", ANN, collections=["club"])
    assert len(engine.made) == 2 + 1, "her two references and the one face in the club"
    assert waiting(library) == 0
    assert {item for item, *_ in links(library)} == {"y.png"}


def test_a_photo_that_comes_into_another_collection_is_compared_with_its_people(
    library: Library, tmp_path: Path
) -> None:
    save(tmp_path / "party" / "x.png", Drawn(person=ANN), Drawn(person=BOB), salt=1)
    library.ingest(tmp_path / "party", collection="party")
    enrol(library, "Ann", ANN, collections=["club"])
    enrol(library, "Bob", BOB, collections=["party"])
    assert {name for _, _, name, _ in links(library)} == {"Bob"}
    shutil.copytree(tmp_path / "party", tmp_path / "club")
    report = library.ingest(tmp_path / "club", collection="club")
    assert (report.new, report.known) == (0, 1)
    assert {name for _, _, name, _ in links(library)} == {"Ann", "Bob"}
    assert rows(library, "SELECT count(*) FROM photos") == [(1,)]


def test_a_photo_that_leaves_a_collection_leaves_the_people_of_it(
    library: Library, tmp_path: Path
) -> None:
    for name in ("party", "club"):
        save(tmp_path / name / "x.png", Drawn(person=ANN), Drawn(person=BOB), salt=1)
        save(tmp_path / name / f"{name}.png", salt=2)
        library.ingest(tmp_path / name, collection=name)
    enrol(library, "Ann", ANN, collections=["party"])
    enrol(library, "Bob", BOB, collections=["club"])
    assert {name for _, _, name, _ in links(library)} == {"Ann", "Bob"}
    (tmp_path / "party" / "x.png").unlink()
    library.ingest(tmp_path / "party", collection="party")
    assert {name for _, _, name, _ in links(library)} == {"Bob"}


@pytest.mark.parametrize("look", [EXACT, NEAR, DOUBTFUL_ALONE])
def test_not_this_person_survives_every_rescan(library: Library, tmp_path: Path, look: int) -> None:
    photo = save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=look), salt=1)
    library.ingest(photo.parent, collection="party")
    ann = enrol(library, "Ann", ANN)
    [(sha256,)] = rows(library, "SELECT sha256 FROM photos")
    if look == DOUBTFUL_ALONE:
        library.decide(sha256, face=1, person_id=ann, decision="different")
    else:
        assert library.unlink(sha256, face=1) == ann
    expected = {("x.png", 1, "Ann", "different")}
    assert links(library) == expected
    enrol(library, "Bob", BOB)
    assert links(library) == expected
    library.withdraw(enrol(library, "Carl", CARL))
    library.renew(ann, expires_at=library.house.clock().replace(year=2030), statement="yes")
    library.ingest(photo.parent, collection="party")
    shutil.copytree(photo.parent, tmp_path / "again")
    library.ingest(tmp_path / "again", collection="club")
    library.rescan()
    assert {(face, name, what) for _, face, name, what in links(library)} == {
        (1, "Ann", "different")
    }
    assert found_photos(library, ANN) == set()


def test_a_person_gets_the_best_face_of_a_photo_and_no_second_one(
    library: Library, tmp_path: Path
) -> None:
    """As in a photo with a picture of them on the wall."""
    twice = [Drawn(person=ANN, look=NEAR), Drawn(person=ANN)]
    save(tmp_path / "photos" / "x.png", *twice, salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    enrol(library, "Ann", ANN)
    assert links(library) == {("x.png", 2, "Ann", "same")}
    save(tmp_path / "photos" / "y.png", *reversed(twice), salt=2)
    library.ingest(tmp_path / "photos", collection="party")
    assert links(library) == {("x.png", 2, "Ann", "same"), ("y.png", 1, "Ann", "same")}
    [(sha256,)] = rows(
        library,
        "SELECT sha256 FROM photos JOIN sightings USING (photo_id) WHERE item = 'x.png'",
    )
    library.unlink(sha256, face=2)
    # The other face is theirs then: what a human said is of that face alone.
    assert links(library) >= {("x.png", 1, "Ann", "same"), ("x.png", 2, "Ann", "different")}


def test_what_is_sure_for_few_is_proposed_among_many(library: Library, tmp_path: Path) -> None:
    """The threshold rises with the gallery, and photos that were decided before are looked at."""
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=DOUBTFUL_AMONG_TEN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    enrol(library, "Ann", ANN)
    assert links(library) == {("x.png", 1, "Ann", "same")}
    enrol(library, "Bob", BOB)
    assert links(library) == {("x.png", 1, "Ann", "proposed")}


def test_counts_tell_an_operator_only_of_people_whom_they_may_find(
    library: Library, tmp_path: Path
) -> None:
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN), Drawn(person=BOB), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    failing = FailingEngine(SyntheticEngine(library.house.pack))
    failing.left = 2
    with pytest.raises(KeyboardInterrupt):
        enrol(with_engine(library, failing), "Ann", ANN, audience=frozenset({"owner"}))
    report = acting_as(library, "helper").rescan()
    assert (report.photos, report.linked) == (1, 0)
    assert len(found_photos(library, ANN)) == 1


def test_with_nobody_and_with_nothing_there_is_nothing_to_do(
    library: Library, tmp_path: Path, engine: RecordingEngine
) -> None:
    assert library.rescan().photos == 0
    enrol(library, "Ann", ANN)
    assert library.rescan().photos == 0
    save(tmp_path / "photos" / "nobody.png", salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    assert library.rescan().photos == 0


# Two photos with up to three faces, three people, and an order in which all five come.
drawings = st.builds(
    Drawn,
    person=st.sampled_from([ANN, BOB, CARL, 40]),
    look=st.sampled_from([EXACT, NEAR, DOUBTFUL_ALONE, DOUBTFUL_AMONG_TEN]),
    shot=st.integers(0, 3),
)
orders = st.permutations(["0", "1", "Ann", "Bob", "Carl"])


@settings(max_examples=8)
@given(
    st.lists(st.lists(drawings, max_size=3), min_size=2, max_size=2),
    orders,
    st.sampled_from([("party",), ("club",), ("party", "club")]),
)
def test_the_order_in_which_photos_and_people_come_makes_no_difference(
    new_place: Callable[[], Place],
    photos: list[list[Drawn]],
    order: list[str],
    collections: tuple[str, ...],
) -> None:
    ends = []
    for steps in (["0", "1", "Ann", "Bob", "Carl"], ["Carl", "Bob", "Ann", "1", "0"], order):
        place = new_place()
        with place.open() as library:
            known = {}
            for step in steps:
                if step.isdigit():
                    folder = place.folder / step
                    save(folder / f"{step}.png", *photos[int(step)], salt=int(step))
                    library.ingest(folder, collection="party")
                else:
                    person = {"Ann": ANN, "Bob": BOB, "Carl": CARL}[step]
                    given_for = collections if step == "Bob" else ("party",)
                    known[enrol(library, step, person, collections=given_for)] = step
            assert waiting(library) == 0
            ends.append({(*row[:-2], known.get(row[-2], ""), row[-1]) for row in holdings(library)})
    assert ends[0] == ends[1] == ends[2]
