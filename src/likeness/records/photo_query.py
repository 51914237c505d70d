"""Filters over photos, as they are typed: ``with:Anna date:2024-05..2024-07 text:"garden party"``.

A query is terms separated by spaces, which all have to hold. A term is a word, a colon and its
values; values are separated by commas and quoted where they hold spaces, commas or quotes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from likeness.errors import UsageError

LONGEST = 2_000
"""A query has at most as many letters."""

MOST_TERMS = 40
_PLAIN = re.compile(r'[^\s",:\\]+')
_WORD = re.compile(r"[^\s:]+")
_SPACE = re.compile(r"\s+")
_COUNT = re.compile(r"[1-9][0-9]{0,3}")
_DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?(?:-([0-9]{2}))?")


@dataclass(frozen=True, kw_only=True)
class PartOfTime:
    """A year, a month of it, or a day.

    Attributes
    ----------
    year : int
    month, day : int or None
        None for all of them.
    """

    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        month = "" if self.month is None else f"-{self.month:02}"
        return f"{self.year:04}{month}" + ("" if self.day is None else f"-{self.day:02}")

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month or 1, self.day or 1)

    @property
    def last(self) -> date:
        """Its last day."""
        if self.day is not None:
            return self.first
        if self.month is None or self.month == 12:
            return date(self.year, 12, 31)
        return date(self.year, self.month + 1, 1) - timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class With:
    """Any of these people is in the photo."""

    people: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Together:
    """All of these people are in the photo."""

    people: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Without:
    """None of these people is in the photo."""

    people: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Only:
    """There are faces in the photo, and each is linked with one of these people."""

    people: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class AtLeast:
    """As many of these people, or more, are in the photo."""

    count: int
    people: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Taken:
    """Taken within these days, both included, where it was taken; None is open.

    Attributes
    ----------
    begin, end : PartOfTime or None
        Not both None.
    """

    begin: PartOfTime | None
    end: PartOfTime | None


@dataclass(frozen=True, kw_only=True)
class FromSource:
    """From any of these sources, by id."""

    sources: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class InCollection:
    """In any of these collections, by name."""

    collections: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class HasText:
    """These words stand with the photo, or in the name of its file."""

    text: str


PeopleTerm = With | Together | Without | Only | AtLeast
Term = PeopleTerm | Taken | FromSource | InCollection | HasText


@dataclass(frozen=True, kw_only=True)
class PhotoQuery:
    """What photos have to be like: every term holds.

    Attributes
    ----------
    terms : tuple of Term
        None for every photo.
    """

    terms: tuple[Term, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Values:
    """What stands behind the colon of a term, and where."""

    word: str
    values: tuple[str, ...]
    count: str
    at: int

    def wrong(self, why: str, fix: str) -> UsageError:
        """The error for these values."""
        return UsageError(f"{self.word}: at letter {self.at} {why}.", fix)


def parse(text: str) -> PhotoQuery:
    """Read a query.

    Raises
    ------
    UsageError
        Naming the word that is off and where it stands, counted in letters from 1.

    Examples
    --------
    >>> parse("with:Anna,Ben date:2024").terms[0]
    With(people=('Anna', 'Ben'))
    """
    if len(text) > LONGEST:
        raise UsageError(f"The query is longer than {LONGEST:,} letters.", "Shorten it.")
    terms = tuple(_term(values) for values in _split(text))
    if len(terms) > MOST_TERMS:
        raise UsageError(f"The query has more than {MOST_TERMS} terms.", "Leave some out.")
    return PhotoQuery(terms=terms)


def write(query: PhotoQuery) -> str:
    """The text of a query: :func:`parse` makes the same query of it.

    Examples
    --------
    >>> write(PhotoQuery(terms=(HasText(text="garden party"), Only(people=("Anna",)))))
    'text:"garden party" only:Anna'
    """
    return " ".join(_written(term) for term in query.terms)


def people_of(query: PhotoQuery) -> frozenset[str]:
    """Everybody whom a query names, as it names them."""
    return frozenset(
        name for term in query.terms if isinstance(term, PeopleTerm) for name in term.people
    )


def quoted(value: str) -> str:
    """A value as it stands in a query."""
    if _PLAIN.fullmatch(value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _split(text: str) -> Iterator[_Values]:
    place = 0
    while True:
        if space := _SPACE.match(text, place):
            place = space.end()
        if place >= len(text):
            return
        found = _WORD.match(text, place)
        word = found.group() if found else ""
        after = place + len(word)
        if text[after : after + 1] != ":":
            raise UsageError(
                f"What stands at letter {place + 1} is no filter.",
                "Look for words with text:party, and for people with with:Anna",
            )
        if word not in _TERMS:
            raise UsageError(
                f"There is no filter {word!r}, at letter {place + 1}.",
                f"Write one of: {', '.join(f'{name}:' for name in _TERMS)}.",
            )
        begin, count = after + 1, ""
        if word == "atleast":
            count, begin = _leading_count(text, begin)
        values, end = _values(text, begin)
        yield _Values(word=word, values=values, count=count, at=after + 2)
        place = end


def _leading_count(text: str, place: int) -> tuple[str, int]:
    head = text[place:].split(":", 1)
    if len(head) == 2 and _COUNT.fullmatch(head[0]):
        return head[0], place + len(head[0]) + 1
    raise UsageError(
        f"atleast: at letter {place + 1} needs a number of people first.",
        "Write it as atleast:2:Anna,Ben,Carl",
    )


def _values(text: str, place: int) -> tuple[tuple[str, ...], int]:
    values = []
    while True:
        value, place = _value(text, place)
        values.append(value)
        if text[place : place + 1] != ",":
            break
        place += 1
    if place < len(text) and not text[place].isspace():
        raise _misplaced(text[place], place)
    return tuple(values), place


def _value(text: str, place: int) -> tuple[str, int]:
    if text[place : place + 1] != '"':
        found = _PLAIN.match(text, place)
        if found is None:
            if place < len(text) and text[place] in ':\\"':
                raise _misplaced(text[place], place)
            raise UsageError(
                f"A value is missing at letter {place + 1}.",
                "Write values behind the colon without spaces, such as with:Anna,Ben",
            )
        return found.group(), found.end()
    value, begin = "", place
    place += 1
    while place < len(text) and text[place] != '"':
        place += text[place] == "\\"
        value += text[place : place + 1]
        place += 1
    if place >= len(text):
        raise UsageError(f"The quote at letter {begin + 1} is not closed.", 'Close it with ".')
    if not value.strip():
        raise UsageError(f"The quotes at letter {begin + 1} hold nothing.", "Leave them out.")
    return value, place + 1


def _misplaced(letter: str, place: int) -> UsageError:
    return UsageError(
        f"{letter} at letter {place + 1} stands where it cannot.",
        'Put a value that holds spaces, commas, colons or quotes into quotes: "Smith, Anna".',
    )


def _term(given: _Values) -> Term:
    return _TERMS[given.word](given)


def _unique(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def _at_least(given: _Values) -> Term:
    people, count = _unique(given.values), int(given.count)
    if count > len(people):
        raise given.wrong(
            f"asks for {count} of {len(people)}", "Name more people, or ask for fewer of them."
        )
    return AtLeast(count=count, people=people)


def _taken(given: _Values) -> Term:
    if len(given.values) > 1:
        raise given.wrong("there are several", "Write a range, such as date:2024-05..2024-07")
    text = given.values[0]
    begin, dots, end = text.partition("..")
    span = Taken(begin=_part(given, begin), end=_part(given, end if dots else begin))
    if span.begin is None and span.end is None:
        raise given.wrong(f"{text!r} is no date", "Write it as 2024, 2024-05 or 2024-05-31.")
    if span.begin and span.end and span.begin.first > span.end.last:
        raise given.wrong(f"{text!r} ends before it begins", "Write the earlier date first.")
    return span


def _part(given: _Values, text: str) -> PartOfTime | None:
    if not text:
        return None
    found = _DAY.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        year, month, day = (None if part is None else int(part) for part in found.groups())
        part = PartOfTime(year=year or 0, month=month, day=day)
        if month == 0 or day == 0 or not part.first <= part.last:
            raise ValueError
    except ValueError:
        raise given.wrong(
            f"{text!r} is no date", "Write it as 2024, 2024-05 or 2024-05-31."
        ) from None
    return part


def _text(given: _Values) -> Term:
    if len(given.values) > 1:
        raise given.wrong(
            "there are several", 'Put words with commas into quotes, such as text:"sun, sea".'
        )
    return HasText(text=given.values[0])


_TERMS: Mapping[str, Callable[[_Values], Term]] = MappingProxyType(
    {
        "with": lambda given: With(people=_unique(given.values)),
        "together": lambda given: Together(people=_unique(given.values)),
        "without": lambda given: Without(people=_unique(given.values)),
        "only": lambda given: Only(people=_unique(given.values)),
        "atleast": _at_least,
        "date": _taken,
        "source": lambda given: FromSource(sources=_unique(given.values)),
        "collection": lambda given: InCollection(collections=_unique(given.values)),
        "text": _text,
    }
)


def _written(term: Term) -> str:
    match term:
        case AtLeast(count=count, people=people):
            return f"atleast:{count}:{_list(people)}"
        case Taken(begin=begin, end=end):
            if begin == end:
                return f"date:{begin}"
            return f"date:{'' if begin is None else begin}..{'' if end is None else end}"
        case FromSource(sources=sources):
            return f"source:{_list(sources)}"
        case InCollection(collections=collections):
            return f"collection:{_list(collections)}"
        case HasText(text=text):
            return f"text:{quoted(text)}"
        case _:
            return f"{type(term).__name__.lower()}:{_list(term.people)}"


def _list(values: tuple[str, ...]) -> str:
    return ",".join(quoted(value) for value in values)
