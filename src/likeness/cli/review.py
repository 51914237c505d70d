"""The command that decides possible links: one key each on a terminal, options elsewhere."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

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
    from likeness.records.link import Decision
    from likeness.review import OpenProposal

_CHOICE = re.compile(r"([0-9a-f]{64}):([1-9][0-9]{0,5}):(.+)", re.DOTALL)


def register(app: typer.Typer) -> None:
    """Add this command."""
    app.command("review", short_help="Decide possible links.")(review)


def review(
    context: typer.Context,
    person: Annotated[
        str | None, typer.Option("--person", metavar="PERSON", help="Only about this person.")
    ] = None,
    list_only: Annotated[
        bool, typer.Option("--list", help="Ask nothing, list what waits.")
    ] = False,
    yes: Annotated[
        list[str] | None,
        typer.Option("--yes", metavar="SHA256:FACE:PERSON", help="It is them; again for more."),
    ] = None,
    no: Annotated[
        list[str] | None,
        typer.Option("--no", metavar="SHA256:FACE:PERSON", help="It is not; again for more."),
    ] = None,
    collection: WithinOption = None,
    verbose: VerboseOption = False,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
) -> None:
    """Decide possible links, best first: y yes, n no, s skip, q quit. A decision stands."""
    call = call_of(context, library=library, account=account, as_json=as_json, verbose=verbose)
    choices = [*_choices(yes or (), "same"), *_choices(no or (), "different")]
    with call.opened() as opened:
        decided = [_decide(opened, *choice) for choice in choices]
        person_id = opened.resolve_person(person) if person else None
        waiting = within(opened, collection, opened.proposals(person_id=person_id))
        calibration = opened.calibration()
        asks = is_conversation() and not (list_only or call.as_json or choices)
        if asks and waiting:
            _ask_each(opened, waiting, verbose=call.verbose)
            return

    def answer() -> None:
        if decided:
            say(f"{counted(len(decided), 'link')} decided.")
        say(f"{counted(len(waiting), 'possible link')} to decide.")
        for proposal in waiting:
            _say(proposal, verbose=call.verbose)
        if waiting:
            say_calibration(calibration)

    fields = {
        "decided": decided,
        "proposals": [proposal_as_json(p) for p in waiting],
        "calibration": calibration_as_json(calibration),
    }
    call.answer(fields, answer)


def _choices(words: Sequence[str], decision: Decision) -> list[tuple[str, int, str, Decision]]:
    choices: list[tuple[str, int, str, Decision]] = []
    for word in words:
        found = _CHOICE.fullmatch(word)
        if found is None:
            raise UsageError(
                f"{word!r} does not say which face is whose.",
                "Write SHA256:FACE:PERSON, as listed by: likeness review --list --verbose",
            )
        sha256, face, person = found.groups()
        choices.append((sha256, int(face), person, decision))
    return choices


def _decide(
    library: Library, sha256: str, face: int, person: str, decision: Decision
) -> dict[str, Any]:
    person_id = library.resolve_person(person)
    library.decide(sha256, face=face, person_id=person_id, decision=decision)
    return {"sha256": sha256, "face": face, "person": person_id, "decision": decision}


def _ask_each(library: Library, waiting: Sequence[OpenProposal], *, verbose: bool) -> None:
    decided = 0
    for number, proposal in enumerate(waiting, 1):
        say(f"{number} of {len(waiting)}")
        _say(proposal, verbose=verbose)
        key = _key(f"Is face {proposal.face.number} {proposal.person.details.name}? [y/n/s/q]")
        if key == "q":
            break
        if key == "s":
            continue
        library.decide(
            proposal.photo.sha256,
            face=proposal.face.number,
            person_id=proposal.person.person_id,
            decision="same" if key == "y" else "different",
        )
        decided += 1
    say(f"{counted(decided, 'link')} decided, {len(waiting) - decided:,} left.")


def _key(question: str) -> str:
    note(question)
    while True:
        key = typer.getchar().lower()
        if key in ("\x03", "\x04"):
            raise KeyboardInterrupt
        if key in ("y", "n", "s", "q"):
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
