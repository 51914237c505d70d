"""What people decided about a face holds in every copy, within all that holds of links."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from copies_parts import grouped, look_at_photos, save_copy
from hypothesis import given, settings
from hypothesis import strategies as st
from portal_parts import decisions, sha256
from promise_house import enrol, said_yes
from sqlalchemy import text
from store_rows import NOW
from synthetic_engine import DOUBTFUL_ALONE, Drawn

from likeness import copies
from likeness.faces.crops import encode_crop
from likeness.library import Library
from likeness.records.link import Link
from likeness.sharing import share_decisions
from likeness.store.links import put_link

ANN, BOB, CARL = 1, 2, 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "photos"


def take_in(library: Library, folder: Path, collection: str = "party") -> None:
    library.ingest(folder, collection=collection)
    look_at_photos(library, folder)
    library.rescan()


def save_two(folder: Path, *faces: Drawn) -> None:
    """Two copies."""
    save_copy(folder / "a.png", *faces, shade=40)
    save_copy(folder / "b.png", *faces, shade=42)


def test_a_face_taken_away_in_one_copy_is_taken_away_in_all(library: Library, folder: Path) -> None:
    save_two(folder, Drawn(person=ANN), Drawn(person=BOB))
    take_in(library, folder)
    ann, bob = enrol(library, "Ann", ANN), enrol(library, "Bob", BOB)
    assert library.unlink(sha256(library, "b.png"), face=1) == ann
    assert decisions(library) == {
        ("a.png", 1, ann, "different", "operator"),
        ("b.png", 1, ann, "different", "operator"),
        ("a.png", 2, bob, "same", "threshold"),
        ("b.png", 2, bob, "same", "threshold"),
    }
    assert library.show(ann)[1] == []


def test_a_proposal_decided_in_one_copy_waits_in_none(library: Library, folder: Path) -> None:
    save_two(folder, Drawn(person=BOB), Drawn(person=ANN, look=DOUBTFUL_ALONE))
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    assert len(library.proposals()) == 2
    library.decide(sha256(library, "a.png"), face=2, person_id=ann, decision="same")
    assert library.proposals() == []
    assert decisions(library) == {(item, 2, ann, "same", "operator") for item in ("a.png", "b.png")}


def test_what_was_decided_holds_in_a_copy_that_comes_later(library: Library, folder: Path) -> None:
    save_copy(folder / "a.png", Drawn(person=ANN), shade=40)
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    library.unlink(sha256(library, "a.png"), face=1)
    save_copy(folder / "b.png", Drawn(person=ANN), shade=41)
    take_in(library, folder)
    assert grouped(library) == [{"a.png", "b.png"}]
    assert decisions(library) == {
        (item, 1, ann, "different", "operator") for item in ("a.png", "b.png")
    }
    library.rescan()
    assert library.show(ann)[1] == []


def test_a_correction_of_a_correction_holds_too(library: Library, folder: Path) -> None:
    save_two(folder, Drawn(person=ANN))
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    library.unlink(sha256(library, "a.png"), face=1)
    library.house.clock.now += timedelta(minutes=1)  # type: ignore[attr-defined]
    library.decide(sha256(library, "b.png"), face=1, person_id=ann, decision="same")
    assert decisions(library) == {(item, 1, ann, "same", "operator") for item in ("a.png", "b.png")}


def test_a_face_at_another_place_is_another_face(library: Library, folder: Path) -> None:
    """Ann's picture hangs on the wall as well."""
    save_two(folder, Drawn(person=ANN), Drawn(person=BOB), Drawn(person=ANN, look=1))
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    library.unlink(sha256(library, "a.png"), face=1)
    assert {d for d in decisions(library) if d[4] == "operator"} == {
        (item, 1, ann, "different", "operator") for item in ("a.png", "b.png")
    }
    assert {d for d in decisions(library) if d[3] == "same"} == {
        (item, 3, ann, "same", "threshold") for item in ("a.png", "b.png")
    }


def test_a_face_whose_crop_shows_something_else_gets_nothing(
    library: Library, folder: Path
) -> None:
    """Too small in the picture to keep it apart, and still another face."""
    save_two(folder, Drawn(person=ANN))
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    with library.house.transaction() as connection:
        other = np.random.default_rng(1).integers(0, 255, (192, 192, 3), dtype=np.uint8)
        connection.execute(
            text(
                "UPDATE faces SET crop = :crop WHERE photo_id ="
                " (SELECT photo_id FROM sightings WHERE item = 'b.png')"
            ),
            {"crop": encode_crop(other)},
        )
    library.unlink(sha256(library, "a.png"), face=1)
    by_people = {d for d in decisions(library) if d[4] == "operator"}
    assert by_people == {("a.png", 1, ann, "different", "operator")}


def test_nothing_is_said_of_a_person_in_a_collection_that_their_consent_leaves_out(
    library: Library, tmp_path: Path
) -> None:
    save_copy(tmp_path / "party" / "a.png", Drawn(person=ANN), shade=40)
    save_copy(tmp_path / "club" / "b.png", Drawn(person=ANN), shade=41)
    take_in(library, tmp_path / "party")
    take_in(library, tmp_path / "club", "club")
    assert grouped(library) == [{"a.png", "b.png"}]
    ann = enrol(library, "Ann", ANN, consent=said_yes(collections=("party",)))
    photo = sha256(library, "a.png")
    library.unlink(photo, face=1)
    library.decide(photo, face=1, person_id=ann, decision="same")
    assert decisions(library) == {("a.png", 1, ann, "same", "operator")}


