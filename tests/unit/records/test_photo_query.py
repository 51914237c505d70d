"""Filters over photos: what can be typed, what cannot, and that nothing is lost on the way."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import LikenessError, UsageError
from likeness.records.photo_query import (
    AtLeast,
    FromSource,
    HasText,
    InCollection,
    Only,
    PartOfTime,
    PhotoQuery,
    Taken,
    Term,
    Together,
    With,
    Without,
    parse,
    people_of,
    write,
)

values = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs",)), min_size=1, max_size=12
).filter(lambda text: bool(text.strip()))
names = st.lists(values, min_size=1, max_size=4, unique=True).map(tuple)


@st.composite
def parts_of_time(draw: st.DrawFn) -> PartOfTime:
    day = draw(st.dates(min_value=date(1, 1, 1)))
    length = draw(st.integers(1, 3))
    return PartOfTime(
        year=day.year,
        month=day.month if length > 1 else None,
        day=day.day if length > 2 else None,
    )


@st.composite
def spans(draw: st.DrawFn) -> Taken:
    one, other = sorted((draw(parts_of_time()), draw(parts_of_time())), key=lambda p: p.first)
    if one.first > other.last:
        one = other
    begin, end = draw(st.sampled_from([(one, other), (one, None), (None, other), (one, one)]))
    return Taken(begin=begin, end=end)


@st.composite
def at_least(draw: st.DrawFn) -> AtLeast:
    people = draw(names)
    return AtLeast(count=draw(st.integers(1, len(people))), people=people)


terms: st.SearchStrategy[Term] = st.one_of(
    *(names.map(lambda people, kind=kind: kind(people=people)) for kind in (With, Together)),
    *(names.map(lambda people, kind=kind: kind(people=people)) for kind in (Without, Only)),
    at_least(),
    spans(),
    names.map(lambda some: FromSource(sources=some)),
    names.map(lambda some: InCollection(collections=some)),
    values.map(lambda text: HasText(text=text)),
)
queries = st.lists(terms, max_size=6).map(lambda some: PhotoQuery(terms=tuple(some)))


@given(queries)
def test_what_is_written_reads_the_same(query: PhotoQuery) -> None:
    assert parse(write(query)) == query


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        query = parse(text)
    except UsageError as error:
        assert "letter" in error.what
    else:
        assert parse(write(query)) == query


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("  with:Anna  ", (With(people=("Anna",)),)),
        ("with:Anna,Ben", (With(people=("Anna", "Ben")),)),
        ("with:Anna,Anna", (With(people=("Anna",)),)),
        ('with:"Smith, Anna",Ben', (With(people=("Smith, Anna", "Ben")),)),
        (r'text:"say \"cheese\" \\o/"', (HasText(text='say "cheese" \\o/'),)),
        (
            "together:Anna,Ben without:Carl",
            (Together(people=("Anna", "Ben")), Without(people=("Carl",))),
        ),
        ("only:Anna,Ben", (Only(people=("Anna", "Ben")),)),
        ("atleast:2:Anna,Ben,Carl", (AtLeast(count=2, people=("Anna", "Ben", "Carl")),)),
        ("date:2024", (Taken(begin=PartOfTime(year=2024), end=PartOfTime(year=2024)),)),
        (
            "date:2024-05..2024-07-01",
            (
                Taken(
                    begin=PartOfTime(year=2024, month=5),
                    end=PartOfTime(year=2024, month=7, day=1),
                ),
            ),
        ),
        ("date:..2024", (Taken(begin=None, end=PartOfTime(year=2024)),)),
        (
            "source:s_abc collection:party",
            (FromSource(sources=("s_abc",)), InCollection(collections=("party",))),
        ),
    ],
)
def test_each_filter_reads_as_documented(text: str, expected: tuple[Term, ...]) -> None:
    assert parse(text).terms == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Anna", "at letter 1"),
        ("with:Anna Ben", "at letter 11"),
        ("with:Anna who:Ben", "'who', at letter 11"),
        ("with:", "letter 6"),
        ("with:Anna,", "letter 11"),
        ("with:Anna, Ben", "letter 11"),
        ('with:"Anna', "quote at letter 6"),
        ('with:" "', "quotes at letter 6"),
        ('with:An"na"', "letter 8"),
        ('with:"Anna"Ben', "letter 12"),
        ("text:a:b", "letter 7"),
        ("text:a,b", "letter 6"),
        ("atleast:Anna,Ben", "atleast: at letter 9"),
        ("atleast:0:Anna", "atleast: at letter 9"),
        ("atleast:3:Anna,Ben", "asks for 3 of 2"),
        ("date:soon", "date: at letter 6"),
        ("date:2024-13", "date: at letter 6"),
        ("date:2023-02-29", "date: at letter 6"),
        ("date:0000", "date: at letter 6"),
        ("date:..", "date: at letter 6"),
        ("date:2024..2023", "ends before it begins"),
        ("date:2024,2025", "several"),
        ("text:" + "a" * 2_001, "longer than 2,000 letters"),
        ("with:A " * 41, "more than 40 terms"),
    ],
)
def test_what_is_off_is_named_with_its_place(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert says in caught.value.what
    assert caught.value.fix


def test_every_example_of_the_reference_is_a_query() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "reference" / "photo-queries.md"
    examples = re.findall(r"^\| `(\w+:[^`]+)` \|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(examples) >= 19
    for example in examples:
        assert write(parse(example)) == example
    kinds = {type(term) for example in examples for term in parse(example).terms}
    assert kinds == set(get_args(Term)), "a kind of term has no example"


def test_no_message_repeats_what_may_be_a_name() -> None:
    for text in ("Zaphod", "with:Zaphod Zaphod", 'with:"Zaphod', "with:Zaphod,,", "text:Zaphod:"):
        with pytest.raises(LikenessError) as caught:
            parse(text)
        assert "Zaphod" not in str(caught.value)


def test_everybody_whom_a_query_names_is_told() -> None:
    query = parse("with:Anna without:Ben atleast:1:Carl text:Dora date:2024")
    assert people_of(query) == {"Anna", "Ben", "Carl"}


@pytest.mark.parametrize(
    ("part", "first", "last"),
    [
        (PartOfTime(year=2024), date(2024, 1, 1), date(2024, 12, 31)),
        (PartOfTime(year=2024, month=2), date(2024, 2, 1), date(2024, 2, 29)),
        (PartOfTime(year=9999, month=12), date(9999, 12, 1), date(9999, 12, 31)),
        (PartOfTime(year=2024, month=2, day=3), date(2024, 2, 3), date(2024, 2, 3)),
    ],
)
def test_a_part_of_time_has_a_first_and_a_last_day(
    part: PartOfTime, first: date, last: date
) -> None:
    assert (part.first, part.last) == (first, last)
