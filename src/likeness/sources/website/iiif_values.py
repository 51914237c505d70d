"""Values of IIIF documents as museums write them: read tolerantly, within bounds, never trusted."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import NoReturn

from likeness.errors import SourceUnreadable
from likeness.sources.links import LONGEST_TEXT, plain_text

MAX_DOCUMENT_BYTES = 20_000_000
"""A longer manifest or collection is not read."""

_MOST_PARTS = 1_000_000
_MOST_SIDE = 1_000_000
_MOST_WORDS = 100
_TAG = re.compile(r"<[^<>]{0,2000}>")
_FIX = "Check the manifest in a IIIF viewer, or tell the institution that publishes it."


def unreadable(what: str) -> SourceUnreadable:
    """The error of a document that cannot be read; ``what`` goes on from "A IIIF document"."""
    return SourceUnreadable(f"A IIIF document {what}.", _FIX)


def read_document(body: bytes) -> Mapping[str, object]:
    """Return the object that a document is.

    Raises
    ------
    SourceUnreadable
        If it is longer than 20 MB, has too many parts, is nested too deeply, or is not a JSON
        object in UTF-8 (NaN, Infinity and numbers of thousands of digits are not JSON).
    """
    if len(body) > MAX_DOCUMENT_BYTES:
        raise unreadable(f"is longer than {MAX_DOCUMENT_BYTES:,} bytes")
    # Each part takes many times its bytes in memory.
    if body.count(b",") + body.count(b"[") + body.count(b"{") > _MOST_PARTS:
        raise unreadable(f"has more than {_MOST_PARTS:,} parts")
    try:
        content = json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)
    except RecursionError:
        raise unreadable("is nested too deeply") from None
    except ValueError:
        raise unreadable("is not JSON") from None
    if not isinstance(content, dict):
        raise unreadable("is not a JSON object")
    return content


def object_of(value: object) -> Mapping[str, object]:
    """The value where it is an object; an empty one where it is anything else."""
    return value if isinstance(value, dict) else {}


def each_of(value: object) -> list[object]:
    """The items of a list; a single value as a list of one; none for nothing."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects_of(value: object) -> list[Mapping[str, object]]:
    """The objects in a list, or the single object as a list of one."""
    return [each for each in each_of(value) if isinstance(each, dict)]


def id_of(value: object) -> str:
    """The address that a value is or has, by ``id`` or ``@id``; not checked, empty where none."""
    found = value
    if isinstance(value, dict):
        found = value.get("id", value.get("@id"))
    return found.strip() if isinstance(found, str) else ""


def type_of(value: Mapping[str, object]) -> str:
    """The last word of ``type`` or ``@type`` in lower case: ``sc:Manifest`` is ``manifest``."""
    stated = value.get("type", value.get("@type"))
    for each in each_of(stated):
        if isinstance(each, str):
            return re.split(r"[:#/]", each[:200])[-1].lower()
    return ""


def words_of(value: object) -> str:
    """Words in one language on one line: English, else without a language, else the first.

    A value is text, ``{"@value", "@language"}``, a language map ``{"en": ["…"]}``, or a list of
    such. Markup in it is taken out.
    """
    if isinstance(value, dict) and "@value" not in value:
        value = _in_one_language(value)
    texts: list[str] = []
    by_language: dict[str, list[str]] = {}
    for each in each_of(value)[:_MOST_WORDS]:
        if isinstance(each, str):
            texts.append(each)
        elif isinstance(each, dict):
            said, language = each.get("@value"), each.get("@language")
            if isinstance(said, str):
                key = language if isinstance(language, str) else "none"
                by_language.setdefault(key, []).append(said)
    if by_language:
        texts += [text for text in each_of(_in_one_language(by_language)) if isinstance(text, str)]
    return plain_text(" · ".join(filter(None, map(_without_markup, texts))))


def side_of(value: object) -> int | None:
    """A width or height in pixels from 1 to a million; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 1 <= value <= _MOST_SIDE else None


def _in_one_language(words: Mapping[str, object]) -> object:
    english = next((key for key in words if key.lower().split("-")[0] == "en"), None)
    for key in (english, "none", "@none"):
        if key is not None and key in words:
            return words[key]
    return next(iter(words.values()), None)


def _without_markup(text: str) -> str:
    return plain_text(html.unescape(_TAG.sub("", text[: 4 * LONGEST_TEXT])))


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
