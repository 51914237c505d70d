"""Every error is one sentence or one object, with the exit code that says what kind it is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_runs import Ran, run
from json_shapes import faults, schema_of
from PIL import Image

from likeness.cli import libraries
from likeness.cli.errors import UNEXPECTED
from likeness.library import Library

LIKENESS = [sys.executable, "-m", "likeness.cli.main"]
CONSENT = ("--purpose", "be_found", "--basis", "consent", "--how", "self")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a library that has one collection."""
    made = tmp_path_factory.mktemp("codes")
    Library.create(made / "library", keyring=made / "keys").close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIKENESS_LIBRARY", str(made / "library"))
        assert run("collection", "create", "party").code == 0
    return made


@pytest.fixture(autouse=True)
def _in_this_library(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_LIBRARY", str(folder / "library"))


def _both(*words: str | Path, code: int, error: str) -> Ran:
    """Run it plainly and with --json; both end alike, and the object holds what the line says."""
    plain, as_json = run(*words), run(*words, "--json")
    assert plain.code == as_json.code == code, (plain, as_json)
    assert plain.out == b"" and as_json.err == ""
    answer = as_json.answer
    assert faults(answer, schema_of("error")) == []
    assert answer["error"] == error
    first = plain.err.splitlines()[0]
    assert first == f"{answer['message']} {answer['fix']}".strip()
    assert "Traceback" not in plain.err
    return plain


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("frobnicate",), "No such command 'frobnicate'. See: likeness --help"),
        (("add",), "likeness add: Missing argument 'WHAT'. See: likeness add --help"),
        (("search", "x.jpg", "--nope"), "likeness search: No such option: --nope"),
        (("search", "x.jpg", "--face", "two"), "likeness search: Invalid value for '--face'"),
        (("consent", "renew", "x"), "likeness consent renew: Missing option '--expires'"),
        (("search", "x.jpg"), "A search needs either a purpose or the person"),
        (("search", "x.jpg", "--purpose", "spy"), "There is no purpose 'spy'."),
        (("search", "x.jpg", "--purpose", "publish"), "Nobody searches for the purpose 'publish'."),
        (("consent", "renew", "x", "--expires", "soon"), "--expires is not a day."),
        (("review", "--yes", "abc"), "'abc' does not say which face is whose."),
        (("withdraw", "x", "--requested-by", "me"), "Nobody is a 'me' here."),
        (("collection", "create", "party"), "There is a collection 'party' already."),
        (("collection", "audience", "party"), "The audience of the collection stays as it was."),
        (("account", "create", "owner"), "There is an account 'owner' already."),
        (("bench", "faces", "--photos", ".", "--against", "me"), "There is nothing called 'me'"),
    ],
)
def test_a_call_that_is_off_ends_with_2_and_says_how(words: tuple[str, ...], says: str) -> None:
    assert _both(*words, code=2, error="usage_error").err.startswith(says)


def test_half_a_command_ends_with_2_and_no_command_with_the_help_as_well() -> None:
    half, none = run("audit"), run()
    assert (half.code, half.err) == (
        2,
        "likeness audit: Missing command. See: likeness audit --help\n",
    )
    assert none.code == 2 and none.text.startswith("Usage: likeness")


def test_nothing_about_a_consent_is_assumed() -> None:
    said = _both("enrol", "Ann", "--photo", "a.jpg", "--adult", code=2, error="usage_error").err
    for choice in ("find_me, be_found, publish", "consent, guardian_consent, estate", "attested"):
        assert choice in said


def test_a_consent_that_cannot_be_recorded_is_refused_with_3() -> None:
    words = ("enrol", "Ann", "--photo", "a.jpg", *CONSENT)
    assert "--birth-date" in _both(*words, code=3, error="consent_refused").err


def test_what_is_not_there_ends_with_4(tmp_path: Path) -> None:
    _both("add", tmp_path / "none", code=4, error="source_unreadable")
    _both("add", tmp_path, "--collection", "none", code=4, error="not_found")
    _both("show", "Nobody", code=4, error="not_found")
    _both("people", "--account", "nobody", code=4, error="not_found")
    _both("remove", tmp_path, code=4, error="not_found")
    _both("receipt", "show", "0", code=4, error="not_found")
    _both("receipt", "verify", tmp_path / "none", code=4, error="bad_input")
    _both("unlink", "none.jpg", "--face", "1", code=4, error="bad_input")
    _both("unlink", "0" * 64, "--face", "1", code=4, error="not_found")
    _both(
        "enrol", "Ann", "--photo", tmp_path / "none.jpg", *CONSENT, "--adult", code=4,
        error="photo_unreadable",
    )  # fmt: skip


def test_a_search_nobody_may_make_ends_with_3(folder: Path, tmp_path: Path) -> None:
    assert run("account", "create", "outsider").code == 0
    words = ("search", tmp_path / "x.jpg", "--purpose", "be_found", "--account", "outsider")
    _both(*words, code=3, error="audience_refused")


