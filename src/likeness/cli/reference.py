"""The reference of the command line, written from the commands themselves.

python -m likeness.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

import typer

from likeness.cli.main import application

_PREFACE = """\
# The command line

<!-- Written by: python -m likeness.cli.reference > docs/reference/cli.md -->

Every command takes `--library DIR` (or `LIKENESS_LIBRARY`, or the folder you are in) and
`--account NAME` (or `LIKENESS_ACCOUNT`); these two and `--json` may stand before the command as
well. Where it makes sense there is `--collection NAME`.

With `--json` a command writes exactly one object on standard output, on one line and in ASCII, with
`"schema": "likeness.COMMAND/1"`; a command of two words has a dot between them, such as
`likeness.consent.show/1`. Progress goes to standard error. Fields are added over time and never
taken away. The schemas are in [schemas](schemas/). An error is one object too, `likeness.error/1`,
with the same exit code as without `--json`.

| exit code | |
|---|---|
| 0 | done |
| 1 | nobody found: nobody who consented matches |
| 2 | usage: the call is off |
| 3 | refused: consent, audience, a limit or a model pack says no |
| 4 | bad input: a file, photo or record cannot be used, or there is no such thing |
| 5 | not verified: a proof does not hold |
| 6 | storage: the library, the keyring or the disk |
| 70 | a defect of Likeness; `LIKENESS_DEBUG=1` shows where |
| 130 | interrupted; what was done is kept |
| 141 | whoever read the answer went away |

Names, captions and paths come from outside. Every character of them that would control a terminal,
or that nobody could see, is written as an escape such as `\\x1b`.
"""

_GLOBAL = frozenset({"--library", "--account", "--json"})


def reference() -> str:
    """The reference as Markdown."""
    root: Any = typer.main.get_command(application())
    parts = [_PREFACE]
    for path, command in _commands(root, ()):
        parts.append(_section(path, command))
    return "\n".join(parts)


def command_names() -> list[str]:
    """Every command, as in the schema of its answer, in the order of the help."""
    root: Any = typer.main.get_command(application())
    return [".".join(path) for path, _ in _commands(root, ())]


def _commands(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


def _section(path: tuple[str, ...], command: Any) -> str:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    own = [p for p in options if p.opts[0] not in _GLOBAL]
    shared = [p.opts[0] for p in options if p.opts[0] in _GLOBAL]
    usage = " ".join(["likeness", *path, *(_name(p) for p in arguments)])
    wanted = " ".join(f"{p.opts[0]} {p.metavar}" for p in own if p.required)
    lines = [f"## {' '.join(path)}", "", f"    {usage} {wanted}".rstrip(), ""]
    lines += [inspect.cleandoc(command.help or ""), ""]
    rows = [(_name(p), p.help) for p in arguments if p.help]
    rows += [(_option(p), _meaning(p)) for p in own]
    if rows:
        lines += ["| | |", "|---|---|", *(f"| `{_cell(a)}` | {_cell(b)} |" for a, b in rows), ""]
    lines += [f"Also: {', '.join(f'`{option}`' for option in shared)}.", ""] if shared else []
    return "\n".join(lines)


def _name(parameter: Any) -> str:
    name = str(parameter.metavar or parameter.name.upper())
    return f"[{name}]..." if parameter.nargs == -1 else name


def _option(parameter: Any) -> str:
    names = ", ".join(parameter.opts)
    return f"{names} {parameter.metavar}" if parameter.metavar else names


def _meaning(parameter: Any) -> str:
    return (parameter.help or "") + (" Required." if parameter.required else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(reference())
