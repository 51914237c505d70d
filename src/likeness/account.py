"""The account of a run: what became of each item, and the numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from likeness.records.sighting import PageLink

MOST_NAMED = 10_000
"""How many skipped items an account names; those beyond it are counted by reason. Whoever listens
to a run hears of every one."""

STOPPED_BY_A_NOTICE = "stopped by a notice"
"""Why something is skipped that a notice is about."""

KEPT_LONG_ENOUGH = "kept for as long as its collection says"
"""Why something is skipped that went by its collection's retention rule."""

Outcome = Literal["new", "known", "unchanged", "skipped", "ended"]
"""What became of an item: its photo is new, or held already; nothing about it changed since the
last run; it was not taken in; or its source says that it is no longer to be held."""


@dataclass(frozen=True, kw_only=True)
class ItemOutcome:
    """What became of one item. Its transaction is durable.

    Attributes
    ----------
    item : str
    outcome : Outcome
    reason : str
        Why it was skipped or ended; else empty.
    sha256 : str
        Of the photo; empty where it was not read.
    link : PageLink or None
        The way back; None where it was not read.
    """

    item: str
    outcome: Outcome
    reason: str = ""
    sha256: str = ""
    link: PageLink | None = None


ItemListener = Callable[[ItemOutcome], None]


def no_items(_outcome: ItemOutcome) -> None:
    """Listen to nothing."""


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """Something that was not taken in, and why.

    Attributes
    ----------
    item, reason : str
    """

    item: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class IngestReport:
    """The account of one run.

    Attributes
    ----------
    recognised : str
        What the source was taken for, in a sentence.
    source_id : str
    found : int
        Photos that the source lists; each frame of a video that is taken is one.
    videos : int
    new : int
        Photos that the library did not hold.
    known : int
        Photos that it held already, by the same sighting or another.
    without_link : int
        Photos of this source whose way back is the file itself, for want of a better.
    gone : int
        Sightings whose item is no longer there, or no longer to be held.
    skipped : tuple of Skipped
        The first `MOST_NAMED`.
    skipped_count : int
    reasons : mapping of str to int
        How many were skipped for which reason.
    faces : int
        Faces found in new photos.
    linked, proposed : int
        Links and proposals made for faces of new photos, of people whom the acting account may
        find.
    copies : int
        New photos that are near-identical to one that the library held.
    matched : mapping of str to int
        How many photos and videos were matched with their record by which rule.
    """

    recognised: str = ""
    source_id: str = ""
    found: int = 0
    videos: int = 0
    new: int = 0
    known: int = 0
    without_link: int = 0
    gone: int = 0
    skipped: tuple[Skipped, ...] = ()
    skipped_count: int = 0
    reasons: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    faces: int = 0
    linked: int = 0
    proposed: int = 0
    copies: int = 0
    matched: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(kw_only=True)
class Tally:
    """Counts of the run so far, and who is told of each item."""

    listener: ItemListener
    found: int = 0
    videos: int = 0
    new: int = 0
    known: int = 0
    without_link: int = 0
    gone: int = 0
    faces: int = 0
    linked: int = 0
    proposed: int = 0
    copies: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, outcomes: Iterable[ItemOutcome]) -> None:
        """Count what became of items, and say it on; their transaction is durable."""
        for outcome in outcomes:
            if outcome.outcome == "skipped":
                self.reasons[outcome.reason] += 1
                if len(self.skipped) < MOST_NAMED:
                    self.skipped.append(Skipped(item=outcome.item, reason=outcome.reason))
            elif outcome.outcome == "ended":
                self.gone += 1
            else:
                self.known += outcome.outcome != "new"
                self.new += outcome.outcome == "new"
                self.without_link += outcome.link is not None and outcome.link.link_from == "file"
            self.listener(outcome)

    def report(
        self, *, recognised: str, source_id: str, matched: Mapping[str, int]
    ) -> IngestReport:
        """The account of the run."""
        return IngestReport(
            recognised=recognised,
            source_id=source_id,
            found=self.found,
            videos=self.videos,
            new=self.new,
            known=self.known,
            without_link=self.without_link,
            gone=self.gone,
            skipped=tuple(self.skipped),
            skipped_count=self.reasons.total(),
            reasons=MappingProxyType(dict(self.reasons.most_common())),
            faces=self.faces,
            linked=self.linked,
            proposed=self.proposed,
            copies=self.copies,
            matched=MappingProxyType(dict(matched)),
        )


def together(reports: Sequence[IngestReport]) -> IngestReport:
    """One account of several runs, such as over two platforms' folders in one archive."""
    if len(reports) == 1:
        return reports[0]
    reasons: Counter[str] = Counter()
    matched: Counter[str] = Counter()
    for report in reports:
        reasons.update(report.reasons)
        matched.update(report.matched)
    skipped = [one for report in reports for one in report.skipped]
    return IngestReport(
        recognised=" ".join(report.recognised for report in reports),
        source_id=" ".join(report.source_id for report in reports),
        found=sum(report.found for report in reports),
        videos=sum(report.videos for report in reports),
        new=sum(report.new for report in reports),
        known=sum(report.known for report in reports),
        without_link=sum(report.without_link for report in reports),
        gone=sum(report.gone for report in reports),
        skipped=tuple(skipped[:MOST_NAMED]),
        skipped_count=sum(report.skipped_count for report in reports),
        reasons=MappingProxyType(dict(reasons.most_common())),
        faces=sum(report.faces for report in reports),
        linked=sum(report.linked for report in reports),
        proposed=sum(report.proposed for report in reports),
        copies=sum(report.copies for report in reports),
        matched=MappingProxyType(dict(matched)),
    )
