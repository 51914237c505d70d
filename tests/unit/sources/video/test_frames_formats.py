"""Videos as cameras, phones and programs make them: turned, stretched, in many formats."""

from __future__ import annotations

import io
import threading
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from films import Picture, Shot, drawn, film, held, sound_only, stills
from PIL import Image

from likeness.errors import PhotoUnreadable
from likeness.sources.video.entry import FrameEntry
from likeness.sources.video.frames import frames_of
from likeness.sources.video.limits import VideoLimits
from likeness.sources.video.tone import HLG, PQ

THREE = [Shot(picture=drawn(seed), seconds=1.5) for seed in (1, 2, 3)]
CORNER = np.zeros((120, 200, 3), np.uint8)
CORNER[:60, :100] = (250, 40, 40)


def frames(data: bytes) -> list[FrameEntry]:
    return list(frames_of(held(data), stop=threading.Event(), limits=VideoLimits()))


def starts(data: bytes) -> list[int]:
    return [frame.span.start_ms for frame in frames(data)]


def first_pixels(data: bytes) -> Picture:
    frame, *_ = frames(data)
    with Image.open(io.BytesIO(frame.jpeg)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(
    ("form", "codec", "options"),
    [
        ("mp4", "libx264", None),
        ("mov", "libx264", None),
        ("3gp", "mpeg4", {"q": "1"}),
        ("matroska", "libx264", None),
        ("webm", "libvpx", None),
        ("webm", "libvpx-vp9", None),
        ("avi", "mjpeg", None),
        ("avi", "mpeg4", {"q": "1"}),
        ("mpeg", "mpeg2video", {"q": "1"}),
        ("mpegts", "mpeg2video", {"q": "1"}),
        ("mpegts", "libx264", None),
        ("asf", "wmv2", {"q": "1"}),
        ("flv", "flv", {"q": "1"}),
        ("mp4", "libx265", {"x265-params": "log-level=none", "preset": "ultrafast"}),
        ("mov", "prores_ks", {}),
    ],
)
def test_every_usual_format_gives_its_scenes(
    form: str, codec: str, options: dict[str, str] | None
) -> None:
    pixel_format = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}.get(codec, "yuv420p")
    data = film(stills(THREE), form=form, codec=codec, options=options, pixel_format=pixel_format)
    found = starts(data)
    # Frames that others are made from are looked at, so a scene may begin a frame or two later.
    for scene in (0, 1500, 3000):
        assert any(scene <= start <= scene + 130 for start in found), found
    assert len(found) <= 5


def test_a_file_whose_index_comes_first_or_in_pieces_is_the_same_film(tmp_path: Any) -> None:
    path = tmp_path / "film.mp4"
    film(stills(THREE), path=path, container_options={"movflags": "faststart"})
    pieces = film(
        stills(THREE), container_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    )
    whole = [(frame.item, frame.jpeg) for frame in frames(film(stills(THREE)))]
    assert [(frame.item, frame.jpeg) for frame in frames(path.read_bytes())] == whole
    assert [(frame.item, frame.jpeg) for frame in frames(pieces)] == whole


@pytest.mark.parametrize(
    ("degrees", "mirrored", "shape", "bright"),
    [
        (0, (False, False), (120, 200), (0, 0)),
        (90, (False, False), (200, 120), (1, 0)),
        (-90, (False, False), (200, 120), (0, 1)),
        (180, (False, False), (120, 200), (1, 1)),
        (0, (True, False), (120, 200), (0, 1)),
        (0, (False, True), (120, 200), (1, 0)),
    ],
)
def test_a_video_is_turned_and_mirrored_as_it_says(
    degrees: int, mirrored: tuple[bool, bool], shape: tuple[int, int], bright: tuple[int, int]
) -> None:
    # Degrees are counted against the clock, so 90 brings the upper left corner to the lower left.
    across, down = mirrored
    data = film(
        [CORNER] * 5,
        set_up=lambda stream: stream.set_display_rotation(degrees, hflip=across, vflip=down),
    )
    pixels = first_pixels(data)
    assert pixels.shape[:2] == shape
    height, width = shape
    reds = {
        (row, column): int(
            pixels[
                (2 * row + 1) * height // 4 - 5 : (2 * row + 1) * height // 4 + 5,
                (2 * column + 1) * width // 4 - 5 : (2 * column + 1) * width // 4 + 5,
                0,
            ].mean()
        )
        for row in (0, 1)
        for column in (0, 1)
    }
    assert {place for place, red in reds.items() if red > 128} == {bright}


