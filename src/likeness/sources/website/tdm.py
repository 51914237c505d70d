"""The file of the TDM Reservation Protocol, ``/.well-known/tdmrep.json``.

Source: TDM Reservation Protocol, final report of the W3C community group, 10 May 2024, section "TDM
File on the Origin Server": an array of rules with ``location`` (a pattern of a path, as in
robots.txt), ``tdm-reservation`` (0 or 1) and ``tdm-policy``; the first rule in sequence that
matches holds. The report takes a file that cannot be read for none, and a value that is neither for
unset; here both refuse.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from likeness.sources.links import address_problem
from likeness.sources.website.path_patterns import PathPattern, has_dot_segments, spellings
from likeness.sources.website.signals import Allowed, Refusal, SignalRefused

MAX_TDM_BYTES = 500 * 1024
"""A longer file refuses everything."""

_SIGNAL = "tdm-reservation"
_ABSENT = frozenset({404, 410})
_MOST_RULES = 1000


@dataclass(frozen=True, kw_only=True)
class _Rule:
    pattern: PathPattern
    reserved: bool


@dataclass(frozen=True, kw_only=True)
class TdmRules:
    """What the file of one origin (scheme, host and port) reserves.

    Attributes
    ----------
    refusal : Refusal or None
        Set where everything is refused, whatever the address.
    """

    refusal: Refusal | None = None
    _rules: tuple[_Rule, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, status: int | None, body: bytes) -> TdmRules:
        """Read an answer to ``GET /.well-known/tdmrep.json``. What cannot be read refuses.

        Parameters
        ----------
        status : int or None
            Of the last answer after redirects; None where there was none. 404 and 410 mean that
            nothing is reserved here.
        body : bytes
            What came with it, whole or cut after `MAX_TDM_BYTES`.
        """
        if status in _ABSENT:
            return cls()
        try:
            return cls(_rules=_read(status, body))
        except _Unreadable as error:
            return cls(refusal=Refusal(signal=_SIGNAL, where="site", reason=str(error)))

    def permit(self, url: str) -> Allowed:
        """Return evidence that the first rule that matches an address, if any, does not reserve it.

        Raises
        ------
        SignalRefused
            If it is reserved, or the file could not be read.
        """
        if self.refusal is not None:
            raise SignalRefused(self.refusal)
        if address_problem(url) or has_dot_segments(url):
            raise _refused("the address cannot be matched against tdmrep.json")
        because = "no rule of tdmrep.json matches it"
        for spelling in spellings(url):
            first = next((rule for rule in self._rules if rule.pattern.matches(spelling)), None)
            if first is not None and first.reserved:
                raise _refused("the rights to mine it are reserved (tdmrep.json)")
            if first is not None:
                because = "tdmrep.json does not reserve it"
        return Allowed(signal=_SIGNAL, url=url, because=because)


class _Unreadable(Exception):
    """What is wrong with a file, in a few words."""


def _read(status: int | None, body: bytes) -> tuple[_Rule, ...]:
    if status is None:
        raise _Unreadable("tdmrep.json could not be reached")
    if status != 200:
        raise _Unreadable(f"tdmrep.json answered with status {status:d}")
    if len(body) > MAX_TDM_BYTES:
        raise _Unreadable(f"tdmrep.json is longer than {MAX_TDM_BYTES:,} bytes")
    try:
        content = json.loads(body.decode("utf-8-sig"))
    # Deep nesting raises the second; numbers of thousands of digits, and bytes that are not UTF-8,
    # the first.
    except (ValueError, RecursionError):
        raise _Unreadable("tdmrep.json is not JSON") from None
    if not isinstance(content, list) or len(content) > _MOST_RULES:
        raise _Unreadable(f"tdmrep.json is not a list of at most {_MOST_RULES:,} rules")
    return tuple(_rule(each) for each in content)


def _rule(entry: object) -> _Rule:
    location = entry.get("location") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(location, str):
        raise _Unreadable("tdmrep.json has a rule without a location")
    try:
        pattern = PathPattern.of(location.strip())
    except ValueError:
        raise _Unreadable("tdmrep.json has a location that is not a path") from None
    value = entry.get("tdm-reservation")
    # `False == 0` and `0.0 == 0` in Python; neither is what the report writes.
    free = value == "0" or (type(value) is int and value == 0)
    return _Rule(pattern=pattern, reserved=not free)


def _refused(reason: str) -> SignalRefused:
    return SignalRefused(Refusal(signal=_SIGNAL, where="page", reason=reason))
