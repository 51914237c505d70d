"""What is taken from an archive of X (Twitter), with which links, and what never is."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_made import Made, as_json, require_accounted, taken
from exports_x import ACCOUNT_ID, Shot, Tweet, x_archive, x_archives
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import SourceUnreadable
from likeness.sources.base import Entry, SkippedEntry
from likeness.sources.exports.source import NOT_HERE, ExportSource
from likeness.sources.exports.x import FORMAT


def _source(tmp_path: Path, made: Made, shape: Shape = "zip") -> ExportSource:
    return ExportSource(tree_of(tmp_path, made.files, shape), FORMAT)


def _reasons(entries: list[Entry]) -> dict[str, str]:
    return {entry.item: entry.reason for entry in entries if isinstance(entry, SkippedEntry)}


def _script(records: Any) -> bytes:
    return b"window.YTD.tweets.part0 = " + as_json(records)


@settings(max_examples=60, deadline=None)
@given(made=x_archives, shape=st.sampled_from(SHAPES))
def test_every_photo_of_any_archive_is_accounted_for(made: Made, shape: Shape) -> None:
    with tempfile.TemporaryDirectory() as place:
        source = _source(Path(place), made, shape)
        assert source.address == made.account
        require_accounted(made, list(source.entries()))


def test_a_photo_links_to_its_post_exactly(tmp_path: Path) -> None:
    made = x_archive((Tweet(text="Caf&eacute; &amp; \u202ecake\nhttps://t.co/x"),))
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    link = photo.posted
    assert photo.item == "data/tweets_media/1000-0Abc-1_2.jpg"
    assert link.page_url == "https://twitter.com/some_one/status/1000"
    assert link.media_url == "https://pbs.twimg.com/media/0Abc-1_2.jpg"
    assert link.taken_at == datetime(2018, 10, 10, 20, 19, 24, tzinfo=UTC)
    assert link.text == "Café & cake https://t.co/x"
    assert (link.confidence, link.link_from) == ("exact", "export")


def test_a_video_is_found_by_the_best_variant_that_is_there(tmp_path: Path) -> None:
    made = x_archive((Tweet(shots=(Shot(video=True),)),), messages=0)
    best = "data/tweets_media/1000-0best.mp4"
    (video,) = taken(list(_source(tmp_path / "best", made).entries()))
    assert (video.item, video.posted.media_url) == (
        best,
        "https://video.twimg.com/x/0best.mp4?tag=10",
    )
    made.files["data/tweets_media/1000-low.mp4"] = made.files.pop(best)
    (video,) = taken(list(_source(tmp_path / "low", made).entries()))
    assert (video.item, video.posted.media_url) == (
        "data/tweets_media/1000-low.mp4",
        "https://v/s/low.mp4",
    )


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("retweet", "a retweet"),
        ("other account", "posted by another account"),
        ("deleted", "a deleted post"),
    ],
)
def test_what_the_holder_did_not_post_or_took_back_is_skipped(
    tmp_path: Path, kind: Any, reason: str
) -> None:
    made = x_archive((Tweet(kind=kind),), messages=0)
    skipped, *others = _source(tmp_path, made).entries()
    assert skipped == SkippedEntry(
        item="data/tweets_media/1000-0Abc-1_2.jpg", reason=reason, ends=kind == "deleted"
    )
    # Where an archive in the layout before would have had it.
    elsewhere = "data/tweet_media/1000-0Abc-1_2.jpg"
    ended = [SkippedEntry(item=elsewhere, reason=reason, ends=True)]
    assert others == (ended if kind == "deleted" else [])


def test_media_of_others_is_skipped_where_the_account_is_not_known(tmp_path: Path) -> None:
    made = x_archive((Tweet(kind="own again"), Tweet()), messages=0)
    made.files["data/account.js"] = b"window.YTD.account.part0 = []"
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    assert photo.posted.page_url == "https://twitter.com/i/web/status/1001"


def test_media_from_another_post_of_nobody_named_is_skipped(tmp_path: Path) -> None:
    made = x_archive((Tweet(),), messages=0)
    media = {"media_url": "http://pbs.twimg.com/media/0Abc-1_2.jpg", "source_status_id_str": "7"}
    record = {"id_str": "1000", "full_text": "x", "entities": {"media": [media]}}
    made.files["data/tweets.js"] = _script([{"tweet": record}])
    assert set(_reasons(list(_source(tmp_path, made).entries())).values()) == {
        "posted by another account"
    }


def test_the_media_of_messages_and_profiles_are_told_by_what_they_are(tmp_path: Path) -> None:
    made = x_archive((), messages=1)
    made.media("data/tweets_media/5-unknown.jpg")
    assert _reasons(list(_source(tmp_path, made).entries())) == {
        "data/direct_messages_media/0-m.jpg": "a message",
        "data/profile_media/0-m.jpg": "a profile picture",
        "data/deleted_tweets_media/0-m.jpg": "a deleted post",
        "data/tweets_media/5-unknown.jpg": "no post refers to it",
    }


def test_a_photo_of_a_post_that_is_not_there_is_told(tmp_path: Path) -> None:
    made = x_archive((Tweet(kind="missing"),), messages=0)
    reasons = _reasons(list(_source(tmp_path, made).entries()))
    assert reasons == {"data/tweets_media/1000-0Abc-1_2.jpg": NOT_HERE}


def test_an_export_that_cannot_tell_what_was_deleted_is_not_read(tmp_path: Path) -> None:
    made = x_archive((Tweet(),))
    made.files["data/deleted-tweets.js"] = b"window.YTD.deleted_tweets.part0 = [{"
    with pytest.raises(SourceUnreadable, match=r"deleted-tweets\.js"):
        list(_source(tmp_path, made).entries())


def test_records_that_are_damaged_are_told_and_what_was_before_is_taken(tmp_path: Path) -> None:
    made = x_archive((Tweet(), Tweet(), Tweet()), per_file=2, messages=0)
    made.files["data/tweets.js"] = made.files["data/tweets.js"][:-30]
    entries = list(_source(tmp_path, made).entries())
    assert {photo.item for photo in taken(entries)} == {
        "data/tweets_media/1000-0Abc-1_2.jpg",
        "data/tweets_media/1002-0Abc-1_2.jpg",
    }
    assert _reasons(entries) == {
        "data/tweets.js": "record not read: damaged or cut short",
        "data/tweets_media/1001-0Abc-1_2.jpg": "no post refers to it",
    }


@pytest.mark.parametrize(
    "username",
    ["a/../../evil", "x" * 500, "a\n", "a?b#c", "", "\uff41\uff42", "javascript:alert(1)", None, 7],
)
def test_a_hostile_name_of_an_account_makes_no_address(tmp_path: Path, username: Any) -> None:
    made = x_archive((Tweet(),), messages=0)
    account = [{"account": {"accountId": ACCOUNT_ID, "username": username}}]
    made.files["data/account.js"] = _script(account)
    source = _source(tmp_path, made)
    (photo,) = taken(list(source.entries()))
    if username == 7:
        assert source.address == "https://twitter.com/7"
    else:
        assert source.address == str(tmp_path.resolve() / "export.zip")
        assert photo.posted.page_url == "https://twitter.com/i/web/status/1000"


@pytest.mark.parametrize(
    "record",
    [
        None,
        7,
        "x",
        [],
        {"id_str": "../1000"},
        {"id_str": "1000", "extended_entities": {"media": {"a": 1}}},
        {"id_str": "1000", "entities": {"media": [None, 7, [], {"media_url": 7}]}},
        {"id_str": "1000", "entities": {"media": [{"media_url": "https://[/x.jpg"}]}},
        {"id_str": "1000", "entities": {"media": [{"media_url": "https://e.org/.."}]}},
        {"id_str": ["1000"], "full_text": {}},
        {"id_str": "1000", "full_text": 5, "created_at": [1], "entities": "media"},
    ],
)
def test_records_of_another_shape_do_no_harm(tmp_path: Path, record: Any) -> None:
    made = x_archive((Tweet(),), messages=0)
    own = {"id_str": "1000", "entities": {"media": [{"media_url": "http://e/0Abc-1_2.jpg"}]}}
    made.files["data/tweets.js"] = _script([{"tweet": record}, record, {"tweet": own}])
    entries = list(_source(tmp_path, made).entries())
    assert [p.item for p in taken(entries)] == ["data/tweets_media/1000-0Abc-1_2.jpg"]


@pytest.mark.parametrize(
    "moment",
    [
        "Wed Xxx 10 20:19:24 +0000 2018",
        "Wed Feb 31 20:19:24 +0000 2018",
        "Wed Oct 10 20:19:24 +9999 2018",
        "Mon Jan 01 00:00:00 +2300 0001",
        "2018-10-10",
        "x" * 9_000,
    ],
)
def test_a_date_that_no_calendar_has_is_left_out(tmp_path: Path, moment: str) -> None:
    made = x_archive((Tweet(),), messages=0)
    media = [{"media_url": "http://e/0Abc-1_2.jpg"}]
    own = {"id_str": "1000", "created_at": moment, "entities": {"media": media}}
    made.files["data/tweets.js"] = _script([{"tweet": own}])
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    assert photo.posted.taken_at is None


def test_two_archives_side_by_side_are_not_read_as_one(tmp_path: Path) -> None:
    one = x_archive((Tweet(),), top="one/", username="one", messages=0)
    two = x_archive((Tweet(),), top="two/", username="two", messages=0)
    one.files |= two.files
    entries = list(_source(tmp_path, one).entries())
    assert {p.posted.page_url for p in taken(entries)} == {"https://twitter.com/one/status/1000"}
    assert _reasons(entries) == {"two/data/tweets_media/1000-0Abc-1_2.jpg": "no post refers to it"}


def test_only_an_archive_of_x_is_recognised(tmp_path: Path) -> None:
    made = x_archive((Tweet(),))
    assert FORMAT.recognises(tree_of(tmp_path / "a", made.files, "zip"))
    del made.files["data/account.js"]
    assert not FORMAT.recognises(tree_of(tmp_path / "b", made.files, "zip"))
    assert not FORMAT.recognises(tree_of(tmp_path / "c", {}, "folder"))


def test_a_stray_file_above_the_archive_changes_nothing(tmp_path: Path) -> None:
    made = x_archive((Tweet(),), top="twitter/", messages=0)
    made.files["manifest.js"] = _script([{"account": {"username": "another"}}])
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    assert photo.posted.page_url == "https://twitter.com/some_one/status/1000"
