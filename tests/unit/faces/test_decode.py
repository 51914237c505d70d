"""Reading photos: every format, mode and orientation, and every way in which a file can be off."""

from __future__ import annotations

import io
import struct
import sys
import warnings
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from likeness.errors import PhotoUnreadable
from likeness.faces.decode import REASONS, decode, unreadable
from likeness.records.photo import DecodedPhoto, ReadLimits

LIMITS = ReadLimits()
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")


def encoded(image: Image.Image, form: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def read(data: bytes, long_side: int | None = None, limits: ReadLimits = LIMITS) -> DecodedPhoto:
    return decode(data, limits=limits, long_side=long_side)


def reason_for(data: bytes, limits: ReadLimits = LIMITS) -> str:
    with pytest.raises(PhotoUnreadable) as caught:
        read(data, limits=limits)
    assert str(caught.value)
    return caught.value.reason


def corners(width: int = 60, height: int = 40) -> NDArray[np.uint8]:
    """Red top left, green top right, blue bottom left, grey bottom right."""
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    pixels[: height // 2, : width // 2] = (220, 30, 30)
    pixels[: height // 2, width // 2 :] = (30, 200, 30)
    pixels[height // 2 :, : width // 2] = (30, 30, 220)
    pixels[height // 2 :, width // 2 :] = (120, 120, 120)
    return pixels


def stored_as(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """What a camera stores so that this orientation shows the pixels upright (EXIF 2.32, 4.6.4)."""
    stored = {
        1: pixels,
        2: pixels[:, ::-1],
        3: pixels[::-1, ::-1],
        4: pixels[::-1],
        5: pixels.transpose(1, 0, 2),
        6: np.rot90(pixels, 1),
        7: np.rot90(pixels.transpose(1, 0, 2), 2),
        8: np.rot90(pixels, -1),
    }[orientation]
    return np.ascontiguousarray(stored)


def exif_with(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png_of(width: int, height: int) -> bytes:
    """A small PNG that declares a size without holding the pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + check

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("form", FORMATS)
def test_each_format_is_read(portraits: Any, form: str) -> None:
    photo = read(encoded(Image.fromarray(portraits.collins), form))
    assert (photo.format, photo.width, photo.height) == (form, 512, 512)
    assert photo.pixels.shape == (512, 512, 3) and photo.pixels.dtype == np.uint8
    assert photo.pixels.flags.c_contiguous and photo.pixels.flags.writeable
    assert np.abs(photo.pixels.astype(int) - portraits.collins).mean() < 6


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("JPEG", {"quality": 98, "subsampling": 0}),
        ("PNG", {}),
        ("WEBP", {"lossless": True}),
        ("TIFF", {}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
@given(
    orientation=st.integers(1, 8),
    width=st.integers(24, 90),
    height=st.integers(24, 90),
    long_side=st.one_of(st.none(), st.integers(32, 120)),
)
def test_every_orientation_is_made_upright(
    form: str,
    options: dict[str, Any],
    orientation: int,
    width: int,
    height: int,
    long_side: int | None,
) -> None:
    upright = corners(width, height)
    stored = Image.fromarray(stored_as(upright, orientation))
    photo = read(encoded(stored, form, exif=exif_with(orientation), **options), long_side)
    assert (photo.width, photo.height) == (width, height)
    rows, columns = photo.pixels.shape[:2]
    if long_side is None or long_side >= max(width, height):
        assert (rows, columns) == (height, width)
    else:
        assert max(rows, columns) == long_side
        assert abs(columns / rows - width / height) < 0.2 * width / height + 1 / rows
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        seen = photo.pixels[row, column].astype(int)
        assert np.abs(seen - upright[row, column]).max() < 60


@pytest.mark.parametrize("orientation", [0, 9, 77])
def test_an_orientation_that_does_not_exist_counts_as_upright(orientation: int) -> None:
    data = encoded(Image.fromarray(corners()), "PNG", exif=exif_with(orientation))
    assert np.array_equal(read(data).pixels, corners())


@pytest.mark.parametrize(
    ("mode", "form"),
    [
        ("1", "PNG"), ("L", "PNG"), ("L", "JPEG"), ("P", "PNG"), ("P", "GIF"), ("LA", "PNG"),
        ("PA", "TIFF"), ("RGBA", "PNG"), ("RGBA", "WEBP"), ("CMYK", "JPEG"), ("CMYK", "TIFF"),
        ("YCbCr", "TIFF"), ("I", "TIFF"), ("F", "TIFF"), ("LAB", "TIFF"),
    ],
)  # fmt: skip
def test_each_mode_becomes_rgb_of_the_same_look(portraits: Any, mode: str, form: str) -> None:
    picture = Image.fromarray(portraits.hopper)
    if mode in ("1", "L", "I", "F", "LA"):
        picture = picture.convert("L")
    photo = read(encoded(picture.convert(mode), form), 200)
    assert photo.pixels.shape == (200, 171, 3)
    expected = np.asarray(picture.convert("RGB").resize((171, 200)))
    assert np.abs(photo.pixels.astype(int) - expected).mean() < 12


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_upper_byte(form: str) -> None:
    grey = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    photo = read(encoded(Image.fromarray(grey), form))
    assert np.array_equal(photo.pixels[..., 0], grey >> 8)


def test_floats_of_zero_to_one_are_read_as_light() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32).reshape(16, 16)
    ramp[0, 0] = np.nan
    photo = read(encoded(Image.fromarray(ramp), "TIFF"))
    assert photo.pixels.max() == 255 and photo.pixels[8, 0, 0] == pytest.approx(128, abs=1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_what_is_transparent_is_white(mode: str) -> None:
    picture = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    picture.paste((10, 10, 10, 255), (0, 0, 4, 8))
    photo = read(encoded(picture.convert(mode), "PNG"))
    assert np.all(photo.pixels[:, 4:] == 255)
    assert np.all(photo.pixels[:, :4] < 30)


def test_the_first_frame_of_an_animation_is_read() -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ((200, 0, 0), (0, 200, 0))]
    for form in ("GIF", "WEBP", "PNG", "TIFF"):
        data = encoded(frames[0], form, save_all=True, append_images=frames[1:])
        pixel = read(data).pixels[10, 15].astype(int)
        assert np.abs(pixel - (200, 0, 0)).max() < 12, form


def test_a_jpeg_with_further_pictures_behind_it_is_read() -> None:
    frames = [Image.fromarray(corners()), Image.new("RGB", (60, 40))]
    photo = read(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]), 30)
    assert photo.format in {"JPEG", "MPO"}
    assert photo.pixels.shape == (20, 30, 3)


@given(width=st.integers(1, 400), height=st.integers(1, 400), long_side=st.integers(1, 500))
@example(width=400, height=1, long_side=3)
def test_a_photo_is_reduced_to_its_longer_side_and_never_enlarged(
    width: int, height: int, long_side: int
) -> None:
    for form in ("JPEG", "BMP"):
        photo = read(encoded(Image.new("RGB", (width, height)), form), long_side)
        rows, columns = photo.pixels.shape[:2]
        assert max(rows, columns) == min(long_side, max(width, height))
        assert (photo.width, photo.height) == (width, height)
        scale = max(rows, columns) / max(width, height)
        assert abs(rows - height * scale) <= 0.5 + 1e-9 or rows == 1
        assert abs(columns - width * scale) <= 0.5 + 1e-9 or columns == 1


def test_a_jpeg_decoded_at_reduced_size_looks_as_if_it_had_been_resized(portraits: Any) -> None:
    large = Image.fromarray(portraits.collins).resize((2048, 2048), Image.Resampling.BICUBIC)
    reduced = read(encoded(large, "JPEG", quality=92), 300).pixels
    plain = np.asarray(large.resize((300, 300), Image.Resampling.BICUBIC))
    assert np.abs(reduced.astype(int) - plain).mean() < 3


@pytest.mark.parametrize("long_side", [0, -5])
def test_a_side_that_is_not_positive_is_refused(long_side: int) -> None:
    with pytest.raises(ValueError, match="long_side"):
        read(png_of(1, 1), long_side)


def test_an_empty_file_is_named_so() -> None:
    assert reason_for(b"") == "empty"


@pytest.mark.parametrize(
    "data",
    [
        b"<!doctype html><title>Not found</title>",
        b"hello",
        b"\x00" * 64,
        b"BM this is a text that begins like a bitmap",
        b"%PDF-1.7",
        b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf",
        b"GIF90a" + bytes(40),
    ],
)
def test_what_is_no_photo_is_named_so(data: bytes) -> None:
    assert reason_for(data) == "not_a_photo"


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_photo_is_named_with_the_reason(
    portraits: Any, form: str, share: float
) -> None:
    data = encoded(Image.fromarray(portraits.hopper), form)
    assert reason_for(data[: int(len(data) * share)]) == "truncated"


def test_a_damaged_photo_is_named_so(portraits: Any) -> None:
    data = bytearray(encoded(Image.fromarray(portraits.hopper), "PNG"))
    data[len(data) // 2] ^= 0xFF
    assert reason_for(bytes(data)) in ("broken", "truncated")


def test_a_file_over_the_limit_of_bytes_is_too_large() -> None:
    data = encoded(Image.fromarray(corners()), "BMP")
    assert reason_for(data, ReadLimits(max_bytes=len(data) - 1)) == "too_large"
    assert read(data, limits=ReadLimits(max_bytes=len(data))).width == 60


@pytest.mark.parametrize("form", FORMATS)
def test_a_photo_over_the_limit_of_pixels_is_too_large(form: str) -> None:
    data = encoded(Image.fromarray(corners()), form)
    assert reason_for(data, ReadLimits(max_pixels=60 * 40 - 1)) == "too_large"
    assert read(data, limits=ReadLimits(max_pixels=60 * 40)).width == 60


@pytest.mark.parametrize("side", [10_001, 13_000, 40_000])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side: int) -> None:
    data = png_of(side, side)
    assert len(data) < 2000
    assert reason_for(data) == "too_large"


def test_nothing_warns_whatever_the_filters_say() -> None:
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\xff\x00" + b"\x12\x01\x03\x00\xff\xff"
    data = encoded(Image.fromarray(corners()), "JPEG", exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(data).width == 60


@given(data=st.binary(max_size=300))
def test_random_bytes_give_nothing_but_unreadable(data: bytes) -> None:
    with pytest.raises(PhotoUnreadable) as caught:
        read(data)
    assert caught.value.reason in REASONS


@pytest.mark.parametrize("form", FORMATS)
@given(data=st.data())
def test_damaged_bytes_give_a_photo_or_unreadable(form: str, data: st.DataObject) -> None:
    whole = encoded(
        Image.fromarray(corners()), form, **({"exif": exif_with(6)} if form != "BMP" else {})
    )
    end = data.draw(st.integers(0, len(whole)))
    broken = bytearray(whole[:end])
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(whole)), st.integers(0, 255)), max_size=8)
    ):
        if at < len(broken):
            broken[at] = value
    limits = ReadLimits(max_pixels=1_000_000)
    try:
        photo = read(bytes(broken), 50, limits)
    except PhotoUnreadable as error:
        assert error.reason in REASONS
    else:
        assert max(photo.pixels.shape[:2]) <= 50


@pytest.fixture
def heic(portraits: Any) -> bytes:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    try:
        heif.from_pillow(Image.fromarray(portraits.hopper)).save(file)
    except RuntimeError:
        pytest.skip("pillow_heif has no encoder here")
    data: bytes = file.getvalue()
    return data


def test_heic_is_read_with_its_extra(heic: bytes, portraits: Any) -> None:
    photo = read(heic)
    assert (photo.format, photo.width, photo.height) == ("HEIF", 512, 600)
    assert np.abs(photo.pixels.astype(int) - portraits.hopper).mean() < 8
    assert read(heic, 300).pixels.shape == (300, 256, 3)
    assert reason_for(heic[: len(heic) // 2]) == "truncated"
    assert reason_for(heic, ReadLimits(max_pixels=1000)) == "too_large"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_upright_once(heic: bytes, orientation: int) -> None:
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    stored = Image.fromarray(stored_as(corners(128, 64), orientation))
    heif.from_pillow(stored).save(file, exif=exif_with(orientation).tobytes(), quality=95)
    photo = read(file.getvalue())
    seen = photo.pixels[[4, 4, -5, -5], [4, -5, 4, -5]].astype(int)
    expected = corners(128, 64)[[4, 4, -5, -5], [4, -5, 4, -5]]
    assert (photo.width, photo.height) == (128, 64)
    assert np.abs(seen - expected).max() < 60


def test_heic_without_its_extra_names_the_command(
    heic: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoUnreadable, match=r"pip install 'likeness\[heif\]'") as caught:
        read(heic)
    assert caught.value.reason == "heic_unsupported"


def test_each_reason_has_its_sentence() -> None:
    sentences = {str(unreadable(reason, limits=LIMITS)) for reason in REASONS}
    assert len(sentences) == len(REASONS)
