"""Stop notice -> source blocked -> its sightings, orphaned photos and links gone -> receipt.

Somebody says stop: the owner of a site, the holder of an account, a person in a photo. From the
first transaction on nothing from there is shown, taken in or let back in. Files in a user's own
folder are never touched: the next scan of that folder passes them over.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Connection

from likeness.audit.commitment import NONCE_BYTES, commit
from likeness.blocking import block_list
from likeness.errors import LibraryBusy, LogTampered, NotFound, NotVerified, Refused, UsageError
from likeness.house import House, Progress, ProgressListener, new_id, no_progress
from likeness.notice_target import Target, target_again, target_of
from likeness.purge import purge
from likeness.records.notice import NoticeKind, NoticeTerms, StoredNotice
from likeness.rescan import rescan_where_possible
from likeness.sources.links import plain_text
from likeness.sources.website.lease import LEASE_SECONDS
from likeness.store import audit_log
from likeness.store import collections as collection_rows
from likeness.store import notices as notice_rows
from likeness.store.audit_log import Concerned
from likeness.store.authorisations import delete_authorisation, end_authorisations
from likeness.store.concerned import count_concerned
from likeness.store.notice_terms import committed_details, open_terms, seal_terms
from likeness.turns import taking_turns

SECONDS_FOR_RUNS = 60.0
"""How long to wait for a running import to end. It keeps nothing more however long it takes."""

SECONDS_FOR_LEASES = LEASE_SECONDS + 1.0
"""After how long nothing that crawls goes on without having asked whether it may."""


@dataclass(frozen=True, kw_only=True)
class GivenNotice:
    """What giving a notice gives.

    Attributes
    ----------
    notice_id, serial : str
        ``serial`` is that of the receipt.
    counts : dict of str to int
        What went, as in the receipt.
    receipt : bytes
        The signed receipt, as a file's content.
    lift_code : str
        For whoever gave it: with it, and nothing else, they can lift the block.
    opening : dict of str to str
        ``nonce`` in hex and ``details``, by which they can show what the receipt commits to.
    """

    notice_id: str
    serial: str
    counts: dict[str, int]
    receipt: bytes
    lift_code: str
    opening: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class KnownNotice:
    """A notice with what it says.

    Attributes
    ----------
    notice : StoredNotice
    terms : NoticeTerms
    """

    notice: StoredNotice
    terms: NoticeTerms


def unheard(_notice_id: str, _lift_code: str) -> None:
    """Tell nobody."""


def dry_run(house: House, *, kind: NoticeKind, about: str) -> dict[str, int]:
    """What a notice would take, in numbers; nothing is changed.

    Raises
    ------
    UsageError, NotFound
        As :func:`give_notice`.
    """
    with house.store.snapshot() as connection:
        target = target_of(connection, kind, about)
        counts = count_concerned(connection, target.keys, target.source_ids, target.contents)
    return {**counts, "sources_stopped": len(target.source_ids)}


def give_notice(
    house: House,
    *,
    kind: NoticeKind,
    about: str,
    given_by: str,
    reason: str,
    progress: ProgressListener = no_progress,
    begun: Callable[[str, str], None] = unheard,
) -> GivenNotice:
    """Stop what a notice is about, take it out, and give the receipt.

    Parameters
    ----------
    kind : NoticeKind
    about : str
        A domain, an address, the SHA-256 of a photo in hex, or the id of a source.
    given_by, reason : str
        Kept as ciphertext under a key of the notice's own.
    begun : callable
        Hears the notice's id and its lift code once it holds, before anything is deleted: should
        that break off, nothing else tells the code.

    Raises
    ------
    UsageError
        ``about`` is not what its kind says, or nothing says from whom it is.
    NotFound
        There is no such source.
    LogTampered
        The audit log is damaged: what the notice is about is gone, and its receipt waits.
    """
    code = secrets.token_urlsafe(16)
    with house.store.snapshot() as connection:
        target = target_of(connection, kind, about)
    terms = _terms(house.clock(), target, given_by=given_by, reason=reason, code=code)
    # (1) The notice is in the keyring, durable, before the data changes: no backup can undo it.
    notice = _kept_in_keyring(house, terms)
    # (2) One transaction: sources stopped, addresses on the block list, nothing from there shows.
    _stop(house, notice, terms)
    begun(notice.notice_id, code)
    progress(Progress(phase="purge", done=0, total=None))
    # (3) Imports and crawls that were running have ended.
    _wait_for_runs(house, notice.notice_id)
    with taking_turns(house, f"notice-{notice.notice_id}"):
        # (4) What came from there goes, resumably; the receipt.
        purged = purge(house, notice, terms, progress=progress)
    # (5) Photos that are held from elsewhere are compared anew with the people of those alone.
    rescan_where_possible(house, progress=progress)
    return GivenNotice(
        notice_id=notice.notice_id,
        serial=terms.serial,
        counts=purged.counts,
        receipt=purged.receipt,
        lift_code=code,
        opening={"nonce": terms.nonce, "details": committed_details(terms).decode()},
    )


def lift_notice(house: House, notice_id: str, *, code: str) -> None:
    """Undo a notice's block, by whoever gave it. What was purged stays gone.

    Raises
    ------
    NotFound
        There is no such notice.
    NotVerified
        The code is not the one that was given with the notice.
    Refused
        It was lifted before, or is still being carried out.
    """
    known = _known(house, notice_id)
    given = sha256(code.strip().encode("utf-8", "replace")).hexdigest()
    if not hmac.compare_digest(given, known.terms.code_digest):
        raise NotVerified(
            "That is not the code of this notice; nothing was lifted.",
            "Whoever gave the notice has the code that came with it.",
        )
    if known.notice.state != "done":
        state = "was lifted before" if known.notice.state == "lifted" else "is being carried out"
        raise Refused(f"The notice {state}.", "See: likeness notices")
    house.keyring.keep_lifted(notice_id)
    _lift(house, notice_id, known.terms)


def known_notices(house: House) -> list[KnownNotice]:
    """Every notice, newest first."""
    with house.store.snapshot() as connection:
        found = notice_rows.all_notices(connection)
    return [KnownNotice(notice=notice, terms=_opened(house, notice)) for notice in found]


def finish_notices(house: House) -> int:
    """Carry out notices that a crash interrupted or a restored backup undid; returns how many.

    The keyring is read first: what another process gives right now is in it before the data.
    """
    kept = house.keyring.notices()
    with house.store.snapshot() as connection:
        held = {notice.notice_id for notice in notice_rows.all_notices(connection)}
    for notice_id, one in kept.items():
        if notice_id not in held:
            terms = open_terms(one.sealed, notice_id=notice_id, key=house.keyring.key(notice_id))
            _stop(house, _notice(notice_id, terms, one.sealed), terms)
    with house.store.snapshot() as connection:
        begun = [n for n in notice_rows.all_notices(connection) if n.state == "purging"]
    finished = 0
    for notice in begun:
        turn = taking_turns(house, f"notice-{notice.notice_id}", wait=False)
        # Gone it is; a receipt that cannot be signed under a damaged log waits.
        with suppress(LibraryBusy, LogTampered), turn:
            purge(house, notice, _opened(house, notice), progress=no_progress)
            finished += 1
    # What a notice purged stays gone also where it was lifted since: its block goes after that.
    with house.store.snapshot() as connection:
        done = [n for n in notice_rows.all_notices(connection) if n.state == "done"]
    for notice in done:
        if notice.notice_id in kept and kept[notice.notice_id].lifted:
            with suppress(LogTampered):
                _lift(house, notice.notice_id, _opened(house, notice))
    return finished


def _terms(now: datetime, target: Target, *, given_by: str, reason: str, code: str) -> NoticeTerms:
    who = plain_text(given_by)
    if not who:
        raise UsageError("Nothing says from whom the notice is.", "Give --from WHO.")
    return NoticeTerms(
        kind=target.kind,
        about=target.about,
        given_by=who,
        reason=plain_text(reason),
        given_at=now,
        serial=secrets.token_hex(8),
        contents=target.contents,
        source=target.source,
        code_digest=sha256(code.encode()).hexdigest(),
        nonce=secrets.token_bytes(NONCE_BYTES).hex(),
    )


def _kept_in_keyring(house: House, terms: NoticeTerms) -> StoredNotice:
    notice_id = new_id("n")
    house.keyring.create_key(notice_id)
    sealed = seal_terms(terms, notice_id=notice_id, key=house.keyring.key(notice_id))
    house.keyring.keep_notice(notice_id, sealed)
    return _notice(notice_id, terms, sealed)


def _notice(notice_id: str, terms: NoticeTerms, sealed: bytes) -> StoredNotice:
    return StoredNotice(
        notice_id=notice_id,
        kind=terms.kind,
        state="purging",
        given_at=terms.given_at,
        done_at=None,
        lifted_at=None,
        serial=terms.serial,
        sealed=sealed,
        commitment=commit(bytes.fromhex(terms.nonce), committed_details(terms)),
        counts={},
    )


def _stop(house: House, notice: StoredNotice, terms: NoticeTerms) -> None:
    """Hide and block, in one transaction. No damage to the audit log stands in its way."""
    blocks = block_list(house)
    marks = blocks.of_terms(terms)
    now = house.clock()
    details = {"at": now.isoformat(), "did": "notice", "notice": notice.notice_id}
    concerned = [
        Concerned(subject_id=house.account.account_id, details=details),
        Concerned(subject_id=notice.notice_id, details=details),
    ]
    try:
        with house.transaction() as connection:
            if _put(connection, notice, terms, marks):
                audit_log.append(
                    connection, house.keyring, kind="stop", at=now, concerned=concerned
                )
    except LogTampered:
        with house.store.transaction() as connection:
            _put(connection, notice, terms, marks)


def _put(
    connection: Connection, notice: StoredNotice, terms: NoticeTerms, marks: list[bytes]
) -> bool:
    """Keep a notice and what it stops; False where another process did, as when it opened."""
    if notice_rows.notice_by_id(connection, notice.notice_id) is not None:
        return False
    target = target_again(connection, terms)
    low, high = target.keys or (None, None)
    notice_rows.insert_notice(connection, notice, low_key=low, high_key=high)
    notice_rows.put_blocks(connection, notice.notice_id, marks)
    notice_rows.stop_sources(connection, notice.notice_id, target.source_ids)
    notice_rows.stop_photos(connection, target.contents)
    # One address alone is no site.
    if target.keys is not None and terms.kind != "url":
        end_authorisations(connection, target.keys)
    for source_id in target.source_ids:
        source = collection_rows.require_source(connection, source_id)
        if source.kind in ("website", "bucket"):
            delete_authorisation(connection, source.address.removeprefix("https://"))
    return True


def _lift(house: House, notice_id: str, terms: NoticeTerms) -> None:
    marks = block_list(house).of_terms(terms)
    with house.transaction() as connection:
        heir = notice_rows.notice_with(connection, marks, other_than=notice_id)
        notice_rows.set_lifted(connection, notice_id, at=house.clock(), heir=heir)
        house.audit_deed(connection, kind="stop", details={"did": "lift", "notice": notice_id})


def _wait_for_runs(house: House, notice_id: str) -> None:
    with house.store.snapshot() as connection:
        stopped = notice_rows.stopped_by(connection, notice_id)
        every = collection_rows.all_sources(connection)
    # What crawls a manifest may have asked a host whose authorisation ended: then it ends, and
    # whatever else crawls has asked anew whether it may.
    crawling = [one.source_id for one in every if one.kind == "iiif" and one.state == "active"]
    now = time.monotonic()
    _wait_for_turns(house, stopped, until=now + SECONDS_FOR_RUNS)
    _wait_for_turns(house, crawling, until=now + SECONDS_FOR_LEASES)


def _wait_for_turns(house: House, source_ids: Iterable[str], *, until: float) -> None:
    for source_id in source_ids:
        while time.monotonic() < until:
            try:
                with taking_turns(house, f"add-{source_id}", wait=False):
                    break
            except LibraryBusy:
                time.sleep(0.05)


def _known(house: House, notice_id: str) -> KnownNotice:
    with house.store.snapshot() as connection:
        notice = notice_rows.notice_by_id(connection, notice_id)
    if notice is None:
        raise NotFound(f"There is no notice {notice_id!r}.", "List them with: likeness notices")
    return KnownNotice(notice=notice, terms=_opened(house, notice))


def _opened(house: House, notice: StoredNotice) -> NoticeTerms:
    key = house.keyring.key(notice.notice_id)
    return open_terms(notice.sealed, notice_id=notice.notice_id, key=key)
