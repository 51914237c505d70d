"""Buckets on a real S3 server: order, odd names, pages, and what changes meanwhile."""

from __future__ import annotations

import hashlib
import tracemalloc
import xml.sax.saxutils as sax
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from s3_server import PROOF_KEY, Asked, S3Server, prove

from likeness.errors import PhotoUnreadable
from likeness.records.sighting import Span
from likeness.sources.base import SkippedEntry, SourceEntry, VideoEntry, item_of
from likeness.sources.bucket.source import BucketSource

_LIMIT = 1_000_000
# What obstore takes: no control characters, no empty part, no part of dots.
_part = (
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), max_size=12)
    .filter(lambda part: not part.startswith("."))
    .filter(lambda part: part not in {"lost+found", "__MACOSX"})
)
_keys = st.lists(_part.filter(bool), max_size=3).flatmap(
    lambda folders: _part.map(lambda name: "/".join([*folders, f"x{name}.jpg"]))
)


def _source(server: S3Server, objects: Mapping[str, bytes], prefix: str = "") -> BucketSource:
    return BucketSource(f"s3://{server.bucket(objects)}/{prefix}", prove=prove)


def _entries(source: BucketSource) -> list[SourceEntry]:
    return [entry for entry in source.entries() if isinstance(entry, SourceEntry)]


def _skipped(source: BucketSource) -> dict[str, str]:
    return {each.item: each.reason for each in source.entries() if isinstance(each, SkippedEntry)}


def _reason(entry: SourceEntry, limit: int = _LIMIT) -> str:
    with pytest.raises(PhotoUnreadable) as raised:
        entry.read(limit)
    assert entry.item in raised.value.what
    assert raised.value.fix
    assert "127.0.0.1" not in str(raised.value)
    assert raised.value.__cause__ is None and raised.value.__context__ is None
    return raised.value.reason


def test_three_hundred_photos_are_listed_and_read(server: S3Server) -> None:
    photos = {
        f"20{number % 20:02}/{number}.jpg": hashlib.sha256(bytes([number % 256])).digest() * 40
        for number in range(300)
    }
    entries = _entries(_source(server, photos))
    assert [entry.item for entry in entries] == sorted(photos)
    for entry in entries:
        assert entry.read(_LIMIT) == photos[entry.item]
        assert entry.size == 1280


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(keys=st.sets(_keys, min_size=1, max_size=6))
def test_keys_of_any_words_are_listed_in_order_read_and_linked(
    server: S3Server, keys: set[str]
) -> None:
    source = _source(server, {key: key.encode() for key in keys})
    entries = _entries(source)
    assert [entry.item for entry in entries] == [item_of(key) for key in sorted(keys)]
    for entry, key in zip(entries, sorted(keys), strict=True):
        assert entry.read(_LIMIT) == key.encode()
        assert entry.link(None).media_url.startswith(f"{source.address}/")
        assert entry.link(None).media_url.isascii()


def test_a_key_of_1024_bytes_is_an_item(server: S3Server) -> None:
    key = "é" * 510 + ".jpg"
    assert len(key.encode()) == 1024
    (entry,) = _entries(_source(server, {key: b"long"}))
    assert (entry.item, entry.read(_LIMIT)) == (key, b"long")


def test_a_photo_links_to_its_object(server: S3Server) -> None:
    name = server.bucket({"summer 2024/a#1%.jpg": b"a"})
    (entry,) = _entries(BucketSource(f"s3://{name}/summer 2024", prove=prove))
    link = entry.link(None)
    assert entry.item == "a#1%.jpg"
    assert link.page_url == link.media_url == f"s3://{name}/summer%202024/a%231%25.jpg"
    assert (link.link_from, link.confidence) == ("file", "exact")


def test_a_folder_of_a_bucket_does_not_reach_beside_it(server: S3Server) -> None:
    objects = {"a/1.jpg": b"1", "a/b/2.jpg": b"2", "ab/3.jpg": b"3", "a.jpg": b"4"}
    source = _source(server, objects, "a/")
    assert [entry.item for entry in source.entries()] == ["1.jpg", "b/2.jpg"]


def test_pages_follow_one_another_and_none_is_asked_for_early(server: S3Server) -> None:
    objects = {f"{number:05}.jpg": b"a" for number in range(2345)}
    source = _source(server, objects)
    entries = source.entries()
    next(entries)
    assert len(server.listings()) == 1
    items = [entry.item for entry in entries]
    assert items == sorted(objects)[1:]
    assert len(server.listings()) == 3
    assert source.whole


