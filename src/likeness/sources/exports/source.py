"""An account holder's export as a source: what the holder posted, and an account of the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from json import dumps
from threading import Event
from typing import BinaryIO

from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import PageLink, Span
from likeness.sources.base import Entry, SkippedEntry, SourceEntry, VideoEntry, item_of, stopped
from likeness.sources.exports.formats import ExportFormat, Posted
from likeness.sources.exports.tree import ExportTree, Member
from likeness.sources.file_kinds import FileKind, file_kind
from likeness.sources.links import address_problem, moment_of, plain_text
from likeness.sources.media_fragments import seconds_of

NOT_HERE = "not in this archive: add all parts of the export together"
"""Why a file that the records refer to is not taken where it is not among the files."""

_VIDEO = "not a photo (video)"
_OTHER_MEDIA = "not a photo ("


@dataclass(frozen=True, kw_only=True)
class ExportPhoto(SourceEntry):
    """A photo that the holder of the account posted."""

    tree: ExportTree = field(repr=False)
    member: Member = field(repr=False)
    posted: PageLink = field(repr=False)

    def read(self, max_bytes: int) -> bytes:
        return self.tree.read(self.member, max_bytes)

    def link(self, embedded: EmbeddedMetadata | None) -> PageLink:
        taken_at, text = self.posted.taken_at, self.posted.text
        if embedded is not None:
            if taken_at is None and embedded.taken_at is not None:
                taken_at = moment_of(embedded.taken_at.isoformat())
            text = text or plain_text(embedded.description)
        return replace(self.posted, taken_at=taken_at, text=text)


@dataclass(frozen=True, kw_only=True)
class ExportVideo(VideoEntry):
    """A video that the holder of the account posted."""

    tree: ExportTree = field(repr=False)
    member: Member = field(repr=False)
    posted: PageLink = field(repr=False)
    moment_url: str = field(repr=False)

    def open(self) -> BinaryIO:
        return self.tree.open(self.member)

    def link(self, span: Span) -> PageLink:
        page = self.moment_url.replace("{seconds}", str(span.start_ms // 1000))
        media = self.posted.media_url
        # W3C Media Fragments URI 1.0, 4.2.1: seconds, with "&" behind another fragment.
        gap = "&" if "#" in media else "#"
        media = f"{media}{gap}t={seconds_of(span.start_ms)},{seconds_of(span.end_ms)}"
        page = self.posted.page_url if address_problem(page) else page
        return replace(self.posted, page_url=page, media_url=media, span=span)


class ExportSource:
    """What the holder of an account posted, from the export that the platform gave them.

    Attributes
    ----------
    kind : str
        ``"export-"`` and the format's slug, such as ``"export-x"``.
    address : str
        Of the holder's profile; of the archive or folder where the export does not tell that.
    whole : bool
        False: what an export leaves out is not known to be gone. What it says is deleted is told.
    """

    def __init__(self, tree: ExportTree, export_format: ExportFormat) -> None:
        """Ask the export whose it is.

        Raises
        ------
        SourceUnreadable
            As `ExportFormat.account`.
        """
        self._tree = tree
        self._format = export_format
        self._stopped = Event()
        self._matched: Counter[str] = Counter()
        self.kind = f"export-{export_format.slug}"
        account = export_format.account(tree)
        self.address = tree.address if address_problem(account) else account
        self.whole = False

    def recognised(self) -> str:
        """Say what this is, and whose."""
        whose = "" if self.address == self._tree.address else f", account {self.address}"
        return f"An export of {self._format.name}: {self._tree.address}{whose}"

    def count(self) -> int:
        """How many photos and videos there are, by reading the records."""
        return sum(1 for entry in self.entries() if not isinstance(entry, SkippedEntry))

    def remarks(self) -> Mapping[str, int]:
        """How many were matched with their record by which rule."""
        return dict(self._matched)

    def stop(self) -> None:
        """End a listing under way before its next entry."""
        self._stopped.set()

    def entries(self) -> Iterator[Entry]:
        """List what was posted and what was not, each time anew (see `Source.entries`).

        A file that is in several posts is told once for each page that it is on, with ``#2`` and so
        on behind its item. One that is refused by any record of the export before it is told, is
        not taken by another.
        """
        self._matched.clear()
        for entry in self._entries():
            if self._stopped.is_set():
                raise stopped()
            yield entry
        if self._stopped.is_set():
            raise stopped()

    def _entries(self) -> Iterator[Entry]:
        told = _Told()
        # First, so that a file which cannot be read is not told as one that is not here.
        for item, reason in self._tree.problems():
            if told.refuse(item):
                yield SkippedEntry(item=item, reason=reason)
        for found in self._format.posts(self._tree):
            if isinstance(found, SkippedEntry):
                if told.end(found.item) if found.ends else told.refuse(found.item):
                    yield found
            else:
                yield from self._posted(found, told)
        for member in self._tree.members():
            item = item_of(member.name)
            reason = _media_reason(member.name, self._format)
            if reason and told.refuse(item):
                yield SkippedEntry(item=item, reason=reason)

    def _posted(self, posted: Posted, told: _Told) -> Iterator[Entry]:
        member, link = posted.member, posted.link
        first = item_of(member.name)
        kind = _kind(member.name)
        if not kind.photo and kind.reason != _VIDEO:
            if told.refuse(first):
                yield SkippedEntry(item=first, reason=kind.reason)
            return
        if not link.media_url:
            link = replace(link, media_url=self._tree.uri(member))
        item = told.take(first, link.page_url)
        if not item:
            return
        if posted.matched_by:
            self._matched[posted.matched_by] += 1
        mark = _mark(link, posted.moment_url, member)
        if kind.photo:
            yield ExportPhoto(
                item=item,
                size=member.size,
                modified_ns=member.modified_ns,
                link_mark=mark,
                tree=self._tree,
                member=member,
                posted=link,
            )
        else:
            yield ExportVideo(
                item=item,
                size=member.size,
                modified_ns=member.modified_ns,
                link_mark=mark,
                tree=self._tree,
                member=member,
                posted=link,
                moment_url=posted.moment_url,
            )


@dataclass(frozen=True, kw_only=True)
class _Told:
    """What was told already: each item, and the pages that a file is on; a digest of each."""

    items: set[bytes] = field(default_factory=set)
    refused: set[bytes] = field(default_factory=set)
    ended: set[bytes] = field(default_factory=set)
    pages: set[bytes] = field(default_factory=set)

    def end(self, item: str) -> bool:
        """Note that something is no longer to be held; False where that was told already."""
        key = _key(item)
        if key in self.ended:
            return False
        self.refuse(item)
        self.ended.add(key)
        return True

    def refuse(self, item: str) -> bool:
        """Note that something is not taken; False where it was told already."""
        key = _key(item)
        if key in self.items:
            return False
        self.items.add(key)
        self.refused.add(key)
        return True

    def take(self, item: str, page: str) -> str:
        """Return the item under which a file is told for a page; empty where it is not to be."""
        on_page = _key(f"{item}\0{page}")
        if _key(item) in self.refused or on_page in self.pages:
            return ""
        self.pages.add(on_page)
        number, own = 1, item
        while _key(own) in self.items:
            number += 1
            own = f"{item}#{number}"
        self.items.add(_key(own))
        return own


def _key(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=12).digest()


def _kind(name: str) -> FileKind:
    return file_kind(name.rpartition("/")[2])


def _media_reason(name: str, export_format: ExportFormat) -> str:
    """Say why a photo or video that no post refers to is not taken; empty for other files."""
    kind = _kind(name)
    if kind.photo or kind.reason == _VIDEO:
        return export_format.reason_for(name)
    other = kind.reported and (kind.reason.startswith(_OTHER_MEDIA) or kind.reason == "hidden file")
    return kind.reason if other else ""


def _mark(link: PageLink, moment_url: str, member: Member) -> str:
    """Return 32 hex digits over what decides the link and tells the content (BLAKE2b)."""
    taken_at = link.taken_at.isoformat() if link.taken_at else ""
    told = dumps(
        [
            "export/1",
            link.page_url,
            link.media_url,
            taken_at,
            link.text,
            link.confidence,
            link.rights,
            moment_url,
            member.mark,
        ]
    )
    return blake2b(told.encode(), digest_size=16).hexdigest()
