"""`likeness notice` and `notices`: looked at first, given with a receipt, listed, and lifted."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import Ran, run
from export_archives import folder_of, zip_of
from exports_x import Tweet, x_archive
from json_shapes import faults, schema_of
from PIL import Image

from likeness.errors import StorageError

FROM = ("--from", "Erin Example", "--reason", "letter of 3 May")
PAGE = "https://twitter.com/some_one/status/1000"


def jpeg(seed: int) -> bytes:
    """A photo of nobody, unlike others."""
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((96, 96), Image.Resampling.NEAREST).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with a folder and an archive of X: two photos each, one of them in both."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LIKENESS_LIBRARY", str(tmp_path / "library"))
    assert run("init", tmp_path / "library", "--keyring", tmp_path / "keys").code == 0
    assert run("collection", "create", "party", "--controller", "Tennis club").code == 0
    files = dict(x_archive((Tweet(), Tweet())).files)
    for number, name in enumerate(sorted(n for n in files if "tweets_media/1" in n)):
        files[name] = jpeg(number)
    folder = folder_of(tmp_path / "photos", {"both.jpg": jpeg(0), "alone.jpg": jpeg(9)})
    zip_of(tmp_path / "x.zip", files)
    for what in (folder, tmp_path / "x.zip"):
        assert run("add", what).code == 0
    return folder


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
    return plain


def held() -> dict[str, Any]:
    """What the library holds, but for the audit log, which looking at something may go into."""
    status = answered("status")
    return {name: status[name] for name in ("photos", "faces", "sources")}


def states() -> dict[str, str]:
    return {s["kind"]: s["state"] for s in answered("source", "list")["sources"]}


@pytest.mark.parametrize(
    ("about", "gone", "kept", "stopped"),
    [
        (("--domain", "twitter.com"), (2, 1), 1, True),
        (("--account", "https://x.com/Some_One"), (2, 1), 1, True),
        (("--url", PAGE), (1, 0), 1, False),
        (("--photo", "photos/both.jpg"), (2, 1), 0, False),
        (("--source", "x.zip"), (2, 1), 1, True),
        (("--source", "https://twitter.com/some_one"), (2, 1), 1, True),
    ],
    ids=["domain", "account", "url", "photo", "archive", "source"],
)
def test_a_notice_takes_what_its_dry_run_said_and_lifting_it_lets_that_in_again(
    photos: Path, about: tuple[str, str], gone: tuple[int, int], kept: int, stopped: bool
) -> None:
    before = held()
    looked = answered("notice", "add", *about, "--dry-run")
    assert looked["dry_run"] is True
    assert (looked["counts"]["sightings"], looked["counts"]["photos"]) == gone
    assert (looked["counts"]["photos_kept"], looked["counts"]["sources_stopped"]) == (kept, stopped)
    assert held() == before and answered("notices")["notices"] == []

    given = answered("notice", "add", *about, *FROM, "--receipt", "receipt.json")
    counts = given["counts"]
    assert given["dry_run"] is False
    assert (counts["sightings"], counts["photos"], counts.get("photos_kept", 0)) == (*gone, kept)
    assert held()["photos"] == 3 - gone[1]
    assert (states()["export-x"] == "stopped") == stopped
    assert sorted(p.name for p in photos.iterdir()) == ["alone.jpg", "both.jpg"]
    _require_receipt(Path("receipt.json"), given)

    ran = run("add", "x.zip", "--json")
    if stopped:
        assert (ran.code, ran.answer["error"]) == (3, "source_blocked")
    else:
        assert ran.answer["skipped_for"]["stopped by a notice"] == 1
    failed("notice", "lift", given["notice"], "--code", "-guess", code=5, error="not_verified")
    [known] = answered("notices")["notices"]
    assert (known["notice"], known["state"]) == (given["notice"], "done")
    assert (known["from"], known["reason"]) == ("Erin Example", "letter of 3 May")
    answered("notice", "lift", given["notice"], "--code", given["lift_code"])
    assert answered("notices")["notices"][0]["state"] == "lifted"
    for what in (photos, "x.zip"):
        answered("add", what)
    assert held() == before and states()["export-x"] == "active"


def _require_receipt(path: Path, given: dict[str, Any]) -> None:
    """The file verifies against the library's key, and is what the answer holds."""
    assert json.loads(path.read_bytes()) == given["receipt"]
    assert path.stat().st_mode & 0o777 == 0o600
    key = answered("audit", "checkpoint")["key"]
    verified = answered("receipt", "verify", path, "--key", key)
    assert verified["kind"] == "notice" and verified["serial"] in answered_serials()
    failed("receipt", "verify", path, code=5, error="signer_not_checked")
    for word in (b"Erin", b"letter", b"twitter", b"both.jpg"):
        assert word not in path.read_bytes()


def answered_serials() -> set[str]:
    return {one["serial"] for one in answered("receipt", "list")["receipts"]}


