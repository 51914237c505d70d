"""What the command line says of a model pack: as lines, and as plain values."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from likeness.cli.screen import say

if TYPE_CHECKING:
    from likeness.faces.known_packs import KnownPack


def suiting(found: list[KnownPack]) -> Iterator[str]:
    """Lines that say which pack is the one to begin with, and the command that gets it."""
    for use, words in (("commercial", "For any use"), ("private", "For private use")):
        for known in found:
            if use in known.suits:
                get = "installed" if known.installed else install_command(known)
                yield f"{words}, {known.pack.name}: {get}"


def install_command(known: KnownPack) -> str:
    """The one command that installs a pack."""
    accept = [f"--accept-licence {shlex.quote(licence)}" for licence in known.to_accept]
    return " ".join(["likeness models install", known.pack.name, *accept])


def pack_as_json(known: KnownPack) -> dict[str, Any]:
    """A pack as plain values."""
    pack = known.pack
    return {
        "name": pack.name,
        "version": pack.version,
        "summary": pack.summary,
        "built_in": known.built_in,
        "installed": known.installed,
        "licence": pack.licence,
        "commercial_use": pack.commercial_use,
        "to_accept": list(known.to_accept),
        "template_length": pack.template_length,
        "download": known.download,
        "accuracy": pack.accuracy or None,
        "speed": pack.speed or None,
        "suits": list(known.suits),
        "get": None if known.installed else install_command(known),
    }


def in_megabytes(size: int) -> str:
    """A size for people, such as ``"38.9 MB"``."""
    return f"{size / 1e6:,.1f} MB" if size >= 1e6 else f"{size / 1e3:,.0f} kB"


def say_pack(known: KnownPack) -> None:
    """A pack in a few lines."""
    pack = known.pack
    state = "installed" if known.installed else "not installed"
    say(f"{pack.name}: {state}" + ("" if known.built_in else ", your own"))
    say(f"    {pack.summary}")
    use = "for any use" if pack.commercial_use else "not for commercial use"
    say(f"    Licence: {pack.licence}, {use}")
    if pack.accuracy:
        say(f"    Accuracy: {pack.accuracy}")
    if pack.speed:
        say(f"    Speed: {pack.speed}")
    if not known.installed:
        say(f"    Download: {_size(known)}")
        say(f"    Get it: {install_command(known)}")


def _size(known: KnownPack) -> str:
    if known.download is not None:
        return in_megabytes(known.download)
    said = sum(file.size or 0 for file in known.missing)
    unsaid = "a file whose size its manifest does not say"
    return f"{in_megabytes(said)} and {unsaid}" if said else unsaid
