"""Libraries for the tests of the promises: real in every part but the networks."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from synthetic_engine import (
    DOUBTFUL_AMONG_TEN,
    NEAR,
    Drawn,
    EngineInHand,
    SyntheticEngine,
    draw,
    save,
)

from likeness.faces.packs import load_manifest
from likeness.library import Library
from likeness.records.consent import ConsentGiven, Purpose

PEOPLE = range(1, 5)
"""Drawn people whom `make_photos` puts into photos, beside strangers."""

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a library and its keyring lie, so that both can be opened again, copied and scanned."""

    folder: Path
    clock: Any
    engine: Any
    decoders: Any = None

    @property
    def library(self) -> Path:
        return self.folder / "library"

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @contextmanager
    def open(self, account: str = "owner") -> Iterator[Library]:
        """The library as another process would open it, with this place's engine."""
        library = Library.open(self.library, account=account, clock=self.clock)
        engine, manifest = self.engine, library.house.chosen.manifest
        if manifest is not None and manifest.fingerprint != engine.fingerprint:
            engine = engine.of(manifest)
        opened = with_engine(library, engine, decoders=self.decoders)
        try:
            yield opened
        finally:
            # It has parts of its own where it changed its pack.
            opened.house.eligibility.close()
            library.close()

    def back_up(self, name: str) -> Path:
        """A copy of the data folder, without the keyring, as a backup takes it."""
        return Path(shutil.copytree(self.library, self.folder / name))

    def restore(self, backup: Path) -> None:
        """Put a copy of the data folder back."""
        shutil.rmtree(self.library)
        shutil.copytree(backup, self.library)

    def files(self) -> list[Path]:
        """Every file of library and keyring."""
        found = [*self.library.rglob("*"), *self.keys.rglob("*")]
        return sorted(path for path in found if path.is_file())


def make_place(
    folder: Path,
    *,
    clock: Any = None,
    engine: Any = None,
    decoders: Any = None,
    pack: str = "dlib",
) -> Place:
    """Make an empty library with collections ``party`` and ``club`` for the owner."""
    place = Place(
        folder=folder,
        clock=clock or Clock(),
        engine=engine or SyntheticEngine(load_manifest("dlib")),
        decoders=decoders,
    )
    with Library.create(place.library, keyring=place.keys, pack=pack, clock=place.clock) as library:
        for name in ("party", "club"):
            library.create_collection(name, controller="Tennis club")
    return place


def copy_of(place: Place, name: str) -> Place:
    """The same library, people and keys, in another folder beside it."""
    other = replace(place, folder=place.folder.parent / name)
    shutil.copytree(place.folder, other.folder)
    # The library knows its keyring by its path: the copy has one of its own.
    settings = other.library / "library.toml"
    settings.write_text(settings.read_text().replace(str(place.folder), str(other.folder)))
    return other


def with_engine(library: Library, engine: Any, *, decoders: Any = None) -> Library:
    """The same library with this engine, and with no limit on how often it is searched."""
    house = library.house
    return Library(
        replace(
            house,
            settings=replace(house.settings, searches_a_minute=1_000_000),
            engines=EngineInHand(engine),
            decoders=decoders or house.decoders,
        )
    )


def acting_as(library: Library, account: str) -> Library:
    """The same open library with another account acting."""
    named = {known.name: known for known in library.accounts()}
    return library.acting_as(named[account])


def said_yes(*purposes: Purpose, collections: Any = ("party",), **more: Any) -> ConsentGiven:
    """A consent of an adult, ``be_found`` in ``party`` where nothing else is said."""
    return ConsentGiven(
        **{
            "purposes": frozenset(purposes or ("be_found",)),
            "collections": frozenset(collections),
            "basis": "consent",
            "how_given": "attested",
            "statement": "said yes at the door",
            "is_adult": True,
            **more,
        }
    )


def enrol(library: Library, name: str, person: int, *purposes: Purpose, **more: Any) -> str:
    """Enrol a drawn person; returns their id."""
    consent = more.pop("consent", None) or said_yes(*purposes, **more)
    photos = [draw(Drawn(person=person), salt=salt) for salt in (1, 2)]
    return library.enrol(name, photos, consent=consent).person_id


def found_names(library: Library, person: int, **how: Any) -> list[str]:
    """Whom a search with a photo of a drawn person finds, by name."""
    how = how or {"purpose": "be_found"}
    answer = library.search(draw(Drawn(person=person, look=1, shot=3)), **how)
    return [candidate.name for candidate in answer.candidates]


def found_photos(library: Library, person: int, **how: Any) -> set[str]:
    """SHA-256 of the photos that such a search shows."""
    how = how or {"purpose": "be_found"}
    answer = library.search(draw(Drawn(person=person, look=1, shot=3)), **how)
    return {linked.photo.sha256 for candidate in answer.candidates for linked in candidate.photos}


def rows(library: Library, query: str, **values: Any) -> list[tuple[Any, ...]]:
    """What the database answers to a query."""
    with library.house.store.snapshot() as connection:
        return [tuple(row) for row in connection.execute(text(query), values)]


def holdings(library: Library) -> set[tuple[Any, ...]]:
    """Who is linked or proposed where: what two runs that end alike must agree on.

    (SHA-256 of the photo, source address, item, box, person, decision), the last two empty for a
    face that nobody is linked with.
    """
    query = (
        'SELECT p.sha256, c.name, s.item, f."left", f.top, f."right", f.bottom,'
        " coalesce(l.person_id, q.person_id, ''),"
        " coalesce(l.decision, CASE WHEN q.person_id IS NULL THEN '' ELSE 'proposed' END)"
        " FROM photos p JOIN sightings s ON s.photo_id = p.photo_id"
        " JOIN sources o ON o.source_id = s.source_id"
        " JOIN collections c ON c.collection_id = o.collection_id"
        " LEFT JOIN faces f ON f.photo_id = p.photo_id"
        " LEFT JOIN links l ON l.face_id = f.face_id"
        " LEFT JOIN proposals q ON q.face_id = f.face_id"
    )
    return set(rows(library, query))


def start_process(place: Place, command: str, *words: object) -> subprocess.Popen[str]:
    """Start ``promise_process.py`` on a place; its lines can be read from ``stdout``."""
    support = Path(__file__).resolve().parent
    arguments = [command, str(place.folder), *map(str, words)]
    return subprocess.Popen(
        [sys.executable, str(support / "promise_process.py"), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(support), "PYTHONUNBUFFERED": "1"},
    )


def wait_for(process: subprocess.Popen[str], word: str) -> list[str]:
    """Read lines until one begins with this word; returns its words."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.split()[:1] == [word]:
            return line.split()
    raise AssertionError(f"the process ended without saying {word!r}")


def kill(process: subprocess.Popen[str]) -> None:
    """Kill with -9 and wait until it is gone."""
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def make_photos(folder: Path, count: int, *, seed: int) -> Path:
    """Photos of enrolled people, of strangers and of nobody; some twice, one broken."""
    dice = random.Random(seed)
    for number in range(count):
        faces = [
            Drawn(person=dice.choice([1, 2, 3, 4, 800 + number]), look=dice.choice([0, NEAR]))
            for _ in range(dice.randrange(3))
        ]
        if number % 9 == 0:
            faces.append(Drawn(person=dice.choice(PEOPLE), look=DOUBTFUL_AMONG_TEN, shot=number))
        save(folder / f"{number:03}.png", *faces, salt=number)
    shutil.copy(folder / "001.png", folder / "again.png")
    (folder / "broken.png").write_bytes((folder / "002.png").read_bytes()[:60])
    return folder
