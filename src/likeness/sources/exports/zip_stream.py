"""One member of a ZIP archive as a stream that can seek, unpacked as it is read."""

from __future__ import annotations

import io
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from likeness.errors import PhotoUnreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHUNK = 256 * 1024
_FIRST_STEP = 4 * 1024 * 1024
_MOST_MARKS = 32
_PASSES = 20
_ALWAYS_ALLOWED = 64 * 1024 * 1024

Refusal = Callable[[str], PhotoUnreadable]
"""Makes the error for a reason in a few words."""


class StoredStream(io.RawIOBase):
    """A member that is not packed; what it states as its CRC-32 is checked when read through."""

    def __init__(self, descriptor: int, *, begin: int, size: int, crc: int, refuse: Refusal):
        """Take over an open archive's descriptor; closing the stream closes it."""
        super().__init__()
        self._descriptor = descriptor
        self._begin = begin
        self._size = size
        self._stated = crc
        self._refuse = refuse
        self._position = 0
        self._checked_to = 0
        self._crc = 0

    def readable(self) -> bool:
        """Whether it can be read: yes."""
        return True

    def seekable(self) -> bool:
        """Whether it can seek: yes."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to a position, also beyond the end; nothing is read yet."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}
        if whence not in base or base[whence] + offset < 0:
            raise ValueError("there is no such position")
        self._position = base[whence] + offset
        return self._position

    def close(self) -> None:
        """Let go of the archive."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read into a buffer; 0 at the end.

        Raises
        ------
        PhotoUnreadable
            With ``"damaged"`` where the bytes are not what the archive states, or with
            ``"could not be read"``.
        """
        if self.closed:
            raise ValueError("the stream is closed")
        view = memoryview(buffer).cast("B")
        wanted = min(len(view), self._size - self._position)
        if wanted <= 0:
            return 0
        content = self._content(wanted)
        view[: len(content)] = content
        if self._position == self._checked_to:
            self._crc = zlib.crc32(content, self._crc)
            self._checked_to += len(content)
            if self._checked_to == self._size and self._crc != self._stated:
                raise self._refuse("damaged")
        self._position += len(content)
        return len(content)

    def _content(self, wanted: int) -> bytes:
        return self._pread(wanted, self._begin + self._position)

    def _pread(self, wanted: int, place: int) -> bytes:
        try:
            content = os.pread(self._descriptor, wanted, place)
        except OSError as error:
            raise self._refuse("could not be read") from error
        if not content:  # the archive was cut short since it was listed
            raise self._refuse("changing")
        return content


@dataclass(frozen=True, kw_only=True)
class _Mark:
    """A position from which unpacking can go on."""

    position: int
    taken: int
    pending: bytes
    unpacker: zlib._Decompress


class DeflatedStream(StoredStream):
    """A member that is deflated (RFC 1951).

    Going back starts from the nearest of at most 32 marks, about 50 kB each, so that a video whose
    index stands at its end is not unpacked anew for every jump. Whoever jumps about nevertheless is
    refused once 20 times the member has been unpacked.
    """

    def __init__(
        self, descriptor: int, *, begin: int, packed: int, size: int, crc: int, refuse: Refusal
    ):
        """Take over an open archive's descriptor; closing the stream closes it."""
        super().__init__(descriptor, begin=begin, size=size, crc=crc, refuse=refuse)
        self._packed = packed
        self._effort = _PASSES * size + _ALWAYS_ALLOWED
        self._step = _FIRST_STEP
        self._marks: list[_Mark] = []
        self._resume(
            _Mark(position=0, taken=0, pending=b"", unpacker=zlib.decompressobj(-zlib.MAX_WBITS))
        )
        self._set_mark()

    def _content(self, wanted: int) -> bytes:
        if not self._at <= self._position:
            self._resume(max(self._before(), key=lambda mark: mark.position))
        elif self._before() and self._before()[-1].position > self._at:
            self._resume(self._before()[-1])
        while self._at < self._position:
            self._unpack(min(_CHUNK, self._position - self._at))
        content = self._unpack(min(wanted, _CHUNK))
        if self._at == self._size:
            self._require_end()
        return content

    def _before(self) -> list[_Mark]:
        return [mark for mark in self._marks if mark.position <= self._position]

    def _resume(self, mark: _Mark) -> None:
        self._at = mark.position
        self._taken = mark.taken
        self._pending = mark.pending
        self._unpacker = mark.unpacker.copy()

    def _set_mark(self) -> None:
        mark = _Mark(
            position=self._at,
            taken=self._taken,
            pending=self._pending,
            unpacker=self._unpacker.copy(),
        )
        self._marks.append(mark)
        if len(self._marks) > _MOST_MARKS:
            del self._marks[1::2]
            self._step *= 2

    def _unpack(self, wanted: int) -> bytes:
        if self._effort < 0:
            raise self._refuse("read back and forth too often")
        content = self._next(wanted)
        if not content:
            raise self._refuse("damaged")
        self._at += len(content)
        self._effort -= len(content)
        if self._at - self._marks[-1].position >= self._step:
            self._set_mark()
        return content

    def _next(self, wanted: int) -> bytes:
        while not self._unpacker.eof:
            if not self._pending and self._taken < self._packed:
                most = min(_CHUNK, self._packed - self._taken)
                self._pending = self._pread(most, self._begin + self._taken)
                self._taken += len(self._pending)
            last = not self._pending
            try:
                content = self._unpacker.decompress(self._pending, wanted)
            except zlib.error as error:
                raise self._refuse("damaged") from error
            self._pending = self._unpacker.unconsumed_tail
            if content or last:
                return content
        return b""

    def _require_end(self) -> None:
        # What is stated bounds what is unpacked, so a size that was understated is found out here.
        if self._next(1) or not self._unpacker.eof:
            raise self._refuse("damaged")
