"""`likeness add`: what each WHAT is taken for, how it ends, and the account of each item."""

from __future__ import annotations

import io
import json
import resource
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cli_runs import Ran, run
from export_archives import folder_of, parts_in, zip_of
from exports_venmo import statement
from exports_x import Tweet, x_archive
from films import film
from json_shapes import faults, schema_of
from PIL import Image

from likeness.account import MOST_NAMED

HOSTILE = "a\x1b]0;owned\x07\x1b[2J\x9b31m\u202e.jpg"
CONTROLS = set("\x1b\x07\x9b\u202e\r")
BUCKET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE")


def jpeg(seed: int) -> bytes:
    """A photo of nobody, unlike others."""
    pixels = np.random.default_rng(seed).integers(0, 255, (8, 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize((96, 96), Image.Resampling.NEAREST).save(file, "JPEG")
    return file.getvalue()


def x_files(*kinds: Any, messages: int = 1) -> dict[str, bytes]:
    """An archive of X with real photos in it."""
    files = x_archive(tuple(Tweet(kind=kind) for kind in kinds), messages=messages).files
    return {
        name: jpeg(number) if "tweets_media/1" in name else content
        for number, (name, content) in enumerate(files.items())
    }


def made_library(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LIKENESS_LIBRARY", str(folder / "library"))
    for name in BUCKET_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    if not (folder / "library").exists():
        assert run("init", folder / "library", "--keyring", folder / "keys").code == 0
        assert run("collection", "create", "party", "--controller", "Tennis club").code == 0
    return folder / "library"


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library with one collection; nothing in the environment opens a bucket."""
    return made_library(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def untouched(shared_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One library for all tests that leave no trace in it."""
    return made_library(shared_folder, monkeypatch)


def added(what: str | Path, *words: str | Path) -> dict[str, Any]:
    """The object that adding something answers; nothing stands beside it."""
    ran = run("add", what, *words, "--json")
    beside = [line for line in ran.err.splitlines() if not line.startswith("Reading photos: ")]
    assert (ran.code, beside) == (0, []), (ran.text, ran.err)
    assert faults(ran.answer, schema_of("add")) == []
    return ran.answer


def refused(what: str | Path, *words: str | Path, code: int, error: str) -> Ran:
    """Add it plainly and with --json: both end alike, in one sentence and one object."""
    plain, as_json = run("add", what, *words), run("add", what, *words, "--json")
    assert plain.code == as_json.code == code, (plain.err, as_json.text)
    assert plain.out == b"" and as_json.err == ""
    answer = as_json.answer
    assert faults(answer, schema_of("error")) == []
    assert answer["error"] == error
    assert plain.err == f"{answer['message']} {answer['fix']}\n"
    return plain


def lines_of(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def test_a_folder_a_photo_and_a_video_say_what_they_are(library: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "photos", {"a.jpg": jpeg(1), "b.jpg": jpeg(2), "c.jpg": b"no"})
    first = added(folder)
    assert first["recognised"] == f"A folder: {folder}"
    assert (first["found"], first["new"], first["skipped_count"]) == (3, 2, 1)
    assert first["skipped"][0]["item"] == "c.jpg"
    alone = added(folder / "a.jpg")
    assert alone["recognised"].startswith("One file of the folder")
    assert (alone["found"], alone["known"], alone["gone"]) == (1, 1, 0)
    pictures = [np.full((64, 64, 3), shade, np.uint8) for shade in (20, 230) for _ in range(24)]
    (tmp_path / "film.mp4").write_bytes(film(pictures))
    moving = added(tmp_path / "film.mp4")
    assert moving["videos"] == 1 and moving["new"] >= 2
    assert "From 1 video" in run("add", tmp_path / "film.mp4").text


def test_one_export_is_one_source_as_archive_as_parts_and_unpacked(
    library: Path, tmp_path: Path
) -> None:
    files = x_files("own", "retweet", "own")
    archive = zip_of(tmp_path / "x.zip", files)
    part = parts_in(tmp_path / "parts", files, parts=3)[1]
    folder = folder_of(tmp_path / "unpacked", files)
    answers = [added(what) for what in (archive, part, folder)]
    assert [(a["found"], a["new"], a["known"]) for a in answers] == [
        (2, 2, 0), (2, 0, 2), (2, 0, 2)
    ]  # fmt: skip
    assert len({a["source"] for a in answers}) == 1
    for answer in answers:
        assert answer["recognised"].startswith("An export of X (Twitter): ")
        assert answer["recognised"].endswith(", account https://twitter.com/some_one")
        assert answer["skipped_for"]["a retweet"] == 1 and answer["without_link"] == 0
    told = run("add", archive)
    assert told.err.startswith("An export of X (Twitter): ")
    assert "2 photos found for party: 0 new, 2 known" in told.text


def test_an_archive_that_cannot_be_read_is_named_with_what_to_do(
    library: Path, tmp_path: Path
) -> None:
    whole = zip_of(tmp_path / "x.zip", x_files("own")).read_bytes()
    unknown = zip_of(tmp_path / "holiday.zip", {"a/b.jpg": jpeg(1)})
    said = refused(unknown, code=4, error="source_unreadable").err
    assert "holiday.zip is no export that is known: X (Twitter), Facebook" in said
    assert "add the folder with the photos" in said
    for name, content, why in (
        ("cut.zip", whole[:-30], "cut short"),
        ("none.zip", b"not an archive", "it is no ZIP archive"),
    ):
        (tmp_path / name).write_bytes(content)
        said = refused(tmp_path / name, code=4, error="source_unreadable").err
        assert why in said and "Download the archive from the platform again" in said
    (tmp_path / "export.tgz").write_bytes(b"\x1f\x8b")
    said = refused(tmp_path / "export.tgz", code=4, error="bad_input").err
    assert "of a kind that is not read" in said and "Ask the platform for a ZIP" in said
    assert run("status", "--json").answer["sources"] == []


def test_a_damaged_photo_in_an_archive_is_skipped_and_the_others_come_in(
    library: Path, tmp_path: Path
) -> None:
    files = x_files("own", "own")
    archive = zip_of(tmp_path / "x.zip", files, method=0)
    broken = bytearray(archive.read_bytes())
    place = broken.index(files["data/tweets_media/1000-0Abc-1_2.jpg"])
    broken[place + 200] ^= 0xFF
    archive.write_bytes(broken)
    answer = added(archive)
    assert (answer["new"], answer["skipped_for"]["damaged"]) == (1, 1)


def test_a_statement_of_venmo_says_that_it_holds_no_photos_and_what_helps(
    library: Path, tmp_path: Path
) -> None:
    (tmp_path / "venmo.csv").write_bytes(statement("somebody"))
    said = refused(tmp_path / "venmo.csv", code=4, error="bad_input").err
    assert "holds no photos" in said and "notice" in said and "somebody" not in said


@pytest.mark.parametrize(
    ("what", "code", "error", "says"),
    [
        ("https://www.facebook.com/ann", 3, "refused", "Facebook cannot be authorised"),
        ("https://x.com/ann/status/1", 3, "refused", "likeness add EXPORT.zip"),
        ("https://photos.example.org/fair/1", 2, "usage_error", "Add https://photos.example.org/,"),
        ("https://photos.example.org/?page=2", 2, "usage_error", "the address of one page"),
        ("photos.example.org", 2, "usage_error", "written as https://photos.example.org/"),
        ("https://photos.example.org/", 3, "not_authorised", "likeness source authorise photos."),
        ("https://photos.example.org/iiif/manifest", 3, "not_authorised", "was not asked"),
        ("https://[x/", 4, "bad_input", "That address names no site."),
        ("https://ann:secret@photos.example.org/", 4, "bad_input", "no number, user name or port"),
        ("https://10.0.0.1/", 4, "bad_input", "That address names no site."),
        ("https://localhost/", 4, "bad_input", "That address names no site."),
        ("ftp://photos.example.org/", 2, "usage_error", "Nothing is taken from ftp addresses."),
        ("s3://club-photos", 3, "not_authorised", "There are no credentials for s3://club-photos"),
        ("s3://key:secret@club", 2, "usage_error", "holds no user name"),
        ("~nosuchuser/photos", 4, "source_unreadable", "there is nothing there"),
        ("x" * 5000, 4, "source_unreadable", "file name too long"),
        ("mailto:ann@example.org", 4, "source_unreadable", "there is nothing there"),
        ("", 2, "usage_error", "Nothing was named."),
    ],
)
def test_what_cannot_be_added_ends_with_one_sentence_and_leaves_no_trace(
    untouched: Path, what: str, code: int, error: str, says: str
) -> None:
    ran = refused(what, code=code, error=error)
    assert says in ran.err and "secret" not in ran.err
    assert run("status", "--json").answer["sources"] == []


def test_the_report_has_one_line_for_each_item_and_agrees_with_the_counts(
    library: Path, tmp_path: Path
) -> None:
    archive = zip_of(tmp_path / "x.zip", x_files("own", "deleted", "retweet", "missing", "own"))
    for number, (outcome, count) in enumerate((("new", "new"), ("unchanged", "known"))):
        path = tmp_path / f"{number}.jsonl"
        answer = added(archive, "--report", path)
        lines = lines_of(path)
        outcomes = [line["outcome"] for line in lines]
        assert len({line["item"] for line in lines}) == len(lines)
        assert outcomes.count(outcome) == answer[count] == answer["found"] == 2
        skipped = [line for line in lines if line["outcome"] == "skipped"]
        assert len(skipped) == answer["skipped_count"] == sum(answer["skipped_for"].values())
        assert answer["skipped"] == [{k: s[k] for k in ("item", "reason")} for s in skipped]
        for line in lines:
            taken = line["outcome"] == outcome
            assert bool(line["reason"]) != taken
            # What is as it was is not read again.
            assert bool(line["sha256"]) == (line["outcome"] == "new")
            if taken:
                assert line["page_url"].startswith("https://twitter.com/some_one/status/")
                assert (line["link_confidence"], line["link_from"]) == ("exact", "export")
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_report_is_never_written_over_another_file_nor_left_empty(
    library: Path, tmp_path: Path
) -> None:
    folder = folder_of(tmp_path / "photos", {"a.jpg": jpeg(1)})
    kept, new = tmp_path / "kept.txt", tmp_path / "new.jsonl"
    kept.write_text("mine")
    said = refused(folder, "--report", kept, code=2, error="usage_error").err
    assert "There is a file kept.txt already." in said and kept.read_text() == "mine"
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    refused(folder, "--report", tmp_path / "link", code=2, error="usage_error")
    said = refused(folder, "--report", tmp_path / "no" / "r", code=2, error="usage_error").err
    assert "Make its folder first." in said
    refused(tmp_path / "none.zip", "--report", new, code=4, error="source_unreadable")
    refused("https://photos.example.org/", "--report", new, code=3, error="not_authorised")
    refused(folder, "--collection", "no", "--report", new, code=4, error="not_found")
    assert not new.exists() and not (tmp_path / "nowhere").exists()
    assert run("status", "--json").answer["photos"] == 0
    added(folder, "--report", new)
    assert len(lines_of(new)) == 1


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.slow
def test_ten_thousand_skipped_items_are_named_all_of_them_counted_and_reported(
    library: Path, tmp_path: Path
) -> None:
    archive = zip_of(tmp_path / "x.zip", x_files("own", messages=3_400))
    answer = added(archive, "--report", tmp_path / "all.jsonl")
    assert answer["skipped_count"] == sum(answer["skipped_for"].values()) == 10_200
    assert len(answer["skipped"]) == MOST_NAMED == 10_000
    assert len(lines_of(tmp_path / "all.jsonl")) == 10_201
    told = run("add", archive)
    assert told.err.count("\nSkipped ") == 20
    assert "... and 10,180 more (--report FILE names all)." in told.err
    assert "skipped 3,400: a message" in told.text

    # The disk has no room for the report, though the library could go on.
    largest = max(p.stat().st_size for p in library.parent.rglob("*") if p.is_file())
    words = ("add", archive, "--report", tmp_path / "full.jsonl")
    with no_file_larger_than(400_000):
        assert largest > 400_000, "the library's own files are not what the limit is about"
        full = run(*words)
    assert full.code == 6 and full.out == b""
    assert "The report full.jsonl cannot be written: " in full.err
    assert "What was added is kept." in full.err
    lines = lines_of(tmp_path / "full.jsonl")
    assert 100 < len(lines) < 10_201, "whole lines stay, and no half one"
    again = added(archive)
    assert (again["new"], again["known"], again["skipped_count"]) == (0, 1, 10_200)


def test_a_report_holds_whole_lines_as_soon_as_they_are_told_and_after_a_full_disk(
    tmp_path: Path,
) -> None:
    program = """
        import os, resource, sys
        from pathlib import Path
        from likeness.account import ItemOutcome
        from likeness.cli.item_report import written_items
        from likeness.errors import StorageError
        path = Path(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        written = 0
        try:
            with written_items(path) as write:
                for number in range(100):
                    write(ItemOutcome(item=f"{number}.jpg", outcome="skipped", reason="broken"))
                    written += 1
                    assert path.read_bytes().count(b"\\n") == written
        except StorageError as error:
            print(written, error)
    """
    path = tmp_path / "report.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    written = int(done.stdout.split()[0])
    assert 0 < written < 100 and "Make room on the disk" in done.stdout
    assert [line["item"] for line in lines_of(path)] == [f"{n}.jpg" for n in range(written)]


def test_names_from_outside_never_control_the_terminal(library: Path, tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "pho\x1b[2Jtos", {HOSTILE: b"no photo", f"b{HOSTILE}": jpeg(1)})
    files = x_files("own")
    archive = zip_of(
        tmp_path / "x.zip", {**files, f"data/direct_messages_media/{HOSTILE}": jpeg(2)}
    )
    for number, what in enumerate((folder, archive)):
        path = tmp_path / f"{number}.jsonl"
        plain, as_json = run("add", what, "--report", path), run("add", what, "--json")
        assert plain.code == as_json.code == 0
        assert not set(plain.text + plain.err) & CONTROLS
        assert "Skipped" in plain.err and "owned" in plain.err
        assert as_json.out.isascii() and not set(as_json.text) & CONTROLS
        assert path.read_bytes().isascii() and not set(path.read_text()) & CONTROLS
    for words in (("status",), ("source", "list"), ("add", f"{folder}/{HOSTILE}/no")):
        ran = run(*words)
        assert not set(ran.text + ran.err) & CONTROLS