@pytest.mark.parametrize(
    ("aspect", "shape"),
    [
        (Fraction(16, 11), (120, 291)),
        (Fraction(1, 2), (240, 200)),
        (Fraction(1), (120, 200)),
        (Fraction(100), (120, 200)),
    ],
)
def test_pixels_that_are_not_square_are_made_so(aspect: Fraction, shape: tuple[int, int]) -> None:
    def set_up(stream: Any) -> None:
        stream.codec_context.sample_aspect_ratio = aspect

    assert first_pixels(film([CORNER] * 5, set_up=set_up)).shape[:2] == shape


RAMP = np.tile(np.linspace(0, 255, 256).astype(np.uint8)[None, :, None], (64, 1, 3))


def ramp(transfer: int | None) -> Any:
    """What a ramp of ten-bit signal values looks like, int (256,)."""

    def set_up(stream: Any) -> None:
        if transfer is not None:
            stream.color_trc, stream.color_primaries, stream.colorspace = transfer, 9, 9

    data = film([RAMP] * 5, pixel_format="yuv420p10le", set_up=set_up)
    return first_pixels(data)[32, :, 0].astype(int)


def test_ten_bits_become_eight() -> None:
    assert np.abs(ramp(None) - np.arange(256)).max() < 12


@pytest.mark.parametrize(("transfer", "white"), [(PQ, 0.58), (HLG, 0.75)])
def test_high_dynamic_range_is_neither_dull_nor_all_white(transfer: int, white: float) -> None:
    found = ramp(transfer)
    # The signal of white on paper, by ITU-R BT.2408, is bright, and there is something beyond it.
    assert 225 < found[round(255 * white)] < 250
    assert found[0] < 12 and found[-1] > 250
    assert (np.diff(found[::8]) >= -3).all()


def test_a_frame_rate_that_changes_is_followed() -> None:
    # A second at 24 frames, then one frame every five seconds.
    shots = stills([Shot(picture=drawn(1), seconds=1), Shot(picture=drawn(2), seconds=0.25)])
    data = film(shots, times=lambda n: Fraction(n, 24) if n < 24 else Fraction(1 + 5 * (n - 24)))
    (first, second) = frames(data)
    assert (first.span.start_ms, first.span.end_ms) == (0, 1000)
    assert second.span.start_ms == 1000
    assert 26_000 <= second.span.end_ms <= 31_100


def test_a_video_that_begins_before_zero_or_late_begins_at_zero() -> None:
    before = film(stills(THREE), form="matroska", times=lambda n: Fraction(n, 24) - 1)
    late = film(stills(THREE), form="mpegts", codec="libx264", times=lambda n: Fraction(n, 24) + 70)
    assert starts(before) == starts(late) == [0, 1500, 3000]


def test_frames_without_time_stamps_are_timed_by_the_rate() -> None:
    # A bare stream has none at all.
    data = film(stills(THREE), form="m4v", codec="mpeg4", options={"q": "1"})
    found = starts(data)
    for scene in (0, 1500, 3000):
        assert any(abs(scene - start) <= 130 for start in found), found


def test_frames_that_nothing_is_made_from_are_looked_at_where_there_are_no_others() -> None:
    # One frame in eight seconds that others are made from, and none of the rest is.
    options = {"preset": "ultrafast", "g": "192", "keyint_min": "192", "sc_threshold": "0"}
    options |= {"x264-params": "bframes=16:b-adapt=0:b-pyramid=none:scenecut=0", "refs": "1"}
    shots = [Shot(picture=drawn(seed), seconds=1) for seed in range(8)]
    assert starts(film(stills(shots), options=options)) == [1000 * second for second in range(8)]


def test_the_picture_of_an_album_is_not_the_video() -> None:
    data = film(stills(THREE), cover=drawn(9, width=640, height=640))
    assert starts(data) == [0, 1500, 3000]
    assert first_pixels(data).shape == (180, 320, 3)


def test_sound_beside_the_picture_does_no_harm() -> None:
    assert starts(film(stills(THREE), form="mov", sound_seconds=6)) == [0, 1500, 3000]


@pytest.mark.parametrize(
    ("form", "cover"),
    [("mov", None), ("matroska", None), ("avi", None), ("mp4", drawn(9, width=64, height=64))],
)
def test_a_file_with_sound_and_perhaps_a_cover_is_told(form: str, cover: Picture | None) -> None:
    with pytest.raises(PhotoUnreadable) as raised:
        frames(sound_only(form=form, cover=cover))
    assert raised.value.reason == "no video"


def test_interlaced_pictures_show_one_moment() -> None:
    # Every second line is another moment: white lines of one, black lines of the other.
    woven = np.zeros((144, 176, 3), np.uint8)
    woven[::2] = 255
    data = film(
        [woven] * 5,
        form="mpeg",
        codec="mpeg2video",
        options={"q": "1", "flags": "+ildct+ilme", "field_order": "tt"},
    )
    pixels = first_pixels(data)
    assert pixels.shape == (144, 176, 3)
    assert abs(int(pixels[40:60].max()) - int(pixels[40:60].min())) < 60
