"""A bucket of photos as a source: read with its holder's credentials and a live proof of consent.

Nothing in it is changed, and nothing is listed or read before the proof was seen. There is no
setting for that.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from likeness.errors import SourceUnreadable
from likeness.sources.base import SkippedEntry, SourceEntry, VideoEntry, item_of
from likeness.sources.bucket.address import BucketAddress, bucket_address
from likeness.sources.bucket.entry import BucketEntry, BucketVideo, link_mark_of, modified_ns_of
from likeness.sources.bucket.handle import Bucket, now
from likeness.sources.bucket.listing import Listing
from likeness.sources.bucket.proof import PROOF_KEY
from likeness.sources.file_kinds import (
    VIDEO_NEEDS_EXTRA,
    can_read_videos,
    file_kind,
    folder_reason,
)

if TYPE_CHECKING:
    from obstore import ObjectMeta

_STORES = MappingProxyType({"s3": "S3", "gs": "Google Cloud Storage", "az": "Azure Blob Storage"})


class BucketSource:
    """The photos and videos in a bucket, or in one folder of it and all below.

    Attributes
    ----------
    kind : str
        ``"bucket"``.
    address : str
        As `BucketAddress.text` has it; of a local folder by its canonical path.
    """

    def __init__(
        self,
        address: str | BucketAddress,
        *,
        prove: Callable[[str], object],
        clock: Callable[[], datetime] = now,
        library: Path | None = None,
    ) -> None:
        """Open the bucket; nothing is asked of it yet.

        Parameters
        ----------
        address : str or BucketAddress
        prove : callable
            Given the text that the bucket's holder published in `PROOF_KEY`, returns if it
            authorises this library now and raises `NotAuthorised` if not. It is called before each
            listing, and again before whatever is asked a day later. Not called for a local folder.
        clock : callable
            Returns the present moment, aware.
        library : Path or None
            Folder of the library, which is never read as photos.

        Raises
        ------
        UsageError
            If the address is none, or the client for buckets is not installed.
        NotAuthorised
            If the environment holds no credentials for it, or asks for requests without any.
        SourceUnreadable
            If a local folder is not there or belongs to the library, or the environment says what
            the client cannot use.
        """
        parsed = bucket_address(address) if isinstance(address, str) else address
        status = _status_of(library)
        if not parsed.remote:
            parsed = _resolved(parsed, status)
        self._bucket = Bucket(parsed, prove=prove, clock=clock, library=status)
        self._listing: Listing | None = None
        self.kind = "bucket"
        self.address = parsed.text

    @property
    def whole(self) -> bool:
        """Whether the last listing told of everything; see `Source.whole`."""
        return self._listing is None or self._listing.whole

    def recognised(self) -> str:
        """Say what this is."""
        store = _STORES.get(self._bucket.address.scheme)
        if store is None:
            return f"A local folder, read as a bucket: {self.address}"
        return f"A bucket in {store}, read with the credentials in the environment: {self.address}"

    def prove(self) -> None:
        """Look for the holder's proof now, and list nothing.

        Raises
        ------
        NotAuthorised, SourceUnreadable
            As `entries`.
        """
        self._bucket.prove_anew()

    def count(self) -> None:
        """Return None: only listing all of it would tell."""

    def remarks(self) -> Mapping[str, int]:
        """Nothing had to be matched."""
        return {}

    def stop(self) -> None:
        """Ask nothing more of the bucket; also photos that were listed are not read any more."""
        self._bucket.stop()

    def entries(self) -> Iterator[SourceEntry | VideoEntry | SkippedEntry]:
        """List the bucket, each time anew (see `Source.entries`), in the order of its store.

        S3 and Google list by the bytes of the names. What a folder's name keeps out, such as a
        hidden one, is told once for the folder.

        Raises
        ------
        NotAuthorised
            If there is no live proof that the holder says yes; nothing is listed then.
        SourceUnreadable, SourceBlocked
            See `Source.entries`.
        """
        self._bucket.prove_anew()
        listing = self._listing = Listing(self._bucket)
        last, closed = "", ""
        for found in listing.objects():
            self._bucket.require_running()
            if isinstance(found, dict):
                entry = self._entry(listing.item(found["path"]), found, last)
                last = found["path"]
            else:
                entry = found
            if isinstance(entry, SkippedEntry) and entry.item == closed:
                continue
            if entry is not None:
                closed = entry.item
                yield entry

    def _entry(
        self, item: str, found: ObjectMeta, last: str
    ) -> SourceEntry | VideoEntry | SkippedEntry | None:
        folders, _, name = item.rpartition("/")
        path = ""
        for part in folders.split("/") if folders else ():
            path = f"{path}/{part}" if path else part
            reason = folder_reason(part)
            if reason:
                ours = self._bucket.address.remote and found["path"] == PROOF_KEY
                return None if ours else SkippedEntry(item=path, reason=reason)
        kind = file_kind(name)
        if found["size"] == 0 and found["path"] <= last:
            # Only a name whose last slash obstore has cut off comes after longer ones.
            return SkippedEntry(item=item + "/", reason="a name that ends in a slash")
        if kind.video and not can_read_videos():
            return SkippedEntry(item=item, reason=VIDEO_NEEDS_EXTRA)
        if kind.photo or kind.video:
            return self._told(item, found, video=kind.video)
        # Without content and ending it is what stores put there for a folder.
        told = kind.reported and found["size"] > 0
        return SkippedEntry(item=item, reason=kind.reason) if told else None

    def _told(self, item: str, found: ObjectMeta, *, video: bool) -> SourceEntry | VideoEntry:
        return (BucketVideo if video else BucketEntry)(
            item=item,
            size=found["size"],
            modified_ns=modified_ns_of(found),
            link_mark=link_mark_of(found),
            bucket=self._bucket,
            known=found,
        )


def _resolved(address: BucketAddress, library: os.stat_result | None) -> BucketAddress:
    place = Path(os.path.realpath(address.prefix))
    if not place.is_dir():
        raise SourceUnreadable(
            f"There is no folder at {item_of(str(place))}.",
            "Check the path; it has to name a folder of photos.",
        )
    for folder in (place, *place.parents):
        if library is not None and os.path.samestat(os.stat(folder), library):
            raise SourceUnreadable(
                f"The folder {item_of(str(place))} belongs to the library itself.",
                "Add the folder that the photos are kept in, outside the library.",
            )
    return replace(address, prefix=str(place))


def _status_of(library: Path | None) -> os.stat_result | None:
    if library is None:
        return None
    try:
        return os.stat(library)
    except OSError:  # what cannot be found holds nothing that could be taken for photos
        return None
