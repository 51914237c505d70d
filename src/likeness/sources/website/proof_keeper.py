"""Keeps a proof fresh while a crawl runs, and says when there is none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from likeness.errors import NotAuthorised
from likeness.sources.website.proof import PROOF_LASTS, Proof

LOOK_AGAIN_AFTER = PROOF_LASTS - timedelta(hours=1)
"""So early that the next proof is there before the last one is too old."""


class ProofKeeper:
    """The proof for one host.

    Parameters
    ----------
    check : callable
        Looks for the proof now and returns it, as `proof.check_proof` does, or raises.
    clock : callable
        Returns the time, aware.
    """

    def __init__(self, check: Callable[[], Proof], clock: Callable[[], datetime]) -> None:
        self._check = check
        self._clock = clock
        self._proof: Proof | None = None
        self._failed: Exception | None = None
        self._checking: threading.Thread | None = None

    def begin(self, domain: str) -> Proof:
        """Look for the proof, whatever was found before; to be done before the first request.

        Raises
        ------
        NotAuthorised
            If there is none for this very host.
        """
        self._failed = None
        self._proof = self._checked(domain)
        return self._proof

    def require(self) -> None:
        """Say no where there is no live proof; look for it again when it is nearly a day old.

        Returns at once: a look takes its time in a thread of its own.

        Raises
        ------
        NotAuthorised
            If the last look found none, or the last proof is too old or has ended.
        """
        proof, now = self._proof, self._clock()
        if self._failed is not None:
            raise self._failed
        if proof is None or not proof.holds(now):
            raise NotAuthorised(
                "The proof that the owner allows this has ended, or is older than a day.",
                "See likeness source, and ask the owner to publish it again.",
            )
        due = now - proof.checked_at >= LOOK_AGAIN_AFTER
        if due and (self._checking is None or not self._checking.is_alive()):
            self._checking = threading.Thread(
                target=self._look_again, args=(proof.domain,), name="likeness-proof", daemon=True
            )
            self._checking.start()

    def _look_again(self, domain: str) -> None:
        try:
            self._proof = self._checked(domain)
        except Exception as error:
            self._failed = error

    def _checked(self, domain: str) -> Proof:
        proof = self._check()
        if proof.domain != domain or not proof.holds(self._clock()):
            raise NotAuthorised(
                f"What was found is no live proof for {domain}.",
                "Authorise this host by its own name.",
            )
        return proof
