"""Exports of Venmo: recognised, and answered with what there is to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
from export_archives import SHAPES, Shape, tree_of
from exports_memory import MemoryTree
from exports_venmo import HEADER, statement, statements
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import BadInput
from likeness.sources.exports.venmo import FIRST_BYTES, FORMAT, is_statement


@given(statements)
def test_a_statement_is_recognised_alone_and_in_an_export(content: bytes) -> None:
    assert is_statement(content)
    assert is_statement(content[:FIRST_BYTES])
    assert FORMAT.recognises(MemoryTree(files={"VenmoStatement_May_2021.csv": content}))


@given(st.binary(max_size=300))
def test_other_bytes_are_no_statement(content: bytes) -> None:
    assert not is_statement(content)


@pytest.mark.parametrize(
    "content",
    [
        b"Account Statement - (@somebody)\r\nnothing else\r\n",
        b"Account Activity,,\r\nAccount Statement\r\n",
        b",ID,Datetime,Type,Note\r\n",
        ("x" * FIRST_BYTES + "\n" + HEADER).encode(),
    ],
)
def test_what_only_begins_like_one_is_no_statement(content: bytes) -> None:
    assert not is_statement(content)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_export_of_statements_is_answered_with_how_a_notice_works(
    shape: Shape, tmp_path: Path
) -> None:
    files = {"a/readme.txt": b"x", "a/VenmoStatement.csv": statement(), "a/b.csv": b"1,2"}
    tree = tree_of(tmp_path, files, shape)
    assert FORMAT.recognises(tree)
    assert FORMAT.account(tree) == ""
    with pytest.raises(BadInput, match="holds no photos") as raised:
        next(FORMAT.posts(tree))
    assert "notice" in raised.value.fix
    assert "somebody" not in str(raised.value)
    tree.close()


def test_few_files_are_looked_into() -> None:
    files = {f"{number:03}.csv": b"a,b\r\n" for number in range(300)}
    tree = MemoryTree(files=files)
    assert not FORMAT.recognises(tree)
    assert len(tree.read_names) == 50


def test_a_file_that_cannot_be_read_is_passed_over() -> None:
    files = {"a.csv": b"", "b.csv": statement()}
    assert FORMAT.recognises(MemoryTree(files=files, broken=frozenset({"a.csv"})))
