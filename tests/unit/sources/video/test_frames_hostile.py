"""Videos and children that mean harm, or are merely broken; and stopping."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from films import HeldVideo, Shot, drawn, film, held, stills
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from likeness.errors import LikenessError, PhotoUnreadable, SourceBlocked
from likeness.sources.base import VideoEntry
from likeness.sources.video import decoder, frames
from likeness.sources.video.entry import FrameEntry
from likeness.sources.video.frames import frames_of
from likeness.sources.video.limits import VideoLimits

NEVER = threading.Event()
THREE = [Shot(picture=drawn(seed), seconds=1.5) for seed in (1, 2, 3)]


def outcome(video: VideoEntry, **limits: Any) -> tuple[list[FrameEntry], str]:
    """The frames of a video, and why it ended; an empty reason where it ended well."""
    found: list[FrameEntry] = []
    try:
        found.extend(frames_of(video, stop=NEVER, limits=VideoLimits(**limits)))
    except PhotoUnreadable as error:
        assert video.item in error.what and error.fix
        return found, error.reason
    return found, ""


def gif() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (64, 64), "red").save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"a video", "broken"),
        (bytes(100_000), "broken"),
        (gif(), "unsupported"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n", "broken"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "unsupported"),
    ],
    ids=["empty", "words", "zeros", "gif", "playlist", "list of files"],
)
def test_what_is_no_video_has_a_reason(data: bytes, reason: str) -> None:
    assert outcome(held(data)) == ([], reason)


def test_a_video_that_was_cut_short_gives_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    film(stills(THREE), path=path, container_options={"movflags": "faststart"})
    fast, slow = path.read_bytes(), film(stills(THREE))
    found, reason = outcome(held(fast[: len(fast) * 2 // 3]))
    assert reason == "truncated"
    assert [frame.span.start_ms for frame in found][:1] == [0]
    # Without its index, which comes last, nothing can be told from the other.
    assert outcome(held(slow[: len(slow) * 2 // 3])) == ([], "truncated")
    matroska = film(stills(THREE), form="matroska")
    found, reason = outcome(held(matroska[: len(matroska) // 2]))
    assert reason == "truncated" and found


def test_broken_bytes_give_the_same_frames_each_time_or_the_same_reason() -> None:
    """By one thread: with several, what stands in for a damaged part depends on who is first."""
    good = film(stills(THREE))
    for seed in range(4):
        dice, data = random.Random(seed), bytearray(good)
        for _ in range(30):
            data[dice.randrange(len(data))] = dice.randrange(256)
        video = held(bytes(data))
        first = outcome(video, threads=1)
        assert first == outcome(video, threads=1)
        for frame in first[0]:
            assert 0 <= frame.span.start_ms < frame.span.end_ms


@settings(max_examples=8, deadline=None)
@given(data=st.binary(max_size=400), start=st.sampled_from([b"", b"\0\0\0\x18ftypisom", b"RIFF"]))
def test_random_bytes_give_nothing_but_a_reason(data: bytes, start: bytes) -> None:
    found, reason = outcome(held(start + data))
    assert found == []
    assert reason in {"empty", "broken", "truncated", "unsupported", "no video"}


class _Failing(io.BytesIO):
    """Bytes that cannot be read beyond some place."""

    def __init__(self, data: bytes, error: Exception) -> None:
        super().__init__(data)
        self.error = error

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() > 4096:
            raise self.error
        return super().read(min(size or 0, 4096))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EACCES, "no"), "permission denied"),
        (OSError(errno.EIO, "no"), "could not be read"),
        (EOFError(), "could not be read"),
        (PhotoUnreadable("It went.", "Look.", reason="gone"), "gone"),
    ],
)
def test_a_video_that_cannot_be_read_on_is_told_by_the_reason(
    error: Exception, reason: str
) -> None:
    data = film(stills([Shot(picture=drawn(seed), seconds=1) for seed in range(20)]))
    video = HeldVideo(size=len(data), opener=lambda: _Failing(data, error))
    with pytest.raises(PhotoUnreadable) as raised:
        list(frames_of(video, stop=NEVER))
    assert raised.value.reason == reason


def test_a_video_that_cannot_be_opened_starts_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")

    def refuse() -> BinaryIO:
        raise PhotoUnreadable("It went.", "Look.", reason="gone")

    with pytest.raises(PhotoUnreadable) as raised:
        list(frames_of(HeldVideo(opener=refuse), stop=NEVER))
    assert raised.value.reason == "gone"


def test_without_pyav_the_reason_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "can_read_videos", lambda: False)
    assert outcome(held(b"x")) == ([], "video: pip install 'likeness[video]'")


def running(video: VideoEntry, stop: threading.Event) -> tuple[Any, list[int]]:
    """The frames of a video after the first, and the process that decodes them."""
    pids: list[int] = []
    real = decoder.VideoDecoder

    class Watched(real):  # type: ignore[valid-type,misc]
        def __init__(self, *arguments: Any, **named: Any) -> None:
            super().__init__(*arguments, **named)
            pids.append(self.pid)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "VideoDecoder", Watched)
        found = frames_of(video, stop=stop)
        next(found)
    return found, pids


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture(scope="module")
def many_scenes() -> bytes:
    """Two minutes, whose frames do not all fit into a pipe."""
    pictures = [drawn(seed, width=640, height=360) for seed in range(20)]
    return film(pictures[number // 5 % 20] for number in range(120 * 5))


def test_a_stop_from_another_thread_ends_the_child_and_the_video(many_scenes: bytes) -> None:
    stop = threading.Event()

    class Waiting(io.BytesIO):
        """Sets the event while the child waits for what it asked for."""

        def read(self, size: int | None = -1, /) -> bytes:
            threading.Timer(0.1, stop.set).start()
            return super().read(size)

    video = HeldVideo(size=len(many_scenes), opener=lambda: Waiting(many_scenes))
    found, (pid,) = running(video, stop)
    began = time.monotonic()
    with pytest.raises(SourceBlocked):
        for _ in found:
            stop.wait(5)
    assert time.monotonic() - began < 5
    assert is_gone(pid)
    with pytest.raises(SourceBlocked):
        next(frames_of(video, stop=stop))


def test_leaving_half_way_ends_the_child_and_closes_the_file(many_scenes: bytes) -> None:
    file = io.BytesIO(many_scenes)
    found, (pid,) = running(HeldVideo(size=len(many_scenes), opener=lambda: file), NEVER)
    assert not is_gone(pid)
    found.close()
    assert is_gone(pid)
    assert file.closed


def test_a_child_that_is_killed_costs_the_rest_of_its_video_only(many_scenes: bytes) -> None:
    found, (pid,) = running(held(many_scenes), NEVER)
    os.kill(pid, 9)
    with pytest.raises(PhotoUnreadable) as raised:
        list(found)
    assert raised.value.reason == "crashed_decoder"
    whole, reason = outcome(held(film(stills(THREE))))
    assert (len(whole), reason) == (3, "")


def test_time_in_which_nobody_takes_frames_is_not_counted(many_scenes: bytes) -> None:
    limits = VideoLimits(idle_seconds=3)
    found = frames_of(held(many_scenes), stop=NEVER, limits=limits)
    first = next(found)
    time.sleep(3.5)
    assert next(found).span.start_ms >= first.span.end_ms
    found.close()


STAND_IN = """
import os, struct, sys, time
out, back = os.fdopen(1, "wb", buffering=0), sys.stdin.buffer
def say(mark, first=0, second=0, number=0, rest=b""):
    out.write(struct.pack("!4sQQI", mark, first, second, number) + rest)
