"""Parts for tests of changing the model pack: what a library holds, told without its own ids."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from promise_house import holdings, rows
from synthetic_engine import BY_BOTH, BY_FIRST, BY_SECOND, ELSEWHERE, EXACT, NEAR, Drawn, save

from likeness.library import Library
from likeness.store import people

SEEN = (BY_BOTH, BY_FIRST, BY_SECOND, ELSEWHERE)


def templates_of(library: Library) -> dict[str, bytes]:
    """Every reference's template in clear, by its id, where it is of the pack in use."""
    house = library.house
    with house.store.snapshot() as connection:
        keys = house.keyring.keys(people.person_ids(connection))
        found = people.references_of_many(
            connection, keys, pack_fingerprint=house.chosen.in_use.fingerprint
        )
        return {reference.reference_id: reference.template.tobytes() for reference in found}


def names_of(library: Library) -> dict[str, str]:
    return {seen.person.person_id: seen.person.details.name for seen in library.people()}


def held(library: Library) -> set[tuple[Any, ...]]:
    """The same as `holdings`, with people by name."""
    names = names_of(library)
    return {(*row[:-2], names.get(row[-2], row[-2]), row[-1]) for row in holdings(library)}


def human(library: Library) -> set[tuple[Any, ...]]:
    """(face id, person, decision) of everything that a human decided."""
    query = "SELECT face_id, person_id, decision FROM links WHERE decided_by != 'threshold'"
    return set(rows(library, query))


def faces(library: Library) -> list[tuple[Any, ...]]:
    """(item, number, box, face id, lost), in order."""
    query = (
        'SELECT item, number, "left", top, "right", bottom, face_id, lost FROM faces'
        " JOIN sightings USING (photo_id) ORDER BY item, number"
    )
    return [(row[0], row[1], tuple(row[2:6]), *row[6:]) for row in rows(library, query)]


def waiting(library: Library) -> int:
    return library.status().waiting


def make_seen_photos(folder: Path, count: int, *, seed: int) -> Path:
    """Photos of three people and strangers, with faces that one pack alone finds."""
    dice = random.Random(seed)
    for number in range(count):
        drawn = [
            Drawn(
                person=dice.choice([1, 2, 3, 700 + 2 * number]),
                look=dice.choice([EXACT, NEAR]),
                shot=number,
                seen=dice.choice(SEEN),
            )
            for _ in range(dice.randrange(4))
        ]
        save(folder / f"{number:03}.png", *drawn, salt=number)
    return folder
