"""Commands about the audit log: verify it, give out its signed head."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from likeness.cli.call import call_of
from likeness.cli.files import read_small
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import counted, say
from likeness.errors import NotVerified


def register(app: typer.Typer) -> None:
    """Add these commands."""
    audits = typer.Typer(rich_markup_mode=None, help="The log of everything that was done.")
    audits.command("verify")(verify)
    audits.command("checkpoint")(checkpoint)
    app.add_typer(audits, name="audit")


def verify(
    context: typer.Context,
    kept: Annotated[
        list[Path] | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="A checkpoint that was kept elsewhere; give it again for more.",
        ),
    ] = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Verify every entry of the audit log; the first one that is not what was signed is named."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    notes = [_read_note(path) for path in kept or ()]
    with call.opened() as opened:
        verified = opened.verify_audit(kept=notes)
    fields = {
        "entries": verified.size,
        "root": verified.root.hex(),
        "signatures": verified.signatures,
        "witnesses": verified.witnesses,
    }
    call.answer(
        fields,
        lambda: say(
            f"The audit log verifies: {counted(verified.size, 'entry', 'entries')}, all as signed, "
            f"in step with {counted(verified.witnesses, 'witnessed state')}."
        ),
    )


def checkpoint(
    context: typer.Context,
    key: Annotated[bool, typer.Option("--key", help="Print the verifier key instead.")] = False,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print the signed head of the audit log, to keep elsewhere, or the key that verifies it."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        note, vkey = opened.checkpoint(), opened.verifier_key
    # The note is printed byte for byte: it holds line feeds and an em dash, all of it signed.
    call.answer(
        {"checkpoint": note, "key": vkey},
        lambda: say(vkey) if key else typer.echo(note.encode(), nl=False),
    )


def _read_note(path: Path) -> str:
    from likeness.audit.signed_note import MAX_NOTE_BYTES

    data = read_small(path, limit=MAX_NOTE_BYTES, what="checkpoint")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NotVerified(
            f"{path.name} is not a checkpoint.", "Give what audit checkpoint printed."
        ) from None
