"""Sends requests, each only while the lease holds, and to certified servers alone."""

from __future__ import annotations

from typing import Any, cast

from scrapy import Request
from scrapy.core.downloader.handlers.http11 import HTTP11DownloadHandler
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from twisted.internet.ssl import (
    Certificate,
    TLSVersion,
    optionsForClientTLS,
    trustRootFromCertificates,
)
from twisted.web.iweb import IPolicyForHTTPS
from zope.interface import implementer

from likeness.sources.website.crawling.state import CrawlState, state_of


class LeaseEnded(IgnoreRequest):
    """The parent did not allow a request; the process is about to end."""


class GuardedHandler(HTTP11DownloadHandler):
    """Scrapy's handler of HTTP/1.1 over TLS, the last step before a request leaves.

    Scrapy itself does not check certificates unless it is told to, and repeats a request by itself
    on a connection that broke; neither is left to it.
    """

    lazy = False

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._state = state_of(crawler)
        self._contextFactory = cast(IPolicyForHTTPS, _CertifiedOnly(self._state))
        self._pool.retryAutomatically = False

    async def download_request(self, request: Request) -> Response:
        """Send a request and return what came."""
        if not request.url.startswith("https://") or "proxy" in request.meta:
            raise IgnoreRequest("not https")
        # The last look before it leaves: what was asked earlier waited for its turn since.
        if not self._state.lease.holds():
            raise LeaseEnded("the lease ended")
        return await super().download_request(request)


@implementer(IPolicyForHTTPS)
class _CertifiedOnly:
    def __init__(self, state: CrawlState) -> None:
        with open(state.network.authorities(), "rb") as file:
            blocks = file.read().split(b"-----BEGIN CERTIFICATE-----")[1:]
        mark = b"-----BEGIN CERTIFICATE-----"
        self._roots: Any = trustRootFromCertificates(  # type: ignore[no-untyped-call]
            [Certificate.loadPEM(mark + block) for block in blocks]
        )

    def creatorForNetloc(self, hostname: bytes, port: int) -> Any:  # noqa: N802
        return optionsForClientTLS(
            hostname.decode("ascii"),
            trustRoot=self._roots,
            extraCertificateOptions={"raiseMinimumTo": TLSVersion.TLSv1_2},
        )
