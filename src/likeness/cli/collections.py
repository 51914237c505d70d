"""Commands about collections."""

from __future__ import annotations

from typing import Annotated

import typer

from likeness.cli.call import call_of
from likeness.cli.options import AccountOption, AudienceOption, JsonOption, LibraryOption
from likeness.cli.progress import shown_progress
from likeness.cli.screen import counted, is_conversation, say, table
from likeness.cli.shapes import account_names, collection_as_json, named, receipt_as_json
from likeness.errors import UsageError

NameArgument = Annotated[str, typer.Argument(metavar="NAME")]

DaysOption = Annotated[
    int | None,
    typer.Option("--retention-days", metavar="N", help="Photos go N days after they were added."),
]

WHOEVER_OWNS_IT = "the owner of this library"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    collections = typer.Typer(
        rich_markup_mode=None, help="Bodies of photos, and who may search them."
    )
    collections.command("create")(create_collection)
    collections.command("list")(list_collections)
    collections.command("audience")(change_audience)
    collections.command("change")(change_collection)
    app.add_typer(collections, name="collection")
    retention = typer.Typer(rich_markup_mode=None, help="How long collections keep their photos.")
    retention.command("apply")(apply_retention)
    app.add_typer(retention, name="retention")


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
    retention_days: DaysOption = None,
    ask_purpose: Annotated[
        bool, typer.Option("--ask-purpose", help="Whoever searches has to say what for.")
    ] = False,
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
            retention_days=retention_days,
            ask_purpose=ask_purpose,
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


def change_collection(
    context: typer.Context,
    name: NameArgument,
    purpose_text: Annotated[
        str | None, typer.Option("--purpose-text", metavar="TEXT", help="Why the photos are held.")
    ] = None,
    retention_days: DaysOption = None,
    photos_stay: Annotated[
        bool, typer.Option("--photos-stay", help="Lift the rule on how long photos are kept.")
    ] = False,
    ask_purpose: Annotated[
        bool | None,
        typer.Option(
            "--ask-purpose/--no-ask-purpose", help="Whether whoever searches has to say what for."
        ),
    ] = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change why a collection is held, for how long its photos stay, and whether searches say why.

    Photos that a shorter rule is about go when rules are next applied: `likeness retention apply`,
    or within the hour where a server runs.
    """
    from likeness.collecting import STAYS

    call = call_of(context, library=library, account=account, as_json=as_json)
    if photos_stay and retention_days is not None:
        raise UsageError("Photos cannot both stay and go.", "Give one of the two options.")
    with call.opened() as opened:
        changed = opened.change_collection(
            name,
            purpose_text=purpose_text,
            retention_days=STAYS if photos_stay else retention_days,
            ask_purpose=ask_purpose,
        )
        accounts = account_names(opened)
    kept = (
        f"photos go {counted(changed.retention_days, 'day')} after they were added"
        if changed.retention_days
        else "photos stay"
    )
    asked = "searches say what for" if changed.ask_purpose else "searches say nothing of why"
    call.answer(
        {"collection": collection_as_json(changed, accounts)},
        lambda: say(f"{changed.name}: {kept}; {asked}."),
    )


def apply_retention(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take out what collections have kept for as long as they say, with a receipt for each.

    A server does so each hour. Files in a folder stay, and are passed over from then on; uploaded
    ones go.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened, shown_progress() as progress:
        done = opened.apply_retention(progress=progress)
        names = {c.collection_id: c.name for c in opened.collections()}

    def answer() -> None:
        if not done.collections:
            say("Nothing has been kept for longer than its collection says.")
        for one in done.collections:
            say(
                f"{names[one.collection_id]}: {counted(one.photos, 'photo')} and "
                f"{counted(one.sightings, 'sighting')} are gone. Receipt: likeness receipt show "
                f"{one.serial}"
            )

    call.answer(
        {
            "photos": done.photos,
            "sightings": done.sightings,
            "collections": [
                {
                    "collection": names[one.collection_id],
                    "photos": one.photos,
                    "sightings": one.sightings,
                    "receipt": receipt_as_json(one.receipt),
                }
                for one in done.collections
            ],
        },
        answer,
    )
