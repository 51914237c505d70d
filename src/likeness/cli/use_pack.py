"""The command that changes a library over to another model pack: models use."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import call_of
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.progress import shown_progress
from likeness.cli.screen import counted, say

if TYPE_CHECKING:
    from likeness.relink import PackUsed


def use_pack(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_MANIFEST",
            help="A model pack by its name, or a manifest of your own that ends in .toml.",
        ),
    ],
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a library over to another model pack, or go on with a change that was interrupted.

    References are made anew from their crops, and photos relinked: faces are found anew in every
    photo whose file can be read, and those that are where one was before keep what was decided
    about them. Going back is the same with the former pack. Where the library uses the pack
    already, photos that could not be read are tried again.
    """
    call = call_of(context, library=library, account=account, as_json=as_json)
    with call.opened() as opened, shown_progress() as progress:
        done = opened.use_pack(what, progress=progress)
    call.answer(_as_json(done), lambda: _say(done, what))


def _as_json(done: PackUsed) -> dict[str, Any]:
    return {
        "pack": done.pack.name,
        "fingerprint": done.pack.fingerprint,
        "changed": done.changed,
        "references": done.references,
        "photos": done.rescan.photos,
        "linked": done.rescan.linked,
        "proposed": done.rescan.proposed,
        "unread": done.unread,
    }


def _say(done: PackUsed, what: str) -> None:
    if done.changed:
        say(
            f"The library uses {done.pack.name} now: "
            f"{counted(done.references, 'reference')} made anew."
        )
    else:
        say(f"The library uses {done.pack.name} already.")
    say(
        f"{counted(done.rescan.photos, 'photo')} relinked: "
        f"{counted(done.rescan.linked, 'new link')}, {done.rescan.proposed:,} to review."
    )
    if done.unread:
        say(
            f"{counted(done.unread, 'photo')} could not be read and kept the faces found before. "
            f"Connect their disk, then run again: likeness models use {shlex.quote(what)}"
        )
    if not done.pack.thresholds:
        say("No thresholds were measured for it: until then every link waits for review.")
