"""A website whose owner says yes, as a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime

from likeness.sources.base import Entry
from likeness.sources.website.crawl import Crawl, CrawlTerms
from likeness.sources.website.hosts import host_name
from likeness.sources.website.limits import CrawlLimits
from likeness.sources.website.memory import FetchMemory, NoMemory
from likeness.sources.website.network import Network
from likeness.sources.website.platforms import require_no_platform
from likeness.sources.website.proof import Proof


def now_in_utc() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class WebsiteSource:
    """The photos that the pages of one host show.

    Nothing is asked of the site before its proof was found anew. Pages and photos that it refuses,
    by whichever signal, are told as skipped; a proof overrides none.

    Attributes
    ----------
    kind : str
        ``"website"``.
    address : str
        ``https://`` and the host.
    """

    kind = "website"

    def __init__(
        self,
        domain: str,
        *,
        network: Network,
        proof: Callable[[], Proof],
        still_allowed: Callable[[], object],
        memory: FetchMemory | None = None,
        clock: Callable[[], datetime] = now_in_utc,
        limits: CrawlLimits | None = None,
    ) -> None:
        """Name the site; nothing is looked up yet.

        Parameters
        ----------
        domain : str
            A host, or ``https://`` and a host; the crawl stays on it.
        network, still_allowed, memory, clock, limits
            See `CrawlTerms`.
        proof : callable
            Looks for the proof now, as `proof.check_proof`, and raises where there is none.

        Raises
        ------
        BadInput
            If ``domain`` names no host.
        Refused
            If it is a platform whose users bring their exports.
        """
        host = host_name(domain.removeprefix("https://").removesuffix("/"))
        require_no_platform(host)
        self.address = f"https://{host}"
        self._crawl = Crawl(
            "site",
            f"{self.address}/",
            link_from="website",
            terms=CrawlTerms(
                network=network,
                proofs={host: proof},
                memory=memory or NoMemory(),
                still_allowed=still_allowed,
                clock=clock,
                limits=limits or CrawlLimits(),
            ),
        )

    @property
    def whole(self) -> bool:
        """Whether the last run saw all that the site shows and does not refuse."""
        return self._crawl.whole

    def recognised(self) -> str:
        """Say what this is."""
        return f"A website: {self.address}"

    def count(self) -> None:
        """Nobody knows before the crawl."""

    def entries(self) -> Iterator[Entry]:
        """Crawl the site; see `Crawl.entries`."""
        return self._crawl.entries()

    def remarks(self) -> Mapping[str, int]:
        """Nothing had to be matched."""
        return {}

    def stop(self) -> None:
        """End a run under way; when this returns, no request is sent any more."""
        self._crawl.stop()
