"""Reads what a photo says of where it came from: XMP, IPTC IIM and the EXIF date.

All of it comes from outside: it is bounded, nothing in it is followed, and whatever is malformed
counts as absent, because a photo with odd metadata is still a photo.

Sources: XMP specification part 1 (ISO 16684-1); IPTC IIM 4.2; EXIF 2.32 (CIPA DC-008).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from likeness.records.photo import EmbeddedMetadata

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from PIL import Image

MAX_XMP_BYTES = 1_000_000
MAX_IPTC_BYTES = 1_000_000
MAX_ADDRESS = 2_048
"""Longest address or source line that is kept, in characters."""
MAX_TEXT = 5_000
"""Longest description that is kept, in characters."""

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_RIGHTS = "{http://ns.adobe.com/xap/1.0/rights/}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"

_IPTC_RESOURCE = 0x0404
_IPTC_TIFF_TAG = 33723
_EXIF_IFD = 0x8769
_DATE_TIME_ORIGINAL = 36867
_OFFSET_TIME_ORIGINAL = 36881
_FIRST_PHOTOGRAPH = 1826

MALFORMED = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)
"""What Pillow, defusedxml and the parsers here raise on malformed metadata."""


def read(image: Image.Image) -> EmbeddedMetadata:
    """Read the metadata of an image that Pillow has loaded.

    Never raises for malformed metadata: what cannot be read is empty or None.
    """
    xmp = parse_xmp(_xmp_bytes(image))
    iptc = parse_iptc(_iptc_bytes(image))
    return EmbeddedMetadata(
        web_statement=xmp.web_statement,
        source=xmp.source or iptc.source,
        description=xmp.description or iptc.description,
        taken_at=_taken_at(image),
    )


def parse_xmp(packet: bytes) -> EmbeddedMetadata:
    """Read an XMP packet; empty where it is malformed, too large or declares a DTD or an entity."""
    packet = packet.strip(b"\x00 \t\r\n")
    if not packet or len(packet) > MAX_XMP_BYTES:
        return EmbeddedMetadata()
    try:
        from defusedxml.ElementTree import fromstring

        root = fromstring(packet, forbid_dtd=True, forbid_entities=True, forbid_external=True)
        descriptions = list(root.iter(f"{_RDF}Description"))
        web_statement = _first(descriptions, f"{_RIGHTS}WebStatement")
        source = _first(descriptions, f"{_PHOTOSHOP}Source") or _first(descriptions, f"{_DC}source")
        text = _first(descriptions, f"{_DC}description")
    except MALFORMED:
        return EmbeddedMetadata()
    return EmbeddedMetadata(
        web_statement=_line(web_statement), source=_line(source), description=_text(text)
    )


def parse_iptc(block: bytes) -> EmbeddedMetadata:
    """Read IPTC IIM datasets 2:115 (source) and 2:120 (caption); empty where there are none."""
    if len(block) > MAX_IPTC_BYTES:
        return EmbeddedMetadata()
    utf8 = False
    found: dict[tuple[int, int], bytes] = {}
    for record, dataset, value in _datasets(block):
        if (record, dataset) == (1, 90):
            utf8 = value == b"\x1b%G"
        found.setdefault((record, dataset), value)
    return EmbeddedMetadata(
        source=_line(_decoded(found.get((2, 115), b""), utf8=utf8)),
        description=_text(_decoded(found.get((2, 120), b""), utf8=utf8)),
    )


def parse_date(date: str, offset: str) -> datetime | None:
    """Read an EXIF date and offset, such as ``2024:05:17 10:00:00`` and ``+02:00``.

    UTC where there is no offset or it is malformed; None where the date is malformed, a placeholder
    or before photography.
    """
    try:
        taken = datetime.strptime(date.strip("\x00 ")[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
    return taken.replace(tzinfo=_zone(offset.strip("\x00 "))) if is_plausible(taken) else None


def is_plausible(date: datetime) -> bool:
    """Whether a date is one at which a photo can have been taken, in any time zone."""
    return _FIRST_PHOTOGRAPH <= date.year < 9999


def _zone(offset: str) -> timezone:
    try:
        parsed = datetime.strptime(offset, "%z").utcoffset()
    except ValueError:
        return UTC
    if parsed is None or abs(parsed) > timedelta(hours=15):
        return UTC
    return timezone(parsed) if parsed else UTC


def _first(descriptions: Iterable[Element], name: str) -> str:
    return next(filter(None, (_property(each, name) for each in descriptions)), "")


def _property(description: Element, name: str) -> str:
    """A simple property of an RDF description, or the default language or first of its list."""
    attribute = description.get(name)
    if attribute:
        return attribute
    element = description.find(name)
    if element is None:
        return ""
    items = element.findall(f"*/{_RDF}li")
    for item in items:
        if item.get(_LANGUAGE, "").casefold() == "x-default" and item.text:
            return item.text
    return next((item.text for item in items if item.text), element.text or "")


def _datasets(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    """(record, dataset, value) of each well-formed dataset up to the first that is not."""
    position = 0
    while position + 5 <= len(block) and block[position] == 0x1C:
        record, dataset, size = struct.unpack_from(">BBH", block, position + 1)
        position += 5
        if size & 0x8000:
            width = size & 0x7FFF
            if width > 4 or position + width > len(block):
                return
            size = int.from_bytes(block[position : position + width], "big")
            position += width
        if position + size > len(block):
            return
        yield record, dataset, block[position : position + size]
        position += size


def _decoded(value: bytes, *, utf8: bool) -> str:
    if utf8:
        return value.decode("utf-8", errors="replace")
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _xmp_bytes(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if isinstance(packet, str):
        return packet.encode("utf-8", errors="replace")
    return packet if isinstance(packet, bytes) else b""


def _iptc_bytes(image: Image.Image) -> bytes:
    photoshop = image.info.get("photoshop")
    if isinstance(photoshop, Mapping):
        block = photoshop.get(_IPTC_RESOURCE)
        return block if isinstance(block, bytes) else b""
    try:
        tags: Any = getattr(image, "tag_v2", None)
        block = tags.get(_IPTC_TIFF_TAG) if tags is not None else None
        # Some writers mark the block as 32-bit numbers instead of bytes.
        if isinstance(block, tuple) and all(isinstance(number, int) for number in block):
            prefix = "<" if getattr(tags, "prefix", b"II") == b"II" else ">"
            block = struct.pack(f"{prefix}{len(block)}I", *block)
    except MALFORMED:
        return b""
    return block if isinstance(block, bytes) else b""


def _taken_at(image: Image.Image) -> datetime | None:
    try:
        exif = image.getexif().get_ifd(_EXIF_IFD)
        date, offset = exif.get(_DATE_TIME_ORIGINAL), exif.get(_OFFSET_TIME_ORIGINAL)
    except MALFORMED:
        return None
    if not isinstance(date, str):
        return None
    return parse_date(date, offset if isinstance(offset, str) else "")


def _line(value: str) -> str:
    """One line without control characters; empty where it is longer than an address may be."""
    line = " ".join(printable(value).split())
    return line if len(line) <= MAX_ADDRESS else ""


def _text(value: str) -> str:
    return printable(value).strip()[:MAX_TEXT]


def printable(value: str) -> str:
    """The value without control characters, line breaks and tabs excepted."""
    return "".join(
        character
        for character in value[: MAX_TEXT * 4]
        if character in "\n\t"
        or (character.isprintable() and not "\ud800" <= character <= "\udfff")
    )
