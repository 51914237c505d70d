"""IIIF Presentation 2 and 3: manifests and collections of museums and archives as photos to fetch.

Read tolerantly, for real documents mix the versions. A manifest gives one image for each painting
annotation that stands in it; annotation pages elsewhere, ranges, and sound and video are passed
over, with a count. Nothing is fetched, and no address is trusted: collections may lead in a circle,
and images to other hosts.

Sources: IIIF Presentation API 2.1.1 and 3.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from likeness.sources.links import moment_of, plain_text
from likeness.sources.website.iiif_images import image_url
from likeness.sources.website.iiif_values import (
    id_of,
    object_of,
    objects_of,
    read_document,
    type_of,
    unreadable,
    words_of,
)
from likeness.sources.website.references import absolute

MOST_IMAGES = 20_000
MOST_MEMBERS = 50_000


@dataclass(frozen=True, kw_only=True)
class IiifImage:
    """One image of a manifest.

    Attributes
    ----------
    url : str
        Absolute, at most 2,000 pixels a side where its service scales. Each once in a manifest.
    page_url : str
        The page that shows it: the canvas's own, else that of the manifest.
    text : str
        The labels of manifest and canvas.
    taken_at : datetime or None
        The canvas's ``navDate``, else the manifest's, in UTC.
    rights : str
        The canvas's rights and required statement where it has any, else the manifest's.
    """

    url: str
    page_url: str
    text: str
    taken_at: datetime | None
    rights: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One object: a photo, an album, a folder of negatives.

    Attributes
    ----------
    id : str
        Its own address, or that which it was read from.
    label : str
    page_url : str
        The first homepage (``related`` in version 2), else ``id``.
    rights : str
        Address of the licence or rights statement, or empty.
    required_statement : str
        What has to be shown with it (``attribution`` in version 2), or empty.
    images : tuple of IiifImage
    left_out : int
        How many contents were passed over: no image, not in the document, no address, too many.
    """

    id: str
    label: str
    page_url: str
    rights: str
    required_statement: str
    images: tuple[IiifImage, ...]
    left_out: int = 0


@dataclass(frozen=True, kw_only=True)
class Collection:
    """A list of manifests and further collections, by their addresses, each once.

    Attributes
    ----------
    left_out : int
        How many members have no address that can be used, or are too many.
    """

    id: str
    label: str
    manifests: tuple[str, ...]
    collections: tuple[str, ...]
    left_out: int = 0


def read_iiif(body: bytes, *, url: str) -> Manifest | Collection:
    """Read a manifest or a collection.

    Parameters
    ----------
    body : bytes
        The document as it came, unpacked.
    url : str
        Absolute address that it was read from.

    Raises
    ------
    SourceUnreadable
        If it is not JSON, too large or too deep, or neither a manifest nor a collection.
    """
    document = read_document(body)
    kind = type_of(document)
    if kind == "manifest":
        return _manifest(document, url)
    if kind == "collection":
        return _collection(document, url)
    raise unreadable("is neither a manifest nor a collection of Presentation 2 or 3")


def _manifest(document: Mapping[str, object], url: str) -> Manifest:
    own = absolute(url, id_of(document)) or url
    label = words_of(document.get("label"))
    page_url = _homepage(document, own) or own
    rights, required = _rights(document, own), _required(document)
    moment = _moment(document)
    images: dict[str, IiifImage] = {}
    left_out = 0
    for canvas, resource in _painted(document):
        address = "" if resource is None else image_url(resource, own)
        if not address or (len(images) >= MOST_IMAGES and address not in images):
            left_out += 1
            continue
        images.setdefault(
            address,
            IiifImage(
                url=address,
                page_url=_homepage(canvas, own) or page_url,
                text=_joined(label, words_of(canvas.get("label"))),
                taken_at=_moment(canvas) or moment,
                rights=_joined(_rights(canvas, own), _required(canvas))
                or _joined(rights, required),
            ),
        )
    return Manifest(
        id=own,
        label=label,
        page_url=page_url,
        rights=rights,
        required_statement=required,
        images=tuple(images.values()),
        left_out=left_out,
    )


