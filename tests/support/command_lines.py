"""Commands as documents and the demo show them, parsed as the command line would."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Any

import typer

from likeness.cli.main import application


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A command that the command line takes: its path, and what each parameter becomes."""

    path: str
    params: dict[str, Any]


def joined(lines: str) -> list[str]:
    """Lines to type, each continued one as one."""
    return [line.strip() for line in lines.replace("\\\n", " ").splitlines() if line.strip()]


def parse(words: list[str]) -> Parsed:
    """Parse ``likeness ...`` without running it.

    Raises
    ------
    typer.TyperException
        Where the command line would refuse it.
    """
    assert words[0] == "likeness", words
    command: Any = typer.main.get_command(application())
    name, rest, above = words[0], words[1:], None
    while True:
        context = command.make_context(name, rest, parent=above)
        if not hasattr(command, "commands"):
            return Parsed(path=context.command_path, params=dict(context.params))
        rest = [*context._protected_args, *context.args]
        assert rest, f"{shlex.join(words)} names no command"
        above = context
        name, command, rest = command.resolve_command(context, rest)
