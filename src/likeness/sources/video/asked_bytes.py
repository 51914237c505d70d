"""A video as a file whose bytes are asked for, a block at a time."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable

from likeness.sources.video.protocol import BLOCK

_HELD_BLOCKS = 16


class AskedBytes:
    """What a demuxer reads from; a few blocks are held, since tracks are read in turns.

    Parameters
    ----------
    size : int
        Of the video, in bytes.
    ask : callable
        Takes an offset and a size of at most `BLOCK`, returns the bytes, fewer at the end only.
    """

    def __init__(self, size: int, ask: Callable[[int, int], bytes]) -> None:
        self.size = size
        self._ask = ask
        self._position = 0
        self._held: OrderedDict[int, bytes] = OrderedDict()

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most ``size`` and perhaps fewer; none at the end."""
        number, start = divmod(self._position, BLOCK)
        if self._position >= self.size:
            return b""
        piece = self._block(number)[start : start + size]
        self._position += len(piece)
        return piece

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place, perhaps beyond the end, and return it.

        Raises
        ------
        ValueError
            For a place before the beginning.
        """
        place = offset + {os.SEEK_CUR: self._position, os.SEEK_END: self.size}.get(whence, 0)
        if place < 0:
            raise ValueError("a place before the beginning")
        self._position = place
        return place

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._position

    def _block(self, number: int) -> bytes:
        if number in self._held:
            self._held.move_to_end(number)
            return self._held[number]
        start = number * BLOCK
        block = self._ask(start, min(BLOCK, self.size - start))
        self._held[number] = block
        if len(self._held) > _HELD_BLOCKS:
            self._held.popitem(last=False)
        return block


def ends_early(file: AskedBytes) -> bool:
    """Whether an MP4 or QuickTime file ends within one of its boxes (ISO/IEC 14496-12, 4.2)."""
    place, boxes = 0, 0
    while place < file.size and boxes < 10_000:
        head = _bytes_at(file, place, 16)
        if boxes == 0 and head[4:8] not in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
            return False
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:16], "big")
        if size == 0:
            return False
        if size < 8 or len(head) < 8:
            return len(head) < 8
        place, boxes = place + size, boxes + 1
    return place > file.size


def _bytes_at(file: AskedBytes, place: int, size: int) -> bytes:
    file.seek(place)
    first = file.read(size)
    return first + file.read(size - len(first)) if len(first) < size else first