jpeg = b"\\xff\\xd8\\xff" + bytes(20)
out.write(READY)
"""
HOSTILE = {
    "says nonsense": ("out.write(b'x' * 1000); time.sleep(30)", 0, "crashed_decoder"),
    "ends": ("pass", 0, "crashed_decoder"),
    "stalls": ("time.sleep(30)", 0, "too_slow"),
    "stalls within a frame": ("say(b'LKVf', 0, 5, 99); time.sleep(30)", 0, "too_slow"),
    "promises too much": ("say(b'LKVf', 0, 5, 1 << 31); time.sleep(30)", 0, "crashed_decoder"),
    "sends no picture": ("say(b'LKVf', 0, 5, 9, bytes(9)); time.sleep(30)", 0, "crashed_decoder"),
    "goes back": (
        "say(b'LKVf', 5, 9, 23, jpeg); say(b'LKVf', 8, 12, 23, jpeg); time.sleep(30)",
        1,
        "crashed_decoder",
    ),
    "stands still": (
        "[say(b'LKVa', 7) for _ in range(9)]; time.sleep(30)",
        0,
        "crashed_decoder",
    ),
    "sends without end": (
        "[say(b'LKVf', n, n + 1, 23, jpeg) for n in range(100)]",
        10,
        "crashed_decoder",
    ),
    "reads without end": (
        "for n in range(10 ** 9):\n"
        "    say(b'LKVr', n % 50, 0, 1)\n"
        "    assert struct.unpack('!I', back.read(4)) == (1,)\n"
        "    back.read(1)",
        0,
        "crashed_decoder",
    ),
    "reads beyond the end": (
        "say(b'LKVr', 1 << 62, 0, 100)\n"
        "assert back.read(4) == bytes(4)\n"
        "say(b'LKVr', 90, 0, 100)\n"
        "assert back.read(4) == struct.pack('!I', 10) and len(back.read(10)) == 10\n"
        "say(b'LKVe', 0, 0, 0)",
        0,
        "",
    ),
    "does not take its answer": (
        "[say(b'LKVr', 0, 0, 100) for _ in range(3000)]; time.sleep(30)",
        0,
        "too_slow",
    ),
    "says that it is through": ("say(b'LKVe', 0, 0, 5)", 0, "broken"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_child_that_was_taken_over_costs_its_video_only(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, number, reason = HOSTILE[name]
    monkeypatch.setattr(sys, "executable", stand_in(tmp_path, code))
    limits = {"idle_seconds": 1.5, "max_frames": 10}
    began = time.monotonic()
    found, told = outcome(held(bytes(100)), **limits)
    assert (len(found), told) == (number, reason)
    assert time.monotonic() - began < 20


def stand_in(tmp_path: Path, code: str) -> str:
    """A program that answers in place of the child, whatever its arguments."""
    program = tmp_path / "child.py"
    program.write_text(STAND_IN.replace("READY", repr(b"LKV1")) + code + "\n")
    script = tmp_path / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}"\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def test_a_child_that_cannot_start_is_no_fault_of_the_video(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for executable in (str(tmp_path / "absent"), "/bin/false"):
        monkeypatch.setattr(sys, "executable", executable)
        with pytest.raises(LikenessError, match="could not be started") as caught:
            list(frames_of(held(b"x"), stop=NEVER))
        assert not isinstance(caught.value, PhotoUnreadable)


INMATE = """
import io, json, resource, socket, sys
from likeness.sources.video import child
from likeness.sources.video.asked_bytes import AskedBytes
from likeness.sources.video.film import FilmProblem, moments
from likeness.sources.video.limits import VideoLimits
limits = VideoLimits(max_pixels=1_000_000)
child._load_everything(limits)
data = open(sys.argv[1], "rb").read()
child._take_limits(limits)

