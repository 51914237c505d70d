"""The proof that the owner of a site or bucket allows photos to be taken: a token they publish.

A site publishes it as a TXT record of ``_likeness.HOST``, or at
``https://HOST/.well-known/likeness.txt``:

    likeness-authorisation=2Gm...; until=2027-11-28

It covers that host alone, until the end of that day (UTC) or until the day that we were asked to
keep to, whichever is earlier. Where neither place has it, or neither can be read, it is not proved.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from likeness.errors import AddressRefused, BadInput, NotAuthorised
from likeness.records.authorisation import Authorisation
from likeness.sources.website.hosts import host_name
from likeness.sources.website.network import Network
from likeness.sources.website.platforms import require_no_platform

PROOF_PATH = "/.well-known/likeness.txt"
PROOF_RECORD = "_likeness"

PROOF_LASTS = timedelta(days=1)
"""How long a proof that was found may be relied on."""

LONGEST_DAYS = 400
"""How long an authorisation may last before it has to be given again."""

TOKEN_BYTES = 32

_MOST_BYTES = 8192
_SECONDS = 15.0
_STATED = re.compile(
    r"likeness-authorisation=([A-Za-z0-9_-]{22,128})\s*;\s*until=(\d{4}-\d{2}-\d{2})\s*;?",
    re.ASCII,
)
_LONGEST_TEXT = 65_536

Method = Literal["dns", "well-known", "object"]


@dataclass(frozen=True, kw_only=True)
class Proof:
    """Evidence that an authorisation was found published.

    Attributes
    ----------
    domain : str
        Host, or address of the bucket, that it covers.
    method : {"dns", "well-known", "object"}
        Where it was found: in DNS, on the site, in the bucket.
    checked_at : datetime
    until : datetime
        When the authorisation ends, as published or as agreed, whichever is earlier.
    """

    domain: str
    method: Method
    checked_at: datetime
    until: datetime

    def holds(self, now: datetime) -> bool:
        """Whether it may still be relied on: it has not ended, and is no older than a day."""
        return self.checked_at <= now < min(self.until, self.checked_at + PROOF_LASTS)


def new_token() -> str:
    """Return 256 random bits as 43 characters that fit in DNS and in addresses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def new_authorisation(domain: str, *, now: datetime, days: int = 365) -> Authorisation:
    """Make an authorisation for the owner of a site to publish.

    Raises
    ------
    BadInput
        If ``domain`` is not the name of a site alone (see `host_name`), or of no kind that anybody
        registers, such as ``localhost``, ``site.internal`` or ``co.uk``.
    Refused
        If it is a platform whose users bring their exports.
    """
    if not 1 <= days <= LONGEST_DAYS:
        raise BadInput(
            f"An authorisation cannot last {days} days.", f"Give 1 to {LONGEST_DAYS} days."
        )
    host = host_name(domain)
    _require_registrable(host)
    require_no_platform(host)
    ends_on = (now.astimezone(UTC) + timedelta(days=days)).date()
    return Authorisation(
        domain=host, token=new_token(), expires_at=_end_of(ends_on), created_at=now
    )


def published_text(authorisation: Authorisation) -> str:
    """Return the line that the owner publishes; it holds the token, so show it to nobody else."""
    last_day = (authorisation.expires_at.astimezone(UTC) - timedelta(microseconds=1)).date()
    return f"likeness-authorisation={authorisation.token}; until={last_day.isoformat()}"


def check_proof(network: Network, authorisation: Authorisation, now: datetime) -> Proof:
    """Look for the proof where the owner may have published it, now.

    Raises
    ------
    NotAuthorised
        If it is not there, cannot be read, or has ended.
    Refused
        If the site is a platform whose users bring their exports.
    """
    domain = authorisation.domain
    if host_name(domain) != domain:
        raise BadInput("An authorisation names no host.", "Give it anew for the host alone.")
    require_no_platform(domain)
    if now >= authorisation.expires_at:
        raise NotAuthorised(
            f"The authorisation for {domain} has ended.",
            "Ask its owner again: likeness source authorise " + domain,
        )
    found = _from_dns(network, authorisation, now)
    if isinstance(found, Proof):
        return found
    on_site = _from_site(network, authorisation, now)
    if isinstance(on_site, Proof):
        return on_site
    raise NotAuthorised(
        f"No live proof says that the owner of {domain} allows this: in DNS, {found}; on the site, "
        f"{on_site}.",
        f"The owner publishes the line in a TXT record of {PROOF_RECORD}.{domain}, or at "
        f"https://{domain}{PROOF_PATH}.",
    )


def proof_in(
    text: str, authorisation: Authorisation, now: datetime, *, method: Method = "object"
) -> Proof | None:
    """Find the proof in a text, such as the object of that name in a bucket; None without one.

    Every line of the text is looked at; of several, the one that lasts longest counts.
    """
    ends = [
        min(ends_at, authorisation.expires_at)
        for line in text[:_LONGEST_TEXT].splitlines()
        if (ends_at := _read_line(line, authorisation.token)) is not None
    ]
    until = max(ends, default=now)
    if until <= now:
        return None
    return Proof(domain=authorisation.domain, method=method, checked_at=now, until=until)


def _from_dns(network: Network, authorisation: Authorisation, now: datetime) -> Proof | str:
    try:
        records = network.txt_records(f"{PROOF_RECORD}.{authorisation.domain}")
    except OSError:
        return "no name server answered"
    return _first(records, authorisation, now, "dns") or (
        "another or an ended line is there" if records else "there is none"
    )


def _from_site(network: Network, authorisation: Authorisation, now: datetime) -> Proof | str:
    # httpcore is needed here alone, and takes its time to import.
    from likeness import __version__
    from likeness.sources.website.small_fetch import fetch_small

    try:
        status, body = fetch_small(
            network,
            f"https://{authorisation.domain}{PROOF_PATH}",
            max_bytes=_MOST_BYTES,
            seconds=_SECONDS,
            agent=user_agent(__version__),
        )
    except AddressRefused:
        return "its name does not lead to the public internet"
    except OSError as error:
        return str(error)
    if status != 200:
        return f"it answered with status {status:d}"
    text = body.decode("utf-8-sig", "replace")
    return _first([text], authorisation, now, "well-known") or "no such line, or an ended one"


def user_agent(version: str) -> str:
    """What every request says of who asks, and that it goes by robots.txt as ``Likeness``."""
    return f"Likeness/{version} (photos by permission of the site's owner; robots: Likeness)"


def _first(
    texts: Iterable[str], authorisation: Authorisation, now: datetime, method: Method
) -> Proof | None:
    found = (proof_in(text, authorisation, now, method=method) for text in texts)
    return next((proof for proof in found if proof is not None), None)


def _read_line(line: str, token: str) -> datetime | None:
    """When the authorisation on a line ends; None where it is not one for this token."""
    stated = _STATED.fullmatch(line.strip())
    if stated is None or not hmac.compare_digest(stated.group(1).encode(), token.encode()):
        return None
    try:
        return _end_of(date.fromisoformat(stated.group(2)))
    except (ValueError, OverflowError):
        return None


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _require_registrable(host: str) -> None:
    import tldextract

    # The list that comes with it; nothing is fetched or cached.
    split = tldextract.TLDExtract(
        cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True
    )(host)
    if not split.suffix or not split.domain:
        raise BadInput(
            "That is not a name that somebody has registered.",
            "Give the host of a site, such as photos.example.org.",
        )
