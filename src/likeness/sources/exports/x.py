"""The archive that X (Twitter) gives the holder of an account.

Layouts since 2018: ``data/tweets.js`` with ``data/tweets_media/``; ``data/tweet.js`` with
``data/tweet_media/``; ``tweet.js`` with ``tweet_media/``. Each ``.js`` holds JSON behind the first
``=``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from html import unescape
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from likeness.errors import SourceUnreadable
from likeness.sources.base import SkippedEntry
from likeness.sources.exports.formats import Posted, export_link
from likeness.sources.exports.records import (
    Found,
    at,
    item_of_path,
    json_items,
    list_at,
    numbered,
    read_json,
    text_at,
    under,
    uppermost,
)
from likeness.sources.exports.source import NOT_HERE
from likeness.sources.exports.tree import ExportTree, Member

_TOP = r"(?P<top>(?:[^/]+/){0,2}?(?:data/)?)"
_RECORDS = re.compile(
    _TOP + r"(?:(?P<tweets>tweets?(?:-part[0-9]+)?)|(?P<deleted>deleted-tweets?(?:-part[0-9]+)?)"
    r"|(?P<account>account|manifest))\.js"
)
_MEDIA_FOLDERS = ("tweets_media", "tweet_media")
_ID = re.compile(r"[0-9]{1,20}")
_USERNAME = re.compile(r"[A-Za-z0-9_]{1,20}")
_BASENAME = re.compile(r"[\w.@:-]{1,200}", re.ASCII)
_DATE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([0-9]{2}) ([0-9]{2}):([0-9]{2}):([0-9]{2}) "
    r"([+-])([0-9]{2})([0-9]{2}) ([0-9]{4})"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "direct_messages_media": "a message",
        "direct_message_media": "a message",
        "direct_messages_group_media": "a message",
        "direct_message_group_media": "a message",
        "profile_media": "a profile picture",
        "deleted_tweets_media": "a deleted post",
        "deleted_tweet_media": "a deleted post",
        "moments_media": "part of a moment",
        "moments_tweets_media": "part of a moment",
        "community_tweet_media": "a post in a community",
        "grok_chat_media": "a chat with an assistant",
    }
)


@dataclass(frozen=True, kw_only=True)
class _Holder:
    """Whose archive it is: number and name of the account, empty where not told."""

    account_id: str
    username: str

    def page(self, tweet_id: str) -> str:
        # Without a name X finds the post by its number.
        return f"https://twitter.com/{self.username or 'i/web'}/status/{tweet_id}"


@dataclass(frozen=True, kw_only=True)
class _Media:
    """A photo or video of a tweet: where it was published, by the names that its file may have."""

    addresses: Mapping[str, str]
    own: bool


@dataclass(frozen=True, kw_only=True)
class XFormat:
    """X (Twitter); see `ExportFormat`."""

    name: str = "X (Twitter)"
    slug: str = "x"

    def recognises(self, tree: ExportTree) -> bool:
        found = _records(tree)
        return any(match["tweets"] for _, match in found) and any(m["account"] for _, m in found)

    def account(self, tree: ExportTree) -> str:
        username = _holder(tree).username
        return f"https://twitter.com/{username}" if username else ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        holder = _holder(tree)
        records = _records(tree)
        deleted: set[str] = set()
        for member, match in records:
            if match["deleted"]:
                yield from _ended(tree, member, match["top"], deleted)
        for member, match in records:
            if not match["tweets"]:
                continue
            for found in json_items(tree, member, assigned=True):
                if isinstance(found, SkippedEntry):
                    yield found
                else:
                    yield from _posted(tree, match["top"], holder, _tweet(found.value), deleted)

    def reason_for(self, name: str) -> str:
        for part in name.split("/"):
            if part in _REASONS:
                return _REASONS[part]
        return "no post refers to it"


FORMAT = XFormat()


def _records(tree: ExportTree) -> list[Found]:
    found = numbered(tree, _RECORDS)
    return under(uppermost([each for each in found if each[1]["tweets"]]), found)


def _holder(tree: ExportTree) -> _Holder:
    account_id = username = ""
    for member, match in _records(tree):
        if not match["account"]:
            continue
        found = read_json(tree, member, assigned=True)
        if isinstance(found, SkippedEntry):
            continue
        of_account = at(found.value, 0, "account") or at(found.value, "userInfo")
        told_id = text_at(of_account, "accountId")
        told_name = text_at(of_account, "username") or text_at(of_account, "userName")
        account_id = account_id or (told_id if _ID.fullmatch(told_id) else "")
        username = username or (told_name if _USERNAME.fullmatch(told_name) else "")
    return _Holder(account_id=account_id, username=username)


def _tweet(value: Any) -> Any:
    return at(value, "tweet") or value


def _ended(tree: ExportTree, member: Member, top: str, deleted: set[str]) -> Iterator[SkippedEntry]:
    """Tell the media of deleted tweets, which an earlier archive may have held as posted."""
    for found in json_items(tree, member, assigned=True):
        if isinstance(found, SkippedEntry):
            raise SourceUnreadable(
                f"What was deleted cannot be told: {found.item}, {found.reason}.",
                "Download the archive from X again.",
            )
        tweet = _tweet(found.value)
        tweet_id = text_at(tweet, "id_str") or text_at(tweet, "id")
        if not _ID.fullmatch(tweet_id):
            continue
        deleted.add(tweet_id)
        for media in _media(tweet, tweet_id, ""):
            for folder in _MEDIA_FOLDERS:
                for name in media.addresses:
                    item = item_of_path(f"{top}{folder}/{name}")
                    yield SkippedEntry(item=item, reason="a deleted post", ends=True)


def _posted(
    tree: ExportTree, top: str, holder: _Holder, tweet: Any, deleted: set[str]
) -> Iterator[Posted | SkippedEntry]:
    tweet_id = text_at(tweet, "id_str") or text_at(tweet, "id")
    if not _ID.fullmatch(tweet_id):
        return
    text = text_at(tweet, "full_text") or text_at(tweet, "text")
    # In an archive "retweeted" is always false, and the words of a retweet begin so.
    retweet = text.startswith("RT @") or at(tweet, "retweeted_status") is not None
    for media in _media(tweet, tweet_id, holder.account_id):
        name, member = _file(tree, top, media.addresses)
        item = item_of_path(member.name if member else f"{top}{_MEDIA_FOLDERS[0]}/{name}")
        if tweet_id in deleted:
            yield SkippedEntry(item=item, reason="a deleted post", ends=True)
        elif retweet or not media.own:
            if member is not None:
                reason = "a retweet" if retweet else "posted by another account"
                yield SkippedEntry(item=item, reason=reason)
        elif member is None:
            yield SkippedEntry(item=item, reason=NOT_HERE)
        else:
            link = export_link(
                holder.page(tweet_id),
                confidence="exact",
                taken_at=_moment(text_at(tweet, "created_at")),
                text=unescape(text),
                media_url=media.addresses[name],
            )
            yield Posted(member=member, link=link)


def _media(tweet: Any, tweet_id: str, account_id: str) -> Iterator[_Media]:
    listed = list_at(tweet, "extended_entities", "media") or list_at(tweet, "entities", "media")
    for each in listed:
        photo = text_at(each, "media_url_https") or text_at(each, "media_url")
        addresses = [*_videos(each), photo]
        by_name = {f"{tweet_id}-{_basename(a)}": a for a in reversed(addresses) if _basename(a)}
        if not by_name:
            continue
        sources = [text_at(each, key) for key in ("source_user_id_str", "source_user_id")]
        from_users = {user for user in sources if user}
        from_tweets = {text_at(each, k) for k in ("source_status_id_str", "source_status_id")}
        own = from_tweets <= {"", tweet_id} if not from_users else from_users == {account_id}
        yield _Media(addresses=dict(reversed(by_name.items())), own=own)


def _videos(media: Any) -> list[str]:
    """Addresses of a video, the best first; the archive holds one of them."""
    variants = []
    for each in list_at(media, "video_info", "variants"):
        if text_at(each, "content_type") != "video/mp4":
            continue
        rate = text_at(each, "bitrate")
        variants.append((int(rate) if _ID.fullmatch(rate) else 0, text_at(each, "url")))
    return [address for _, address in sorted(variants, key=lambda each: -each[0])]


def _basename(address: str) -> str:
    try:
        name = urlsplit(address).path.rpartition("/")[2]
    except ValueError:
        return ""
    return name if _BASENAME.fullmatch(name) else ""


def _file(tree: ExportTree, top: str, names: Iterable[str]) -> tuple[str, Member | None]:
    """Find the file of a photo or video; without one, return the name of the best."""
    for name in names:
        for folder in _MEDIA_FOLDERS:
            member = tree.find(f"{top}{folder}/{name}")
            if member is not None:
                return name, member
    return next(iter(names)), None


def _moment(text: str) -> datetime | None:
    found = _DATE.fullmatch(text)
    if found is None or found[1] not in _MONTHS:
        return None
    month = _MONTHS.index(found[1]) + 1
    day, hour, minute, second, year = (int(found[n]) for n in (2, 3, 4, 5, 9))
    ahead = timedelta(hours=int(found[7]), minutes=int(found[8]))
    try:
        zone = timezone(ahead if found[6] == "+" else -ahead)
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
