"""Whole synthetic exports of Google Photos: files are named here by Google's rules, on their own.

What each photo is known by is kept beside the files, so that a test can tell right from wrong.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import strategies as st

LONGEST = 51
MOVING = (".MP4", ".MP")
ENDINGS = (".jpg", ".JPG", ".HEIC", ".png", ".MP4", ".jpeg")
PEOPLE = ("Quirina Xanthopoulos", "Wolfram Yttrium")
"""Names that stand in sidecars, and that nothing may ever tell."""

_REPLACED = set("<>:\"/\\|?*&%#+='")


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One photo of an account.

    Attributes
    ----------
    title : str
        As it was uploaded.
    flags : mapping
        Further fields of its sidecar.
    edited, live : bool
        Whether an edited version and a moving half are exported with it.
    exported : bool
        Whether its file is there; its sidecar always is.
    """

    title: str
    flags: Mapping[str, object] = field(default_factory=dict)
    edited: bool = False
    live: bool = False
    exported: bool = True


@dataclass(frozen=True, kw_only=True)
class Layout:
    """How an account's language and the age of the archive change the names."""

    root: str = "Takeout/Google Photos"
    year: str = "Photos from 2021"
    album: str = "Summer"
    album_record: str = "metadata.json"
    mark: str = ".supplemental-metadata"
    edited: str = "-edited"
    own_numbers: bool = False
    """Whether an edited version and a moving half are numbered for themselves."""


