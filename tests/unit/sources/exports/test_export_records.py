"""Records of exports: JSON of any length item by item, CSV, and what is damaged or hostile."""

from __future__ import annotations

import json
import tempfile
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from export_archives import folder_of, tree_of
from exports_made import misread
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.sources.base import SkippedEntry
from likeness.sources.exports.folder_tree import FolderTree
from likeness.sources.exports.records import (
    JsonItem,
    at,
    csv_rows,
    item_of_path,
    json_items,
    list_at,
    moment_at,
    read_json,
    repaired,
    text_at,
)

_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=12,
)


def _items(place: Path, content: bytes, *, assigned: bool = False) -> list[Any]:
    tree = FolderTree(folder_of(place, {"a.json": content}))
    member = tree.find("a.json")
    assert member is not None
    return list(json_items(tree, member, assigned=assigned))


def _reason(told: list[Any]) -> str:
    assert isinstance(told[-1], SkippedEntry)
    assert told[-1].item == "a.json"
    assert not any(isinstance(each, SkippedEntry) for each in told[:-1])
    return told[-1].reason.removeprefix("record not read: ")


@settings(max_examples=100, deadline=None)
@given(
    value=st.lists(_values, max_size=6), indent=st.sampled_from([None, 0, 4]), ascii=st.booleans()
)
def test_a_list_is_told_element_by_element(
    value: list[Any], indent: int | None, ascii: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii)
    # Half of a pair has no UTF-8 of its own.
    content = text.encode("utf-8", "surrogatepass" if ascii else "replace")
    with tempfile.TemporaryDirectory() as place:
        told = _items(Path(place), b"x.y = " + content + b";\n", assigned=True)
    assert [each.value for each in told] == json.loads(content)


@settings(max_examples=100, deadline=None)
@given(value=st.dictionaries(st.text(), _values, max_size=5))
def test_an_object_is_told_by_its_keys_and_their_lists_by_element(value: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as place:
        told = _items(Path(place), b"\xef\xbb\xbf" + json.dumps(value).encode())
    expected = []
    for key, each in value.items():
        values = each if isinstance(each, list) else [each]
        expected += [JsonItem(key=key, value=item) for item in values]
    assert told == expected


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 600_000), numbers=st.booleans())
def test_a_file_cut_short_anywhere_is_told_behind_what_was_whole(cut: int, numbers: bool) -> None:
    value = [-1.5e-10, 7] * 30_000 if numbers else [{"a": 'x]},\\"{[' * 9, "b": [1, {}]}] * 9_000
    content = json.dumps(value).encode()
    with tempfile.TemporaryDirectory() as place:
        told = _items(Path(place), content[: min(cut, len(content) - 1)])
    assert _reason(told) in ("cut short", "damaged or cut short", "damaged")
    assert [each.value for each in told[:-2]] == value[: max(0, len(told) - 2)]


def test_items_across_what_is_read_at_once_are_whole(tmp_path: Path) -> None:
    value = [{"n": number, "t": "\u00e9" * (number % 3_000)} for number in range(2_000)]
    told = _items(tmp_path, json.dumps(value, ensure_ascii=False).encode())
    assert [each.value for each in told] == value


@pytest.mark.parametrize("behind", range(8))
def test_a_number_across_what_is_read_at_once_is_whole(tmp_path: Path, behind: int) -> None:
    start = b"[" + b" " * (256 * 1024 - 1 - behind)
    told = _items(tmp_path, start + b"-1.5e-10, 7]")
    assert [each.value for each in told] == [-1.5e-10, 7]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cut short"),
        (b"   ", "cut short"),
        (b"7", "damaged"),
        (b'"words"', "damaged"),
        (b"<html>", "damaged"),
        (b"[1 2]", "damaged"),
        (b"[1,]", "damaged or cut short"),
        (b'{"a" 1}', "damaged"),
        (b"{1: 2}", "damaged"),
        (b"[" + b"9" * 5_000 + b", 1]", "damaged or cut short"),
        (b"[" * 100_000, "nested too deep"),
        (b'[{"a":' * 50_000, "nested too deep"),
        (b'["' + b"x" * 9_000_000 + b'"]', "an item is damaged or too long"),
    ],
)
def test_what_is_no_record_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    assert _reason(_items(tmp_path, content)) == reason


def test_a_script_without_an_equals_sign_is_told(tmp_path: Path) -> None:
    assert _reason(_items(tmp_path / "a", b"[1]", assigned=True)) == "not such a script"
    late = b"x" * 5_000 + b" = [1]"
    assert _reason(_items(tmp_path / "b", late, assigned=True)) == "not such a script"


def test_bytes_that_are_no_text_do_not_stop_the_rest(tmp_path: Path) -> None:
    told = _items(tmp_path, b'["\xff\xe9", 2]')
    assert [each.value for each in told] == ["\ufffd\ufffd", 2]


