"""The manifest that the guide gives as a template is one, and its networks are fed as it says."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_networks import expected, in_photo, patches_network, ramp

from likeness.faces.engine import FaceEngine
from likeness.faces.packs import UNREACHABLE, load_manifest
from likeness.records.face import DetectedFace

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "your-own-pack.md"
YUNET = "face_detection_yunet_2023mar.onnx"
ARCFACE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655],
     [70.7299, 92.2041]]
)  # fmt: skip


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """The guide's template with a network beside it, and nothing else changed."""
    (block,) = re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    network = patches_network()
    (tmp_path / "my-network.onnx").write_bytes(network)
    text = block.replace("0" * 64, hashlib.sha256(network).hexdigest())
    text = text.replace("template_length = 512", "template_length = 15")
    path = tmp_path / "my-pack.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_template_is_a_manifest_that_links_nothing_by_itself(manifest: Path) -> None:
    pack = load_manifest(manifest)
    assert pack.thresholds == ()
    thresholds = pack.thresholds_for(10)
    assert thresholds.strong == UNREACHABLE and thresholds.beyond_calibration
    assert thresholds.review == 0.4


@pytest.mark.parametrize(
    ("network", "line"),
    [
        ("AuraFace", '"RGB"` | `127.5` | `0.00784313725490196'),
        ("MXNet", '"RGB"` | `0` | `1'),
        ("AdaFace", '"BGR"` | `127.5` | `0.00784313725490196'),
    ],
)
def test_the_guides_values_load_and_feed_the_network_so(
    manifest: Path, eval_photos: Path, network: str, line: str
) -> None:
    (row,) = [
        row for row in GUIDE.read_text().splitlines() if row.startswith("|") and network in row
    ]
    assert line in row
    colour, mean, scale = line.replace("`", "").split(" | ")
    text = manifest.read_text(encoding="utf-8")
    for key, value in (("colour", colour), ("mean", mean), ("scale", scale)):
        text = re.sub(rf"^{key} = \S+", f"{key} = {value}", text, flags=re.MULTILINE)
    manifest.write_text(text, encoding="utf-8")
    shutil.copy(eval_photos / "packs" / YUNET, manifest.parent / YUNET)
    engine = FaceEngine.load(manifest, threads=1)
    shot: Any = ((260.0, 190.0), 1.3, 0.35)
    photo = ramp((400, 500), *shot)
    face = DetectedFace(box=(0, 0, 1, 1), score=1.0, landmarks=in_photo(ARCFACE, *shot))
    wanted = expected(
        backwards=colour == '"BGR"', mean=float(mean), scale=float(scale), mirror=True
    )
    assert np.abs(engine.templates(photo, [face])[0] - wanted).max() < 0.006
    crops = engine.crops(photo, [face], size=192)
    assert np.array_equal(engine.templates_from_crops(crops), engine.templates(photo, [face]))
