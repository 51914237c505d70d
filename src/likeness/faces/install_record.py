"""Which packs somebody installed on this machine, and which licences they accepted for it.

It names packs, licences and times, and nobody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from likeness.errors import StorageError
from likeness.faces.pack_store import models_folder, storage_errors, write_whole


@dataclass(frozen=True, kw_only=True)
class Installed:
    """That a pack was installed.

    Attributes
    ----------
    at : datetime
        When, in UTC.
    accepted : dict of SPDX identifier to datetime
        Licences that were accepted by name for this pack, and when.
    """

    at: datetime
    accepted: Mapping[str, datetime]


def _place() -> Path:
    return models_folder() / "installed.json"


def installed_packs() -> dict[str, Installed]:
    """What was installed, by the pack's name.

    Raises
    ------
    StorageError
        The record is not readable or damaged.
    """
    with storage_errors():
        try:
            text = _place().read_bytes()
        except FileNotFoundError:
            return {}
    try:
        content = json.loads(text)
        return {
            str(name): Installed(
                at=datetime.fromisoformat(entry["at"]),
                accepted={
                    str(licence): datetime.fromisoformat(when)
                    for licence, when in entry["accepted"].items()
                },
            )
            for name, entry in content["packs"].items()
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise StorageError(
            f"{_place()} is damaged.", "Delete it, and install again the packs that you use."
        ) from None


def note_installed(name: str, *, accepted: frozenset[str]) -> None:
    """Note that a pack was installed, and licences that were accepted for it now.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    now = datetime.now(UTC)
    packs = installed_packs()
    before = packs.get(name, Installed(at=now, accepted={}))
    new = {licence: now for licence in sorted(accepted) if licence not in before.accepted}
    _write({**packs, name: Installed(at=before.at, accepted={**before.accepted, **new})})


def forget_installed(name: str) -> None:
    """Note that a pack was removed, and take back what was accepted for it.

    Raises
    ------
    StorageError
        It cannot be written.
    """
    packs = installed_packs()
    if packs.pop(name, None) is not None:
        _write(packs)


def _write(packs: Mapping[str, Installed]) -> None:
    content = {
        name: {
            "at": entry.at.isoformat(timespec="seconds"),
            "accepted": {
                licence: when.isoformat(timespec="seconds")
                for licence, when in entry.accepted.items()
            },
        }
        for name, entry in sorted(packs.items())
    }
    with storage_errors():
        write_whole(_place(), json.dumps({"packs": content}, indent=1).encode("ascii") + b"\n")
