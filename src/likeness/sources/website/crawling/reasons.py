"""Why a request brought nothing, in a few words that hold nothing of what the site wrote."""

from __future__ import annotations

from OpenSSL import SSL
from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    IgnoreRequest,
    ResponseDataLossError,
)
from scrapy.http import Response
from service_identity import VerificationError
from twisted.python.failure import Failure
from twisted.web.client import ResponseFailed

from likeness.errors import AddressRefused
from likeness.sources.website.crawling.gate import Denied
from likeness.sources.website.crawling.guard import Guard
from likeness.sources.website.references import host_of

NOT_PUBLIC = "leads to an address that is not public"


def denial_of(failure: Failure) -> Denied | None:
    """Return why the gate stopped a request, where it did."""
    return failure.value if isinstance(failure.value, Denied) else None


def reason_of(failure: Failure, guard: Guard) -> str:
    """Say in a few words what went wrong."""
    request: Request = failure.request  # type: ignore[attr-defined]
    value = failure.value
    if isinstance(value, Denied):
        return value.reason
    causes = list(_causes(value))
    if any(isinstance(cause, AddressRefused) for cause in causes):
        return NOT_PUBLIC
    if host_of(request.url) in guard.refused:
        return NOT_PUBLIC
    if any(isinstance(cause, SSL.Error | VerificationError) for cause in causes):
        return "its certificate does not hold"
    for kind, reason in (
        (DownloadTimeoutError, "took too long"),
        (DownloadCancelledError, "too large"),
        (ResponseDataLossError, "cut short"),
        (CannotResolveHostError, "its name could not be looked up"),
        (DownloadConnectionRefusedError, "no connection"),
        (IgnoreRequest, "not asked for"),
    ):
        if isinstance(value, kind):
            return reason
    return "could not be fetched"


def headers_of(response: Response) -> list[tuple[str, str]]:
    """Return the headers of an answer, repeated names repeated."""
    return [
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, values in response.headers.items()
        for value in values
    ]


def _causes(error: BaseException | None, depth: int = 8) -> list[BaseException]:
    if error is None or depth == 0:
        return []
    found = [error, *_causes(error.__cause__, depth - 1), *_causes(error.__context__, depth - 1)]
    if isinstance(error, ResponseFailed):
        for reason in error.reasons or ():
            found += _causes(reason.value, depth - 1)
    return found
