"""The file in which ``add --report`` says what became of each item."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
        raise _unwritten(path, error) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:

        def write(outcome: ItemOutcome) -> None:
            try:
                file.write(json.dumps(_as_json(outcome)) + "\n")
            except OSError as error:
                raise _unwritten(path, error) from None

        try:
            yield write
        except BaseException:
            # Where nothing came of the run, the same name serves the next try.
            file.flush()
            if file.tell() == 0:
                path.unlink(missing_ok=True)
            raise


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
        "What was added is kept. Make room on the disk, or name another place.",
    )