def test_the_text_names_what_went_the_receipt_and_how_to_lift_it(photos: Path) -> None:
    words = ("--photo", hashlib.sha256(jpeg(0)).hexdigest().upper())
    looked = run("notice", "add", *words, "--dry-run").text.splitlines()
    assert looked == [
        "Would go: 2 sightings and 1 photo.",
        "Would stay, held from elsewhere too: 0 photos.",
        "Would be stopped: 0 sources.",
        "Would be passed over from then on, in folders of yours: 1 file.",
        "Nothing was changed.",
    ]
    given = run("notice", "add", *words, *FROM)
    lines = given.text.splitlines()
    assert lines[0] == "Stopped and gone: 2 sightings and 1 photo."
    assert lines[1] == "Passed over from now on, and not touched, in folders of yours: 1 file."
    [receipt] = Path().glob("likeness-receipt-*.json")
    assert lines[2] == f"Receipt: {receipt}"
    assert lines[3].startswith(f"Anybody can check it: likeness receipt verify '{receipt}' --key '")
    key = lines[3].split("'")[3]
    assert run("receipt", "verify", receipt, "--key", key).code == 0
    lift = lines[4].partition("likeness ")[2].split()
    assert lift[:2] == ["notice", "lift"] and lift[3] == "--code"
    listed = run("notices").text
    assert lift[2] in listed and "Erin Example" in listed and lift[4] not in listed
    assert lift[4] not in run("notices", "--json").text
    assert run(*lift).text.startswith("Lifted: ")
    assert "1 skipped" not in run("add", photos).text


def test_a_notice_that_is_not_whole_is_refused_before_anything_is_done(photos: Path) -> None:
    before = held()
    for words, says in (
        (("--domain", "twitter.com"), "Give --from WHO."),
        (("--domain", "twitter.com", "--from", "  "), "Give --from WHO."),
        (FROM, "A notice is about one thing."),
        (("--domain", "twitter.com", "--url", PAGE, *FROM), "A notice is about one thing."),
        (("--domain", "https://twitter.com/", *FROM), "That is not the name of a domain."),
        (("--domain", "twitter", *FROM), "That is not the name of a domain."),
        (("--account", "some_one", *FROM), "Write it as https://example.org/"),
        (("--account", "owner", "--domain", "twitter.com", *FROM), "A notice is about one thing."),
        (("--url", "https://[x", *FROM), "Write it as https://example.org/"),
    ):
        assert says in failed("notice", "add", *words, code=2, error="usage_error").err
    for words in (("--photo", "none.jpg"), ("--photo", "00ff")):
        failed("notice", "add", *words, *FROM, code=4, error="bad_input")
    for word in ("src_none", "none.zip", "https://twitter.com/nobody", ""):
        failed("notice", "add", "--source", word, *FROM, code=4, error="not_found")
        failed("notice", "add", "--source", word, "--dry-run", code=4, error="not_found")
    Path("kept.json").write_text("mine")
    words = ("--domain", "twitter.com", *FROM, "--receipt", "kept.json")
    failed("notice", "add", *words, code=2, error="usage_error")
    failed("notice", "lift", "n_none", "--code", "x", code=4, error="not_found")
    assert "--code" in failed("notice", "lift", "n_none", code=2, error="usage_error").err
    assert Path("kept.json").read_text() == "mine"
    assert held() == before and answered("notices")["notices"] == []


def test_with_json_a_receipt_is_written_only_where_one_is_asked_for() -> None:
    answered("notice", "add", "--url", PAGE, *FROM)
    assert list(Path().glob("*.json")) == []


def test_a_removed_source_can_still_be_stopped_by_its_address() -> None:
    answered("remove", "x.zip", "--receipt", "removed.json")
    given = answered("notice", "add", "--source", "x.zip", *FROM)
    assert given["counts"]["sightings"] == 0
    failed("add", "x.zip", code=3, error="source_blocked")


def test_words_of_a_notice_control_no_terminal() -> None:
    hostile = "Erin\x1b[2J\x9b31m\u202e"
    answered("notice", "add", "--url", f"{PAGE}?a=\u00e9", "--from", hostile, "--reason", hostile)
    plain, as_json = run("notices"), run("notices", "--json")
    assert not set(plain.text + plain.err) & set("\x1b\x9b\u202e")
    assert as_json.out.isascii() and as_json.answer["notices"][0]["from"].startswith("Erin[2J")


def test_the_code_is_told_also_where_the_receipt_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(_place: Path, _document: bytes) -> None:
        raise StorageError("The disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr("likeness.cli.stopping.write_new", full)
        ran = run("notice", "add", "--domain", "x.com", *FROM)
    assert ran.code == 6
    words = ran.err[ran.err.index("likeness notice lift") :].split()
    answered(*words[1:6])
    assert [one["state"] for one in answered("notices")["notices"]] == ["lifted"]
