"""Accounts: roles, ends and links, and that the last owner stays."""

from __future__ import annotations

import pytest
from promise_house import Clock, Place, acting_as, enrol, found_names

from likeness import signing_in
from likeness.errors import NotFound, NotSignedIn, Refused, UsageError
from likeness.library import Library


def _signed_in(library: Library, account_id: str) -> str:
    secret, _ = signing_in.begin_session(library.house, subject_id=account_id, device="Firefox")
    return secret


def test_an_account_is_a_member_where_nothing_else_is_said(library: Library) -> None:
    roles = {a.name: a.role for a in library.accounts()}
    assert roles == {"owner": "owner"}
    assert library.create_account("bob").role == "member"
    assert library.create_account(" eve ", role="operator").name == "eve"
    assert [(a.name, a.role, a.active) for a in library.accounts()] == [
        ("bob", "member", True),
        ("eve", "operator", True),
        ("owner", "owner", True),
    ]


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\u202eb", "owner", " Owner "])
def test_a_name_that_is_none_or_taken_is_refused(library: Library, name: str) -> None:
    with pytest.raises(UsageError):
        library.create_account(name)


def test_there_are_no_other_roles(library: Library) -> None:
    with pytest.raises(UsageError, match="no such role"):
        library.create_account("bob", role="king")  # type: ignore[arg-type]
    library.create_account("bob")
    for role in ("king", "member"):
        with pytest.raises(UsageError):
            library.set_role("bob", role)  # type: ignore[arg-type]


def test_a_change_of_role_signs_the_account_out(library: Library) -> None:
    bob = library.create_account("bob")
    secret = _signed_in(library, bob.account_id)
    assert library.set_role("bob", "operator").role == "operator"
    with pytest.raises(NotSignedIn):
        signing_in.session_of(library.house, secret)


def test_the_last_owner_is_neither_ended_nor_demoted(library: Library) -> None:
    for change in (
        lambda: library.end_account("owner"),
        lambda: library.set_role("owner", "member"),
    ):
        with pytest.raises(Refused, match="last owner"):
            change()
    library.create_account("eve", role="owner")
    library.set_role("owner", "member")
    with pytest.raises(Refused, match="last owner"):
        library.end_account("eve")


def test_an_account_that_ended_is_out_at_once_and_for_good(
    place: Place, library: Library, clock: Clock
) -> None:
    bob = library.create_account("bob")
    library.set_audience("party", add=["bob"])
    enrol(library, "Ann", 1)
    assert found_names(acting_as(library, "bob"), 1) == ["Ann"]
    secret, link = _signed_in(library, bob.account_id), library.set_up_link("bob")
    ended = library.end_account("bob")
    assert not ended.active
    with pytest.raises(NotSignedIn):
        signing_in.session_of(library.house, secret)
    with pytest.raises(NotFound):
        signing_in.take_link(library.house, link, kind="set_up")
    with pytest.raises(NotSignedIn):
        _signed_in(library, bob.account_id)
    assert all(bob.account_id not in c.audience for c in library.collections())
    with pytest.raises(Refused):
        found_names(acting_as(library, "bob"), 1)
    for change in (
        lambda: library.set_audience("club", add=["bob"]),
        lambda: library.create_collection("new", controller="Club", audience=["bob"]),
        lambda: library.set_up_link("bob"),
        lambda: library.set_role("bob", "owner"),
        lambda: library.end_account("bob"),
        lambda: Library.open(place.library, account="bob", clock=clock),
    ):
        with pytest.raises(NotFound, match="has ended"):
            change()
    with pytest.raises(UsageError, match="already"):
        library.create_account("bob")


def test_a_link_leads_to_the_account_and_replaces_the_one_before(library: Library) -> None:
    bob = library.create_account("bob")
    first, second = library.set_up_link("bob"), library.set_up_link("bob")
    with pytest.raises(NotFound):
        signing_in.opened_link(library.house, first, kind="set_up")
    assert signing_in.opened_link(library.house, second, kind="set_up") == bob.account_id
    with pytest.raises(NotFound):
        library.set_up_link("nobody")


def test_each_deed_is_in_the_audit_log(library: Library) -> None:
    before = library.status().audit_entries
    library.create_account("bob")
    library.set_role("bob", "operator")
    library.set_up_link("bob")
    library.end_account("bob")
    assert library.status().audit_entries == before + 4
    assert library.verify_audit().size == before + 4
