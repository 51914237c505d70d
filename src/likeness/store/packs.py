"""Which model pack a library uses, and the templates that another one makes to take its place.

Staged templates lie beside the references, sealed under the same keys, until one transaction puts
them in place of the old ones. Callers hold the keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    update,
)

from likeness.records.reference import Reference
from likeness.store.chunks import in_chunks
from likeness.store.envelope import unseal
from likeness.store.people import seal_template
from likeness.store.schema import (
    erasures,
    library,
    people,
    proposals,
    references,
    staged_templates,
)


@dataclass(frozen=True, kw_only=True)
class PackInUse:
    """The model pack that every reference of a library was made with.

    Attributes
    ----------
    name : str
        Its name, or the path of its manifest.
    fingerprint : str
    """

    name: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True, eq=False)
class UnstagedReference:
    """A reference that has no template of the coming pack yet.

    Attributes
    ----------
    reference_id, person_id : str
    alignment : str
        Name of the frame that its crop was aligned to.
    sealed_crop : bytes
        Under the person's key.
    """

    reference_id: str
    person_id: str
    alignment: str
    sealed_crop: bytes = field(repr=False)

    def crop(self, key: bytes) -> bytes:
        """The 256 px crop as JPEG."""
        return unseal(key, self.sealed_crop, context=f"crop/{self.reference_id}")


def pack_in_use(connection: Connection) -> PackInUse:
    """The pack that the library uses, as of this transaction."""
    row = connection.execute(select(library.c.pack, library.c.pack_fingerprint)).one()
    return PackInUse(name=row.pack, fingerprint=row.pack_fingerprint)


def set_pack_in_use(connection: Connection, pack: PackInUse) -> None:
    """Say which pack the library uses from now on."""
    connection.execute(update(library).values(pack=pack.name, pack_fingerprint=pack.fingerprint))


def unstaged_references(
    connection: Connection, *, pack_fingerprint: str, after: str, limit: int
) -> list[UnstagedReference]:
    """References that this pack has no template of yet, by id, of people who are not leaving.

    Parameters
    ----------
    after : str
        Only references whose id comes after this one.
    """
    columns = (
        references.c.reference_id,
        references.c.person_id,
        references.c.alignment,
        references.c.crop,
    )
    rows = connection.execute(
        _unstaged(select(*columns), pack_fingerprint)
        .where(references.c.reference_id > after)
        .order_by(references.c.reference_id)
        .limit(limit)
    )
    return [
        UnstagedReference(
            reference_id=row.reference_id,
            person_id=row.person_id,
            alignment=row.alignment,
            sealed_crop=row.crop,
        )
        for row in rows
    ]


def count_unstaged(connection: Connection, *, pack_fingerprint: str) -> int:
    """How many references this pack has no template of yet, of people who are not leaving."""
    query = _unstaged(select(func.count()).select_from(references), pack_fingerprint)
    return int(connection.execute(query).scalar_one())


def stage_templates(
    connection: Connection,
    made: Sequence[Reference],
    *,
    keys: Mapping[str, bytes],
    pack_fingerprint: str,
) -> int:
    """Keep templates of the coming pack, sealed; returns how many.

    References that went meanwhile, with their person, are passed over.
    """
    there: set[str] = set()
    for some in in_chunks(reference.reference_id for reference in made):
        there.update(
            connection.execute(
                _unstaged(select(references.c.reference_id), pack_fingerprint).where(
                    references.c.reference_id.in_(some)
                )
            ).scalars()
        )
    values = [
        {
            "reference_id": reference.reference_id,
            "pack_fingerprint": pack_fingerprint,
            "person_id": reference.person_id,
            "template": seal_template(
                keys[reference.person_id], reference, pack_fingerprint=pack_fingerprint
            ),
        }
        for reference in made
        if reference.reference_id in there
    ]
    if values:
        connection.execute(insert(staged_templates), values)
    return len(values)


def take_staged(connection: Connection, *, pack_fingerprint: str) -> int:
    """Put the staged templates of a pack in place of the references' own; returns how many.

    What any other pack had staged goes. Crops and how they were aligned stay as they are.
    """
    staged = and_(
        staged_templates.c.reference_id == references.c.reference_id,
        staged_templates.c.pack_fingerprint == pack_fingerprint,
    )
    taken = connection.execute(
        update(references)
        .where(exists().where(staged))
        .values(
            template=select(staged_templates.c.template).where(staged).scalar_subquery(),
            pack_fingerprint=pack_fingerprint,
        )
    ).rowcount
    connection.execute(delete(staged_templates))
    return taken


def drop_staged(connection: Connection) -> None:
    """Forget what a change of pack had staged, which was given up."""
    connection.execute(delete(staged_templates))


def compare_everybody_anew(connection: Connection, *, changed: int) -> None:
    """Every process takes in everybody anew, and every photo waits to be compared with them.

    Proposals go, since their scores are the former pack's; what was linked without review stays
    until its photo has been decided anew.
    """
    connection.execute(update(people).values(changed=changed, comparable_since=changed))
    connection.execute(delete(proposals))


def _unstaged(query: Select[Any], pack_fingerprint: str) -> Select[Any]:
    return query.where(
        references.c.pack_fingerprint != pack_fingerprint,
        ~exists().where(
            staged_templates.c.reference_id == references.c.reference_id,
            staged_templates.c.pack_fingerprint == pack_fingerprint,
        ),
        ~exists().where(erasures.c.person_id == references.c.person_id),
    )