def test_other_media_are_told_and_sidecars_hidden_folders_and_markers_are_not_taken(
    server: S3Server,
) -> None:
    objects = {
        "a.jpg": b"a",
        "a.cr2": b"raw",
        "a.xmp": b"sidecar",
        ".DS_Store": b"kept",
        ".git/1.jpg": b"1",
        ".git/2.jpg": b"2",
        "b/": b"",
        "b/@eaDir/1.jpg": b"thumbnail",
        "film.mp4": b"film",
        ".well-known/a.jpg": b"hidden",
    }
    source = _source(server, objects)
    assert [entry.item for entry in _entries(source)] == ["a.jpg"]
    assert _skipped(source) == {
        ".git": "hidden folder",
        ".well-known": "hidden folder",
        "a.cr2": "not a photo (camera raw: export it as JPEG or TIFF)",
        "b/@eaDir": "kept by the system, not by a person",
    }
    videos = [entry for entry in source.entries() if isinstance(entry, VideoEntry)]
    assert [video.item for video in videos] == ["film.mp4"]
    assert videos[0].link(Span(start_ms=1500, end_ms=7_200_123)).page_url == (
        f"{source.address}/film.mp4#t=1.5,7200.123"
    )


def test_names_that_no_address_can_hold_are_told_and_hide_as_little_as_can_be(
    server: S3Server,
) -> None:
    good = ["0.jpg", "a/1.jpg", "a/b/1.jpg", "b/1.jpg", "c/1.jpg", "d/1.jpg", "z.jpg"]
    odd = ["a/b//1.jpg", "b/../1.jpg", "c/two\nlines.jpg", "c/ space.jpg"]
    source = _source(server, {key: key.encode() for key in [*good, *odd]})
    found = list(source.entries())
    photos = [entry.item for entry in found if isinstance(entry, SourceEntry)]
    hidden = [entry.item for entry in found if isinstance(entry, SkippedEntry) and entry.hides]
    assert hidden == ["a/b", "b", "c"]
    # After a line feed nothing more of its folder can be seen; that is told with it.
    assert photos == [key for key in good if key != "c/1.jpg"]
    assert source.whole
    assert all(entry.read(99) == entry.item.encode() for entry in _entries(source))


def test_a_name_at_the_top_that_no_address_can_hold_leaves_the_source_not_whole(
    server: S3Server,
) -> None:
    source = _source(server, {"../1.jpg": b"1", "a/1.jpg": b"2", "b.jpg": b"3"})
    assert [entry.item for entry in source.entries()] == [".", "a/1.jpg", "b.jpg"]
    assert not source.whole


def test_beside_a_name_with_an_outer_slash_everything_else_is_taken(server: S3Server) -> None:
    source = _source(server, {"/z.jpg": b"1", "a.jpg": b"2", "b.jpg/": b"3", "c.jpg": b"4"})
    entries = {entry.item: entry for entry in _entries(source)}
    assert set(entries) == {"a.jpg", "b.jpg", "c.jpg", "z.jpg"}
    assert [_reason(entries[item]) for item in ("b.jpg", "z.jpg")] == ["gone", "gone"]
    assert [entries[item].read(9) for item in ("a.jpg", "c.jpg")] == [b"2", b"4"]


def test_outer_slashes_and_names_that_cannot_be_held_together_hide_nothing_silently(
    server: S3Server,
) -> None:
    source = _source(server, {"/z.jpg": b"1", "a.jpg": b"2", "x//1.jpg": b"3", "y.jpg": b"4"})
    assert {"a.jpg", "y.jpg"} <= {entry.item for entry in _entries(source)}
    assert not source.whole


def test_an_object_exchanged_after_listing_is_not_taken(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"before", "b.jpg": b"before"})
    one, two = _entries(BucketSource(f"s3://{name}", prove=prove))
    server.put(name, "a.jpg", b"behind")
    server.put(name, "b.jpg", b"longer than before")
    assert [_reason(one), _reason(two)] == ["changing", "changing"]


def test_an_exchanged_object_is_seen_although_size_and_second_are_the_same(
    server: S3Server,
) -> None:
    name = server.bucket({"a.jpg": b"before"})
    source = BucketSource(f"s3://{name}", prove=prove)
    (before,) = _entries(source)
    assert before == _entries(source)[0]
    server.put(name, "a.jpg", b"behind")
    (after,) = _entries(source)
    assert before.size == after.size
    assert before.link_mark != after.link_mark


