"""The copy of their information that Facebook gives the holder of an account, as JSON.

Layouts: ``your_facebook_activity/posts/`` (since 2023), ``your_activity_across_facebook/posts/``
(2022), ``posts/`` and ``photos_and_videos/`` (before). Text is UTF-8 that was read as Latin-1.
Posts carry no address of their own, so most links lead to the profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from likeness.records.sighting import LinkConfidence
from likeness.sources.base import SkippedEntry
from likeness.sources.exports.formats import Posted, export_link
from likeness.sources.exports.meta import ended, pages_in, placed, words
from likeness.sources.exports.records import (
    JsonItem,
    at,
    json_items,
    list_at,
    moment_at,
    numbered,
    read_json,
    text_at,
    under,
    uppermost,
)
from likeness.sources.exports.tree import ExportTree
from likeness.sources.links import address_problem

_TOP = r"(?P<top>(?:[^/]+/){0,2}?)"
_ACTIVITY = (
    r"(?:your_facebook_activity/|your_activity_across_facebook/"
    r"|this_profile's_activity_across_facebook/)"
)
_IS = re.compile(
    rf"{_TOP}(?:{_ACTIVITY}posts/.*|posts/your_posts[^/]*\.json"
    r"|(?:personal_information/)?profile_information/profile_information\.json)"
)
_RECORDS = re.compile(
    rf"{_TOP}{_ACTIVITY}?(?:posts|photos_and_videos)/(?:(?P<posts>"
    r"your_posts(?:__check_ins__photos_and_videos)?(?:_[0-9]+)?)"
    r"|(?P<listed>album/[0-9]+|your_uncategorized_photos|your_photos|your_videos))\.json"
)
_ENDED = re.compile(
    rf"{_TOP}{_ACTIVITY}?(?:(?:posts|photos_and_videos|other_activity)/)?"
    r"(?:(?:archive|trash)/[^/]+|(?:your_)?(?:archived?|trash)(?:_[^/]*)?)\.json"
)
_PROFILE = re.compile(
    rf"{_TOP}(?:personal_information/)?profile_information/profile_information\.json"
)
_PROFILE_URI = re.compile(r"https://(?:www\.|m\.)?facebook\.com/([\w.\-/?=%]{1,200})", re.ASCII)
_USERNAME = re.compile(r"[A-Za-z0-9.]{1,100}")
_PHOTO_PAGE = re.compile(
    r"https?://(?:www\.|m\.|web\.)?facebook\.com/photo(?:\.php|/)?\?(?:[^#]*&)?"
    r"fbid=([0-9]{1,20})(?:[&#].*)?",
    re.DOTALL,
)
_NUMBERS = re.compile(r"[0-9]{5,20}")
_HOLDERS_WORDS = frozenset({"title", "description", "comments", "tags"})
_UNTOLD = "https://www.facebook.com/"
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "messages": "a message",
        "inbox": "a message",
        "message_requests": "a message",
        "archived_threads": "a message",
        "filtered_threads": "a message",
        "stickers_used": "a message",
        "photos_of_you": "posted by somebody else",
        "photos_you_are_tagged_in": "posted by somebody else",
        "archive": "archived",
        "trash": "a deleted post",
        "stories": "a story",
        "groups": "posted in a group",
        "facebook_groups": "posted in a group",
        "comments": "a comment",
        "comments_and_reactions": "a comment",
        "marketplace": "an offer for sale",
        "facebook_marketplace": "an offer for sale",
        "dating": "from a dating profile",
        "facebook_dating": "from a dating profile",
    }
)


@dataclass(frozen=True, kw_only=True)
class FacebookFormat:
    """Facebook; see `ExportFormat`."""

    name: str = "Facebook"
    slug: str = "facebook"

    def recognises(self, tree: ExportTree) -> bool:
        return any(_IS.fullmatch(member.name) for member in tree.members())

    def account(self, tree: ExportTree) -> str:
        top = uppermost(numbered(tree, _RECORDS))
        for member, _ in under(top, numbered(tree, _PROFILE)):
            found = read_json(tree, member)
            if isinstance(found, SkippedEntry):
                continue
            for key in ("profile_v2", "profile"):
                address = text_at(found.value, key, "profile_uri")
                if _PROFILE_URI.fullmatch(address) and not address_problem(address):
                    return address
                username = text_at(found.value, key, "username")
                if _USERNAME.fullmatch(username):
                    return _UNTOLD + username
        return ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        profile = self.account(tree) or _UNTOLD
        # First, and wherever it lies, so that what is archived or in the bin as well is not taken.
        for member, match in numbered(tree, _ENDED):
            reason = "a deleted post" if "trash" in member.name else "archived"
            yield from ended(tree, match["top"], [member], reason)
        records = numbered(tree, _RECORDS)
        for member, match in under(uppermost(records), records):
            for found in json_items(tree, member):
                if isinstance(found, SkippedEntry):
                    yield found
                    continue
                media = _in_post(found.value) if match["posts"] else _listed(found)
                for each in media:
                    yield _posted(tree, match["top"], profile, each)

    def reason_for(self, name: str) -> str:
        for part in name.split("/")[:-1]:
            if part in _REASONS:
                return _REASONS[part]
        return "no post refers to it"


FORMAT = FacebookFormat()


@dataclass(frozen=True, kw_only=True)
class _Media:
    """A photo or video that a record names: its path, and what is told of it."""

    uri: str
    taken_at: datetime | None
    text: str
    fbid: str


def _in_post(post: Any) -> Iterator[_Media]:
    texts = (words(each, "post") for each in list_at(post, "data"))
    text = next((each for each in texts if each), "")
    for attachment in list_at(post, "attachments"):
        parts = list_at(attachment, "data")
        beside = [at(part, "external_context") for part in parts]
        for part in parts:
            yield from _media(at(part, "media"), text, beside)


def _listed(item: JsonItem) -> Iterator[_Media]:
    """What an album, or one of the lists of photos and videos, names."""
    if item.key != "cover_photo":
        yield from _media(item.value, "", [])


def _media(media: Any, text: str, beside: list[Any]) -> Iterator[_Media]:
    uri = text_at(media, "uri")
    if not uri:
        return
    taken_at = None
    for kind in ("photo_metadata", "video_metadata"):
        exif = at(media, "media_metadata", kind, "exif_data", 0)
        taken_at = taken_at or moment_at(exif, "taken_timestamp")
    yield _Media(
        uri=uri,
        taken_at=taken_at or moment_at(media, "creation_timestamp"),
        text=text or words(media, "description") or words(media, "title"),
        fbid=_fbid(media, uri, beside),
    )


def _fbid(media: dict[str, Any], uri: str, beside: list[Any]) -> str:
    """Return the number of the photo's own page, where the record states its address."""
    # What the holder wrote may hold the address of any photo.
    stated = [value for key, value in media.items() if key not in _HOLDERS_WORDS]
    own = pages_in(stated, _PHOTO_PAGE)
    if not own:
        # So may an address beside it; but Facebook names files by the numbers of their photos.
        own = pages_in(beside, _PHOTO_PAGE) & set(_NUMBERS.findall(uri.rpartition("/")[2]))
    return own.pop() if len(own) == 1 else ""


def _posted(tree: ExportTree, top: str, profile: str, media: _Media) -> Posted | SkippedEntry:
    member = placed(tree, top, media.uri, _REASONS)
    if isinstance(member, SkippedEntry):
        return member
    page = profile
    confidence: LinkConfidence = "profile-only"
    if media.fbid:
        page, confidence = f"{_UNTOLD}photo.php?fbid={media.fbid}", "exact"
    link = export_link(page, confidence=confidence, taken_at=media.taken_at, text=media.text)
    return Posted(member=member, link=link)
