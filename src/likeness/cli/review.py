"""The command that decides possible links: one key each on a terminal, options elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from likeness.cli.call import call_of
from likeness.cli.choosing import within
from likeness.cli.options import (
    AccountOption,
    JsonOption,
    LibraryOption,
    VerboseOption,
    WithinOption,
)
from likeness.cli.screen import counted, is_conversation, note, say
from likeness.cli.shapes import (
    calibration_as_json,
    proposal_as_json,
    say_calibration,
    say_sightings,
)
from likeness.errors import UsageError

if TYPE_CHECKING:
    from likeness.library import Library
    from likeness.review import OpenProposal
    from likeness.undoing import Undone

Choice = Literal["same", "different", "unsure"]

_KEYS: Final[Mapping[str, Choice]] = MappingProxyType(
    {"y": "same", "n": "different", "u": "unsure"}
)

_CHOICE = re.compile(r"([0-9a-f]{64}):([1-9][0-9]{0,5}):(.+)", re.DOTALL)


PersonOption = Annotated[
    str | None, typer.Option("--person", metavar="PERSON", help="Only about this person.")
]
ListOption = Annotated[bool, typer.Option("--list", help="Ask nothing, list what waits.")]
YesOption = Annotated[
    list[str] | None,
    typer.Option("--yes", metavar="SHA256:FACE:PERSON", help="It is them; again for more."),
]
NoOption = Annotated[
    list[str] | None,
    typer.Option("--no", metavar="SHA256:FACE:PERSON", help="It is not; again for more."),
]
UnsureOption = Annotated[
    list[str] | None,
    typer.Option("--unsure", metavar="SHA256:FACE:PERSON", help="Leave it; again for more."),
]
UndoOption = Annotated[bool, typer.Option("--undo", help="First take back your newest decision.")]


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("review", short_help="Decide possible links.")(review)


def review(
    context: typer.Context,
    person: PersonOption = None,
    list_only: ListOption = False,
    yes: YesOption = None,
    no: NoOption = None,
    unsure: UnsureOption = None,
    undo: UndoOption = False,
    collection: WithinOption = None,
    verbose: VerboseOption = False,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide possible links, best first: y yes, n no, u not sure, z undo, s skip, q quit.

    A decision stands through every rescan, until you take it back.
    """
    call = call_of(context, library=library, account=account, as_json=as_json, verbose=verbose)
    choices = [
        *_choices(yes or (), "same"),
        *_choices(no or (), "different"),
        *_choices(unsure or (), "unsure"),
    ]
    with call.opened() as opened:
        undone = opened.undo() if undo else None
        decided = [_decide(opened, *choice) for choice in choices]
        person_id = opened.resolve_person(person) if person else None
        waiting = within(opened, collection, opened.proposals(person_id=person_id))
        calibration = opened.calibration()
        asks = is_conversation() and not (list_only or call.as_json or choices or undo)
        if asks and waiting:
            _ask_each(opened, waiting, verbose=call.verbose)
            return

    def answer() -> None:
        if undone:
            say(f"{counted(len(undone.faces), 'decision')} taken back.")
        if decided:
            say(f"{counted(len(decided), 'link')} decided.")
        say(f"{counted(len(waiting), 'possible link')} to decide.")
        for proposal in waiting:
            _say(proposal, verbose=call.verbose)
        if waiting:
            say_calibration(calibration)

    fields = {
        "decided": decided,
        "undone": _undone_as_json(undone),
        "proposals": [proposal_as_json(p) for p in waiting],
        "calibration": calibration_as_json(calibration),
    }
    call.answer(fields, answer)


def _undone_as_json(undone: Undone | None) -> dict[str, Any] | None:
    if undone is None:
        return None
    return {
        "person": undone.person_id,
        "decision": undone.did,
        "faces": [{"sha256": sha256, "face": face} for sha256, face in undone.faces],
    }


def _choices(words: Sequence[str], choice: Choice) -> list[tuple[str, int, str, Choice]]:
    choices: list[tuple[str, int, str, Choice]] = []
    for word in words:
        found = _CHOICE.fullmatch(word)
        if found is None:
            raise UsageError(
                f"{word!r} does not say which face is whose.",
                "Write SHA256:FACE:PERSON, as listed by: likeness review --list --verbose",
            )
        sha256, face, person = found.groups()
        choices.append((sha256, int(face), person, choice))
    return choices


def _decide(
    library: Library, sha256: str, face: int, person: str, choice: Choice
) -> dict[str, Any]:
    person_id = library.resolve_person(person)
    if choice == "unsure":
        library.unsure(sha256, face=face, person_id=person_id)
    else:
        library.decide(sha256, face=face, person_id=person_id, decision=choice)
    return {"sha256": sha256, "face": face, "person": person_id, "decision": choice}


def _ask_each(library: Library, waiting: Sequence[OpenProposal], *, verbose: bool) -> None:
    place, decided = 0, [""] * len(waiting)
    while place < len(waiting):
        proposal = waiting[place]
        say(f"{place + 1} of {len(waiting)}")
        _say(proposal, verbose=verbose)
        key = _key(f"Is face {proposal.face.number} {proposal.person.details.name}? [y/n/u/z/s/q]")
        if key == "q":
            break
        if key == "z":
            place = _undo_before(library, place, decided)
            continue
        if key in _KEYS:
            _decide(
                library,
                proposal.photo.sha256,
                proposal.face.number,
                proposal.person.person_id,
                _KEYS[key],
            )
            decided[place] = _KEYS[key]
        place += 1
    done = len(waiting) - decided.count("") - decided.count("unsure")
    say(f"{counted(done, 'link')} decided, {len(waiting) - done:,} left.")


def _undo_before(library: Library, place: int, decided: list[str]) -> int:
    """Take back the last decision of this round; returns which to ask about again."""
    last = max((n for n in range(place) if decided[n]), default=None)
    if last is None:
        note("Nothing was decided yet.")
        return place
    library.undo()
    decided[last] = ""
    return last


def _key(question: str) -> str:
    note(question)
    while True:
        key = typer.getchar().lower()
        if key in ("\x03", "\x04"):
            raise KeyboardInterrupt
        if key in ("z", "s", "q", *_KEYS):
            return key


def _say(proposal: OpenProposal, *, verbose: bool) -> None:
    left, top, right, bottom = proposal.face.box
    say(
        f"{proposal.person.details.name} ({proposal.person.person_id})? Face "
        f"{proposal.face.number}, from ({left}, {top}) to ({right}, {bottom}):"
    )
    say_sightings(proposal.sightings, face=proposal.face.number)
    if verbose:
        say(
            f"      score {proposal.score:.3f}, {proposal.photo.sha256}:{proposal.face.number}:"
            f"{proposal.person.person_id}"
        )
