"""The rows of links.csv: found by path, checked one by one, and cheap whatever the list holds."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.sources import link_list
from likeness.sources.link_list import LinkList, LinkListProblem, read_link_list

_PAGE = "https://example.org/page"
_part = st.text(
    alphabet=st.one_of(
        st.sampled_from("ab ,;\"'\n\r\t#%.é\u0301\u0065\u212b=+@"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\"),
    ),
    min_size=1,
    max_size=12,
).filter(lambda part: part.strip() not in ("", ".", "..") and not part.endswith(":"))
_paths = st.lists(_part, min_size=1, max_size=3).map("/".join)


def _csv(rows: Iterable[Iterable[str]], *, delimiter: str = ",") -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


def _read(raw: bytes) -> LinkList:
    links, problems = read_link_list(raw)
    assert links is not None
    assert problems == ()
    return links


def _reason(row: str, header: str = "path,page_url,media_url,taken_at,text") -> str:
    links, problems = read_link_list(f"{header}\n{row}\n".encode())
    assert links is not None
    assert len(links) == 0
    (problem,) = problems
    assert problem.line == 2
    return problem.reason


@given(paths=st.lists(_paths, min_size=1, max_size=8, unique=True), bom=st.booleans())
def test_each_photo_finds_its_own_row_whatever_its_name(paths: list[str], bom: bool) -> None:
    rows = [[path, f"https://example.org/{place}"] for place, path in enumerate(paths)]
    links = _read((b"\xef\xbb\xbf" if bom else b"") + _csv([["path", "page_url"], *rows]))
    for place, path in enumerate(paths):
        found = links.find(path)
        assert found is not None
        assert found.page_url == f"https://example.org/{place}"


@given(path=_paths, listed=st.lists(_paths, max_size=5))
def test_a_photo_that_no_row_names_finds_nothing(path: str, listed: list[str]) -> None:
    same = {unicodedata.normalize("NFC", each.strip()) for each in listed}
    links, _ = read_link_list(_csv([["path", "page_url"], *([each, _PAGE] for each in listed)]))
    assert links is not None
    if unicodedata.normalize("NFC", path) not in same:
        assert path in listed or links.find(path) is None


@given(raw=st.binary(max_size=300), header=st.sampled_from([b"", b"path,page_url\n"]))
def test_no_bytes_at_all_make_reading_fail(raw: bytes, header: bytes) -> None:
    links, problems = read_link_list(header + raw)
    assert links is not None or problems
    if links is not None:
        links.find("a.jpg")


def test_a_row_gives_page_image_date_and_words() -> None:
    header = "text,Taken_At,ignored,page_url,path,media_url"
    row = (
        '"Summer, ""by"" the sea",2024-05-01T10:00+02:00,x,https://e.org/p,a/b.jpg,https://e.org/m'
    )
    found = _read(f"{header}\r\n{row}\r\n".encode()).find("a/b.jpg")
    assert found is not None
    assert (found.page_url, found.media_url) == ("https://e.org/p", "https://e.org/m")
    assert found.taken_at == datetime(2024, 5, 1, 8, tzinfo=UTC)
    assert found.text == 'Summer, "by" the sea'


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_other_separators_and_line_ends_are_read(delimiter: str, line_end: str) -> None:
    rows = [["path", "page_url"], ["a.jpg", _PAGE], ["b.jpg", _PAGE]]
    raw = line_end.join(delimiter.join(row) for row in rows).encode()
    links = _read(raw)
    assert len(links) == 2
    assert links.find("b.jpg") is not None


@pytest.mark.parametrize("path", ["a\\b.jpg", "./a/b.jpg", "a//b.jpg", ".\\a\\b.jpg", " a/b.jpg "])
def test_a_path_may_be_written_in_the_ways_of_other_systems(path: str) -> None:
    assert _read(_csv([["path", "page_url"], [path, _PAGE]])).find("a/b.jpg") is not None


def test_a_name_with_a_backslash_is_not_taken_for_a_folder_and_a_name() -> None:
    links = _read(_csv([["path", "page_url"], ["a/b.jpg", _PAGE]]))
    assert links.find("a\\b.jpg") is None
    links = _read(_csv([["path", "page_url"], ["a\\b.jpg", _PAGE]]))
    assert links.find("a\\b.jpg") is not None


@pytest.mark.parametrize(("listed", "kept"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_name_composed_otherwise_is_found(listed: str, kept: str) -> None:
    name = "Zoë à Paris.jpg"
    links = _read(_csv([["path", "page_url"], [unicodedata.normalize(listed, name), _PAGE]]))
    assert links.find(unicodedata.normalize(kept, name)) is not None


def test_two_photos_whose_names_differ_in_composition_keep_their_own_rows() -> None:
    composed, apart = unicodedata.normalize("NFC", "é.jpg"), unicodedata.normalize("NFD", "é.jpg")
    rows = [["path", "page_url"], [apart, "https://e.org/1"], [composed, "https://e.org/2"]]
    links = _read(_csv(rows))
    found = [links.find(name) for name in (apart, composed)]
    assert [link.page_url if link else "" for link in found] == [
        "https://e.org/1",
        "https://e.org/2",
    ]


def test_of_rows_with_the_same_path_the_first_holds_and_the_others_are_told() -> None:
    raw = b"path,page_url\na.jpg,https://e.org/1\n./a.jpg,https://e.org/2\na.jpg,https://e.org/3\n"
    links, problems = read_link_list(raw)
    assert links is not None
    found = links.find("a.jpg")
    assert found is not None
    assert found.page_url == "https://e.org/1"
    assert [problem.line for problem in problems] == [3, 4]
    assert problems[0].reason == "names the same photo as line 2, which holds"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (f",{_PAGE}", "path is empty"),
        (f"/etc/a.jpg,{_PAGE}", "path is absolute"),
        (f"\\\\server\\a.jpg,{_PAGE}", "path is absolute"),
        (f"C:\\a.jpg,{_PAGE}", "path is absolute"),
        (f"../a.jpg,{_PAGE}", "path leaves the folder"),
        (f"a\\..\\..\\b.jpg,{_PAGE}", "path leaves the folder"),
        (f"./,{_PAGE}", "path is no path"),
        (f"a\0.jpg,{_PAGE}", "path is no path"),
        ("a" * 5000 + f",{_PAGE}", "path is no path"),
        ("a.jpg,", "page_url is empty"),
        ("a.jpg", "page_url is empty"),
        ("a.jpg,javascript:alert(1)", "page_url is not"),
        ("a.jpg,https://u:p@e.org/", "page_url is not"),
        (f"a.jpg,{_PAGE},file:///etc/passwd", "media_url is not"),
        (f"a.jpg,{_PAGE},,yesterday", "taken_at is not"),
        (f"a.jpg,{_PAGE},,,one,two", "more cells than columns"),
        (f'"a.jpg"x,{_PAGE}', "not a row of CSV"),
    ],
)
def test_a_row_that_cannot_be_used_is_told_with_its_line(row: str, words: str) -> None:
    assert _reason(row).startswith(words)


def test_a_reason_says_nothing_of_what_the_row_holds() -> None:
    assert "secret" not in _reason(
        "secret.jpg,https://secret:secret@secret.example/,,secret,secret"
    )


def test_a_row_that_is_not_utf8_is_told_and_the_others_are_read() -> None:
    raw = b"path,page_url\ncaf\xe9.jpg,https://e.org/1\nb.jpg,https://e.org/2\n"
    links, problems = read_link_list(raw)
    assert problems == (LinkListProblem(line=2, reason="not UTF-8"),)
    assert links is not None
    assert links.find("b.jpg") is not None


def test_lines_are_counted_as_an_editor_counts_them() -> None:
    raw = b'\n\npath,page_url\n"two\nlines.jpg",https://e.org/1\n\nbad.jpg,nowhere\n'
    links, problems = read_link_list(raw)
    assert links is not None
    assert links.find("two\nlines.jpg") is not None
    assert [problem.line for problem in problems] == [7]


def test_rows_after_a_broken_one_are_read_still() -> None:
    broken = b'"' + b"x" * 300_000 + b"\n"
    raw = b"path,page_url\n" + broken + b"b.jpg,https://e.org/2\n"
    links, problems = read_link_list(raw)
    assert [problem.line for problem in problems] == [2]
    assert links is not None
    assert links.find("b.jpg") is not None


def test_blank_rows_are_no_problem() -> None:
    assert len(_read(b"path,page_url\n\n,,,\na.jpg,https://e.org/1\n,\n\n")) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n\n",
        b"a.jpg,https://e.org/1\n",
        b"path,url\na.jpg,https://e.org/1\n",
        "path,page_url\n".encode("utf-16"),
        b'"path,page_url\n',
        b"," * 1_000_000,
    ],
)
def test_a_list_without_a_header_is_told_as_a_whole(raw: bytes) -> None:
    links, problems = read_link_list(raw)
    assert links is None
    (problem,) = problems
    assert problem.line == 0
    assert "path and page_url" in problem.reason


def test_a_hundred_problems_are_named_and_the_others_counted() -> None:
    links, problems = read_link_list(b"path,page_url\n" + b"a.jpg,nowhere\n" * 1_250)
    assert links is not None
    assert [problem.line for problem in problems] == [*range(2, 102), 0]
    assert problems[-1].reason == "1,150 more rows that cannot be used"


def test_a_list_of_too_many_rows_is_read_as_far_as_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_list, "MAX_LIST_ROWS", 3)
    rows = [[f"{number}.jpg", _PAGE] for number in range(5)]
    links, problems = read_link_list(_csv([["path", "page_url"], *rows]))
    assert links is not None
    assert [links.find(f"{number}.jpg") is not None for number in range(5)] == [True] * 3 + [
        False
    ] * 2
    assert [(problem.line, problem.reason[:11]) for problem in problems] == [(5, "more than 3")]


def test_a_list_of_too_many_bytes_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_list, "MAX_LIST_BYTES", 100)
    links, problems = read_link_list(b"path,page_url\n" + b"a.jpg,https://e.org/1\n" * 10)
    assert links is None
    assert [problem.line for problem in problems] == [0]


def test_a_row_of_millions_of_cells_is_not_taken_apart() -> None:
    raw = b"path,page_url\n" + b"a," * 4_000_000 + b"\nb.jpg,https://e.org/2\n"
    links, problems = read_link_list(raw)
    assert links is not None
    assert [(problem.line, problem.reason[:16]) for problem in problems] == [
        (2, "not a row of CSV")
    ]
    assert links.find("b.jpg") is not None
