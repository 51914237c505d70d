"""Enrol people from a few photos each, add everybody's photos, and count what was linked.

    python bench/main_job.py ../shared/eval/people --people 50 --references 3 --kills 3

The dataset is a folder a person. People with at least ``--references`` + 2 photos are enrolled, the
first so many by name; everybody else is not. Counted are the photos that were not used to enrol.
With ``--kills`` the adding is run once more in another library, killed with SIGKILL so many times
on the way and started again: both have to hold the same (photo, sighting, box, person, decision).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from likeness.errors import FaceUnusable
from likeness.library import Library
from likeness.records.consent import ConsentGiven
from likeness.store.schema import faces, links, photos, proposals, sightings

COLLECTION = "people"
LIKENESS = "import sys; from likeness.cli.main import main; sys.exit(main())"


@dataclass(frozen=True, kw_only=True)
class Enrolment:
    """A person of the dataset who enrolled.

    Attributes
    ----------
    person_id, name : str
    references : tuple of Path
    """

    person_id: str
    name: str
    references: tuple[Path, ...]


def enrol_all(library: Path, dataset: Path, *, people: int, references: int) -> list[Enrolment]:
    """Make a library and enrol the first people by name who have enough photos.

    A photo that enrolment refuses (several faces, say) is left out and the next one taken, as a
    person would do. Whoever has too few usable photos is passed over.
    """
    enrolments: list[Enrolment] = []
    with Library.create(library) as opened:
        opened.create_collection(COLLECTION, controller="Benchmark")
        for folder in sorted(path for path in dataset.iterdir() if path.is_dir()):
            images = sorted(folder.glob("*.jpg"))
            if len(images) < references + 2 or len(enrolments) == people:
                continue
            enrolled = enrol_one(opened, folder.name, images, references)
            if enrolled is not None:
                enrolments.append(enrolled)
    return enrolments


def enrol_one(
    library: Library, name: str, images: Sequence[Path], references: int
) -> Enrolment | None:
    """Enrol one person from their first usable photos; None where there are too few."""
    consent = ConsentGiven(
        purposes=frozenset({"be_found"}),
        collections=frozenset({COLLECTION}),
        basis="consent",
        how_given="attested",
        statement="A public dataset for measuring, on this machine only.",
        is_adult=True,
    )
    left = list(images)
    while len(left) >= references:
        chosen = left[:references]
        try:
            enrolled = library.enrol(name, chosen, consent=consent, different_person=True)
        except FaceUnusable as error:
            left = [path for path in left if path.name not in error.what]
            continue
        return Enrolment(person_id=enrolled.person_id, name=name, references=tuple(chosen))
    return None


def add(
    library: Path, dataset: Path, *, kill_after: float | None = None
) -> dict[str, object] | None:
    """Run ``likeness add``; None where it was killed on the way."""
    command = [
        sys.executable,
        "-c",
        LIKENESS,
        "add",
        str(dataset),
        "--collection",
        COLLECTION,
        "--library",
        str(library),
        "--json",
    ]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=kill_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return None
    if process.returncode != 0:
        raise SystemExit(f"likeness add ended with {process.returncode}: {output.decode()}")
    report: dict[str, object] = json.loads(output)
    return report


def held(library: Path) -> set[tuple[object, ...]]:
    """Every (photo, sighting, box, person, decision) that a library holds, people by name."""
    with Library.open(library) as opened:
        names = {v.person.person_id: v.person.details.name for v in opened.people()}
        with opened.house.store.snapshot() as connection:
            boxes = (faces.c.left, faces.c.top, faces.c.right, faces.c.bottom)
            rows = connection.execute(
                select(
                    photos.c.sha256,
                    sightings.c.item,
                    *boxes,
                    links.c.person_id,
                    links.c.decision,
                    proposals.c.person_id.label("proposed"),
                )
                .join(sightings, sightings.c.photo_id == photos.c.photo_id)
                .outerjoin(faces, faces.c.photo_id == photos.c.photo_id)
                .outerjoin(links, links.c.face_id == faces.c.face_id)
                .outerjoin(proposals, proposals.c.face_id == faces.c.face_id)
            ).all()
    return {(*row[:6], names.get(row[6]), row[7], names.get(row[8])) for row in rows}


def count(library: Path, dataset: Path, enrolments: Sequence[Enrolment]) -> dict[str, object]:
    """What became of the photos that were not used to enrol."""
    used = {path.relative_to(dataset).as_posix() for e in enrolments for path in e.references}
    names = {e.person_id: e.name for e in enrolments}
    enrolled = set(names.values())
    linked: dict[str, set[str]] = {}
    proposed: dict[str, set[str]] = {}
    faces_of: Counter[str] = Counter()
    with Library.open(library) as opened, opened.house.store.snapshot() as connection:
        item_of = {
            row.photo_id: row.item
            for row in connection.execute(select(sightings.c.photo_id, sightings.c.item))
        }
        for row in connection.execute(select(faces.c.photo_id)):
            faces_of[item_of[row.photo_id]] += 1
        for row in connection.execute(
            select(links.c.photo_id, links.c.person_id).where(links.c.decision == "same")
        ):
            linked.setdefault(item_of[row.photo_id], set()).add(names[row.person_id])
        for row in connection.execute(select(proposals.c.photo_id, proposals.c.person_id)):
            proposed.setdefault(item_of[row.photo_id], set()).add(names[row.person_id])
    outcome: Counter[str] = Counter()
    stranger_faces = stranger_links = 0
    for item in item_of.values():
        owner = item.split("/")[0]
        found = linked.get(item, set())
        if owner not in enrolled:
            stranger_faces += faces_of[item]
            stranger_links += len(found)
        elif item not in used:
            outcome["linked_wrong"] += bool(found - {owner})
            if owner in found:
                outcome["linked_right"] += 1
            elif owner in proposed.get(item, set()):
                outcome["proposed"] += 1
            else:
                outcome["missed"] += 1
    return {
        "photos_of_enrolled": outcome["linked_right"] + outcome["proposed"] + outcome["missed"],
        **{k: outcome[k] for k in ("linked_right", "linked_wrong", "proposed", "missed")},
        "faces_of_unenrolled": stranger_faces,
        "wrong_links_of_unenrolled": stranger_links,
        "wrong_links_per_1000_faces": round(1000 * stranger_links / max(1, stranger_faces), 3),
    }


def main() -> None:
    """Parse, run, print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--references", type=int, default=3)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wanted = {"people": options.people, "references": options.references}
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["LIKENESS_KEYRINGS"] = str(Path(scratch, "keyrings"))
        library = Path(scratch, "library")
        enrolments = enrol_all(library, options.dataset, **wanted)
        began = time.monotonic()
        report = add(library, options.dataset)
        seconds = time.monotonic() - began
        if report is None:
            raise SystemExit("likeness add was killed from outside.")
        result: dict[str, object] = {
            "schema": "likeness.bench.main_job/1",
            "people": len(enrolments),
            "add": {k: v for k, v in report.items() if k not in ("schema", "skipped")},
            "skipped": report["skipped"],
            "add_seconds": round(seconds, 1),
            **count(library, options.dataset, enrolments),
        }
        if options.kills:
            other = Path(scratch, "killed")
            enrol_all(other, options.dataset, **wanted)
            draw = random.Random(options.seed)
            killed = 0
            while killed < options.kills:
                share = draw.uniform(0.5, 1.0) / (options.kills + 1)
                if add(other, options.dataset, kill_after=3 + seconds * share) is not None:
                    break
                killed += 1
            add(other, options.dataset)
            first, second = held(library), held(other)
            result["kills"] = {
                "killed": killed,
                "rows": len(first),
                "only_uninterrupted": len(first - second),
                "only_killed": len(second - first),
            }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