def test_a_photo_without_a_face_and_one_with_several_are_told_apart(
    tmp_path: Path, portraits: tuple[object, object]
) -> None:
    Image.new("RGB", (300, 300), "grey").save(tmp_path / "none.png")
    faces = [Image.fromarray(one) for one in portraits]
    group = Image.new("RGB", (1100, 620))
    for left, face in zip((0, 540), faces, strict=True):
        group.paste(face, (left, 0))
    group.save(tmp_path / "group.png")
    search = ("--purpose", "be_found")
    _both("search", tmp_path / "none.png", *search, code=4, error="face_unusable")
    several = _both("search", tmp_path / "group.png", *search, code=4, error="face_choice_needed")
    lines = several.err.splitlines()
    assert [line[:5] for line in lines[1:]] == ["  1: ", "  2: "]
    boxes = run("search", tmp_path / "group.png", *search, "--json").answer["boxes"]
    assert len(boxes) == 2 and boxes[0][0] < boxes[1][0]


def test_a_receipt_whose_signer_nobody_named_ends_with_5(folder: Path, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (64, 64)).save(photos / "a.png")
    assert run("add", photos).code == 0
    assert run("remove", photos, "--receipt", tmp_path / "r.json").code == 0
    unchecked = _both("receipt", "verify", tmp_path / "r.json", code=5, error="signer_not_checked")
    assert "Fingerprint of the signer: " in unchecked.err
    forged = (tmp_path / "r.json").read_text().replace('"photos": 1', '"photos": 2')
    (tmp_path / "f.json").write_text(forged)
    _both("receipt", "verify", tmp_path / "f.json", code=5, error="not_verified")
    (tmp_path / "n.json").write_text("{}")
    _both("receipt", "verify", tmp_path / "n.json", code=4, error="bad_input")


def test_a_library_that_is_not_there_ends_with_6(tmp_path: Path) -> None:
    _both("--library", tmp_path, "status", code=6, error="library_missing")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    _both("init", tmp_path / "full", code=6, error="library_exists")


def test_without_a_word_about_the_library_the_folder_one_is_in_counts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIKENESS_LIBRARY")
    monkeypatch.chdir(tmp_path)
    _both("status", code=2, error="usage_error")
    monkeypatch.chdir(folder / "library")
    assert run("status").code == 0


def test_a_collection_has_to_be_named_where_there_are_several(tmp_path: Path) -> None:
    library = tmp_path / "library"
    Library.create(library).close()
    none = run("--library", library, "add", tmp_path)
    assert (none.code, none.err.split(".")[0]) == (2, "There is no collection yet")
    for name in ("one", "two"):
        assert run("collection", "create", name, "--library", library).code == 0
    several = run("--library", library, "add", tmp_path)
    assert several.code == 2 and several.err.endswith("Name one with --collection: one, two\n")


def test_options_count_before_the_command_and_after_it(folder: Path) -> None:
    before = run("--library", folder / "library", "--account", "owner", "--json", "status")
    after = run("status", "--library", folder / "library", "--account", "owner", "--json")
    assert before == after and before.answer["account"] == "owner"


def test_a_defect_is_a_sentence_and_never_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("Ann Smith")

    monkeypatch.setattr(libraries, "_status_as_json", fails)
    said = _both("status", code=UNEXPECTED, error="unexpected_error").err
    assert "ZeroDivisionError" in said and "Ann" not in said
    monkeypatch.setenv("LIKENESS_DEBUG", "1")
    assert "Traceback" in run("status").err


def test_an_interrupt_says_that_what_was_done_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(libraries, "_status_as_json", interrupted)
    _both("status", code=130, error="interrupted")


def test_ctrl_c_during_add_ends_in_one_sentence_and_adding_again_goes_on(
    folder: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(24):
        Image.effect_noise((400, 400), 40 + number).save(photos / f"{number}.jpg")
    adding = subprocess.Popen(
        [*LIKENESS, "add", str(photos)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _wait_for_source(photos)
    # As a terminal does: to the command and to every process that it started.
    os.killpg(adding.pid, signal.SIGINT)
    out, err = adding.communicate(timeout=60)
    if adding.returncode == 0:
        pytest.skip("this machine was through before the interrupt came")
    assert (adding.returncode, out) == (130, "")
    assert err.splitlines()[-1] == "Interrupted. What was done is kept; run it again to go on."
    assert "Traceback" not in err
    again = run("add", photos, "--json").answer
    assert again["new"] + again["known"] == 24 and again["skipped"] == []


def _wait_for_source(photos: Path) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        if any(s["address"] == str(photos) for s in run("status", "--json").answer["sources"]):
            return
        time.sleep(0.1)
    raise AssertionError("the command never began")


def test_an_answer_that_nobody_reads_ends_quietly() -> None:
    broken = subprocess.run(
        f"{sys.executable} -m likeness.cli.main enrol --help | true; exit ${{PIPESTATUS[0]}}",
        shell=True,
        executable="/bin/bash",
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert broken.returncode in (0, 141) and broken.stderr == ""
