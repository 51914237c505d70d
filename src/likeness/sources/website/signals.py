"""What a website says against being collected: in headers, in pages, and how a refusal is told.

A check never answers with a bare yes: it returns evidence of what was read (`Allowed`), or says no
with a `Refusal`. Where a signal cannot be understood it refuses.

Sources: X-Robots-Tag and the robots meta element as Google documents them
(developers.google.com/search/docs/crawling-indexing/robots-meta-tag), ``noai`` and ``noimageai`` as
DeviantArt brought them in, the TDM Reservation Protocol (W3C community group, final report of 10
May 2024), and draft-ietf-aipref-attach for ``Content-Usage``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from likeness.sources.website.content_usage import refused_uses

Where = Literal["site", "page", "image"]

PRODUCT_TOKEN = "Likeness"
"""The name that robots.txt, headers and meta elements call us by (RFC 9309, section 2.2.1)."""

_LONGEST_VALUE = 10_000
_EVERYBODY = frozenset({"*", "all", "robots"})
_OURSELVES = PRODUCT_TOKEN.lower()
_DENYING = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
_UNFOLLOWED = frozenset({"nofollow", "none"})
_WITH_VALUE = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)
_PREFIX = re.compile(r"\s*(\*|[A-Za-z][\w.+/-]*)\s*:(.*)", re.DOTALL)
_BETWEEN_WORDS = re.compile(r"[\s;,]+")
_USAGE_FIELDS = frozenset({"content-usage", "content-signal"})


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A signal that says no.

    Attributes
    ----------
    signal : str
        One short word: ``"robots.txt"``, ``"tdm-reservation"``, ``"content-usage"``, or the word
        that denied, such as ``"noai"``.
    where : {"site", "page", "image"}
        What it was said of.
    reason : str
        A few words for the account of a run; nothing that the site wrote.
    """

    signal: str
    where: Where
    reason: str


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """Evidence that the rules of a site were read and do not refuse an address.

    Attributes
    ----------
    signal : str
        Which rules, as `Refusal.signal` names them.
    url : str
        The address that was asked about.
    because : str
        A few words: what was read, such as ``"no rule refuses it"``.
    """

    signal: str
    url: str
    because: str


class SignalRefused(Exception):
    """A site's rules refuse an address. The crawl catches it and tells the `refusal`.

    Attributes
    ----------
    refusal : Refusal
    """

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"{refusal.signal}: {refusal.reason}")
        self.refusal = refusal


def page_refusals(
    headers: Iterable[tuple[str, str]], meta: Iterable[tuple[str, str]]
) -> tuple[Refusal, ...]:
    """Say what in a page's headers and meta elements refuses it; nothing where nothing does.

    Denied by ``noai``, ``noimageai``, ``noindex``, ``noimageindex`` and ``none`` for everybody or
    for Likeness by name; by a TDM reservation that is not plainly 0; by a ``Content-Usage`` or
    ``Content-Signal`` that says no to any use; and by ``unavailable_after``, whichever its date,
    for what is kept would outlast it.

    Parameters
    ----------
    headers : iterable of (name, value)
        Of the answer that carried the page, repeated names repeated.
    meta : iterable of (name, content)
        Of its meta elements, as `pages.read_page` returns them.
    """
    return _refusals(headers, meta, "page")


def image_refusals(headers: Iterable[tuple[str, str]]) -> tuple[Refusal, ...]:
    """Say what in the headers of an image's own answer refuses it; see `page_refusals`."""
    return _refusals(headers, (), "image")


def is_unfollowed(headers: Iterable[tuple[str, str]], meta: Iterable[tuple[str, str]]) -> bool:
    """Whether headers or meta elements say that the links of a page are not to be followed."""
    return any(word in _UNFOLLOWED for word in _robots_words(headers, meta))


def _refusals(
    headers: Iterable[tuple[str, str]], meta: Iterable[tuple[str, str]], where: Where
) -> tuple[Refusal, ...]:
    headers, meta = tuple(headers), tuple(meta)
    found: dict[str, Refusal] = {}
    for word in _robots_words(headers, meta):
        if word in _DENYING or word == "unavailable_after":
            reason = f"the {where} says {word}"
            found.setdefault(word, Refusal(signal=word, where=where, reason=reason))
    for name, value in (*headers, *meta):
        for refusal in _stated(name.strip().lower(), value, where):
            found.setdefault(refusal.signal, refusal)
    return tuple(found.values())


def _stated(name: str, value: str, where: Where) -> Iterator[Refusal]:
    if name == "tdm-reservation" and value.strip() != "0":
        plain = value.strip() == "1"
        reason = "the rights to mine it are reserved" if plain else "the value is neither 0 nor 1"
        yield Refusal(signal=name, where=where, reason=f"{reason} (tdm-reservation)")
    elif name in _USAGE_FIELDS and (uses := refused_uses(value)):
        yield Refusal(signal=name, where=where, reason=f"says no to {uses[0]}")


def _robots_words(
    headers: Iterable[tuple[str, str]], meta: Iterable[tuple[str, str]]
) -> Iterator[str]:
    """Every directive that is meant for us, in lower case and without its value."""
    for name, value in headers:
        if name.strip().lower() == "x-robots-tag":
            yield from _words_of_header(value)
    for name, value in meta:
        # As a header where http-equiv gives it.
        if name.strip().lower() in {*_EVERYBODY, _OURSELVES, "x-robots-tag"}:
            yield from _words_of_header(value)


def _words_of_header(value: str) -> Iterator[str]:
    """Read ``[botname:] word, word, name: value``; a bot's name holds to the end of the value."""
    if len(value) > _LONGEST_VALUE:
        # Nobody can say what is in the rest.
        yield "none"
        return
    ours = True
    for part in value.split(","):
        prefixed = _PREFIX.fullmatch(part)
        while prefixed is not None:
            name, part = prefixed.group(1).lower(), prefixed.group(2)
            if name in _WITH_VALUE or name in _DENYING:
                part = name
                break
            ours = name in _EVERYBODY or name.split("/")[0] == _OURSELVES
            prefixed = _PREFIX.fullmatch(part)
        if ours:
            yield from (word for word in _BETWEEN_WORDS.split(part.lower()) if word)
