"""Files that were uploaded: the library's own, so they go with what came from them.

The folder of an upload is the original of its photos. A file of it stays for as long as some photo
of it is held: what a notice, a removal or a retention rule takes out is deleted here too.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from likeness.errors import StorageError
from likeness.house import House
from likeness.records.collection import SourceRecord
from likeness.sources.base import item_of
from likeness.sources.file_kinds import LINK_LIST
from likeness.store import collections as collection_rows
from likeness.store.sightings import items_held
from likeness.store.uploads import open_uploads

UPLOADED = "upload"
"""The kind of a source whose files are the library's own."""

FOLDER = "uploads"
FILES_AT_ONCE = 500


def folder_of(house: House, upload_id: str) -> Path:
    """Where the files of an upload lie."""
    return house.settings.path / FOLDER / upload_id


def delete_folder(house: House, upload_id: str) -> int:
    """Delete the files of an upload; returns how many there were.

    Raises
    ------
    StorageError
        Where one could not be deleted.
    """
    folder = folder_of(house, upload_id)
    count = sum(1 for _ in _files(folder))
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise _undeleted(error) from None
    return count


def sweep(house: House) -> Counter[str]:
    """Delete every uploaded file of which no photo is held.

    What is still arriving, or being taken in, is left alone.

    Returns
    -------
    Counter of str
        How many, by the id of the collection; those of none that is known under ``""``.

    Raises
    ------
    StorageError
        Where one could not be deleted.
    """
    # The folders first: one that is made meanwhile is of an upload that this may not know of.
    folders = _folders(house)
    with house.store.snapshot() as connection:
        known = collection_rows.all_sources(connection)
        busy = open_uploads(connection)
    sources = {source.address: source for source in known if source.kind == UPLOADED}
    gone: Counter[str] = Counter()
    for folder in folders:
        if folder.name not in busy:
            source = sources.get(folder.name)
            gone[source.collection_id if source else ""] += sweep_folder(house, source, folder)
    return gone


def sweep_folder(house: House, source: SourceRecord | None, folder: Path) -> int:
    """Delete the files of one upload of which no photo is held; the folder goes when it is empty.

    Parameters
    ----------
    source : SourceRecord or None
        None where the library knows of no such source: all of it goes.
    """
    if source is None:
        return delete_folder(house, folder.name)
    gone, kept, lists = 0, 0, []
    for some in _some_at_once(_files(folder)):
        with house.store.snapshot() as connection:
            held = items_held(connection, source.source_id, (item_of(p.name) for p in some))
        for path in some:
            if item_of(path.name) in held:
                kept += 1
            elif path.name == LINK_LIST:
                lists.append(path)
            else:
                gone += _delete(path)
    # What a list says of the photos beside it goes with the last of them.
    for path in lists if not kept else ():
        gone += _delete(path)
    if not kept:
        with suppress(OSError):
            folder.rmdir()
    return gone


def _folders(house: House) -> list[Path]:
    try:
        return sorted(p for p in (house.settings.path / FOLDER).iterdir() if p.is_dir())
    except OSError:
        return []


def _files(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            yield from (Path(one.path) for one in found)
    except FileNotFoundError:
        return


def _some_at_once(files: Iterable[Path]) -> Iterator[list[Path]]:
    # Listed whole before anything is deleted: what a listing tells while files go is not certain.
    every = sorted(files)
    for start in range(0, len(every), FILES_AT_ONCE):
        yield every[start : start + FILES_AT_ONCE]


def _delete(path: Path) -> int:
    try:
        path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise _undeleted(error) from None
    return 1


def _undeleted(error: OSError) -> StorageError:
    return StorageError(
        f"A file that was uploaded cannot be deleted: {error.strerror}.",
        "Check the permissions of the library's folder; it is tried again when it is opened.",
    )
