"""Promise 1 in the portal: a person sees themself, and nobody learns of anybody else by it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from byte_scan import forms_of_bytes, forms_of_template, scan
from portal_parts import decisions, file_of, own_house, sha256
from promise_house import Clock, enrol, found_names, rows
from synthetic_engine import Drawn, draw, save

from likeness import (
    own_archive,
    portal,
    portal_consent,
    portal_decisions,
    portal_faces,
    portal_found,
    portal_references,
    signing_in,
)
from likeness.errors import NotSignedIn, Refused
from likeness.export import export_person
from likeness.library import Library

ANN, BOB, STRANGER = 1, 2, 900
SECRET_NAME = "Zebulon Quarles"


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    save(tmp_path / "photos" / "ann.png", Drawn(person=ANN), salt=1)
    save(tmp_path / "photos" / "both.png", Drawn(person=ANN), Drawn(person=BOB), salt=2)
    save(tmp_path / "photos" / "bob.png", Drawn(person=BOB), salt=3)
    library.ingest(tmp_path / "photos", collection="party")
    return enrol(library, "Ann", ANN, "find_me")


@pytest.fixture
def bob(library: Library) -> str:
    return enrol(library, SECRET_NAME, BOB, "find_me")


def all_of(library: Library, person: str) -> str:
    """Everything that a person is given in their portal, as one text."""
    house = own_house(library, person)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(own_archive.own_archive(house))))
    told: list[Any] = [
        portal.my_photos(house),
        *(portal.my_photo(house, one.photo.sha256) for one in portal.my_photos(house).photos),
        portal.my_proposals(house),
        portal.my_refusals(house),
        portal_consent.my_consent(house),
        portal_found.found_by_month(house),
        [one.reference_id for one in portal_references.my_references(house)],
        archive.namelist(),
        archive.read("photos.csv").decode(),
        json.dumps(export_person(house, person)),
    ]
    return "\n".join(map(repr, told))


def test_whoever_lets_nobody_find_them_is_in_no_other_portal(
    library: Library, ann: str, bob: str
) -> None:
    told = all_of(library, ann)
    for word in (SECRET_NAME, bob, sha256(library, "bob.png"), "bob.png"):
        assert word not in told
    assert sha256(library, "both.png") in told


def test_a_portal_reads_the_same_whether_others_in_the_photos_enrolled(
    library: Library, ann: str
) -> None:
    """Apart from times and signatures, nothing of it changes as the other comes and goes."""
    house = own_house(library, ann)

    def told() -> list[Any]:
        photo, others = portal.my_photo(house, sha256(library, "both.png"))
        return [portal.my_photos(house), photo.face, others, portal.my_proposals(house)]

    before = told()
    bob = enrol(library, SECRET_NAME, BOB, "find_me")
    during = told()
    library.withdraw(bob)
    after = told()
    assert _shown(during) == _shown(after) == _shown(before)


def _shown(told: list[Any]) -> list[str]:
    """The same without the change number that a photo was compared with, which no page shows."""
    return [re.sub(r"matched_through=-?\d+", "", repr(one)) for one in told]


def test_pointing_at_a_face_discloses_nothing_about_others(
    library: Library, ann: str, tmp_path: Path
) -> None:
    """The same words, errors and trace before Bob enrolled, while he is here, and once he left."""
    house = own_house(library, ann)
    both = (tmp_path / "photos" / "both.png").read_bytes()
    alone = (tmp_path / "photos" / "bob.png").read_bytes()
    unheld = file_of(draw(Drawn(person=BOB), salt=55))

    def answers() -> set[tuple[str, str, str]]:
        found = set()
        for photo, face in ((both, 2), (alone, 1), (unheld, 1)):
            boxes = portal_faces.faces_of_own_copy(house, photo)
            audit = rows(library, "SELECT count(*) FROM audit")
            with pytest.raises(Refused) as caught:
                portal_faces.that_is_me_in(house, boxes.sealed, face=face)
            [(more,)] = rows(library, "SELECT count(*) FROM audit")
            found.add((type(caught.value).__name__, str(caught.value), str(more - audit[0][0])))
        return found

    before = answers()
    assert len(before) == 1
    bob = enrol(library, SECRET_NAME, BOB, "find_me")
    assert answers() == before
    library.withdraw(bob)
    assert answers() == before


def test_nobody_gains_a_face_that_is_somebody_elses(
    library: Library, ann: str, bob: str, tmp_path: Path
) -> None:
    house = own_house(library, ann)
    held = {d for d in decisions(library) if d[3] == "same"}
    for item in ("both.png", "bob.png"):
        photo = (tmp_path / "photos" / item).read_bytes()
        with pytest.raises(Refused):
            portal_faces.that_is_me(house, photo, face=2 if item == "both.png" else None)
    assert {d for d in decisions(library) if d[3] == "same"} == held


def test_a_stranger_in_a_photo_that_is_held_becomes_nobodys(
    library: Library, ann: str, tmp_path: Path
) -> None:
    save(tmp_path / "more" / "stranger.png", Drawn(person=STRANGER), salt=8)
    library.ingest(tmp_path / "more", collection="party")
    house, stranger = own_house(library, ann), (tmp_path / "more" / "stranger.png").read_bytes()
    before = decisions(library)
    with pytest.raises(Refused):
        portal_faces.that_is_me(house, stranger)
    assert decisions(library) == before


def test_no_template_and_no_photo_of_a_claim_is_kept(
    library: Library, ann: str, engine: Any, place: Any
) -> None:
    house = own_house(library, ann)
    engine.made.clear()
    photo = file_of(draw(Drawn(person=STRANGER), salt=66))
    with pytest.raises(Refused):
        portal_faces.that_is_me(house, photo)
    assert engine.made
    forms = forms_of_bytes(photo[:200])
    for number, template in enumerate(engine.made):
        forms |= {f"{number} {name}": form for name, form in forms_of_template(template).items()}
    assert scan(place.files(), forms) == set()


def test_a_session_ends_the_moment_its_person_withdraws(library: Library, ann: str) -> None:
    secret, _ = signing_in.begin_session(library.house, subject_id=ann, device="x")
    _, acting = signing_in.session_of(library.house, secret)
    assert acting.account_id == ann
    library.withdraw(ann)
    with pytest.raises(NotSignedIn):
        signing_in.session_of(library.house, secret)
    with pytest.raises(Refused):
        portal.my_photos(own_house(library, ann))


def test_what_ends_or_is_left_is_gone_from_the_portal_at_once(
    library: Library, ann: str, clock: Clock
) -> None:
    house = own_house(library, ann)
    assert portal.my_photos(house).total == 2
    portal_consent.change_consent(house, purposes=["publish"])
    assert portal.my_photos(house).photos == ()
    assert found_names(library, ANN, as_person=ann) == []
    portal_consent.change_consent(house, purposes=["find_me"])
    assert portal.my_photos(house).total == 2
    clock.advance(seconds=timedelta(days=731).total_seconds())
    assert portal.my_photos(house).photos == ()


def test_not_me_is_theirs_to_say_and_stands(library: Library, ann: str) -> None:
    house = own_house(library, ann)
    portal_decisions.not_me(house, sha256(library, "both.png"))
    library.rescan()
    assert found_names(library, ANN, as_person=ann) == ["Ann"]
    assert [one.photo.sha256 for one in portal.my_photos(house).photos] == [
        sha256(library, "ann.png")
    ]
