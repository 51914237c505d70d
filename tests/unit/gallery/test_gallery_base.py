from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import PackMismatch
from likeness.gallery.base import best_per_person, require_same_pack
from likeness.records.reference import Match, Reference

matches_of = st.builds(
    Match,
    person_id=st.sampled_from(["ann", "ben", "cleo"]),
    reference_id=st.uuids().map(str),
    score=st.sampled_from([0.1, 0.2, 0.3, 0.4]),
)


def test_the_pack_that_the_gallery_was_made_for_passes() -> None:
    require_same_pack("a" * 64, "a" * 64)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("a" * 64, "b" * 64), ("a" * 64, ""), ("", "a" * 64), ("", "")]
)
def test_another_pack_or_an_unknown_one_is_refused(ours: str, theirs: str) -> None:
    with pytest.raises(PackMismatch, match="model pack") as caught:
        require_same_pack(ours, theirs)
    assert caught.value.fix


@given(matches=st.lists(matches_of))
def test_each_person_keeps_the_first_of_their_highest_matches_in_the_order_given(
    matches: list[Match],
) -> None:
    best = best_per_person(matches)
    places = [matches.index(match) for match in best]
    assert places == sorted(places)
    assert len(best) == len({match.person_id for match in matches})
    for match, place in zip(best, places, strict=True):
        own = [other for other in matches if other.person_id == match.person_id]
        assert match.score == max(other.score for other in own)
        assert place == min(matches.index(other) for other in own if other.score == match.score)


def test_a_template_does_not_show_when_its_reference_is_printed() -> None:
    template = np.full(4, 0.5, dtype=np.float32)
    printed = repr(Reference(reference_id="r1", person_id="p1", template=template))
    assert "r1" in printed
    assert "0.5" not in printed
