"""The documents are true: commands parse, links lead somewhere, and one guide runs for real."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest
import typer
from command_lines import joined, parse

from likeness.demo.photos import make_photos

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
RUN_FOR_REAL = DOCS / "guides" / "first-library.md"

_BLOCK = re.compile(r"^```(\w+)(?: exit=(\d))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`(likeness [^`]+)`")
_IN_A_SHELL = frozenset({">", "|", "&&"})


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, how its last command exits, and its text."""

    language: str
    code: int
    text: str


def _blocks(page: Path) -> list[Block]:
    found = _BLOCK.findall(page.read_text(encoding="utf-8"))
    return [Block(language, int(code or 0), text) for language, code, text in found]


def _commands(page: Path) -> Iterator[list[str]]:
    for block in _blocks(page):
        if block.language == "sh":
            for line in joined(block.text):
                words = shlex.split(line, comments=True)
                end = next((i for i, word in enumerate(words) if word in _IN_A_SHELL), None)
                if words[:1] == ["likeness"]:
                    yield words[:end]


def _named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_command_shown_is_one(page: Path) -> None:
    wrong = []
    for words in _commands(page):
        try:
            parse(words)
        except typer.TyperException as error:
            wrong.append(f"{shlex.join(words)}: {error.format_message()}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_command_named_in_a_sentence_has_a_name_and_options_that_exist(page: Path) -> None:
    wrong = []
    for text in _INLINE.findall(page.read_text(encoding="utf-8")):
        words = shlex.split(text)
        if "..." in text or words[1].isupper():
            continue
        try:
            parse(words)
        except typer.TyperException as error:
            # In a sentence a command may stand without what it needs; it has to exist all the same.
            if "Missing" not in error.format_message():
                wrong.append(f"{text}: {error.format_message()}")
        except AssertionError:
            # A group of commands, such as `likeness receipt`.
            continue
    assert not wrong, "\n".join(wrong)


def test_the_pages_that_matter_most_show_commands() -> None:
    for page in (ROOT / "README.md", RUN_FOR_REAL):
        assert len(list(_commands(page))) >= 6, page


@pytest.mark.parametrize(
    "words", [["likeness", "search", "x.jpg", "--faec", "1"], ["likeness", "serach", "x.jpg"]]
)
def test_a_slip_in_a_command_would_be_noticed(words: list[str]) -> None:
    with pytest.raises(typer.TyperException):
        parse(words)


@pytest.mark.parametrize("page", PAGES, ids=_named)
def test_every_link_leads_to_a_file(page: Path) -> None:
    wrong = []
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        place, _, heading = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = page.parent / unquote(place) if place else page
        if not target.exists() or (heading and heading not in _headings(target)):
            wrong.append(link)
    assert not wrong, f"{_named(page)}: {wrong}"


def _headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize(
    ("index", "below"), [(DOCS / "README.md", DOCS), (DOCS / "decisions" / "README.md", None)]
)
def test_every_page_is_in_its_index(index: Path, below: Path | None) -> None:
    linked = {(index.parent / link).resolve() for link in _LINK.findall(index.read_text("utf-8"))}
    pages = set((below or index.parent).rglob("*.md")) - {index}
    if below:
        pages = {page for page in pages if page.parent.name != "decisions"}
    assert pages <= linked, sorted(_named(page) for page in pages - linked)


def test_the_readme_names_a_test_for_each_of_the_thirteen_promises() -> None:
    rows = re.findall(
        r"^\| (\d+) \|.*\]\((tests/\S+)\) \|$",
        (ROOT / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    assert [int(number) for number, _ in rows] == list(range(1, 14))
    assert [path for _, path in rows if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("drawing", sorted((DOCS / "images").glob("*.svg")), ids=_named)
def test_every_drawing_has_words_for_who_cannot_see_it_and_reaches_out_to_nothing(
    drawing: Path,
) -> None:
    text = drawing.read_text(encoding="utf-8")
    assert "<title" in text
    assert "<desc" in text
    assert not re.findall(r"<script|href|url\((?!#)|@import", text)


@pytest.fixture
def prepared_home(tmp_path: Path) -> Path:
    """A home with the folders that the guide speaks of, filled with the photos of the demo."""
    made = tmp_path / "made"
    made.mkdir()
    photos = make_photos(made)
    pictures = tmp_path / "home" / "Pictures"
    pictures.mkdir(parents=True)
    for item, _ in photos.shows[8:-4]:
        (made / "photos" / item).unlink()
    (made / "photos").rename(pictures / "party")
    (made / "references").rename(pictures / "ann")
    shutil.copy(made / photos.probe_collins, pictures / "unknown.jpg")
    shutil.copy(made / photos.probe_hopper, pictures / "neighbour.jpg")
    return tmp_path / "home"


def test_the_first_guide_runs_as_it_is_written(prepared_home: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(prepared_home),
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
    }
    said = ""
    for block in _blocks(RUN_FOR_REAL):
        if block.language == "text":
            _require_said(block.text, said)
            continue
        assert block.language == "sh"
        # What one block exports holds in the next, as in one terminal.
        script = f"set -eu\n{block.text}\n"
        if "LIKENESS_LIBRARY=" in block.text:
            environment["LIKENESS_LIBRARY"] = str(prepared_home / "photos.likeness")
        ran = subprocess.run(
            ["bash", "-c", script],
            cwd=prepared_home,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == block.code, f"{block.text}\n{ran.stdout}\n{ran.stderr}"
        said = ran.stdout


def _require_said(shown: str, said: str) -> None:
    for line in shown.splitlines():
        # An ellipsis stands for what differs from run to run.
        pattern = "".join(f"[{c}]" if c in "[]*?" else c for c in line).replace("…", "*")
        assert fnmatch.filter(said.splitlines(), pattern), f"{line!r} is not in:\n{said}"
