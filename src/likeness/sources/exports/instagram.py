"""The copy of their information that Instagram gives the holder of an account, as JSON.

Layouts: ``your_instagram_activity/media/`` or ``…/content/`` (since 2022), ``content/`` (2021),
``media.json`` (before). Text is UTF-8 that was read as Latin-1. Posts carry no address of their
own, so links lead to the profile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from likeness.sources.base import SkippedEntry
from likeness.sources.exports.formats import Posted, export_link
from likeness.sources.exports.meta import ended, placed, words
from likeness.sources.exports.records import (
    JsonItem,
    at,
    item_of_path,
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
from likeness.sources.links import moment_of

_TOP = r"(?P<top>(?:[^/]+/){0,2}?)"
_PLACE = r"(?:your_instagram_activity/(?:media|content)/|content/)"
_IS = re.compile(
    rf"{_TOP}(?:your_instagram_activity/.*|content/posts_[0-9]+\.json"
    r"|(?:personal_information|account_information)/(?:personal_information/)?"
    r"personal_information\.json)"
)
_OLD_IS = re.compile(rf"{_TOP}(?P<name>media|profile)\.json")
_RECORDS = re.compile(
    rf"{_TOP}(?:{_PLACE}(?:posts_[0-9]+|reels|stories|igtv_videos)|(?P<old>media))\.json"
)
_ENDED = re.compile(rf"{_TOP}{_PLACE}(?P<kind>archived_posts|recently_deleted_content)\.json")
_PROFILE = re.compile(
    rf"{_TOP}(?:(?:personal_information|account_information)/(?:personal_information/)?"
    r"personal_information|profile)\.json"
)
_USERNAME = re.compile(r"(?!\.)[A-Za-z0-9._]{1,30}")
_UNTOLD = "https://www.instagram.com/"
_OLD_LISTS = frozenset({"photos", "videos", "stories"})
_OLD_REASONS: Mapping[str, str] = MappingProxyType(
    {"direct": "a message", "profile": "a profile picture"}
)
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "messages": "a message",
        "inbox": "a message",
        "message_requests": "a message",
        "direct": "a message",
        "profile": "a profile picture",
        "archived_posts": "archived",
        "recently_deleted": "a deleted post",
        "comments": "a comment",
    }
)


@dataclass(frozen=True, kw_only=True)
class InstagramFormat:
    """Instagram; see `ExportFormat`."""

    name: str = "Instagram"
    slug: str = "instagram"

    def recognises(self, tree: ExportTree) -> bool:
        if any(_IS.fullmatch(member.name) for member in tree.members()):
            return True
        return {match["name"] for _, match in numbered(tree, _OLD_IS)} == {"media", "profile"}

    def account(self, tree: ExportTree) -> str:
        top = uppermost(numbered(tree, _RECORDS))
        for member, _ in under(top, numbered(tree, _PROFILE)):
            found = read_json(tree, member)
            if isinstance(found, SkippedEntry):
                continue
            stated = text_at(found.value, "profile_user", 0, "string_map_data", "Username", "value")
            username = stated or text_at(found.value, "username")
            if _USERNAME.fullmatch(username):
                return f"{_UNTOLD}{username}/"
        return ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        profile = self.account(tree) or _UNTOLD
        # First, and wherever it lies, so that what is archived or in the bin as well is not taken.
        for member, match in numbered(tree, _ENDED):
            reason = "archived" if match["kind"] == "archived_posts" else "a deleted post"
            yield from ended(tree, match["top"], [member], reason)
        records = numbered(tree, _RECORDS)
        for member, match in under(uppermost(records), records):
            for found in json_items(tree, member):
                if isinstance(found, SkippedEntry):
                    yield found
                elif match["old"]:
                    yield from _from_old(tree, match["top"], profile, found)
                else:
                    yield from _from_item(tree, match["top"], profile, found.value)

    def reason_for(self, name: str) -> str:
        for part in name.split("/")[:-1]:
            if part in _REASONS:
                return _REASONS[part]
        return "no post refers to it"


FORMAT = InstagramFormat()


def _from_item(
    tree: ExportTree, top: str, profile: str, item: Any
) -> Iterator[Posted | SkippedEntry]:
    """Read a post, reel or story: one with a list of media, or a single one by itself."""
    text = words(item, "title")
    for media in list_at(item, "media") or [at(item, "media") or item]:
        uri = text_at(media, "uri")
        if not uri:
            continue
        moment = None
        for kind in ("photo_metadata", "video_metadata"):
            exif = at(media, "media_metadata", kind, "exif_data", 0)
            moment = moment or moment_at(exif, "taken_timestamp")
        moment = moment or moment_at(media, "creation_timestamp")
        moment = moment or moment_at(item, "creation_timestamp")
        found = placed(tree, top, uri, _REASONS)
        if isinstance(found, SkippedEntry):
            yield found
            continue
        link = export_link(
            profile,
            confidence="profile-only",
            taken_at=moment,
            text=text or words(media, "title"),
        )
        yield Posted(member=found, link=link)


def _from_old(
    tree: ExportTree, top: str, profile: str, item: JsonItem
) -> Iterator[Posted | SkippedEntry]:
    """Read an item of ``media.json``: lists of photos, videos and stories, and of messages too."""
    uri = text_at(item.value, "path")
    if not uri:
        return
    found = placed(tree, top, uri, _REASONS)
    if isinstance(found, SkippedEntry):
        yield found
    elif item.key not in _OLD_LISTS:
        reason = _OLD_REASONS.get(item.key, "not a post")
        yield SkippedEntry(item=item_of_path(found.name), reason=reason)
    else:
        link = export_link(
            profile,
            confidence="profile-only",
            taken_at=moment_of(text_at(item.value, "taken_at")),
            text=words(item.value, "caption"),
        )
        yield Posted(member=found, link=link)
