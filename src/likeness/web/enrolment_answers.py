"""Reads what somebody answered on the pages of an enrolment, and says in words what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from likeness.consent.notice import Notice
from likeness.consent.policy import eighteenth_birthday
from likeness.errors import FaceUnusable, LikenessError, PhotoUnreadable
from likeness.invitations import Invitation
from likeness.records.person import Guardian
from likeness.web.drafts import Draft
from likeness.web.forms import Form

DAYS: Final = (30, 365, 730)
"""For how long somebody may say yes at once."""

LONGEST_NAME = 200
MOST_PHOTOS = 3
LONGEST_PHOTO = 16_000_000
"""Bytes of one of them; what a phone's camera makes has fewer."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the notice: its title, and its lines.

    Attributes
    ----------
    title : str
    lines : tuple of str
        Whole paragraphs.
    items : tuple of str
        What is listed in it.
    after : tuple of str
        Paragraphs that follow the list.
    """

    title: str
    lines: tuple[str, ...]
    items: tuple[str, ...]
    after: tuple[str, ...]


def parts_of(notice: Notice) -> tuple[Part, ...]:
    """The notice as it is laid out on a page: the same words in the same order."""
    return tuple(_part(block.splitlines()) for block in notice.text.strip().split("\n\n"))


def read_answers(
    form: Form, asked: Invitation, *, language: str, now: datetime
) -> tuple[Draft, list[str]]:
    """The answers of the first page, and what is wrong with them (keys of words)."""
    problems: list[str] = []
    purposes = tuple(p for p in asked.purposes if p in form.every("purpose"))
    if not purposes:
        problems.append("nothing_chosen")
    name = form.text("name")[:LONGEST_NAME]
    if not name:
        problems.append("name")
    adult = form.text("age") == "adult"
    birth_date, problem = _birth_date(form.text("birth_date"), today=now.date())
    if problem:
        problems.append(problem)
    elif birth_date is None and not adult:
        problems.append("age")
    minor = birth_date is not None and now < eighteenth_birthday(birth_date)
    if minor and adult:
        problems.append("contradicts")
    days = next((d for d in DAYS if form.text("days") == str(d)), DAYS[1])
    known = {one.account_id for one in asked.audience}
    draft = Draft(
        invitation_id=asked.invitation_id,
        language=language,
        name=name,
        purposes=purposes,
        audience=tuple(shown for shown in form.every("shown") if shown in known),
        days=days,
        birth_date=birth_date,
        is_adult=adult and not minor,
        needs_guardian=minor,
    )
    return draft, problems


def with_guardian(draft: Draft, form: Form) -> tuple[Draft, list[str]]:
    """The draft with who says yes for somebody under 18, and what is wrong (keys of words)."""
    name = form.text("guardian")[:LONGEST_NAME]
    if not name or not form.checked("sure"):
        return draft, ["guardian"]
    guardian = Guardian(name=name, relation=form.text("relation")[:LONGEST_NAME])
    return replace(draft, guardian=guardian), []


def photo_problem(error: LikenessError) -> str:
    """The key of the words that say why a photo cannot be used."""
    if isinstance(error, FaceUnusable):
        return error.reason
    if isinstance(error, PhotoUnreadable):
        return "too_large" if error.reason == "too_large" else "unreadable"
    return "refused"


def _birth_date(text: str, *, today: date) -> tuple[date | None, str]:
    if not text:
        return None, ""
    try:
        given = date.fromisoformat(text)
    except ValueError:
        return None, "birth_date"
    return (given, "") if given.year >= 1880 and given <= today else (None, "birth_date")


def _part(lines: Sequence[str]) -> Part:
    before: list[str] = []
    items: list[str] = []
    after: list[str] = []
    joins = False
    for line in lines[1:]:
        if line.startswith("- "):
            items.append(line[2:])
        elif items and joins:
            items[-1] += f" {line}"
        elif items:
            after.append(line)
        else:
            before.append(line)
        # A line that does not end a sentence goes on in the next one.
        joins = bool(items) and not after and not line.endswith(".")
    return Part(
        title=lines[0],
        lines=(" ".join(before),) if before else (),
        items=tuple(items),
        after=(" ".join(after),) if after else (),
    )
