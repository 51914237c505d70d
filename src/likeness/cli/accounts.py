"""Commands about accounts: who works with the library, in which role, and how they get in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from likeness.cli.call import call_of
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import say, table

if TYPE_CHECKING:
    from likeness.records.collection import Account, Role

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]

ROLES_SAID = "owner, operator or member"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    accounts = typer.Typer(rich_markup_mode=None, help="Who works with the library.")
    accounts.command("create")(create_account)
    accounts.command("list")(list_accounts)
    accounts.command("role")(change_role)
    accounts.command("end")(end_account)
    accounts.command("link")(make_link)
    app.add_typer(accounts, name="account")


def create_account(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[
        str,
        typer.Option(
            "--role", metavar="ROLE", help=f"What it may do in the web app: {ROLES_SAID}."
        ),
    ] = "member",
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add somebody who works with the library."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        made = opened.create_account(name, role=cast("Role", role))
    call.answer(
        {"account": account_as_json(made)},
        lambda: say(
            f"Account {made.name}, {made.role}. It may search a collection once it is in its "
            f"audience: likeness collection audience NAME --add '{made.name}'. "
            f"To sign in to the web app it needs a link: likeness account link '{made.name}'"
        ),
    )


def list_accounts(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List everybody who works with the library, and who did."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found = opened.accounts()
    call.answer(
        {"accounts": [account_as_json(a) for a in found]},
        lambda: table(("account", "role", "state"), [(a.name, a.role, _state(a)) for a in found]),
    )


def change_role(
    context: typer.Context,
    name: NameArgument,
    role: Annotated[str, typer.Argument(metavar="ROLE", help=f"{ROLES_SAID.capitalize()}.")],
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give an account another role in the web app; it has to sign in again.

    The last owner stays one.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        changed = opened.set_role(name, cast("Role", role))
    call.answer(
        {"account": account_as_json(changed)}, lambda: say(f"{changed.name}: {changed.role}.")
    )


def end_account(
    context: typer.Context,
    name: NameArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """End an account: it is signed out everywhere, signs in no more, and leaves every audience.

    What it did stays in the audit log, and nobody else can have its name.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        ended = opened.end_account(name)
    call.answer(
        {"account": account_as_json(ended)},
        lambda: say(f"{ended.name} has ended: it signs in no more and searches nothing."),
    )


def make_link(
    context: typer.Context,
    name: NameArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a link by which the holder of an account chooses how to sign in.

    Put the address of your server before it. It works once and for a day; the former one ends, and
    whatever signed the account in before then does so no more.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        path = f"/set-up/{opened.set_up_link(name)}"
    call.answer({"path": path}, lambda: say(path))


def account_as_json(account: Account) -> dict[str, Any]:
    """An account as plain values."""
    return {
        "id": account.account_id,
        "name": account.name,
        "role": account.role,
        "state": _state(account),
    }


def _state(account: Account) -> str:
    return "active" if account.active else "ended"
