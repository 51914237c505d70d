"""Nothing is listed or read without a live proof that the bucket's holder says yes."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta

import pytest
from s3_server import PROOF, PROOF_KEY, Asked, S3Server, prove

from likeness.errors import NotAuthorised, SourceBlocked, SourceUnreadable
from likeness.sources.base import SourceEntry
from likeness.sources.bucket.source import BucketSource

_START = datetime(2026, 1, 1, tzinfo=UTC)


class _Clock:
    def __init__(self) -> None:
        self.now = _START

    def __call__(self) -> datetime:
        return self.now


def _refused(server: S3Server, name: str, prefix: str = "") -> NotAuthorised:
    with pytest.raises(NotAuthorised) as raised:
        list(BucketSource(f"s3://{name}/{prefix}", prove=prove).entries())
    assert {each.path for each in server.asked} == {f"/{name}/{PROOF_KEY}"}
    assert server.listings() == []
    return raised.value


def test_opening_asks_nothing_and_listing_asks_for_the_proof_first(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"})
    source = BucketSource(f"s3://{name}", prove=prove)
    assert source.recognised()
    assert source.count() is None
    assert server.asked == []
    (entry,) = source.entries()
    assert entry.item == "a.jpg"
    assert [each.path for each in server.asked] == [f"/{name}/{PROOF_KEY}", f"/{name}"]


def test_without_a_proof_nothing_is_listed_and_the_way_to_one_is_told(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"}, proof=None)
    assert f"likeness source authorise s3://{name}" in _refused(server, name).fix


def test_a_proof_in_a_folder_of_the_bucket_counts_for_nothing(server: S3Server) -> None:
    # Whoever may write to one folder of somebody's bucket cannot say yes for its holder.
    name = server.bucket({"mine/a.jpg": b"a", f"mine/{PROOF_KEY}": PROOF.encode()}, proof=None)
    _refused(server, name, "mine")


@pytest.mark.parametrize(
    "proof",
    [b"", b"likeness-authorisation=another", b"\xff\xfe", b"x" * 70_000, PROOF.encode() * 2],
)
def test_another_proof_counts_for_nothing(server: S3Server, proof: bytes) -> None:
    name = server.bucket({"a.jpg": b"a"}, proof=proof)
    _refused(server, name)


def test_a_proof_too_large_to_be_one_is_not_read_whole(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"}, proof=b" " * 5_000_000)
    assert "too large" in _refused(server, name).what


def test_a_proof_that_ended_counts_for_nothing(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"})

    def prove_by_date(text: str) -> None:
        raise NotAuthorised("The authorisation ended.", "Ask for a new one.")

    with pytest.raises(NotAuthorised, match="ended"):
        list(BucketSource(f"s3://{name}", prove=prove_by_date).entries())
    assert server.listings() == []


def test_the_proof_is_looked_for_at_each_listing(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"})
    source = BucketSource(f"s3://{name}", prove=prove)
    assert len(list(source.entries())) == 1
    server.delete(name, PROOF_KEY)
    server.asked.clear()
    with pytest.raises(NotAuthorised):
        list(source.entries())
    assert server.listings() == []


@pytest.mark.parametrize("later", [timedelta(days=1), timedelta(days=-1)])
def test_a_day_later_or_with_the_clock_set_back_it_is_looked_for_again(
    server: S3Server, later: timedelta
) -> None:
    name = server.bucket({"a.jpg": b"a"})
    clock = _Clock()
    (entry,) = BucketSource(f"s3://{name}", prove=prove, clock=clock).entries()
    assert isinstance(entry, SourceEntry)
    clock.now += timedelta(hours=23)
    server.asked.clear()
    entry.read(10)
    assert [each.path for each in server.asked] == [f"/{name}/a.jpg"]
    server.delete(name, PROOF_KEY)
    clock.now = _START + later
    server.asked.clear()
    with pytest.raises(NotAuthorised):
        entry.read(10)
    assert [each.path for each in server.asked] == [f"/{name}/{PROOF_KEY}"]


def test_a_day_later_a_listing_under_way_looks_for_it_before_the_next_page(
    server: S3Server,
) -> None:
    name = server.bucket({f"{number:04}.jpg": b"a" for number in range(1001)})
    clock = _Clock()
    entries = BucketSource(f"s3://{name}", prove=prove, clock=clock).entries()
    next(entries)
    server.delete(name, PROOF_KEY)
    clock.now += timedelta(days=2)
    with pytest.raises(NotAuthorised):
        list(entries)
    assert len(server.listings()) == 1


def test_after_a_stop_nothing_more_is_asked(server: S3Server) -> None:
    name = server.bucket({f"{number:04}.jpg": b"a" for number in range(1001)})
    source = BucketSource(f"s3://{name}", prove=prove)
    entries = source.entries()
    entry = next(entries)
    assert isinstance(entry, SourceEntry)
    server.asked.clear()
    source.stop()
    for ask in (lambda: next(entries), lambda: entry.read(10), lambda: next(source.entries())):
        with pytest.raises(SourceBlocked):
            ask()
    assert server.asked == []


def test_a_stop_while_a_photo_arrives_ends_its_reading(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a" * 8_000_000})
    source = BucketSource(f"s3://{name}", prove=prove)
    (entry,) = source.entries()
    assert isinstance(entry, SourceEntry)

    def stop(asked: Asked, body: bytes) -> bytes:
        source.stop()
        return body

    server.change = stop
    with pytest.raises(SourceBlocked):
        entry.read(10_000_000)


def test_a_local_folder_needs_no_proof(server: S3Server, tmp_path: object) -> None:
    def never(text: str) -> None:
        raise AssertionError

    assert list(BucketSource(f"file://{tmp_path}", prove=never).entries()) == []


def test_a_bucket_that_does_not_answer_is_not_taken_for_one_that_says_yes(
    server: S3Server,
) -> None:
    name = server.bucket({"a.jpg": b"a"})
    server.answer = lambda asked: (403, {}, b"<Error><Code>AccessDenied</Code></Error>")
    with pytest.raises(SourceUnreadable):
        list(BucketSource(f"s3://{name}", prove=prove).entries())
    assert server.listings() == []


def test_the_proof_has_no_default_and_there_is_no_way_around_it() -> None:
    parameters = inspect.signature(BucketSource).parameters
    assert parameters["prove"].default is inspect.Parameter.empty
    assert set(parameters) == {"address", "prove", "clock", "library"}
