"""Frames of real videos, decoded in the child: which there are, and when they are seen."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from films import Picture, Shot, drawn, film, held, on_disk, stills
from PIL import Image

from likeness.errors import PhotoUnreadable
from likeness.records.sighting import Span
from likeness.sources.video.entry import FrameEntry
from likeness.sources.video.frames import frames_of
from likeness.sources.video.limits import VideoLimits

NEVER = threading.Event()
THREE = [Shot(picture=drawn(seed), seconds=1.5) for seed in (1, 2, 3)]


def frames(data: bytes, **limits: Any) -> list[FrameEntry]:
    return list(frames_of(held(data), stop=NEVER, limits=VideoLimits(**limits)))


def spans(found: list[FrameEntry]) -> list[tuple[int, int]]:
    return [(frame.span.start_ms, frame.span.end_ms) for frame in found]


def pixels(frame: FrameEntry) -> Picture:
    with Image.open(io.BytesIO(frame.jpeg)) as image:
        assert image.format == "JPEG"
        return np.asarray(image.convert("RGB"))


def shows(frame: FrameEntry, picture: Picture) -> bool:
    """Whether a frame is this picture, but for what encoding it did."""
    found = pixels(frame).astype(int)
    return found.shape == picture.shape and float(np.abs(found - picture).mean()) < 12


def noisy(pictures: Iterator[Picture], *, seed: int = 0, amount: int = 4) -> Iterator[Picture]:
    dice = np.random.default_rng(seed)
    for picture in pictures:
        grain = dice.integers(-amount, amount + 1, picture.shape)
        yield np.clip(picture + grain, 0, 255).astype(np.uint8)


def test_each_scene_is_one_photo_with_the_time_that_it_is_seen() -> None:
    found = frames(film(stills(THREE)))
    assert [frame.span.start_ms for frame in found] == [0, 1500, 3000]
    assert all(shows(frame, shot.picture) for frame, shot in zip(found, THREE, strict=True))
    for before, after in pairwise(found):
        assert before.span.end_ms == after.span.start_ms
    assert abs(found[-1].span.end_ms - 4500) <= 2


def test_a_frame_is_an_entry_of_the_video() -> None:
    video = held(film(stills(THREE)), item="2024/film.mp4")
    found = list(frames_of(video, stop=NEVER))
    assert [frame.item for frame in found[:2]] == ["2024/film.mp4#t=0,1.5", "2024/film.mp4#t=1.5,3"]
    for frame in found:
        assert (frame.size, frame.modified_ns, frame.link_mark) == (
            video.size,
            video.modified_ns,
            video.link_mark,
        )
        assert frame.read(len(frame.jpeg)) == frame.jpeg
        with pytest.raises(PhotoUnreadable) as raised:
            frame.read(len(frame.jpeg) - 1)
        assert raised.value.reason == "too large"
        assert frame.link(None) == video.link(frame.span)
        assert frame.link(None).span == frame.span


def test_scenes_that_move_give_a_photo_a_second() -> None:
    wide = np.concatenate([drawn(seed) for seed in (1, 2, 3)], axis=1)
    moving = (wide[:, 4 * number : 4 * number + 320] for number in range(24 * 4))
    found = spans(frames(film(moving)))
    assert {start // 1000 for start, _ in found} == {0, 1, 2, 3}
    assert len(found) <= 5


def test_a_scene_that_stands_still_is_one_photo_through_noise_and_compression(
    portraits: Any,
) -> None:
    image = Image.fromarray(portraits.hopper).resize((640, 360))
    still = stills([Shot(picture=np.asarray(image), seconds=6)])
    options = {"preset": "veryfast", "crf": "28"}
    found = frames(film(noisy(still), options=options))
    assert [frame.span.start_ms for frame in found] == [0]
    assert abs(found[0].span.end_ms - 6000) < 100


@pytest.mark.parametrize("place", [(40, 60), (361, 702), (601, 1151)])
def test_somebody_small_who_comes_into_a_still_scene_is_another_photo(
    portraits: Any, place: tuple[int, int]
) -> None:
    scene = np.asarray(Image.fromarray(portraits.hopper).resize((1280, 720))).copy()
    face = Image.fromarray(portraits.collins[60:200, 165:285]).resize((31, 36))
    entered = scene.copy()
    top, left = place
    entered[top : top + 36, left : left + 31] = np.asarray(face)
    shots = [Shot(picture=scene, seconds=1.5), Shot(picture=entered, seconds=1.6)]
    options = {"preset": "ultrafast", "crf": "30"}
    found = frames(film(noisy(stills(shots, rate=12)), rate=12, options=options))
    assert [frame.span.start_ms for frame in found] == [0, 2000]
    cut_out = pixels(found[1])[top : top + 36, left : left + 31].astype(int)
    assert np.abs(cut_out - np.asarray(face)).mean() < 25


def test_a_shot_of_half_a_second_is_not_missed() -> None:
    shots = [
        Shot(picture=drawn(1), seconds=1.25),
        Shot(picture=drawn(2), seconds=0.5),
        Shot(picture=drawn(3), seconds=2.0),
    ]
    found = frames(film(stills(shots)))
    assert [frame.span.start_ms for frame in found] == [0, 1250, 1750]
    assert shows(found[1], shots[1].picture)


def test_the_same_video_gives_the_same_frames_each_time_and_when_it_was_left_half_way() -> None:
    data = film(noisy(stills(THREE), amount=30))
    whole = frames(data)
    left = frames_of(held(data), stop=NEVER)
    assert next(left) == whole[0]
    assert next(left) == whole[1]
    left.close()
    assert frames(data) == whole
    assert len({frame.item for frame in whole}) == len(whole)


def test_frames_are_reduced_to_the_longer_side_that_was_asked_for() -> None:
    data = film([drawn(1, width=320, height=180)] * 5)
    (frame,) = frames(data, long_side=100)
    assert pixels(frame).shape == (56, 100, 3)


def until_it_ends(data: bytes, **limits: Any) -> tuple[list[FrameEntry], str]:
    """The frames of a video that does not end well, and the reason."""
    found: list[FrameEntry] = []
    with pytest.raises(PhotoUnreadable) as raised:
        # What was told before it ended is kept.
        found.extend(frames_of(held(data), stop=NEVER, limits=VideoLimits(**limits)))
    return found, raised.value.reason


def test_no_more_photos_are_made_than_were_allowed() -> None:
    found, reason = until_it_ends(film(stills(THREE)), max_frames=2)
    assert (spans(found), reason) == ([(0, 1500), (1500, 3000)], "too_many_frames")


def test_no_more_of_a_video_is_looked_at_than_was_allowed() -> None:
    found, reason = until_it_ends(film(stills(THREE)), max_seconds=2)
    assert (spans(found), reason) == ([(0, 1500), (1500, 2000)], "too_long")


def test_a_picture_of_too_many_pixels_is_refused() -> None:
    with pytest.raises(PhotoUnreadable) as raised:
        frames(film(stills(THREE)), max_pixels=320 * 180 - 1)
    assert raised.value.reason == "too_large"


LONG = """
import resource, sys, threading
from pathlib import Path
from films import on_disk
from likeness.sources.video.frames import frames_of
video = on_disk(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
starts = [frame.span.start_ms for frame in frames_of(video, stop=threading.Event())]
ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
theirs = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(len(starts), starts[-1], ours, theirs)
"""


@pytest.mark.slow
def test_a_film_of_two_hours_takes_little_memory(tmp_path: Path) -> None:
    path, rate, hours = tmp_path / "film.mp4", 4, 2
    scenes = [drawn(seed, width=160, height=90) for seed in range(30)]
    count = hours * 3600 * rate
    film((scenes[n // (rate * 6) % 30] for n in range(count)), rate=rate, path=path)
    told = subprocess.run(
        [sys.executable, "-c", LONG, str(path)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
        env={"PYTHONPATH": ":".join(filter(None, sys.path))},
    ).stdout
    number, last, ours, theirs = (int(word) for word in told.split())
    unit = 1 if sys.platform == "darwin" else 1024
    assert number >= hours * 3600 // 6
    assert 0 < hours * 3600 * 1000 - last <= 6000
    assert ours * unit < 20_000_000
    assert theirs * unit < 200_000_000


def test_this_process_keeps_its_own_limits() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert frames(film([drawn(1)] * 3))
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_a_video_on_disk_is_read_from_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    film(stills(THREE), path=path, container_options={"movflags": "faststart"})
    (first, *_) = frames_of(on_disk(path), stop=NEVER)
    assert first.span == Span(start_ms=0, end_ms=1500)
