"""What every request passes on its way out, and every answer on its way in."""

from __future__ import annotations

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from likeness.sources.website.crawling.rules import OF_RULES
from likeness.sources.website.crawling.state import state_of
from likeness.sources.website.dates import moment_ns
from likeness.sources.website.hosts import https_address
from likeness.sources.website.limits import MOST_REDIRECTS
from likeness.sources.website.memory import LONGEST_VALIDATOR, Remembered
from likeness.sources.website.references import host_of, same_host
from likeness.sources.website.signals import Refusal, SignalRefused

REMEMBERED = "remembered"
"""Where a request keeps what it is conditional on."""

EXPECTED_MARK = "expected_mark"
"""Where the request for a photo keeps the start of the mark that its link has now."""

FIRST_ASKED = "first_asked"
"""Where a request that follows a redirect keeps the address that was asked for at first."""

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_TOO_MANY = frozenset({429, 503})


class Denied(IgnoreRequest):
    """A request that is not sent, or an answer that is not used.

    Attributes
    ----------
    reason : str
        A few words.
    refusal : Refusal or None
        What the site said against it, where that is why.
    elsewhere : bool
        True where the site sent us on to another, which is as good as an answer.
    """

    def __init__(
        self, reason: str, refusal: Refusal | None = None, *, elsewhere: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.refusal = refusal
        self.elsewhere = elsewhere


class Gate:
    """The crawl's rules, as middleware of Scrapy's downloader."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._state = state_of(crawler)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Gate:
        """Make it, as Scrapy does."""
        return cls(crawler)

    async def process_request(self, request: Request) -> None:
        """Let a request through, or raise `Denied`."""
        state = self._state
        address = https_address(request.url, request.url, longest=state.limits.address)
        if address != request.url or host_of(address) not in state.hosts:
            raise Denied("not an address that is asked for")
        if state.budget.spent:
            raise Denied(state.budget.spent)
        if not request.meta.get(OF_RULES):
            try:
                await state.rules.permit(request.url)
            except SignalRefused as error:
                raise Denied(error.refusal.reason, error.refusal) from error
            await self._make_conditional(request)
        await state.channel.room()

    def process_response(self, request: Request, response: Response) -> Request | Response:
        """Count an answer, follow a redirect on the host, slow down where the site asks for it."""
        self._state.budget.got(len(response.body))
        if response.status in _TOO_MANY:
            self._slow_down(request)
        if response.status not in _REDIRECTS:
            return response
        location = (response.headers.get("Location") or b"").decode("latin-1")
        onward = https_address(request.url, location, longest=self._state.limits.address)
        redirects = request.meta.get("redirects", 0) + 1
        if not location or not onward:
            raise Denied("redirects to no address that is asked for")
        if not same_host(onward, request.url):
            raise Denied("redirects to another site", elsewhere=True)
        if redirects > MOST_REDIRECTS or onward == request.url:
            raise Denied("redirects without end")
        meta = {FIRST_ASKED: request.url, **request.meta, "redirects": redirects}
        meta.pop(REMEMBERED, None)
        headers = {
            name: values
            for name, values in request.headers.items()
            if name not in (b"If-None-Match", b"If-Modified-Since")
        }
        return request.replace(url=onward, meta=meta, headers=headers, dont_filter=True)

    async def _make_conditional(self, request: Request) -> None:
        known = await self._state.channel.recall(request.url)
        if known is None:
            return
        expected = request.meta.get(EXPECTED_MARK)
        # What would be told has to be all there: a photo whose words changed is read again.
        usable = bool(known.page) if expected is None else known.link_mark.startswith(expected)
        if usable and (known.etag or known.last_modified):
            request.meta[REMEMBERED] = known
            if known.etag:
                request.headers["If-None-Match"] = known.etag
            if known.last_modified:
                request.headers["If-Modified-Since"] = known.last_modified

    def _slow_down(self, request: Request) -> None:
        slot = self._crawler.engine.downloader.slots.get(request.meta.get("download_slot", ""))
        if slot is not None:
            slot.delay = min(
                max(2 * slot.delay, 1.0), max(self._state.limits.most_delay_seconds, slot.delay)
            )


class OneEncoding(HttpCompressionMiddleware):
    """Unpacks what came packed once, to no more than a request may bring."""

    def process_request(self, request: Request) -> None:  # type: ignore[override]
        """Ask for gzip alone."""
        request.headers.setdefault("Accept-Encoding", b"gzip")

    def process_response(self, request: Request, response: Response) -> Request | Response:  # type: ignore[override]
        """Unpack an answer."""
        stated = b",".join(response.headers.getlist("Content-Encoding")).strip().lower()
        if stated in (b"", b"identity"):
            return response
        if stated not in (b"gzip", b"x-gzip"):
            raise Denied("packed in a way that was not asked for")
        try:
            return super().process_response(request, response)
        except IgnoreRequest as error:
            raise Denied("too large") from error
        except Exception as error:
            raise Denied("could not be unpacked") from error


def validators(response: Response) -> tuple[str, str, int]:
    """Return the ETag, the Last-Modified and what it means in nanoseconds since 1970 (or 0)."""
    etag, changed = (
        value if len(value) <= LONGEST_VALIDATOR and value.isprintable() else ""
        for value in (
            (response.headers.get(name) or b"").decode("latin-1").strip()
            for name in ("ETag", "Last-Modified")
        )
    )
    return etag, changed, moment_ns(changed)


def remembered_by(response: Response) -> Remembered | None:
    """Return what a 304 answer says is unchanged; None where it is another answer."""
    known = response.meta.get(REMEMBERED)
    return known if response.status == 304 and isinstance(known, Remembered) else None
