"""What is taken from an export of Instagram, with which links, and what never is."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_instagram import Shot, instagram_export, instagram_exports
from exports_made import Made, as_json, require_accounted, taken
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import SourceUnreadable
from likeness.sources.base import Entry, SkippedEntry
from likeness.sources.exports.instagram import FORMAT
from likeness.sources.exports.source import NOT_HERE, ExportSource

_ROOT = "your_instagram_activity/media/"
_ABOUT = "personal_information/personal_information/personal_information.json"
_PHOTO = "media/posts/202306/0-0.jpg"


def _source(tmp_path: Path, made: Made, shape: Shape = "zip") -> ExportSource:
    return ExportSource(tree_of(tmp_path, made.files, shape), FORMAT)


def _reasons(entries: list[Entry]) -> dict[str, str]:
    return {entry.item: entry.reason for entry in entries if isinstance(entry, SkippedEntry)}


@settings(max_examples=60, deadline=None)
@given(made=instagram_exports, shape=st.sampled_from(SHAPES))
def test_every_photo_of_any_export_is_accounted_for(made: Made, shape: Shape) -> None:
    with tempfile.TemporaryDirectory() as place:
        source = _source(Path(place), made, shape)
        assert source.address == (made.account or source._tree.address)
        require_accounted(made, list(source.entries()))


def test_a_photo_links_to_the_profile_with_its_words_repaired(tmp_path: Path) -> None:
    made = instagram_export((Shot(text="Zoë\u2019s \U0001f600", photos=2),), messages=0)
    first, second = taken(list(_source(tmp_path, made).entries()))
    for photo in (first, second):
        assert photo.posted.page_url == "https://www.instagram.com/some.one_1/"
        assert photo.posted.text == "Zoë\u2019s \U0001f600"
        assert photo.posted.confidence == "profile-only"
        assert photo.posted.taken_at == datetime.fromtimestamp(1_600_000_000, UTC)


def test_the_moment_a_photo_was_taken_goes_before_that_of_its_post(tmp_path: Path) -> None:
    made = instagram_export((Shot(),), messages=0)
    exif = {"photo_metadata": {"exif_data": [{"taken_timestamp": 1_400_000_000}]}}
    media = {"uri": _PHOTO, "creation_timestamp": 1_600_000_000, "media_metadata": exif}
    made.files[f"{_ROOT}posts_1.json"] = as_json([{"media": [media]}])
    (photo,) = taken(list(_source(tmp_path, made).entries()))
    assert photo.posted.taken_at == datetime.fromtimestamp(1_400_000_000, UTC)


@pytest.mark.parametrize("record", ["archived_posts", "recently_deleted_content"])
def test_an_export_whose_hidden_posts_cannot_be_told_is_not_read(
    tmp_path: Path, record: str
) -> None:
    made = instagram_export((Shot(),))
    made.files[f"{_ROOT}{record}.json"] = b'{"a": ['
    with pytest.raises(SourceUnreadable, match=record):
        list(_source(tmp_path, made).entries())


def test_a_message_named_by_a_post_is_not_taken(tmp_path: Path) -> None:
    made = instagram_export((), messages=0)
    name = "your_instagram_activity/messages/inbox/a_1/photos/1.jpg"
    made.media(name)
    made.files[f"{_ROOT}stories.json"] = as_json({"ig_stories": [{"uri": name}]})
    assert _reasons(list(_source(tmp_path, made).entries())) == {name: "a message"}


def test_the_oldest_layout_is_read_but_for_messages_and_profile_pictures(tmp_path: Path) -> None:
    made = Made()
    lists: dict[str, list[Any]] = {}
    for key in ("photos", "videos", "stories", "direct", "profile", "unknown"):
        name = f"{key if key != 'direct' else 'photos'}/201903/{key}.jpg"
        lists[key] = [{"caption": "Ã©", "taken_at": "2019-03-25T19:30:05", "path": name}]
        made.media(name)
    made.files["media.json"] = as_json(lists)
    made.files["profile.json"] = as_json({"username": "some_one", "email": "x"})
    tree = tree_of(tmp_path, made.files, "zip")
    assert FORMAT.recognises(tree)
    source = ExportSource(tree, FORMAT)
    entries = list(source.entries())
    found = {photo.item: photo.posted for photo in taken(entries)}
    assert set(found) == {f"{key}/201903/{key}.jpg" for key in ("photos", "videos", "stories")}
    assert source.address == "https://www.instagram.com/some_one/"
    for link in found.values():
        assert (link.text, link.taken_at) == ("é", datetime(2019, 3, 25, 19, 30, 5, tzinfo=UTC))
    assert _reasons(entries) == {
        "photos/201903/direct.jpg": "a message",
        "profile/201903/profile.jpg": "a profile picture",
        "unknown/201903/unknown.jpg": "not a post",
    }


@pytest.mark.parametrize("username", ["a/../b", "..", "a b", "x" * 40, "a\n", "", None, ["x"], {}])
def test_a_hostile_name_of_an_account_makes_no_address(tmp_path: Path, username: Any) -> None:
    made = instagram_export((Shot(),), messages=0)
    about = {"profile_user": [{"string_map_data": {"Username": {"value": username}}}]}
    made.files[_ABOUT] = as_json(about)
    source = _source(tmp_path, made)
    (photo,) = taken(list(source.entries()))
    assert source.address == str(tmp_path.resolve() / "export.zip")
    assert photo.posted.page_url == "https://www.instagram.com/"


@pytest.mark.parametrize(
    "posts",
    [None, 7, "x", {}, [None, 7, [], {}], [{"media": {"uri": 7}}], [{"media": [None, [], "x"]}]],
)
def test_records_of_another_shape_do_no_harm(tmp_path: Path, posts: Any) -> None:
    made = instagram_export((Shot(place="stories"),), messages=0)
    made.files[f"{_ROOT}posts_1.json"] = as_json(posts)
    entries = list(_source(tmp_path, made).entries())
    assert [photo.item for photo in taken(entries)] == ["media/stories/202306/0-0.jpg"]


def test_a_missing_part_is_told(tmp_path: Path) -> None:
    made = instagram_export((Shot(),), messages=0)
    del made.files[_PHOTO]
    assert _reasons(list(_source(tmp_path, made).entries())) == {_PHOTO: NOT_HERE}


def test_two_exports_side_by_side_are_not_read_as_one(tmp_path: Path) -> None:
    one = instagram_export((Shot(),), top="one/", messages=0)
    two = instagram_export((Shot(),), top="two/", username="another", messages=0)
    del one.files[f"one/{_ABOUT}"]
    one.files |= two.files
    entries = list(_source(tmp_path, one).entries())
    assert {p.posted.page_url for p in taken(entries)} == {"https://www.instagram.com/"}
    assert _reasons(entries) == {f"two/{_PHOTO}": "no post refers to it"}
