"""Decisions about links as they were made, with what stood before, so that each can be undone."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from likeness.records.link import Proposal
from likeness.records.stored import StoredLink
from likeness.store.chunks import in_chunks
from likeness.store.links import stored_link, stored_proposal
from likeness.store.schema import decisions, links, photos, proposals

KEPT_AN_ACCOUNT = 500
"""How many decisions of one account are kept, the newest."""

Did = Literal["same", "different", "unlink", "unsure"]


@dataclass(frozen=True, kw_only=True)
class ProposalRow:
    """A proposal as it is kept.

    Attributes
    ----------
    proposal : Proposal
    photo_id : int
    proposed_at : datetime
    """

    proposal: Proposal
    photo_id: int
    proposed_at: datetime


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What is linked and proposed in some photos.

    Attributes
    ----------
    found_with : dict of int to str
        By photo, what its faces were found with.
    links : tuple of StoredLink
    proposals : tuple of ProposalRow
    """

    found_with: dict[int, str] = field(default_factory=dict)
    links: tuple[StoredLink, ...] = ()
    proposals: tuple[ProposalRow, ...] = ()

    @property
    def by_humans(self) -> dict[tuple[int, str], StoredLink]:
        """What people decided, by face and person."""
        return {row.pair: row for row in self.links if row.by_human}


@dataclass(frozen=True, kw_only=True)
class MadeDecision:
    """A decision as it was made.

    Attributes
    ----------
    decision_id : int
    account_id : str
        Whose decision it is.
    face_id : int
    person_id : str
    did : Did
    decided_at : datetime
    before : Standing
        Of the photo and its copies.
    made : tuple of StoredLink
        What the decision put in place of it, in every copy.
    batch : str
        Shared by those that were made as one; empty for one that was made alone.
    """

    decision_id: int
    account_id: str
    face_id: int
    person_id: str
    did: Did
    decided_at: datetime
    before: Standing
    made: tuple[StoredLink, ...]
    batch: str = ""


def standing(connection: Connection, photo_ids: Collection[int]) -> Standing:
    """What is linked and proposed in some photos now; photos that are not held are absent."""
    found_with: dict[int, str] = {}
    linked: list[StoredLink] = []
    proposed: list[ProposalRow] = []
    for some in in_chunks(photo_ids):
        rows = connection.execute(
            select(photos.c.photo_id, photos.c.found_with).where(photos.c.photo_id.in_(some))
        )
        found_with.update({row.photo_id: row.found_with for row in rows})
        rows = connection.execute(select(links).where(links.c.photo_id.in_(some)))
        linked += [stored_link(row._mapping) for row in rows]
        rows = connection.execute(select(proposals).where(proposals.c.photo_id.in_(some)))
        proposed += [_written_proposal(row._mapping) for row in rows]
    return Standing(found_with=found_with, links=tuple(linked), proposals=tuple(proposed))


def remember(
    connection: Connection,
    *,
    account_id: str,
    face_id: int,
    person_id: str,
    did: Did,
    before: Standing,
    made: Sequence[StoredLink],
    batch: str,
    at: datetime,
) -> int:
    """Keep a decision that was just made; the oldest of the account beyond the newest 500 go."""
    written = {
        "found_with": sorted(before.found_with.items()),
        "links": [_link_values(row) for row in before.links],
        "proposals": [_proposal_values(row) for row in before.proposals],
        "made": [_link_values(row) for row in made],
        "batch": batch,
    }
    decision_id = int(
        connection.execute(
            insert(decisions)
            .values(
                account_id=account_id,
                face_id=face_id,
                person_id=person_id,
                before=json.dumps(written),
                decision=did,
                decided_at=at.isoformat(),
            )
            .returning(decisions.c.decision_id)
        ).scalar_one()
    )
    newest = (
        select(decisions.c.decision_id)
        .where(decisions.c.account_id == account_id)
        .order_by(decisions.c.decision_id.desc())
        .limit(KEPT_AN_ACCOUNT)
    )
    connection.execute(
        delete(decisions).where(
            decisions.c.account_id == account_id, decisions.c.decision_id.not_in(newest)
        )
    )
    return decision_id


