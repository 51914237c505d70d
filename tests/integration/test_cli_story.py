"""The whole story on the command line: every answer is one object, of the shape its schema says."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import Ran, run
from json_shapes import SCHEMAS, faults, schema_of
from numpy.typing import NDArray
from PIL import Image, ImageOps
from synthetic_engine import second_pack

from likeness.cli.reference import command_names

NAME = "Eileen \x1b[31mCollins"
ELSEWHERE = frozenset(
    {
        "bench.faces",
        "bench.gallery",
        "bench.ingest",
        "calibrate",
        "demo",
        "enrolment.approve",
        "enrolment.decline",
        "enrolment.waiting",
        "evaluate",
        "invitation.create",
        "invitation.list",
        "invitation.revoke",
        "models.install",
        "models.list",
        "models.remove",
        "models.show",
        "models.verify",
        "serve",
    }
)
"""Commands that have tests of their own."""


@dataclass(frozen=True, kw_only=True)
class Story:
    """A library, the photos, and what each command said."""

    folder: Path
    person: str
    said: dict[str, Ran]

    def answer(self, label: str) -> dict[str, Any]:
        return self.said[label].answer


def _photos(folder: Path, collins: NDArray[np.uint8], hopper: NDArray[np.uint8]) -> None:
    collins_photo, hopper_photo = Image.fromarray(collins), Image.fromarray(hopper)
    for name in ("photos", "given"):
        (folder / name).mkdir()
    group = Image.new("RGB", (1100, 620))
    group.paste(collins_photo, (0, 0))
    group.paste(hopper_photo, (540, 0))
    group.save(folder / "photos" / "group.png")
    collins_photo.save(folder / "photos" / "alone.jpg", quality=90)
    hopper_photo.save(folder / "photos" / "odd \x1b name.jpg", quality=90)
    (folder / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    (folder / "photos" / "links.csv").write_text(
        "path,page_url,taken_at,text\nalone.jpg,https://example.org/7,2024-05-01,A flight\n"
    )
    collins_photo.save(folder / "given" / "one.png")
    ImageOps.mirror(collins_photo).save(folder / "given" / "two.png")
    hopper_photo.save(folder / "given" / "hopper.png")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, portraits: Any) -> Story:
    folder = tmp_path_factory.mktemp("story")
    _photos(folder, portraits.collins, portraits.hopper)
    given = folder / "given"
    library = folder / "library"
    said: dict[str, Ran] = {}

    def do(label: str, *words: str | Path, code: int = 0) -> dict[str, Any]:
        ran = run(*label.split(":")[0].split("."), *words, "--json")
        assert ran.code == code, (label, ran.text, ran.err)
        said[label] = ran
        return ran.answer

    do("init", library, "--keyring", folder / "keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_LIBRARY", str(library))
        do("account.create", "bob")
        do("account.list")
        do("account.link", "bob")
        do("account.role", "bob", "operator")
        do("collection.create", "party", "--controller", "Tennis club")
        do("collection.audience", "party", "--add", "bob")
        do("collection.change", "party", "--retention-days", "365", "--ask-purpose")
        do("collection.change:same", "party", "--retention-days", "365", code=2)
        do("collection.change:lifted", "party", "--photos-stay", "--no-ask-purpose")
        do("collection.list")
        do("retention.apply")
        do("add", folder / "photos")
        do("add:again", folder / "photos")
        words = ("--purpose", "be_found,find_me", "--basis", "consent", "--how", "self", "--adult")
        enrolled = do("enrol", NAME, "--photo", given / "one.png", given / "two.png", *words)
        person = enrolled["person"]
        do("people")
        do("show", NAME)
        do("show:nowhere", person, "--collection", "gone", code=4)
        do("search", given / "two.png", "--purpose", "be_found")
        do("search:self", given / "one.png", "--as", person)
        do("search:bob", given / "two.png", "--purpose", "be_found", "--account", "bob")
        do("search:hopper", given / "hopper.png", "--purpose", "be_found", code=1)
        do("photos", f"with:{person} date:2024-05", "--limit", "1")
        do("photos:nothing", "date:2030", code=1)
        do("photos:off", "with:", code=2)
        do("search:stranger", given / "one.png", "--as", "p_" + "a" * 16, code=1)
        alone = next(p for p in said["show"].answer["photos"] if len(p["sightings"][0]["text"]))
        choice = f"{alone['sha256']}:1:{person}"
        do("review", "--list")
        do("review:no", "--no", choice)
        do("review:undo", "--undo")
        do("review:undo nothing", "--undo", code=4)
        do("review:unsure", "--unsure", choice, code=4)
        do("review:yes", "--yes", choice)
        do("unlink", folder / "photos" / "alone.jpg", "--face", "1")
        do("copies.show", folder / "photos" / "alone.jpg")
        do("copies.split", folder / "photos" / "alone.jpg")
        do("copies.join", folder / "photos" / "alone.jpg")
        do("rescan")
        do("consent.show", person)
        do("consent.renew", person, "--expires", "2031-12-31", "--statement", "Said yes again")
        do("consent.narrow", person, "--drop-account", "bob")
        do("people:bob", "--account", "bob")
        grace = ("--photo", given / "hopper.png", "--adult", "--statement", "said yes")
        words = ("--purpose", "be_found", "--basis", "consent", "--how", "attested")
        second = do("enrol:second", "Grace", *grace, *words)["person"]
        do("person.merge", NAME, second)
        do("people:merged")
        do("person.merge:again", NAME, second, code=2)
        do("person.split", second)
        do("person.split:again", second, code=2)
        do("withdraw:second", second)
        do("rescan:second")
        do("account.end", "bob")
        do("account.end:last", "owner", code=3)
        do("export-person", NAME, "--out", folder / "export.json")
        do("status")
        do("doctor")
        do("models.use", second_pack(folder / "packs"))
        do("search:other pack", given / "two.png", "--purpose", "be_found")
        do("doctor:other pack")
        do("models.use:back", "dlib")
        do("models.use:again", "dlib")
        do("models.use:nothing", "nosuch", code=2)
        do("search:back", given / "two.png", "--purpose", "be_found")
        do("withdraw", NAME, "--receipt", folder / "receipt.json")
        do("search:gone", given / "two.png", "--purpose", "be_found", code=1)
        do("receipt.list")
        serial = said["receipt.list"].answer["receipts"][0]["serial"]
        do("receipt.show", serial)
        do("audit.checkpoint")
        key = said["audit.checkpoint"].answer["key"]
        do("audit.verify")
        do("receipt.verify", folder / "receipt.json", "--key", key)
        do("remove", folder / "photos")
        do("status:empty")
        do("source.authorise", "photos.example.org", "--days", "30")
        do("source.check", "other.example.org", code=3)
        do("source.list")
        do("source.end", "photos.example.org")
        do("notice.add:look", "--domain", "example.org", "--dry-run")
        do("notice.add", "--domain", "example.org", "--from", "Eve", "--reason", "mine")
        do("notices")
        notice = said["notice.add"].answer
        do("notice.lift:guessed", notice["notice"], "--code", "guess", code=5)
        do("notice.lift", notice["notice"], "--code", notice["lift_code"])
        do("version")
    return Story(folder=folder, person=person, said=said)


def test_every_answer_has_the_shape_that_its_schema_says(story: Story) -> None:
    wrong = []
    for label, ran in story.said.items():
        name = "error" if ran.code > 1 else label.split(":")[0]
        assert ran.answer["schema"] == f"likeness.{name}/1"
        wrong += [f"{label} {fault}" for fault in faults(ran.answer, schema_of(name))]
    assert not wrong, "\n".join(wrong)


def test_every_command_has_a_schema_and_a_part_in_the_story(story: Story) -> None:
    names = set(command_names())
    assert {path.stem for path in SCHEMAS.glob("*.json")} == names - {"demo", "serve"} | {"error"}
    assert {label.split(":")[0] for label in story.said} == names - ELSEWHERE


def test_a_change_of_pack_says_what_it_did_and_finds_the_same_person(story: Story) -> None:
    used, back, again = (story.answer(f"models.use{label}") for label in ("", ":back", ":again"))
    assert (used["pack"], used["changed"], used["references"]) == ("second", True, 2)
    assert (used["photos"], used["unread"]) == (3, 0)
    assert (back["pack"], back["changed"], back["references"]) == ("dlib", True, 2)
    assert (again["changed"], again["references"], again["photos"]) == (False, 0, 0)
    for label in ("search:other pack", "search:back"):
        [found] = story.answer(label)["candidates"]
        assert found["person"] == story.person


def test_answers_are_ascii_and_say_nothing_on_standard_error(story: Story) -> None:
    for label, ran in story.said.items():
        assert ran.out.isascii() and b"\x1b" not in ran.out, label
        assert ran.err == "", label


def test_add_accounts_for_every_photo(story: Story) -> None:
    first, again = story.answer("add"), story.answer("add:again")
    assert (first["found"], first["new"], first["faces"]) == (4, 3, 4)
    assert [s["item"] for s in first["skipped"]] == ["broken.jpg"]
    assert (again["new"], again["known"], again["skipped"]) == (0, 3, first["skipped"])


def test_enrolling_links_the_photos_that_were_there(story: Story) -> None:
    enrolled = story.answer("enrol")
    assert enrolled["references"] == 2
    assert enrolled["rescan"] == {"photos": 3, "linked": 2, "proposed": 0}
    assert enrolled["consent"]["purposes"] == ["be_found", "find_me"]
    assert enrolled["consent"]["audience_names"] == ["bob", "owner"]


def test_a_search_finds_her_with_the_links_back(story: Story) -> None:
    (found,) = story.answer("search")["candidates"]
    assert (found["person"], found["name"], found["strength"]) == (story.person, NAME, "strong")
    assert found["how_given"] == "self"
    links = {s["page_url"]: s for p in found["photos"] for s in p["sightings"]}
    page = links["https://example.org/7"]
    assert (page["link_confidence"], page["link_from"]) == ("exact", "links.csv")
    assert page["taken_at"].startswith("2024-05-01") and page["text"] == "A flight"
    assert story.answer("search:self")["candidates"][0]["person"] == story.person
    assert story.answer("search:bob")["candidates"] == story.answer("search")["candidates"]


def test_nobody_found_reads_the_same_byte_for_byte(story: Story) -> None:
    nobody = b'{"schema":"likeness.search/1","candidates":[],"calibration":{"here":false,'
    said = [story.said[label] for label in ("search:hopper", "search:stranger", "search:gone")]
    assert {(ran.out, ran.code) for ran in said} == {(said[0].out, 1)}
    assert said[0].out.startswith(nobody)


def test_decisions_and_corrections_show_in_what_follows(story: Story) -> None:
    assert [d["decision"] for d in story.answer("review:no")["decided"]] == ["different"]
    assert [d["decision"] for d in story.answer("review:yes")["decided"]] == ["same"]
    assert story.answer("unlink")["person"] == story.person
    assert len(story.answer("export-person")["photos"]) == 1


def test_a_decision_is_taken_back_and_two_enrolments_are_shown_as_one(story: Story) -> None:
    undone = story.answer("review:undo")["undone"]
    assert (undone["person"], undone["decision"]) == (story.person, "different")
    assert story.answer("review:no")["undone"] is None
    [one] = story.answer("people:merged")["people"]
    assert [one["person"], *one["also"]] == [story.person, story.answer("enrol:second")["person"]]
    assert one["photos"] == 2, "the one that shows both counts once"
    assert story.answer("person.split")["apart_from"] == [story.person]


def test_a_narrowed_consent_takes_effect_at_once(story: Story) -> None:
    assert [c["state"] for c in story.answer("consent.show")["consents"]] == ["given"]
    assert story.answer("consent.renew")["consent"]["ends_at"] == "2032-01-01T00:00:00+00:00"
    assert story.answer("consent.narrow")["consent"]["audience_names"] == ["owner"]
    assert story.answer("people:bob")["people"] == []


def test_the_export_is_written_for_its_owner_alone(story: Story) -> None:
    written = story.folder / "export.json"
    assert json.loads(written.read_bytes()) == story.answer("export-person")
    assert os.stat(written).st_mode & 0o777 == 0o600
    assert story.answer("export-person")["name"] == NAME


def test_the_receipt_file_is_what_was_issued_and_verifies(story: Story) -> None:
    issued = story.answer("withdraw")["receipt"]
    assert json.loads((story.folder / "receipt.json").read_bytes()) == issued
    assert story.answer("receipt.show")["receipt"] == issued
    verified = story.answer("receipt.verify")
    assert verified["serial"] == issued["body"]["serial"]
    assert verified["counts"]["people"] == 1
    assert verified["signer"] == story.answer("init")["verifier_key"]


def test_status_counts_what_is_held_and_then_gone(story: Story) -> None:
    before, after = story.answer("status"), story.answer("status:empty")
    assert (before["photos"], before["faces"], before["waiting"]) == (3, 4, 0)
    assert [s["sightings"] for s in before["sources"]] == [3]
    assert before["keyring"]["problem"] == before["audit"]["problem"] == ""
    assert (after["photos"], after["sources"][0]["state"]) == (0, "removed")
    assert story.answer("remove")["photos"] == 3
    assert len(list((story.folder / "photos").iterdir())) == 5


def test_the_doctor_finds_nothing_failed_in_a_fresh_library(story: Story) -> None:
    states = {check["check"]: check["state"] for check in story.answer("doctor")["checks"]}
    assert "fail" not in states.values()
    assert states["audit log"] == states["tombstones"] == states["database"] == "ok"
    # The test keeps keys beside the library and the master key beside them.
    assert states["keyring place"] == states["master key"] == "warn"
