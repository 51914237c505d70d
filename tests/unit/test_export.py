"""What a person gets of themself: everything that is theirs, and nothing of anybody else."""

from __future__ import annotations

import base64
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from promise_house import START, Clock, enrol, found_names, rows, said_yes
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, draw, save

from likeness.errors import NotFound, StorageError
from likeness.library import Library
from likeness.records.consent import Consent

ANN, BOB = 1, 2
DAY = timedelta(days=1)


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    """Ann, alone in one photo and beside Bob in another that is in two collections."""
    folder = tmp_path / "photos"
    save(folder / "ann.png", Drawn(person=ANN, look=NEAR), salt=1)
    save(folder / "both.png", Drawn(person=BOB), Drawn(person=ANN), salt=2)
    (folder / "links.csv").write_text(
        "path,page_url,taken_at,text\n"
        "both.png,https://example.org/day,2024-05-01T10:00:00+00:00,The first day\n"
    )
    save(tmp_path / "club" / "same.png", Drawn(person=BOB), Drawn(person=ANN), salt=2)
    library.ingest(folder, collection="party")
    library.ingest(tmp_path / "club", collection="club")
    enrol(library, "Zebulon Quarles", BOB)
    return enrol(library, "Ann", ANN, "be_found", "find_me", statement="said yes on the phone")


def test_a_person_gets_who_they_are_and_what_they_said_yes_to(library: Library, ann: str) -> None:
    given = library.export_person(ann)
    assert (given["person"], given["name"], given["is_adult"]) == (ann, "Ann", True)
    assert given["enrolled_at"] == START.isoformat()
    [consent] = given["consents"]
    assert set(consent) == set(Consent.__dataclass_fields__)
    assert consent["purposes"] == ["be_found", "find_me"]
    assert consent["evidence"]["statement"] == "said yes on the phone"
    assert given["collections"] == {consent["collections"][0]: "party"}


def test_a_person_gets_their_reference_photos(library: Library, ann: str) -> None:
    references = library.export_person(ann)["references"]
    assert len(references) == 2
    for one in references:
        with Image.open(io.BytesIO(base64.b64decode(one["crop_jpeg_base64"]))) as image:
            assert (image.format, image.size) == ("JPEG", (256, 256))


def test_a_person_gets_their_photos_with_the_ways_back_where_their_consent_holds(
    library: Library, ann: str
) -> None:
    photos = {p["sightings"][0]["item"]: p for p in library.export_person(ann)["photos"]}
    assert set(photos) == {"ann.png", "both.png"}
    both = photos["both.png"]
    assert (both["face"], both["box"], both["decided_by"]) == (2, [128, 0, 192, 64], "threshold")
    assert 0.9 < both["score"] <= 1.0
    [sighting] = both["sightings"]
    assert sighting["page_url"] == "https://example.org/day"
    assert sighting["taken_at"] == "2024-05-01T10:00:00+00:00"
    assert (sighting["text"], sighting["link_from"]) == ("The first day", "links.csv")
    assert photos["ann.png"]["sightings"][0]["taken_at"] is None


def test_a_person_gets_who_looked_for_them(library: Library, ann: str) -> None:
    assert found_names(library, ANN) == ["Ann"]
    audit = library.export_person(ann)["audit"]
    seen = [entry["details"] for entry in audit]
    owner = library.house.account.account_id
    assert {"be_found"} == {d["purpose"] for d in seen if d.get("found_by") == owner}
    assert seen[-1]["did"] == "export", "that it was given out is there too"


def test_it_is_plain_values_and_nothing_of_anybody_else(library: Library, ann: str) -> None:
    text = json.dumps(library.export_person(ann))
    bob = library.resolve_person("Zebulon Quarles")
    for word in ("Zebulon", bob, "same.png"):
        assert word not in text


def test_a_person_gets_every_record_of_what_they_said_also_when_it_ended(
    library: Library, ann: str, clock: Clock
) -> None:
    clock.advance(days=1)
    library.renew(ann, expires_at=START + 5 * DAY, statement="yes")
    clock.advance(days=1)
    library.narrow(ann, drop_purposes=["find_me"])
    clock.advance(days=20)
    states = [consent["state"] for consent in library.export_person(ann)["consents"]]
    assert states == ["superseded", "superseded", "given"]


def test_what_is_only_proposed_is_not_called_theirs(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = library.enrol("Ann", [draw(Drawn(person=ANN))], consent=said_yes()).person_id
    assert len(library.proposals()) == 1
    assert library.export_person(ann)["photos"] == []


def test_it_is_in_the_audit_log_before_it_is_given(
    library: Library, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from likeness import export as export_module

    before = rows(library, "SELECT count(*) FROM audit")

    def full(*_given: Any, **_named: Any) -> None:
        raise StorageError("The disk is full.", "Free some space.")

    with monkeypatch.context() as patched:
        patched.setattr(export_module.audit_log, "append", full)
        with pytest.raises(StorageError):
            library.export_person(ann)
    assert rows(library, "SELECT count(*) FROM audit") == before
    library.export_person(ann)
    [(count,)] = rows(library, "SELECT count(*) FROM audit")
    assert count == before[0][0] + 1


@pytest.mark.parametrize("person", ["p_nobody", "", "Ann", "' OR 1=1 --"])
def test_nobody_by_that_id_is_said_so_and_not_logged(
    library: Library, ann: str, person: str
) -> None:
    before = rows(library, "SELECT count(*) FROM audit")
    with pytest.raises(NotFound):
        library.export_person(person)
    assert rows(library, "SELECT count(*) FROM audit") == before


def test_who_withdrew_has_nothing_left_to_give(library: Library, ann: str) -> None:
    library.withdraw(ann)
    with pytest.raises(NotFound):
        library.export_person(ann)