def test_a_copy_that_was_split_gets_nothing_more_and_gives_nothing(
    library: Library, folder: Path
) -> None:
    save_two(folder, Drawn(person=ANN))
    take_in(library, folder)
    ann = enrol(library, "Ann", ANN)
    copies.split(library.house, sha256(library, "b.png"))
    library.unlink(sha256(library, "a.png"), face=1)
    assert ("b.png", 1, ann, "same", "threshold") in decisions(library)
    assert len(copies.join_again(library.house, sha256(library, "b.png"))) == 1
    assert ("b.png", 1, ann, "different", "operator") in decisions(library)


@pytest.fixture(scope="module")
def people_and_copies(new_place: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three copies of two faces, three people whom their collection may be compared with."""
    place, folder = new_place(), tmp_path_factory.mktemp("copies")
    faces = (Drawn(person=901), Drawn(person=902))
    for number in range(3):
        save_copy(folder / f"{number}.png", *faces, shade=40 + number)
    with place.open() as library:
        take_in(library, folder)
        assert grouped(library) == [{"0.png", "1.png", "2.png"}]
        people = [enrol(library, name, who) for name, who in (("A", 1), ("B", 2), ("C", 3))]
        yield library, people


decision = st.tuples(
    st.integers(0, 2),  # copy
    st.integers(0, 1),  # face
    st.integers(0, 2),  # person
    st.sampled_from(["same", "different"]),
    st.sampled_from(["threshold", "operator", "person"]),
    st.integers(0, 3),  # when
)


@settings(max_examples=40)
@given(made=st.lists(decision, max_size=10))
def test_whatever_was_decided_sharing_it_keeps_one_to_one_and_comes_to_rest(
    people_and_copies: tuple[Library, list[str]], made: list[tuple[Any, ...]]
) -> None:
    library, people = people_and_copies
    house = library.house
    with pytest.raises(InterruptedError), house.store.transaction() as connection:
        ids = _ids(connection)
        before = _put_valid(connection, ids, people, made)
        [(picture,)] = connection.execute(text("SELECT DISTINCT picture FROM photos")).all()
        # The unique indexes refuse two people a face and two faces of a photo a person.
        share_decisions(house, connection, picture)
        after = _held(connection)
        assert share_decisions(house, connection, picture) == 0
        assert _held(connection) == after
        _check(before, after)
        raise InterruptedError


def _ids(connection: Any) -> dict[tuple[int, int], tuple[int, int]]:
    """Photo and face ids by number of copy and face."""
    found = connection.execute(
        text(
            "SELECT dense_rank() OVER (ORDER BY photo_id) - 1, number - 1, photo_id, face_id"
            " FROM faces ORDER BY 1, 2"
        )
    )
    return {(copy, face): (photo_id, face_id) for copy, face, photo_id, face_id in found}


def _put_valid(
    connection: Any, ids: Any, people: list[str], made: list[tuple[Any, ...]]
) -> dict[tuple[int, int, str], tuple[str, str, int]]:
    """Put those of the decisions that may stand in a photo together; returns them."""
    held: dict[tuple[int, int, str], tuple[str, str, int]] = {}
    for copy, face, who, what, by, when in made:
        person = people[who]
        rival = any(
            c == copy and w[0] == "same" and (f == face) != (p == person)
            for (c, f, p), w in held.items()
        )
        if what == "same" and rival:
            continue
        held[copy, face, person] = (what, by, when)
        photo_id, face_id = ids[copy, face]
        link = Link(face_id=face_id, person_id=person, decision=what, score=0.9, decided_by=by)
        put_link(connection, link, photo_id=photo_id, at=NOW + timedelta(minutes=when))
    return held


def _held(connection: Any) -> dict[tuple[int, int, str], tuple[str, str, int]]:
    found = connection.execute(
        text(
            "SELECT dense_rank() OVER (ORDER BY l.photo_id) - 1, f.number - 1, l.person_id,"
            " l.decision, l.decided_by, l.decided_at, l.photo_id"
            " FROM faces f LEFT JOIN links l ON l.face_id = f.face_id ORDER BY 1"
        )
    ).all()
    numbers = {p: n for n, (p,) in enumerate(_photos(connection))}
    held = {}
    for _, face, person, what, by, at, photo_id in found:
        if person is not None:
            minutes = (_when(at) - NOW).total_seconds() / 60
            held[numbers[photo_id], face, person] = (what, by, round(minutes))
    return held


def _photos(connection: Any) -> list[Any]:
    return list(connection.execute(text("SELECT photo_id FROM photos ORDER BY photo_id")))


def _when(at: str) -> datetime:
    return datetime.fromisoformat(at)


def _check(before: dict[Any, Any], after: dict[Any, Any]) -> None:
    human = {pair: w for pair, w in before.items() if w[1] != "threshold"}
    for (copy, face, person), was in human.items():
        # Nobody's decision is forgotten: it stands, or one at least as new about the same pair.
        now = after[copy, face, person]
        assert now[1] != "threshold" and now[2] >= was[2]
    for (copy, face, person), now in after.items():
        if now[1] == "threshold":
            assert before[copy, face, person] == now
            continue
        # Nothing is made up: somebody said so about this face and person in some copy.
        assert now in {human.get((other, face, person)) for other in range(3)}
    for face, person in {(f, p) for _, f, p in human}:
        said = [
            (w[2], w[0] == "different")
            for (_, f, p), w in human.items()
            if (f, p) == (face, person)
        ]
        _, refused = max(said)
        for copy in range(3):
            now = after.get((copy, face, person))
            if refused:
                assert now is not None and now[0] == "different"
            elif now is None or now[0] != "same" or now[1] == "threshold":
                # Only somebody else's word in this very copy stands against it.
                assert any(
                    c == copy
                    and w[0] == "same"
                    and w[1] != "threshold"
                    and (f == face) != (p == person)
                    for (c, f, p), w in after.items()
                )
