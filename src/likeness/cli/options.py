"""Options that many commands share, so that each reads the same everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        metavar="DIR",
        help="The library. Else LIKENESS_LIBRARY, else the folder you are in.",
    ),
]
AccountOption = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="NAME", help="Who is acting. Else LIKENESS_ACCOUNT, else owner."
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", help="Answer with one JSON object; progress goes to standard error."),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Show scores and checksums too.")
]
CollectionOption = Annotated[
    str | None,
    typer.Option(
        "--collection", metavar="NAME", help="The collection; needed where there are several."
    ),
]
WithinOption = Annotated[
    str | None,
    typer.Option("--collection", metavar="NAME", help="Only in this collection."),
]
CollectionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--collection",
        metavar="NAME",
        help="A collection that the consent covers; give it again for more.",
    ),
]
PersonArgument = Annotated[
    str, typer.Argument(metavar="PERSON", help="Id, or the name of somebody whom you may find.")
]
AudienceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--audience",
        metavar="ACCOUNT",
        help="An account that may search there; give it again for more.",
    ),
]
ReceiptOption = Annotated[
    Path | None,
    typer.Option(
        "--receipt",
        metavar="FILE",
        help="Where to write the receipt; else likeness-receipt-SERIAL.json here.",
    ),
]
