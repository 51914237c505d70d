"""One crawl as its parent sees it: proofs, the lease, what comes back, what is remembered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from likeness import __version__
from likeness.errors import SourceUnreadable
from likeness.records.sighting import LinkFrom
from likeness.sources.base import Entry, SkippedEntry, SourceEntry, item_of, stopped
from likeness.sources.links import address_problem
from likeness.sources.website.crawl_protocol import (
    ASK,
    DONE,
    PHOTO,
    SEEN,
    SKIPPED,
    TOLD,
    Message,
    ProtocolBroken,
    flag,
    pack_remembered,
    read_remembered,
    words,
)
from likeness.sources.website.dates import moment_ns
from likeness.sources.website.entry import CrawledEntry
from likeness.sources.website.found import LONGEST_ADDRESS, FoundPhoto, mark_of, photo_told
from likeness.sources.website.hosts import https_address, place_of
from likeness.sources.website.launch import CrawlProcess
from likeness.sources.website.limits import CrawlLimits, most_told
from likeness.sources.website.memory import LONGEST_VALIDATOR, FetchMemory, Remembered
from likeness.sources.website.network import Network
from likeness.sources.website.proof import Proof, user_agent
from likeness.sources.website.proof_keeper import ProofKeeper
from likeness.sources.website.references import host_of

_LONGEST_REASON = 200
_LONGEST_ITEM = 4 * LONGEST_ADDRESS


@dataclass(frozen=True, kw_only=True)
class CrawlTerms:
    """On what terms a crawl goes on.

    Attributes
    ----------
    network : Network
    proofs : mapping
        For each host that may be asked, what looks for its proof now, as `proof.check_proof`, and
        raises where there is none.
    memory : FetchMemory
    still_allowed : callable
        Returns something true, such as what it was found by, while the crawl may go on; raises
        otherwise, such as after a notice. Asked from a thread of its own every half second, so it
        must not wait for what goes through the entries.
    clock : callable
        Returns the time, aware.
    limits : CrawlLimits
    """

    network: Network
    proofs: Mapping[str, Callable[[], Proof]]
    memory: FetchMemory
    still_allowed: Callable[[], object]
    clock: Callable[[], datetime]
    limits: CrawlLimits


class Crawl:
    """What a source does that crawls.

    Attributes
    ----------
    whole : bool
        Whether the last run saw all that the site shows and does not refuse.
    """

    def __init__(
        self, mode: Literal["site", "iiif"], start: str, *, terms: CrawlTerms, link_from: LinkFrom
    ) -> None:
        self._mode = mode
        self._start = start
        self._own = host_of(start)
        self._terms = terms
        self._link_from = link_from
        self._stopped = threading.Event()
        self._running: set[CrawlProcess] = set()
        self._guarding = threading.Lock()
        self.whole = False

    def stop(self) -> None:
        """End a run under way; when this returns, no request is sent any more."""
        with self._guarding:
            self._stopped.set()
            running = list(self._running)
        for process in running:
            process.kill()

    def entries(self) -> Iterator[Entry]:
        """Crawl; see `Source.entries`.

        Raises
        ------
        NotAuthorised
            If a proof is not there before the first request, or ends.
        SourceBlocked
            After `stop`, or where ``still_allowed`` says no.
        SourceUnreadable
            If the crawl ends before it is done.
        """
        self.whole = False
        terms = self._terms
        self._require_allowed()
        keepers = [ProofKeeper(check, terms.clock) for check in terms.proofs.values()]
        for host, keeper in zip(terms.proofs, keepers, strict=True):
            keeper.begin(host)

        def require_allowed() -> None:
            self._require_allowed()
            for keeper in keepers:
                keeper.require()

        process = CrawlProcess(
            terms.network,
            self._setup(),
            max_body=terms.limits.photo_bytes,
            require_allowed=require_allowed,
        )
        with process:
            with self._guarding:
                self._running.add(process)
            try:
                yield from self._told(process)
            except SourceUnreadable:
                if self._stopped.is_set():  # which killed the process from another thread
                    raise stopped() from None
                raise
            finally:
                with self._guarding:
                    self._running.discard(process)

    def _require_allowed(self) -> None:
        if self._stopped.is_set() or not self._terms.still_allowed():
            raise stopped()

    def _setup(self) -> dict[str, Any]:
        return {
            "mode": self._mode,
            "start": self._start,
            "hosts": sorted(self._terms.proofs),
            "agent": user_agent(__version__),
            "limits": asdict(self._terms.limits),
        }

    def _told(self, process: CrawlProcess) -> Iterator[Entry]:
        told: set[str] = set()
        while True:
            message = process.next()
            # It may have been stopped since this was sent.
            if self._stopped.is_set():
                raise stopped()
            try:
                if message.kind == DONE:
                    self.whole = flag(message.details, "whole")
                    return
                entry = self._taken(process, message)
            except (ProtocolBroken, ValueError) as error:
                raise _makes_no_sense() from error
            if entry is not None and entry.item not in told:
                if len(told) > most_told(self._terms.limits):
                    raise _makes_no_sense()
                told.add(entry.item)
                yield entry

    def _taken(self, process: CrawlProcess, message: Message) -> Entry | None:
        details = message.details
        if message.kind == ASK:
            url = words(details, "url", LONGEST_ADDRESS)
            known = self._terms.memory.recall(url)
            process.send(TOLD, {"asked": url, "known": pack_remembered(known) or None})
            return None
        if message.kind == SEEN:
            page = read_remembered(details, longest_address=LONGEST_ADDRESS)
            if self._is_ours(page.url):
                self._terms.memory.remember(page)
            return None
        if message.kind == SKIPPED:
            return SkippedEntry(
                item=item_of(words(details, "item", _LONGEST_ITEM)),
                reason=item_of(words(details, "reason", _LONGEST_REASON)),
                hides=flag(details, "hides"),
                ends=flag(details, "ends"),
            )
        if message.kind == PHOTO:
            return self._photo(message)
        raise ProtocolBroken("a message that comes only once")

    def _photo(self, message: Message) -> SourceEntry:
        found = photo_told(message.details)
        # A manifest may name any page about what it shows; a page of a site is of that site.
        page_ours = self._mode == "iiif" or self._is_ours(found.page_url)
        if not self._is_ours(found.url) or not page_ours or address_problem(found.page_url):
            raise ProtocolBroken("a photo of another site")
        if flag(message.details, "unchanged"):
            return self._unchanged(found)
        etag, changed = (
            words(message.details, name, LONGEST_VALIDATOR) for name in ("etag", "last_modified")
        )
        fetched = Remembered(
            url=found.url,
            etag=etag,
            last_modified=changed,
            size=len(message.body),
            modified_ns=moment_ns(changed),
            link_mark=mark_of(found, message.body),
        )
        return self._entry(found, fetched, message.body)

    def _unchanged(self, found: FoundPhoto) -> SourceEntry:
        # What is remembered counts, not what the other process says of it.
        known = self._terms.memory.recall(found.url)
        if known is None or not known.link_mark.startswith(found.link_part()):
            raise ProtocolBroken("an unchanged photo that is not known")
        return self._entry(found, known, None)

    def _entry(self, found: FoundPhoto, fetched: Remembered, content: bytes | None) -> CrawledEntry:
        return CrawledEntry(
            item=item_of(place_of(found.url, own=self._own)),
            size=fetched.size,
            modified_ns=fetched.modified_ns,
            link_mark=fetched.link_mark,
            found=found,
            content=content,
            link_from=self._link_from,
            was_read=lambda came: self._note(fetched, came),
        )

    def _note(self, fetched: Remembered, came: bool) -> None:
        """Remember a photo once it was read, for only then is it of use that it did not change."""
        if not came:
            self._terms.memory.forget(fetched.url)
        elif fetched.etag or fetched.last_modified:
            self._terms.memory.remember(fetched)

    def _is_ours(self, url: str) -> bool:
        plain = https_address(url, url, longest=LONGEST_ADDRESS)
        return plain == url and host_of(url) in self._terms.proofs


def _makes_no_sense() -> SourceUnreadable:
    return SourceUnreadable("What the crawling process told makes no sense.", "Add the site again.")
