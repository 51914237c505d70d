"""The block list: what a notice stopped does not come back by another source.

It holds keyed hashes alone. Whoever reads it learns neither an address nor a photo, and without the
keyring nobody can try one.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from hashlib import sha256

from sqlalchemy import Connection

from likeness.errors import KeyMissing, SourceBlocked, StorageError
from likeness.house import House
from likeness.records.address import address_key, domains_above, trees_above
from likeness.records.notice import NoticeTerms
from likeness.records.sighting import PageLink
from likeness.store.keyring import Keyring
from likeness.store.notices import any_blocks, blocked

SUBJECT = "block-list"
"""Whose key in the keyring the hashes are made with."""


class BlockList:
    """Makes the marks of addresses, contents and sources, and says which are stopped.

    Parameters
    ----------
    key : bytes
        As :func:`block_list` finds it.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def content(self, digest: str) -> bytes:
        """The mark of a photo by its SHA-256 in hex."""
        return self.mark("content", digest)

    def source(self, kind: str, address: str) -> bytes:
        """The mark of a source."""
        return self.mark("source", kind, address)

    def of_terms(self, terms: NoticeTerms) -> list[bytes]:
        """The marks by which what a notice is about is stopped from its first transaction on."""
        if terms.kind == "domain":
            return [self.mark("domain", ".".join(reversed(terms.about.split("."))))]
        if terms.kind == "account":
            return [self.mark("tree", address_key(terms.about))]
        if terms.kind == "url":
            return [self.mark("url", address_key(terms.about))]
        if terms.kind == "source":
            return [self.source(*terms.source)]
        return [self.content(digest) for digest in terms.contents]

    def of_address(self, address: str) -> list[bytes]:
        """The marks of an http or https address: its own, and of all that it lies in."""
        key = address_key(address)
        if not key:
            return []
        marks = [self.mark("url", key)]
        marks += [self.mark("tree", tree) for tree in trees_above(key)]
        return marks + [self.mark("domain", domain) for domain in domains_above(key)]

    def of_photo(self, digest: str, link: PageLink) -> list[bytes]:
        """The marks of a photo as it was found in one place."""
        addresses = {link.page_url, link.media_url}
        return [self.content(digest)] + [m for a in sorted(addresses) for m in self.of_address(a)]

    def mark(self, *words: str) -> bytes:
        """The mark of anything that must not come back, told by these words."""
        told = "\0".join(words).encode("utf-8", "surrogatepass")
        return hmac.new(self._key, told, sha256).digest()


def block_list(house: House) -> BlockList:
    """The library's block list; its key is made when it is first asked for.

    Raises
    ------
    KeyMissing
        Something is blocked and the key is gone: letting everything in again would be worse.
    """
    try:
        return BlockList(house.keyring.key(SUBJECT))
    except KeyMissing:
        with house.store.snapshot() as connection:
            if any_blocks(connection):
                raise
    return BlockList(_made(house.keyring))


def _made(keyring: Keyring) -> bytes:
    try:
        keyring.create_key(SUBJECT)
    except StorageError:
        # Another process was first; where it was the disk, asking for the key says so.
        return keyring.key(SUBJECT)
    return keyring.key(SUBJECT)


def require_not_blocked(
    connection: Connection, blocks: BlockList, *, kind: str, address: str
) -> None:
    """Check that no notice is about a source.

    Raises
    ------
    SourceBlocked
        One is.
    """
    marks = [blocks.source(kind, address), *blocks.of_address(address)]
    if blocked(connection, marks):
        raise SourceBlocked(
            "A notice stopped this source; nothing of it is taken in.",
            "See: likeness notices. Whoever gave the notice can lift it.",
        )


def stopped_photos(
    connection: Connection, blocks: BlockList, found: Iterable[tuple[str, PageLink]]
) -> frozenset[int]:
    """Places in a list of (SHA-256, link) of those that a notice is about."""
    marks = [blocks.of_photo(digest, link) for digest, link in found]
    stopped = blocked(connection, (mark for own in marks for mark in own))
    return frozenset(n for n, own in enumerate(marks) if not stopped.isdisjoint(own))
