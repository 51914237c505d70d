"""Decoding in limited children: what hostile photos cost, and what a hostile child can say."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from likeness.errors import LikenessError, PhotoUnreadable, UsageError
from likeness.faces import decode
from likeness.faces.sandbox import DecodeWorkers
from likeness.faces.sandbox_protocol import (
    ANSWER,
    MAX_DETAILS,
    ProtocolBroken,
    pack_photo,
    pack_refusal,
    unpack_answer,
    unpack_photo,
    unpack_request,
)
from likeness.records.photo import ReadLimits

LIMITS = ReadLimits()


def encoded(image: Image.Image, form: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


SMALL_PHOTO = encoded(Image.new("RGB", (20, 20)))
SLOW_PHOTO = encoded(Image.new("RGB", (6000, 5000), (7, 8, 9)), "JPEG")
"""30 megapixels that take a tenth of a second and more to decode, and little to send."""


def pid_of(workers: DecodeWorkers) -> int:
    """The process of a pool's only child, which has to be idle."""
    child = workers._slots.queue[-1]
    assert child is not None
    return child._process.pid


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat")
    return state.exists() and state.read_text().rsplit(")", 1)[1].split()[0] == "Z"


def wait_until(condition: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return bool(condition())


@pytest.fixture(scope="module")
def workers() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(2, limits=LIMITS) as pool:
        yield pool


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "HEIF"])
@pytest.mark.parametrize("long_side", [None, 100])
def test_a_child_decodes_as_this_process_does(
    workers: DecodeWorkers, portraits: Any, form: str, long_side: int | None
) -> None:
    picture = Image.fromarray(portraits.hopper)
    if form == "HEIF":
        heif = pytest.importorskip("pillow_heif")
        file = io.BytesIO()
        try:
            heif.from_pillow(picture).save(file)
        except RuntimeError:
            pytest.skip("pillow_heif has no encoder here")
        data = file.getvalue()
    else:
        data = encoded(picture, form)
    there = workers.decode(data, long_side=long_side)
    here = decode.decode(data, limits=LIMITS, long_side=long_side)
    assert np.array_equal(there.pixels, here.pixels)
    assert there.pixels.flags.writeable
    assert (there.width, there.height, there.format) == (here.width, here.height, here.format)
    assert there.metadata == here.metadata


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16", "I", "F", "YCbCr"])
def test_a_child_that_can_open_no_file_still_knows_every_mode(
    workers: DecodeWorkers, portraits: Any, mode: str
) -> None:
    grey = Image.fromarray(portraits.hopper).convert("L")
    picture = (
        Image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
        if mode == "I;16"
        else grey.convert(mode)
    )
    data = encoded(picture, "TIFF")
    there = workers.decode(data, long_side=90).pixels
    assert np.array_equal(there, decode.decode(data, limits=LIMITS, long_side=90).pixels)


def test_metadata_comes_back_with_the_pixels(workers: DecodeWorkers) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(0x8769).update({36867: "2024:05:17 10:20:30", 36881: "+02:00"})
    xmp = (
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'>"
        "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>"
        "<rdf:Description xmlns:r='http://ns.adobe.com/xap/1.0/rights/'"
        " xmlns:dc='http://purl.org/dc/elements/1.1/' r:WebStatement='https://a.example/ä'>"
        "<dc:description>Kesä\n☀</dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    data = encoded(Image.new("RGB", (9, 9)), "JPEG", exif=exif, xmp=xmp.encode())
    found = workers.decode(data, long_side=None).metadata
    assert found == decode.decode(data, limits=LIMITS, long_side=None).metadata
    assert found.web_statement == "https://a.example/ä" and found.description == "Kesä\n☀"
    assert found.taken_at is not None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"<html>", "not_a_photo"),
        (encoded(Image.new("RGB", (90, 90)), "PNG")[:-30], "truncated"),
        (encoded(Image.new("1", (10_001, 10_000)), "PNG"), "too_large"),
    ],
)
def test_what_cannot_be_read_has_the_same_reason_and_words(
    workers: DecodeWorkers, data: bytes, reason: str
) -> None:
    with pytest.raises(PhotoUnreadable) as there:
        workers.decode(data, long_side=None)
    with pytest.raises(PhotoUnreadable) as here:
        decode.decode(data, limits=LIMITS, long_side=None)
    assert there.value.reason == here.value.reason == reason
    assert str(there.value) == str(here.value)


