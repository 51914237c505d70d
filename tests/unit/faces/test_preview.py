"""Previews: smaller, upright, and nothing but pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from likeness.faces.preview import preview_of


def opened(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg), formats=("JPEG",))


@given(width=st.integers(1, 400), height=st.integers(1, 400), side=st.integers(1, 300))
def test_the_longer_side_is_what_was_asked_for_and_the_shape_stays(
    width: int, height: int, side: int
) -> None:
    preview = preview_of(np.full((height, width, 3), 128, np.uint8), side=side)
    assert opened(preview.jpeg).size == (preview.width, preview.height)
    assert max(preview.width, preview.height) == min(side, max(width, height))
    scale = max(preview.width, preview.height) / max(width, height)
    assert abs(preview.width - width * scale) <= 1
    assert abs(preview.height - height * scale) <= 1


def test_it_holds_no_metadata() -> None:
    preview = preview_of(np.zeros((20, 30, 3), np.uint8), side=10)
    with opened(preview.jpeg) as image:
        image.load()
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not image.getexif()
    assert b"Exif" not in preview.jpeg
    assert b"ICC_PROFILE" not in preview.jpeg


def test_its_colours_are_those_of_the_photo() -> None:
    pixels = np.zeros((64, 128, 3), np.uint8)
    pixels[:, :64], pixels[:, 64:] = (200, 40, 40), (20, 60, 180)
    with opened(preview_of(pixels, side=64).jpeg) as image:
        seen = np.asarray(image).astype(int)
    assert seen.shape == (32, 64, 3)
    assert np.abs(seen[16, 8] - (200, 40, 40)).max() < 12
    assert np.abs(seen[16, 56] - (20, 60, 180)).max() < 12


def test_the_same_pixels_make_the_same_preview() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    assert preview_of(pixels, side=60) == preview_of(pixels, side=60)


@pytest.mark.parametrize("shape", [(2000, 1, 3), (1, 2000, 3)])
def test_a_line_of_pixels_has_a_preview_too(shape: tuple[int, int, int]) -> None:
    preview = preview_of(np.zeros(shape, np.uint8), side=100)
    assert min(preview.width, preview.height) == 1
