"""Commands about accounts and collections."""

from __future__ import annotations

from typing import Annotated

import typer

from likeness.cli.call import call_of
from likeness.cli.options import AccountOption, AudienceOption, JsonOption, LibraryOption
from likeness.cli.screen import is_conversation, say, table
from likeness.cli.shapes import account_names, collection_as_json, named

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]

WHOEVER_OWNS_IT = "the owner of this library"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    accounts = typer.Typer(rich_markup_mode=None, help="Who works with the library.")
    accounts.command("create")(create_account)
    accounts.command("list")(list_accounts)
    app.add_typer(accounts, name="account")
    collections = typer.Typer(
        rich_markup_mode=None, help="Bodies of photos, and who may search them."
    )
    collections.command("create")(create_collection)
    collections.command("list")(list_collections)
    collections.command("audience")(change_audience)
    app.add_typer(collections, name="collection")


def create_account(
    context: typer.Context,
    name: NameArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add somebody who works with the library."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        made = opened.create_account(name)
    call.answer(
        {"account": {"id": made.account_id, "name": made.name}},
        lambda: say(
            f"Account {made.name}. It may search a collection once it is in its audience: "
            f"likeness collection audience NAME --add '{made.name}'"
        ),
    )


def list_accounts(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List everybody who works with the library."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found = opened.accounts()

    def answer() -> None:
        for one in found:
            say(one.name)

    fields = {"accounts": [{"id": a.account_id, "name": a.name} for a in found]}
    call.answer(fields, answer)


def create_collection(
    context: typer.Context,
    name: NameArgument,
    controller: Annotated[
        str | None,
        typer.Option(
            "--controller",
            metavar="TEXT",
            help=f"Who answers for the photos; {WHOEVER_OWNS_IT} where absent.",
        ),
    ] = None,
    purpose_text: Annotated[
        str, typer.Option("--purpose-text", metavar="TEXT", help="Why the photos are held.")
    ] = "",
    audience: AudienceOption = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a collection. Where no audience is named, the acting account alone may search it."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        if controller is None and is_conversation() and not call.as_json:
            controller = str(
                typer.prompt("Who answers for these photos?", default=WHOEVER_OWNS_IT, err=True)
            )
        made = opened.create_collection(
            name,
            controller=WHOEVER_OWNS_IT if controller is None else controller,
            purpose_text=purpose_text,
            audience=audience or None,
        )
        fields = {"collection": collection_as_json(made, account_names(opened))}
    call.answer(
        fields,
        lambda: say(
            f"Collection {made.name}, of {made.controller}. "
            f"Next: likeness add FOLDER --collection '{made.name}'"
        ),
    )


def list_collections(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the collections, who answers for them, and who may search them."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found, accounts = opened.collections(), account_names(opened)
    call.answer(
        {"collections": [collection_as_json(c, accounts) for c in found]},
        lambda: table(
            ("collection", "controller", "audience", "purpose"),
            [
                (c.name, c.controller, ", ".join(named(c.audience, accounts)), c.purpose_text)
                for c in found
            ],
        ),
    )


def change_audience(
    context: typer.Context,
    name: NameArgument,
    add: Annotated[
        list[str] | None,
        typer.Option("--add", metavar="ACCOUNT", help="Let it search; give it again for more."),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="ACCOUNT", help="Let it search no more."),
    ] = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change who may search a collection.

    Consents that were given do not widen by it: somebody added finds only people whose consent
    names them.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        changed = opened.set_audience(name, add=add or (), drop=drop or ())
        accounts = account_names(opened)
    call.answer(
        {"collection": collection_as_json(changed, accounts)},
        lambda: say(
            f"{changed.name} may be searched by: "
            f"{', '.join(named(changed.audience, accounts)) or 'nobody'}"
        ),
    )
