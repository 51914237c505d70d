"""The file in which ``add --report`` says what became of each item."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from likeness.cli.files import require_free
from likeness.errors import StorageError

if TYPE_CHECKING:
    from likeness.account import ItemListener, ItemOutcome


@contextmanager
def written_items(path: Path | None) -> Iterator[ItemListener]:
    """Write each item to a new file, an object a line, as soon as it is durable.

    Raises
    ------
    UsageError
        There is a file already.
    StorageError
        It cannot be written.
    """
    from likeness.account import no_items

    if path is None:
        yield no_items
        return
    require_free(path)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise StorageError(
            f"The report {path.name} cannot be written: {error.strerror}.",
            "Nothing was added. Name another place.",
        ) from None
    lines = _Lines(descriptor, path)
    try:
        try:
            yield lines.write
        except BaseException:
            # Where nothing came of the run, the same name serves the next try.
            if lines.length == 0:
                path.unlink(missing_ok=True)
            raise
        lines.finish()
    finally:
        os.close(descriptor)


class _Lines:
    """A file that holds whole lines alone, also where the disk is full."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path
        self.length = 0

    def write(self, outcome: ItemOutcome) -> None:
        """Write one item at once: whoever is killed leaves what was durable before."""
        line = json.dumps(_as_json(outcome)).encode("ascii") + b"\n"
        left = memoryview(line)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(self._descriptor, self.length)
            raise _unwritten(self._path, error) from None
        self.length += len(line)

    def finish(self) -> None:
        """Make it durable; some file systems say only then that they had no room."""
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            raise _unwritten(self._path, error) from None


def _as_json(outcome: ItemOutcome) -> dict[str, str]:
    link = outcome.link
    return {
        "item": outcome.item,
        "outcome": outcome.outcome,
        "reason": outcome.reason,
        "sha256": outcome.sha256,
        "page_url": link.page_url if link else "",
        "media_url": link.media_url if link else "",
        "link_confidence": link.confidence if link else "",
        "link_from": link.link_from if link else "",
    }


def _unwritten(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"The report {path.name} cannot be written: {error.strerror}.",
        "What was added is kept. Make room on the disk or name another place, and add it again.",
    )