def attempt(what):
    try:
        return what()
    except BaseException as error:
        return type(error).__name__

def decode():
    ask = lambda offset, size: data[offset : offset + size]
    return len(list(moments(AskedBytes(len(data), ask), limits)))

sys.stdout.write(json.dumps({
    "write": attempt(lambda: open(sys.argv[2], "wb").write(b"x")),
    "read": attempt(lambda: open(sys.argv[1], "rb").read(1)),
    "connect": attempt(lambda: socket.socket()),
    "memory": attempt(lambda: bytearray(4_000_000_000)),
    "raise": attempt(lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (10, 3))),
    "decode": attempt(decode),
}))
"""


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has no limit on address space")
@pytest.mark.parametrize("form", ["mp4", "webm", "matroska"])
def test_a_child_can_write_open_and_connect_to_nothing_and_still_decodes(
    tmp_path: Path, form: str
) -> None:
    video, written = tmp_path / "film", tmp_path / "written"
    video.write_bytes(film([drawn(1)] * 20, form=form))
    answer = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", INMATE, str(video), str(written)],
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    ).stdout
    found = json.loads(answer)
    assert found["write"] == found["read"] == found["connect"] == "OSError"
    assert found["memory"] == "MemoryError"
    assert found["raise"] == "ValueError"
    assert found["decode"] > 0
    assert not written.exists()


def test_a_child_gets_nothing_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, many_scenes: bytes
) -> None:
    monkeypatch.setenv("LIKENESS_SECRET", "not for children")
    found, (pid,) = running(held(many_scenes), NEVER)
    environment = Path(f"/proc/{pid}/environ")
    if not environment.exists():
        pytest.skip("this system does not show the environment of a process")
    names = {line.split(b"=")[0] for line in environment.read_bytes().split(b"\x00") if line}
    found.close()
    assert b"LIKENESS_SECRET" not in names
    assert b"PATH" not in names


@pytest.mark.parametrize(
    "words",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{path}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        "file '{path}'\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>{path}'
        "</BaseURL></Period></MPD>",
        "[playlist]\nFile1={path}\n",
    ],
)
def test_a_file_that_names_another_file_gets_nothing_of_it(tmp_path: Path, words: str) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(film([drawn(5)] * 5))
    assert outcome(held(other.read_bytes()))[0]
    found, reason = outcome(held(words.format(path=other).encode()))
    assert (found, reason) in [([], "unsupported"), ([], "broken")]
