"""Parts for tests of uploads: what is sent, how, and what lies on the disk."""

from __future__ import annotations

import io
from pathlib import Path

from exports_x import Shot, Tweet, x_archive
from PIL import Image
from synthetic_engine import Drawn, draw

from likeness import uploads
from likeness.account import IngestReport
from likeness.library import Library
from likeness.store.uploads import UploadKind
from likeness.uploaded import folder_of

ANN = 1


def picture(number: int, *, person: int = ANN) -> bytes:
    """A photo of somebody, told from the others by more than its face."""
    file = io.BytesIO()
    Image.fromarray(draw(Drawn(person=person, shot=number), salt=number)).save(file, "PNG")
    return file.getvalue()


def x_files() -> dict[str, bytes]:
    """The files of an export of X with two photos of Ann."""
    made = x_archive((Tweet(shots=(Shot(base="a.jpg"), Shot(base="b.jpg"))),))
    photos = sorted(name for name in made.pages if name.endswith(".jpg"))
    return {**made.files, **{name: picture(number) for number, name in enumerate(photos)}}


def begun(
    library: Library,
    files: dict[str, bytes],
    *,
    kind: UploadKind = "photos",
    collection: str = "party",
) -> str:
    """Begin an upload of these files; returns its id."""
    told = [(name, len(content)) for name, content in files.items()]
    return uploads.begin(library.house, collection, kind, told).upload_id


def send(library: Library, upload_id: str, files: dict[str, bytes], *, piece: int = 700) -> None:
    """Send what has yet to arrive, in pieces."""
    at = {one.number: one.received for one in uploads.state(library.house, upload_id).files}
    for number, content in enumerate(files.values(), start=1):
        while at[number] < len(content):
            chunk = content[at[number] : at[number] + piece]
            at[number] = uploads.append(library.house, upload_id, number, at[number], chunk)


def upload(
    library: Library,
    files: dict[str, bytes],
    *,
    kind: UploadKind = "photos",
    collection: str = "party",
) -> tuple[str, IngestReport]:
    """The whole of it."""
    upload_id = begun(library, files, kind=kind, collection=collection)
    send(library, upload_id, files)
    return upload_id, uploads.finish(library.house, upload_id)


def lying(library: Library, upload_id: str) -> dict[str, bytes]:
    """The files of an upload as they lie on the disk."""
    folder: Path = folder_of(library.house, upload_id)
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*"))}
