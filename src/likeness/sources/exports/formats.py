"""What every format of an export says: whether it is one, whose, and which media the holder posted.

A format is a module with these names; it holds a table of paths and fields and one function.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from likeness.records.sighting import LinkConfidence, PageLink
from likeness.sources.base import SkippedEntry
from likeness.sources.exports.tree import ExportTree, Member
from likeness.sources.links import address_problem, plain_text


@dataclass(frozen=True, kw_only=True)
class Posted:
    """A photo or video that the holder of the account posted.

    Attributes
    ----------
    member : Member
        Its file.
    link : PageLink
        The way back; checked (`links.address_problem`, `links.plain_text`) and ``"export"``. Its
        ``media_url`` is empty where the platform names none: the source puts the file's own there.
    matched_by : str
        How its record was found, where there are several ways, such as ``"exact"``; else empty.
    moment_url : str
        For a video: its page with ``{seconds}`` where the moment goes, such as
        ``"https://www.youtube.com/watch?v=ID&t={seconds}"``; empty where the page knows none.
    """

    member: Member
    link: PageLink
    moment_url: str = ""
    matched_by: str = ""


class ExportFormat(Protocol):
    """One platform's export."""

    @property
    def name(self) -> str:
        """What people call it, such as ``"X (Twitter)"``; the source's kind is ``slug``."""

    @property
    def slug(self) -> str:
        """Such as ``"x"``: lower-case letters and hyphens."""

    def recognises(self, tree: ExportTree) -> bool:
        """Whether the files are such an export; reads names, and little else."""

    def account(self, tree: ExportTree) -> str:
        """Address of the holder's profile (``https://…``), or empty where the export has none."""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        """Every photo and video that the holder posted, and what is not taken, with the reason.

        Raises
        ------
        SourceUnreadable
            If the records of the export as a whole cannot be read.
        """

    def reason_for(self, name: str) -> str:
        """Why a media file that no post refers to is not taken, such as ``"a message"``."""


def export_link(
    page_url: str,
    *,
    confidence: LinkConfidence,
    taken_at: datetime | None,
    text: str,
    media_url: str = "",
) -> PageLink:
    """Make the link of something posted, its words cleaned and its addresses checked.

    Parameters
    ----------
    page_url : str
        Made by the format from parts that it checked.
    confidence : LinkConfidence
    taken_at : datetime or None
        In UTC.
    text : str
        As the records have it; not trusted.
    media_url : str
        As the records have it; not trusted, and left out where it is no address.

    Raises
    ------
    ValueError
        If ``page_url`` is no address: the format put a part into it without a check.
    """
    problem = address_problem(page_url)
    if problem:
        raise ValueError(f"the address that a format made of a page {problem}")
    return PageLink(
        page_url=page_url,
        media_url="" if address_problem(media_url) else media_url,
        taken_at=taken_at,
        text=plain_text(text),
        confidence=confidence,
        link_from="export",
    )
