"""Venmo: its exports are statements of payments, and hold no photos."""

from __future__ import annotations

import re
from collections.abc import Iterator

from likeness.errors import BadInput, PhotoUnreadable
from likeness.sources.base import SkippedEntry
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.tree import ExportTree

FIRST_BYTES = 4_096
"""As many bytes of a file tell whether it is a statement."""

_MAX_LOOKED_INTO = 50
_TITLE = re.compile(r"\s*\"?Account Statement - \(@[\w.-]{1,60}\)", re.IGNORECASE)
_COLUMNS = ("id", "datetime", "type", "status", "note", "from", "to", "amount (total)")


def is_statement(first_bytes: bytes) -> bool:
    """Whether a file that begins with these bytes is a statement that Venmo made (CSV, UTF-8)."""
    text = first_bytes[:FIRST_BYTES].decode("utf-8-sig", "replace")
    lines = [line.strip().strip(",").strip('"') for line in text.splitlines()[:10]]
    activity = any(line.casefold() == "account activity" for line in lines)
    if _TITLE.match(text) and activity:
        return True
    return any(_is_header(line) for line in lines)


def _is_header(line: str) -> bool:
    cells = [cell.strip().strip('"').casefold() for cell in line.split(",")]
    return tuple(cells[: len(_COLUMNS)]) == _COLUMNS


class Venmo:
    """See `ExportFormat`."""

    name = "Venmo"
    slug = "venmo"

    def recognises(self, tree: ExportTree) -> bool:
        """Whether there is a statement of Venmo's; reads the first lines of a few CSV files."""
        looked_into = 0
        for member in tree.members():
            if not member.name.lower().endswith(".csv"):
                continue
            try:
                with tree.open(member) as file:
                    if is_statement(file.read(FIRST_BYTES)):
                        return True
            except PhotoUnreadable:
                continue
            looked_into += 1
            if looked_into == _MAX_LOOKED_INTO:
                return False
        return False

    def account(self, tree: ExportTree) -> str:
        """Return nothing: there is nothing to take whose account would matter."""
        return ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        """Say that there are no photos.

        Raises
        ------
        BadInput
            Always, with what a notice does.
        """
        raise no_photos()

    def reason_for(self, name: str) -> str:
        """Why no file is taken."""
        return "Venmo's export holds no photos"


FORMAT = Venmo()


def no_photos() -> BadInput:
    """What ``likeness add`` answers to an export of Venmo's."""
    return BadInput(
        "Venmo's export holds no photos: it lists payments.",
        "To have photos from a profile there removed and kept out, give a notice: it names the "
        "address, the account or the photo, stops what comes from there at once, removes what was "
        "taken in, and ends with a signed receipt. See likeness notice add --help.",
    )
