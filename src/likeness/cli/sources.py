"""Commands about where photos may be taken from: the yes of a site's or bucket's owner."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Final

import typer

from likeness.cli.call import call_of
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import say, table

if TYPE_CHECKING:
    from likeness.records.authorisation import Authorisation

PlaceArgument = Annotated[
    str,
    typer.Argument(
        metavar="PLACE", help="A host such as photos.example.org, or a bucket such as s3://NAME."
    ),
]

_WEB = ("http", "https")

WHERE: Final[Mapping[str, str]] = {
    "dns": "DNS",
    "well-known": "a line on the site",
    "object": "a line in the bucket",
}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    sources = typer.Typer(
        rich_markup_mode=None, help="Where photos come from, and whose owner said yes."
    )
    sources.command("authorise", short_help="Make the line by which an owner says yes.")(authorise)
    sources.command("check", short_help="Look whether an owner says yes.")(check)
    sources.command("list", short_help="List sources, and who was asked.")(list_sources)
    sources.command("end", short_help="Fetch nothing more from a place.")(end)
    app.add_typer(sources, name="source")


def authorise(
    context: typer.Context,
    place: PlaceArgument,
    days: Annotated[
        int, typer.Option("--days", metavar="N", help="For how long; 365 where absent.")
    ] = 365,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make the line that the owner of a site or bucket publishes to say that photos may be taken.

    Nothing is fetched from a site or bucket without it. It is looked for before the first request
    of every run and at least daily, and what the site refuses otherwise stays refused. A line that
    was made before for the same place counts no more.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        asked = opened.authorise(_named(place), days=days)

    def answer() -> None:
        say(f"The owner of {asked.place} says yes by publishing this line:")
        say(f"  {asked.line}")
        if asked.record:
            say(f"as a TXT record of {asked.record}, or at {asked.address}")
        else:
            say(f"in the object {asked.address}")
        say(
            f"It holds through {_last_day(asked.expires_at)}. Send it to them by a way that nobody "
            "else reads; no command shows it again."
        )
        say(f"Then: likeness source check {asked.place}")

    call.answer(
        {
            "place": asked.place,
            "line": asked.line,
            "record": asked.record,
            "address": asked.address,
            "expires_at": asked.expires_at.isoformat(),
        },
        answer,
    )


def check(
    context: typer.Context,
    place: PlaceArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look whether the owner of a site or bucket says yes, now. Exits 3 where they do not."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        seen = opened.check_authorisation(_named(place))
    call.answer(
        {"place": seen.place, "method": seen.method, "until": seen.until.isoformat()},
        lambda: say(
            f"The owner of {seen.place} says yes, by {WHERE[seen.method]}, "
            f"through {_last_day(seen.until)}."
        ),
    )


def list_sources(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the sources of every collection, and the sites and buckets whose owner was asked."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        sources, asked = opened.sources(), opened.authorisations()
        names = {c.collection_id: c.name for c in opened.collections()}

    def answer() -> None:
        if sources:
            table(
                ("source", "collection", "kind", "state", "address"),
                [
                    (s.source_id, names[s.collection_id], s.kind, s.state, s.address)
                    for s in sources
                ],
            )
        if sources and asked:
            say()
        if not sources and not asked:
            say("There is no source yet. Add one with: likeness add WHAT")
        if asked:
            table(
                ("place", "through", "last seen"),
                [(one.domain, _last_day(one.expires_at), _seen_at(one)) for one in asked],
            )

    call.answer(
        {
            "sources": [
                {
                    "id": s.source_id,
                    "collection": names[s.collection_id],
                    "kind": s.kind,
                    "address": s.address,
                    "state": s.state,
                }
                for s in sources
            ],
            "authorisations": [
                {
                    "place": one.domain,
                    "expires_at": one.expires_at.isoformat(),
                    "checked_at": one.checked_at.isoformat() if one.checked_at else None,
                }
                for one in asked
            ],
        },
        answer,
    )


def end(
    context: typer.Context,
    place: PlaceArgument,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget that an owner said yes: nothing more is fetched from there. What is held stays.

    To take out what came from there, give a notice, or remove the source.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    named = _named(place)
    with call.opened() as opened:
        opened.end_authorisation(named)
    call.answer({"place": named}, lambda: say(f"Nothing more is fetched from {named}."))


def _named(place: str) -> str:
    """The place that is meant: the host of a site's address as ``add`` takes it, a whole bucket.

    Anything else stays as it is, and is refused where places are read.
    """
    from likeness.sources.bucket.address import bucket_address, is_bucket_address

    if is_bucket_address(place):
        return bucket_address(place).root
    scheme, separator, host = place.strip().partition("://")
    return host.removesuffix("/") if separator and scheme.lower() in _WEB else place


def _last_day(end: datetime) -> str:
    """The last whole day before an end, in UTC, as the published line has it."""
    return f"{end - timedelta(microseconds=1):%Y-%m-%d}"


def _seen_at(asked: Authorisation) -> str:
    return f"{asked.checked_at:%Y-%m-%d %H:%M}" if asked.checked_at else "never"
