"""Uploads: room on the disk -> pieces, each on disk before it is acknowledged -> taken in.

Thousands of photos or a whole export arrive in pieces, over hours and broken lines. Photos stay as
the originals of their source; the archive of an export goes once it was taken in, since it holds
far more than photos.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from likeness.account import IngestReport, ItemListener, no_items, together
from likeness.errors import (
    BadInput,
    LibraryBusy,
    NotFound,
    StorageError,
    UploadConflict,
    UsageError,
)
from likeness.house import House, ProgressListener, new_id, no_progress
from likeness.ingest import ingest
from likeness.recognise import exports_of
from likeness.records.collection import Collection
from likeness.sources.upload import UploadSource
from likeness.store import collections as collection_rows
from likeness.store import uploads as rows
from likeness.store.uploads import UploadFile, UploadKind, UploadRow, UploadState
from likeness.turns import taking_turns
from likeness.upload_names import safe_names
from likeness.upload_pieces import make_folder, opened_piece, write_piece
from likeness.uploaded import UPLOADED, folder_of, sweep_folder

CHUNK_BYTES = 8 * 1024 * 1024
"""Largest piece that is taken at once."""

MOST_FILES = 20_000
LARGEST_BYTES = 2**50
KEPT_DAYS = 7
"""For how long an upload waits for its next piece, and is remembered once it is done."""

ROOM_LEFT = 256 * 1024 * 1024
"""What stays free on the disk for the library itself."""


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An upload as it stands.

    Attributes
    ----------
    upload_id, collection_id : str
    kind : UploadKind
        ``"photos"`` or ``"export"``.
    state : UploadState
        ``"receiving"``, ``"taking"`` (in), ``"done"`` or ``"failed"``.
    files : tuple of UploadFile
        By number; empty once it is done.
    """

    upload_id: str
    collection_id: str
    kind: UploadKind
    state: UploadState
    files: tuple[UploadFile, ...]

    @property
    def size(self) -> int:
        """How many bytes there will be."""
        return sum(one.size for one in self.files)

    @property
    def received(self) -> int:
        """How many bytes have arrived for good."""
        return sum(one.received for one in self.files)


def begin(
    house: House, collection: str, kind: UploadKind, files: Sequence[tuple[str, int]]
) -> Upload:
    """Begin an upload, where the disk has room for all of it.

    Parameters
    ----------
    collection : str
        Name of the collection that it goes into.
    kind : UploadKind
    files : sequence of (str, int)
        Names, as they were on the other machine, and sizes in bytes.

    Raises
    ------
    NotFound
        There is no such collection.
    UsageError
        There are no files, too many, or an export that is no ZIP.
    StorageError
        The disk has no room for them.
    """
    _require_usable(kind, files)
    now, upload_id = house.clock(), new_id("up")
    names = safe_names([name for name, _ in files])
    made = tuple(
        UploadFile(number=number, name=name, size=size, received=0)
        for number, (name, (_, size)) in enumerate(zip(names, files, strict=True), start=1)
    )
    with house.transaction() as connection:
        into = collection_rows.collection_named(connection, collection)
        _require_room(house, connection, sum(size for _, size in files))
        row = UploadRow(
            upload_id=upload_id,
            account_id=house.account.account_id,
            collection_id=into.collection_id,
            kind=kind,
            state="receiving",
            created_at=now,
            seen_at=now,
        )
        rows.insert_upload(connection, row, made)
        house.audit_deed(
            connection,
            kind="collection",
            details={
                "did": "upload",
                "collection": into.collection_id,
                "upload": upload_id,
                "files": len(made),
            },
        )
    return _upload(row, made)


def state(house: House, upload_id: str) -> Upload:
    """How an upload of the acting account stands.

    Raises
    ------
    NotFound
    """
    with house.store.snapshot() as connection:
        row = _require_own(house, connection, upload_id)
        return _upload(row, rows.files_of(connection, upload_id))


