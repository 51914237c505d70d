"""From the bytes of a web page to its elements, within bounds, whatever the bytes are."""

from __future__ import annotations

import codecs
import re
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from likeness.errors import SourceUnreadable

if TYPE_CHECKING:
    from lxml.etree import _Element

    Element: TypeAlias = _Element

MAX_PAGE_BYTES = 10_000_000
"""A longer page is not read."""

_MOST_TAGS = 300_000
_HTML_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_FIX = "Nothing needs doing; the page is left out."
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<meta\b[^>]{0,1000}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.I)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# As browsers take them (WHATWG Encoding Standard): what calls itself Latin-1 or ASCII is
# windows-1252. Only encodings of the web, so that no label starts a codec that unpacks or runs.
_AS_BROWSERS_DO = MappingProxyType(
    {"ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "tis-620": "cp874"}
)
_OF_THE_WEB = re.compile(
    "utf-8|utf-16|utf-16-[bl]e|cp(?:866|874|125[0-8]|932|949)|iso8859-(?:[2-8]|1[03456])"
    "|koi8-[ru]|mac-(?:roman|cyrillic)|gb2312|gbk|gb18030|big5|big5hkscs|euc_jp|iso2022_jp"
    "|shift_jis|euc_kr"
)


def is_html(content_type: str) -> bool:
    """Whether a ``Content-Type`` header is that of a web page."""
    return content_type.split(";", 1)[0].strip().lower() in _HTML_TYPES


def read_elements(body: bytes, content_type: str) -> list[Element]:
    """Return the topmost elements of a page: one, and further ones for what follows its end.

    Broken markup is read as browsers do. Entities of its own are not expanded, nothing is fetched.

    Raises
    ------
    SourceUnreadable
        If it is no web page by its type, or too long, too deep or of too many elements. A part of
        a page is never taken for the whole: what refuses it may stand in the rest.
    """
    from lxml import etree

    if not is_html(content_type):
        raise SourceUnreadable("A page is not HTML by its type.", _FIX)
    if len(body) > MAX_PAGE_BYTES:
        raise SourceUnreadable(f"A page is longer than {MAX_PAGE_BYTES:,} bytes.", _FIX)
    text = decoded(body, content_type)
    if text.count("<") > _MOST_TAGS:
        raise SourceUnreadable(f"A page has more than {_MOST_TAGS:,} elements.", _FIX)
    parser = etree.HTMLParser(
        encoding="utf-8",
        recover=True,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.ParserError, etree.XMLSyntaxError):
        if not text.strip("\0 \t\r\n\ufeff"):
            return []
        raise SourceUnreadable("A page cannot be read as HTML.", _FIX) from None
    # Beyond a limit of its own (depth, length of a name or value) the parser leaves out the rest.
    if any(error.level_name == "FATAL" for error in parser.error_log):
        raise SourceUnreadable("A page is nested too deeply or has too long a part.", _FIX)
    return [] if root is None else [*root.itersiblings(preceding=True), root, *root.itersiblings()]


def decoded(body: bytes, content_type: str) -> str:
    """Return a page as text: by its byte order mark, its header, its meta element, else UTF-8."""
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    stated = _CHARSET.search(content_type)
    label = stated.group(1) if stated else ""
    if not label:
        found = _META_CHARSET.search(body[:4096])
        label = found.group(1).decode("ascii", "replace") if found else ""
        # A page whose meta element could be read is not in UTF-16.
        label = "utf-8" if label.lower().startswith("utf-16") else label
    return body.decode(_encoding(label), "replace")


def _encoding(label: str) -> str:
    try:
        name = codecs.lookup(label).name if label else "utf-8"
    except LookupError:
        return "utf-8"
    name = _AS_BROWSERS_DO.get(name, name)
    return name if _OF_THE_WEB.fullmatch(name) else "utf-8"
