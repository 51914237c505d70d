"""How often a person was found: by organisation and month, theirs alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from portal_parts import own_house
from promise_house import Clock, acting_as, enrol, found_names
from synthetic_engine import Drawn, save

from likeness.library import Library
from likeness.portal_found import NOT_RECORDED, FoundInMonth, found_by_month
from likeness.store import audit_log
from likeness.store.audit_log import Concerned

ANN, BOB = 1, 2


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    save(tmp_path / "photos" / "a.png", Drawn(person=ANN), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    return enrol(library, "Ann", ANN, "be_found", "find_me")


def test_searches_are_counted_by_month_and_organisation(
    library: Library, ann: str, clock: Clock
) -> None:
    house = own_house(library, ann)
    assert found_by_month(house).months == ()
    for _ in range(2):
        found_names(library, ANN)
    clock.advance(days=40)
    found_names(library, ANN)
    found_names(library, ANN, as_person=ann)
    found = found_by_month(house)
    assert found.months == (
        FoundInMonth(month="2026-04", organisation="Tennis club", times=1),
        FoundInMonth(month="2026-03", organisation="Tennis club", times=2),
    )
    assert found.by_themself == 1


def test_searches_that_found_others_or_nobody_are_not_counted(library: Library, ann: str) -> None:
    enrol(library, "Bob", BOB)
    library.create_account("stranger")
    library.create_collection("other", controller="Other", audience=["stranger"])
    found_names(library, BOB)
    found_names(acting_as(library, "stranger"), ANN)
    assert found_by_month(own_house(library, ann)).months == ()


def test_what_older_entries_do_not_say_is_said_to_be_unknown(library: Library, ann: str) -> None:
    house = library.house
    with house.transaction() as connection:
        audit_log.append(
            connection,
            house.keyring,
            kind="search_outcome",
            at=house.clock(),
            concerned=[
                Concerned(
                    subject_id=ann,
                    details={
                        "at": "2025-12-31T10:00:00+00:00",
                        "found_by": "a",
                        "purpose": "be_found",
                    },
                )
            ],
        )
    assert found_by_month(own_house(library, ann)).months == (
        FoundInMonth(month="2025-12", organisation=NOT_RECORDED, times=1),
    )