def own_uploads(house: House) -> list[Upload]:
    """The uploads that the acting account began, newest first."""
    with house.store.snapshot() as connection:
        return [
            _upload(row, rows.files_of(connection, row.upload_id))
            for row in rows.uploads_of(connection, house.account.account_id)
        ]


def append(house: House, upload_id: str, number: int, offset: int, chunk: bytes) -> int:
    """Add a piece to a file; it is on disk when this returns how much of the file has arrived.

    Raises
    ------
    NotFound
        There is no such upload or file.
    UploadConflict
        The piece does not begin where the file ends; the error says where that is.
    BadInput
        The piece is too large, or reaches beyond the size that was told.
    StorageError
        The disk is full: what arrived before stays.
    LibraryBusy
        Another piece of the same file is just arriving.
    """
    with house.store.snapshot() as connection:
        row = _require_own(house, connection, upload_id)
        file = rows.load_file(connection, upload_id, number)
    if row.state != "receiving" or file is None:
        raise _closed() if row.state != "receiving" else _no_such_upload()
    if len(chunk) > CHUNK_BYTES:
        raise BadInput(
            f"A piece is larger than {CHUNK_BYTES:,} bytes.", "Send the file in smaller pieces."
        )
    with opened_piece(folder_of(house, upload_id), file.name) as descriptor:
        # Read again now that nobody else is at this file.
        with house.store.snapshot() as connection:
            file = rows.load_file(connection, upload_id, number) or file
        if offset != file.received:
            raise UploadConflict(
                f"This file goes on at byte {file.received:,}, not at {offset:,}.",
                "Send the piece that begins there.",
                received=file.received,
            )
        if offset + len(chunk) > file.size:
            raise BadInput(
                "This piece reaches beyond the size that was told of the file.",
                "Begin the upload again with the file's real size.",
            )
        write_piece(descriptor, offset, chunk)
        received = offset + len(chunk)
        with house.store.transaction() as connection:
            current = rows.load_upload(connection, upload_id)
            if current is None or current.state != "receiving":
                raise _closed()
            rows.set_received(connection, upload_id, number, received=received, at=house.clock())
    return received


def finish(
    house: House,
    upload_id: str,
    *,
    progress: ProgressListener = no_progress,
    items: ItemListener = no_items,
    told: Callable[[str], None] = lambda _words: None,
) -> IngestReport:
    """Take in what arrived; broken off, it can be asked again.

    Raises
    ------
    NotFound
    UploadConflict
        Something has yet to arrive.
    Refused, BadInput, StorageError
        As :func:`likeness.ingest.ingest`: the files stay, and it can be asked again.
    """
    with taking_turns(house, f"upload-{upload_id}"):
        row, collection = _begin_taking(house, upload_id)
        folder = folder_of(house, upload_id)
        make_folder(folder)
        try:
            with ExitStack() as stack:
                sources = (
                    [UploadSource(folder, upload_id=upload_id)]
                    if row.kind == "photos"
                    else exports_of(sorted(folder.iterdir()), stack)
                )
                for source in sources:
                    told(source.recognised())
                reports = [
                    ingest(house, source, collection=collection, progress=progress, items=items)
                    for source in sources
                ]
        except BaseException:
            with suppress(Exception), house.store.transaction() as connection:
                rows.set_state(connection, upload_id, "failed", at=house.clock())
            raise
        _tidy(house, row)
        with house.store.transaction() as connection:
            rows.set_state(connection, upload_id, "done", at=house.clock())
    return together(reports)


def require_whole(upload: Upload) -> None:
    """Check that all of an upload has arrived.

    Raises
    ------
    UploadConflict
        Something has yet to.
    """
    waiting = sum(one.received < one.size for one in upload.files)
    if waiting:
        raise UploadConflict(
            f"{waiting:,} of {len(upload.files):,} files have yet to arrive.",
            "Send the rest of them first.",
        )


