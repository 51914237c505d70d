"""A face that is cut out to be chosen is found again in its cut, by the real networks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from likeness.errors import FaceChoiceNeeded
from likeness.face_choices import cut_faces
from likeness.library import Library
from likeness.records.consent import ConsentGiven

YES = ConsentGiven(
    purposes=frozenset({"be_found"}),
    collections=frozenset({"party"}),
    basis="consent",
    how_given="self",
    is_adult=True,
)


@pytest.mark.parametrize("shrunk", [1.0, 0.4])
def test_who_is_chosen_from_a_photo_of_two_is_who_is_found(
    tmp_path: Path, portraits: Any, shrunk: float
) -> None:
    collins, hopper = Image.fromarray(portraits.collins), Image.fromarray(portraits.hopper)
    group = Image.new("RGB", (1100, 620))
    group.paste(collins, (0, 0))
    group.paste(hopper, (540, 0))
    probe = np.asarray(group.resize((round(1100 * shrunk), round(620 * shrunk))))
    with Library.create(tmp_path / "library", keyring=tmp_path / "keys") as library:
        library.create_collection("party", controller="Tennis club")
        for name, portrait in (("Collins", collins), ("Hopper", hopper)):
            photos = [np.asarray(portrait), np.asarray(ImageOps.mirror(portrait))]
            library.enrol(name, photos, consent=YES)
        with pytest.raises(FaceChoiceNeeded) as needed:
            library.search(probe, purpose="be_found")
        cuts = cut_faces(library.house, probe, needed.value.boxes)
        found = [
            [
                candidate.name
                for candidate in library.search(
                    cut.jpeg, purpose="be_found", face="middle"
                ).candidates
            ]
            for cut in cuts
        ]
    assert found == [["Collins"], ["Hopper"]]
