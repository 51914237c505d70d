"""`likeness source`: the line of an owner, looked for and ended; and sources named by address."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Ran, run
from export_archives import folder_of, zip_of
from exports_x import Tweet, x_archive
from json_shapes import faults, schema_of

from likeness.errors import AddressRefused
from likeness.sources.website.network import Endpoint, PublicNetwork

HOST = "photos.example.org"


@dataclass
class StandIn:
    """What name servers answer, and what was asked of them; no site can be connected to."""

    texts: dict[str, list[str]] = field(default_factory=dict)
    down: bool = False
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A network on which nothing leaves this machine."""
    stand_in = StandIn()

    def txt_records(_self: PublicNetwork, name: str) -> tuple[str, ...]:
        stand_in.asked.append(name)
        if stand_in.down:
            raise OSError("no name server answered")
        return tuple(stand_in.texts.get(name, ()))

    def endpoints(_self: PublicNetwork, host: str, _port: int) -> tuple[Endpoint, ...]:
        stand_in.asked.append(host)
        raise AddressRefused(f"{host} could not be looked up.", "Check the name.")

    monkeypatch.setattr(PublicNetwork, "txt_records", txt_records)
    monkeypatch.setattr(PublicNetwork, "endpoints", endpoints)
    return stand_in


@pytest.fixture(autouse=True)
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: StandIn) -> Path:
    """A library with one collection."""
    monkeypatch.setenv("LIKENESS_LIBRARY", str(tmp_path / "library"))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    assert run("init", tmp_path / "library", "--keyring", tmp_path / "keys").code == 0
    assert run("collection", "create", "party", "--controller", "Tennis club").code == 0
    return tmp_path / "library"


def answered(*words: str | Path) -> dict[str, Any]:
    ran = run(*words, "--json")
    assert (ran.code, ran.err) == (0, ""), ran.text
    name = ran.answer["schema"].removeprefix("likeness.").removesuffix("/1")
    assert faults(ran.answer, schema_of(name)) == []
    return ran.answer


def failed(*words: str | Path, code: int, error: str) -> Ran:
    plain, as_json = run(*words), run(*words, "--json")
    assert plain.code == as_json.code == code, (plain.err, as_json.text)
    assert plain.out == b"" and as_json.err == "" and as_json.answer["error"] == error
    assert faults(as_json.answer, schema_of("error")) == []
    assert plain.err == f"{as_json.answer['message']} {as_json.answer['fix']}\n"
    return plain


def token_of(line: str) -> str:
    return line.removeprefix("likeness-authorisation=").partition(";")[0]


def test_the_owner_is_asked_found_to_say_yes_and_the_yes_is_ended(names: StandIn) -> None:
    asked = answered("source", "authorise", HOST, "--days", "30")
    assert (asked["place"], asked["record"]) == (HOST, f"_likeness.{HOST}")
    assert asked["address"] == f"https://{HOST}/.well-known/likeness.txt"
    assert len(token_of(asked["line"])) == 43
    assert names.asked == [], "asking the owner is no request to the site"

    names.texts[asked["record"]] = ["v=spf1 -all", asked["line"]]
    seen = answered("source", "check", HOST)
    assert (seen["place"], seen["method"]) == (HOST, "dns")
    assert seen["until"] == asked["expires_at"]
    last = asked["line"].rpartition("=")[2]
    said = run("source", "check", HOST)
    assert said.text == f"The owner of {HOST} says yes, by DNS, through {last}.\n"

    [listed] = answered("source", "list")["authorisations"]
    assert listed["place"] == HOST and listed["checked_at"]
    assert answered("source", "end", HOST) == {"schema": "likeness.source.end/1", "place": HOST}
    names.asked.clear()
    failed("source", "check", HOST, code=3, error="not_authorised")
    failed("add", f"https://{HOST}/", code=3, error="not_authorised")
    assert names.asked == [], "nothing is asked of a site whose yes was ended"
    failed("source", "end", HOST, code=4, error="not_found")


def test_the_text_says_what_to_publish_where_until_when_and_what_comes_next() -> None:
    said = run("source", "authorise", HOST).text.splitlines()
    assert said[0] == f"The owner of {HOST} says yes by publishing this line:"
    assert said[1].startswith("  likeness-authorisation=")
    assert f"_likeness.{HOST}" in said[2] and f"https://{HOST}/.well-known/" in said[2]
    assert said[1].rpartition("=")[2] in said[3] and "no command shows it again" in said[3]
    assert said[4] == f"Then: likeness source check {HOST}"
    bucket = run("source", "authorise", "s3://club-photos/2026").text
    assert "in the object s3://club-photos/.well-known/likeness.txt" in bucket
    assert "Then: likeness source check s3://club-photos\n" in bucket


def test_a_token_is_shown_once_and_by_no_other_command(names: StandIn, tmp_path: Path) -> None:
    first = answered("source", "authorise", HOST)
    names.texts[first["record"]] = [first["line"]]
    second = answered("source", "authorise", HOST)
    tokens = {token_of(one["line"]) for one in (first, second)}
    assert len(tokens) == 2
    # The line that was asked for before counts no more, though it is still published.
    ran = failed("source", "check", HOST, code=3, error="not_authorised")
    assert "in DNS, another or an ended line is there" in ran.err
    names.down = True
    said = [ran, failed("add", f"https://{HOST}/", code=3, error="not_authorised")]
    assert "no name server answered" in said[1].err
    said += [run("source", "list"), run("source", "list", "--json"), run("status"), run("doctor")]
    said += [run("status", "--json"), run("source", "end", HOST)]
    for ran in said:
        assert not any(token in ran.text + ran.err for token in tokens)


