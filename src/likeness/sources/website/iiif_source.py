"""A IIIF manifest or collection of a museum or archive that says yes, as a source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from likeness.errors import BadInput, NotAuthorised
from likeness.sources.base import Entry
from likeness.sources.website.crawl import Crawl, CrawlTerms
from likeness.sources.website.found import LONGEST_ADDRESS
from likeness.sources.website.hosts import https_address
from likeness.sources.website.limits import CrawlLimits
from likeness.sources.website.memory import FetchMemory, NoMemory
from likeness.sources.website.network import Network
from likeness.sources.website.platforms import require_no_platform
from likeness.sources.website.proof import Proof
from likeness.sources.website.references import host_of
from likeness.sources.website.source import now_in_utc


class IiifSource:
    """The images of a manifest, or of the manifests of a collection on its host.

    Attributes
    ----------
    kind : str
        ``"iiif"``.
    address : str
        Of the manifest or collection, https.
    """

    kind = "iiif"

    def __init__(
        self,
        address: str,
        *,
        network: Network,
        proofs: Mapping[str, Callable[[], Proof]],
        still_allowed: Callable[[], object],
        memory: FetchMemory | None = None,
        clock: Callable[[], datetime] = now_in_utc,
        limits: CrawlLimits | None = None,
    ) -> None:
        """Name the manifest or collection; nothing is looked up yet.

        Parameters
        ----------
        address : str
            ``https://``, of the usual port.
        proofs : mapping
            For its host, and for each further host that images may come from, what looks for the
            proof now, as `proof.check_proof`, and raises where there is none.
        network, still_allowed, memory, clock, limits
            See `CrawlTerms`.

        Raises
        ------
        BadInput
            If ``address`` is none that is asked for.
        NotAuthorised
            If there is nothing to look for the proof of its own host with.
        Refused
            If one of the hosts is a platform whose users bring their exports.
        """
        self.address = https_address(address, address, longest=LONGEST_ADDRESS)
        if not self.address:
            raise BadInput(
                "That is not the address of a IIIF manifest.",
                "Give the https address of a manifest or collection.",
            )
        host = host_of(self.address)
        if host not in proofs:
            raise NotAuthorised(
                f"Nobody was asked yet whether photos may be taken from {host}.",
                f"Ask its owner: likeness source authorise {host}",
            )
        for each in proofs:
            require_no_platform(each)
        self._crawl = Crawl(
            "iiif",
            self.address,
            link_from="iiif",
            terms=CrawlTerms(
                network=network,
                proofs=proofs,
                memory=memory or NoMemory(),
                still_allowed=still_allowed,
                clock=clock,
                limits=limits or CrawlLimits(),
            ),
        )

    @property
    def whole(self) -> bool:
        """Whether the last run saw all that is there and not refused."""
        return self._crawl.whole

    def recognised(self) -> str:
        """Say what this is."""
        return f"A IIIF manifest or collection: {self.address}"

    def count(self) -> None:
        """Nobody knows before it was read."""

    def entries(self) -> Iterator[Entry]:
        """Read it and what it leads to; see `Crawl.entries`."""
        return self._crawl.entries()

    def remarks(self) -> Mapping[str, int]:
        """Nothing had to be matched."""
        return {}

    def stop(self) -> None:
        """End a run under way; when this returns, no request is sent any more."""
        self._crawl.stop()
