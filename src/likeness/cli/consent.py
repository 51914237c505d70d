"""Commands about a person's consent: see it, renew it, take something out of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import call_of
from likeness.cli.choosing import end_of_day
from likeness.cli.options import AccountOption, JsonOption, LibraryOption, PersonArgument
from likeness.cli.screen import say
from likeness.cli.shapes import account_names, collection_names, consent_as_names

if TYPE_CHECKING:
    from likeness.library import Library
    from likeness.records.consent import Consent


def register(app: typer.Typer) -> None:
    """Add these commands."""
    consents = typer.Typer(rich_markup_mode=None, help="What a person said yes to.")
    consents.command("show")(show)
    consents.command("renew")(renew)
    consents.command("narrow")(narrow)
    app.add_typer(consents, name="consent")


def show(
    context: typer.Context,
    person: PersonArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show every consent record of a person, oldest first."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        person_id = opened.resolve_person(person)
        records = _in_names(opened, opened.consents(person_id))
    call.answer({"person": person_id, "consents": records}, lambda: _say(records))


def renew(
    context: typer.Context,
    person: PersonArgument,
    expires: Annotated[
        str, typer.Option("--expires", metavar="YYYY-MM-DD", help="The new last day.")
    ],
    statement: Annotated[
        str,
        typer.Option(
            "--statement", metavar="TEXT", help="How an attested consent was given again."
        ),
    ] = "",
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record that a person said yes again, to the same, until a later day."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    ends_at = end_of_day(expires, "--expires")
    with call.opened() as opened:
        person_id = opened.resolve_person(person)
        renewed = opened.renew(person_id, expires_at=ends_at, statement=statement)
        records = _in_names(opened, [renewed])
    call.answer({"person": person_id, "consent": records[0]}, lambda: _say(records))


def narrow(
    context: typer.Context,
    person: PersonArgument,
    drop_purpose: Annotated[
        list[str] | None,
        typer.Option("--drop-purpose", metavar="PURPOSE", help="Give it again for more."),
    ] = None,
    drop_collection: Annotated[
        list[str] | None,
        typer.Option("--drop-collection", metavar="NAME", help="Give it again for more."),
    ] = None,
    drop_account: Annotated[
        list[str] | None,
        typer.Option("--drop-account", metavar="NAME", help="Who may not find them any more."),
    ] = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take purposes, collections or accounts out of a consent. More needs a new yes."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        person_id = opened.resolve_person(person)
        narrowed = opened.narrow(
            person_id,
            drop_purposes=drop_purpose or (),
            drop_collections=drop_collection or (),
            drop_accounts=drop_account or (),
        )
        records = _in_names(opened, [narrowed])
    call.answer({"person": person_id, "consent": records[0]}, lambda: _say(records))


def _in_names(library: Library, consents: Iterable[Consent]) -> list[dict[str, Any]]:
    collections, accounts = collection_names(library), account_names(library)
    return [consent_as_names(c, collections=collections, accounts=accounts) for c in consents]


def _say(records: Iterable[dict[str, Any]]) -> None:
    for record in records:
        say(f"{record['consent_id']}: {record['state']}, {record['basis']}, {record['how_given']}")
        say(f"  purposes: {', '.join(record['purposes'])}")
        say(f"  collections: {', '.join(record['collection_names'])}")
        if record["audience_names"]:
            say(f"  may be found by: {', '.join(record['audience_names'])}")
        say(f"  from {record['given_at'][:16]} to {record['ends_at'][:16]} UTC")
        say(f"  notice {record['notice_version']} ({record['notice_language']})")
        if record["evidence"]["statement"]:
            say(f"  statement: {record['evidence']['statement']}")
        if record["evidence"]["document_sha256"]:
            say(f"  document: SHA-256 {record['evidence']['document_sha256']}")
