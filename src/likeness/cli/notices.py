"""Commands about notices: somebody says stop, and what came from them goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import Call, call_of
from likeness.cli.choosing import source_anywhere
from likeness.cli.files import require_free
from likeness.cli.options import AccountOption, JsonOption, LibraryOption, ReceiptOption
from likeness.cli.progress import shown_progress
from likeness.cli.screen import counted, note, say, table
from likeness.cli.shapes import receipt_as_json
from likeness.cli.stopping import say_receipt, sha256_of, write_receipt
from likeness.errors import UsageError

if TYPE_CHECKING:
    from likeness.library import Library
    from likeness.notices import GivenNotice, KnownNotice
    from likeness.records.notice import NoticeKind


AboutAccountOption = Annotated[
    str | None,
    typer.Option(
        "--account",
        metavar="URL",
        help="About an account's page and all below it. (Who is acting: LIKENESS_ACCOUNT, or "
        "--account NAME before the command.)",
    ),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    notice = typer.Typer(rich_markup_mode=None, help="Demands to stop and delete.")
    notice.command("add", short_help="Stop and delete, with a receipt.")(add)
    notice.command("lift", short_help="Undo the block, by whoever gave the notice.")(lift)
    app.add_typer(notice, name="notice")
    app.command("notices", short_help="List the notices.")(list_notices)


def add(
    context: typer.Context,
    given_by: Annotated[
        str, typer.Option("--from", metavar="WHO", help="Who gives the notice.")
    ] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why.")] = "",
    domain: Annotated[
        str | None,
        typer.Option("--domain", metavar="D", help="About every address of a domain."),
    ] = None,
    about_account: AboutAccountOption = None,
    url: Annotated[
        str | None, typer.Option("--url", metavar="URL", help="About one page or image.")
    ] = None,
    photo: Annotated[
        str | None,
        typer.Option("--photo", metavar="FILE", help="About a photo: its file, or its SHA-256."),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="ID", help="About a source of the library."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    receipt: ReceiptOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stop what a notice is about, delete what came from there, and write the receipt.

    At once nothing from there shows any more, running imports and crawls of it end, and it cannot
    come back by another source. Files in a folder of yours are not touched; the next scan passes
    them over. What is also held from elsewhere stays with that.
    """
    call = call_of(context, library=library, as_json=as_json)
    kind, about = _about(domain, about_account, url, photo, source)
    if dry_run:
        with call.opened() as opened:
            counts = opened.dry_run_notice(kind=kind, about=_meant(opened, kind, about))
        _answer_dry_run(call, counts)
        return
    _require_giver(given_by)
    if receipt is not None:
        require_free(receipt)
    with _code_told() as begun:
        with call.opened() as opened, shown_progress() as progress:
            about = _meant(opened, kind, about)
            given = opened.give_notice(
                kind=kind,
                about=about,
                given_by=given_by,
                reason=reason,
                progress=progress,
                begun=begun,
            )
            key = opened.verifier_key
        place = receipt or Path(f"likeness-receipt-{given.serial}.json")
        if receipt is not None or not call.as_json:
            write_receipt(place, given.receipt, given.serial)
    call.answer(_given_as_json(given), lambda: _say_given(given, place, key))


