"""An export as a source: accounts, items, links of photos and videos, and how it stops."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from export_archives import Raw, raw_zip, tree_of, zip_of
from exports_x import Tweet, x_archive

from likeness.errors import PhotoUnreadable, SourceBlocked
from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import Span
from likeness.sources.base import Entry, SkippedEntry, SourceEntry, VideoEntry
from likeness.sources.exports import x
from likeness.sources.exports.formats import ExportFormat, Posted, export_link
from likeness.sources.exports.source import NOT_HERE, ExportSource
from likeness.sources.exports.tree import ExportTree
from likeness.sources.exports.zip_parts import ZipParts

_PAGE = "https://example.org/posts/"
Said = Callable[[ExportTree], Iterator[Posted | SkippedEntry]]


@dataclass(frozen=True, kw_only=True)
class _Format:
    """A format that says what a test wants said."""

    said: Said
    holder: str = "https://example.org/holder"
    name: str = "Example"
    slug: str = "example"

    def recognises(self, tree: ExportTree) -> bool:
        return tree.find("a.jpg") is not None

    def account(self, tree: ExportTree) -> str:
        return self.holder

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        return self.said(tree)

    def reason_for(self, name: str) -> str:
        return f"not posted ({name.partition('/')[0]})"


def _posted(
    tree: ExportTree,
    name: str,
    page: str = "1",
    *,
    text: str = "",
    moment: str = "",
    media: str = "",
) -> Posted:
    member = tree.find(name)
    assert member is not None
    link = export_link(_PAGE + page, confidence="exact", taken_at=None, text=text, media_url=media)
    return Posted(member=member, link=link, moment_url=moment)


def _source(
    tmp_path: Path, said: Said, *names: str, holder: str = "https://example.org/holder"
) -> ExportSource:
    files = {name: b"content of " + name.encode() for name in names}
    tree = tree_of(tmp_path, files, "zip")
    each: ExportFormat = _Format(said=said, holder=holder)
    return ExportSource(tree, each)


def _told(entries: list[Entry]) -> dict[str, str]:
    """Items of what is taken with its page, and of what is not with the reason."""
    told = {}
    for entry in entries:
        assert entry.item not in told
        if isinstance(entry, SkippedEntry):
            told[entry.item] = entry.reason
        elif isinstance(entry, SourceEntry):
            told[entry.item] = entry.link(None).page_url.removeprefix(_PAGE)
        else:
            told[entry.item] = entry.link(Span(start_ms=0, end_ms=1)).page_url
    return told


def test_kind_and_address_name_the_format_and_the_account(tmp_path: Path) -> None:
    source = _source(tmp_path, lambda tree: iter(()), "a.jpg")
    assert (source.kind, source.address) == ("export-example", "https://example.org/holder")
    assert not source.whole
    archive = tmp_path.resolve() / "export.zip"
    assert source.recognised() == (
        f"An export of Example: {archive}, account https://example.org/holder"
    )


@pytest.mark.parametrize("holder", ["", "javascript:alert(1)", "https://user@example.org/"])
def test_without_an_account_the_address_is_the_archive(tmp_path: Path, holder: str) -> None:
    source = _source(tmp_path, lambda tree: iter(()), "a.jpg", holder=holder)
    assert source.address == str(tmp_path.resolve() / "export.zip")
    assert source.recognised() == f"An export of Example: {source.address}"


def test_each_media_file_is_taken_or_told_and_no_other_file_is(tmp_path: Path) -> None:
    def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        yield _posted(tree, "a.jpg")
        yield _posted(tree, "a.bin")
        yield SkippedEntry(item="b.jpg", reason="a reason of its own")
        yield SkippedEntry(item="none.jpg", reason=NOT_HERE)

    names = ["a.jpg", "a.bin", "b.jpg", "c/d.PNG", "c/e.mov", "f.dng", "g.zip", ".h.jpg"]
    others = ["x.json", "x.js", "x.html", "x.csv", "._a.jpg", "Thumbs.db", "no suffix"]
    source = _source(tmp_path, said, *names, *others)
    assert _told(list(source.entries())) == {
        "a.jpg": "1",
        "a.bin": "not a photo",
        "b.jpg": "a reason of its own",
        "none.jpg": NOT_HERE,
        "c/d.PNG": "not posted (c)",
        "c/e.mov": "not posted (c)",
        "f.dng": "not a photo (camera raw: export it as JPEG or TIFF)",
        "g.zip": "not a photo (archive: add a platform's export by itself, unpack others)",
        ".h.jpg": "hidden file",
    }
    assert source.count() == 1


def test_a_photo_on_several_pages_is_told_for_each_and_once_for_the_same(tmp_path: Path) -> None:
    def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        for page in ("1", "2", "1", "3", "2"):
            yield _posted(tree, "a.jpg", page)
        yield _posted(tree, "b#2.jpg", "9")

    source = _source(tmp_path, said, "a.jpg", "b#2.jpg")
    assert _told(list(source.entries())) == {
        "a.jpg": "1",
        "a.jpg#2": "2",
        "a.jpg#3": "3",
        "b#2.jpg": "9",
    }


def test_what_is_refused_first_is_not_taken_by_another_post(tmp_path: Path) -> None:
    def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        yield SkippedEntry(item="a.jpg", reason="in the bin", ends=True)
        yield SkippedEntry(item="a.jpg", reason="in the bin", ends=True)
        yield _posted(tree, "a.jpg")
        yield SkippedEntry(item="a.jpg", reason="another")

    entries = list(_source(tmp_path, said, "a.jpg").entries())
    assert entries == [SkippedEntry(item="a.jpg", reason="in the bin", ends=True)]


def test_what_cannot_be_read_is_told_so_and_not_as_missing(tmp_path: Path) -> None:
    path = raw_zip(
        tmp_path / "a.zip", [Raw(name=b"a.jpg", flags=1), Raw(name=b"../b", content=b"x")]
    )

    def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        yield SkippedEntry(item="a.jpg", reason=NOT_HERE)

    source = ExportSource(ZipParts([path]), _Format(said=said))
    assert _told(list(source.entries())) == {
        "a.jpg": "encrypted",
        "../b": "unsafe path in the archive",
    }


def test_a_photo_reads_as_it_is_in_the_archive(tmp_path: Path) -> None:
    source = _source(tmp_path, lambda tree: iter([_posted(tree, "a.jpg")]), "a.jpg")
    (photo,) = source.entries()
    assert isinstance(photo, SourceEntry)
    assert photo.read(100) == b"content of a.jpg"
    assert photo.size == 16
    with pytest.raises(PhotoUnreadable, match="too large"):
        photo.read(15)


def test_what_a_photo_says_of_itself_fills_what_is_missing_and_no_address(tmp_path: Path) -> None:
    own = EmbeddedMetadata(
        web_statement="https://elsewhere.example/",
        source="https://elsewhere.example/",
        description="\u202ewords\nof the photo",
        taken_at=datetime(2024, 5, 1, 2, tzinfo=timezone(timedelta(hours=2))),
    )

    def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        yield _posted(tree, "a.jpg")
        yield _posted(tree, "b.jpg", text="words of the post")

    plain, worded = _source(tmp_path, said, "a.jpg", "b.jpg").entries()
    assert isinstance(plain, SourceEntry) and isinstance(worded, SourceEntry)
    link = plain.link(own)
    assert (link.page_url, link.text) == (_PAGE + "1", "words of the photo")
    assert link.taken_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert link.link_from == "export"
    assert worded.link(own).text == "words of the post"
    assert plain.link(None).taken_at is None


def test_a_photo_without_an_address_of_its_own_has_that_of_its_file(tmp_path: Path) -> None:
    def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        yield _posted(tree, "é #1.jpg")
        yield _posted(tree, "b.jpg", media="https://cdn.example/b.jpg")
        yield _posted(tree, "c.jpg", media="javascript:alert(1)")

    first, second, third = _source(tmp_path, said, "é #1.jpg", "b.jpg", "c.jpg").entries()
    assert isinstance(first, SourceEntry)
    assert isinstance(second, SourceEntry)
    assert isinstance(third, SourceEntry)
    archive = (tmp_path.resolve() / "export.zip").as_uri()
    assert first.link(None).media_url == f"{archive}?member=%C3%A9%20%231.jpg"
    assert second.link(None).media_url == "https://cdn.example/b.jpg"
    assert third.link(None).media_url == f"{archive}?member=c.jpg"


@pytest.mark.parametrize(
    ("span", "page", "fragment"),
    [
        (Span(start_ms=0, end_ms=1_000), "https://v.example/?t=0", "t=0,1"),
        (Span(start_ms=61_999, end_ms=3_600_050), "https://v.example/?t=61", "t=61.999,3600.05"),
        (Span(start_ms=100, end_ms=120), "https://v.example/?t=0", "t=0.1,0.12"),
    ],
)
def test_a_video_links_to_the_moment(tmp_path: Path, span: Span, page: str, fragment: str) -> None:
    def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        yield _posted(tree, "a.mp4", moment="https://v.example/?t={seconds}")
        yield _posted(tree, "b.mp4", media="https://cdn.example/b.mp4#track=1")

    entries = list(_source(tmp_path, said, "a.mp4", "b.mp4").entries())
    first, second = [entry for entry in entries if isinstance(entry, VideoEntry)]
    link = first.link(span)
    assert (link.page_url, link.span) == (page, span)
    assert link.media_url.endswith(f"?member=a.mp4#{fragment}")
    assert second.link(span).page_url == _PAGE + "1"
    assert second.link(span).media_url == f"https://cdn.example/b.mp4#track=1&{fragment}"
    with first.open() as stream:
        assert stream.read() == b"content of a.mp4"


def test_the_mark_changes_with_the_link_and_with_the_content(tmp_path: Path) -> None:
    def mark(number: int, content: bytes, text: str, page: str) -> str:
        path = zip_of(tmp_path / f"{number}/a.zip", {"a.jpg": content})
        media = "https://cdn.example/a.jpg"

        def said(tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
            yield _posted(tree, "a.jpg", page, text=text, media=media)

        (entry,) = ExportSource(ZipParts([path]), _Format(said=said)).entries()
        assert isinstance(entry, SourceEntry)
        return entry.link_mark

    assert mark(0, b"a", "words", "1") == mark(1, b"a", "words", "1")
    changed = [
        (b"a", "words", "1"),
        (b"b", "words", "1"),
        (b"a", "other", "1"),
        (b"a", "words", "2"),
    ]
    assert len({mark(2 + number, *each) for number, each in enumerate(changed)}) == 4


def test_listing_again_tells_the_same(tmp_path: Path) -> None:
    made = x_archive((Tweet(), Tweet(kind="retweet"), Tweet(kind="missing")))
    source = ExportSource(tree_of(tmp_path, made.files, "zip"), x.FORMAT)
    assert list(source.entries()) == list(source.entries())


def test_stopping_from_another_thread_ends_a_listing_before_its_next_entry(tmp_path: Path) -> None:
    made = x_archive(tuple(Tweet() for _ in range(20)))
    source = ExportSource(tree_of(tmp_path, made.files, "zip"), x.FORMAT)
    entries = source.entries()
    next(entries)
    stopper = threading.Thread(target=source.stop)
    stopper.start()
    stopper.join()
    with pytest.raises(SourceBlocked):
        next(entries)
    with pytest.raises(SourceBlocked):
        list(source.entries())
    with pytest.raises(SourceBlocked):
        source.count()


def test_a_format_that_makes_a_page_of_what_it_did_not_check_is_found_out() -> None:
    with pytest.raises(ValueError, match="http"):
        export_link("javascript:alert(1)", confidence="exact", taken_at=None, text="")
