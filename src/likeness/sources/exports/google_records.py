"""The sidecars of Google Photos: which fields are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from likeness.sources.base import SkippedEntry
from likeness.sources.exports.records import moment_at, read_json, text_at
from likeness.sources.exports.tree import ExportTree, Member
from likeness.sources.links import address_problem, plain_text

PROFILE = "https://photos.google.com/"
"""Where each holder sees their own photos; every page of a photo lies below it."""

_MAX_SIDECAR_BYTES = 256 * 1024

_MARKS_OF_A_SIDECAR = ("photoTakenTime", "googlePhotosOrigin", "imageViews", "creationTime")
_MARKS_OF_AN_ALBUM = ("albumData", "access", "sharedAlbumComments")
_ORIGINS = ("googlePhotosOrigin", "googlePhotoOrigin")
_FLAGS = (
    ("trashed", "in the trash of Google Photos"),
    ("inLockedFolder", "in the locked folder of Google Photos"),
    ("archived", "archived in Google Photos"),
)
_ORIGIN_FLAGS = (
    ("fromPartnerSharing", "a partner's photo"),
    ("fromSharedAlbum", "somebody else's photo of a shared album"),
)
_UNSURE = "its sidecar does not say where it came from"


@dataclass(frozen=True, kw_only=True, slots=True)
class Sidecar:
    """What a sidecar says of its photo. The names of people that it may hold are not read.

    Attributes
    ----------
    name : str
        Its file name.
    title : str
        The photo's name as it was uploaded; not checked.
    page_url : str
        Checked; empty where it names none at `PROFILE`.
    taken_at : datetime or None
    text : str
        The caption, checked.
    ends : str
        Why the photo is not to be held; empty where nothing speaks against it.
    """

    name: str
    title: str
    page_url: str
    taken_at: datetime | None
    text: str
    ends: str


def read_sidecar(tree: ExportTree, member: Member) -> Sidecar | SkippedEntry | None:
    """Read a sidecar; None for a JSON file that is none, such as that of an album."""
    read = read_json(tree, member, max_bytes=_MAX_SIDECAR_BYTES)
    if isinstance(read, SkippedEntry):
        return read
    value = read.value
    if not isinstance(value, dict) or any(mark in value for mark in _MARKS_OF_AN_ALBUM):
        return None
    if not any(mark in value for mark in _MARKS_OF_A_SIDECAR):
        return None
    url = text_at(value, "url")
    usable = url.startswith(PROFILE) and url != PROFILE and not address_problem(url)
    return Sidecar(
        name=member.name.rpartition("/")[2],
        title=text_at(value, "title"),
        page_url=url if usable else "",
        taken_at=moment_at(value, "photoTakenTime", "timestamp"),
        text=plain_text(text_at(value, "description")),
        ends=_ends(value),
    )


def _ends(value: dict[str, Any]) -> str:
    """Say why a photo is not to be held, in a few words; empty where nothing speaks against it."""
    for key, reason in _FLAGS:
        if _is_set(value, key):
            return reason
    for key in _ORIGINS:
        origin = value.get(key, {})
        if not isinstance(origin, dict):
            return _UNSURE
        for flag, reason in _ORIGIN_FLAGS:
            if _is_set(origin, flag):
                return reason
    return ""


def _is_set(value: dict[str, Any], key: str) -> bool:
    # An empty object counts: that is how Google writes where a photo came from.
    return value.get(key) is not None and value[key] is not False
