"""The commands about copies: where they are, that a photo is none, and that taken back."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Ran, run
from json_shapes import faults, schema_of
from PIL import Image


@pytest.fixture
def photos(tmp_path: Path, portraits: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with a portrait in two sizes, and another beside them."""
    monkeypatch.setenv("LIKENESS_LIBRARY", str(tmp_path / "library"))
    folder = tmp_path / "photos"
    folder.mkdir()
    collins = Image.fromarray(portraits.collins)
    collins.save(folder / "large.png")
    collins.resize((256, 256)).save(folder / "small.jpg", quality=70)
    Image.fromarray(portraits.hopper).save(folder / "other.jpg")
    assert run("init", tmp_path / "library").code == 0
    assert run("collection", "create", "party", "--controller", "Tennis club").code == 0
    assert run("add", folder, "--collection", "party").code == 0
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def answered(ran: Ran, name: str) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    assert faults(ran.answer, schema_of(name)) == []
    return ran.answer


def test_copies_are_shown_split_and_joined_again(photos: Path) -> None:
    large, small = sha256(photos / "large.png"), sha256(photos / "small.jpg")
    shown = answered(run("copies", "show", photos / "small.jpg", "--json"), "copies.show")
    assert (shown["sha256"], shown["width"], shown["apart"]) == (small, 256, False)
    assert [copy["sha256"] for copy in shown["copies"]] == [large]
    assert [s["item"] for s in shown["copies"][0]["sightings"]] == ["large.png"]

    split = answered(run("copies", "split", small.upper(), "--json"), "copies.split")
    assert (split["sha256"], split["copies"]) == (small, [large])
    shown = answered(run("copies", "show", photos / "small.jpg", "--json"), "copies.show")
    assert (shown["apart"], shown["copies"]) == (True, [])

    joined = answered(run("copies", "join", photos / "small.jpg", "--json"), "copies.join")
    assert joined["copies"] == [large]
    said = run("copies", "show", photos / "small.jpg").text
    assert large in said and "1 other copy:" in said
    assert "large.png" in said and "small.jpg" in said
    assert "1 other photo" in run("copies", "split", photos / "small.jpg").text
    assert "1 other photo" in run("copies", "join", photos / "small.jpg").text


def test_a_photo_that_is_not_held_is_not_told_from_one_elsewhere(
    photos: Path, tmp_path: Path
) -> None:
    assert run("account", "create", "helper").code == 0
    stranger = tmp_path / "stranger.png"
    Image.new("RGB", (60, 60)).save(stranger)
    ends = set()
    for command in ("show", "split", "join"):
        for words in ((stranger,), (photos / "small.jpg", "--account", "helper")):
            ran = run("copies", command, *words)
            ends.add((ran.code, ran.err))
    assert len(ends) == 1
    [(code, said)] = ends
    assert code == 4 and "no such photo" in said
    assert run("copies", "show", tmp_path / "nothing.png").code == 4
