"""The demo: the story holds, what it prints can be typed, and it notices when something is off."""

from __future__ import annotations

import io
import os
import re
import shlex
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from command_lines import joined, parse
from rich.console import Console

from likeness.cli.main import main
from likeness.demo import photos, portraits, run, story
from likeness.errors import LibraryExists, UsageError

MOST_SECONDS = 60


@dataclass(frozen=True)
class Told:
    """A demo that was run: what it said, and the folder that it kept."""

    code: int
    text: str
    folder: Path

    @property
    def commands(self) -> list[list[str]]:
        """What it printed to type, in order."""
        lines = joined(self.text)
        return [shlex.split(line[2:]) for line in lines if line.startswith("$ ")]


def _tell(directory: Path | None, *, width: int = 80) -> tuple[int, str]:
    # As where there is no terminal: no colours, no movement.
    out = io.StringIO()
    code = run(Console(file=out, width=width, highlight=False), directory=directory)
    return code, out.getvalue()


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    folder = tmp_path_factory.mktemp("demo") / "kept"
    code, text = _tell(folder)
    return Told(code, text, folder)


def test_the_whole_story_holds_and_says_every_time(told: Told) -> None:
    assert told.code == 0, told.text
    assert "✗" not in told.text
    steps = re.findall(r"^ ?(\d+) [A-Z]", told.text, re.MULTILINE)
    assert steps == [str(number) for number in range(1, 10)]
    assert len(re.findall(r"^ +✓ +\d+\.\d s ", told.text, re.MULTILINE)) == 9
    total = re.search(r"All of it held, in (\d+\.\d) s", told.text)
    assert total is not None
    assert float(total.group(1)) < MOST_SECONDS


def test_nothing_it_says_is_wider_than_the_terminal_but_commands(told: Told) -> None:
    long = [line for line in told.text.splitlines() if len(line.rstrip()) > 80]
    assert [line for line in long if "--key likeness/" not in line] == []


def test_what_it_keeps_holds_nothing_of_her_but_photos(told: Told) -> None:
    assert sorted(path.name for path in told.folder.iterdir()) == [
        "keys",
        "library",
        "photos",
        "probes",
        "receipt.json",
        "references",
    ]
    for path in (told.folder / "library").rglob("*"):
        assert not path.is_file() or b"Collins" not in path.read_bytes(), path


def test_every_command_that_it_prints_is_one(told: Told) -> None:
    paths = [parse(words).path for words in told.commands if words[0] == "likeness"]
    assert paths == [
        "likeness init",
        "likeness collection create",
        "likeness add",
        "likeness enrol",
        "likeness search",
        "likeness search",
        "likeness withdraw",
        "likeness receipt verify",
        "likeness audit verify",
        "likeness search",
    ]
    assert [words for words in told.commands if words[0] != "likeness"] == [
        ["export", "LIKENESS_LIBRARY=library"]
    ]


def test_its_commands_do_what_it_shows_when_they_are_typed(
    told: Told,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    for name in ("references", "probes", "photos"):
        shutil.copytree(told.folder / name, tmp_path / name)
    # Some photos do, and keep the test short.
    for path in sorted((tmp_path / "photos").glob("photo-*.jpg"))[6:-2]:
        path.unlink()
    monkeypatch.chdir(tmp_path)
    codes, said = [], []
    for words in told.commands:
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("=", 1))
            continue
        if "--key" in words:
            # Every library has a key of its own; withdraw has just said which.
            named = re.search(r"--key '?(likeness/[^\s']+)", said[-1])
            assert named is not None, said[-1]
            words = [*words[: words.index("--key") + 1], named.group(1)]
        codes.append(main(words[1:]))
        said.append(capfd.readouterr().out)
    assert codes == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert "Eileen Collins" in said[4]
    assert "https://example.org/albums/portraits/" in said[4]
    assert said[5] == said[9] == "Nobody who consented matches.\n"


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """A story that goes wrong at its first search, told to a user with a master key of theirs."""
    around = tmp_path_factory.mktemp("broken")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(around))
        patch.setenv("LIKENESS_MASTER_KEY_FILE", str(around / "theirs.key"))
        patch.setattr(story, "make_photos", _with_probes_swapped)
        code, text = _tell(None)
        assert os.environ["LIKENESS_MASTER_KEY_FILE"] == str(around / "theirs.key")
    return Told(code, text, around)


def test_a_story_that_does_not_hold_is_told_as_such(broken: Told) -> None:
    assert broken.code == 5
    assert "✗" in broken.text
    assert "This should hold and does not: One person is found." in " ".join(broken.text.split())
    assert "All of it held" not in broken.text


def test_a_temporary_folder_is_gone_and_the_users_master_key_was_not_used(broken: Told) -> None:
    assert list(broken.folder.iterdir()) == []


def test_a_person_found_who_never_said_yes_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def two_of_collins(folder: Path) -> photos.DemoPhotos:
        made = _few(folder)
        return replace(made, probe_hopper=made.probe_collins)

    monkeypatch.setattr(story, "make_photos", two_of_collins)
    code, text = _tell(tmp_path / "kept")
    assert code == 5
    assert "This should hold and does not: Nobody is found." in " ".join(text.split())


def test_without_the_portraits_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(portraits, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=re.escape("pip install 'likeness[demo]'")):
        _tell(tmp_path / "kept")


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(LibraryExists):
        _tell(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_forty_photos_come_with_every_way_of_linking_back(told: Told) -> None:
    names = sorted(path.name for path in (told.folder / "photos").glob("*.jpg"))
    assert len(names) == 40
    listed = (told.folder / "photos" / "links.csv").read_text(encoding="utf-8")
    unlisted = [name for name in names if name not in listed]
    assert len(unlisted) == 6
    in_metadata = [
        name for name in unlisted if b"WebStatement" in (told.folder / "photos" / name).read_bytes()
    ]
    assert len(in_metadata) == 5


def _few(folder: Path) -> photos.DemoPhotos:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photos, "SHOTS", photos.SHOTS[:2])
        patch.setattr(photos, "GROUPS", 1)
        return photos.make_photos(folder)


def _with_probes_swapped(folder: Path) -> photos.DemoPhotos:
    made = _few(folder)
    return replace(made, probe_collins=made.probe_hopper, probe_hopper=made.probe_collins)
