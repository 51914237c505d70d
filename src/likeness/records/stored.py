"""Photos, faces, links and sightings as the store returns them: with what it knows of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from likeness.records.face import Box
from likeness.records.link import DecidedBy, Link
from likeness.records.sighting import PageLink


@dataclass(frozen=True, kw_only=True)
class StoredSighting:
    """A sighting with what tells whether its item has changed since.

    Attributes
    ----------
    sighting_id, photo_id : int
    source_id, item : str
    size : int
        Of the item in bytes.
    modified_ns : int
        When the item was last changed, in nanoseconds since 1970.
    link_mark : str
        Digest of what decides the link beside the photo's own bytes.
    link : PageLink
    """

    sighting_id: int
    photo_id: int
    source_id: str
    item: str
    size: int
    modified_ns: int
    link_mark: str
    link: PageLink


@dataclass(frozen=True, kw_only=True)
class StoredPhoto:
    """A photo that the library holds.

    Attributes
    ----------
    photo_id : int
    sha256 : str
        In hex.
    width, height : int
        Of the upright original, in pixels.
    format : str
    added_at : datetime
    matched_through : int
        The gallery change number that it was compared with.
    """

    photo_id: int
    sha256: str
    width: int
    height: int
    format: str
    added_at: datetime
    matched_through: int


@dataclass(frozen=True, kw_only=True)
class StoredFace:
    """A face of a photo that the library holds.

    Attributes
    ----------
    face_id, photo_id : int
    number : int
        Its place in the photo, from 1, left to right.
    box : Box
        In pixels of the upright original.
    score : float
        The detector's confidence.
    lost : bool
        Whether the pack in use no longer finds it. It stays because somebody decided whose it is.
    """

    face_id: int
    photo_id: int
    number: int
    box: Box
    score: float
    lost: bool = False


@dataclass(frozen=True, kw_only=True)
class StoredLink:
    """A link as the library holds it.

    Attributes
    ----------
    link : Link
    photo_id : int
    decided_at : datetime
    """

    link: Link
    photo_id: int
    decided_at: datetime

    @property
    def pair(self) -> tuple[int, str]:
        """Face and person."""
        return self.link.face_id, self.link.person_id

    @property
    def by_human(self) -> bool:
        """Whether somebody decided it."""
        return self.link.decided_by != "threshold"


@dataclass(frozen=True, kw_only=True)
class LinkedPhoto:
    """A photo of a person, and which face of it is theirs.

    Attributes
    ----------
    photo : StoredPhoto
    face : StoredFace
    score : float
        Cosine at the time of the link.
    decided_by : DecidedBy
    sightings : tuple of StoredSighting
        Only those in the collections asked for; of its copies too.
    copies : tuple of str
        SHA-256 of the near-identical photos that stand behind this one.
    """

    photo: StoredPhoto
    face: StoredFace
    score: float
    decided_by: DecidedBy
    sightings: tuple[StoredSighting, ...]
    copies: tuple[str, ...] = ()
