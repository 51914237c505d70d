"""The one place where an error becomes a sentence, or an object, and an exit code."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from likeness.cli.call import write_json
from likeness.cli.screen import note
from likeness.errors import LikenessError, StorageError

USAGE = 2
INTERRUPTED = 130
UNEXPECTED = 70
"""Exit code of a defect, apart from all that mean something about the library."""

DEBUG_VARIABLE = "LIKENESS_DEBUG"

_TELLING = (("boxes", "boxes"), ("person_id", "person"), ("reason", "reason"))
_PROVING = (("fingerprint", "fingerprint"), ("index", "index"))


def report(error: LikenessError, *, as_json: bool) -> int:
    """Say what happened and what to do; returns the exit code."""
    further = {
        name: getattr(error, attribute)
        for attribute, name in (*_TELLING, *_PROVING)
        if hasattr(error, attribute)
    }
    _write(_snake(type(error).__name__), error.what, error.fix, as_json=as_json, further=further)
    if not as_json:
        for number, (left, top, right, bottom) in enumerate(further.get("boxes", ()), 1):
            note(f"  {number}: from ({left}, {top}) to ({right}, {bottom})")
        if "fingerprint" in further:
            note(f"Fingerprint of the signer: {further['fingerprint']}")
    return error.exit_code


def report_usage(error: typer.TyperException, *, as_json: bool) -> int:
    """Say how a call was off, and where its help is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "likeness"
    what = " ".join(error.format_message().replace("Value error, ", "").split())
    what = f"{path}: {what}" if path != "likeness" else what
    _write("usage_error", _sentence(what), f"See: {path} --help", as_json=as_json)
    return USAGE


def report_interrupted(*, as_json: bool) -> int:
    """Say what an interrupt left behind."""
    _write(
        "interrupted",
        "Interrupted.",
        "What was done is kept; run it again to go on.",
        as_json=as_json,
    )
    return INTERRUPTED


def report_unexpected(error: Exception, *, as_json: bool) -> int:
    """Say that something failed which nothing here foresaw, without what it was working on."""
    if os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error)
    if isinstance(error, OSError) and error.strerror:
        failed = StorageError(
            f"The system refused something: {error.strerror}.",
            "Check the disk and its permissions; what was done is kept.",
        )
        return report(failed, as_json=as_json)
    _write(
        "unexpected_error",
        f"Likeness failed in a way that it does not know ({type(error).__name__}).",
        f"What was done is kept. Please report it, with what {DEBUG_VARIABLE}=1 shows.",
        as_json=as_json,
    )
    return UNEXPECTED


def asks_for_json(arguments: Sequence[str]) -> bool:
    """Whether ``--json`` is among the arguments, also where these cannot be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def _write(
    error: str, what: str, fix: str, *, as_json: bool, further: dict[str, Any] | None = None
) -> None:
    sys.stdout.flush()
    if as_json:
        write_json("error", {"error": error, "message": what, "fix": fix, **(further or {})})
    else:
        note(f"{what} {fix}".strip())


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."
