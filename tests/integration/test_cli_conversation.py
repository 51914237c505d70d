"""What people at a terminal read and are asked, and the files that commands leave beside them."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cli_runs import run
from PIL import Image, ImageOps

from likeness.library import Library
from likeness.records.link import Proposal
from likeness.store.links import links_of_photo, put_proposals
from likeness.store.photos import faces_of

WORDS = ("--purpose", "be_found", "--basis", "consent", "--how", "self", "--adult")
SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Party:
    """A library in which one person of two is enrolled."""

    folder: Path
    person: str


@pytest.fixture(scope="module")
def party(tmp_path_factory: pytest.TempPathFactory, portraits: Any) -> Party:
    folder = tmp_path_factory.mktemp("party")
    (folder / "photos").mkdir()
    collins, hopper = Image.fromarray(portraits.collins), Image.fromarray(portraits.hopper)
    collins.save(folder / "photos" / "collins.jpg")
    hopper.save(folder / "photos" / "hopper.jpg")
    ImageOps.mirror(collins).save(folder / "mirrored.png")
    hopper.save(folder / "hopper.png")
    library = folder / "library"
    assert run("init", library, "--keyring", folder / "keys").code == 0
    assert run("collection", "create", "party", "--library", library).code == 0
    assert run("add", folder / "photos", "--library", library).code == 0
    said = run("enrol", "Eileen Collins", folder / "mirrored.png", *WORDS, "--library", library)
    assert said.code == 0, said.err
    person = next(word for word in said.text.split() if word.startswith("p_")).rstrip(",")
    return Party(folder=folder, person=person)


@pytest.fixture(autouse=True)
def _there(party: Party, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_LIBRARY", str(party.folder / "library"))
    monkeypatch.chdir(tmp_path)


def _converse(words: Sequence[str], answers: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Run a command at a terminal; after each text that it is to show, type the answer."""
    ours, theirs = pty.openpty()
    ran = subprocess.Popen(
        [sys.executable, "-m", "likeness.cli.main", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "COLUMNS": "200", "TERM": "xterm"},
        start_new_session=True,
    )
    os.close(theirs)
    said, typed, waiting, until = "", b"", list(answers), time.monotonic() + SECONDS
    while time.monotonic() < until:
        if not select.select([ours], [], [], 0.5)[0]:
            # What was typed before the question was ready to be answered is thrown away.
            os.write(ours, typed)
            continue
        try:
            data = os.read(ours, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not data:
            break
        said += data.decode()
        if waiting and waiting[0][0] in said:
            typed = waiting.pop(0)[1].encode()
            os.write(ours, typed)
            typed = b"" if typed.endswith(b"\n") else typed
    os.close(ours)
    code = ran.wait(timeout=SECONDS)
    assert not waiting, f"never said {waiting[0][0]!r}: {said}"
    return code, said


def test_a_search_shows_links_back_and_scores_only_where_asked_for(party: Party) -> None:
    search = ("search", party.folder / "mirrored.png", "--purpose", "be_found")
    plain, verbose = run(*search), run(*search, "--verbose")
    page = (party.folder / "photos" / "collins.jpg").as_uri()
    assert f"Eileen Collins ({party.person}): strong match, consent given self, 1 photo\n" in (
        plain.text
    )
    assert f"  {page}\n" in plain.text and "exact link from file" in plain.text
    assert "score" not in plain.text and "score" in verbose.text
    nobody = run("search", party.folder / "hopper.png", "--purpose", "be_found")
    assert (nobody.code, nobody.text, nobody.err) == (1, "Nobody who consented matches.\n", "")


def test_a_terminal_shows_a_bar_with_rate_and_time_left(party: Party) -> None:
    code, said = _converse(["add", str(party.folder / "photos")], [])
    assert code == 0
    assert "Reading photos" in said and "2/2" in said
    assert "2 photos found for party: 0 new, 2 known" in said


def test_somebody_enrolled_is_asked_about_and_a_different_person_goes_on(party: Party) -> None:
    words = ["enrol", "Her Twin", str(party.folder / "photos" / "collins.jpg"), *WORDS]
    question = "Is this a different person?"
    code, said = _converse(words, [(question, "n\n")])
    assert code == 3 and f"look like Eileen Collins ({party.person})" in said
    code, said = _converse(words, [(question, "y\n")])
    assert code == 0 and "Her Twin is enrolled as p_" in said
    assert run("withdraw", "Her Twin").code == 0


def test_a_collection_asks_who_answers_for_it(party: Party) -> None:
    code, said = _converse(
        ["collection", "create", "club"], [("Who answers for these photos?", "Tennis club\n")]
    )
    assert code == 0 and "Collection club, of Tennis club." in said
    silent = run("collection", "create", "quiet", "--json")
    assert silent.answer["collection"]["controller"] == "the owner of this library"


def _propose(party: Party) -> int:
    """Make a possible link between the other person's face and her; returns the photo's id."""
    with Library.open(party.folder / "library") as opened:
        house = opened.house
        with house.store.transaction() as connection:
            photo_id = 2 if not links_of_photo(connection, 2) else 1
            (face,) = faces_of(connection, photo_id)
            proposal = Proposal(face_id=face.face_id, person_id=party.person, score=0.94)
            put_proposals(connection, [proposal], photo_id=photo_id, at=datetime.now(UTC))
    return photo_id


def test_a_possible_link_is_decided_by_one_key(party: Party) -> None:
    _propose(party)
    code, said = _converse(["review"], [("[y/n/u/z/s/q]", "s")])
    assert code == 0 and "0 links decided, 1 left." in said
    listed = run("review")
    assert listed.text.startswith("1 possible link to decide.\n") and "hopper.jpg" in listed.text
    code, said = _converse(["review"], [("[y/n/u/z/s/q]", "u")])
    assert code == 0 and "0 links decided, 1 left." in said
    assert [p["unsure"] for p in run("review", "--json").answer["proposals"]] == [True]
    assert run("review", "--undo").text.startswith("1 decision taken back.")
    assert [p["unsure"] for p in run("review", "--json").answer["proposals"]] == [False]
    asked = [("[y/n/u/z/s/q]", "z"), ("Nothing was decided yet.", "q")]
    code, said = _converse(["review"], asked)
    assert code == 0 and "0 links decided, 1 left." in said
    code, said = _converse(["review"], [("Eileen Collins? [y/n/u/z/s/q]", "n")])
    assert code == 0 and "1 link decided, 0 left." in said
    assert run("review", "--json").answer["proposals"] == []


def test_a_withdrawal_writes_its_receipt_and_says_how_to_check_it(party: Party) -> None:
    enrolled = run(
        *("enrol", "Grace Hopper", "--photo", party.folder / "hopper.png", *WORDS),
        *("--collection", "party", "--json"),
    )
    person = enrolled.answer["person"]
    Path("mine.json").write_text("kept")
    taken = run("withdraw", person, "--receipt", "mine.json")
    assert taken.code == 2 and Path("mine.json").read_text() == "kept"
    assert [p["name"] for p in run("people", "--json").answer["people"]] == [
        "Eileen Collins",
        "Grace Hopper",
    ]
    done = run("withdraw", person)
    assert done.code == 0
    (receipt,) = Path().glob("likeness-receipt-*.json")
    assert f"Receipt: {receipt}\n" in done.text
    check = next(line for line in done.text.splitlines() if "receipt verify" in line)
    key = check.split("--key '")[1].rstrip("'")
    verified = run("receipt", "verify", receipt, "--key", key)
    assert verified.code == 0 and verified.text.startswith("Verified: receipt ")
    serial = json.loads(receipt.read_bytes())["body"]["serial"]
    assert run("receipt", "show", serial).out == receipt.read_bytes()
    assert run("receipt", "show", serial, "--out", receipt).code == 2