def test_a_long_file_is_read_in_little_memory(tmp_path: Path) -> None:
    item = json.dumps({"text": "words " * 40, "list": [1, 2, 3]}).encode()
    content = b"[" + b",\n".join([item] * 30_000) + b"]"
    tree = FolderTree(folder_of(tmp_path, {"a.json": content}))
    member = tree.find("a.json")
    assert member is not None
    tracemalloc.start()
    try:
        told = sum(1 for _ in json_items(tree, member))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (told, len(content) > 7_500_000) == (30_000, True)
    assert most < 2_500_000


def test_a_small_file_is_read_whole_or_told(tmp_path: Path) -> None:
    files = {"a.json": b'{"a": [1]}', "b.js": b"x = [2];", "c.json": b"[", "d.json": b"[" * 90_000}
    tree = tree_of(tmp_path, files, "zip")
    told = {}
    for name in files:
        member = tree.find(name)
        assert member is not None
        told[name] = read_json(tree, member, assigned=name.endswith(".js"))
    assert told["a.json"] == JsonItem(key="", value={"a": [1]})
    assert told["b.js"] == JsonItem(key="", value=[2])
    assert told["c.json"] == SkippedEntry(item="c.json", reason="record not read: damaged")
    assert told["d.json"] == SkippedEntry(item="d.json", reason="record not read: nested too deep")
    member = tree.find("a.json")
    assert member is not None
    told["a.json"] = read_json(tree, member, max_bytes=9)
    assert told["a.json"] == SkippedEntry(item="a.json", reason="record not read: too large")


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b'\xef\xbb\xbfDate,Link\r\n"a, ""b""\nc",d\r\n', [["Date", "Link"], ['a, "b"\nc', "d"]]),
        ("é,\u4e8c\n".encode(), [["é", "\u4e8c"]]),
        (b"\xe9,1\n", [["\ufffd", "1"]]),
        (b"a\0b,1\n", [["ab", "1"]]),
        (b"", []),
    ],
)
def test_rows_are_read_as_they_are(tmp_path: Path, content: bytes, rows: list[list[str]]) -> None:
    tree = tree_of(tmp_path, {"a.csv": content}, "zip")
    member = tree.find("a.csv")
    assert member is not None
    assert list(csv_rows(tree, member)) == rows


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a\n" + b"x" * 2_000_000, "a line is too long"),
        (b'a\n"' + b"x\n" * 100_000, "damaged"),
    ],
)
def test_rows_without_end_are_told(tmp_path: Path, content: bytes, reason: str) -> None:
    tree = FolderTree(folder_of(tmp_path, {"a.csv": content}))
    member = tree.find("a.csv")
    assert member is not None
    first, told = csv_rows(tree, member)
    assert first == ["a"]
    assert told == SkippedEntry(item="a.csv", reason=f"record not read: {reason}")


@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_text_that_was_misread_is_repaired(text: str) -> None:
    assert repaired(misread(text)) == text


@pytest.mark.parametrize("text", ["é", "Zoë \u2019", "\u4e8c", "\ud800", ""])
def test_text_that_was_not_misread_stays(text: str) -> None:
    assert repaired(text) == text


def test_values_are_found_by_their_path_whatever_is_there() -> None:
    value = {"a": [{"b": 7}, "x"], "c": True, "d": 1.5}
    assert at(value, "a", 0, "b") == 7
    assert text_at(value, "a", 0, "b") == "7"
    assert text_at(value, "a", 1) == "x"
    for path in (("a", 2), ("a", -1), ("a", "b"), ("c", "x"), (0,), ("a", 0, "b", "c")):
        assert at(value, *path) is None
        assert (text_at(value, *path), list_at(value, *path)) == ("", [])
    assert (text_at(value, "c"), text_at(value, "d"), list_at(value, "c")) == ("", "", [])
    assert text_at(10**5_000) == ""


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (1_500_000_000, datetime(2017, 7, 14, 2, 40, tzinfo=UTC)),
        ("1500000000", datetime(2017, 7, 14, 2, 40, tzinfo=UTC)),
        (-86_400, datetime(1969, 12, 31, tzinfo=UTC)),
        (0, None),
        (10**18, None),
        (10**400, None),
        (float("nan"), None),
        (float("inf"), None),
        (True, None),
        ("x", None),
        (None, None),
        ([], None),
    ],
)
def test_moments_are_in_utc_or_none(seconds: Any, moment: datetime | None) -> None:
    assert moment_at({"at": seconds}, "at") == moment


@given(path=st.text())
def test_any_path_that_records_state_can_be_told(path: str) -> None:
    item_of_path(path).encode("utf-8")
    item_of_path(path + "\ud800\udce9").encode("utf-8")
