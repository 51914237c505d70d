"""Names of uploaded files: whatever they were called, they lie in one folder and under one name."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources.base import item_of
from likeness.upload_names import LONGEST_BYTES, safe_names

HOSTILE = st.text(
    alphabet=st.one_of(
        st.characters(), st.sampled_from("/\\.\x00\n\u202e\ud800 ~$*?:|<>\"'#%aB.jJpPgG")
    ),
    max_size=300,
)


@given(names=st.lists(HOSTILE, max_size=12))
def test_each_is_one_printable_part_that_any_disk_takes_once(names: list[str]) -> None:
    safe = safe_names(names)
    assert len(safe) == len(names)
    seen = set()
    for name in safe:
        assert name not in ("", ".", "..")
        assert not name.startswith(".")
        assert Path(name).name == name
        assert len(name.encode()) <= LONGEST_BYTES + 16
        assert item_of(name) == name
        assert not set(name) & set('/\\\x00<>:"|?*#')
        folded = unicodedata.normalize("NFKC", name).casefold()
        assert folded not in seen
        seen.add(folded)


@given(name=HOSTILE)
def test_a_safe_name_stays_as_it_is(name: str) -> None:
    (safe,) = safe_names([name])
    assert safe_names([safe]) == [safe]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Zoë am Fluß.jpg", "Zoë am Fluß.jpg"),
        ("takeout-20260101T000000Z-001.zip", "takeout-20260101T000000Z-001.zip"),
        ("links.csv", "links.csv"),
        ("../../../etc/passwd", "passwd"),
        ("/etc/shadow", "shadow"),
        (r"..\..\windows\system.ini", "system.ini"),
        (".hidden.jpg", "hidden.jpg"),
        ("..", "file"),
        ("a\x00b.jpg", "a_b.jpg"),
        ("gpj.\u202exe.jpg", "gpj._xe.jpg"),
        ("x" * 500 + ".jpeg", "x" * (LONGEST_BYTES - 5) + ".jpeg"),
        ("film.mp4#t=1.jpg", "film.mp4_t=1.jpg"),
    ],
)
def test_known_names(name: str, safe: str) -> None:
    assert safe_names([name]) == [safe]


def test_equal_names_are_told_apart() -> None:
    assert safe_names(["a/1.jpg", "b/1.JPG", "b/1.jpg"]) == ["1.jpg", "1 (2).JPG", "1 (3).jpg"]
