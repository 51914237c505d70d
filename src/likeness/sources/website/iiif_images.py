"""Which file to ask a IIIF image service for: as large as is of use, by a way that it offers.

Sources: IIIF Image API 1.1, 2.1 and 3.0 with their compliance levels. Level 0 gives the image as it
is; level 1 also scales by width; level 2 also fits into a box (``!w,h``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt
from urllib.parse import urlsplit

from likeness.sources.website.iiif_values import (
    each_of,
    id_of,
    object_of,
    objects_of,
    side_of,
    type_of,
)
from likeness.sources.website.references import absolute

LARGEST_SIDE = 2000
"""In pixels: enough to see every face of a group, and a fraction of a scan's bytes."""

_TYPE = re.compile(r"imageservice([123])")
_VERSION = re.compile(r"/api/image/([123])\b|/image-api/(1)\b")
_LEVEL = re.compile(r"level([012])\b|conformance.*?level([012])\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class ImageService:
    """A IIIF image service.

    Attributes
    ----------
    id : str
        Its address, absolute, without a slash at the end.
    version, level : int
        Of the Image API (1, 2, 3), and of compliance (0, 1, 2).
    width, height : int or None
        Of the whole image in pixels, as far as the service or the manifest say.
    max_width, max_height, max_area : int or None
        What it gives at most.
    """

    id: str
    version: int
    level: int
    width: int | None = None
    height: int | None = None
    max_width: int | None = None
    max_height: int | None = None
    max_area: int | None = None

    def url(self) -> str:
        """Return the address of the image, both sides at most `LARGEST_SIDE` where it scales."""
        quality = "native" if self.version == 1 else "default"
        return f"{self.id}/full/{self._size()}/0/{quality}.jpg"

    def _size(self) -> str:
        limited = self.max_width or self.max_height or self.max_area
        whole = "max" if self.version == 3 or (self.version == 2 and limited) else "full"
        box_width, box_height = self._box()
        if self.width and self.height:
            # Fitting a smaller image into the box would blow it up, by some servers.
            if self.width <= box_width and self.height <= box_height:
                return whole
            if self.level == 1:
                return f"{min(box_width, max(1, self.width * box_height // self.height))},"
        return f"!{box_width},{box_height}" if self.level == 2 else whole

    def _box(self) -> tuple[int, int]:
        width = min(LARGEST_SIDE, self.max_width or LARGEST_SIDE)
        # By the Image API, a width alone limits both sides.
        height = min(LARGEST_SIDE, self.max_height or self.max_width or LARGEST_SIDE)
        side = isqrt(self.max_area) if self.max_area else LARGEST_SIDE
        return min(width, side), min(height, side)


def image_url(resource: Mapping[str, object], base: str) -> str:
    """Return the address to fetch an image of a manifest from; empty where there is none.

    Parameters
    ----------
    resource : mapping
        The body of a painting annotation (``resource`` in Presentation 2).
    base : str
        Absolute address of the manifest.

    Returns
    -------
    str
        From its image service; from the body's own address where there is none, or where the
        service only gives the image as it is.
    """
    own = absolute(base, id_of(resource))
    service = next(
        (
            s
            for each in objects_of(resource.get("service"))
            if (s := _service(each, resource, base))
        ),
        None,
    )
    if service is None or (service.level == 0 and own):
        return own
    # Not longer than an address may be.
    return absolute(base, service.url()) or own


def _service(
    stated: Mapping[str, object], resource: Mapping[str, object], base: str
) -> ImageService | None:
    profiles = each_of(stated.get("profile"))
    named = [each for each in profiles if isinstance(each, str)][:20]
    contexts = [each for each in each_of(stated.get("@context")) if isinstance(each, str)][:20]
    version = _version(type_of(stated), [*contexts, *named])
    # Of several addresses for one thing, without the file that describes it.
    address = absolute(base, id_of(stated).removesuffix("/info.json").rstrip("/"))
    if version is None or not address or urlsplit(address).query:
        return None
    levels = (_LEVEL.search(each[-200:]) for each in named)
    level = next((int(found.group(1) or found.group(2)) for found in levels if found), 0)
    limits: dict[str, object] = {}
    for part in (*(object_of(each) for each in profiles[:20]), stated):
        limits.update(
            {key: part[key] for key in ("maxWidth", "maxHeight", "maxArea") if key in part}
        )
    area = limits.get("maxArea")
    return ImageService(
        id=address.rstrip("/"),
        version=version,
        level=level,
        width=side_of(stated.get("width")) or side_of(resource.get("width")),
        height=side_of(stated.get("height")) or side_of(resource.get("height")),
        max_width=side_of(limits.get("maxWidth")),
        max_height=side_of(limits.get("maxHeight")),
        max_area=area if type(area) is int and 0 < area < 10**12 else None,
    )


def _version(kind: str, texts: list[str]) -> int | None:
    """The version of the Image API that a service speaks; None where it is another sort of one."""
    typed = _TYPE.fullmatch(kind)
    if typed is not None:
        return int(typed.group(1))
    for text in texts:
        found = _VERSION.search(text[:500])
        if found is not None:
            return int(found.group(1) or found.group(2))
    return None
