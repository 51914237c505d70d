"""Commands about a library as a whole: init, status, doctor, version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness import __version__
from likeness.cli.call import Call, call_of
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import counted, say, table
from likeness.cli.shapes import (
    account_names,
    calibration_as_json,
    collection_as_json,
    named,
    say_calibration,
)
from likeness.errors import LikenessError, NotVerified, StorageError

if TYPE_CHECKING:
    from likeness.doctor import Finding
    from likeness.status import Status


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("init")(init)
    app.command("status", short_help="Say how the library stands.")(status)
    app.command("doctor", short_help="Check what the library stands on.")(doctor)
    app.command("version")(version)


def init(
    context: typer.Context,
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A folder that is not there yet, or empty.")
    ],
    keyring: Annotated[
        Path | None,
        typer.Option("--keyring", metavar="DIR", help="Where to keep the keys, outside DIR."),
    ] = None,
    pack: Annotated[
        str, typer.Option("--pack", metavar="NAME", help="The model pack; dlib where absent.")
    ] = "dlib",
    as_json: JsonOption = False,
) -> None:
    """Make a library.

    Its keys go into a keyring outside its folder. Whoever has both can read what the library holds
    about people, so back them up apart.
    """
    from likeness.library import Library

    call = call_of(context, as_json=as_json)
    with Library.create(directory, keyring=keyring, pack=pack) as library:
        fields = {
            "library": str(library.house.settings.path),
            "keyring": str(library.keyring_path),
            "pack": library.house.pack.name,
            "verifier_key": library.verifier_key,
        }

    def answer() -> None:
        say(f"Library: {fields['library']}")
        say(f"Keyring: {fields['keyring']}")
        say(
            "Back the keyring up apart from the library, or not at all: a backup with both can "
            "bring back what was erased, and without the keyring the library cannot be read."
        )
        say(f"Receipts are verified with this key: {fields['verifier_key']}")
        _say_which_pack_suits(fields["pack"])
        say("Next: likeness collection create NAME")

    call.answer(fields, answer)


def status(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the library holds, what waits, and whether keyring and audit log are in order."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found, accounts = opened.status(), account_names(opened)
    fields = _status_as_json(found, accounts)
    call.answer(fields, lambda: _say_status(found, accounts))


def doctor(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check what the library stands on, and say what to do about what is not in order.

    Where the library cannot be opened, says why, and checks the rest. Exits 0 unless a check
    failed.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    code, findings = _examine(call)

    def answer() -> None:
        for finding in findings:
            say(f"{finding.state:>4}  {finding.check}: {finding.what}")
            if finding.fix:
                say(f"      {finding.fix}")

    call.answer({"checks": [asdict(finding) for finding in findings]}, answer)
    raise typer.Exit(code)


def version(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show the version of Likeness."""
    call_of(context, as_json=as_json).answer({"version": __version__}, lambda: say(__version__))


def _say_which_pack_suits(used: str) -> None:
    from likeness.cli.pack_lines import suiting
    from likeness.faces.known_packs import SUITS, known_packs

    if used in SUITS.values():
        say(f"Model pack: {used}")
        return
    say(f"Model pack: {used}. Others may tell people apart better: likeness models list")
    try:
        found, _ = known_packs()
    except LikenessError:
        # The library is made all the same; the command named above says what is wrong.
        return
    for line in suiting(found):
        say(f"  {line}")


def _examine(call: Call) -> tuple[int, Sequence[Finding]]:
    from likeness.doctor import Finding, check_machine

    call.place()
    try:
        with call.opened() as opened:
            findings = opened.doctor()
    except LikenessError as error:
        why = Finding(check="open", state="fail", what=error.what, fix=error.fix)
        return error.exit_code, [why, *check_machine()]
    failed = {finding.check for finding in findings if finding.state == "fail"}
    if not failed:
        return 0, findings
    return NotVerified.exit_code if failed == {"audit log"} else StorageError.exit_code, findings


def _status_as_json(found: Status, accounts: dict[str, str]) -> dict[str, Any]:
    collections = {c.collection_id: c.name for c in found.collections}
    return {
        "library": found.library,
        "account": found.account.name,
        "pack": found.pack,
        "pack_problem": found.pack_problem,
        "calibration": calibration_as_json(found.calibration),
        "photos": found.photos,
        "faces": found.faces,
        "waiting": found.waiting,
        "proposals": found.proposals,
        "collections": [collection_as_json(c, accounts) for c in found.collections],
        "sources": [
            {
                "id": one.source.source_id,
                "collection": collections[one.source.collection_id],
                "kind": one.source.kind,
                "address": one.source.address,
                "state": one.source.state,
                "sightings": one.sightings,
            }
            for one in found.sources
        ],
        "keyring": {"path": found.keyring, "problem": found.keyring_problem},
        "audit": {"entries": found.audit_entries, "problem": found.audit_problem},
    }


def _say_status(found: Status, accounts: dict[str, str]) -> None:
    say(f"Library {found.library}, as {found.account.name}")
    say(f"Model pack {found.pack}: {found.pack_problem or 'in order'}")
    say(f"{counted(found.photos, 'photo')} with {counted(found.faces, 'face')}")
    if found.waiting:
        say(f"{counted(found.waiting, 'photo')} to compare: likeness rescan")
    if found.proposals:
        say(f"{counted(found.proposals, 'possible link')} to decide: likeness review")
    say_calibration(found.calibration)
    say(f"Keyring {found.keyring}: {found.keyring_problem or 'in order'}")
    say(
        f"Audit log, {counted(found.audit_entries, 'entry', 'entries')}: "
        f"{found.audit_problem or 'in order'}"
    )
    if found.collections:
        say()
        table(
            ("collection", "controller", "audience"),
            [
                (c.name, c.controller, ", ".join(named(c.audience, accounts)))
                for c in found.collections
            ],
        )
    if found.sources:
        names = {c.collection_id: c.name for c in found.collections}
        say()
        table(
            ("source", "collection", "kind", "#sightings", "state", "address"),
            [
                (
                    one.source.source_id,
                    names[one.source.collection_id],
                    one.source.kind,
                    f"{one.sightings:,}",
                    one.source.state,
                    one.source.address,
                )
                for one in found.sources
            ],
        )
