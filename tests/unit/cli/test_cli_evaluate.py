"""``likeness evaluate`` on two real portraits: what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runs import run
from json_shapes import faults, schema_of
from PIL import Image


@pytest.fixture
def folder(tmp_path: Path, portraits: Any) -> Path:
    for name, pixels in (("collins", portraits.collins), ("hopper", portraits.hopper)):
        (tmp_path / "people" / name).mkdir(parents=True)
        photo = Image.fromarray(pixels)
        photo.save(tmp_path / "people" / name / "1.png")
        photo.resize((photo.width * 3 // 4, photo.height * 3 // 4)).save(
            tmp_path / "people" / name / "2.jpg"
        )
    (tmp_path / "people" / "hopper" / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    return tmp_path / "people"


def test_an_evaluation_writes_a_report_and_a_page_and_answers_with_the_report(
    folder: Path, tmp_path: Path
) -> None:
    ran = run("evaluate", folder, "--out", tmp_path / "out", "--json")
    assert ran.code == 0, ran.err
    assert faults(ran.answer, schema_of("evaluate")) == []
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == ran.answer
    assert ran.answer["verification"]["mated"] == 4
    assert [f["photo"] for f in ran.answer["acquisition"]["failures"]] == ["hopper/broken.jpg"]
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>") and ran.answer["pack"]["fingerprint"] in page
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["index.html", "report.json"]
    # Nothing is overwritten.
    assert run("evaluate", folder, "--out", tmp_path / "out").code == 2


def test_what_cannot_be_evaluated_is_refused_before_anything_is_written(
    folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run("evaluate", tmp_path / "none", "--out", out).code == 4
    assert run("evaluate", folder, "--out", out, "--pack", "none").code == 2
    assert run("evaluate", folder, "--out", out, "--same", "collins").code == 2
    assert run("evaluate", folder, "--out", out, "--same", "collins=nobody").code == 4
    assert run("evaluate", folder, "--out", out, "--groups", tmp_path / "none.csv").code == 4
    assert not out.exists()
