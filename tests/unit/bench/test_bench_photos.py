"""The photos that are measured on, their labels, and recall."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from likeness.bench.photos import (
    intersection_over_union,
    read_labels,
    read_photos,
    recall_of,
)
from likeness.errors import BadInput


def test_photos_are_taken_evenly_and_what_is_none_is_passed_over(tmp_path: Path) -> None:
    for number in range(6):
        Image.new("RGB", (80 + number, 40)).save(tmp_path / f"{number}.png")
    (tmp_path / "0.txt").write_text("not a photo")
    taken = read_photos(tmp_path, most=3, long_side=40)
    assert [photo.name for photo in taken] == ["0.png", "1.png", "3.png"]
    assert taken[1].pixels.shape == (20, 40, 3)
    assert taken[1].scale == pytest.approx(81 / 40)
    assert len(read_photos(tmp_path, most=100, long_side=None)) == 6


@pytest.mark.parametrize(
    "line", ["no", "[]", '{"photo": "a"}', '{"photo": "a", "boxes": [[1, 2, 3]]}']
)
def test_labels_of_another_form_are_refused_by_their_line(tmp_path: Path, line: str) -> None:
    labels = tmp_path / "labels.jsonl"
    labels.write_text('{"photo": "a", "boxes": []}\n' + line)
    with pytest.raises(BadInput, match="Line 2"):
        read_labels(labels)
    with pytest.raises(BadInput, match="cannot be read"):
        read_labels(tmp_path / "none")


def test_recall_gives_each_box_to_the_face_that_it_fits_best() -> None:
    labels = {"a": [(0.0, 0.0, 10.0, 10.0), (6.0, 0.0, 16.0, 10.0)], "b": [(0.0, 0.0, 9.0, 9.0)]}
    found = {"a": [(5, 0, 15, 10), (1, 0, 11, 10), (50, 0, 60, 10)], "b": [], "unlabelled": []}
    recall = recall_of(found, labels)
    assert (recall.faces, recall.recall, recall.false_a_photo) == (3, 0.6667, 0.5)
    assert recall_of({}, labels).recall == 1.0


BOXES = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(1, 50)] * 2).map(
    lambda sides: (sides[0], sides[1], sides[0] + sides[2], sides[1] + sides[3])
)


@given(one=BOXES, other=BOXES)
def test_overlap_is_common_area_by_covered_area(
    one: tuple[int, int, int, int], other: tuple[int, int, int, int]
) -> None:
    drawn = np.zeros((2, 100, 100), dtype=bool)
    for layer, (left, top, right, bottom) in zip(drawn, (one, other), strict=True):
        layer[top:bottom, left:right] = True
    expected = drawn.all(axis=0).sum() / drawn.any(axis=0).sum()
    assert intersection_over_union(one, other) == pytest.approx(expected)
