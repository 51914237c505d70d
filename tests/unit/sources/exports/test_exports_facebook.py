"""What is taken from an export of Facebook, with which links, and what never is."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_facebook import Shot, facebook_export, facebook_exports
from exports_made import Made, as_json, misread, require_accounted, taken
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import SourceUnreadable
from likeness.sources.base import Entry, SkippedEntry
from likeness.sources.exports.facebook import FORMAT
from likeness.sources.exports.source import NOT_HERE, ExportSource

_POSTS = "your_facebook_activity/posts/your_posts__check_ins__photos_and_videos_1.json"
_PROFILE = "personal_information/profile_information/profile_information.json"
_PHOTO = "your_facebook_activity/posts/media/Holiday_1/12_100000_7_n.jpg"


def _source(tmp_path: Path, made: Made, shape: Shape = "zip") -> ExportSource:
    return ExportSource(tree_of(tmp_path, made.files, shape), FORMAT)


def _reasons(entries: list[Entry]) -> dict[str, str]:
    return {entry.item: entry.reason for entry in entries if isinstance(entry, SkippedEntry)}


def _post(media: Any) -> bytes:
    return as_json([{"attachments": [{"data": [{"media": media}]}]}])


@settings(max_examples=60, deadline=None)
@given(made=facebook_exports, shape=st.sampled_from(SHAPES))
def test_every_photo_of_any_export_is_accounted_for(made: Made, shape: Shape) -> None:
    with tempfile.TemporaryDirectory() as place:
        source = _source(Path(place), made, shape)
        assert source.address == (made.account or source._tree.address)
        require_accounted(made, list(source.entries()))


def test_text_that_was_misread_is_repaired_and_the_link_is_the_profile(tmp_path: Path) -> None:
    made = facebook_export((Shot(text="Zoë\u2019s café \U0001f600", folder="Café_1"),), messages=0)
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    link = photo.posted
    assert photo.item == _PHOTO.replace("Holiday_1", "Café_1")
    assert link.text == "Zoë\u2019s café \U0001f600"
    assert (link.page_url, link.confidence) == ("https://www.facebook.com/some.one", "profile-only")
    assert link.taken_at == datetime.fromtimestamp(1_500_000_000, UTC)
    assert link.media_url.startswith("file:///")


def test_text_that_was_not_misread_stays_as_it_is(tmp_path: Path) -> None:
    made = facebook_export((Shot(),), messages=0)
    made.files[_POSTS] = _post({"uri": _PHOTO, "description": "Zoë \u2019 \ud800 é"})
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    assert photo.posted.text == "Zoë \u2019  é"


@pytest.mark.parametrize(
    ("kind", "confidence"),
    [
        ("stated page", "exact"),
        ("page beside", "exact"),
        ("another page beside", "profile-only"),
        ("own", "profile-only"),
    ],
)
def test_a_link_is_exact_where_the_record_states_the_page_of_this_photo(
    tmp_path: Path, kind: Any, confidence: str
) -> None:
    made = facebook_export((Shot(kind=kind),), messages=0)
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    assert photo.posted.confidence == confidence
    if confidence == "exact":
        assert photo.posted.page_url == "https://www.facebook.com/photo.php?fbid=100000"


@pytest.mark.parametrize(
    "url",
    [
        "https://www.facebook.com.evil.example/photo.php?fbid=100000",
        "https://evil.example/https://www.facebook.com/photo.php?fbid=100000",
        "javascript:facebook.com/photo.php?fbid=100000",
        "https://www.facebook.com/photo.php#fbid=100000",
        "https://www.facebook.com/other?fbid=100000",
    ],
)
def test_the_address_of_another_site_is_no_page(tmp_path: Path, url: str) -> None:
    made = facebook_export((Shot(),), messages=0)
    made.files[_POSTS] = _post({"uri": _PHOTO, "media_metadata": {"url": url}})
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    assert photo.posted.page_url == "https://www.facebook.com/some.one"


def test_a_photo_in_a_post_and_an_album_is_taken_once(tmp_path: Path) -> None:
    made = facebook_export((Shot(),), messages=0)
    made.files["your_facebook_activity/posts/album/0.json"] = as_json({"photos": [{"uri": _PHOTO}]})
    assert [photo.item for photo in taken(list(_source(tmp_path, made).entries()))] == [_PHOTO]


def test_what_is_archived_or_in_the_bin_ends_even_where_it_is_posted_too(tmp_path: Path) -> None:
    made = facebook_export((Shot(), Shot()), messages=0)
    other = _PHOTO.replace("100000", "100001")
    archive = {"archive_v2": [{"deep": {"deeper": [{"uri": other}, {"uri": "https://x/y.jpg"}]}}]}
    made.files["your_facebook_activity/posts/archive.json"] = as_json(archive)
    entries = list(_source(tmp_path, made).entries())
    assert [photo.item for photo in taken(entries)] == [_PHOTO]
    assert SkippedEntry(item=other, reason="archived", ends=True) in entries


def test_an_export_whose_bin_cannot_be_read_is_not_read(tmp_path: Path) -> None:
    made = facebook_export((Shot(),))
    made.files["your_facebook_activity/posts/trash.json"] = b"{"
    with pytest.raises(SourceUnreadable, match=r"trash\.json"):
        list(_source(tmp_path, made).entries())


@pytest.mark.parametrize(
    ("uri", "reason"),
    [
        ("your_facebook_activity/messages/inbox/a_1/photos/1.jpg", "a message"),
        ("your_facebook_activity/messages/stickers_used/1.png", "a message"),
        ("photos_and_videos/photos_of_you/1.jpg", "posted by somebody else"),
        ("your_facebook_activity/posts/archive/1.jpg", "archived"),
        ("your_facebook_activity/trash/1.jpg", "a deleted post"),
        ("your_facebook_activity/stories/1.jpg", "a story"),
        ("your_facebook_activity/posts/media/x_1/none.jpg", NOT_HERE),
        ("../../etc/1.jpg", NOT_HERE),
        ("\ud800/1.jpg", NOT_HERE),
    ],
)
def test_a_post_that_names_what_is_not_the_holders_post_gives_nothing(
    tmp_path: Path, uri: str, reason: str
) -> None:
    made = facebook_export((), messages=0)
    made.files[_POSTS] = _post({"uri": uri})
    if reason != NOT_HERE:
        made.media(uri)
    entries = list(_source(tmp_path, made).entries())
    assert not list(taken(entries))
    assert list(_reasons(entries).values()) == [reason]


def test_an_address_in_place_of_a_file_is_told_without_it(tmp_path: Path) -> None:
    made = facebook_export((), messages=0)
    made.files[_POSTS] = _post({"uri": "https://scontent.example/1.jpg?token=secret"})
    reasons = _reasons(list(_source(tmp_path, made).entries()))
    assert reasons == {"(address)": "an address, not a file"}


@pytest.mark.parametrize(
    ("about", "account"),
    [
        ({"profile_v2": {"profile_uri": "https://www.facebook.com/profile.php?id=7"}}, True),
        ({"profile": {"username": "some.one"}}, True),
        ({"profile_v2": {"profile_uri": "https://evil.example/some.one"}}, False),
        ({"profile_v2": {"profile_uri": "https://www.facebook.com@evil.example/"}}, False),
        ({"profile_v2": {"profile_uri": "javascript:alert(1)", "username": "a/b"}}, False),
        ({"profile_v2": ["x"]}, False),
        ("x", False),
    ],
)
def test_the_profile_is_an_address_of_facebook_or_none(
    tmp_path: Path, about: Any, account: bool
) -> None:
    made = facebook_export((Shot(),), messages=0)
    made.files[_PROFILE] = as_json(about)
    source = _source(tmp_path, made)
    assert source.address.startswith("https://www.facebook.com/") is account
    (photo,) = taken(list(source.entries()))
    assert photo.posted.page_url.startswith("https://www.facebook.com/")


@pytest.mark.parametrize(
    "posts",
    [
        None,
        7,
        "x",
        {},
        [None, 7, "x", [], {}],
        [{"attachments": {"data": 1}}],
        {"a": {"b": [1]}},
        [{"attachments": [{"data": [{"media": {"uri": 7}}, {"media": []}, None]}], "data": [1]}],
    ],
)
def test_records_of_another_shape_do_no_harm(tmp_path: Path, posts: Any) -> None:
    made = facebook_export((Shot(place="album"),), messages=0)
    made.files[_POSTS] = as_json(posts)
    entries = list(_source(tmp_path, made).entries())
    assert [photo.item for photo in taken(entries)] == [_PHOTO]


def test_a_part_without_records_is_recognised_and_its_photos_are_told(tmp_path: Path) -> None:
    made = Made()
    made.media(_PHOTO)
    tree = tree_of(tmp_path, made.files, "zip")
    assert FORMAT.recognises(tree)
    assert _reasons(list(ExportSource(tree, FORMAT).entries())) == {_PHOTO: "no post refers to it"}


def test_misread_text_is_told_from_other_text() -> None:
    assert misread("é") == "Ã©"


def test_two_exports_side_by_side_are_not_read_as_one(tmp_path: Path) -> None:
    one = facebook_export((Shot(),), top="one/", messages=0)
    two = facebook_export((Shot(),), top="two/", username="another", messages=0)
    del one.files[f"one/{_PROFILE}"]
    one.files |= two.files
    entries = list(_source(tmp_path, one).entries())
    assert {p.posted.page_url for p in taken(entries)} == {"https://www.facebook.com/"}
    assert _reasons(entries) == {f"two/{_PHOTO}": "no post refers to it"}


def test_a_bin_is_heeded_wherever_another_lies(tmp_path: Path) -> None:
    made = facebook_export((Shot(kind="trash"),), top="one/", messages=0)
    made.files["trash.json"] = b"[]"
    entries = list(_source(tmp_path, made).entries())
    assert entries == [SkippedEntry(item=f"one/{_PHOTO}", reason="a deleted post", ends=True)]
