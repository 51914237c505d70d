"""Merging: one human being, enrolled twice, is shown as one, and nothing else is widened."""

from __future__ import annotations

from pathlib import Path

import pytest
from promise_house import acting_as, enrol, found_photos, rows, said_yes
from synthetic_engine import NEAR, Drawn, draw, save

from likeness.errors import ConsentRefused, NotFound, UsageError
from likeness.library import Library
from likeness.records.person import Guardian
from likeness.store import audit_log
from likeness.store import same_people as rows_of

ANN, BOB, CARL = 1, 2, 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One photo of each alone, and one of Ann and Bob."""
    folder = tmp_path / "photos"
    save(folder / "ann.png", Drawn(person=ANN), salt=1)
    save(folder / "bob.png", Drawn(person=BOB), salt=2)
    save(folder / "both.png", Drawn(person=ANN, look=NEAR), Drawn(person=BOB), salt=3)
    return folder


@pytest.fixture
def two(library: Library, folder: Path) -> tuple[str, str]:
    """Two enrolments that look apart, such as of a child and the grown-up."""
    library.ingest(folder, collection="party")
    ann = enrol(library, "Ann", ANN)
    library.house.clock.advance(days=1)  # type: ignore[attr-defined]
    return ann, enrol(library, "Ann again", BOB)


def listed(library: Library) -> list[list[str]]:
    return [[one.person.person_id for one in seen.enrolments] for seen in library.people()]


def test_two_that_are_merged_are_one_entry_under_the_older_with_their_photos_together(
    library: Library, two: tuple[str, str]
) -> None:
    ann, again = two
    assert set(library.merge(again, ann).person_ids) == {ann, again}
    assert listed(library) == [[ann, again]]
    [seen] = library.people()
    assert seen.person.details.name == "Ann"
    assert (seen.photos, seen.photos_together) == (2, 3)
    for one in two:
        shown, photos = library.show(one)
        assert shown.person.person_id == one
        assert len(photos) == shown.photos_together == 3
    assert len(found_photos(library, ANN)) >= 2


def test_splitting_takes_it_back(library: Library, two: tuple[str, str]) -> None:
    ann, again = two
    before = rows(library, "SELECT face_id, person_id, decision, decided_by FROM links")
    library.merge(ann, again)
    assert library.split(again).person_ids == (ann,)
    assert sorted(listed(library)) == sorted([[ann], [again]])
    assert rows(library, "SELECT * FROM same_people") == []
    after = rows(library, "SELECT face_id, person_id, decision, decided_by FROM links")
    assert set(after) == set(before)


def test_each_keeps_what_it_said_yes_to(library: Library, folder: Path) -> None:
    library.ingest(folder, collection="party")
    library.ingest(folder, collection="club")
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    ann = enrol(library, "Ann", ANN, audience=frozenset({"owner"}))
    bob = enrol(library, "Bob", BOB)
    library.merge(ann, bob)
    helper = acting_as(library, "helper")
    assert listed(helper) == [[bob]]
    [seen] = helper.people()
    assert (seen.others, seen.photos_together) == ((), 2)
    assert len(helper.show(bob)[1]) == 2
    with pytest.raises(NotFound):
        helper.show(ann)
    with pytest.raises(UsageError) as alone:
        helper.split(bob)
    library.split(bob)
    with pytest.raises(UsageError) as apart:
        helper.split(bob)
    assert str(alone.value) == str(apart.value), "whom one may not find leaves no trace"


def test_nobody_is_merged_whom_the_account_may_not_find(
    library: Library, two: tuple[str, str]
) -> None:
    ann, again = two
    helper_may_find = library.create_account("helper")
    helper = acting_as(library, helper_may_find.name)
    said = set()
    for one, other in ((ann, again), (ann, "p_nobody"), ("p_nobody", again)):
        with pytest.raises(NotFound) as caught:
            helper.merge(one, other)
        said.add(str(caught.value))
    with pytest.raises(NotFound) as caught:
        helper.split(ann)
    assert said == {str(caught.value)}
    for one, other in ((ann, ann), (again, again)):
        with pytest.raises(UsageError):
            library.merge(one, other)
    library.merge(ann, again)
    with pytest.raises(UsageError):
        library.merge(again, ann)


@pytest.mark.parametrize("first", [True, False])
def test_whom_the_account_may_find_no_more_it_sees_in_no_group(
    library: Library, folder: Path, first: bool
) -> None:
    """Of two that it merged itself, one stays, and looks as if nobody had ever been beside it."""
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    library.ingest(folder, collection="party")
    pair = enrol(library, "Ann", ANN), enrol(library, "Ann again", BOB)
    alone = enrol(library, "Carl", CARL)
    helper = acting_as(library, "helper")
    helper.merge(*pair)
    gone, stays = pair if first else pair[::-1]
    library.narrow(gone, drop_accounts=["helper"])
    assert sorted(listed(helper)) == sorted([[stays], [alone]])
    shown, photos = helper.show(stays)
    assert shown.others == () and len(photos) == 2
    said = set()
    for call in (helper.show, helper.split, lambda one: helper.merge(one, alone)):
        for one in (gone, "p_nobody"):
            with pytest.raises(NotFound) as caught:
                call(one)
            said.add(str(caught.value))
    assert len(said) == 1
    said = set()
    for one in (stays, alone):
        with pytest.raises(UsageError) as refused:
            helper.split(one)
        said.add(str(refused.value))
    assert len(said) == 1
    probe = draw(Drawn(person=BOB if first else ANN))
    [found] = helper.search(probe, purpose="be_found").candidates
    assert (found.person_id, found.also) == (stays, ())
    assert {frozenset(one) for one in listed(library)} == {frozenset(pair), frozenset([alone])}


def test_groups_grow_together_and_one_leaves_alone(library: Library, two: tuple[str, str]) -> None:
    carl, dora = enrol(library, "Carl", CARL), enrol(library, "Dora", 4)
    library.merge(*two)
    library.merge(carl, dora)
    assert len(library.merge(two[0], dora).person_ids) == 4
    assert len(listed(library)) == 1
    library.split(carl)
    assert sorted(map(len, listed(library))) == [1, 3]


def test_twins_that_are_one_are_in_doubt_no_more(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "photos" / "x.png", Drawn(person=ANN, look=NEAR), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    ann = enrol(library, "Ann", ANN)
    twin = library.enrol(
        "Anna", [draw(Drawn(person=ANN))], consent=said_yes(), different_person=True
    ).person_id
    assert found_photos(library, ANN) == set() and len(library.proposals()) == 1
    library.merge(ann, twin)
    assert library.proposals() == []
    assert len(library.show(ann)[1]) == 1
    save(tmp_path / "photos" / "y.png", Drawn(person=ANN, look=NEAR, shot=2), salt=2)
    library.ingest(tmp_path / "photos", collection="party")
    assert len(library.show(ann)[1]) == 2, "photos that arrive are compared alike"
    library.split(twin)
    assert len(library.proposals()) == 2 and found_photos(library, ANN) == set()


def test_every_entry_is_in_the_log_of_each_and_names_no_other(
    library: Library, two: tuple[str, str]
) -> None:
    library.merge(*two)
    library.split(two[0])
    house = library.house
    for subject in (*two, house.account.account_id):
        with house.store.snapshot() as connection:
            key = house.keyring.key(subject)
            kept = audit_log.details_of(connection, subject, key=key)
        assert [one["details"]["did"] for one in kept[-2:]] == ["merge", "split"]
        assert not any(other in str(kept) for other in set(two) - {subject})


def test_whoever_says_stop_means_all_of_it(library: Library, two: tuple[str, str]) -> None:
    ann, again = two
    library.merge(ann, again)
    withdrawn = library.withdraw(ann)
    assert [len(one.receipt) > 100 for one in withdrawn.others] == [True]
    assert {serial for serial, _, _ in library.receipts()} == {
        withdrawn.serial,
        withdrawn.others[0].serial,
    }
    assert library.people() == []
    assert rows(library, "SELECT * FROM links") == rows(library, "SELECT * FROM same_people") == []
    assert set(two) <= library.house.keyring.tombstones()


def helped(library: Library, folder: Path) -> tuple[Library, str, str]:
    """Ann and Bob as one, and an account that may find Bob alone."""
    library.ingest(folder, collection="party")
    library.create_account("helper")
    library.set_audience("party", add=["helper"])
    ann = enrol(library, "Ann", ANN, audience=frozenset({"owner"}))
    bob = enrol(library, "Bob", BOB)
    library.merge(ann, bob)
    helper = acting_as(library, "helper")
    return helper, ann, bob


def test_an_operator_on_their_own_account_reaches_no_further_than_they_may(
    library: Library, folder: Path
) -> None:
    helper, ann, bob = helped(library, folder)
    assert helper.withdraw(bob, requested_by="operator").others == ()
    assert listed(library) == [[ann]]


def test_the_person_themself_reaches_all_and_whoever_may_not_know_gets_no_receipt(
    library: Library, folder: Path
) -> None:
    helper, _, bob = helped(library, folder)
    assert helper.withdraw(bob, requested_by="person").others == ()
    assert library.people() == []


def test_a_guardian_ends_what_they_gave_and_not_what_the_grown_up_said(
    library: Library, folder: Path
) -> None:
    library.ingest(folder, collection="party")
    birth = library.house.clock().date().replace(year=2015)
    child = enrol(
        library,
        "Ann",
        ANN,
        basis="guardian_consent",
        is_adult=False,
        birth_date=birth,
        guardian=Guardian(name="Mum"),
    )
    grown = enrol(library, "Ann grown up", BOB)
    library.merge(child, grown)
    assert library.withdraw(child, requested_by="guardian").others == ()
    assert listed(library) == [[grown]]
    with pytest.raises(ConsentRefused):
        library.withdraw(grown, requested_by="guardian")


def test_an_enrolment_that_expires_goes_alone(library: Library, folder: Path) -> None:
    library.ingest(folder, collection="party")
    clock = library.house.clock
    ann = enrol(library, "Ann", ANN, expires_at=clock().replace(year=2027))
    bob = enrol(library, "Bob", BOB, expires_at=clock().replace(year=2030))
    library.merge(ann, bob)
    clock.advance(days=400)  # type: ignore[attr-defined]
    assert listed(library) == [[bob]]
    assert found_photos(library, ANN) == set()


def test_a_group_of_one_is_none(library: Library, two: tuple[str, str]) -> None:
    library.merge(*two)
    with library.house.store.snapshot() as connection:
        assert set(rows_of.groups(connection, [*two, "p_nobody"])) == set(two)
        assert rows_of.group_with(connection, "p_nobody") == ["p_nobody"]
    with library.house.transaction() as connection:
        rows_of.take_out(connection, two[0])
        assert rows_of.all_groups(connection) == {}
