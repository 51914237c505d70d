"""Whole exports of Instagram, old and new, with the posts and traps that a test asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from exports_made import Made, as_json, misread
from hypothesis import strategies as st

Layout = Literal["2024", "2022", "2021"]
_ROOT = {
    "2024": "your_instagram_activity/media/",
    "2022": "your_instagram_activity/content/",
    "2021": "content/",
}
_ABOUT = {
    "2024": "personal_information/personal_information/personal_information.json",
    "2022": "personal_information/personal_information.json",
    "2021": "account_information/personal_information.json",
}

Kind = Literal["own", "missing", "archived", "deleted", "archived and shown"]
KINDS: tuple[Kind, ...] = ("own", "missing", "archived", "deleted", "archived and shown")
Place = Literal["posts", "reels", "stories"]
PLACES: tuple[Place, ...] = ("posts", "reels", "stories")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One post, reel or story with some photos or a video."""

    kind: Kind = "own"
    place: Place = "posts"
    folder: str = "202306"
    text: str = "words"
    photos: int = 1


def instagram_export(
    shots: tuple[Shot, ...],
    *,
    layout: Layout = "2024",
    username: str | None = "some.one_1",
    top: str = "",
    per_file: int = 1_000,
    messages: int = 1,
) -> Made:
    """Make an export, its posts dealt out to files of ``per_file`` each."""
    profile = f"https://www.instagram.com/{username}/" if username else ""
    made = Made(account=profile)
    records: dict[str, list[Any]] = {kind: [] for kind in (*PLACES, "archived", "deleted")}
    for number, shot in enumerate(shots):
        media = [
            _media(made, top, f"{number}-{n}", shot, profile or "https://www.instagram.com/")
            for n in range(1 if shot.place == "stories" else shot.photos)
        ]
        record = _record(shot, media)
        if shot.kind not in ("archived", "deleted"):
            records[shot.place].append(record)
        if shot.kind == "archived and shown":
            records["archived"].append(record)
        elif shot.kind in records:
            records[shot.kind].append(record)
    root = top + _ROOT[layout]
    for part in range(0, max(1, len(records["posts"])), per_file):
        name = f"{root}posts_{part // per_file + 1}.json"
        made.files[name] = as_json(records["posts"][part : part + per_file])
    for name, key, place in (
        ("reels", "ig_reels_media", "reels"),
        ("stories", "ig_stories", "stories"),
        ("archived_posts", "ig_archived_post_media", "archived"),
        ("recently_deleted_content", "ig_recently_deleted_media", "deleted"),
    ):
        made.files[f"{root}{name}.json"] = as_json({key: records[place]})
    about = {"string_map_data": {"Username": {"value": username}}} if username else {}
    made.files[top + _ABOUT[layout]] = as_json({"profile_user": [about]})
    for number in range(messages):
        for name in (
            f"{top}your_instagram_activity/messages/inbox/other_1/photos/{number}.jpg",
            f"{top}media/profile/202306/{number}.jpg",
            f"{top}media/other/202306/{number}.jpg",
        ):
            made.media(name)
            made.refused.add(name)
    return made


def _record(shot: Shot, media: list[dict[str, Any]]) -> dict[str, Any]:
    if shot.place == "stories":
        return media[0]
    if len(media) > 1:
        return {"media": media, "title": misread(shot.text), "creation_timestamp": 1_600_000_000}
    return {"media": media}


def _media(made: Made, top: str, base: str, shot: Shot, profile: str) -> dict[str, Any]:
    suffix = "mp4" if shot.place == "reels" else "jpg"
    uri = f"media/{shot.place}/{shot.folder}/{base}.{suffix}"
    name = top + uri
    if shot.kind == "missing":
        made.missing.add(name)
    else:
        made.media(name)
    if shot.kind == "own":
        made.pages[name] = profile
        made.confidence[name] = "profile-only"
    elif shot.kind != "missing":
        made.ended.add(name)
    alone = shot.photos == 1 or shot.place == "stories"
    return {
        "uri": misread(uri),
        "creation_timestamp": 1_600_000_000,
        "media_metadata": {"photo_metadata": {"exif_data": [{"device_id": "x"}]}},
        "title": misread(shot.text) if alone else "",
    }


_shots = st.builds(
    Shot,
    kind=st.sampled_from(KINDS),
    place=st.sampled_from(PLACES),
    folder=st.sampled_from(["202306", "Zoë", "\u65e5\u672c", "a b#%", "\U0001f600"]),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    photos=st.integers(1, 3),
)

instagram_exports = st.builds(
    instagram_export,
    st.lists(_shots, max_size=8).map(tuple),
    layout=st.sampled_from(["2024", "2022", "2021"]),
    username=st.none() | st.from_regex(r"[a-z0-9_][a-z0-9._]{0,20}", fullmatch=True),
    top=st.sampled_from(["", "instagram-some-one/", "a/b c/"]),
    per_file=st.integers(1, 4),
    messages=st.integers(0, 2),
)
"""Any export, with what is to be taken of it."""
