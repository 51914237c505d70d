"""Reads the primitives of dlib's serialisation: packed integers, floats, strings and matrices.

An integer is a control byte (bit 7: negative; low four bits: how many bytes follow) and its
magnitude in little-endian bytes. A float is two such integers, mantissa and binary exponent. A
matrix is its negated row and column counts and then its elements, row by row.

Source: the format as written by dlib 19 and 20 (``dlib/serialize.h``), Boost Software License.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from likeness.errors import ModelFileInvalid

_INFINITE, _MINUS_INFINITE, _NOT_A_NUMBER = 32000, 32001, 32002


class SerialReader:
    """A cursor over the bytes of one model file.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        The file's name, for messages.
    """

    def __init__(self, data: bytes, *, name: str) -> None:
        self.data = data
        self.name = name
        self.position = 0

    @property
    def remaining(self) -> int:
        """Bytes that were not read yet."""
        return len(self.data) - self.position

    def invalid(self, what: str) -> ModelFileInvalid:
        """The error for a file that is not what it should be."""
        return ModelFileInvalid(
            f"{self.name} is not a model file that can be read: {what} at byte {self.position}.",
            "Install the package face_recognition_models again.",
        )

    def raw(self, size: int) -> bytes:
        """The next ``size`` bytes as they are.

        Raises
        ------
        ModelFileInvalid
            Where fewer are left. So do all other readers of this class.
        """
        if size < 0 or size > self.remaining:
            raise self.invalid("the file ends early")
        start = self.position
        self.position += size
        return self.data[start : self.position]

    def integer(self) -> int:
        """A packed integer of at most 8 bytes."""
        control = self.raw(1)[0]
        size = control & 0x0F
        if control & 0x70 or size > 8:
            raise self.invalid("a malformed integer")
        value = int.from_bytes(self.raw(size), "little")
        return -value if control & 0x80 else value

    def count(self, limit: int) -> int:
        """A packed integer that must lie between 0 and ``limit``."""
        value = self.integer()
        if not 0 <= value <= limit:
            raise self.invalid(f"a count of {value} where at most {limit} can be")
        return value

    def floating(self) -> float:
        """A packed float."""
        mantissa, exponent = self.integer(), self.integer()
        if exponent == _INFINITE:
            return math.inf
        if exponent == _MINUS_INFINITE:
            return -math.inf
        if exponent == _NOT_A_NUMBER:
            return math.nan
        try:
            return math.ldexp(mantissa, exponent)
        except OverflowError as error:
            raise self.invalid("a float out of range") from error

    def boolean(self) -> bool:
        """A flag, written as the character ``1`` or ``0``."""
        flag = self.raw(1)
        if flag not in (b"0", b"1"):
            raise self.invalid("a malformed flag")
        return flag == b"1"

    def string(self, limit: int = 4096) -> str:
        """A length and as many bytes of ASCII."""
        try:
            return self.raw(self.count(limit)).decode("ascii")
        except UnicodeDecodeError as error:
            raise self.invalid("a malformed string") from error

    def floats(self, count: int) -> NDArray[np.float32]:
        """``count`` raw little-endian float32, as tensors hold them; shape (count,)."""
        return np.frombuffer(self.raw(4 * count), dtype="<f4").astype(np.float32)

    def matrix(self, limit: int = 1 << 24) -> NDArray[np.float32]:
        """A matrix of packed floats, shape (rows, columns), at most ``limit`` elements."""
        rows, columns = abs(self.integer()), abs(self.integer())
        if rows * columns > limit:
            raise self.invalid(f"a matrix of {rows} by {columns}")
        values = [self.floating() for _ in range(rows * columns)]
        return np.array(values, dtype=np.float32).reshape(rows, columns)

    def all_integers(self) -> NDArray[np.int64]:
        """Everything that is left, read as packed integers one after the other; shape (n,).

        For files that hold nothing but integers and packed floats (two integers each) this is some
        twenty times as fast as reading them one by one.
        """
        rest = self.data[self.position :]
        starts: list[int] = []
        position, end = 0, len(rest)
        append = starts.append
        while position < end:
            append(position)
            position += 1 + (rest[position] & 0x0F)
        if position != end:
            raise self.invalid("the file ends early")
        self.position = len(self.data)
        padded = np.frombuffer(rest + bytes(8), dtype=np.uint8)
        at = np.array(starts, dtype=np.int64)
        control = padded[at]
        size = control & 0x0F
        if np.any(control & 0x70) or np.any(size > 7):
            raise self.invalid("a malformed integer")
        values = np.zeros(len(at), dtype=np.int64)
        for byte in range(int(size.max(initial=0))):
            part = padded[np.minimum(at + 1 + byte, len(rest))].astype(np.int64) << (8 * byte)
            values += np.where(size > byte, part, 0)
        return np.where(control & 0x80, -values, values)
