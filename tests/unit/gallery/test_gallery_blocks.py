from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.gallery.blocks import VectorBlocks


def vector(number: float) -> np.ndarray:
    return np.full(2, number, dtype=np.float32)


def test_vectors_stay_where_they_are_while_others_come() -> None:
    blocks = VectorBlocks(length=2, rows=3)
    for number in range(3):
        blocks.append(vector(number))
    first = blocks.filled()[0].ctypes.data
    for number in range(3, 1000):
        blocks.append(vector(number))
    assert blocks.filled()[0].ctypes.data == first
    assert np.concatenate(blocks.filled())[:, 0].tolist() == list(range(1000))


@given(rows=st.integers(1, 5), count=st.integers(1, 20), choices=st.lists(st.integers(0)))
def test_a_removed_vector_is_nowhere_in_the_memory_held(
    rows: int, count: int, choices: list[int]
) -> None:
    blocks = VectorBlocks(length=2, rows=rows)
    model = []
    for number in range(1, count + 1):
        assert blocks.append(vector(number)) == len(model)
        model.append(float(number))
    before = blocks.memory()
    for choice in choices[:count]:
        place = choice % len(model)
        blocks.remove(place)
        gone, last = model[place], model.pop()
        if place < len(model):
            model[place] = last
        assert len(blocks) == len(model)
        assert not any((memory == gone).any() for memory in before)
    kept = [value for block in blocks.filled() for value in block[:, 0].tolist()]
    assert kept == model
    assert len(blocks.memory()) == -(-len(model) // rows), "empty blocks are given back"


def test_clearing_zeroes_the_memory_before_giving_it_back() -> None:
    blocks = VectorBlocks(length=2, rows=3)
    for number in range(1, 8):
        blocks.append(vector(number))
    before = blocks.memory()
    blocks.clear()
    assert len(before) == 3
    assert not any(memory.any() for memory in before)
    assert blocks.memory() == ()
    assert blocks.append(vector(5)) == 0


def test_the_memory_shown_for_checks_cannot_be_written() -> None:
    blocks = VectorBlocks(length=2, rows=3)
    blocks.append(vector(1))
    (memory,) = blocks.memory()
    assert memory.shape == (3, 2)
    with pytest.raises(ValueError, match="read-only"):
        memory[0] = 0
    blocks.write(0, vector(2))
    assert blocks.filled()[0].tolist() == [[2, 2]]
