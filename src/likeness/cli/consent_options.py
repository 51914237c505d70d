"""Options that say what a person agreed to. None of them has a default that allows anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PhotoArgument = Annotated[list[str] | None, typer.Argument(metavar="PHOTO", help="Further photos.")]
PhotoOption = Annotated[
    list[str] | None,
    typer.Option(
        "--photo",
        metavar="FILE...",
        help="A photo of the person alone; several after one another, or the option again.",
    ),
]
PurposeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--purpose",
        metavar="find_me|be_found|publish",
        help="What they agreed to; give it again for more.",
    ),
]
BasisOption = Annotated[
    str | None,
    typer.Option(
        "--basis", metavar="consent|guardian_consent|estate", help="What the consent rests on."
    ),
]
HowOption = Annotated[
    str | None,
    typer.Option(
        "--how", metavar="self|attested", help="By the person, or attested by an operator."
    ),
]
BirthDateOption = Annotated[
    str | None,
    typer.Option("--birth-date", metavar="YYYY-MM-DD", help="Kept under their own key."),
]
AdultOption = Annotated[
    bool, typer.Option("--adult", help="The person is 18 or over; else give --birth-date.")
]
StatementOption = Annotated[
    str, typer.Option("--statement", metavar="TEXT", help="How an attested consent was given.")
]
DocumentOption = Annotated[
    Path | None,
    typer.Option("--document", metavar="FILE", help="A signed document; only its SHA-256 is kept."),
]
GuardianOption = Annotated[
    str | None,
    typer.Option("--guardian", metavar="NAME", help="Who consents for somebody under 18."),
]
RelationOption = Annotated[
    str, typer.Option("--relation", metavar="TEXT", help="The guardian's, such as mother.")
]
RepresentativeOption = Annotated[
    str | None,
    typer.Option("--representative", metavar="NAME", help="Who speaks for an estate."),
]
DiedOnOption = Annotated[
    str | None, typer.Option("--died-on", metavar="YYYY-MM-DD", help="For an estate.")
]
ExpiresOption = Annotated[
    str | None,
    typer.Option(
        "--expires", metavar="YYYY-MM-DD", help="The last day; two years on where absent."
    ),
]
DifferentPersonOption = Annotated[
    bool,
    typer.Option(
        "--different-person", help="They look like somebody enrolled, and are not: twins exist."
    ),
]
