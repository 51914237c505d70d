"""Whose reference is in which row, in some tens of bytes a row rather than in Python strings.

Ids lie in one buffer at a fixed width, and tables of row numbers find them again (open addressing,
linear probing). Lists and dictionaries of a million strings would need several times as much.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_END = b"\xff"
"""Ends an id in its slot; no UTF-8 holds it, so the zeros after it never belong to the id."""

_AT_ONCE = 65_536
_FULL = 0.6
_SMALLEST = 8


class NameColumn:
    """One id a row, numbered from 0 without gaps; every slot as wide as the longest id needed."""

    def __init__(self) -> None:
        self.clear()

    def __len__(self) -> int:
        return len(self._slots) // self._width

    def append(self, name: bytes) -> None:
        """Add a row."""
        self._make_room(name)
        self._slots += (name + _END).ljust(self._width, b"\0")

    def write(self, row: int, name: bytes) -> None:
        """Replace a row."""
        self._make_room(name)
        start = row * self._width
        self._slots[start : start + self._width] = (name + _END).ljust(self._width, b"\0")

    def read(self, row: int) -> bytes:
        """The id of a row."""
        start = row * self._width
        return bytes(self._slots[start : start + self._width].rstrip(b"\0")[:-1])

    def pop(self) -> bytes:
        """Take the last row away."""
        name = self.read(len(self) - 1)
        del self._slots[len(self._slots) - self._width :]
        return name

    def clear(self) -> None:
        """Take every row away."""
        self._slots = bytearray()
        self._width = 1

    def names(self) -> Iterator[list[str]]:
        """All ids in order, some at a time."""
        for start in range(0, len(self._slots), _AT_ONCE * self._width):
            some = self._slots[start : start + _AT_ONCE * self._width]
            slots = np.frombuffer(some, dtype=f"S{self._width}").tolist()
            yield [_decoded(slot[:-1]) for slot in slots]

    def _make_room(self, name: bytes) -> None:
        wanted = len(name) + len(_END)
        if wanted > self._width:
            slots = np.frombuffer(self._slots, dtype=f"S{self._width}")
            self._slots, self._width = bytearray(slots.astype(f"S{wanted}").tobytes()), wanted


class NameIndex:
    """Finds the row that an id of a column stands for; an id stands for one row at most."""

    def __init__(self, column: NameColumn) -> None:
        self._column = column
        self.clear()

    def __len__(self) -> int:
        return self._count

    def find(self, name: bytes) -> int:
        """The row of an id, or -1."""
        return self._slots[self._place(name)] - 1

    def put(self, name: bytes, row: int) -> int:
        """Let an id, which the column holds in that row, stand for it; the row before, or -1."""
        if self._count + 1 > _FULL * len(self._slots):
            self._grow()
        place = self._place(name)
        before = self._slots[place] - 1
        self._count += before < 0
        self._slots[place] = row + 1
        return before

    def discard(self, name: bytes) -> None:
        """Forget an id; the column must still hold it and all that stay."""
        slots, mask = self._slots, len(self._slots) - 1
        gap = place = self._place(name)
        if not slots[gap]:
            return
        self._count -= 1
        # Entries that were pushed past the gap move back into it, so that no search stops short.
        while slots[place := (place + 1) & mask]:
            home = hash(self._column.read(slots[place] - 1)) & mask
            if (place - home) & mask >= (place - gap) & mask:
                slots[gap] = slots[place]
                gap = place
        slots[gap] = 0

    def clear(self) -> None:
        """Forget every id."""
        self._slots = _zeros(_SMALLEST)
        self._count = 0

    def _place(self, name: bytes) -> int:
        """Where an id is, or where it would be put."""
        slots, mask = self._slots, len(self._slots) - 1
        place = hash(name) & mask
        while (entry := slots[place]) and self._column.read(entry - 1) != name:
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        entries = [entry for entry in self._slots if entry]
        self._slots = slots = _zeros(2 * len(self._slots))
        mask = len(slots) - 1
        for entry in entries:
            place = hash(self._column.read(entry - 1)) & mask
            while slots[place]:
                place = (place + 1) & mask
            slots[place] = entry


class ReferenceNames:
    """The reference id and the person id of each row; not safe for threads by itself."""

    def __init__(self) -> None:
        self._references, self._people = NameColumn(), NameColumn()
        self._row_of = NameIndex(self._references)
        self._first_of = NameIndex(self._people)
        # A person's further rows, each named by the one before: row + 1, and 0 after the last.
        self._after = _zeros(0)

    def __len__(self) -> int:
        return len(self._after)

    @property
    def people(self) -> int:
        """How many persons have a row."""
        return len(self._first_of)

    def row_of(self, reference_id: str) -> int:
        """The row of a reference, or -1."""
        return self._row_of.find(_encoded(reference_id))

    def rows_of(self, person_id: str) -> list[int]:
        """The rows of a person, in no particular order."""
        rows = []
        row = self._first_of.find(_encoded(person_id))
        while row >= 0:
            rows.append(row)
            row = self._after[row] - 1
        return rows

    def reference(self, row: int) -> str:
        """The reference id of a row."""
        return _decoded(self._references.read(row))

    def person(self, row: int) -> str:
        """The person id of a row."""
        return _decoded(self._people.read(row))

    def person_ids(self) -> frozenset[str]:
        """Everybody who has a row, as strings made for the caller."""
        return frozenset(name for some in self._people.names() for name in some)

    def append(self, reference_id: str, person_id: str) -> None:
        """Add a row for a reference that has none."""
        row = len(self)
        reference, person = _encoded(reference_id), _encoded(person_id)
        self._references.append(reference)
        self._people.append(person)
        self._after.append(0)
        self._row_of.put(reference, row)
        self._chain(person, row)

    def reassign(self, row: int, person_id: str) -> None:
        """Give a row to another person."""
        self._unchain(row)
        person = _encoded(person_id)
        self._people.write(row, person)
        self._chain(person, row)

    def remove(self, row: int) -> None:
        """Take a row out: the last row takes its number."""
        last = len(self) - 1
        self._unchain(row)
        self._row_of.discard(self._references.read(row))
        if row != last:
            self._unchain(last)
            reference, person = self._references.read(last), self._people.read(last)
            self._references.write(row, reference)
            self._people.write(row, person)
            self._row_of.put(reference, row)
            self._chain(person, row)
        self._references.pop()
        self._people.pop()
        self._after.pop()

    def clear(self) -> None:
        """Take every row out."""
        for part in (self._references, self._people, self._row_of, self._first_of):
            part.clear()
        self._after = _zeros(0)

    def eligible_rows(self, eligible: frozenset[str]) -> NDArray[np.int64] | None:
        """The rows of these persons in ascending order; None where they are all rows."""
        if 2 * len(eligible) < self.people:
            rows = np.fromiter(
                (row for person_id in eligible for row in self.rows_of(person_id)), dtype=np.int64
            )
            rows.sort()
            return rows
        chosen = [
            np.fromiter((name in eligible for name in some), dtype=np.bool_, count=len(some))
            for some in self._people.names()
        ]
        mask = np.concatenate(chosen) if chosen else np.zeros(0, dtype=np.bool_)
        return None if mask.all() else np.flatnonzero(mask)

    def _chain(self, person: bytes, row: int) -> None:
        self._after[row] = self._first_of.put(person, row) + 1

    def _unchain(self, row: int) -> None:
        person = self._people.read(row)
        before, after = self._first_of.find(person), self._after[row]
        if before != row:
            while self._after[before] != row + 1:
                before = self._after[before] - 1
            self._after[before] = after
        elif after:
            self._first_of.put(person, after - 1)
        else:
            self._first_of.discard(person)


def _zeros(count: int) -> array[int]:
    return array("I", bytes(4 * count))


def _encoded(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")
