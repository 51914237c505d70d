"""Commands about receipts. Verifying one needs no library."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likeness.cli.call import Call, call_of
from likeness.cli.files import read_small, require_free, write_new
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import say, table
from likeness.cli.shapes import receipt_as_json

if TYPE_CHECKING:
    from likeness.audit.consent_receipt import VerifiedConsent


def register(app: typer.Typer) -> None:
    """Add these commands."""
    receipts = typer.Typer(rich_markup_mode=None, help="Signed proofs of deletion.")
    receipts.command("verify")(verify)
    receipts.command("list")(list_receipts)
    receipts.command("show")(show)
    app.add_typer(receipts, name="receipt")


def verify(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The receipt.")],
    key: Annotated[
        str | None,
        typer.Option(
            "--key", metavar="VKEY", help="The verifier key that the library's operator names."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a receipt, offline and without a library.

    Without --key the receipt is checked against the key that it carries, its signer's fingerprint
    is shown, and the command exits 5: nobody said whose key that is.
    """
    from likeness.audit.any_receipt import verify_any
    from likeness.audit.proven import MAX_RECEIPT_BYTES
    from likeness.audit.receipt_file import VerifiedReceipt

    call = call_of(context, as_json=as_json)
    data = read_small(file, limit=MAX_RECEIPT_BYTES, what="receipt")
    verified = verify_any(data, key=key)
    if not isinstance(verified, VerifiedReceipt):
        _answer_consent(call, verified)
        return
    body = verified.receipt.body
    fields = {
        "verified": True,
        **body.as_object(),
        "leaf_index": verified.receipt.leaf_index,
        "signer": verified.signer.text,
        "fingerprint": verified.signer.fingerprint,
    }

    def answer() -> None:
        gone = ", ".join(f"{name} {count}" for name, count in body.counts.items())
        say(f"Verified: receipt {body.serial}, {body.kind}, {body.issued_at:%Y-%m-%d %H:%M} UTC")
        say(f"Deleted: {gone or 'nothing'}")
        say(f"Entry {verified.receipt.leaf_index} of the audit log of {verified.signer.name}")

    call.answer(fields, answer)


def _answer_consent(call: Call, verified: VerifiedConsent) -> None:
    record, receipt = verified.receipt.record, verified.receipt
    fields = {
        "verified": True,
        "serial": record["receipt_id"],
        "kind": "consent",
        "issued_at": record["issued_at"],
        "counts": {},
        "commitments": [verified.commitment],
        "record": dict(record),
        "leaf_index": receipt.leaf_index,
        "signer": verified.signer.text,
        "fingerprint": verified.signer.fingerprint,
    }

    def answer() -> None:
        say(f"Verified: consent receipt {record['receipt_id']}, {record['issued_at']}")
        for name in ("purposes", "collections", "audience", "controller", "given_at", "ends_at"):
            say(f"  {name}: {_words_of(record.get(name))}")
        say(f"Entry {receipt.leaf_index} of the audit log of {verified.signer.name}")

    call.answer(fields, answer)


def _words_of(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_words_of(item) for item in value) or "nobody"
    if isinstance(value, dict):
        return str(value.get("name", ""))
    return str(value)


def list_receipts(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """List every receipt that the library gave, newest first."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened:
        found = opened.receipts()
    call.answer(
        {"receipts": [{"serial": s, "kind": k, "issued_at": at} for s, k, at in found]},
        lambda: table(("serial", "kind", "issued"), [(s, k, at[:16]) for s, k, at in found]),
    )


def show(
    context: typer.Context,
    serial: Annotated[str, typer.Argument(metavar="SERIAL")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to write it; else it is shown."),
    ] = None,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a receipt again, as it was issued."""
    call = call_of(context, library=library, account=account, as_json=as_json)
    if out is not None:
        require_free(out)
    with call.opened() as opened:
        document = opened.receipt(serial)
    if out is not None:
        write_new(out, document)
    call.answer(
        {"receipt": receipt_as_json(document)},
        # Byte for byte, so that what is sent into a file verifies.
        lambda: say(f"Written to {out}") if out else typer.echo(document, nl=False),
    )
