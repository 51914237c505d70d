"""A leaf of the audit log: what kind of thing happened, in which hour, and commitments to the rest.

A leaf holds nothing about anybody, so that erasing a person never has to touch the log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from likeness.audit.commitment import is_hex_digest
from likeness.errors import BadInput, UsageError

MAX_COMMITMENTS = 4096
"""The most commitments in one leaf; whoever has more to say appends several leaves."""

_FORMAT = "likeness.leaf/1"
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)
_HOUR_FORMAT = "%Y-%m-%dT%HZ"


def whole_hour(moment: datetime) -> datetime:
    """Return the hour, in UTC, that an aware moment falls into.

    Raises
    ------
    UsageError
        The moment has no time zone.
    """
    if moment.tzinfo is None:
        raise UsageError("A moment in the audit log has no time zone.", "Give it one.")
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """One entry of the audit log.

    Attributes
    ----------
    kind : str
        A short word for what happened, such as ``"search"``: lower-case letters, digits and ``_``.
    hour : datetime
        When, aware, in UTC, a whole hour.
    commitments : tuple of str
        One of 64 hex digits for each person concerned and one for the actor, in the caller's order.
    digest : str
        SHA-256, in hex, of a document that belongs to the entry and that anyone may see, such as
        the body of a receipt; empty where there is none.
    """

    kind: str
    hour: datetime
    commitments: tuple[str, ...] = ()
    digest: str = ""

    def __post_init__(self) -> None:
        """Refuse what has no canonical bytes.

        Raises
        ------
        UsageError
            A part is not of the form described above.
        """
        if not _KIND.fullmatch(self.kind):
            raise UsageError("The kind of a leaf is not a short lower-case word.")
        if self.hour != whole_hour(self.hour) or self.hour.utcoffset() != timedelta(0):
            raise UsageError("The hour of a leaf is not a whole hour in UTC.")
        if self.hour.year < 1000:
            raise UsageError("The hour of a leaf lies before the year 1000.")
        if len(self.commitments) > MAX_COMMITMENTS:
            raise UsageError(
                f"A leaf has {len(self.commitments)} commitments, at most {MAX_COMMITMENTS} fit.",
                "Append several leaves.",
            )
        if not all(is_hex_digest(commitment) for commitment in self.commitments):
            raise UsageError("A commitment in a leaf is not 64 lower-case hex digits.")
        if self.digest and not is_hex_digest(self.digest):
            raise UsageError("The digest in a leaf is not 64 lower-case hex digits.")

    def to_bytes(self) -> bytes:
        """Return the one canonical encoding: ASCII lines, each ended by a line feed.

        They are the format's name, the kind, the hour (``2025-01-31T07Z``), the digest or ``-``,
        and the commitments.
        """
        lines = (
            _FORMAT,
            self.kind,
            self.hour.strftime(_HOUR_FORMAT),
            self.digest or "-",
            *self.commitments,
        )
        return ("\n".join(lines) + "\n").encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> Leaf:
        """Read a canonical encoding, and nothing that merely resembles one.

        Raises
        ------
        BadInput
            The bytes are not the canonical encoding of any leaf.
        """
        try:
            name, kind, hour, digest, *commitments, end = data.decode("ascii").split("\n")
            leaf = cls(
                kind=kind,
                hour=datetime.strptime(hour, _HOUR_FORMAT).replace(tzinfo=UTC),
                commitments=tuple(commitments),
                digest="" if digest == "-" else digest,
            )
        except (ValueError, UsageError) as error:
            raise BadInput("A leaf of the audit log is not in canonical form.") from error
        if name != _FORMAT or end or leaf.to_bytes() != data:
            raise BadInput("A leaf of the audit log is not in canonical form.")
        return leaf
