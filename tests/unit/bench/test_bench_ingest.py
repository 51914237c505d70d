"""The benchmark of adding photos."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from likeness.bench import ingest
from likeness.errors import UsageError


def test_adding_is_measured_beside_the_models_and_leaves_the_folder_as_it_was(
    tmp_path: Path, portraits: Any
) -> None:
    for number, image in enumerate(portraits):
        Image.fromarray(image[20:320, 100:340]).save(tmp_path / f"{number}.png")
    before = sorted(path.name for path in tmp_path.iterdir())
    report = ingest.run(tmp_path, repeats=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert report.photos == report.faces == report.rescan.faces == 2
    assert report.ratio == pytest.approx(report.add_a_second / report.bare_a_second, rel=0.02)
    assert report.rescan.faces_a_second > 0
    assert report.against is report.peer_a_second is None


def test_nothing_to_measure_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 repeats"):
        ingest.run(tmp_path, repeats=0)
    with pytest.raises(UsageError, match="0 repeats"):
        ingest.run(tmp_path, most=0)
