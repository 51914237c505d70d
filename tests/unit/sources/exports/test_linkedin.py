"""Exports of LinkedIn: photos that lie in the archive, joined to posts; links that expire named."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_linkedin import Export, Post, export_of, exports, page_of
from exports_memory import MemoryTree
from hypothesis import given, settings

from likeness.sources.base import SkippedEntry
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.linkedin import EXPIRES, FORMAT, NOT_POSTED, PROFILE, TWO_FIT
from likeness.sources.exports.tree import ExportTree
from likeness.sources.links import address_problem, plain_text


def _posted(tree: ExportTree) -> list[Posted]:
    return [each for each in FORMAT.posts(tree) if isinstance(each, Posted)]


def _skipped(tree: ExportTree) -> dict[str, str]:
    return {each.item: each.reason for each in FORMAT.posts(tree) if isinstance(each, SkippedEntry)}


def _tree(*posts: Post) -> MemoryTree:
    return MemoryTree(files=export_of(list(posts)).files)


@settings(max_examples=300, deadline=None)
@given(made=exports)
def test_each_photo_is_taken_with_its_own_post_or_named_with_the_reason(made: Export) -> None:
    told = set()
    for each in FORMAT.posts(MemoryTree(files=made.files)):
        if isinstance(each, Posted):
            name = each.member.name
            assert each.link.page_url in (made.pages[name], PROFILE)
            assert each.link.confidence == (
                "profile-only" if each.link.page_url == PROFILE else "joined"
            )
            assert not address_problem(each.link.page_url)
            assert each.link.text == plain_text(each.link.text)
        else:
            name = each.item
            assert each.reason
        assert name not in told
        told.add(name)
    assert set(made.pages) <= told


@settings(max_examples=100, deadline=None)
@given(made=exports)
def test_each_link_whose_photo_is_not_there_is_named(made: Export) -> None:
    links = sum(content.count(b"https://media.licdn.com/") for content in made.files.values())
    told = _skipped(MemoryTree(files=made.files))
    expired = [item for item, reason in told.items() if reason == EXPIRES]
    assert len(expired) == links - len(made.pages)
    assert all(".csv:" in item for item in expired)


@pytest.mark.parametrize("shape", SHAPES)
def test_ordinary_exports_lose_no_photo(shape: Shape, tmp_path: Path) -> None:
    made = export_of(
        [
            Post(text='We did "it"!\n\nAll of us,\nat last.'),
            Post(text="", early=5),
            Post(text="A photo that stands in the table of posts alone", kind=""),
            Post(text="A draft of this morning, with many words", early=600),
        ],
        "Complete_LinkedInDataExport/",
    )
    tree = tree_of(tmp_path, made.files, shape)
    assert FORMAT.recognises(tree)
    assert {each.member.name: each.link.page_url for each in _posted(tree)} == made.pages
    assert {each.link.confidence for each in _posted(tree)} == {"joined"}
    assert _skipped(tree) == {}
    assert FORMAT.account(tree) == ""
    tree.close()


def test_lines_and_quotes_of_a_commentary_are_read_as_one_text() -> None:
    (posted,) = _posted(_tree(Post(text='We did "it"!\n\nAll of us,\nat last.')))
    assert posted.link.text == 'We did "it"! All of us, at last.'
    assert posted.link.taken_at == datetime(2021, 5, 3, 14, 15, 42, tzinfo=UTC)


def test_an_upload_without_words_goes_with_a_post_of_the_same_minutes_only() -> None:
    (posted,) = _posted(_tree(Post(text="", early=11)))
    assert (posted.link.page_url, posted.link.confidence) == (PROFILE, "profile-only")
    (posted,) = _posted(_tree(Post(text="", early=9)))
    assert posted.link.page_url == page_of(0)


def test_of_two_posts_with_the_same_words_none_is_guessed() -> None:
    words = "The same words, twice in one day"
    first, second = _posted(_tree(Post(text=words), Post(text=words)))
    assert first.link.confidence == "profile-only"
    assert second.link.page_url == page_of(1)


def test_what_was_sent_in_a_message_is_not_taken() -> None:
    tree = _tree(Post(text="hello", kind="message attachment"))
    assert _posted(tree) == []
    assert list(_skipped(tree).values()) == ["not uploaded for a post"]


def test_a_name_that_many_links_have_is_nobodys() -> None:
    made = export_of([Post(text="one", held=False), Post(text="two", held=False)])
    files = made.files | {"feedshare-shrink.jpg": b"x", "holiday.jpg": b"y"}
    told = _skipped(MemoryTree(files=files))
    assert (told["feedshare-shrink.jpg"], told["holiday.jpg"]) == (TWO_FIT, NOT_POSTED)


def test_of_very_many_posts_at_one_time_none_is_guessed() -> None:
    made = export_of([Post(text="", early=1)])
    head, row = made.files["Shares.csv"].splitlines()[:2]
    many = b"\r\n".join([head, *(row.replace(b"67000", b"%d" % n) for n in range(1_100))])
    (posted,) = _posted(MemoryTree(files=made.files | {"Shares.csv": many}))
    assert posted.link.page_url == PROFILE


@pytest.mark.parametrize("year", ["0001", "1999", "9999"])
def test_a_time_that_cannot_be_is_none(year: str) -> None:
    made = export_of([Post(text="some words")])
    uploads = made.files["Rich_Media.csv"].replace(b", 2021 at", f", {year} at".encode())
    (posted,) = _posted(MemoryTree(files=made.files | {"Rich_Media.csv": uploads}))
    assert posted.link.page_url == PROFILE


@pytest.mark.parametrize(
    "content", [b"", b"Date,Other\r\n", b'"' + b"x" * 200_000, b"\xff" * 10, b"\0"]
)
def test_a_table_that_cannot_be_read_is_named(content: bytes) -> None:
    files = export_of([Post(text="one")]).files | {"Rich_Media.csv": content}
    told = _skipped(MemoryTree(files=files))
    assert told["Rich_Media.csv"].startswith("record not read")


def test_a_post_whose_address_is_no_link_gives_none() -> None:
    made = export_of([Post(text="Some words of this very post")])
    shares = made.files["Shares.csv"].replace(page_of(0).encode(), b"javascript:alert(1)")
    (posted,) = _posted(MemoryTree(files=made.files | {"Shares.csv": shares}))
    assert posted.link.page_url == PROFILE


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"Shares.csv": b"Symbol,Count\r\nX,1\r\n"},
        {"photos/a.jpg": b"a", "shares.txt": b"Date,ShareLink,ShareCommentary"},
        {"Profile.csv": b"First Name,Last Name\r\n"},
    ],
)
def test_other_files_are_no_export_of_linkedin(files: dict[str, bytes]) -> None:
    assert not FORMAT.recognises(MemoryTree(files=files))


def test_five_thousand_posts_are_joined_in_little_time() -> None:
    posts = [Post(text=f"Words of post number {number}") for number in range(5_000)]
    made = export_of(posts)
    assert len({each.link.page_url for each in _posted(MemoryTree(files=made.files))}) == 5_000