def test_a_place_may_be_given_as_it_is_added() -> None:
    for word in (HOST, f"https://{HOST}/", f"https://{HOST}", "HTTPS://Photos.Example.org/"):
        assert answered("source", "authorise", word)["place"] == HOST
    assert answered("source", "end", f"https://{HOST}/")["place"] == HOST
    assert answered("source", "authorise", "s3://club/2026")["place"] == "s3://club"
    # The yes of a bucket's holder is about all of it, and so is its end.
    assert answered("source", "end", "s3://club/2026")["place"] == "s3://club"


def test_a_place_whose_owner_nobody_can_ask_is_refused(names: StandIn) -> None:
    for place, code, error, says in (
        ("facebook.com", 3, "refused", "Facebook cannot be authorised as a website"),
        ("https://www.instagram.com/", 3, "refused", "bring"),
        ("localhost", 4, "bad_input", "not the name of a site"),
        (f"https://{HOST}/fair", 4, "bad_input", "Give a host alone"),
        (f"https://ann:secret@{HOST}/", 4, "bad_input", "Give a host alone"),
        (f"{HOST}:8443", 4, "bad_input", "Give a host alone"),
        ("*.example.org", 4, "bad_input", "no address, port, path or wildcard"),
        ("co.uk", 4, "bad_input", "registered"),
        ("10.0.0.1", 4, "bad_input", "Give a host alone"),
        ("https://[x", 4, "bad_input", "Give a host alone"),
        ("", 4, "bad_input", "Give a host alone"),
        ("s3://", 2, "usage_error", "names no bucket"),
        ("s3://key:secret@club", 2, "usage_error", "holds no user name"),
    ):
        ran = failed("source", "authorise", place, code=code, error=error)
        assert says in ran.err and "secret" not in ran.err
    assert answered("source", "list")["authorisations"] == [] and names.asked == []


def test_days_that_no_authorisation_lasts_are_refused() -> None:
    for days in ("0", "-3", "401"):
        ran = failed("source", "authorise", HOST, f"--days={days}", code=4, error="bad_input")
        assert "Give 1 to 400 days." in ran.err


def test_a_list_without_anything_says_how_to_begin() -> None:
    assert run("source", "list").text == "There is no source yet. Add one with: likeness add WHAT\n"
    assert answered("source", "list")["sources"] == []
    run("source", "authorise", HOST)
    said = run("source", "list").text
    assert said.startswith("place ") and "never" in said


def test_sources_of_every_kind_are_listed_and_removed_by_their_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = x_archive((Tweet(),)).files
    archive = zip_of(tmp_path / "x.zip", files)
    folder = folder_of(tmp_path / "photos", {"a.txt": b"none"})
    for what in (archive, folder, folder.as_uri()):
        answered("add", what)
    listed = answered("source", "list")["sources"]
    assert {s["id"] for s in listed} == {s["id"] for s in answered("status")["sources"]}
    assert [(s["kind"], s["address"]) for s in listed] == [
        ("export-x", "https://twitter.com/some_one"),
        ("folder", str(folder)),
        ("bucket", folder.as_uri()),
    ]
    said = run("source", "list").text
    assert all(one["address"] in said and one["kind"] in said for one in listed)

    ids = {s["kind"]: s["id"] for s in listed}
    for kind, words in {
        "export-x": (
            "https://twitter.com/some_one",
            "https://x.com/Some_One/",
            archive,
            folder_of(tmp_path / "unpacked", files),
        ),
        "folder": (folder, f"{folder}/", f"{folder}/../photos"),
        "bucket": (folder.as_uri(), f"{folder.as_uri()}/"),
    }.items():
        for number, word in enumerate(words):
            receipt = tmp_path / f"{kind}-{number}.json"
            removed = answered("remove", word, "--receipt", receipt)
            assert removed["source"] == ids[kind]
            failed("remove", word, code=4, error="not_found")
            assert json.loads(receipt.read_bytes()) == removed["receipt"]
            answered("add", {"export-x": archive, "folder": folder}.get(kind, folder.as_uri()))


def test_what_no_source_is_named_by_removes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(tmp_path / "photos", {"a.txt": b"none"})
    answered("add", folder)
    answered("add", zip_of(tmp_path / "x.zip", x_archive((Tweet(),)).files))
    # A variable that is not set names the folder that one is in as little as anything else.
    monkeypatch.chdir(folder)
    for word in (
        "https://twitter.com/somebody",
        "https://twitter.com/some_one/status/1000",
        "https://ann:secret@twitter.com/",
        "https://[x",
        "s3://no-bucket",
        "s3://",
        "ftp://x",
        "~nosuchuser/x",
        "none.zip",
        HOST,
        "",
    ):
        ran = failed("remove", word, code=4, error="not_found")
        assert "likeness source list" in ran.err and "secret" not in ran.err
    assert [s["state"] for s in answered("source", "list")["sources"]] == ["active", "active"]


def test_one_archive_in_two_collections_has_to_be_told_apart(tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", x_archive((Tweet(),)).files)
    assert run("collection", "create", "club", "--controller", "Tennis club").code == 0
    for collection in ("party", "club"):
        answered("add", archive, "--collection", collection)
    ids = [s["id"] for s in answered("source", "list")["sources"]]
    ran = failed("remove", archive, code=2, error="usage_error")
    assert "Several collections" in ran.err and all(one in ran.err for one in ids)
    assert answered("remove", archive, "--collection", "club")["source"] == ids[1]


def test_a_broken_archive_at_the_path_of_no_source_is_just_not_found(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK\x03\x04 and no more")
    failed("remove", tmp_path / "broken.zip", code=4, error="not_found")