def _collection(document: Mapping[str, object], url: str) -> Collection:
    own = absolute(url, id_of(document)) or url
    found: dict[str, dict[str, None]] = {"manifest": {}, "collection": {}}
    left_out = 0
    for kind, member in _members(document):
        address = absolute(own, id_of(member))
        known = found.get(kind)
        if not address or known is None or sum(map(len, found.values())) >= MOST_MEMBERS:
            left_out += 1
        else:
            known[address] = None
    return Collection(
        id=own,
        label=words_of(document.get("label")),
        manifests=tuple(found["manifest"]),
        collections=tuple(found["collection"]),
        left_out=left_out,
    )


def _members(document: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Kind and value of each member; in version 2 also by the list that it stands in."""
    for name in ("items", "members"):
        for member in objects_of(document.get(name)):
            yield type_of(member), member
    for name, kind in (("manifests", "manifest"), ("collections", "collection")):
        members = document.get(name)
        for member in members if isinstance(members, list) else []:
            yield kind, member
    # The pages of a long collection.
    for name in ("first", "next"):
        if document.get(name) is not None:
            yield "collection", document[name]


def _painted(
    document: Mapping[str, object],
) -> Iterator[tuple[Mapping[str, object], Mapping[str, object] | None]]:
    """Each canvas with what is painted on it; None for what is no image or stands elsewhere."""
    for canvas in objects_of(document.get("items")):
        for page in objects_of(canvas.get("items")):
            if "items" not in page:
                yield canvas, None
            for annotation in objects_of(page.get("items")):
                for body in objects_of(annotation.get("body")):
                    yield canvas, _image(body)
    for sequence in objects_of(document.get("sequences")):
        for canvas in objects_of(sequence.get("canvases")):
            for annotation in objects_of(canvas.get("images")):
                yield canvas, _image(object_of(annotation.get("resource")))


def _image(body: Mapping[str, object]) -> Mapping[str, object] | None:
    """The image that a body is, or the first of those that it lets a reader choose from."""
    for _ in range(3):  # a choice of parts of images
        if type_of(body) == "choice":
            default = object_of(body.get("default"))
            body = default or next(iter(objects_of(body.get("items"))), {})
        elif type_of(body) == "specificresource":
            body = object_of(body.get("source")) or object_of(body.get("full"))
        else:
            break
    # Version 2 leaves the type out at times.
    return body if type_of(body) in {"image", ""} else None


def _homepage(document: Mapping[str, object], base: str) -> str:
    """The page about a manifest or canvas; the first that is HTML, else the first."""
    for name in ("homepage", "related"):
        stated = document.get(name)
        values = stated if isinstance(stated, list) else [stated]
        pages = [(each, absolute(base, id_of(each))) for each in values[:100]]
        pages = [each for each in pages if each[1]]
        pages.sort(key=lambda each: object_of(each[0]).get("format") != "text/html")
        if pages:
            return pages[0][1]
    return ""


def _rights(document: Mapping[str, object], base: str) -> str:
    for name in ("rights", "license"):
        stated = document.get(name)
        for each in stated[:100] if isinstance(stated, list) else [stated]:
            # Some write words where the address belongs.
            said = id_of(each)
            found = absolute(base, said) if said.startswith(("http:", "https:")) else said
            if found:
                return plain_text(found)
    return ""


def _required(document: Mapping[str, object]) -> str:
    statement = object_of(document.get("requiredStatement"))
    if not statement:
        return words_of(document.get("attribution"))
    label, value = words_of(statement.get("label")), words_of(statement.get("value"))
    return plain_text(f"{label}: {value}" if label and value else value)


def _moment(document: Mapping[str, object]) -> datetime | None:
    stated = document.get("navDate")
    return moment_of(stated.strip()) if isinstance(stated, str) else None


def _joined(*parts: str) -> str:
    return plain_text(" · ".join(dict.fromkeys(part for part in parts if part)))
