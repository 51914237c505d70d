"""Uploads: many files or a whole export, in pieces that a broken line does not lose."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import Query
from fastapi.responses import JSONResponse, Response

from likeness import uploads as ways
from likeness.errors import BadInput, LikenessError, UsageError
from likeness.store.uploads import UploadKind
from likeness.uploads import CHUNK_BYTES, KEPT_DAYS, MOST_FILES, Upload
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of, wants_json
from likeness.web.forms import PHOTO, Filled, RawBody
from likeness.web.source_words import page_of_run
from likeness.web.visit import Here, Visit

pages = Pages()

OWN: Final = "uploads that this account began"
INTO: Final = "one collection: files are added to it"
LONGEST_ENTRY: Final = 500
"""Bytes of a file's name and size as JSON, on average."""


@pages.show("/uploads", roles=OPERATORS, whose=OWN)
def uploads(visit: Here) -> Response:
    """What this account has begun and not finished."""
    return _list(visit, [one for one in ways.own_uploads(visit.house) if one.state != "done"])


@pages.show("/uploads/new", roles=OPERATORS, whose=INTO)
def new_upload(visit: Here, collection: str = "") -> Response:
    """Choose files."""
    return _new(visit, collection=collection)


@pages.do("/uploads", roles=OPERATORS, whose=INTO, most=MOST_FILES * LONGEST_ENTRY)
def begin_upload(visit: Here, body: RawBody) -> Response:
    """Begin an upload: JSON with ``collection``, ``kind`` and ``files`` (``name``, ``size``)."""
    collection, kind, files = _asked(body)
    begun = ways.begin(visit.house, collection, kind, files)
    return JSONResponse(
        _as_json(begun), status_code=201, headers={"Location": f"/uploads/{begun.upload_id}"}
    )


@pages.do("/uploads/small", roles=OPERATORS, whose=INTO, most=PHOTO)
def upload_form(visit: Here, form: Filled) -> Response:
    """Some files in one form, for browsers without scripts."""
    house, files = visit.house, form.named_files("files")
    collection = form.text("collection")
    exports = [name.lower().endswith(".zip") for name, _ in files]
    try:
        if any(exports) and not all(exports):
            raise UsageError(
                "These are photos and archives together.", "Upload them one after the other."
            )
        kind: UploadKind = "export" if any(exports) else "photos"
        told = [(name, len(content)) for name, content in files]
        begun = ways.begin(house, collection, kind, told)
    except LikenessError as error:
        return _new(visit, collection=collection, error=error)
    for number, (_, content) in enumerate(files, start=1):
        for offset in range(0, len(content), CHUNK_BYTES):
            piece = content[offset : offset + CHUNK_BYTES]
            ways.append(house, begun.upload_id, number, offset, piece)
    return visit.see_other(_taken_in(visit, begun.upload_id))


@pages.show("/uploads/{upload_id}", roles=OPERATORS, whose=OWN)
def upload(visit: Here, upload_id: str) -> Response:
    """How far an upload has come; as JSON for a script."""
    seen = ways.state(visit.house, upload_id)
    if wants_json(visit.request):
        return JSONResponse(_as_json(seen), headers={"Cache-Control": "no-store"})
    return _list(visit, [seen])


@pages.page(
    "/uploads/{upload_id}/{number}",
    methods=("PUT",),
    roles=OPERATORS,
    whose=OWN,
    most=CHUNK_BYTES,
)
def add_piece(
    visit: Here, upload_id: str, number: int, offset: Annotated[int, Query()], body: RawBody
) -> Response:
    """Add a piece to a file; it is on disk when this answers how much has arrived."""
    received = ways.append(visit.house, upload_id, number, offset, body)
    return JSONResponse({"received": received}, headers={"Cache-Control": "no-store"})


@pages.do("/uploads/{upload_id}/finish", roles=OPERATORS, whose=OWN)
def finish_upload(visit: Here, upload_id: str) -> Response:
    """Take in what arrived, as a task."""
    ways.require_whole(ways.state(visit.house, upload_id))
    to = _taken_in(visit, upload_id)
    if wants_json(visit.request):
        return JSONResponse({"to": to}, status_code=202)
    return visit.see_other(to)


@pages.do("/uploads/{upload_id}/abandon", roles=OPERATORS, whose=OWN)
def abandon_upload(visit: Here, upload_id: str) -> Response:
    """Delete what arrived, and forget it."""
    ways.abandon(visit.house, upload_id)
    return visit.see_other("/uploads", said="The upload is forgotten, and its files are deleted.")


def _list(visit: Visit, seen: Sequence[Upload]) -> Response:
    names = {c.collection_id: c.name for c in visit.library.collections()}
    return visit.page("uploads", uploads=seen, names=names, days=KEPT_DAYS)


def _taken_in(visit: Visit, upload_id: str) -> str:
    """Begin to take an upload in; returns the page of that task."""
    house = visit.house
    task = visit.parts.tasks.start(
        visit,
        title="Taking in what was uploaded",
        work=lambda progress: ways.finish(house, upload_id, progress=progress),
        done=page_of_run,
    )
    return f"/tasks/{task.task_id}"


def _new(visit: Visit, *, collection: str, error: LikenessError | None = None) -> Response:
    return visit.page(
        "upload_new",
        status=status_of(error) if error else 200,
        error=error,
        chosen=collection,
        collections=visit.library.collections(),
        chunk=CHUNK_BYTES,
        days=KEPT_DAYS,
    )


def _asked(body: bytes) -> tuple[str, UploadKind, list[tuple[str, int]]]:
    malformed = BadInput(
        "What was sent does not say which files there are.",
        'Send {"collection": …, "kind": "photos" or "export", "files": [{"name": …, "size": …}]}.',
    )
    try:
        asked: Any = json.loads(body)
        files = [(one["name"], one["size"]) for one in asked["files"]]
        collection, kind = asked["collection"], asked["kind"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise malformed from None
    named = all(isinstance(name, str) and type(size) is int for name, size in files)
    if not named or not isinstance(collection, str) or kind not in ("photos", "export"):
        raise malformed
    return collection, kind, files


def _as_json(seen: Upload) -> dict[str, Any]:
    return {
        "id": seen.upload_id,
        "kind": seen.kind,
        "state": seen.state,
        "chunk": CHUNK_BYTES,
        "files": [
            {"number": one.number, "size": one.size, "received": one.received} for one in seen.files
        ],
    }
