"""A download goes on where it broke, and nothing is kept that is not the file."""

from __future__ import annotations

import gzip
import hashlib
import random
import resource
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from model_server import (
    answering,
    endless,
    good,
    serving,
    silent,
    status,
    trickle,
    until_closed,
    without_ranges,
)

from likeness.errors import DownloadFailed, ModelFileInvalid, StorageError
from likeness.faces import download
from likeness.faces.download import Patience, fetch, require_room
from likeness.faces.packs import PackFile

DATA = random.Random(1).randbytes(300_000)
QUICK = Patience(pause=0.001, longest_pause=0.05, connect=2, silence=0.3, worth=50_000)


def _file(*addresses: str, size: int | None = len(DATA), data: bytes = DATA) -> PackFile:
    return PackFile(
        role="embedder",
        kind="onnx",
        path="model.onnx",
        sha256=hashlib.sha256(data).hexdigest(),
        urls=addresses,
        size=size,
    )


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "part"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def full_disk() -> Iterator[Callable[[int], None]]:
    """Makes every file of this process end at so many bytes, as a full disk would."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _fetch(file: PackFile, part: Path, patience: Patience = QUICK) -> list[int]:
    heard: list[int] = []
    fetch(file, part, listener=lambda _, done, __: heard.append(done), patience=patience)
    return heard


def test_a_file_comes_whole_and_says_how_far_it_is(part: Path) -> None:
    with serving(good(DATA)) as server:
        heard = _fetch(_file(server.address()), part)
        assert server.seen[0].headers["Accept-Encoding"] == "identity"
        assert server.ranges() == [None]
    assert part.read_bytes() == DATA
    assert heard == sorted(heard) and heard[-1] == len(DATA)


@pytest.mark.parametrize("size", [len(DATA), None])
def test_a_broken_connection_goes_on_where_it_broke(part: Path, size: int | None) -> None:
    broken = good(DATA, breaks_after=70_000)
    with serving(broken, broken, broken, broken, good(DATA)) as server:
        _fetch(_file(server.address(), size=size), part)
        asked = server.ranges()
    assert part.read_bytes() == DATA
    assert asked[0] is None and len(asked) == 5
    starts = [int(text.removeprefix("bytes=").rstrip("-")) for text in asked[1:] if text]
    assert starts == sorted(starts) and starts[0] > 0 and len(set(starts)) == 4
    assert [seen.headers.get("If-Range") for seen in server.seen] == [None, *['"one"'] * 4]


def test_a_later_run_goes_on_from_what_an_earlier_one_left(part: Path) -> None:
    with serving(good(DATA, breaks_after=120_000), status(404)) as server:
        address = server.address()
        with pytest.raises(DownloadFailed, match="404 Not Found"):
            _fetch(_file(address), part)
        held = part.stat().st_size
        assert 0 < held <= 120_000
        server.answers = [good(DATA)]
        _fetch(_file(address), part)
        assert server.ranges()[-1] == f"bytes={held}-"
        assert server.seen[-1].headers["If-Range"] == '"one"'
    assert part.read_bytes() == DATA


def test_what_is_there_whole_is_not_asked_for(part: Path) -> None:
    part.write_bytes(DATA)
    with serving(status(500)) as server:
        _fetch(_file(server.address()), part)
        assert server.seen == []


def test_of_a_file_of_unknown_size_the_server_says_that_all_is_there(part: Path) -> None:
    part.write_bytes(DATA)
    with serving(good(DATA)) as server:
        _fetch(_file(server.address(), size=None), part)
        assert server.ranges() == [f"bytes={len(DATA)}-"]


def test_a_file_that_changed_on_the_server_is_fetched_from_its_start(part: Path) -> None:
    with serving(good(bytes(len(DATA)), etag='"old"', breaks_after=100_000), good(DATA)) as server:
        _fetch(_file(server.address()), part)
        assert server.seen[1].headers["If-Range"] == '"old"'
    assert part.read_bytes() == DATA


def test_without_a_name_for_its_version_a_mixed_file_is_found_and_fetched_anew(part: Path) -> None:
    wrong = good(bytes(len(DATA)), etag=None, breaks_after=100_000)
    with serving(wrong, good(DATA, etag=None)) as server:
        _fetch(_file(server.address()), part)
        asked = server.ranges()
    assert part.read_bytes() == DATA
    assert asked[0] is None and asked[1] is not None and asked[2] is None


@pytest.mark.parametrize("etag", ['W/"weak"', None])
def test_a_weak_tag_is_not_asked_back(part: Path, etag: str | None) -> None:
    with serving(good(DATA, etag=etag, breaks_after=100_000), good(DATA, etag=None)) as server:
        _fetch(_file(server.address()), part)
        assert "If-Range" not in server.seen[1].headers
    assert part.read_bytes() == DATA


def test_a_server_without_ranges_sends_it_again_from_its_start(part: Path) -> None:
    broken = without_ranges(DATA, breaks_after=200_000)
    with serving(broken, without_ranges(DATA)) as server:
        _fetch(_file(server.address()), part)
        assert server.ranges()[1] is not None
    assert part.read_bytes() == DATA


@pytest.mark.parametrize(
    "span",
    [
        "bytes 0-299999/300000",
        "bytes 5-299999/300000",
        "bytes 299999-100/300000",
        "bytes */300000",
        "pages 1-2/3",
        "",
    ],
)
def test_a_part_from_elsewhere_than_asked_is_thrown_away(part: Path, span: str) -> None:
    broken = good(DATA, breaks_after=100_000)
    with serving(broken, answering(206, DATA, content_range=span), good(DATA)) as server:
        _fetch(_file(server.address()), part)
        assert server.ranges()[2] is None
    assert part.read_bytes() == DATA


def test_a_range_that_the_server_cannot_give_starts_the_file_anew(part: Path) -> None:
    broken = good(DATA, breaks_after=100_000)
    with serving(broken, status(416, content_range="bytes */7"), good(DATA)) as server:
        _fetch(_file(server.address()), part)
        assert server.ranges()[2] is None
    assert part.read_bytes() == DATA


def test_an_end_without_a_word_is_no_end_while_bytes_are_missing(part: Path) -> None:
    with serving(until_closed(DATA[:1000]), until_closed(DATA)) as server:
        _fetch(_file(server.address()), part)
        assert len(server.seen) == 2
    assert part.read_bytes() == DATA


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_a_server_that_is_busy_is_asked_again(part: Path, code: int) -> None:
    with serving(status(code), status(code, retry_after="0"), good(DATA)) as server:
        _fetch(_file(server.address()), part)
        assert len(server.seen) == 3
    assert part.read_bytes() == DATA


def test_the_pause_that_a_server_asks_for_is_kept(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(download.time, "sleep", slept.append)
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    patience = Patience(pause=1.0, silence=2)
    asked = [status(503, retry_after="7"), status(503), status(503, retry_after=at)]
    with serving(*asked, status(429, retry_after="soon"), good(DATA)) as server:
        _fetch(_file(server.address()), part, patience)
    assert slept[:2] == [7.0, 2.0] and slept[3] == 8.0
    assert 25 < slept[2] <= 30


def test_a_pause_beyond_reason_is_not_waited_for(part: Path) -> None:
    with serving(status(503, retry_after="86400")) as server:
        with pytest.raises(DownloadFailed, match="asks to come back in 86,400 seconds"):
            _fetch(_file(server.address()), part)
        assert len(server.seen) == 1


def test_a_server_that_stays_ill_is_given_up_with_the_reason(part: Path) -> None:
    with serving(status(503)) as server:
        with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1 answers 503 Service Unavailable"):
            _fetch(_file(server.address("/x?token=secret")), part)
        assert len(server.seen) == QUICK.tries


def test_nobody_there_is_said_soon(part: Path) -> None:
    with serving(good(DATA)) as server:
        address = server.address()
    with pytest.raises(DownloadFailed, match="could not be reached") as caught:
        _fetch(_file(address), part)
    assert "HTTPS_PROXY" in caught.value.fix and "--from DIR" in caught.value.fix
    assert not part.exists()


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 204, 304])
def test_a_refusal_is_not_asked_for_twice(part: Path, code: int) -> None:
    with serving(status(code)) as server:
        with pytest.raises(DownloadFailed, match=f"answers {code}"):
            _fetch(_file(server.address()), part)
        assert len(server.seen) == 1


@pytest.mark.parametrize("size", [len(DATA), None])
def test_wrong_bytes_are_refused_and_deleted(part: Path, size: int | None) -> None:
    with serving(good(bytes(len(DATA)))) as server:
        with pytest.raises(ModelFileInvalid, match="its SHA-256 differs"):
            _fetch(_file(server.address(), size=size), part)
        assert len(server.seen) == 1
    assert list(part.parent.iterdir()) == []


def test_a_file_of_another_size_is_refused_before_a_byte_is_kept(part: Path) -> None:
    with (
        serving(good(DATA + b"more")) as server,
        pytest.raises(ModelFileInvalid, match="a file of 300,004 bytes, not 300,000"),
    ):
        _fetch(_file(server.address()), part)
    assert list(part.parent.iterdir()) == []


def test_a_truncated_file_is_never_taken_for_the_whole(part: Path) -> None:
    with serving(without_ranges(DATA, breaks_after=1000)) as server:
        with pytest.raises(DownloadFailed, match="broke the connection"):
            _fetch(_file(server.address()), part)
        assert len(server.seen) == QUICK.tries
    assert part.stat().st_size <= 1000


@pytest.mark.parametrize("size", [len(DATA), None])
def test_data_without_end_stops_at_the_bound(
    part: Path, size: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "LARGEST_UNSAID", 500_000)
    with (
        serving(endless) as server,
        pytest.raises(ModelFileInvalid, match="sends more than") as caught,
    ):
        _fetch(_file(server.address(), size=size), part)
    assert f"{size or 500_000:,} bytes" in caught.value.what
    assert list(part.parent.iterdir()) == []


def test_a_packed_answer_is_refused(part: Path) -> None:
    with (
        serving(answering(200, gzip.compress(DATA), content_encoding="gzip")) as server,
        pytest.raises(DownloadFailed, match="packed"),
    ):
        _fetch(_file(server.address()), part)


def test_a_silent_server_and_a_trickling_one_are_given_up(part: Path) -> None:
    for answer, words in ((silent, "stopped sending"), (trickle(DATA, seconds=0.02), "too slowly")):
        with serving(answer) as server:
            with pytest.raises(DownloadFailed, match=words):
                _fetch(_file(server.address()), part, Patience(tries=2, pause=0.001, silence=0.2))
            assert len(server.seen) == 2


def test_mirrors_are_asked_in_their_order_and_go_on_from_one_another(part: Path) -> None:
    with (
        serving(status(404)) as gone,
        serving(good(DATA, breaks_after=100_000), status(404)) as breaking,
        serving(good(DATA, etag='"another"')) as whole,
        serving(good(DATA)) as unneeded,
    ):
        servers = (gone, breaking, whole, unneeded)
        _fetch(_file(*(server.address() for server in servers)), part)
        assert [len(server.seen) for server in servers] == [1, 2, 1, 0]
        assert whole.ranges()[0] is not None
    assert part.read_bytes() == DATA


def test_a_mirror_with_the_wrong_file_does_not_spoil_the_next(part: Path) -> None:
    with serving(good(bytes(len(DATA)))) as wrong, serving(good(DATA)) as right:
        _fetch(_file(wrong.address(), right.address()), part)
    assert part.read_bytes() == DATA


def test_each_mirror_that_failed_is_named_with_its_reason_and_no_more(part: Path) -> None:
    with serving(status(404)) as one, serving(status(403)) as other:
        file = _file(one.address("/a?token=secret"), other.address("/b", host="localhost"))
        with pytest.raises(DownloadFailed) as caught:
            _fetch(file, part)
    assert caught.value.what == (
        "The model file model.onnx could not be fetched. 127.0.0.1 answers 404 Not Found. "
        "localhost answers 403 Forbidden."
    )


def test_a_full_disk_is_said_with_what_to_do_and_nothing_stays(
    part: Path, full_disk: Callable[[int], None]
) -> None:
    full_disk(100_000)
    with (
        serving(good(DATA)) as server,
        pytest.raises(StorageError, match="no room left for models") as caught,
    ):
        _fetch(_file(server.address()), part)
    assert "LIKENESS_MODELS" in caught.value.fix
    assert not part.exists()


def test_what_cannot_fit_is_not_begun(part: Path) -> None:
    with pytest.raises(StorageError, match="no room left for models"):
        require_room(part, 2**60)
    require_room(part, 1000)
    require_room(part, None)


def test_a_link_in_the_place_of_the_part_is_not_followed(part: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"")
    part.symlink_to(other)
    with serving(good(DATA)) as server, pytest.raises(StorageError):
        _fetch(_file(server.address()), part)
    assert other.read_bytes() == b""