def newest_decision(connection: Connection, account_id: str) -> MadeDecision | None:
    """The newest decision of an account that was not undone, or None."""
    row = connection.execute(
        select(decisions)
        .where(decisions.c.account_id == account_id, decisions.c.undone_at.is_(None))
        .order_by(decisions.c.decision_id.desc())
        .limit(1)
    ).first()
    return _decision(row) if row else None


def decision_of(connection: Connection, account_id: str, decision_id: int) -> MadeDecision | None:
    """A decision of an account by its id, or None where it is undone or not theirs."""
    row = connection.execute(
        select(decisions).where(
            decisions.c.decision_id == decision_id,
            decisions.c.account_id == account_id,
            decisions.c.undone_at.is_(None),
        )
    ).first()
    return _decision(row) if row else None


def made_with(connection: Connection, one: MadeDecision) -> list[MadeDecision]:
    """Every decision that was made as one with this, itself among them, newest first."""
    if not one.batch:
        return [one]
    rows = connection.execute(
        select(decisions)
        .where(decisions.c.account_id == one.account_id, decisions.c.undone_at.is_(None))
        .where(func.instr(decisions.c.before, json.dumps(one.batch)) > 0)
        .order_by(decisions.c.decision_id.desc())
    )
    return [other for other in map(_decision, rows) if other.batch == one.batch]


def set_undone(connection: Connection, decision_id: int, *, at: datetime) -> None:
    """Note that a decision was undone."""
    connection.execute(
        update(decisions)
        .where(decisions.c.decision_id == decision_id)
        .values(undone_at=at.isoformat())
    )


def forget_person(connection: Connection, person_id: str) -> None:
    """Delete what was decided about a person, and leave them out of what else is remembered."""
    connection.execute(delete(decisions).where(decisions.c.person_id == person_id))
    naming = select(decisions.c.decision_id, decisions.c.before).where(
        func.instr(decisions.c.before, person_id) > 0
    )
    for row in connection.execute(naming).all():
        written = json.loads(row.before)
        for part in ("links", "proposals", "made"):
            written[part] = [one for one in written[part] if one["person_id"] != person_id]
        connection.execute(
            update(decisions)
            .where(decisions.c.decision_id == row.decision_id)
            .values(before=json.dumps(written))
        )


def links_made_at(
    connection: Connection, photo_ids: Iterable[int], like: Collection[StoredLink]
) -> list[StoredLink]:
    """Links of some photos that were carried there from one of these decisions."""
    told = {_mark(row) for row in like}
    return [row for row in standing(connection, list(photo_ids)).links if _mark(row) in told]


def _mark(row: StoredLink) -> tuple[Any, ...]:
    link = row.link
    return link.person_id, link.decision, link.decided_by, link.score, row.decided_at


def _decision(row: Row[*tuple[Any, ...]]) -> MadeDecision:
    written = json.loads(row.before)
    return MadeDecision(
        decision_id=row.decision_id,
        account_id=row.account_id,
        face_id=row.face_id,
        person_id=row.person_id,
        did=row.decision,
        decided_at=datetime.fromisoformat(row.decided_at),
        before=Standing(
            found_with=dict(written["found_with"]),
            links=tuple(map(stored_link, written["links"])),
            proposals=tuple(map(_written_proposal, written["proposals"])),
        ),
        made=tuple(map(stored_link, written["made"])),
        batch=written["batch"],
    )


def _link_values(row: StoredLink) -> dict[str, Any]:
    link = row.link
    return {
        "face_id": link.face_id,
        "person_id": link.person_id,
        "photo_id": row.photo_id,
        "decision": link.decision,
        "score": link.score,
        "decided_by": link.decided_by,
        "decided_at": row.decided_at.isoformat(),
    }


def _proposal_values(row: ProposalRow) -> dict[str, Any]:
    proposal = row.proposal
    return {
        "face_id": proposal.face_id,
        "person_id": proposal.person_id,
        "photo_id": row.photo_id,
        "score": proposal.score,
        "proposed_at": row.proposed_at.isoformat(),
        "unsure_at": proposal.unsure_at.isoformat() if proposal.unsure_at else None,
    }


def _written_proposal(values: Any) -> ProposalRow:
    return ProposalRow(
        proposal=stored_proposal(values),
        photo_id=values["photo_id"],
        proposed_at=datetime.fromisoformat(values["proposed_at"]),
    )