def abandon(house: House, upload_id: str) -> None:
    """Delete what arrived of an upload, and forget it. What was taken in stays.

    Raises
    ------
    NotFound
    LibraryBusy
        It is just being taken in.
    """
    with house.store.snapshot() as connection:
        row = _require_own(house, connection, upload_id)
    with taking_turns(house, f"upload-{upload_id}", wait=False):
        _forget(house, row)


def forget_lapsed(house: House) -> int:
    """Forget uploads that nothing happened to for a week, with their files; returns how many."""
    before = house.clock() - timedelta(days=KEPT_DAYS)
    with house.store.snapshot() as connection:
        lapsed = rows.seen_before(connection, before)
    gone = 0
    for row in lapsed:
        turn = taking_turns(house, f"upload-{row.upload_id}", wait=False)
        with suppress(LibraryBusy), turn:
            _forget(house, row)
            gone += 1
    return gone


def _require_usable(kind: UploadKind, files: Sequence[tuple[str, int]]) -> None:
    if not files:
        raise UsageError("No file was named.", "Choose at least one.")
    if len(files) > MOST_FILES:
        raise UsageError(
            f"These are {len(files):,} files, and an upload holds at most {MOST_FILES:,}.",
            "Upload them in parts.",
        )
    if any(not 0 <= size <= LARGEST_BYTES for _, size in files):
        raise UsageError("A size is not one that a file can have.", "Tell the size in bytes.")
    if kind == "export" and not all(name.lower().endswith(".zip") for name, _ in files):
        raise UsageError(
            "An export is uploaded as the ZIP files that the platform gave.",
            "Choose these, or upload the photos themselves.",
        )


def _require_room(house: House, connection: Connection, needed: int) -> None:
    promised = rows.bytes_to_come(connection)
    free = shutil.disk_usage(house.settings.path).free - promised - ROOM_LEFT
    if needed > free:
        raise StorageError(
            f"The disk has room for {_size(max(0, free))} more, and these files need "
            f"{_size(needed)}.",
            "Free some space, or upload fewer files at once.",
        )


def _size(count: int) -> str:
    """A number of bytes in words.

    >>> _size(53_700_000_000), _size(1_200_000)
    ('53.7 GB', '1.2 MB')
    """
    for unit, factor in (("GB", 10**9), ("MB", 10**6)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:,} bytes"


def _require_own(house: House, connection: Connection, upload_id: str) -> UploadRow:
    row = rows.load_upload(connection, upload_id)
    if row is None or row.account_id != house.account.account_id:
        raise _no_such_upload()
    return row


def _no_such_upload() -> NotFound:
    return NotFound(
        "There is no such upload, or not any more.", "Begin it again; see what was taken in."
    )


def _closed() -> UploadConflict:
    return UploadConflict(
        "This upload takes no more files: it is being taken in, or was.", "Begin another."
    )


def _begin_taking(house: House, upload_id: str) -> tuple[UploadRow, Collection]:
    with house.store.transaction() as connection:
        row = _require_own(house, connection, upload_id)
        if row.state == "done":
            raise _closed()
        require_whole(_upload(row, rows.files_of(connection, upload_id)))
        rows.set_state(connection, upload_id, "taking", at=house.clock())
        return row, collection_rows.collection_with(connection, row.collection_id)


def _tidy(house: House, row: UploadRow) -> None:
    """Keep the files that photos are held of, and nothing else of what was uploaded."""
    with house.store.snapshot() as connection:
        # None of an export: its photos have a source of its own kind.
        source = collection_rows.source_at(
            connection, row.collection_id, kind=UPLOADED, address=row.upload_id
        )
    sweep_folder(house, source, folder_of(house, row.upload_id))


def _forget(house: House, row: UploadRow) -> None:
    if row.state != "done":
        _tidy(house, row)
    with house.store.transaction() as connection:
        rows.delete_upload(connection, row.upload_id)


def _upload(row: UploadRow, files: Sequence[UploadFile]) -> Upload:
    return Upload(
        upload_id=row.upload_id,
        collection_id=row.collection_id,
        kind=row.kind,
        state=row.state,
        files=tuple(files),
    )
