"""An evaluation from photos to the page: every part real but the networks."""

from __future__ import annotations

import json
import os
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from json_shapes import faults, schema_of
from synthetic_engine import NEAR, Drawn, RecordingEngine, SyntheticEngine, save

from likeness.evaluation.dataset import read_dataset
from likeness.evaluation.evaluate import evaluate
from likeness.evaluation.page import page_of
from likeness.evaluation.report import report_of, says
from likeness.faces.packs import Pack
from likeness.faces.sandbox import DecodeWorkers
from likeness.records.photo import ReadLimits

PEOPLE = 24

Evaluate = Callable[..., dict[str, Any]]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Most people with three photos; some broken, without a face, equal or mislabelled."""
    folder = tmp_path / "people"
    for person in range(PEOPLE):
        for shot in range(3 if person < 20 else 1):
            drawn = Drawn(person=person, look=NEAR if shot else 0, shot=shot)
            save(folder / f"person{person:02}" / f"{shot}.png", drawn, salt=person)
    (folder / "person00" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    save(folder / "person01" / "empty.png", salt=3)
    (folder / "person02" / "again.png").write_bytes((folder / "person02/1.png").read_bytes())
    (folder / "person23" / "wrong.png").write_bytes((folder / "person03/1.png").read_bytes())
    os.symlink("/etc/hostname", folder / "person04" / "link.png")
    return folder


@pytest.fixture
def run(pack: Pack, decoders: DecodeWorkers) -> Evaluate:
    def made(path: Path, **how: Any) -> dict[str, Any]:
        engine = how.pop("engine", None) or SyntheticEngine(pack)
        found = evaluate(
            read_dataset(path, same=how.pop("same", ())),
            engine,
            decoders=decoders,
            limits=ReadLimits(),
            **how,
        )
        return report_of(found, pack, made_at=datetime(2026, 3, 1, tzinfo=UTC))

    return made


def test_every_failure_is_counted_and_named(run: Evaluate, photos: Path) -> None:
    report = run(photos)
    failed = {f["photo"]: (f["failure"], f["reason"]) for f in report["acquisition"]["failures"]}
    assert failed.keys() == {"person00/broken.png", "person01/empty.png", "person04/link.png"}
    assert failed["person01/empty.png"] == ("no face", "")
    assert failed["person00/broken.png"][0] == "unreadable"
    assert failed["person04/link.png"] == ("unreadable", "outside the folder")
    assert report["acquisition"]["failure_to_acquire"]["errors"] == 3
    assert report["dataset"]["equal_photos"] == ["person02/again.png"]
    assert report["dataset"]["conflicting_photos"] == ["person03/1.png", "person23/wrong.png"]


def test_mated_pairs_with_a_photo_that_failed_are_missed(run: Evaluate, photos: Path) -> None:
    report = run(photos)
    # 20 people with three photos, one of them with two left; three have a fourth, which failed.
    assert report["verification"]["mated"] == 16 * 3 + 3 * 6 + 1
    # They look as they do at enrolment: nothing is missed but what failed, nine pairs.
    strictest = report["verification"]["at_fmr"][0]
    assert strictest["fnmr"]["errors"] == 9
    assert strictest["fnmr"]["rate"] is None
    assert strictest["fnmr"]["says"].startswith("too few errors to say: 9 in 67")


def test_galleries_are_as_large_as_the_people_allow(run: Evaluate, photos: Path) -> None:
    report = run(photos)
    assert [(p["gallery_size"], p["references"]) for p in report["identification"]] == [
        (10, 1),
        (10, 3),
    ]
    for part in report["identification"]:
        assert [point["fpir"] for point in part["at_fpir"]] == [0.01, 0.001]
        assert [rank["rank"] for rank in part["at_rank"]] == [1, 5, 10]
    assert report["operating_point"]["thresholds"] == []


def test_the_same_photos_and_seed_give_the_same_figures(run: Evaluate, photos: Path) -> None:
    one, two = run(photos), run(photos)
    for report in (one, two):
        del report["speed"]
    assert one == two


def test_groups_are_told_apart_and_their_table_is_checked_first(
    run: Evaluate, photos: Path, tmp_path: Path, pack: Pack
) -> None:
    items = sorted(str(p.relative_to(photos)) for p in photos.rglob("*.png"))
    lines = [f"{item},{'a' if int(item[6:8]) % 2 else 'b'}" for item in items]
    table = tmp_path / "g.csv"
    table.write_text("\n".join(["photo,kind", *lines]) + "\n")
    [group] = run(photos, groups=table)["groups"]
    assert [value["value"] for value in group["values"]] == ["a", "b"]
    assert sum(value["people"] for value in group["values"]) == PEOPLE
    engine = RecordingEngine(SyntheticEngine(pack))
    table.write_text("photo,kind\nnobody.png,a\n")
    with pytest.raises(Exception, match="names no photo"):
        run(photos, groups=table, engine=engine)
    assert engine.calls == 0


def test_one_photo_a_person_measures_false_matches_and_says_what_cannot_be(
    run: Evaluate, photos: Path
) -> None:
    lines = [f"person{n:02}/0.png,{'a' if n % 2 else 'b'}" for n in range(PEOPLE)]
    path = photos / "alone.csv"
    path.write_text("\n".join(["photo,kind", *lines]) + "\n")
    report = run(path, groups=path)
    assert report["verification"]["mated"] == 0
    assert report["verification"]["non_mated"] == PEOPLE * (PEOPLE - 1) // 2
    for part in report["groups"][0]["values"]:
        assert part["fnmr"]["says"] == "not measurable"
    for point in report["identification"][0]["at_fpir"]:
        assert point["fnir"]["says"] == "not measurable"
    assert "not measurable" in page_of(report)
    assert faults(report, schema_of("evaluate")) == []


def test_pairs_are_compared_and_nothing_else(run: Evaluate, photos: Path) -> None:
    rows = [f"person{n:02}/0.png,person{n:02}/1.png,1" for n in range(10) if n != 3]
    rows += [f"person{n:02}/0.png,person{n + 1:02}/0.png,0" for n in range(10)]
    rows += ["person00/0.png,person00/broken.png,1"]
    path = photos / "pairs.csv"
    path.write_text("\n".join(["photo_a,photo_b,mated", *rows]) + "\n")
    report = run(path)
    assert (report["verification"]["mated"], report["verification"]["non_mated"]) == (10, 10)
    assert report["identification"] == [] and report["groups"] == []
    assert faults(report, schema_of("evaluate")) == []
    assert "Comparing two photos" in page_of(report)


def test_templates_are_in_no_report_and_no_page(run: Evaluate, photos: Path, pack: Pack) -> None:
    engine = RecordingEngine(SyntheticEngine(pack))
    report = run(photos, engine=engine)
    written = json.dumps(report) + page_of(report)
    numbers = {round(float(n), 4) for n in re.findall(r"-?0\.\d{4,}", written)}
    template = np.array(engine.made[0], dtype=float)
    shared = sum(round(float(value), 4) in numbers for value in template)
    assert shared < len(template) / 4


def test_the_report_is_what_its_schema_says_and_has_no_number_that_is_none(
    run: Evaluate, photos: Path
) -> None:
    report = run(photos)
    assert faults(report, schema_of("evaluate")) == []
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_the_page_needs_nothing_else_and_escapes_what_came_from_outside(
    run: Evaluate, photos: Path
) -> None:
    evil = "<script>alert(1)</script>"
    (photos / "person05" / f"{evil.replace('/', '_')}.png").write_bytes(b"no photo")
    report = run(photos)
    report["dataset"]["name"] = evil
    page = page_of(report)
    assert "<script" not in page
    assert not re.findall(r"""(?:src|href)\s*=|url\(|@import""", page)
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(drawings) >= 3
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img"
        texts = [child.text for child in root if child.tag.endswith(("title", "desc"))]
        assert len(texts) == 2 and all(texts)


def test_people_without_any_face_make_a_report_all_the_same(run: Evaluate, tmp_path: Path) -> None:
    for person in range(3):
        save(tmp_path / "none" / f"p{person}" / "1.png", salt=person)
        save(tmp_path / "none" / f"p{person}" / "2.png", salt=person + 9)
    report = run(tmp_path / "none")
    assert report["acquisition"]["failure_to_enrol"]["errors"] == 3
    assert report["verification"]["non_mated"] == 0
    assert faults(report, schema_of("evaluate")) == []
    assert "What failed" in page_of(report)


def test_a_rate_says_a_figure_only_where_thirty_errors_stand_behind_it(
    run: Evaluate, photos: Path
) -> None:
    report = run(photos)
    rates = [
        report["acquisition"]["failure_to_acquire"],
        *(point["fnmr"] for point in report["verification"]["at_fmr"]),
        *(p["fnir"] for part in report["identification"] for p in part["at_fpir"]),
    ]
    for rate in rates:
        assert (rate["rate"] is None) == ("to say" in rate["says"] or "no error" in rate["says"])
    assert callable(says)
