"""Where one picture lies in another, and that photos of one scene are not one picture."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from likeness.faces.registration import Window, inverse, register, show_the_same, within
from likeness.faces.resemblance import Look, look_of, read_look

Pixels = NDArray[np.uint8]


class Portraits(NamedTuple):
    """What the fixture of this name gives."""

    collins: Pixels
    hopper: Pixels


FACE = (170, 60, 280, 200)
"""Eileen Collins's, in pixels of her portrait."""


def look(pixels: Pixels) -> Look:
    return read_look(look_of(pixels))


def stored(pixels: Pixels, *, scale: float = 1.0, quality: int = 85) -> Pixels:
    image = Image.fromarray(pixels)
    size = round(image.width * scale), round(image.height * scale)
    file = io.BytesIO()
    image.resize(size, Image.Resampling.BICUBIC).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file).convert("RGB"))


def cut(pixels: Pixels, window: Window) -> tuple[Pixels, Window]:
    """A part of a picture, and exactly which after rounding."""
    height, width = pixels.shape[:2]
    left, right = round(window[0] * width), round(window[2] * width)
    top, bottom = round(window[1] * height), round(window[3] * height)
    exact = (left / width, top / height, right / width, bottom / height)
    return pixels[top:bottom, left:right], exact


def with_face(pixels: Pixels, face: Image.Image) -> Pixels:
    """The portrait with something else where the face is, its edge soft."""
    left, top, right, bottom = FACE
    size = right - left, bottom - top
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((4, 4, size[0] - 4, size[1] - 4), fill=255)
    changed = Image.fromarray(pixels)
    changed.paste(face.resize(size), (left, top), mask.filter(ImageFilter.GaussianBlur(4)))
    return np.asarray(changed)


edges = st.floats(0.0, 0.08)


@settings(max_examples=25)
@given(
    edge=st.tuples(edges, edges, edges, edges),
    scale=st.floats(0.4, 1.0),
    quality=st.integers(50, 95),
    which=st.sampled_from(["collins", "hopper"]),
)
def test_a_copy_is_found_where_it_was_cut_from_and_the_other_way_round(
    portraits: Portraits,
    edge: tuple[float, float, float, float],
    scale: float,
    quality: int,
    which: str,
) -> None:
    pixels = getattr(portraits, which)
    part, exact = cut(pixels, (edge[0], edge[1], 1 - edge[2], 1 - edge[3]))
    copy = stored(part, scale=scale, quality=quality)
    found = register(look(pixels), look(copy))
    assert found == pytest.approx(exact, abs=0.006)
    back = register(look(copy), look(pixels))
    assert back is not None
    assert inverse(back) == pytest.approx(exact, abs=0.006)


def test_two_cuts_of_one_picture_are_copies_of_each_other(portraits: Portraits) -> None:
    one, first = cut(portraits.collins, (0.07, 0.0, 1.0, 0.95))
    other, second = cut(portraits.collins, (0.0, 0.06, 0.94, 1.0))
    found = register(look(one), look(stored(other, scale=0.6)))
    assert found == pytest.approx(within(inverse(first), second), abs=0.008)


def test_brighter_and_with_less_contrast_is_still_a_copy(portraits: Portraits) -> None:
    paler = (portraits.hopper * 0.7 + 50).astype(np.uint8)
    assert register(look(portraits.hopper), look(paler)) is not None


def test_different_pictures_are_no_copies(portraits: Portraits) -> None:
    collins, hopper = portraits
    assert register(look(collins), look(hopper)) is None
    assert register(look(collins), look(collins[:, ::-1])) is None
    assert register(look(collins), look(255 - collins)) is None
    assert register(look(collins), look(np.rot90(collins).copy())) is None
    # A part far smaller than a light crop shows something else.
    assert register(look(collins), look(collins[:300, 100:400])) is None


def test_a_picture_pressed_out_of_shape_is_no_copy(portraits: Portraits) -> None:
    height, width = portraits.collins.shape[:2]
    pressed = np.asarray(Image.fromarray(portraits.collins).resize((width, height * 3 // 4)))
    assert register(look(portraits.collins), look(pressed)) is None


@pytest.mark.parametrize("shade", [0, 90, 255])
def test_blank_pictures_are_never_copies(shade: int) -> None:
    blank = look(np.full((200, 300, 3), shade, np.uint8))
    assert register(blank, blank) is None


@pytest.mark.parametrize("change", ["moved", "mirrored", "replaced", "mouth"])
def test_photos_of_one_scene_in_which_a_face_differs_are_two(
    portraits: Portraits, change: str
) -> None:
    """As in a burst: all the rest is the same to the pixel."""
    image = Image.fromarray(portraits.collins)
    left, top, right, bottom = FACE
    face = image.crop(FACE)
    if change == "moved":
        face = image.crop((left + 14, top + 5, right + 14, bottom + 5))
    elif change == "mirrored":
        face = face.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    elif change == "replaced":
        face = Image.fromarray(portraits.hopper).crop((150, 80, 370, 350))
    else:
        mouth = (30, 92, 85, 118)
        wide = face.crop(mouth).resize((55, 40))
        face.paste(wide, (30, 88))
    changed = with_face(portraits.collins, face)
    same = with_face(portraits.collins, image.crop(FACE))
    for scale in (1.0, 0.4):
        assert register(look(portraits.collins), look(stored(same, scale=scale))) is not None
        assert register(look(portraits.collins), look(stored(changed, scale=scale))) is None


windows = st.tuples(
    st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(0.5, 1.3), st.floats(0.5, 1.3)
)


@given(window=windows, inner=windows)
def test_windows_within_windows_come_back_to_where_they_were(window: Window, inner: Window) -> None:
    assert inverse(inverse(window)) == pytest.approx(window, abs=1e-9)
    assert within(window, inverse(window)) == pytest.approx((0, 0, 1, 1), abs=1e-9)
    assert within(inverse(window), within(window, inner)) == pytest.approx(inner, abs=1e-9)


def test_crops_show_the_same_only_where_they_come_of_one_photo(portraits: Portraits) -> None:
    face = np.asarray(Image.fromarray(portraits.collins).crop(FACE).resize((192, 192)))
    copy = stored(face, scale=0.3, quality=50)
    other = np.asarray(
        Image.fromarray(portraits.hopper).crop((150, 80, 370, 350)).resize((192, 192))
    )
    assert show_the_same(face, copy)
    assert not show_the_same(face, other)
    assert not show_the_same(face, face[:, ::-1])
    blank = np.zeros_like(face)
    assert not show_the_same(blank, blank)


@pytest.mark.slow
def test_copies_of_evaluation_photos_are_found_and_different_ones_are_not(
    eval_photos: Path,
) -> None:
    dice = random.Random(4)
    with (eval_photos / "people.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    chosen = dice.sample(rows, 150)
    missed, looks = 0, []
    for row in chosen:
        pixels = np.asarray(Image.open(eval_photos / "people" / row["photo"]).convert("RGB"))
        looks.append(look(pixels))
        edge = [dice.uniform(0, 0.08) for _ in range(4)]
        part, _ = cut(pixels, (edge[0], edge[1], 1 - edge[2], 1 - edge[3]))
        copy = stored(part, scale=dice.uniform(0.3, 1.0), quality=dice.randint(30, 95))
        missed += register(looks[-1], look(copy)) is None
    assert missed <= 1
    pairs = [(one, other) for n, one in enumerate(looks) for other in looks[:n]]
    assert not any(register(*pair) for pair in dice.sample(pairs, 1500))
