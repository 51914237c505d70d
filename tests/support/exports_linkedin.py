"""Whole synthetic exports of LinkedIn: tables as it writes them, quirks and all, and photos."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

_BEGIN = datetime(2021, 5, 3, 14, 15, 42, tzinfo=UTC)
_KINDS = ("feed photo", "profile photo", "message attachment")


@dataclass(frozen=True, kw_only=True)
class Post:
    """A post, with the photo that was uploaded for it.

    Attributes
    ----------
    text : str
        Words of the post; may have several lines and quotes.
    kind : str
        What the table of uploads calls it; empty where it is only in the table of posts.
    early : int
        Minutes between the upload and the post.
    held : bool
        Whether the photo's file is in the archive.
    """

    text: str
    kind: str = "feed photo"
    early: int = 2
    held: bool = True


@dataclass(frozen=True, kw_only=True)
class Export:
    """Files by path, and the page of the post that each photo is of (empty: not known)."""

    files: dict[str, bytes]
    pages: dict[str, str]


def page_of(number: int) -> str:
    return f"https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A{6_700_000_000_000 + number}"


def said(kind: str, moment: datetime) -> str:
    hour = moment.strftime("%I").lstrip("0")
    day = f"{moment:%B} {moment.day}, {moment.year}"
    return f"You uploaded a {kind} on {day} at {hour}:{moment:%M %p} (GMT)"


def field(text: str) -> str:
    """Write a commentary as LinkedIn does: each line in quotes of its own."""
    doubled = text.replace('"', '""')
    return '"' + doubled.replace("\n", '"\r\n"') + '"'


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def export_of(posts: list[Post], folder: str = "", media: str = "media/") -> Export:
    """Write an export; the posts are an hour and more apart, the newest first."""
    files: dict[str, bytes] = {}
    pages: dict[str, str] = {}
    shares = ["Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility"]
    uploads = ["Date/Time,Media Description,Media Link"]
    for number, post in enumerate(posts):
        moment = _BEGIN + timedelta(hours=3 * number)
        name = f"C4E22AQ{number:08d}"
        link = f"https://media.licdn.com/dms/image/{name}/feedshare-shrink/0/{number}?e=1&t=x"
        posted = "" if post.kind else link
        when = f"{moment:%Y-%m-%d %H:%M:%S}"
        shares.insert(1, f"{when},{page_of(number)},{field(post.text)},,{posted},MEMBER_NETWORK")
        if post.kind:
            words = quoted(post.text) if post.text else "-"
            uploaded = quoted(said(post.kind, moment - timedelta(minutes=post.early)))
            uploads.append(f"{uploaded},{words},{link}")
        if post.held:
            files[f"{folder}{media}{name}.jpg"] = name.encode()
            pages[f"{folder}{media}{name}.jpg"] = page_of(number)
    files[f"{folder}Shares.csv"] = "\ufeff".encode() + "\r\n".join(shares).encode() + b"\r\n"
    files[f"{folder}Rich_Media.csv"] = "\r\n".join(uploads).encode() + b"\r\n"
    files[f"{folder}Profile.csv"] = b"First Name,Last Name\r\nA,B\r\n"
    return Export(files=files, pages=pages)


_texts = st.one_of(
    st.sampled_from(("", "Same words in two posts", 'He said "yes"\n\nand went', '"', "a\nb,c\n")),
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="-"), max_size=30),
)
posts = st.builds(
    Post,
    text=_texts,
    kind=st.sampled_from((*_KINDS, "feed photo", "feed photo", "")),
    early=st.integers(0, 70),
    held=st.booleans(),
)
exports = st.builds(
    export_of,
    st.lists(posts, min_size=1, max_size=8),
    st.sampled_from(("", "Basic_LinkedInDataExport_05-03-2021/")),
    st.sampled_from(("media/", "", "Media Files/")),
)
