"""One call of a command: which library, who is acting, and how the answer is given."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from likeness.errors import UsageError

if TYPE_CHECKING:
    from likeness.library import Library

LIBRARY_VARIABLE = "LIKENESS_LIBRARY"
ACCOUNT_VARIABLE = "LIKENESS_ACCOUNT"


@dataclass(frozen=True, kw_only=True)
class Call:
    """What a command was called with, besides its own arguments.

    Attributes
    ----------
    name : str
        The command as in the schema of its answer, such as ``"consent.show"``.
    library : Path or None
    account : str
    as_json : bool
    verbose : bool
    """

    name: str
    library: Path | None
    account: str
    as_json: bool
    verbose: bool = False

    def place(self) -> Path:
        """The library's folder.

        Raises
        ------
        UsageError
            Nothing says which.
        """
        if self.library is not None:
            return self.library
        named = os.environ.get(LIBRARY_VARIABLE)
        if named:
            return Path(named)
        here = Path.cwd()
        if (here / "library.toml").is_file():
            return here
        raise UsageError(
            "Nothing says which library.",
            f"Give --library DIR, or set {LIBRARY_VARIABLE}; a new one is made by: "
            "likeness init DIR",
        )

    @contextmanager
    def opened(self) -> Iterator[Library]:
        """The library, open as the acting account."""
        from likeness.library import Library

        with Library.open(self.place(), account=self.account) as library:
            yield library

    def answer(self, fields: Mapping[str, Any], say: Callable[[], None]) -> None:
        """Give the answer: ``fields`` as one JSON object, or what ``say`` writes."""
        if self.as_json:
            write_json(self.name, fields)
        else:
            say()


def call_of(
    context: typer.Context,
    *,
    library: Path | None = None,
    account: str | None = None,
    as_json: bool = False,
    verbose: bool = False,
) -> Call:
    """The call behind a context; options given before the command count where none came after."""
    before = context.find_root().params
    words = context.command_path.split()[1:]
    return Call(
        name=".".join(words),
        library=library or before.get("library"),
        account=account or before.get("account") or os.environ.get(ACCOUNT_VARIABLE) or "owner",
        as_json=as_json or bool(before.get("as_json")),
        verbose=verbose,
    )


def write_json(name: str, fields: Mapping[str, Any]) -> None:
    """Write one object on one line, in ASCII, so that nothing in it controls a terminal."""
    document = {"schema": f"likeness.{name}/1", **fields}
    sys.stdout.write(json.dumps(document, separators=(",", ":")) + "\n")
