"""What a generator of exports says of the archive that it made, and how a source is held to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from likeness.sources.base import Entry, SkippedEntry, item_of
from likeness.sources.exports.source import ExportPhoto, ExportVideo

JPEG_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic")
VIDEO_SUFFIXES = (".mp4", ".mov")


@dataclass
class Made:
    """A whole export, and what is in it.

    ``pages`` holds the page of each file that the holder posted; ``refused`` the media files that
    are never to be taken; ``missing`` what the records name and the export lacks; ``ended`` what
    the export says is deleted or hidden, whether it is there or not.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    pages: dict[str, str] = field(default_factory=dict)
    confidence: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    account: str = ""

    def media(self, name: str) -> None:
        """Put a file there, its content as unlike that of others as its name."""
        self.files[name] = b"media " + name.encode("utf-8", "surrogatepass")


def as_json(value: Any) -> bytes:
    """As the platforms write it: everything beyond ASCII escaped."""
    return json.dumps(value, indent=2).encode("ascii")


def misread(text: str) -> str:
    """As Facebook and Instagram write text: its UTF-8 read as Latin-1."""
    return text.encode("utf-8").decode("latin-1")


def taken(entries: list[Entry]) -> Iterator[ExportPhoto | ExportVideo]:
    """Those that are taken."""
    for entry in entries:
        if not isinstance(entry, SkippedEntry):
            assert isinstance(entry, ExportPhoto | ExportVideo)
            yield entry


def require_accounted(made: Made, entries: list[Entry]) -> None:
    """Fail unless each media file is taken or named with a reason, as the generator says."""
    found = {entry.item: entry for entry in taken(entries)}
    assert {item: entry.posted.page_url for item, entry in found.items()} == {
        item_of(name): page for name, page in made.pages.items()
    }
    for name, confidence in made.confidence.items():
        assert found[item_of(name)].posted.confidence == confidence
    skipped = [entry for entry in entries if isinstance(entry, SkippedEntry)]
    told = {entry.item: entry for entry in skipped}
    assert len(told) == len(skipped), "something is told twice"
    assert not set(told) & set(found), "something is taken and skipped"
    assert {item_of(name) for name in made.refused | made.missing | made.ended} <= set(told)
    assert {entry.item for entry in skipped if entry.ends} >= {item_of(n) for n in made.ended}
    assert all(entry.reason for entry in skipped)
    media = {n for n in made.files if n.lower().endswith((*JPEG_SUFFIXES, *VIDEO_SUFFIXES))}
    assert {item_of(name) for name in media} <= set(found) | set(told)
