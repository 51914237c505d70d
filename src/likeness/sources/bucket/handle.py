"""The one way to a bucket's objects: with its holder's credentials and a live proof, until stopped.

Everything that is asked of a store is asked here, each time after `Bucket.require_allowed`.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from likeness.sources.base import stopped
from likeness.sources.bucket.address import BucketAddress
from likeness.sources.bucket.credentials import lists_unordered
from likeness.sources.bucket.opening import open_store, raised
from likeness.sources.bucket.problems import photo_unreadable, reason_of
from likeness.sources.bucket.proof import HolderProof

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult, ObjectMeta

_PAGE = 1000
_CHUNK = 1 << 20


def now() -> datetime:
    """Return the present moment, in UTC."""
    return datetime.now(UTC)


class Bucket:
    """An opened bucket. Reading threads share it.

    Attributes
    ----------
    address : BucketAddress
    ordered : bool
        Whether keys come in the order of their bytes. Azure and S3 directory buckets say nothing
        of it.
    """

    def __init__(
        self,
        address: BucketAddress,
        *,
        prove: Callable[[str], object],
        clock: Callable[[], datetime] = now,
        library: os.stat_result | None = None,
    ) -> None:
        """Open it with the credentials of the environment; nothing is asked of it yet.

        Parameters
        ----------
        address : BucketAddress
        prove : callable
            As for `HolderProof`. Not called for a local folder.
        clock : callable
            Returns the present moment, aware.
        library : os.stat_result or None
            Status of the library's folder, which is never read as photos.

        Raises
        ------
        NotAuthorised, UsageError, SourceUnreadable
            As `open_store`.
        """
        self.address = address
        self.ordered = address.scheme in {"s3", "gs"} and not lists_unordered(os.environ)
        self._root = None if address.remote else os.stat(address.prefix)
        self._library = library
        self._stopped = Event()
        self._store = open_store(address)
        self._proof = (
            HolderProof(address, self._store, prove=prove, clock=clock) if address.remote else None
        )

    def stop(self) -> None:
        """Ask nothing more of it, from any thread."""
        self._stopped.set()

    def require_running(self) -> None:
        """Raise `SourceBlocked` after `stop`."""
        if self._stopped.is_set():
            raise stopped()

    def prove_anew(self) -> None:
        """Look for the proof now, whenever it was last seen; see `require_allowed`."""
        self.require_running()
        if self._proof is not None:
            self._proof.look()

    def require_allowed(self) -> None:
        """Look for the proof unless it was seen within the last day.

        Raises
        ------
        SourceBlocked
            After `stop`.
        NotAuthorised, SourceUnreadable
            As `HolderProof.look`.
        """
        self.require_running()
        if self._proof is not None:
            self._proof.require()

    def pages(self, prefix: str, after: str) -> Iterator[list[ObjectMeta]]:
        """List all objects below a folder, a page at a time, as the store orders them.

        Parameters
        ----------
        prefix : str
            Path of the folder; empty for the whole bucket.
        after : str
            List only keys greater than this; empty for all.

        Raises
        ------
        obstore.exceptions.BaseError, OSError, ValueError
            As obstore does.
        """
        import obstore

        self.require_allowed()
        pages = obstore.list(self._store, prefix or None, offset=after or None, chunk_size=_PAGE)
        for page in pages:
            yield list(page)
            self.require_allowed()

    def folder(self, prefix: str) -> tuple[list[ObjectMeta], list[str]]:
        """List one folder alone: its objects, and the paths of the folders in it.

        Raises
        ------
        obstore.exceptions.BaseError, OSError, ValueError
            As obstore does.
        """
        import obstore

        self.require_allowed()
        if self._root is not None and not os.path.samestat(
            os.stat(self.address.prefix), self._root
        ):
            # Such as a disk that was taken away: its files are not to be taken for deleted.
            raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
        found = obstore.list_with_delimiter(self._store, prefix or None)
        return list(found["objects"]), list(found["common_prefixes"])

    def read(self, item: str, known: ObjectMeta, max_bytes: int) -> bytes:
        """Return an object that was listed, if it is still as it was.

        Raises
        ------
        PhotoUnreadable
            See `SourceEntry.read`.
        SourceBlocked, NotAuthorised, SourceUnreadable
            As `require_allowed`.
        """
        if known["size"] > max_bytes:
            raise photo_unreadable(item, "too large")
        return self._bytes(item, known, (0, known["size"]))

    def read_range(self, item: str, known: ObjectMeta, start: int, end: int) -> bytes:
        """Return some bytes of an object that was listed, as `read` does.

        Parameters
        ----------
        start, end : int
            ``0 <= start < end <= size``.
        """
        return self._bytes(item, known, (start, end))

    def local_reason(self, path: str) -> str:
        """Say why a path of a local folder is not followed; empty where it is, or is remote.

        obstore itself follows symbolic links, out of the folder too, and waits for pipes.
        """
        if self.address.remote:
            return ""
        try:
            status = os.lstat(Path(self.address.prefix, path))
        except FileNotFoundError:
            return "gone"
        except OSError:
            return "could not be read"
        if stat.S_ISLNK(status.st_mode):
            return "symbolic link"
        if self._library is not None and os.path.samestat(status, self._library):
            return "the library's own folder"
        regular = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
        return "" if regular else "not a regular file"

    def _bytes(self, item: str, known: ObjectMeta, span: tuple[int, int]) -> bytes:
        self.require_allowed()
        reason = self.local_reason(known["path"])
        data = b""
        if not reason:
            try:
                got = self._get(known, {} if span == (0, known["size"]) else {"range": span})
                # A store that says one size and sends another is not read further.
                if not _other(got.meta, known) and got.range == span:
                    data = self._collected(got, span[1] - span[0])
                reason = "" if len(data) == span[1] - span[0] else "changing"
            except raised() as error:
                reason = reason_of(error)
        if reason:
            raise photo_unreadable(item, reason)
        return data

    def _get(self, known: ObjectMeta, options: GetOptions) -> GetResult:
        import obstore

        tag = known["e_tag"]
        if tag:
            # Azure lists tags without the quotation marks that RFC 9110 wants here.
            options["if_match"] = tag if '"' in tag else f'"{tag}"'
        return obstore.get(self._store, known["path"], options=options)

    def _collected(self, got: GetResult, most: int) -> bytes:
        data = bytearray()
        for chunk in got.stream(min_chunk_size=_CHUNK):
            self.require_running()
            data += chunk
            if len(data) > most:
                break
        return bytes(data)


def _other(found: ObjectMeta, known: ObjectMeta) -> bool:
    """Whether an object is not the one that was listed, for a store that answers regardless."""
    tags = [(meta["e_tag"] or "").removeprefix("W/").strip('"') for meta in (found, known)]
    return tags[0] != tags[1] or found["size"] != known["size"]
