"""Commands about people whom the acting account may find: people, show, person, export-person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from likeness.cli.call import call_of
from likeness.cli.choosing import within
from likeness.cli.files import require_free, write_new
from likeness.cli.options import (
    AccountOption,
    JsonOption,
    LibraryOption,
    PersonArgument,
    VerboseOption,
    WithinOption,
)
from likeness.cli.screen import counted, say, table
from likeness.cli.shapes import collection_names, named, person_as_json, photos_as_json, say_photos


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("people", short_help="List whom you may find.")(people)
    app.command("show", short_help="Show one of them with their photos.")(show)
    person = typer.Typer(rich_markup_mode=None, help="Who is one human being, enrolled twice.")
    person.command("merge", short_help="Say that two are one.")(merge)
    person.command("split", short_help="Take that back.")(split)
    app.add_typer(person, name="person")
    app.command("export-person", short_help="Give a person all that is held.")(export_person)


def people(
    context: typer.Context,
    collection: WithinOption = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List everybody who consented to being found by you, and nobody else."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        names = collection_names(opened)
        found = opened.people(collection=collection)

    def answer() -> None:
        if not found:
            say("Nobody consented to being found by this account.")
            return
        table(
            ("name", "id", "#photos", "#to review", "given", "until", "collections"),
            [
                (
                    seen.person.details.name,
                    seen.person.person_id,
                    f"{seen.photos_together:,}",
                    f"{seen.proposals_together:,}",
                    seen.consents[-1].how_given,
                    f"{max(c.ends_at for c in seen.consents):%Y-%m-%d}",
                    ", ".join(named(seen.collection_ids, names)),
                )
                for seen in found
            ],
        )

    call.answer({"people": [person_as_json(seen, names) for seen in found]}, answer)


def show(
    context: typer.Context,
    person: PersonArgument,
    collection: WithinOption = None,
    verbose: VerboseOption = False,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one of them, with every photo and its links back."""
    call = call_of(context, library=library, account=account, as_json=as_json, verbose=verbose)
    with call.opened() as opened:
        names = collection_names(opened)
        seen, everywhere = opened.show(opened.resolve_person(person))
        photos = within(opened, collection, everywhere)

    def answer() -> None:
        say(f"{seen.person.details.name} ({seen.person.person_id})")
        for other in seen.others:
            say(f"The same human being: {other.person.details.name} ({other.person.person_id})")
        say(
            f"Found by consent given {seen.consents[-1].how_given}, in "
            f"{', '.join(named(seen.collection_ids, names))}, until "
            f"{max(c.ends_at for c in seen.consents):%Y-%m-%d}."
        )
        say(f"{counted(len(photos), 'photo')}, {seen.proposals_together:,} to review:")
        say_photos(photos, verbose=call.verbose)

    # The photos themselves take the place of their count.
    fields = {**person_as_json(seen, names), "photos": photos_as_json(photos)}
    call.answer(fields, answer)


def merge(
    context: typer.Context,
    person: PersonArgument,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The other one.")],
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that two people whom you may find are one human being who enrolled twice.

    Each enrolment keeps its consents, references and photos; they are shown as one, and whoever
    says stop is heard for both.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        one, two = opened.resolve_person(person), opened.resolve_person(other)
        together = opened.merge(one, two)
    call.answer(
        {"person": one, "together": list(together.person_ids)},
        lambda: say(f"Shown as one from now on: {', '.join(together.person_ids)}"),
    )


def split(
    context: typer.Context,
    person: PersonArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say that an enrolment is not of the human being that it was merged with."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        one = opened.resolve_person(person)
        former = opened.split(one)
    call.answer(
        {"person": one, "apart_from": list(former.person_ids)},
        lambda: say(f"Shown apart from now on: {one} from {', '.join(former.person_ids)}"),
    )


def export_person(
    context: typer.Context,
    person: PersonArgument,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write it; else likeness-export-PERSON.json here, or --json.",
        ),
    ] = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give out everything that is held about one person, for that person."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    if out is not None:
        require_free(out)
    with call.opened() as opened:
        person_id = opened.resolve_person(person)
        place = out or Path(f"likeness-export-{person_id}.json")
        if not call.as_json:
            require_free(place)
        held = opened.export_person(person_id)
    if out is not None or not call.as_json:
        document = {"schema": f"likeness.{call.name}/1", **held}
        write_new(place, (json.dumps(document, indent=2) + "\n").encode())
    call.answer(
        held,
        lambda: say(
            f"Written to {place}: it holds everything about this person in clear, so give it to "
            "them alone."
        ),
    )
