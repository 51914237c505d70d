"""The proof that a bucket's holder says yes, looked for before anything else is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

from likeness.errors import LikenessError, NotAuthorised
from likeness.sources.bucket.address import BucketAddress
from likeness.sources.bucket.opening import raised
from likeness.sources.bucket.problems import no_such_bucket, source_problem

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PROOF_KEY = ".well-known/likeness.txt"
"""Where the holder says yes: at the top of the bucket, whichever folder of it is read."""

_LARGEST = 64 * 1024
_HOLDS = timedelta(days=1)


class HolderProof:
    """What a bucket's holder published in it, and when that was last seen. Threads may share it."""

    def __init__(
        self,
        address: BucketAddress,
        store: ObjectStore,
        *,
        prove: Callable[[str], object],
        clock: Callable[[], datetime],
    ) -> None:
        """Say where to look; nothing is asked yet.

        Parameters
        ----------
        prove : callable
            Given the text of `PROOF_KEY`, returns if it authorises this library now and raises
            `NotAuthorised` if not.
        clock : callable
            Returns the present moment, aware.
        """
        self._address = address
        self._store = store
        self._prove = prove
        self._clock = clock
        self._seen_at: datetime | None = None
        self._looking = Lock()

    def require(self) -> None:
        """Look for the proof unless it was seen within the last day; raises as `look`."""
        if not self._holds():
            with self._looking:
                if not self._holds():
                    self._look()

    def look(self) -> None:
        """Look for the proof now.

        Raises
        ------
        NotAuthorised
            If the proof is missing, too large, no text, or not what ``prove`` takes.
        SourceUnreadable
            If the bucket does not answer, is not there or may not be read.
        """
        with self._looking:
            self._look()

    def _holds(self) -> bool:
        seen_at = self._seen_at
        # A clock that was set back proves nothing.
        return seen_at is not None and timedelta() <= self._clock() - seen_at < _HOLDS

    def _look(self) -> None:
        self._seen_at = None
        asked_at = self._clock()
        self._prove(self._text())
        self._seen_at = asked_at

    def _text(self) -> str:
        root = self._address.root
        fix = (
            f"Its holder puts what `likeness source authorise {root}` prints into the object "
            f"{PROOF_KEY} at the top of the bucket."
        )
        data = self._published()
        if data is None:
            raise NotAuthorised(
                f"The bucket {root} does not say that photos may be taken from it.", fix
            )
        if len(data) > _LARGEST:
            raise NotAuthorised(f"The proof in the bucket {root} is too large to be one.", fix)
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise NotAuthorised(f"The proof in the bucket {root} is not text.", fix) from None

    def _published(self) -> bytes | None:
        """Return the object, or its beginning where it is too large; None where there is none."""
        import obstore

        problem: LikenessError | None = None
        data = bytearray()
        try:
            for chunk in obstore.get(self._store, PROOF_KEY).stream(min_chunk_size=4096):
                data += chunk
                if len(data) > _LARGEST:
                    break
        except raised() as error:
            if isinstance(error, FileNotFoundError) and not no_such_bucket(error):
                return None
            problem = source_problem(self._address, error)
        if problem is not None:
            raise problem
        return bytes(data)
