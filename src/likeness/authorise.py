"""Ask the owner of a site or bucket for a yes that can be checked, and check it.

The owner publishes a line with a token that only this library knows of. Without it nothing is
fetched from there, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from likeness.blocking import block_list, require_not_blocked
from likeness.errors import NotAuthorised, NotFound
from likeness.house import House
from likeness.records.authorisation import Authorisation
from likeness.sources.bucket.address import bucket_address, is_bucket_address
from likeness.sources.bucket.source import BucketSource
from likeness.sources.website.extra import require_extra
from likeness.sources.website.hosts import host_name
from likeness.sources.website.proof import (
    PROOF_PATH,
    PROOF_RECORD,
    Proof,
    check_proof,
    new_authorisation,
    new_token,
    proof_in,
    published_text,
)
from likeness.store import authorisations as rows

DAYS = 365
"""How long an authorisation lasts where nothing else is asked for."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the owner is asked to publish.

    Attributes
    ----------
    place : str
        The host, or the address of the bucket.
    line : str
        It holds the token: only the owner is to see it before it is published.
    record : str
        Name of the DNS record that may hold it; empty for a bucket.
    address : str
        Where else it may be: on the site, or the object in the bucket.
    expires_at : datetime
    """

    place: str
    line: str
    record: str
    address: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Seen:
    """That the owner said yes.

    Attributes
    ----------
    place : str
    method : str
        Where the line was found: ``"dns"``, ``"well-known"`` or ``"object"``.
    until : datetime
    """

    place: str
    method: str
    until: datetime


def ask(house: House, place: str, *, days: int = DAYS) -> Asked:
    """Make the line that a site's or bucket's owner publishes; one asked for before counts no more.

    Raises
    ------
    BadInput
        It is no host that somebody registered, or no bucket.
    Refused
        It is a platform whose users bring their exports.
    SourceBlocked
        A notice is about it.
    """
    now = house.clock()
    if is_bucket_address(place):
        bucket = bucket_address(place).root
        made = replace(
            new_authorisation("example.org", now=now, days=days), domain=bucket, token=new_token()
        )
        asked = Asked(
            place=bucket,
            line=published_text(made),
            record="",
            address=f"{bucket.rstrip('/')}{PROOF_PATH}",
            expires_at=made.expires_at,
        )
    else:
        require_extra()
        made = new_authorisation(place, now=now, days=days)
        asked = Asked(
            place=made.domain,
            line=published_text(made),
            record=f"{PROOF_RECORD}.{made.domain}",
            address=f"https://{made.domain}{PROOF_PATH}",
            expires_at=made.expires_at,
        )
    blocks = block_list(house)
    kind = "bucket" if is_bucket_address(made.domain) else "website"
    address = made.domain if kind == "bucket" else f"https://{made.domain}"
    with house.transaction() as connection:
        require_not_blocked(connection, blocks, kind=kind, address=address)
        rows.put_authorisation(connection, made)
        house.audit_deed(connection, kind="authorise", details={"did": "ask", "place": made.domain})
    return asked


def check(house: House, place: str) -> Seen:
    """Look whether the owner of a site says yes, now.

    Raises
    ------
    NotAuthorised
        The owner was not asked, or what they publish is not there, has ended or is another's.
    SourceBlocked
        A notice is about it.
    """
    if is_bucket_address(place):
        address = bucket_address(place)
        _require_not_blocked(house, kind="bucket", address=address.root)
        proofs: list[Proof] = []
        source = BucketSource(
            address,
            prove=lambda text: proofs.append(proved_in(house, address.root, text)),
            clock=house.clock,
        )
        source.prove()
        proof = proofs[-1]
    else:
        require_extra()
        host = host_name(place)
        _require_not_blocked(house, kind="website", address=f"https://{host}")
        proof = prove(house, host)
    return Seen(place=proof.domain, method=proof.method, until=proof.until)


def prove(house: House, host: str) -> Proof:
    """Evidence that a site's owner allows photos to be taken from it, looked for now.

    Raises
    ------
    NotAuthorised
        There is none.
    """
    proof = check_proof(house.network, _asked(house, host), house.clock())
    _note(house, proof)
    return proof


def proved_in(house: House, bucket: str, text: str) -> Proof:
    """Evidence in the text of a bucket's object that its holder allows photos to be taken from it.

    Raises
    ------
    NotAuthorised
        It is not in there, has ended or is another's.
    """
    proof = proof_in(text, _asked(house, bucket), house.clock())
    if proof is None:
        raise NotAuthorised(
            f"What {bucket}{PROOF_PATH} says does not authorise this library, or has ended.",
            f"Put the line there that this gives: likeness source authorise {bucket}",
        )
    _note(house, proof)
    return proof


def end(house: House, place: str) -> None:
    """Forget that an owner said yes: nothing more is fetched from there.

    Raises
    ------
    NotFound
        They were not asked.
    """
    name = bucket_address(place).root if is_bucket_address(place) else host_name(place)
    with house.transaction() as connection:
        if not rows.delete_authorisation(connection, name):
            raise NotFound(
                f"There is no authorisation for {name}.", "List them with: likeness source list"
            )
        house.audit_deed(connection, kind="authorise", details={"did": "end", "place": name})


def every(house: House) -> list[Authorisation]:
    """Every site and bucket whose owner was asked, by name."""
    with house.store.snapshot() as connection:
        return rows.all_authorisations(connection)


def _asked(house: House, place: str) -> Authorisation:
    with house.store.snapshot() as connection:
        found = rows.authorisation_of(connection, place)
    if found is None:
        raise NotAuthorised(
            f"The owner of {place} was not asked whether photos may be taken from there.",
            f"Ask them with: likeness source authorise {place}",
        )
    return found


def _require_not_blocked(house: House, *, kind: str, address: str) -> None:
    blocks = block_list(house)
    with house.store.snapshot() as connection:
        require_not_blocked(connection, blocks, kind=kind, address=address)


def _note(house: House, proof: Proof) -> None:
    with house.store.transaction() as connection:
        rows.set_checked(connection, proof.domain, at=proof.checked_at)
