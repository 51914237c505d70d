"""Whole archives of X (Twitter), old and new, with the posts and traps that a test asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from exports_made import Made, as_json
from hypothesis import strategies as st

Layout = Literal["2022", "2019", "2018"]
_TWEETS = {"2022": "data/tweets", "2019": "data/tweet", "2018": "tweet"}
_MEDIA = {"2022": "data/tweets_media", "2019": "data/tweet_media", "2018": "tweet_media"}

Kind = Literal["own", "retweet", "other account", "deleted", "missing", "own again"]
KINDS: tuple[Kind, ...] = ("own", "retweet", "other account", "deleted", "missing", "own again")
ACCOUNT_ID = "4242"


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One photo or video of a tweet."""

    base: str = "Abc-1_2.jpg"
    video: bool = False


@dataclass(frozen=True, kw_only=True)
class Tweet:
    """One tweet and what is special about it."""

    kind: Kind = "own"
    text: str = "words"
    shots: tuple[Shot, ...] = (Shot(),)
    entities_only: bool = False


def x_archive(
    tweets: tuple[Tweet, ...],
    *,
    layout: Layout = "2022",
    username: str = "some_one",
    top: str = "",
    per_file: int = 1_000,
    messages: int = 1,
) -> Made:
    """Make an archive, its tweets dealt out to files of ``per_file`` each."""
    made = Made(account=f"https://twitter.com/{username}")
    records: list[Any] = []
    deleted: list[Any] = []
    for number, tweet in enumerate(tweets, 1_000):
        media = []
        for place, shot in enumerate(tweet.shots):
            media.append(
                _media(made, f"{top}{_MEDIA[layout]}", number, place, tweet, shot, username)
            )
        record = _record(str(number), tweet, media)
        records.append(record if layout == "2018" else {"tweet": record})
        if tweet.kind == "deleted":
            deleted.append({"tweet": record})
    folder = f"{top}data/" if layout != "2018" else top
    for part in range(0, max(1, len(records)), per_file):
        name = _TWEETS[layout] + (f"-part{part // per_file}" if part else "")
        made.files[f"{top}{name}.js"] = _script("tweets", records[part : part + per_file])
    account = [{"account": {"accountId": ACCOUNT_ID, "username": username}}]
    made.files[f"{folder}account.js"] = _script("account", account)
    made.files[f"{folder}deleted-tweets.js"] = _script("deleted_tweets", deleted)
    made.files[f"{folder}direct-messages.js"] = _script("direct_messages", [])
    made.files[f"{folder}profile.js"] = _script("profile", [])
    for number in range(messages):
        for place in ("direct_messages_media", "profile_media", "deleted_tweets_media"):
            name = f"{folder}{place}/{number}-m.jpg"
            made.media(name)
            made.refused.add(name)
    return made


def _script(what: str, records: Any) -> bytes:
    return f"window.YTD.{what}.part0 = ".encode() + as_json(records)


def _record(tweet_id: str, tweet: Tweet, media: list[dict[str, Any]]) -> dict[str, Any]:
    words = ("RT @another: " if tweet.kind == "retweet" else "") + tweet.text
    record: dict[str, Any] = {
        "id_str": tweet_id,
        "created_at": "Wed Oct 10 20:19:24 +0000 2018",
        "full_text": words,
        "entities": {"media": media[:1]},
    }
    if tweet.entities_only:
        record["entities"] = {"media": media}
    else:
        record["extended_entities"] = {"media": media}
    return record


def _media(
    made: Made, folder: str, tweet_id: int, place: int, tweet: Tweet, shot: Shot, username: str
) -> dict[str, Any]:
    base = f"{place}{shot.base}"
    thumbnail = f"https://pbs.twimg.com/media/{base}"
    media: dict[str, Any] = {"type": "photo", "media_url_https": thumbnail, "media_url": thumbnail}
    if shot.video:
        base = f"{place}best.mp4"
        media["type"] = "video"
        media["video_info"] = {
            "variants": [
                {"content_type": "application/x-mpegURL", "url": "https://video.twimg.com/a.m3u8"},
                {"bitrate": "256000", "content_type": "video/mp4", "url": "https://v/s/low.mp4"},
                {
                    "bitrate": "832000",
                    "content_type": "video/mp4",
                    "url": f"https://video.twimg.com/x/{base}?tag=10",
                },
            ]
        }
    if tweet.kind == "other account":
        media |= {"source_status_id_str": "77", "source_user_id_str": "99"}
    if tweet.kind == "own again":
        media |= {"source_status_id_str": "77", "source_user_id_str": ACCOUNT_ID}
    name = f"{folder}/{tweet_id}-{base}"
    if tweet.kind == "missing":
        # Named in the current folder, whatever the layout: nothing tells where it would lie.
        made.missing.add(f"{folder.rpartition('/')[0]}/tweets_media/{tweet_id}-{base}".lstrip("/"))
        return media
    made.media(name)
    if tweet.kind in ("own", "own again"):
        made.pages[name] = f"https://twitter.com/{username}/status/{tweet_id}"
        made.confidence[name] = "exact"
    elif tweet.kind == "deleted":
        made.ended.add(name)
    else:
        made.refused.add(name)
    return media


_shots = st.builds(
    Shot,
    base=st.from_regex(r"[A-Za-z0-9_-]{1,15}\.(jpg|png)", fullmatch=True),
    video=st.booleans(),
)
_tweets = st.builds(
    Tweet,
    kind=st.sampled_from(KINDS),
    text=st.text(max_size=40).filter(lambda text: not text.startswith("RT @")),
    shots=st.lists(_shots, max_size=4).map(tuple),
    entities_only=st.booleans(),
)

x_archives = st.builds(
    x_archive,
    st.lists(_tweets, max_size=8).map(tuple),
    layout=st.sampled_from(["2022", "2019", "2018"]),
    username=st.from_regex(r"[A-Za-z0-9_]{1,15}", fullmatch=True),
    top=st.sampled_from(["", "twitter-2024-05-01-ab/", "a/b c/"]),
    per_file=st.integers(1, 4),
    messages=st.integers(0, 2),
)
"""Any archive, with what is to be taken of it."""
