"""Thresholds measured by an evaluation are kept with their pack, and nothing else moves."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from cli_runs import run
from json_shapes import faults, schema_of
from promise_house import Place, enrol, found_names, holdings, rows
from synthetic_engine import NEAR, Drawn, draw, save

from likeness.errors import BadInput, PackMismatch
from likeness.faces.packs import Pack
from likeness.library import Library
from likeness.operating import calibration_at, thresholds_for, warning_of

ANN = 1
LOOSE, STRICT = 0.2, 0.9999


def _report(pack: Pack, *, strong: float | None = STRICT, review: float = 0.9) -> dict[str, Any]:
    return {
        "schema": "likeness.evaluate/1",
        "pack": {"fingerprint": pack.fingerprint},
        "operating_point": {
            "margin": 0.01,
            "measured_on": "a test: 5,000 faces",
            "thresholds": [
                {"gallery_size": size, "strong": strong, "review": review} for size in (1, 10)
            ],
        },
    }


@pytest.fixture
def ann(library: Library, tmp_path: Path) -> str:
    person = enrol(library, "Ann", ANN)
    save(tmp_path / "photos" / "ann.png", Drawn(person=ANN, look=NEAR), salt=1)
    library.ingest(tmp_path / "photos", collection="party")
    return person


def test_until_calibrated_the_packs_own_thresholds_hold_and_answers_say_so(
    library: Library, ann: str, pack: Pack
) -> None:
    assert library.house.thresholds(5) == pack.thresholds_for(5)
    answer = library.search(draw(Drawn(person=ANN)), purpose="be_found")
    assert answer.calibration is not None
    assert not answer.calibration.here and answer.calibration.calibrated_at is None
    assert answer.calibration.measured_on == pack.thresholds_for(1).measured_on


def test_calibrated_thresholds_hold_at_their_gallery_size_for_search_and_links(
    library: Library, ann: str, pack: Pack
) -> None:
    done = library.calibrate(_report(pack))
    assert [point.gallery_size for point in done.points] == [1, 10]
    assert library.house.thresholds(1).strong == STRICT
    assert library.house.thresholds(10).measured_on == "a test: 5,000 faces"
    answer = library.search(draw(Drawn(person=ANN, look=NEAR, shot=5)), purpose="be_found")
    assert [candidate.strength for candidate in answer.candidates] == ["possible"]
    assert answer.calibration is not None and answer.calibration.here
    assert found_names(library, 77) == []


def test_links_stand_until_the_next_rescan_and_are_decided_anew_by_it(
    library: Library, ann: str, pack: Pack
) -> None:
    before = holdings(library)
    assert len(library.show(ann)[1]) == 1
    done = library.calibrate(_report(pack))
    assert (done.photos, holdings(library)) == (1, before)
    assert library.status().waiting == 1
    library.rescan()
    assert library.status().waiting == 0
    assert library.show(ann)[1] == [] and len(library.proposals()) == 1


def test_what_a_human_decided_survives_calibrating(library: Library, ann: str, pack: Pack) -> None:
    [linked] = library.show(ann)[1]
    library.decide(linked.photo.sha256, face=1, person_id=ann, decision="same")
    library.calibrate(_report(pack))
    library.rescan()
    assert [one.decided_by for one in library.show(ann)[1]] == ["operator"]


def test_another_process_takes_the_thresholds_in_with_the_change_number(
    place: Place, library: Library, ann: str, pack: Pack
) -> None:
    with place.open() as other:
        other.calibrate(_report(pack))
    library.house.eligibility.refresh()
    assert library.house.thresholds(1).strong == STRICT


def test_an_opened_library_has_the_thresholds_it_was_calibrated_with(
    place: Place, library: Library, ann: str, pack: Pack
) -> None:
    library.calibrate(_report(pack))
    with place.open() as again:
        assert again.house.thresholds(1).strong == STRICT


def test_calibrating_again_replaces_what_was_there_and_is_in_the_audit_log(
    library: Library, ann: str, pack: Pack
) -> None:
    before = library.status().audit_entries
    library.calibrate(_report(pack))
    fewer = _report(pack, strong=0.95)
    del fewer["operating_point"]["thresholds"][1]
    library.calibrate(fewer)
    assert rows(library, "SELECT gallery_size, strong FROM operating_points") == [(1, 0.95)]
    assert library.status().audit_entries == before + 2
    library.verify_audit()


def test_an_evaluation_of_another_pack_is_refused(library: Library, ann: str, pack: Pack) -> None:
    other = _report(pack)
    other["pack"]["fingerprint"] = "0" * 64
    with pytest.raises(PackMismatch, match="another model pack"):
        library.calibrate(other)
    assert rows(library, "SELECT count(*) FROM operating_points") == [(0,)]
    assert library.status().waiting == 0


def test_thresholds_of_another_pack_are_not_used(library: Library, ann: str, pack: Pack) -> None:
    library.calibrate(_report(pack))
    with library.house.transaction() as connection:
        connection.exec_driver_sql("UPDATE operating_points SET pack_fingerprint = 'other'")
        connection.exec_driver_sql("UPDATE library SET gallery_change = gallery_change + 1")
    library.house.eligibility.refresh()
    assert library.house.thresholds(1) == pack.thresholds_for(1)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda r: r.update(schema="likeness.search/1"),
        lambda r: r.pop("pack"),
        lambda r: r.update(pack="dlib"),
        lambda r: r["pack"].update(fingerprint=7),
        lambda r: r.pop("operating_point"),
        lambda r: r["operating_point"].update(thresholds=[]),
        lambda r: r["operating_point"].update(thresholds={}),
        lambda r: r["operating_point"].update(thresholds=[1, 2]),
        lambda r: r["operating_point"].update(margin=float("nan")),
        lambda r: r["operating_point"].update(margin=-0.5),
        lambda r: r["operating_point"].update(measured_on="x" * 5000),
        lambda r: r["operating_point"]["thresholds"][0].update(gallery_size=0),
        lambda r: r["operating_point"]["thresholds"][0].update(gallery_size=True),
        lambda r: r["operating_point"]["thresholds"][0].update(gallery_size=10),
        lambda r: r["operating_point"]["thresholds"][0].update(review="0.5"),
        lambda r: r["operating_point"]["thresholds"][0].update(review=float("nan")),
        lambda r: r["operating_point"]["thresholds"][0].update(review=0.99995),
        lambda r: r["operating_point"]["thresholds"][1].update(strong=0.95),
        lambda r: r["operating_point"]["thresholds"][1].update(strong=7),
    ],
)
def test_a_report_that_cannot_be_is_refused_and_changes_nothing(
    library: Library, pack: Pack, spoil: Any
) -> None:
    report = deepcopy(_report(pack))
    spoil(report)
    with pytest.raises(BadInput):
        library.calibrate(report)
    assert rows(library, "SELECT count(*) FROM operating_points") == [(0,)]


def test_too_few_faces_for_a_strong_threshold_mean_that_everything_is_reviewed(
    library: Library, ann: str, pack: Pack
) -> None:
    library.calibrate(_report(pack, strong=None))
    library.rescan()
    assert library.show(ann)[1] == [] and len(library.proposals()) == 1


def test_a_gallery_beyond_what_was_calibrated_is_warned_of_and_tenfold_more_so(
    library: Library, pack: Pack
) -> None:
    library.calibrate(_report(pack))
    points = library.house.eligibility.operating_points
    said = {size: warning_of(calibration_at(pack, points, size)) for size in (0, 10, 11, 99, 100)}
    assert said[0] == said[10] == ""
    assert said[11] == said[99] and "more people" in said[11]
    assert "ten times as many" in said[100]
    beyond = thresholds_for(pack, points, 11)
    assert beyond.beyond_calibration and beyond.strong == STRICT


def test_doctor_warns_until_calibrated_and_when_the_gallery_has_outgrown_it(
    library: Library, pack: Pack
) -> None:
    def finding() -> Any:
        return next(found for found in library.doctor() if found.check == "calibration")

    assert finding().state == "warn" and "not calibrated here" in finding().what
    library.calibrate(_report(pack))
    assert finding().state == "ok"
    one = _report(pack)
    del one["operating_point"]["thresholds"][1]
    library.calibrate(one)
    for person in range(2):
        enrol(library, f"P{person}", 10 + person)
    assert finding().state == "warn" and "more people" in finding().what


def test_the_command_takes_a_report_and_answers_as_its_schema_says(
    place: Place, library: Library, ann: str, pack: Pack, tmp_path: Path
) -> None:
    file = tmp_path / "report.json"
    file.write_text(json.dumps(_report(pack)))
    where = ("--library", place.library)
    assert run("status", *where, "--json").answer["calibration"]["here"] is False
    assert "Not calibrated here" in run("status", *where).text
    ran = run("calibrate", file, *where, "--json")
    assert ran.code == 0 and faults(ran.answer, schema_of("calibrate")) == []
    assert "likeness rescan" in run("calibrate", file, *where).text
    status = run("status", *where, "--json")
    assert faults(status.answer, schema_of("status")) == []
    assert status.answer["calibration"]["here"] is True
    assert "alibrated here" not in run("status", *where).text
    review = run("review", *where, "--json")
    assert faults(review.answer, schema_of("review")) == []
    for content in ("{", "[]", "{}", "[" * 100_000):
        file.write_text(content)
        assert run("calibrate", file, *where).code == 4
    file.write_text(json.dumps({**_report(pack), "pack": {"fingerprint": "0" * 64}}))
    assert run("calibrate", file, *where).code == 3
    assert run("calibrate", tmp_path / "none.json", *where).code == 4