@given(data=st.binary(max_size=200), start=st.sampled_from([b"", b"\xff\xd8\xff", b"II*\x00"]))
def test_random_bytes_give_nothing_but_unreadable(
    workers: DecodeWorkers, data: bytes, start: bytes
) -> None:
    with pytest.raises(PhotoUnreadable):
        workers.decode(start + data, long_side=50)


def test_threads_share_the_children_and_each_gets_its_own_photo(workers: DecodeWorkers) -> None:
    def one(shade: int) -> bool:
        data = encoded(Image.new("L", (40 + shade, 30), shade), "PNG")
        photo = workers.decode(data, long_side=None)
        return photo.width == 40 + shade and bool((photo.pixels == shade).all())

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(200)))


def test_a_photo_that_takes_too_long_is_left() -> None:
    with DecodeWorkers(1, limits=ReadLimits(seconds=0.02)) as pool:
        with pytest.raises(PhotoUnreadable, match=r"0\.02 seconds") as caught:
            pool.decode(SLOW_PHOTO, long_side=None)
        assert caught.value.reason == "too_slow"
        assert list(pool._slots.queue) == [None]


def test_a_child_that_stalls_is_ended_in_time_and_the_next_photo_goes_on() -> None:
    with DecodeWorkers(1, limits=ReadLimits(seconds=1.0)) as pool:
        assert pool.decode(SMALL_PHOTO, long_side=None).width == 20
        pid = pid_of(pool)
        os.kill(pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(PhotoUnreadable) as caught:
            pool.decode(SMALL_PHOTO, long_side=None)
        assert caught.value.reason == "too_slow"
        assert 0.9 < time.monotonic() - began < 5
        assert is_gone(pid)
        assert pool.decode(SMALL_PHOTO, long_side=None).width == 20


def test_a_child_killed_while_decoding_costs_that_photo_only() -> None:
    with DecodeWorkers(1, limits=LIMITS) as pool:
        pool.decode(SMALL_PHOTO, long_side=None)
        pid = pid_of(pool)
        # Stopped first, so that it is killed within the photo however fast the machine is.
        os.kill(pid, signal.SIGSTOP)
        killer = threading.Timer(0.3, os.kill, (pid, signal.SIGKILL))
        killer.start()
        with pytest.raises(PhotoUnreadable) as caught:
            pool.decode(SLOW_PHOTO, long_side=None)
        killer.join()
        assert caught.value.reason == "crashed_decoder"
        assert pool.decode(SMALL_PHOTO, long_side=None).width == 20
        assert pid_of(pool) != pid


def test_a_child_that_died_while_idle_costs_no_photo() -> None:
    with DecodeWorkers(1, limits=LIMITS) as pool:
        pool.decode(SMALL_PHOTO, long_side=None)
        os.kill(pid_of(pool), signal.SIGKILL)
        assert wait_until(lambda: is_gone(pid_of(pool)))
        assert pool.decode(SMALL_PHOTO, long_side=None).width == 20


def test_an_interrupt_does_not_reach_a_child() -> None:
    with DecodeWorkers(1, limits=LIMITS) as pool:
        pool.decode(SMALL_PHOTO, long_side=None)
        pid = pid_of(pool)
        assert os.getpgid(pid) != os.getpgid(0)
        os.kill(pid, signal.SIGINT)
        assert pool.decode(SMALL_PHOTO, long_side=None).width == 20
        assert pid_of(pool) == pid


def test_children_start_when_needed_and_end_with_the_pool() -> None:
    with DecodeWorkers(2, limits=LIMITS) as pool:
        assert list(pool._slots.queue) == [None, None]
        pool.decode(SMALL_PHOTO, long_side=None)
        assert [child is None for child in pool._slots.queue] == [True, False]
        pid = pid_of(pool)
    assert is_gone(pid)
    pool.close()
    with pytest.raises(UsageError, match="closed"):
        pool.decode(b"x", long_side=None)


PARENT = """
import io, sys
from PIL import Image
from likeness.faces.sandbox import DecodeWorkers
from likeness.records.photo import ReadLimits
file = io.BytesIO()
Image.new("RGB", (20, 20)).save(file, "PNG")
pool = DecodeWorkers(1, limits=ReadLimits())
pool.decode(file.getvalue(), long_side=None)
print(pool._slots.queue[-1]._process.pid, flush=True)
sys.stdin.read()
"""


def test_a_child_ends_when_its_parent_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert not is_gone(pid)
        parent.kill()
    assert wait_until(lambda: is_gone(pid))


INMATE = """
import json, os, resource, socket, sys
from likeness.errors import PhotoUnreadable
from likeness.faces import decode, sandbox_child
from likeness.records.photo import ReadLimits
limits = ReadLimits(max_bytes=10_000_000, max_pixels=40_000_000)
sandbox_child._load_everything(limits)
data = open(sys.argv[1], "rb").read()
sandbox_child._take_limits(limits)
if sys.argv[3] == "tight":
    resource.setrlimit(resource.RLIMIT_AS, (200_000_000, 200_000_000))

def attempt(what):
    try:
        what()
    except PhotoUnreadable as error:
        return error.reason
    except BaseException as error:
        return type(error).__name__
    return "done"

sys.stdout.write(json.dumps({
    "write": attempt(lambda: open(sys.argv[2], "wb").write(b"x")),
    "read": attempt(lambda: open(sys.argv[1], "rb").read()),
    "connect": attempt(lambda: socket.socket()),
    "memory": attempt(lambda: bytearray(4_000_000_000)),
    "raise": attempt(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (10, 3))),
    "decode": attempt(lambda: decode.decode(data, limits=limits, long_side=None)),
}))
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no limit on address space")
@pytest.mark.parametrize(("memory", "decoded"), [("given", "done"), ("tight", "too_large")])
def test_a_child_can_write_open_and_connect_to_nothing(
    tmp_path: Path, memory: str, decoded: str
) -> None:
    photo, written = tmp_path / "photo.png", tmp_path / "written"
    photo.write_bytes(encoded(Image.new("RGB", (6000, 6000)), "PNG"))
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INMATE, str(photo), str(written), memory],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ).stdout
    found = json.loads(answer)
    assert found["write"] == found["read"] == found["connect"] == "OSError"
    assert found["memory"] == "MemoryError"
    assert found["raise"] == "ValueError"
    assert found["decode"] == decoded
    assert not written.exists()


def test_a_child_gets_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LIKENESS_SECRET", "not for children")
    with DecodeWorkers(1, limits=LIMITS) as pool:
        pool.decode(SMALL_PHOTO, long_side=None)
        environment = Path(f"/proc/{pid_of(pool)}/environ")
        if not environment.exists():
            pytest.skip("this system does not show the environment of a process")
        names = {line.split(b"=")[0] for line in environment.read_bytes().split(b"\x00") if line}
    assert b"LIKENESS_SECRET" not in names
    assert names <= {
        b"PYTHONPATH",
        b"PYTHONDONTWRITEBYTECODE",
        b"LANG",
        b"OPENBLAS_NUM_THREADS",
        b"OMP_NUM_THREADS",
        b"LD_LIBRARY_PATH",
        b"DYLD_LIBRARY_PATH",
    }


HOSTILE = {
    "says nonsense": "out.write(b'x' * 100); out.flush(); time.sleep(30)",
    "ends": "pass",
    "promises too much": "out.write(struct.pack('!4sIQ', b'LKA1', 2, 1 << 60)); time.sleep(30)",
    "promises a long object": "out.write(struct.pack('!4sIQ', b'LKA1', 1 << 31, 0))",
    "lies about its size": (
        "d = json.dumps(dict(rows=9, columns=9, width=9, height=9, format='PNG', web_statement='',"
        " source='', description='', taken_at=None)).encode();"
        "out.write(struct.pack('!4sIQ', b'LKA1', len(d), 12) + d + bytes(12))"
    ),
    "answers with a pickle": (
        "import pickle; d = pickle.dumps(os.getcwd);"
        "out.write(struct.pack('!4sIQ', b'LKA1', len(d), 0) + d)"
    ),
}


def stand_in(tmp_path: Path, code: str, *, ready: bool = True) -> str:
    """A program that answers in place of the child, whatever its arguments."""
    program = tmp_path / "child.py"
    program.write_text(
        "import json, os, struct, sys, time\n"
        "out = os.fdopen(1, 'wb', buffering=0)\n"
        f"out.write({b'LKR1' if ready else b''!r})\n"
        "sys.stdin.buffer.read(16)\n"
        f"{code}\n"
    )
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_child_that_was_taken_over_is_ended(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = stand_in(tmp_path, HOSTILE[name])
    real = sys.executable
    with DecodeWorkers(1, limits=LIMITS) as pool:
        monkeypatch.setattr(sys, "executable", script)
        with pytest.raises(PhotoUnreadable) as caught:
            pool.decode(SMALL_PHOTO, long_side=None)
        assert caught.value.reason == "crashed_decoder"
        assert list(pool._slots.queue) == [None]
        monkeypatch.setattr(sys, "executable", real)
        assert pool.decode(SMALL_PHOTO, long_side=None).width == 20


def test_a_decoder_that_cannot_start_is_no_fault_of_the_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with DecodeWorkers(1, limits=LIMITS) as pool:
        for executable in (str(tmp_path / "absent"), "/bin/false"):
            monkeypatch.setattr(sys, "executable", executable)
            with pytest.raises(LikenessError, match="could not be started") as caught:
                pool.decode(SMALL_PHOTO, long_side=None)
            assert not isinstance(caught.value, PhotoUnreadable)
        monkeypatch.undo()
        assert pool.decode(SMALL_PHOTO, long_side=None).width == 20


def test_no_children_are_refused() -> None:
    with pytest.raises(UsageError):
        DecodeWorkers(0, limits=LIMITS)


GOOD = {
    "rows": 2,
    "columns": 3,
    "width": 6,
    "height": 4,
    "format": "PNG",
    "web_statement": "",
    "source": "",
    "description": "",
    "taken_at": None,
}


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 3},
        {"rows": -2, "columns": -3},
        {"rows": True},
        {"rows": 2.0},
        {"width": 10**9, "height": 10**9},
        {"width": 2},
        {"format": "EPS"},
        {"format": None},
        {"description": "x" * 5001},
        {"description": "bell\a"},
        {"source": ["list"]},
        {"source": "\ud800"},
        {"taken_at": "2024-05-17T10:00:00"},
        {"taken_at": "0001-01-01T00:00:00+14:00"},
        {"taken_at": 5},
        {"reason": "made up"},
        {"reason": ["empty"]},
    ],
)
def test_an_answer_that_does_not_fit_is_refused(change: dict[str, object]) -> None:
    text = json.dumps({**GOOD, **change}).encode()
    with pytest.raises(ProtocolBroken):
        unpack_photo(text, np.zeros(18, dtype=np.uint8), limits=LIMITS, long_side=None)


def test_an_answer_larger_than_was_asked_for_is_refused() -> None:
    text, pixels = json.dumps(GOOD).encode(), np.zeros(18, dtype=np.uint8)
    assert unpack_photo(text, pixels, limits=LIMITS, long_side=3).width == 6
    with pytest.raises(ProtocolBroken):
        unpack_photo(text, pixels, limits=LIMITS, long_side=2)


@given(text=st.one_of(st.binary(max_size=80), st.just(b"[" * 60_000)))
def test_any_answer_is_a_photo_or_refused(text: bytes) -> None:
    with pytest.raises((ProtocolBroken, PhotoUnreadable)):
        unpack_photo(text, np.zeros(18, dtype=np.uint8), limits=LIMITS, long_side=None)


@given(header=st.binary(min_size=ANSWER.size, max_size=ANSWER.size))
def test_lengths_are_bounded_before_anything_is_allocated(header: bytes) -> None:
    for bounded in (header, b"LKA1" + header[4:]):
        try:
            lengths = unpack_answer(bounded, LIMITS)
        except ProtocolBroken:
            continue
        assert lengths.details <= MAX_DETAILS and lengths.pixels <= 3 * LIMITS.max_pixels


def test_a_request_over_the_limit_is_refused_by_the_child() -> None:
    for header in (b"LKQ1\x00\x00\x00\x00" + b"\xff" * 8, b"nope" + bytes(12)):
        with pytest.raises(ProtocolBroken):
            unpack_request(header, LIMITS)


def test_an_answer_survives_the_way_through_the_pipe(portraits: Any) -> None:
    photo = decode.decode(encoded(Image.fromarray(portraits.hopper)), limits=LIMITS, long_side=64)
    start, pixels = pack_photo(photo)
    lengths = unpack_answer(start[: ANSWER.size], LIMITS)
    assert lengths.details == len(start) - ANSWER.size and lengths.pixels == pixels.size
    back = unpack_photo(start[ANSWER.size :], pixels, limits=LIMITS, long_side=64)
    assert np.array_equal(back.pixels, photo.pixels) and back.metadata == photo.metadata
    refusal = pack_refusal(decode.unreadable("broken", limits=LIMITS))
    with pytest.raises(PhotoUnreadable) as caught:
        unpack_photo(refusal[ANSWER.size :], np.zeros(0, np.uint8), limits=LIMITS, long_side=None)
    assert caught.value.reason == "broken"
