"""What a decoding child and its parent say to each other over two pipes.

The parent sends a fixed header and the photo's bytes; the child answers a fixed header, a JSON
object and raw pixels. The parent trusts none of it: lengths are bounded before anything is
allocated, and each field is checked, because a child may have been taken over by what it decodes.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from likeness.errors import PhotoUnreadable
from likeness.faces import decode, metadata
from likeness.records.photo import DecodedPhoto, EmbeddedMetadata, ReadLimits
from likeness.records.photo_formats import FORMATS

READY = b"LKR1"
REQUEST = struct.Struct("!4sIQ")
"""``LKQ1``, the longer side to reduce to (0 for none), the number of bytes that follow."""
ANSWER = struct.Struct("!4sIQ")
"""``LKA1``, the length of the JSON object, the number of bytes of pixels after it."""

_REQUEST_MARK, _ANSWER_MARK = b"LKQ1", b"LKA1"
MAX_DETAILS = 64 * 1024
"""Largest JSON object, in bytes."""


class ProtocolBroken(Exception):
    """The other side said something that it may not say."""


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """What follows the fixed header of an answer: bytes of the JSON object and of pixels."""

    details: int
    pixels: int


def pack_request(size: int, long_side: int | None) -> bytes:
    """The header of a request."""
    return REQUEST.pack(_REQUEST_MARK, long_side or 0, size)


def unpack_request(header: bytes, limits: ReadLimits) -> tuple[int, int | None]:
    """Number of bytes and longer side of a request."""
    mark, long_side, size = REQUEST.unpack(header)
    if mark != _REQUEST_MARK or size > limits.max_bytes:
        raise ProtocolBroken("malformed request")
    return size, long_side or None


def pack_photo(photo: DecodedPhoto) -> tuple[bytes, NDArray[np.uint8]]:
    """Header with JSON object, and the pixels, of an answer that holds a photo."""
    rows, columns, _ = photo.pixels.shape
    found = photo.metadata
    details = {
        "rows": rows,
        "columns": columns,
        "width": photo.width,
        "height": photo.height,
        "format": photo.format,
        "web_statement": found.web_statement,
        "source": found.source,
        "description": found.description,
        "taken_at": found.taken_at.isoformat() if found.taken_at else None,
    }
    return _pack(details, photo.pixels.size), photo.pixels.reshape(-1)


def pack_refusal(error: PhotoUnreadable) -> bytes:
    """An answer that says why there is no photo."""
    return _pack({"reason": error.reason}, 0)


def _pack(details: dict[str, object], pixels: int) -> bytes:
    text = json.dumps(details).encode("ascii")
    return ANSWER.pack(_ANSWER_MARK, len(text), pixels) + text


def unpack_answer(header: bytes, limits: ReadLimits) -> Lengths:
    """Lengths of what follows, within bounds."""
    mark, details, pixels = ANSWER.unpack(header)
    if mark != _ANSWER_MARK or details > MAX_DETAILS or pixels > 3 * limits.max_pixels:
        raise ProtocolBroken("malformed answer")
    return Lengths(details=details, pixels=pixels)


def unpack_photo(
    text: bytes, pixels: NDArray[np.uint8], *, limits: ReadLimits, long_side: int | None
) -> DecodedPhoto:
    """The photo of an answer.

    Raises
    ------
    PhotoUnreadable
        Where the child says that there is none, and why.
    ProtocolBroken
        Where anything in the answer does not fit.
    """
    try:
        details = json.loads(text.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise ProtocolBroken("malformed JSON") from error
    if not isinstance(details, dict):
        raise ProtocolBroken("not an object")
    if "reason" in details:
        if details["reason"] not in decode.REASONS:
            raise ProtocolBroken("unknown reason")
        raise decode.unreadable(details["reason"], limits=limits)
    rows, columns = _whole(details, "rows"), _whole(details, "columns")
    width, height = _whole(details, "width"), _whole(details, "height")
    most = max(width, height) if long_side is None else min(long_side, max(width, height))
    if (
        rows * columns * 3 != pixels.size
        or width * height > limits.max_pixels
        or rows > height
        or columns > width
        or max(rows, columns) > most
        or details.get("format") not in FORMATS
    ):
        raise ProtocolBroken("a photo that does not fit its own figures")
    return DecodedPhoto(
        pixels=pixels.reshape(rows, columns, 3),
        width=width,
        height=height,
        format=details["format"],
        metadata=EmbeddedMetadata(
            web_statement=_words(details, "web_statement", metadata.MAX_ADDRESS),
            source=_words(details, "source", metadata.MAX_ADDRESS),
            description=_words(details, "description", metadata.MAX_TEXT),
            taken_at=_date(details.get("taken_at")),
        ),
    )


def _whole(details: dict[str, object], name: str) -> int:
    value = details.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ProtocolBroken(f"malformed {name}")
    return value


def _words(details: dict[str, object], name: str, limit: int) -> str:
    value = details.get(name)
    if not isinstance(value, str) or len(value) > limit or metadata.printable(value) != value:
        raise ProtocolBroken(f"malformed {name}")
    return value


def _date(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        date = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError as error:
        raise ProtocolBroken("malformed date") from error
    if date is None or date.tzinfo is None or not metadata.is_plausible(date):
        raise ProtocolBroken("malformed date")
    return date
