"""What a notice is about: which addresses, sources and photos of the library it takes in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy import Connection

from likeness.errors import UsageError
from likeness.records.address import (
    address_key,
    domain_range,
    exact_range,
    one_host,
    tree_range,
)
from likeness.records.notice import NoticeKind, NoticeTerms
from likeness.sources.links import address_problem
from likeness.store import collections as collection_rows
from likeness.store.photos import copies_of

_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a notice is about, as the library knows it now.

    Attributes
    ----------
    kind : NoticeKind
    about : str
        In the one spelling that is kept.
    keys : (low, high) or None
        The range of address keys.
    source_ids : tuple of str
        Sources that it stops as a whole.
    contents : tuple of str
        SHA-256 of the photo and its copies, where it is about a photo.
    source : tuple of str
        Kind and address, where it is about a source.
    """

    kind: NoticeKind
    about: str
    keys: tuple[str, str] | None = None
    source_ids: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    source: tuple[str, ...] = ()


def target_of(connection: Connection, kind: NoticeKind, about: str) -> Target:
    """Find out what a new notice is about.

    Parameters
    ----------
    kind : NoticeKind
    about : str
        A domain, an address, the SHA-256 of a photo in hex, or the id of a source.

    Raises
    ------
    UsageError
        It is not what its kind says.
    NotFound
        There is no such source.
    """
    if kind == "photo":
        if not _SHA256.fullmatch(about):
            raise UsageError("That is not the SHA-256 of a photo.", "Give the photo's file.")
        return Target(kind=kind, about=about, contents=(about, *copies_of(connection, about)))
    if kind == "source":
        record = collection_rows.require_source(connection, about)
        source = (record.kind, record.address)
        return Target(
            kind=kind, about=about, source=source, source_ids=_same_source(connection, source)
        )
    return _of_addresses(connection, kind, _domain(about) if kind == "domain" else _address(about))


def target_again(connection: Connection, terms: NoticeTerms) -> Target:
    """What a notice that was given before is about in the library as it is now."""
    if terms.kind == "photo":
        return Target(kind=terms.kind, about=terms.about, contents=terms.contents)
    if terms.kind == "source":
        kind, address = terms.source
        return Target(
            kind=terms.kind,
            about=terms.about,
            source=terms.source,
            source_ids=_same_source(connection, (kind, address)),
        )
    return _of_addresses(connection, terms.kind, terms.about)


def _of_addresses(connection: Connection, kind: NoticeKind, about: str) -> Target:
    if kind == "url":
        # One address stops no site: only a manifest is a source by its own address.
        keys = exact_range(about)
        stopped = _within(connection, keys, kinds=("iiif",))
    else:
        keys = domain_range(about) if kind == "domain" else tree_range(about)
        stopped = _within(connection, keys)
    return Target(kind=kind, about=about, keys=keys, source_ids=stopped)


def _domain(word: str) -> str:
    domain = one_host(word)
    if not _DOMAIN.fullmatch(domain):
        raise UsageError(
            "That is not the name of a domain.",
            "Write it as example.org; for one page or account there are --url and --account.",
        )
    return domain


def _address(word: str) -> str:
    address = word.strip()
    problem = address_problem(address)
    if problem or not address_key(address):
        raise UsageError(
            f"That address {problem or 'is none of the web'}.", "Write it as https://example.org/…"
        )
    return address


def _within(
    connection: Connection, keys: tuple[str, str], *, kinds: tuple[str, ...] = ()
) -> tuple[str, ...]:
    low, high = keys
    return tuple(
        source.source_id
        for source in collection_rows.all_sources(connection)
        if low <= address_key(source.address) < high and (not kinds or source.kind in kinds)
    )


def _same_source(connection: Connection, wanted: tuple[str, str]) -> tuple[str, ...]:
    return tuple(
        source.source_id
        for source in collection_rows.all_sources(connection)
        if (source.kind, source.address) == wanted
    )