def lift(
    context: typer.Context,
    notice: Annotated[str, typer.Argument(metavar="NOTICE", help="Its id.")],
    code: Annotated[
        str, typer.Option("--code", metavar="CODE", help="The code that came with the notice.")
    ],
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Undo what a notice blocks, by whoever gave it. What was deleted stays deleted."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        opened.lift_notice(notice, code=code)
    call.answer(
        {"notice": notice},
        lambda: say("Lifted: what it was about may be added again. Nothing comes back by itself."),
    )


def list_notices(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the notices, newest first: what they are about, from whom, and what went."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found = opened.notices()
    call.answer(
        {"notices": [_known_as_json(known) for known in found]},
        lambda: table(
            ("notice", "given", "state", "about", "from", "#sightings", "#photos"),
            [
                (
                    known.notice.notice_id,
                    f"{known.notice.given_at:%Y-%m-%d}",
                    known.notice.state,
                    f"{known.notice.kind} {known.terms.about}",
                    known.terms.given_by,
                    f"{known.notice.counts.get('sightings', 0):,}",
                    f"{known.notice.counts.get('photos', 0):,}",
                )
                for known in found
            ],
        ),
    )


def _about(
    domain: str | None,
    account_url: str | None,
    url: str | None,
    photo: str | None,
    source: str | None,
) -> tuple[NoticeKind, str]:
    named: list[tuple[NoticeKind, str]] = []
    if domain is not None:
        named.append(("domain", domain))
    if account_url is not None:
        named.append(("account", account_url))
    if url is not None:
        named.append(("url", url))
    if photo is not None:
        named.append(("photo", sha256_of(photo)))
    if source is not None:
        named.append(("source", source))
    if len(named) != 1:
        raise UsageError(
            "A notice is about one thing.",
            "Give one of --domain, --account, --url, --photo and --source.",
        )
    return named[0]


def _require_giver(given_by: str) -> None:
    if not given_by.strip():
        raise UsageError("Nothing says from whom the notice is.", "Give --from WHO.")


def _meant(library: Library, kind: NoticeKind, about: str) -> str:
    return source_anywhere(library, about) if kind == "source" else about


def _answer_dry_run(call: Call, counts: Mapping[str, int]) -> None:
    def answer() -> None:
        say(
            f"Would go: {counted(counts['sightings'], 'sighting')} and "
            f"{counted(counts['photos'], 'photo')}."
        )
        say(f"Would stay, held from elsewhere too: {counted(counts['photos_kept'], 'photo')}.")
        say(f"Would be stopped: {counted(counts['sources_stopped'], 'source')}.")
        say(
            "Would be passed over from then on, in folders of yours: "
            f"{counted(counts['files_left'], 'file')}."
        )
        say("Nothing was changed.")

    call.answer({"dry_run": True, "counts": dict(counts)}, answer)


def _given_as_json(given: GivenNotice) -> dict[str, Any]:
    return {
        "dry_run": False,
        "notice": given.notice_id,
        "counts": given.counts,
        "receipt": receipt_as_json(given.receipt),
        "lift_code": given.lift_code,
        "opening": given.opening,
    }


@contextmanager
def _code_told() -> Iterator[Callable[[str, str], None]]:
    """Tell the lift code on standard error where the rest breaks off: nothing tells it again."""
    told: list[tuple[str, str]] = []
    try:
        yield lambda notice_id, lift_code: told.append((notice_id, lift_code))
    except BaseException:
        for notice_id, lift_code in told:
            note(
                f"The notice holds. Whoever gave it can lift it with: likeness notice lift "
                f"{notice_id} --code {lift_code}"
            )
        raise


def _say_given(given: GivenNotice, place: Path, key: str) -> None:
    counts = given.counts
    say(
        f"Stopped and gone: {counted(counts.get('sightings', 0), 'sighting')} and "
        f"{counted(counts.get('photos', 0), 'photo')}."
    )
    if counts.get("photos_kept"):
        say(f"Held from elsewhere too, and kept: {counted(counts['photos_kept'], 'photo')}.")
    if counts.get("files_left"):
        say(
            f"Passed over from now on, and not touched, in folders of yours: "
            f"{counted(counts['files_left'], 'file')}."
        )
    say_receipt(place, key)
    say(
        f"Whoever gave the notice can lift it with: likeness notice lift {given.notice_id} "
        f"--code {given.lift_code}"
    )


def _known_as_json(known: KnownNotice) -> dict[str, Any]:
    notice, terms = known.notice, known.terms
    return {
        "notice": notice.notice_id,
        "kind": notice.kind,
        "about": terms.about,
        "from": terms.given_by,
        "reason": terms.reason,
        "state": notice.state,
        "given_at": notice.given_at.isoformat(),
        "done_at": notice.done_at.isoformat() if notice.done_at else None,
        "lifted_at": notice.lifted_at.isoformat() if notice.lifted_at else None,
        "serial": notice.serial,
        "counts": dict(notice.counts),
    }