LAYOUTS = (
    Layout(),
    Layout(mark=""),
    Layout(own_numbers=True),
    Layout(
        root="Takeout/Google Fotos",
        year="Fotos von 2021",
        album="Sommer",
        album_record="Metadaten.json",
        edited="-bearbeitet",
    ),
    Layout(
        root="Takeout/Google Foto",
        year="Foto dal 2021",
        album="Senza titolo(3)",
        album_record="metadati.json",
        edited="-modificato",
        mark="",
        own_numbers=True,
    ),
    Layout(
        root="Takeout/Фотки Google",
        year="2021 год",
        album="Лето",
        album_record="метаданные.json",
        edited="-изменено",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Export:
    """Files by path, and the page of the photo that each media file shows."""

    files: dict[str, bytes]
    pages: dict[str, str]
    photos: dict[str, Photo]


def page_of(number: int) -> str:
    return f"https://photos.google.com/photo/AF1Qip{number:05d}"


def cut(text: str, longest: int) -> str:
    """Cut by UTF-16 units, as Java does, and drop half a character."""
    return text.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", "ignore")


def cleaned(title: str) -> str:
    return "".join("_" if c in _REPLACED or ord(c) > 0x1F000 else c for c in title)


class _Names:
    """The names of one folder; a name that is taken gets a number."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def take(self, stem: str, ending: str, number: int | None = None) -> tuple[str, int]:
        tried = 0 if number is None else number
        while (name := f"{stem}({tried}){ending}" if tried else stem + ending) in self.taken:
            tried += 1
        self.taken.add(name)
        return name, tried


def sidecar(photo: Photo, number: int) -> bytes:
    record = {
        "title": photo.title,
        "description": f"caption {number}",
        "imageViews": "3",
        "creationTime": {"timestamp": "1622600000", "formatted": "2 Jun 2021, 02:13:20 UTC"},
        "photoTakenTime": {"timestamp": str(1_622_500_000 + number), "formatted": "1 Jun 2021"},
        "geoData": {"latitude": 1.5, "longitude": 2.5},
        "people": [{"name": name} for name in PEOPLE],
        "url": page_of(number),
        "googlePhotosOrigin": {"mobileUpload": {"deviceType": "ANDROID_PHONE"}},
        **photo.flags,
    }
    return json.dumps(record, ensure_ascii=number % 2 == 0).encode()


def may_be_missing(title: str) -> bool:
    """Whether nothing else can take the name of this photo where its own file was not exported.

    A moving half or an edited version of another photo would: that cannot be told by names.
    """
    return not title.endswith(MOVING) and "-e" not in title


def folder_of(photos: list[tuple[int, Photo]], path: str, layout: Layout, export: Export) -> None:
    """Write a folder of an export: each photo with what belongs to it, in order."""
    media, records = _Names(), _Names()
    for number, photo in photos:
        title = cleaned(photo.title)
        known = next((each for each in (*ENDINGS, *MOVING) if title.endswith(each)), "")
        stem, ending = title.removesuffix(known), known or ".jpg"
        written: list[str] = []
        if photo.exported or not may_be_missing(photo.title):
            name, twin = media.take(cut(stem, LONGEST - len(ending)), ending)
            written.append(name)
            shared = None if layout.own_numbers else twin
            if photo.edited:
                added = cut(stem + layout.edited, LONGEST - len(ending))
                written.append(media.take(added, ending, shared)[0])
            if photo.live and ending not in MOVING:
                written.append(media.take(cut(stem, LONGEST - 4), ".MP4", shared)[0])
        for name in written:
            export.files[f"{path}/{name}"] = f"{path}/{name} {number}".encode()
            export.pages[f"{path}/{name}"] = page_of(number)
            export.photos[f"{path}/{name}"] = photo
        body = cut(title + layout.mark, LONGEST - len(".json"))
        record, _ = records.take(body, ".json")
        export.files[f"{path}/{record}"] = sidecar(photo, number)


def export_of(
    photos: list[Photo], layout: Layout = LAYOUTS[0], in_album: frozenset[int] = frozenset()
) -> Export:
    """Write an export with a folder of the year, and an album that holds some of it again."""
    export = Export(files={}, pages={}, photos={})
    numbered = list(enumerate(photos))
    folder_of(numbered, f"{layout.root}/{layout.year}", layout, export)
    chosen = [each for each in numbered if each[0] in in_album]
    if chosen:
        album = f"{layout.root}/{layout.album}"
        folder_of(chosen, album, layout, export)
        record = {"title": layout.album, "description": "", "access": "protected", "date": {}}
        export.files[f"{album}/{layout.album_record}"] = json.dumps(record).encode()
    export.files["Takeout/archive_browser.html"] = b"<html></html>"
    return export


_STEMS = (
    *(
        "IMG",
        "IMG_1",
        "IMG(1)",
        "a&b",
        "a#b",
        "a_b",
        "Zoë",
        "holiday.2",
        "x-edited",
        "x",
        "[UNSET]",
    ),
    *("😀" * 30, "🏖 beach 🏖", "l" * 43, "l" * 46, "l" * 46 + "a", "l" * 46 + "b", "l" * 47),
    *("l" * 47 + "x", "l" * 47 + "y", "l" * 60, "l" * 44 + "-e", "PXL_1.MP", "03.03.13 - 1"),
)

titles = st.one_of(
    st.tuples(st.sampled_from(_STEMS), st.sampled_from((*ENDINGS, ""))).map("".join),
    st.tuples(
        st.text(
            st.characters(exclude_categories=("Cs", "Cc", "Co", "Cn"), exclude_characters="/\0"),
            min_size=1,
            max_size=70,
        ),
        st.sampled_from(ENDINGS),
    ).map("".join),
)
"""Of photos: few enough stems that many meet, at and around the lengths where names are cut."""

flags = st.sampled_from(
    (
        *({},) * 6,
        {"trashed": True},
        {"archived": True},
        {"inLockedFolder": True},
        {"googlePhotosOrigin": {"fromPartnerSharing": {}}},
        {"googlePhotosOrigin": {"fromSharedAlbum": {}}},
        {"archived": False, "favorited": True},
    )
)
photos = st.builds(
    Photo,
    title=titles,
    flags=flags,
    edited=st.booleans(),
    live=st.booleans(),
    exported=st.sampled_from((True, True, True, True, False)),
)
exports = st.builds(
    export_of,
    st.lists(photos, min_size=1, max_size=12),
    st.sampled_from(LAYOUTS),
    st.frozensets(st.integers(0, 11)),
)
"""Whole exports, of any language and age."""
