"""Promise 1 where people were merged: saying that two enrolments are of one human being shows no
account anybody, and no photo, that it did not see before."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promise_house import Place, acting_as, copy_of, enrol, found_names
from synthetic_engine import NEAR, Drawn, draw, save

from likeness.errors import NotFound, UsageError
from likeness.library import Library

ACCOUNTS = ("owner", "helper", "guest")
PEOPLE = (1, 2, 3, 4)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Everybody alone, and together in pairs; some of it in both collections."""
    for one in PEOPLE:
        save(tmp_path / "party" / f"{one}.png", Drawn(person=one, look=NEAR), salt=one)
        other = one % len(PEOPLE) + 1
        pair = [Drawn(person=one), Drawn(person=other)]
        save(tmp_path / "party" / f"pair {one}.png", *pair, salt=10 + one)
        if one % 2:
            save(tmp_path / "club" / f"{one}.png", Drawn(person=one, look=NEAR), salt=one)
            save(tmp_path / "club" / f"own {one}.png", Drawn(person=one, shot=3), salt=20 + one)
    return tmp_path


@pytest.fixture
def furnished(place: Place, photos: Path) -> Place:
    with place.open() as library:
        for name in ACCOUNTS[1:]:
            library.create_account(name)
        for name in ("party", "club"):
            library.set_audience(name, add=ACCOUNTS[1:])
            library.ingest(photos / name, collection=name)
    return place


consents = st.fixed_dictionaries(
    {
        "purposes": st.sampled_from([("be_found",), ("find_me",), ("be_found", "find_me")]),
        "collections": st.sampled_from([("party",), ("club",), ("party", "club")]),
        "audience": st.sets(st.sampled_from(ACCOUNTS), min_size=1).map(frozenset),
    }
)


def seen_by(library: Library) -> dict[str, set[tuple[str, str]]]:
    """Each enrolment that the account sees in any list, with its photos' places; each alone."""
    found: dict[str, set[tuple[str, str]]] = {}
    for entry in library.people():
        for one in entry.enrolments:
            found[one.person.person_id] = set()
    return found


def places(photos: Any) -> set[tuple[str, str]]:
    return {(photo.photo.sha256, s.item) for photo in photos for s in photo.sightings}


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    given_consents=st.lists(consents, min_size=4, max_size=4),
    merges=st.lists(st.tuples(st.sampled_from(range(4)), st.sampled_from(range(4))), max_size=4),
)
def test_what_an_account_sees_of_merged_people_is_what_it_saw_of_each(
    furnished: Place, given_consents: list[dict[str, Any]], merges: list[tuple[int, int]]
) -> None:
    place = copy_of(furnished, secrets.token_hex(4))
    with place.open() as library:
        people = [
            enrol(library, f"Person {one}", one, *said.pop("purposes"), **said)
            for one, said in zip(PEOPLE, [dict(c) for c in given_consents], strict=True)
        ]
        before, alone, found = {}, {}, {}
        for name in ACCOUNTS:
            account = acting_as(library, name)
            before[name] = {p.person.person_id: p.photos for p in account.people()}
            alone[name] = {p: places(account.show(p)[1]) for p in before[name]}
            found[name] = {one: found_names(account, one) for one in PEOPLE}
        for one, other in merges:
            for name in ACCOUNTS:
                try:
                    acting_as(library, name).merge(people[one], people[other])
                except (NotFound, UsageError):
                    continue
        for name in ACCOUNTS:
            account = acting_as(library, name)
            entries = account.people()
            listed = [one for entry in entries for one in entry.enrolments]
            assert {one.person.person_id: one.photos for one in listed} == before[name]
            assert len(listed) == len(before[name]), "each is listed once"
            for entry in entries:
                together = {one.person.person_id for one in entry.enrolments}
                union = set().union(*(alone[name][one] for one in together))
                for one in together:
                    seen, photos = account.show(one)
                    assert places(photos) == union
                    assert seen.photos_together == len({sha for sha, _ in union})
                    assert {e.person.person_id for e in seen.enrolments} == together
            for one in PEOPLE:
                names = set(found_names(account, one))
                assert bool(names) == bool(found[name][one])
            unseen = set(people) - set(before[name])
            for person in unseen:
                with pytest.raises(NotFound):
                    account.show(person)


def test_a_search_shows_of_merged_people_no_photo_that_each_alone_did_not(
    library: Library, photos: Path
) -> None:
    library.create_account("helper")
    for name in ("party", "club"):
        library.set_audience(name, add=["helper"])
        library.ingest(photos / name, collection=name)
    one = enrol(library, "One", 1, collections=("party",))
    three = enrol(library, "Three", 3, collections=("club",), audience=frozenset({"owner"}))
    helper = acting_as(library, "helper")

    def shown(account: Library, person: int) -> set[tuple[str, str]]:
        answer = account.search(draw(Drawn(person=person)), purpose="be_found")
        return {place for c in answer.candidates for place in places(c.photos)}

    before = {(a, p): shown(a, p) for a in (library, helper) for p in (1, 3)}
    library.merge(one, three)
    for (account, person), seen in before.items():
        assert shown(account, person) in (seen, before[library, 1] | before[library, 3])
    assert shown(helper, 3) == set() and shown(helper, 1) == before[helper, 1]
