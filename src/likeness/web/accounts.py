"""Who works here: the owner adds accounts, changes their roles and ends them."""

from __future__ import annotations

from typing import Final, cast

from fastapi.responses import Response

from likeness import accounts as ways
from likeness.errors import LikenessError, NotFound, Refused, UsageError
from likeness.records.collection import Account, Role
from likeness.web.access import OWNER, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled
from likeness.web.qr import qr_code
from likeness.web.visit import Here, Visit

pages = Pages()

ACCOUNTS: Final = "every account: name, role and state"
ROLES_IN_WORDS: Final = (
    ("member", "Member: searches"),
    ("operator", "Operator: also sources, people, reviews and notices"),
    ("owner", "Owner: also accounts"),
)


@pages.show("/accounts", roles=OWNER, whose=ACCOUNTS)
def accounts(visit: Here) -> Response:
    """Everybody who works here."""
    return _page(visit)


@pages.do("/accounts", roles=OWNER, whose=ACCOUNTS)
def create_account(visit: Here, form: Filled) -> Response:
    """Add an account, and show the link by which its holder gets in."""
    visit.require_fresh()
    role = cast("Role", form.text("role", "member"))
    try:
        made = ways.create(visit.house, form.text("name"), role=role)
    except UsageError as error:
        return _page(visit, error=error, typed=form.text("name"), status=status_of(error))
    return _link_page(visit, made)


@pages.do("/accounts/{account_id}/link", roles=OWNER, whose="one account")
def make_link(visit: Here, account_id: str) -> Response:
    """Make a link by which the account's holder chooses how to sign in; it is shown once."""
    visit.require_fresh()
    return _link_page(visit, _account(visit, account_id))


@pages.do("/accounts/{account_id}/role", roles=OWNER, whose="one account")
def change_role(visit: Here, account_id: str, form: Filled) -> Response:
    """Give an account another role."""
    visit.require_fresh()
    try:
        ways.set_role(
            visit.house, _account(visit, account_id).name, cast("Role", form.text("role"))
        )
    except (UsageError, Refused) as error:
        return _page(visit, error=error, status=status_of(error))
    return visit.see_other("/accounts", said="The role is changed; the account signs in again.")


@pages.do("/accounts/{account_id}/end", roles=OWNER, whose="one account")
def end_account(visit: Here, account_id: str) -> Response:
    """End an account."""
    visit.require_fresh()
    try:
        ways.end(visit.house, _account(visit, account_id).name)
    except Refused as error:
        return _page(visit, error=error, status=status_of(error))
    return visit.see_other("/accounts", said="The account has ended, and is signed out everywhere.")


def _page(
    visit: Visit, *, error: LikenessError | None = None, typed: str = "", status: int = 200
) -> Response:
    return visit.page(
        "accounts",
        status=status,
        error=error,
        typed=typed,
        accounts=ways.all_accounts(visit.house),
        roles=ROLES_IN_WORDS,
    )


def _link_page(visit: Visit, account: Account) -> Response:
    path = f"/set-up/{ways.link(visit.house, account.name)}"
    address = f"{visit.parts.options.public_url}{path}"
    code = qr_code(address, label="The same link as a QR code")
    return visit.page("account_link", account=account, address=address, code=code)


def _account(visit: Visit, account_id: str) -> Account:
    for account in ways.all_accounts(visit.house):
        if account.account_id == account_id:
            return account
    raise NotFound("There is no such account.", "Go back to the accounts.")
