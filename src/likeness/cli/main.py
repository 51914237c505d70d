"""The entry point: builds the commands, runs one, and maps every error to an exit code once."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from likeness import __version__
from likeness.cli import (
    accounts,
    audit,
    benches,
    collections,
    consent,
    copies,
    enrol,
    evaluate,
    extras,
    filters,
    invitations,
    libraries,
    models,
    notices,
    people,
    photos,
    receipts,
    review,
    search,
    serve,
    sources,
    stopping,
)
from likeness.cli.errors import (
    INTERRUPTED,
    USAGE,
    asks_for_json,
    report,
    report_interrupted,
    report_unexpected,
    report_usage,
)
from likeness.cli.options import AccountOption, JsonOption, LibraryOption
from likeness.cli.screen import say
from likeness.errors import LikenessError

BROKEN_PIPE = 141
COMPLETION_VARIABLE = "_LIKENESS_COMPLETE"


def application() -> typer.Typer:
    """Every command, in the order of the help."""
    app = typer.Typer(
        name="likeness",
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for part in (
        libraries,
        accounts,
        collections,
        photos,
        enrol,
        invitations,
        consent,
        people,
        search,
        filters,
        review,
        copies,
        stopping,
        sources,
        notices,
        receipts,
        audit,
        models,
        evaluate,
        benches,
        serve,
        extras,
    ):
        part.register(app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of this process where absent.

    Returns
    -------
    int
        The exit code: 0 done, 1 nobody found, 2 usage, 3 refused, 4 bad input, 5 not verified,
        6 storage; 130 interrupted, 70 a defect.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the encoding lacks is escaped, rather than the end of the answer.
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(given, as_json=asks_for_json(given))
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the answer has gone. Python would complain once more while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    return code


def _run(given: list[str], *, as_json: bool) -> int:
    command = typer.main.get_command(application())
    try:
        code = command.main(args=given, prog_name="likeness", standalone_mode=False)
    except LikenessError as error:
        return report(error, as_json=as_json)
    except typer.TyperException as error:
        return report_usage(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return report_interrupted(as_json=as_json)
    except SystemExit as ended:
        if COMPLETION_VARIABLE in os.environ:
            raise
        # Typer leaves like this where the reader of standard output has gone.
        raise BrokenPipeError from ended
    except BrokenPipeError:
        raise
    except Exception as error:
        return report_unexpected(error, as_json=as_json)
    if code == INTERRUPTED:
        return report_interrupted(as_json=as_json)
    return code if isinstance(code, int) else 0


def _root(
    context: typer.Context,
    library: LibraryOption = None,
    account: AccountOption = None,
    as_json: JsonOption = False,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    """Face search that only finds people who said yes.

    Exit codes: 0 done, 1 nobody found, 2 usage, 3 refused, 4 bad input, 5 not verified, 6 storage.
    """
    if context.invoked_subcommand is not None:
        return
    if version:
        say(__version__)
        raise typer.Exit
    typer.echo(context.get_help())
    raise typer.Exit(USAGE)


if __name__ == "__main__":
    sys.exit(main())
