"""What enrolling says of a photo whose face is too poor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from promise_house import with_engine
from synthetic_engine import Drawn, SyntheticEngine, draw

from likeness.errors import FaceUnusable
from likeness.faces.packs import Pack
from likeness.library import Library
from likeness.probe import reference_crops


class PoorEngine(SyntheticEngine):
    """Measures every face as it was told to."""

    def __init__(self, pack: Pack, measures: dict[str, float]) -> None:
        super().__init__(pack)
        self.measures: dict[str, Any] = measures

    def quality(self, image: Any, faces: Any, *, crops: Any = None) -> Any:
        return [replace(each, **self.measures) for each in super().quality(image, faces)]


@pytest.mark.parametrize(
    ("measures", "reason", "what", "fix"),
    [
        ({"inside": 0.5}, "cut_off", "is cut off", "whole face"),
        ({"under_exposure": 0.95, "dynamic_range": 3.0}, "too_dark", "too dark", "more light"),
        ({"over_exposure": 0.9}, "too_bright", "too bright", "less light"),
        ({"inter_eye": 5.0}, "too_small", "too small", "Move closer"),
        ({"sharpness": 1.0}, "too_blurred", "too blurred", "Hold still"),
        ({"yaw": -0.9}, "turned_away", "turned away", "Turn to the camera"),
    ],
)
def test_a_poor_photo_is_refused_with_what_would_help(
    library: Library,
    pack: Pack,
    measures: dict[str, float],
    reason: str,
    what: str,
    fix: str,
) -> None:
    house = with_engine(library, PoorEngine(pack, measures)).house
    with pytest.raises(FaceUnusable) as caught:
        reference_crops(house, [draw(Drawn(person=1))])
    assert caught.value.reason == reason
    assert what in caught.value.what and fix in caught.value.fix


def test_everything_that_is_wrong_is_said_at_once(library: Library, pack: Pack) -> None:
    house = with_engine(library, PoorEngine(pack, {"inter_eye": 5.0, "yaw": 0.9})).house
    with pytest.raises(FaceUnusable) as caught:
        reference_crops(house, [draw(Drawn(person=1))])
    assert caught.value.reason == "too_small"
    assert "too small, the face is turned away" in caught.value.what
    assert "Move closer" in caught.value.fix and "Turn to the camera" in caught.value.fix
