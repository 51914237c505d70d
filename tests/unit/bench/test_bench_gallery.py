"""The benchmark of the gallery, and the templates that it draws."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from likeness.bench import gallery, spread
from likeness.errors import BadInput, SourceUnreadable, UsageError
from likeness.gallery.faiss import FaissGallery
from likeness.records.reference import Match


def test_each_size_says_how_fast_beside_the_flat_index_and_that_nobody_is_missed() -> None:
    report = gallery.run([300, 40_000], pairs=700, repeats=2)
    answer = json.loads(json.dumps(report.as_json()))
    assert answer["schema"] == "likeness.bench.gallery/1"
    assert answer["mean_cosine"] == pytest.approx(0.84, abs=0.01)
    small, large = answer["sizes"]
    assert (small["references"], large["references"]) == (300, 40_000)
    for size in (small, large):
        assert min(size["one_ms"], size["together_ms"], size["peer_one_ms"]) > 0
        assert size["one_ratio"] == pytest.approx(size["peer_one_ms"] / size["one_ms"], rel=0.2)
        found = size["found"]
        assert found["pairs"] >= 700
        assert 0.3 < found["near"] / found["pairs"] < 0.7
        assert found["missed"] == found["others_missed"] == found["real"] == 0


def test_a_gallery_that_misses_somebody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    search = FaissGallery.search

    def forgetful(self: FaissGallery, *given: object, **named: object) -> list[list[Match]]:
        return [matches[1:] for matches in search(self, *given, **named)]  # type: ignore[arg-type]

    monkeypatch.setattr(FaissGallery, "search", forgetful)
    (size,) = gallery.run([500], pairs=300, repeats=1).sizes
    assert size.found.missed > 200
    assert size.found.others_missed > 200


@pytest.mark.parametrize(
    "off", [{"sizes": [0]}, {"pairs": 0}, {"repeats": 0}, {"threshold": 0.5}, {"threshold": 1.0}]
)
def test_what_cannot_be_measured_is_refused(off: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="threshold"):
        gallery.run(**{"sizes": [10], **off})


def test_drawn_templates_have_the_spread_that_is_stated() -> None:
    drawn = spread.stated()
    random = np.random.default_rng(1)
    people = drawn.draw(6000, random)
    assert np.linalg.norm(people, axis=1) == pytest.approx(1, abs=1e-6)
    variances = np.sort(np.linalg.eigvalsh(np.cov(people.T.astype(np.float64))))[::-1]
    shares = np.cumsum(variances) / variances.sum()
    assert shares[[7, 31, 63]] == pytest.approx([0.405, 0.782, 0.973], abs=0.03)
    again = drawn.again(people, random)
    assert float((people * again).sum(axis=1).mean()) == pytest.approx(0.96, abs=0.01)
    cosines = random.uniform(0.9, 0.99, len(people))
    placed = drawn.at(people, cosines, random)
    assert (people * placed).sum(axis=1) == pytest.approx(cosines, abs=1e-6)


def test_photos_of_too_few_people_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="no folder"):
        spread.measured(tmp_path / "none")
    (tmp_path / "somebody").mkdir()
    (tmp_path / "somebody" / "notes.txt").write_text("not a photo")
    with pytest.raises(BadInput, match="0 people"):
        spread.measured(tmp_path)


@pytest.mark.slow
def test_real_photos_give_the_spread_and_real_pairs(
    eval_photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = eval_photos / "people"
    if not folder.is_dir():
        pytest.skip("the folder of people is not there")
    monkeypatch.setattr(spread, "MOST_PHOTOS", 400)
    monkeypatch.setattr(spread, "FEWEST_PEOPLE", 20)
    drawn = spread.measured(folder)
    assert drawn.mated.shape[1:] == (2, 128)
    assert float((drawn.mated[:, 0] * drawn.mated[:, 1]).sum(axis=1).mean()) > 0.93
    people = drawn.draw(1000, np.random.default_rng(2))
    assert float(np.mean(people[:500] @ people[500:].T)) == pytest.approx(0.84, abs=0.02)
