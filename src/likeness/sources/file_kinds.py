"""Which files of a folder are photos by their name, and why each other one is not read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType

from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.records.video_formats import VIDEO_SUFFIXES

LINK_LIST = "links.csv"
NOT_A_PHOTO = "not a photo (video)"
"""Why a video is not read where only photos are."""
VIDEO_NEEDS_EXTRA = "video: pip install 'likeness[video]'"
"""Why a video is not read where PyAV is not installed."""

_REPORTED_SUFFIXES = (
    (
        ".dng .cr2 .cr3 .crw .nef .nrw .arw .srf .sr2 .raf .orf .rw2 .pef .srw .raw .rwl .iiq "
        ".3fr .x3f",
        "not a photo (camera raw: export it as JPEG or TIFF)",
    ),
    (
        ".avif .jxl .jp2 .j2k .jpf .psd .psb .xcf .svg .eps .ai .ico .icns .exr .hdr .tga .pcx "
        ".ppm .pgm",
        "not a photo (image format that is not read: export it as JPEG or PNG)",
    ),
    (
        ".zip .tar .gz .tgz .bz2 .xz .7z .rar",
        "not a photo (archive: add a platform's export by itself, unpack others)",
    ),
)
_PASSED_OVER_SUFFIXES = (
    (
        ".xmp .aae .thm .json .xml .txt .csv .tsv .md .htm .html",
        "sidecar or text beside the photos",
    ),
    (".ini .db .db-shm .db-wal .lrcat .lrdata .log", "kept by a photo program"),
)
_PASSED_OVER_NAMES = (
    (LINK_LIST, "link list, read for its links"),
    ("Thumbs.db ehthumbs.db desktop.ini .DS_Store .localized .nomedia", "kept by a file manager"),
)
_REPORTED_FOLDERS = (
    ("@eaDir $RECYCLE.BIN __MACOSX lost+found", "kept by the system, not by a person"),
)


def _table(rows: tuple[tuple[str, str], ...]) -> MappingProxyType[str, str]:
    return MappingProxyType(
        {word.casefold(): reason for words, reason in rows for word in words.split()}
    )


_REPORTED = _table(_REPORTED_SUFFIXES)
_PASSED_OVER = _table(_PASSED_OVER_SUFFIXES)
_NAMES = _table(_PASSED_OVER_NAMES)
_FOLDERS = _table(_REPORTED_FOLDERS)


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """What a file is by its name.

    Attributes
    ----------
    photo : bool
        Whether to read it as a photo.
    video : bool
        Whether its frames can be read as photos, by sources that do so.
    reason : str
        Why it is not read as a photo; empty for a photo.
    reported : bool
        Whether it is named among what was skipped. Only what nobody expects to be read is not:
        lists and sidecars beside photos, and what systems and programs leave behind.
    """

    photo: bool
    video: bool = False
    reason: str = ""
    reported: bool = False


def file_kind(name: str) -> FileKind:
    """Judge a regular file by its name."""
    folded = name.casefold()
    suffix = os.path.splitext(folded)[1]
    if folded == LINK_LIST and name != LINK_LIST:
        return FileKind(photo=False, reason=f"not read: rename it to {LINK_LIST}", reported=True)
    if folded in _NAMES:
        return FileKind(photo=False, reason=_NAMES[folded])
    if folded.startswith("._"):
        return FileKind(photo=False, reason="kept by a file manager")
    if folded.startswith("."):
        known = suffix in PHOTO_SUFFIXES or suffix in VIDEO_SUFFIXES or suffix in _REPORTED
        return FileKind(photo=False, reason="hidden file", reported=known)
    if suffix in PHOTO_SUFFIXES:
        return FileKind(photo=True)
    if suffix in VIDEO_SUFFIXES:
        return FileKind(photo=False, video=True, reason=NOT_A_PHOTO, reported=True)
    if suffix in _PASSED_OVER:
        return FileKind(photo=False, reason=_PASSED_OVER[suffix])
    return FileKind(photo=False, reason=_REPORTED.get(suffix, "not a photo"), reported=True)


def folder_reason(name: str) -> str:
    """Say why a folder is not entered by its name; empty where it is."""
    if name.startswith("."):
        return "hidden folder"
    return _FOLDERS.get(name.casefold(), "")


def can_read_videos() -> bool:
    """Whether PyAV, which decodes videos, is installed."""
    return find_spec("av") is not None
