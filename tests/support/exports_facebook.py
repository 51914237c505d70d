"""Whole exports of Facebook, old and new, with the posts and traps that a test asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from exports_made import Made, as_json, misread
from hypothesis import strategies as st

Layout = Literal["2023", "2022", "2019"]
_ROOT = {"2023": "your_facebook_activity/", "2022": "your_activity_across_facebook/", "2019": ""}
_POSTS = {
    "2023": "posts/your_posts__check_ins__photos_and_videos_",
    "2022": "posts/your_posts_",
    "2019": "posts/your_posts_",
}

Kind = Literal["own", "stated page", "page beside", "another page beside", "missing", "trash"]
KINDS: tuple[Kind, ...] = (
    "own",
    "stated page",
    "page beside",
    "another page beside",
    "missing",
    "trash",
)
Place = Literal["post", "album", "uncategorized", "videos"]
PLACES: tuple[Place, ...] = ("post", "album", "uncategorized", "videos")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One photo or video: which record names it, and what is special about it."""

    kind: Kind = "own"
    place: Place = "post"
    folder: str = "Holiday_1"
    text: str = "words"


def facebook_export(
    shots: tuple[Shot, ...],
    *,
    layout: Layout = "2023",
    username: str | None = "some.one",
    top: str = "",
    per_file: int = 1_000,
    messages: int = 1,
) -> Made:
    """Make an export, its posts dealt out to files of ``per_file`` each."""
    profile = f"https://www.facebook.com/{username}" if username else ""
    made = Made(account=profile)
    root = _ROOT[layout]
    records: dict[Place, list[Any]] = {place: [] for place in PLACES}
    trash: list[Any] = []
    for number, shot in enumerate(shots, 100_000):
        media = _media(made, top, root, number, shot, profile or "https://www.facebook.com/")
        records[shot.place].append(_record(shot, media, number))
        if shot.kind == "trash":
            trash.append({"title": "x", "attachments": [{"data": [{"media": media}]}]})
    posts = records["post"]
    for part in range(0, max(1, len(posts)), per_file):
        name = f"{top}{root}{_POSTS[layout]}{part // per_file + 1}.json"
        made.files[name] = as_json(posts[part : part + per_file])
    cover = {"uri": f"{root}posts/media/cover.jpg"}
    album = {"name": "Holiday", "photos": records["album"], "cover_photo": cover}
    made.files[f"{top}{root}posts/album/0.json"] = as_json(album)
    listed = {"other_photos_v2": records["uncategorized"]}
    made.files[f"{top}{root}posts/your_uncategorized_photos.json"] = as_json(listed)
    made.files[f"{top}{root}posts/your_videos.json"] = as_json({"videos_v2": records["videos"]})
    made.files[f"{top}{root}posts/trash.json"] = as_json({"trash_v2": trash})
    about = {"profile_v2": {"name": {"full_name": "X"}, "profile_uri": profile}}
    place = "personal_information/" if layout == "2023" else ""
    made.files[f"{top}{place}profile_information/profile_information.json"] = as_json(about)
    for number in range(messages):
        for name in (
            f"{top}{root}messages/inbox/other_1/photos/{number}.jpg",
            f"{top}{root}photos_of_you/{number}.jpg",
            f"{top}{root}posts/media/nobody_1/{number}.jpg",
        ):
            made.media(name)
            made.refused.add(name)
    inbox = {"messages": [{"photos": [{"uri": f"{root}messages/inbox/other_1/photos/0.jpg"}]}]}
    made.files[f"{top}{root}messages/inbox/other_1/message_1.json"] = as_json(inbox)
    return made


def _record(shot: Shot, media: dict[str, Any], number: int) -> dict[str, Any]:
    if shot.place != "post":
        return media
    parts: list[Any] = [{"media": media}]
    if shot.kind in ("page beside", "another page beside"):
        fbid = number if shot.kind == "page beside" else 999_999
        url = f"https://m.facebook.com/photo.php?set=a.1&fbid={fbid}&type=3"
        parts.append({"external_context": {"url": url}})
    return {
        "timestamp": 1_500_000_000,
        "data": [{"update_timestamp": 1_500_000_000}, {"post": misread(shot.text)}],
        "attachments": [{"data": parts}],
    }


def _media(
    made: Made, top: str, root: str, number: int, shot: Shot, profile: str
) -> dict[str, Any]:
    suffix = "mp4" if shot.place == "videos" else "jpg"
    uri = f"{root}posts/media/{shot.folder}/12_{number}_7_n.{suffix}"
    media: dict[str, Any] = {
        "uri": misread(uri),
        "creation_timestamp": 1_500_000_000,
        "title": "Holiday",
        # What the holder writes may hold any address.
        "description": "https://www.facebook.com/photo.php?fbid=1",
    }
    page, confidence = profile, "profile-only"
    if shot.kind == "stated page":
        url = f"https://www.facebook.com/photo.php?fbid={number}"
        media["media_metadata"] = {"photo_metadata": {"fbid": str(number), "url": url}}
    if shot.kind == "stated page" or (shot.kind == "page beside" and shot.place == "post"):
        page, confidence = f"https://www.facebook.com/photo.php?fbid={number}", "exact"
    name = top + uri
    if shot.kind == "missing":
        made.missing.add(name)
        return media
    made.media(name)
    if shot.kind == "trash":
        made.ended.add(name)
    else:
        made.pages[name] = page
        made.confidence[name] = confidence
    return media


_shots = st.builds(
    Shot,
    kind=st.sampled_from(KINDS),
    place=st.sampled_from(PLACES),
    folder=st.sampled_from(
        ["Holiday_1", "Café Zoë_77", "\u65e5\u672c_2", "a b#%_3", "\U0001f600_4"]
    ),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)

facebook_exports = st.builds(
    facebook_export,
    st.lists(_shots, max_size=8).map(tuple),
    layout=st.sampled_from(["2023", "2022", "2019"]),
    username=st.none() | st.from_regex(r"[a-z0-9.]{1,20}", fullmatch=True).filter(str.strip),
    top=st.sampled_from(["", "facebook-some-one/", "a/b c/"]),
    per_file=st.integers(1, 4),
    messages=st.integers(0, 2),
)
"""Any export, with what is to be taken of it."""
