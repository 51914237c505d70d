"""What is written about the command line is what the command line does, and it starts quickly."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli_runs import run
from json_shapes import SCHEMAS, faults, schema_of
from PIL import Image

from likeness.bench import whole
from likeness.cli.reference import command_names, reference

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_is_what_the_commands_say_of_themselves() -> None:
    written = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert written == reference(), (
        "Write it anew: python -m likeness.cli.reference > docs/reference/cli.md"
    )


def test_the_reference_has_every_command_and_every_option_says_what_it_is() -> None:
    text = reference()
    for name in command_names():
        assert f"\n## {name.replace('.', ' ')}\n" in text
    assert "` |  |" not in text


def test_the_commands_that_other_programs_rely_on_are_there() -> None:
    pinned = (
        "init collection.create add enrol consent.show consent.renew consent.narrow review people "
        "show search unlink withdraw export-person remove receipt.verify audit.verify "
        "audit.checkpoint status doctor demo"
    )
    assert set(pinned.split()) <= set(command_names())


def test_no_option_reaches_past_a_consent() -> None:
    text = reference().lower()
    for word in ("force", "bypass", "override", "all-people", "ignore", "--yes-to", "unsafe"):
        assert word not in text


@pytest.mark.parametrize("name", sorted(path.stem for path in SCHEMAS.glob("*.json")))
def test_a_schema_names_what_it_is_for_and_refuses_another_answer(name: str) -> None:
    schema = schema_of(name)
    assert schema["title"] == schema["properties"]["schema"]["const"] == f"likeness.{name}/1"
    text = (SCHEMAS / f"{name}.json").read_text(encoding="utf-8")
    assert text == json.dumps(schema, indent=2) + "\n"
    assert faults({"schema": "likeness.other/1", "surplus": 1}, schema)


def test_a_value_that_its_schema_does_not_allow_is_told_where() -> None:
    schema = schema_of("rescan")
    good = {"schema": "likeness.rescan/1", "photos": 1, "linked": 0, "proposed": 0}
    assert faults(good, schema) == []
    assert faults({**good, "linked": -1}, schema) == ["$.linked: -1 is below 0"]
    assert faults({**good, "linked": "1"}, schema) == ["$.linked: '1' is not ['integer']"]
    assert faults({**good, "linked": True}, schema) == ["$.linked: True is not ['integer']"]
    assert faults({**good, "more": 1}, schema) == [
        "$: has more, which the schema does not describe"
    ]
    del good["photos"]
    assert faults(good, schema) == ["$: lacks photos"]


def _loaded_after(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules, sep='\\n')"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_help_starts_quickly_and_loads_no_engine() -> None:
    heavy = {"numpy", "onnx", "onnxruntime", "faiss", "sqlalchemy", "alembic", "PIL", "pysqlite3"}
    loaded = _loaded_after("from likeness.cli.main import main\nmain(['--help'])")
    assert not loaded & heavy
    seconds = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "likeness.cli.main", "--help"], check=True, capture_output=True
        )
        seconds.append(time.monotonic() - began)
    assert min(seconds) < 0.5, seconds


def test_verifying_a_receipt_needs_neither_a_library_nor_its_engines(tmp_path: Path) -> None:
    (tmp_path / "receipt.json").write_text("{}")
    loaded = _loaded_after(
        "from likeness.cli.main import main\n"
        f"assert main(['receipt', 'verify', {str(tmp_path / 'receipt.json')!r}]) == 4"
    )
    assert not loaded & {"numpy", "onnxruntime", "faiss", "sqlalchemy", "PIL", "pysqlite3"}


@pytest.fixture
def one_photo(tmp_path: Path, portraits: Any, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(whole, "FACES_A_PHOTO", (1, 2))
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(portraits.collins[20:320, 100:340]).save(photos / "one.png")
    return photos


@pytest.mark.parametrize(
    ("command", "says"), [("faces", "ms a template"), ("ingest", "of the bare models")]
)
def test_measuring_photos_gives_one_object(one_photo: Path, command: str, says: str) -> None:
    words = ("bench", command, "--photos", one_photo, "--repeats", "1")
    ran = run(*words, "--json")
    assert ran.code == 0 and faults(ran.answer, schema_of(f"bench.{command}")) == []
    assert says in run(*words).text
    assert run("bench", command, "--photos", one_photo / "none").code == 4


def test_measuring_a_gallery_gives_one_object() -> None:
    words = ("bench", "gallery", "--references", "200", "--pairs", "20", "--repeats", "1")
    ran = run(*words, "--json")
    assert ran.code == 0 and faults(ran.answer, schema_of("bench.gallery")) == []
    assert "0 of 20" in run(*words).text
