"""Which face stands for a person on a page."""

from __future__ import annotations

from sqlalchemy import Connection, select

from likeness.store.schema import faces, links

LOOKED_AT = 50


def surest_faces(connection: Connection, person_id: str) -> list[tuple[int, int]]:
    """(face, photo) of the faces linked with a person, the surest first, some at most.

    What somebody decided comes before what the threshold did, and a higher score before a lower.
    """
    rows = connection.execute(
        select(links.c.face_id, links.c.photo_id)
        .join(faces, faces.c.face_id == links.c.face_id)
        .where(
            links.c.person_id == person_id,
            links.c.decision == "same",
            faces.c.lost == 0,
        )
        .order_by((links.c.decided_by == "threshold"), links.c.score.desc(), links.c.face_id.desc())
        .limit(LOOKED_AT)
    )
    return [(row.face_id, row.photo_id) for row in rows]
