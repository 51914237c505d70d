"""A person changes their own consent: recorded as given by themself, and of effect at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from portal_parts import decisions, own_house
from promise_house import START, Clock, enrol, found_names, rows, said_yes
from synthetic_engine import Drawn, save

from likeness import export, portal, renewal, withdraw
from likeness.errors import ConsentRefused, Refused, UsageError
from likeness.library import Library
from likeness.portal_consent import change_consent, my_consent
from likeness.records.person import Guardian

ANN, BOB = 1, 2
YEAR = timedelta(days=365)


@pytest.fixture
def photos(library: Library, tmp_path: Path) -> None:
    for number, collection in enumerate(("party", "club")):
        save(tmp_path / collection / f"{collection}.png", Drawn(person=ANN), salt=number)
        library.ingest(tmp_path / collection, collection=collection)


def ann_with(library: Library, *purposes: Any, **more: Any) -> str:
    return enrol(library, "Ann", ANN, *purposes, **more)


def collection_ids(library: Library) -> dict[str, str]:
    return {one.name: one.collection_id for one in library.collections()}


def test_what_they_said_yes_to_is_told_in_names(library: Library, photos: None) -> None:
    ann = ann_with(library, "be_found", collections=("party", "club"))
    own = my_consent(own_house(library, ann))
    assert own.consent is not None and not own.waits
    assert [one.name for one in own.collections] == ["club", "party"]
    assert [one.name for one in own.audience] == ["owner"]
    assert [one.name for one in own.would_find] == ["owner"]


def test_more_is_a_consent_of_their_own_under_the_notice_of_today(
    library: Library, photos: None, clock: Clock
) -> None:
    ann = ann_with(library, "find_me")
    house = own_house(library, ann)
    assert found_names(library, ANN) == []
    clock.advance(days=3)
    kept = change_consent(house, purposes=["find_me", "be_found"])
    assert (kept.how_given, kept.given_at, kept.recorded_by) == ("self", clock.now, "")
    assert kept.evidence.statement == "" and kept.evidence.attested_by == ""
    assert kept.audience == {library.house.account.account_id}
    states = [one.state for one in renewal.consents_of_person(house, ann)]
    assert states == ["superseded", "given"]
    assert found_names(library, ANN) == ["Ann"]


def test_less_stops_at_once(library: Library, photos: None) -> None:
    ann = ann_with(library, "be_found", "find_me")
    house = own_house(library, ann)
    assert found_names(library, ANN) == ["Ann"]
    kept = change_consent(house, purposes=["find_me"])
    assert kept.audience == frozenset()
    assert found_names(library, ANN) == []
    assert len(portal.my_photos(house).photos) == 1


def test_without_links_being_allowed_none_stay(library: Library, photos: None) -> None:
    ann = ann_with(library, "find_me", "publish")
    house = own_house(library, ann)
    assert len(decisions(library)) == 1
    change_consent(house, purposes=["publish"])
    assert decisions(library) == set()
    change_consent(house, purposes=["find_me"])
    assert len(portal.my_photos(house).photos) == 1, "what passed by is compared again"


def test_a_single_collection_is_left(library: Library, photos: None) -> None:
    ann = ann_with(library, "find_me", collections=("party", "club"))
    house = own_house(library, ann)
    assert portal.my_photos(house).total == 2
    change_consent(house, leave=[collection_ids(library)["club"]])
    assert portal.my_photos(house).total == 1
    assert [d[0] for d in decisions(library)] == ["party.png"]
    with pytest.raises(ConsentRefused):
        change_consent(house, leave=[collection_ids(library)["party"]])


def test_an_account_is_left_out(library: Library, photos: None) -> None:
    other = library.create_account("other")
    library.set_audience("party", add=["other"])
    house = own_house(library, ann_with(library, "be_found"))
    kept = change_consent(house, without=[library.house.account.account_id])
    assert kept.audience == {other.account_id}
    assert found_names(library, ANN) == []
    with pytest.raises(ConsentRefused):
        change_consent(house, without=[other.account_id])


def test_being_found_anew_lets_nobody_find_them_who_may_not_search(
    library: Library, photos: None
) -> None:
    library.create_account("late")
    house = own_house(library, ann_with(library, "find_me"))
    kept = change_consent(house, purposes=["be_found"])
    assert [a.name for a in my_consent(house).audience] == ["owner"]
    library.set_audience("party", add=["late"])
    assert change_consent(house, ends_at=START + YEAR).audience == kept.audience


def test_the_end_can_be_moved_either_way(library: Library, photos: None, clock: Clock) -> None:
    house = own_house(library, ann_with(library, "find_me"))
    assert change_consent(house, ends_at=START + 3 * YEAR).ends_at == START + 3 * YEAR
    assert change_consent(house, ends_at=START + timedelta(days=2)).ends_at < START + YEAR
    with pytest.raises(ConsentRefused):
        change_consent(house, ends_at=START - YEAR)
    clock.advance(days=3)
    assert portal.my_photos(house).photos == ()
    change_consent(house, ends_at=clock.now + YEAR)
    assert len(portal.my_photos(house).photos) == 1


@pytest.mark.parametrize(
    "change",
    [{}, {"purposes": ["find_me"]}, {"purposes": ["sell_me"]}, {"leave": ["col_none"]}],
)
def test_what_changes_nothing_is_not_recorded(
    library: Library, photos: None, change: Mapping[str, Any]
) -> None:
    house = own_house(library, ann_with(library, "find_me"))
    before = rows(library, "SELECT count(*) FROM consents")
    with pytest.raises(UsageError):
        change_consent(house, **change)
    assert rows(library, "SELECT count(*) FROM consents") == before


@pytest.fixture
def child(library: Library, photos: None) -> str:
    return ann_with(
        library,
        consent=said_yes(
            "find_me",
            basis="guardian_consent",
            is_adult=False,
            birth_date=date(2015, 1, 1),
            guardian=Guardian(name="Gil", relation="father"),
        ),
    )


def test_for_a_child_the_guardian_alone_says_yes_to_more(library: Library, child: str) -> None:
    house = own_house(library, child)
    with pytest.raises(ConsentRefused):
        change_consent(house, purposes=["find_me", "be_found"])
    change_consent(house, purposes=["find_me", "be_found"], said_by="guardian")
    assert found_names(library, ANN) == ["Ann"]
    change_consent(house, purposes=["find_me"])
    assert found_names(library, ANN) == []


def test_a_child_or_their_guardian_withdraws_in_the_portal(library: Library, child: str) -> None:
    house = own_house(library, child)
    with pytest.raises(ConsentRefused):
        withdraw.withdraw(house, child, requested_by="operator")
    assert withdraw.withdraw(house, child, requested_by="guardian").receipt


def test_a_change_is_in_their_own_log_once(library: Library, photos: None) -> None:
    ann = ann_with(library, "find_me")
    house = own_house(library, ann)
    change_consent(house, ends_at=START + YEAR)
    said = [one["details"].get("did") for one in export.export_person(house, ann)["audit"]]
    assert (said.count("change"), said.count("export")) == (1, 1)


def test_who_has_no_consent_has_nothing_to_change(
    library: Library, photos: None, clock: Clock
) -> None:
    ann = ann_with(library, "find_me")
    house = own_house(library, ann)
    library.withdraw(ann)
    with pytest.raises(Refused):
        change_consent(house, purposes=["publish"])
