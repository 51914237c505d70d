"""What a server's answer to a request for a model file, or for the rest of one, comes to."""

from __future__ import annotations

import enum
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

_CONTENT_RANGE = re.compile(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15}|\*)")
_PASSING = frozenset({408, 425, 429})
"""Refusals that may be over soon; so may every 5xx."""


class Broken(Exception):
    """It did not work this time.

    Attributes
    ----------
    pause : float or None
        Seconds that the server asks to wait.
    connected : bool
    """

    def __init__(self, what: str, *, pause: float | None = None, connected: bool = True) -> None:
        super().__init__(what)
        self.pause = pause
        self.connected = connected


class Useless(Exception):
    """It will not work from this address.

    Attributes
    ----------
    wrong_file : bool
        Whether that is because it gives another file.
    """

    def __init__(self, what: str, *, wrong_file: bool = False) -> None:
        super().__init__(what)
        self.wrong_file = wrong_file


class Start(enum.Enum):
    """Where an answer begins."""

    AT_ONCE = "with the first byte of the file"
    ONWARD = "with the first byte that is not here yet"
    WHOLE = "nowhere: all of it is here"
    AGAIN = "where nobody asked for: ask for the whole file"


def looked_at(response: httpx.Response, *, held: int, size: int | None, most: int) -> Start:
    """Where the answer begins, from its status and headers alone.

    Parameters
    ----------
    response : httpx.Response
    held : int
        Bytes that are here and were not asked for.
    size : int or None
        Bytes of the whole file, where that is known.
    most : int
        Bytes of the whole file at most.

    Raises
    ------
    Broken
        The server is busy or ill.
    Useless
        It has no such file, or one of another size.
    """
    status = response.status_code
    if status == 416 and held:
        total = response.headers.get("Content-Range", "").rpartition("/")[2]
        return Start.WHOLE if total == str(held) and size is None else Start.AGAIN
    if status >= 500 or status in _PASSING:
        raise Broken(f"answers {_status(response)}", pause=_asked_pause(response))
    if status not in {200, 206}:
        raise Useless(f"answers {_status(response)}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Useless("sends the file packed, though asked not to")
    if status == 200:
        _require_size(_length(response), size, most)
        return Start.AT_ONCE
    if not held:
        raise Useless("sends a part, though asked for the whole file")
    found = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if not found or int(found[1]) != held or int(found[2]) < held:
        return Start.AGAIN
    _require_size(None if found[3] == "*" else int(found[3]), size, most)
    return Start.ONWARD


def _require_size(said: int | None, size: int | None, most: int) -> None:
    if said is None:
        return
    if size is not None and said != size:
        raise Useless(f"has a file of {said:,} bytes, not {size:,}", wrong_file=True)
    if said > most:
        raise Useless(f"has a file of {said:,} bytes, more than {most:,}", wrong_file=True)


def _length(response: httpx.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdecimal() and len(text) <= 15 else None


def _asked_pause(response: httpx.Response) -> float | None:
    """Seconds of ``Retry-After`` (RFC 9110, section 10.2.3), a number or a date; None without."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal() and len(text) <= 9:
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _status(response: httpx.Response) -> str:
    import httpx

    # The standard's words: those that came are the server's to choose.
    return f"{response.status_code} {httpx.codes.get_reason_phrase(response.status_code)}".strip()
