"""Which export a tree is taken for."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_facebook import facebook_exports
from exports_instagram import instagram_exports
from exports_made import Made
from exports_x import x_archives
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.sources.exports.known import FORMATS, recognise

_EACH = st.one_of(
    *(
        exports.map(lambda made, slug=slug: (slug, made))
        for slug, exports in (
            ("x", x_archives),
            ("facebook", facebook_exports),
            ("instagram", instagram_exports),
        )
    )
)


@settings(max_examples=40, deadline=None)
@given(each=_EACH, shape=st.sampled_from(SHAPES))
def test_each_export_is_taken_for_what_it_is_and_nothing_else(
    each: tuple[str, Made], shape: Shape
) -> None:
    slug, made = each
    with tempfile.TemporaryDirectory() as place:
        assert [f.slug for f in recognise(tree_of(Path(place), made.files, shape))] == [slug]


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"a.jpg": b"a"},
        {"media.json": b"{}"},
        {"data/tweets.js": b"x = []"},
        {"posts/a.jpg": b"a", "content/b.json": b"[]", "messages/c.json": b"[]"},
    ],
)
def test_other_files_are_taken_for_no_export(tmp_path: Path, files: dict[str, bytes]) -> None:
    assert recognise(tree_of(tmp_path, files, "zip")) == []


def test_formats_have_names_and_slugs_of_their_own() -> None:
    assert len({each.slug for each in FORMATS}) == len(FORMATS)
    for each in FORMATS:
        assert each.name
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", each.slug)
