"""Rows of a store, written without any way through the house: photos, places, links, proposals."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from likeness.records.collection import Collection, SourceRecord
from likeness.records.face import DetectedFace, Quality
from likeness.records.link import DecidedBy, Decision, Link, Proposal
from likeness.records.person import Person, PersonDetails
from likeness.records.sighting import PageLink
from likeness.store import links, photos, sightings
from likeness.store.collections import insert_collection, insert_source
from likeness.store.people import insert_person
from likeness.store.photos import NewFace, NewPhoto
from likeness.store.sightings import NewSighting
from likeness.store.sqlite import SqliteStore

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
QUALITY = Quality(
    inter_eye=40.0,
    sharpness=100.0,
    yaw=0.1,
    roll=-2.0,
    inside=1.0,
    under_exposure=0.0,
    over_exposure=0.01,
    dynamic_range=7.0,
    unified=80,
)
LINK = PageLink(
    page_url="https://example.org/day",
    media_url="https://example.org/day/1.jpg",
    taken_at=datetime(2024, 5, 1, 10, 0, tzinfo=UTC),
    text="The first day",
    confidence="exact",
    link_from="links.csv",
)
PARTY, CLUB = "col_party", "col_club"
ANN, BOB = "p_ann", "p_bob"


def make_store(folder: Path) -> SqliteStore:
    """A store with two collections, a source in each, two people, and no photo."""
    made = SqliteStore.create(folder / "library.sqlite3")
    with made.transaction() as connection:
        for collection_id in (PARTY, CLUB):
            collection = Collection(
                collection_id=collection_id,
                name=collection_id,
                controller="Tennis club",
                purpose_text="",
                audience=frozenset(),
            )
            insert_collection(connection, collection, at=NOW)
            source = SourceRecord(
                source_id=f"src_{collection_id}",
                collection_id=collection_id,
                kind="folder",
                address=f"/photos/{collection_id}",
                state="active",
                added_at=NOW,
            )
            insert_source(connection, source)
        for person_id in (ANN, BOB):
            details = PersonDetails(name=person_id, is_adult=True)
            person = Person(person_id=person_id, details=details, enrolled_at=NOW)
            insert_person(connection, person, key=bytes(32), changed=1)
    return made


def face(left: int = 0) -> NewFace:
    detected = DetectedFace(
        box=(left, 0, left + 80, 80), score=1.5, landmarks=np.full((5, 2), left, np.float32)
    )
    return NewFace(face=detected, quality=QUALITY, crop=f"crop {left}".encode(), alignment="dlib-5")


def photo(
    connection: Connection,
    name: str,
    *,
    faces: int = 1,
    matched_through: int = 0,
    found_with: str = "ours",
) -> tuple[int, list[int]]:
    new = NewPhoto(sha256=name, width=640, height=480, format="JPEG")
    return photos.insert_photo(
        connection,
        new,
        [face(100 * n) for n in range(faces)],
        at=NOW,
        matched_through=matched_through,
        found_with=found_with,
    )


def see(
    connection: Connection,
    photo_id: int,
    item: str,
    *,
    collection: str = PARTY,
    run_id: str = "run_1",
    link: PageLink = LINK,
) -> None:
    new = NewSighting(
        source_id=f"src_{collection}",
        item=item,
        size=10,
        modified_ns=20,
        link_mark="mark",
        link=link,
    )
    sightings.put_sighting(connection, new, photo_id=photo_id, run_id=run_id, at=NOW)


def link(
    connection: Connection,
    photo_id: int,
    face_id: int,
    person_id: str = ANN,
    *,
    decision: Decision = "same",
    decided_by: DecidedBy = "threshold",
) -> Link:
    made = Link(
        face_id=face_id,
        person_id=person_id,
        decision=decision,
        score=0.97,
        decided_by=decided_by,
    )
    links.put_link(connection, made, photo_id=photo_id, at=NOW)
    return made


def propose(
    connection: Connection, photo_id: int, face_id: int, score: float = 0.94, person: str = ANN
) -> Proposal:
    made = Proposal(face_id=face_id, person_id=person, score=score)
    links.put_proposals(connection, [made], photo_id=photo_id, at=NOW)
    return made
