"""IIIF manifests and collections of Presentation 2 and 3, made as institutions make them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

RIGHTS = "http://rightsstatements.org/vocab/InC/1.0/"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One image on a canvas of its own.

    Attributes
    ----------
    name : str
        Part of its addresses: ``{site}/images/{name}``.
    label : str
        Of its canvas.
    width, height : int
        In pixels.
    level : int or None
        Compliance of its image service; None for an image without a service.
    """

    name: str
    label: str = ""
    width: int = 3000
    height: int = 2000
    level: int | None = 2


def manifest_3(
    site: str,
    pictures: Sequence[Picture],
    *,
    label: str = "The fair",
    homepage: str = "",
    date: str = "",
) -> bytes:
    """A manifest of Presentation 3 at ``{site}/manifest.json``."""
    document: dict[str, object] = {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": f"{site}/manifest.json",
        "type": "Manifest",
        "label": {"en": [label]},
        "rights": RIGHTS,
        "requiredStatement": {"label": {"en": ["Credit"]}, "value": {"en": ["The <b>club</b>"]}},
        "items": [_canvas_3(site, number, each) for number, each in enumerate(pictures, 1)],
    }
    if homepage:
        document["homepage"] = [{"id": homepage, "type": "Text", "format": "text/html"}]
    if date:
        document["navDate"] = date
    return json.dumps(document).encode()


def manifest_2(
    site: str,
    pictures: Sequence[Picture],
    *,
    label: str = "The fair",
    homepage: str = "",
    date: str = "",
) -> bytes:
    """The same as a manifest of Presentation 2."""
    canvases = [_canvas_2(site, number, each) for number, each in enumerate(pictures, 1)]
    document: dict[str, object] = {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": f"{site}/manifest.json",
        "@type": "sc:Manifest",
        "label": label,
        "license": RIGHTS,
        "attribution": "Credit: The <b>club</b>",
        "sequences": [{"@type": "sc:Sequence", "canvases": canvases}],
    }
    if homepage:
        document["related"] = {"@id": homepage, "format": "text/html"}
    if date:
        document["navDate"] = date
    return json.dumps(document).encode()


def collection_3(site: str, manifests: Sequence[str], collections: Sequence[str] = ()) -> bytes:
    """A collection of Presentation 3 at ``{site}/collection.json``."""
    members = [(each, "Manifest") for each in manifests] + [(c, "Collection") for c in collections]
    items = [{"id": each, "type": kind, "label": {"none": ["x"]}} for each, kind in members]
    document = {
        "@context": ["http://iiif.io/api/presentation/3/context.json"],
        "id": f"{site}/collection.json",
        "type": "Collection",
        "label": {"none": ["All fairs"]},
        "items": items,
    }
    return json.dumps(document).encode()


def collection_2(
    site: str, manifests: Sequence[str], collections: Sequence[str] = (), *, members: bool = False
) -> bytes:
    """The same of Presentation 2, in lists of their own or as ``members``."""
    of_manifests = [{"@id": each, "@type": "sc:Manifest"} for each in manifests]
    of_collections = [{"@id": each, "@type": "sc:Collection"} for each in collections]
    document: dict[str, object] = {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@id": f"{site}/collection.json",
        "@type": "sc:Collection",
        "label": "All fairs",
    }
    if members:
        document["members"] = of_manifests + of_collections
    else:
        document |= {"manifests": of_manifests, "collections": of_collections}
    return json.dumps(document).encode()


def _canvas_3(site: str, number: int, picture: Picture) -> dict[str, object]:
    address = f"{site}/images/{picture.name}"
    body: dict[str, object] = {
        "id": f"{address}/full/max/0/default.jpg" if picture.level else f"{address}.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "width": picture.width,
        "height": picture.height,
    }
    if picture.level is not None:
        body["service"] = [
            {"id": address, "type": "ImageService3", "profile": f"level{picture.level}"}
        ]
    annotation = {"type": "Annotation", "motivation": "painting", "body": body}
    return {
        "id": f"{site}/canvas/{number}",
        "type": "Canvas",
        "label": {"none": [picture.label]},
        "width": picture.width,
        "height": picture.height,
        "items": [{"type": "AnnotationPage", "items": [annotation]}],
    }


def _canvas_2(site: str, number: int, picture: Picture) -> dict[str, object]:
    address = f"{site}/images/{picture.name}"
    resource: dict[str, object] = {
        "@id": f"{address}/full/full/0/default.jpg" if picture.level else f"{address}.jpg",
        "@type": "dctypes:Image",
        "width": picture.width,
        "height": picture.height,
    }
    if picture.level is not None:
        resource["service"] = {
            "@context": "http://iiif.io/api/image/2/context.json",
            "@id": address,
            "profile": f"http://iiif.io/api/image/2/level{picture.level}.json",
        }
    return {
        "@id": f"{site}/canvas/{number}",
        "@type": "sc:Canvas",
        "label": picture.label,
        "images": [{"@type": "oa:Annotation", "motivation": "sc:painting", "resource": resource}],
    }
