"""What the command line writes cannot control a terminal, and says how far work has come."""

from __future__ import annotations

import io
import json
import unicodedata
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.cli import progress as cli_progress
from likeness.cli.call import write_json
from likeness.cli.screen import counted, say, table, visible
from likeness.house import Progress

HOSTILE = "Ann\x1b]0;pwned\x07\x1b[2J\r\n\x9b31m\u202egpj.exe\u2066\udce9\u2028\U000e0041"


@given(st.text())
def test_no_character_that_is_shown_can_control_a_terminal(text: str) -> None:
    assert all(
        unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        for letter in visible(text)
        if letter not in "\u200c\u200d"
    )


@given(st.text(alphabet=st.characters(categories=["L", "M", "N", "P", "S"])))
def test_text_in_any_script_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


def test_an_emoji_family_and_persian_keep_the_joiners_they_are_spelled_with() -> None:
    for text in ("\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e"):
        assert visible(text) == text


def test_what_is_hidden_is_written_as_an_escape() -> None:
    assert visible("a\x1b[2Jb\u202ec") == r"a\x1b[2Jb\u202ec"


def test_a_hostile_name_controls_neither_lines_nor_tables_nor_objects(
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(HOSTILE)
    table(("name", "#n"), [(HOSTILE, 1), ("[bold]Bob[/bold] :smile:", 2)])
    write_json("people", {"people": [HOSTILE]})
    written = capsys.readouterr().out
    assert not set(written) & set("\x1b\x07\r\x9b\u202e\u2066\udce9\u2028\U000e0041")
    assert "[bold]Bob[/bold] :smile:" in written
    assert json.loads(written.splitlines()[-1])["people"] == [HOSTILE]


def test_a_table_into_a_file_keeps_each_row_on_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    address = "https://example.org/" + "x" * 500
    table(("page", "n"), [(address, 1)])
    assert any(address in line for line in capsys.readouterr().out.splitlines())


def test_numbers_come_with_their_noun() -> None:
    assert counted(1, "photo") == "1 photo"
    assert counted(2104, "photo") == "2,104 photos"
    assert counted(0, "entry", "entries") == "0 entries"


def _lines(seconds: Iterator[float]) -> tuple[cli_progress._Lines, io.StringIO]:
    out = io.StringIO()
    return cli_progress._Lines(out, lambda: next(seconds)), out


def test_where_there_is_no_terminal_a_line_says_rate_and_time_left() -> None:
    lines, out = _lines(iter([0.0, 0.0, 2.0, 10.0, 11.0]))
    for done in (0, 20, 100, 110):
        lines(Progress(phase="photos", done=done, total=400))
    assert out.getvalue() == "Reading photos: 100 of 400, 10.0/s, 30 s left\n"


def test_work_that_ends_soon_writes_no_line_of_progress() -> None:
    lines, out = _lines(iter([0.0, 0.0, 1.0, 4.9]))
    for done in (0, 5, 10):
        lines(Progress(phase="rescan", done=done, total=None))
    assert out.getvalue() == ""


def test_each_phase_has_a_rate_of_its_own() -> None:
    lines, out = _lines(iter([0.0, 0.0, 100.0, 106.0]))
    lines(Progress(phase="photos", done=0, total=10))
    lines(Progress(phase="rescan", done=0, total=None))
    lines(Progress(phase="rescan", done=60, total=None))
    assert out.getvalue() == "Comparing photos held: 60, 10.0/s\n"
