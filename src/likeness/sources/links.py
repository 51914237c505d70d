"""Which link back a photo gets: the best of what stands beside it, in it and on it.

In order: a row of a link list, the photo's own XMP or IPTC, the addresses that a browser left in
extended attributes, else the file itself. Everything that comes from outside is checked first, and
what cannot be used is passed over for the next.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime

from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import LinkFrom, PageLink
from likeness.sources.extended_attributes import DownloadOrigin

LONGEST_ADDRESS = 2048
LONGEST_TEXT = 2000

_LONGEST_DATE = 64
_HIDDEN = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff"
_REFUSED_CHARACTERS = re.compile(rf'[\s{_HIDDEN}\\<>"]')
_ADDRESS = re.compile(
    r"https?://(?P<host>\[[0-9a-f:.]+\]|[^/?#@:\[\]]+)(?::(?P<port>[0-9]{1,5}))?(?:[/?#].*)?",
    re.IGNORECASE,
)
_LINE_BREAKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_REMOVED_FROM_TEXT = re.compile(f"[{_HIDDEN}]")


@dataclass(frozen=True, kw_only=True)
class ListedLink:
    """What a row of a link list says of a photo, checked.

    Attributes
    ----------
    page_url : str
        An address for which `address_problem` has nothing to say.
    media_url : str
        The same, or empty.
    taken_at : datetime or None
        In UTC.
    text : str
        As `plain_text` returns it.
    """

    page_url: str
    media_url: str = ""
    taken_at: datetime | None = None
    text: str = ""


def choose_link(
    *,
    file_uri: str,
    listed: ListedLink | None,
    embedded: EmbeddedMetadata | None,
    downloaded: DownloadOrigin,
) -> PageLink:
    """Choose the link back of one photo.

    Parameters
    ----------
    file_uri : str
        ``file:///…`` of the photo itself.
    listed : ListedLink or None
        The row of the nearest link list that names the photo.
    embedded : EmbeddedMetadata or None
        What the photo says of itself; not trusted.
    downloaded : DownloadOrigin
        What its extended attributes say; not trusted.

    Returns
    -------
    PageLink
        With confidence ``"exact"``: each of these was stated for this very file, none is inferred.
        Date and words come from the link list, else from the photo, whichever gave the address.
    """
    page_url, media_url, link_from = _addresses(listed, embedded, downloaded)
    taken_at = listed.taken_at if listed else None
    text = listed.text if listed else ""
    if embedded is not None:
        taken_at = taken_at or _in_utc(embedded.taken_at)
        text = text or plain_text(embedded.description)
    return PageLink(
        page_url=page_url or file_uri,
        media_url=media_url or file_uri,
        taken_at=taken_at,
        text=text,
        confidence="exact",
        link_from=link_from,
    )


def _addresses(
    listed: ListedLink | None, embedded: EmbeddedMetadata | None, downloaded: DownloadOrigin
) -> tuple[str, str, LinkFrom]:
    """Return page, media (either empty for the file itself) and where they were read."""
    if listed is not None:
        return listed.page_url, listed.media_url, "links.csv"
    if embedded is not None:
        stated = _usable(embedded.web_statement) or _usable(embedded.source)
        if stated:
            return stated, "", "metadata"
    origin = _usable(downloaded.origin)
    page = _usable(downloaded.referrer) or origin
    if page:
        return page, origin, "download"
    return "", "", "file"


def address_problem(address: str) -> str:
    """Say why an address is no link back, in a few words; empty where it is one.

    A link back is an absolute http or https address with a host and without user or password, of at
    most 2,048 characters, without spaces, control characters, backslashes, quotes or angle
    brackets. Internationalised hosts stay as they are written.
    """
    if not address:
        return "is empty"
    if len(address) > LONGEST_ADDRESS:
        return f"is longer than {LONGEST_ADDRESS:,} characters"
    if _REFUSED_CHARACTERS.search(address):
        return "has characters that no address may have"
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return "is not an http or https address with a host and without a user name"
    host, port = found.group("host", "port")
    if port is not None and not 0 < int(port) < 65536:
        return "has a port that does not exist"
    if not host.strip(".") or not (host.isascii() or _stays_a_host(host)):
        return "has no usable host"
    return ""


def plain_text(text: str) -> str:
    """Return words on one line: no control characters, at most 2,000 characters, no outer space."""
    # Cut before the passes as well, so that the cost is bounded; four times leaves room for what
    # they drop.
    joined = _LINE_BREAKS.sub(" ", text[: 4 * LONGEST_TEXT])
    return _REMOVED_FROM_TEXT.sub("", joined).strip()[:LONGEST_TEXT].rstrip()


def moment_of(text: str) -> datetime | None:
    """Read an ISO 8601 date, with or without time, in UTC where no offset is given; else None."""
    if len(text) > _LONGEST_DATE:
        return None
    try:
        return _in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _in_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.utcoffset() is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # the first and last day that a datetime can hold
        return None


def _usable(address: str) -> str:
    stripped = address.strip()
    return "" if address_problem(stripped) else stripped


def _stays_a_host(host: str) -> bool:
    # Some single characters fold to several, such as U+2100 to "a/c": a browser would go to another
    # host.
    return not set("/?#@:") & set(unicodedata.normalize("NFKC", host))
