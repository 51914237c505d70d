"""A library in a process of its own, to be killed: python promise_process.py COMMAND FOLDER ...

It says on standard output how far it has come, one line at a time.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from promise_house import Place, copy_of, enrol
from sqlalchemy import event
from synthetic_engine import Drawn, SyntheticEngine, draw

from likeness import purge, uploads
from likeness.errors import LikenessError
from likeness.faces.packs import load_manifest
from likeness.house import Progress
from likeness.library import Library
from likeness.store.keyring_file import KeyringFile


def say(*words: object) -> None:
    print(*words, flush=True)


def progress(step: Progress) -> None:
    say(step.phase, step.done)


def ingest(library: Library, folder: str, collection: str) -> None:
    report = library.ingest(folder, collection=collection, progress=progress)
    say("done", report.found, report.new, report.known)


def enrol_one(library: Library, name: str, person: str) -> None:
    say("enrolled", enrol(library, name, int(person)))


def withdraw(library: Library, person_id: str) -> None:
    say("withdrawn", library.withdraw(person_id).serial)


def remove(library: Library, source_id: str) -> None:
    say("removed", library.remove(source_id).serial)


def notice(library: Library, kind: Any, about: str) -> None:
    purge.SIGHTINGS_AT_ONCE = 1
    given = library.give_notice(
        kind=kind, about=about, given_by="somebody", reason="", progress=progress
    )
    say("given", given.serial)


def upload(library: Library, file: str, piece: str) -> None:
    """Send a file in pieces, and say how much of it is acknowledged."""
    content, at = Path(file).read_bytes(), 0
    told = [(Path(file).name, len(content))]
    upload_id = uploads.begin(library.house, "party", "photos", told).upload_id
    say("begun", upload_id)
    while at < len(content):
        chunk = content[at : at + int(piece)]
        at = uploads.append(library.house, upload_id, 1, at, chunk)
        say("acknowledged", at)
    uploads.finish(library.house, upload_id, progress=progress)
    say("done")


def retain(library: Library) -> None:
    say("retained", library.apply_retention().photos)


def use(library: Library, pack: str) -> None:
    used = library.use_pack(pack, progress=progress)
    say("used", used.references, used.rescan.photos)


def hang(library: Library, command: str, *words: str) -> None:
    """Run another command, then wait to be killed."""
    COMMANDS[command](library, *words)
    time.sleep(600)


def search(library: Library, person: str, die_at: str = "") -> None:
    """Search, and die before or after a commit: the first is the intent, the second the outcome."""
    before, number = die_at.startswith("before"), int(die_at[-1:] or 0)
    commits = 0

    def count(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal commits
        if statement == "COMMIT":
            commits += 1
            if commits == number:
                os.kill(os.getpid(), signal.SIGKILL)

    if die_at:
        when = "before_cursor_execute" if before else "after_cursor_execute"
        # Only writing transactions count: a snapshot's end is no record.
        event.listen(library.house.store._engine, when, _writes_only(count))
    answer = library.search(draw(Drawn(person=int(person))), purpose="be_found")
    say("answer", *(candidate.name for candidate in answer.candidates))


def _writes_only(listener: Any) -> Any:
    begun = ""

    def listen(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        nonlocal begun
        if statement.startswith("BEGIN"):
            begun = statement
        if begun == "BEGIN IMMEDIATE":
            listener(connection, cursor, statement, *rest)

    return listen


def watch(library: Library) -> None:
    """Say again and again how many references this idle process holds."""
    while True:
        say("holds", len(library.house.eligibility.gallery))
        time.sleep(0.1)


def limited(library: Library, megabytes: str, command: str, *words: str) -> None:
    """Run another command where no file may grow beyond a size, as on a disk that is full."""
    limit = int(float(megabytes) * 1_000_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    COMMANDS[command](library, *words)


COMMANDS: dict[str, Any] = {
    "ingest": ingest,
    "enrol": enrol_one,
    "withdraw": withdraw,
    "remove": remove,
    "notice": notice,
    "upload": upload,
    "retain": retain,
    "use": use,
    "hang": hang,
    "search": search,
    "watch": watch,
    "limited": limited,
}


def die_everywhere(place: Place, command: str, *words: str) -> None:
    """Run a command on copies of a place, and die each time one commit further on.

    A copy lies beside the place, with the number of the point at its end. Points are just before
    and just after each commit, of the database and of the keyring.
    """
    for number in range(1, 100):
        copy = copy_of(place, f"{place.folder.name}-{number}")
        child = os.fork()
        if child == 0:
            _die_at(copy, number, command, *words)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            say("whole", number, os.WEXITSTATUS(status))
            return
        say("died", number)


def _die_at(place: Place, number: int, command: str, *words: str) -> None:
    points = 0

    def point() -> None:
        nonlocal points
        points += 1
        if points == number:
            os.kill(os.getpid(), signal.SIGKILL)

    def at_commit(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement == "COMMIT":
            point()

    writing = KeyringFile.writing

    @contextmanager
    def deadly(self: KeyringFile) -> Iterator[Any]:
        with writing(self) as connection:
            yield connection
            point()
        point()

    with place.open() as library:
        engine = library.house.store._engine  # type: ignore[attr-defined]
        event.listen(engine, "before_cursor_execute", _writes_only(at_commit))
        event.listen(engine, "after_cursor_execute", _writes_only(at_commit))
        KeyringFile.writing = deadly  # type: ignore[method-assign]
        COMMANDS[command](library, *words)


def main() -> int:
    command, folder, *words = sys.argv[1:]
    # Libraries of tests begin at a time that tests set: here it stands still a day later.
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    place = Place(
        folder=Path(folder), clock=lambda: now, engine=SyntheticEngine(load_manifest("dlib"))
    )
    try:
        if command == "die-everywhere":
            die_everywhere(place, *words)
            return 0
        with place.open() as library:
            say("open")
            COMMANDS[command](library, *words)
    except LikenessError as error:
        say("error", type(error).__name__, error.exit_code)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
