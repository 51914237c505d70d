"""How a whole picture looks: small, the same each time, of no face, and found again among many."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from likeness.errors import StorageError
from likeness.faces.resemblance import (
    HASHES,
    HEAD_LENGTH,
    LONGEST,
    NEAR,
    THUMBNAIL_SIDE,
    hashes_of_head,
    look_of,
    near_ones,
    read_look,
    views,
)

Pixels = NDArray[np.uint8]


class Portraits(NamedTuple):
    """What the fixture of this name gives."""

    collins: Pixels
    hopper: Pixels


def reduced(pixels: Pixels, scale: float) -> Pixels:
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def compressed(pixels: Pixels, quality: int) -> Pixels:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def test_a_look_is_small_and_the_same_each_time(portraits: Portraits) -> None:
    for pixels in portraits:
        look = look_of(pixels)
        assert look == look_of(pixels.copy())
        assert len(look) < 3500
    noise = np.random.default_rng(1).integers(0, 255, (400, 400, 3), dtype=np.uint8)
    assert len(look_of(noise)) <= LONGEST


def test_a_look_keeps_hashes_shape_and_a_grey_thumbnail(portraits: Portraits) -> None:
    look = read_look(look_of(portraits.hopper))
    height, width = portraits.hopper.shape[:2]
    assert look.telling
    assert look.hashes.shape == (HASHES,) == (len(views()),)
    assert look.aspect == pytest.approx(width / height, rel=1e-4)
    assert max(look.thumbnail.shape) == THUMBNAIL_SIDE
    size = look.thumbnail.shape[::-1]
    grey = Image.fromarray(portraits.hopper).convert("L").resize(size, Image.Resampling.BILINEAR)
    assert np.abs(look.thumbnail.astype(int) - np.asarray(grey).astype(int)).mean() < 4
    assert (hashes_of_head(look_of(portraits.hopper)[:HEAD_LENGTH]) == look.hashes).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (7, 300), (31, 31)])
def test_a_picture_too_small_to_tell_has_a_look_that_says_so(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(2).integers(0, 255, (*size, 3), dtype=np.uint8)
    assert not read_look(look_of(pixels)).telling


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_blank_picture_tells_nothing(shade: int) -> None:
    assert not read_look(look_of(np.full((300, 200, 3), shade, np.uint8))).telling


@pytest.mark.parametrize(
    "damage",
    [
        lambda look: b"",
        lambda look: look[: HEAD_LENGTH - 1],
        lambda look: look[:HEAD_LENGTH],
        lambda look: look[:-200],
        lambda look: b"\x09" + look[1:],
        lambda look: look[:1] + b"\x02" + look[2:],
        lambda look: look[:2] + bytes(4) + look[6:],
        lambda look: look + bytes(LONGEST),
        lambda look: look[:HEAD_LENGTH] + jpeg(Image.new("RGB", (40, 40))),
        lambda look: look[:HEAD_LENGTH] + jpeg(Image.new("L", (THUMBNAIL_SIDE + 1, 40))),
        lambda look: look[:HEAD_LENGTH] + b"GIF89a" + bytes(99),
    ],
)
def test_a_damaged_look_is_refused(portraits: Portraits, damage: object) -> None:
    assert callable(damage)
    with pytest.raises(StorageError) as caught:
        read_look(damage(look_of(portraits.hopper)))
    assert caught.value.fix


def jpeg(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG")
    return file.getvalue()


def test_copies_are_near_whichever_of_the_two_was_there_first(portraits: Portraits) -> None:
    cut = portraits.collins[20:-30, 35:-10]
    for changed in (
        reduced(portraits.collins, 0.3),
        compressed(portraits.collins, 30),
        cut,
        compressed(reduced(cut, 0.5), 60),
    ):
        one, other = (read_look(look_of(p)).hashes for p in (portraits.collins, changed))
        assert near_ones(one, other[:, None], limit=1) == [0]
        assert near_ones(other, one[:, None], limit=1) == [0]


def test_two_portraits_are_not_near(portraits: Portraits) -> None:
    one, other = (read_look(look_of(pixels)).hashes for pixels in portraits)
    assert near_ones(one, other[:, None], limit=9) == []


hashes = st.integers(0, 2**64 - 1)


@given(
    probe=st.lists(hashes, min_size=HASHES, max_size=HASHES),
    flips=st.lists(
        st.tuples(
            st.integers(0, HASHES - 1),
            st.integers(0, HASHES - 1),
            st.sets(st.integers(0, 63), max_size=NEAR + 4),
        ),
        max_size=6,
    ),
    limit=st.integers(0, 8),
    seed=st.integers(0, 99),
)
def test_a_search_finds_what_comparing_each_with_each_finds(
    probe: list[int], flips: list[tuple[int, int, set[int]]], limit: int, seed: int
) -> None:
    held = np.random.default_rng(seed).integers(0, 2**64 - 1, (HASHES, 6), dtype=np.uint64)
    for column, (mine, theirs, bits) in enumerate(flips):
        held[theirs, column] = probe[mine] ^ sum(1 << bit for bit in bits)
    least = []
    for column in range(held.shape[1]):
        views_there = [int(value) for value in held[:, column]]
        pairs = [(probe[0], other) for other in views_there]
        pairs += [(mine, views_there[0]) for mine in probe]
        least.append(min((mine ^ other).bit_count() for mine, other in pairs))
    near = sorted((d, column) for column, d in enumerate(least) if d <= NEAR)
    found = near_ones(np.array(probe, np.uint64), held, limit=limit)
    assert found == [column for _, column in near][:limit]


def test_a_search_among_none_finds_none() -> None:
    nothing = np.zeros((HASHES, 0), np.uint64)
    assert near_ones(np.zeros(HASHES, np.uint64), nothing, limit=5) == []


def test_a_search_goes_through_more_than_one_piece() -> None:
    held = np.random.default_rng(3).integers(0, 2**64 - 1, (HASHES, 200_001), dtype=np.uint64)
    probe = held[:, -1].copy()
    assert near_ones(probe, held, limit=1) == [200_000]


def test_looks_are_made_and_compared_without_any_part_that_knows_faces() -> None:
    """Grouping is by the whole picture: what finds or compares faces is not even loaded."""
    code = (
        "import sys, numpy as np\n"
        "from likeness.faces.registration import register\n"
        "from likeness.faces.resemblance import look_of, read_look\n"
        "pixels = np.random.default_rng(1).integers(0, 255, (90, 90, 3), dtype=np.uint8)\n"
        "look = read_look(look_of(pixels))\n"
        "assert register(look, look) is not None\n"
        "print(*sys.modules, sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    knowing = ("engine", "detect", "embed", "landmarks", "align", "packs", "crops")
    assert "likeness.faces.resemblance" in loaded
    assert loaded.isdisjoint({f"likeness.faces.{part}" for part in knowing} | {"onnxruntime"})