def test_an_object_deleted_after_listing_is_gone(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"})
    (entry,) = _entries(BucketSource(f"s3://{name}", prove=prove))
    server.delete(name, "a.jpg")
    assert _reason(entry) == "gone"


def test_a_photo_over_the_limit_is_not_asked_for(server: S3Server) -> None:
    (entry,) = _entries(_source(server, {"a.jpg": b"a" * 100}))
    server.asked.clear()
    assert _reason(entry, 99) == "too large"
    assert server.asked == []


def test_an_object_larger_than_its_listing_says_is_not_read(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a" * 3_000_000})

    def lie(asked: Asked, body: bytes) -> bytes:
        return body.replace(b"<Size>3000000</Size>", b"<Size>10</Size>") if asked.lists else body

    server.change = lie
    (entry,) = _entries(BucketSource(f"s3://{name}", prove=prove))
    assert entry.size == 10
    server.change = None
    assert _reason(entry) == "changing"


def test_an_object_that_says_one_size_and_sends_another_is_not_taken(server: S3Server) -> None:
    (entry,) = _entries(_source(server, {"a.jpg": b"a" * 100}))
    tag = f'"{hashlib.md5(b"a" * 100).hexdigest()}"'
    headers = {"ETag": tag, "Last-Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}
    server.answer = lambda asked: (200, headers, b"a" * 200)
    assert _reason(entry) == "changing"


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (403, "AccessDenied", "permission denied"),
        (403, "InvalidObjectState", "permission denied"),
        (404, "NoSuchKey", "gone"),
        (404, "NoSuchBucket", "gone"),
        (400, "InvalidRequest", "could not be read"),
    ],
)
def test_what_the_store_refuses_is_told_by_its_reason(
    server: S3Server, status: int, code: str, reason: str
) -> None:
    (entry,) = _entries(_source(server, {"a.jpg": b"a"}))
    server.answer = lambda asked: (status, {}, f"<Error><Code>{code}</Code></Error>".encode())
    assert _reason(entry) == reason


def test_a_passing_fault_of_the_store_is_asked_again_and_a_lasting_one_told(
    server: S3Server,
) -> None:
    (entry,) = _entries(_source(server, {"a.jpg": b"a"}))
    server.asked.clear()
    server.answer = lambda asked: (503, {}, b"") if len(server.asked) < 3 else None
    assert entry.read(9) == b"a"
    server.asked.clear()
    server.answer = lambda asked: (503, {}, b"")
    assert _reason(entry) == "could not be read"
    assert len(server.asked) == 4


def test_what_a_store_says_of_names_is_taken_as_text(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"})

    def rename(asked: Asked, body: bytes) -> bytes:
        odd = sax.escape("gpj.\u202eevil\\.jpg").encode()
        return body.replace(b"<Key>a.jpg</Key>", b"<Key>" + odd + b"</Key>")

    server.change = rename
    (entry,) = _entries(BucketSource(f"s3://{name}", prove=prove))
    assert entry.item == r"gpj.\u202Eevil\x5C.jpg"


def test_the_proof_is_no_photo_and_is_not_told(server: S3Server) -> None:
    source = _source(server, {})
    assert PROOF_KEY in server.fingerprint(source.address.removeprefix("s3://"))
    assert list(source.entries()) == []


def test_an_entry_says_nothing_of_the_credentials(server: S3Server) -> None:
    source = _source(server, {"a.jpg": b"a"})
    (entry,) = source.entries()
    for text in (repr(entry), repr(source), source.address, source.recognised()):
        assert "of-this-test" not in text and "AKIDOFTHISTEST" not in text
    assert hash(entry) == hash(entry)


@pytest.mark.slow
def test_a_hundred_thousand_objects_are_listed_in_bounded_memory(server: S3Server) -> None:
    name = server.bucket({"0.jpg": b"a"})

    def endless(asked: Asked) -> tuple[int, Mapping[str, str], bytes] | None:
        if not asked.lists:
            return None
        start = int(asked.query.get("continuation-token", "0"))
        rows = "".join(
            f"<Contents><Key>{number:07}.jpg</Key><LastModified>2026-01-01T00:00:00.000Z"
            f'</LastModified><ETag>"{number}"</ETag><Size>1</Size></Contents>'
            for number in range(start, start + 1000)
        )
        more = start + 1000 < 100_000
        token = f"<NextContinuationToken>{start + 1000}</NextContinuationToken>" if more else ""
        return 200, {}, f"<ListBucketResult>{rows}{token}</ListBucketResult>".encode()

    server.answer = endless
    held: dict[int, int] = {}
    tracemalloc.start()
    for number, _ in enumerate(BucketSource(f"s3://{name}", prove=prove).entries(), 1):
        if number in (5_500, 99_500):
            held[number] = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert number == 100_000
    assert held[99_500] < held[5_500] + 1_000_000
