"""An export that lies in memory, for tests of many archives in little time."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

from likeness.errors import PhotoUnreadable
from likeness.sources.exports.tree import Member


@dataclass(frozen=True, kw_only=True)
class MemoryTree:
    """See `ExportTree`; ``broken`` are the names that cannot be read."""

    files: Mapping[str, bytes]
    broken: frozenset[str] = frozenset()
    read_names: list[str] = field(default_factory=list)
    address: str = "memory"

    def _member(self, name: str) -> Member:
        content = self.files[name]
        mark = f"{zlib.crc32(content):08x}"
        return Member(name=name, size=len(content), modified_ns=0, mark=mark)

    def members(self) -> Iterator[Member]:
        return (self._member(name) for name in self.files)

    def problems(self) -> Iterator[tuple[str, str]]:
        return iter(())

    def find(self, name: str) -> Member | None:
        return self._member(name) if name in self.files else None

    def open(self, member: Member) -> BinaryIO:
        self.read_names.append(member.name)
        if member.name in self.broken or member.name not in self.files:
            raise PhotoUnreadable("It cannot be read.", "Give another.", reason="damaged")
        return io.BytesIO(self.files[member.name])

    def read(self, member: Member, max_bytes: int) -> bytes:
        content = self.open(member).read()
        if len(content) > max_bytes:
            raise PhotoUnreadable("It is too large.", "Give another.", reason="too large")
        return content

    def uri(self, member: Member) -> str:
        return f"file:///memory?member={member.name}"

    def close(self) -> None:
        return None
