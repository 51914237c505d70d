"""Commands about model packs: which there are, how they are had, and whether they are sound."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likeness.cli.call import Call, call_of
from likeness.cli.options import JsonOption, LibraryOption
from likeness.cli.pack_lines import in_megabytes, pack_as_json, say_pack, suiting
from likeness.cli.progress import shown_progress
from likeness.cli.screen import say
from likeness.cli.use_pack import use_pack
from likeness.errors import NotVerified, UsageError

if TYPE_CHECKING:
    from likeness.faces.download import Listener
    from likeness.faces.install import Installation

PackArgument = Annotated[
    str, typer.Argument(metavar="NAME", help="A model pack, as `likeness models list` names it.")
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    models = typer.Typer(
        rich_markup_mode=None, help="Model packs: the networks that find and compare faces."
    )
    models.command("list")(list_models)
    models.command("show")(show)
    models.command("install", short_help="Get a model pack.")(install)
    models.command("verify")(verify)
    models.command("use", short_help="Change a library over to another model pack.")(use_pack)
    models.command("remove", short_help="Delete a model pack's files.")(remove)
    app.add_typer(models, name="models")


def list_models(context: typer.Context, as_json: JsonOption = False) -> None:
    """List every model pack: licence, size, accuracy, and the command that gets it."""
    from likeness.faces.known_packs import known_packs
    from likeness.faces.pack_store import models_folder

    call = call_of(context, as_json=as_json)
    found, unusable = known_packs()
    fields = {
        "folder": str(models_folder()),
        "packs": [pack_as_json(known) for known in found],
        "suits": {use: known.pack.name for known in found for use in known.suits},
        "unusable": [{"name": u.name, "problem": u.problem, "fix": u.fix} for u in unusable],
    }

    def answer() -> None:
        for known in found:
            say_pack(known)
            say()
        for one in unusable:
            say(f"{one.name}: cannot be used. {one.problem} {one.fix}")
            say()
        for line in suiting(found):
            say(line)

    call.answer(fields, answer)


def show(context: typer.Context, name: PackArgument, as_json: JsonOption = False) -> None:
    """Show all that is known of one model pack: files, training data, thresholds."""
    from likeness.faces.known_packs import known_pack

    call = call_of(context, as_json=as_json)
    known = known_pack(name)
    pack = known.pack
    lacking = {file.sha256 for file in known.missing}
    fields = {
        **pack_as_json(known),
        "training_data": pack.training_data,
        "fingerprint": pack.fingerprint,
        "files": [
            {
                "role": file.role,
                "kind": file.kind,
                "name": file.name,
                "sha256": file.sha256,
                "size": file.size,
                "package": file.package or None,
                "addresses": list(file.urls),
                "licence": file.licence or pack.licence,
                "here": file.sha256 not in lacking,
            }
            for file in pack.files
        ],
        "thresholds": [
            {"gallery_size": t.gallery_size, "strong": t.strong, "review": t.review}
            | {"measured_on": t.measured_on}
            for t in pack.thresholds
        ],
    }

    def answer() -> None:
        say_pack(known)
        say(f"    Training data: {pack.training_data}")
        say(f"    Fingerprint: {pack.fingerprint}")
        for file in fields["files"]:
            where = "here" if file["here"] else "not here"
            came = f"with the package {file['package']}" if file["package"] else file["licence"]
            say(f"    {file['role']}: {file['name']} ({file['kind']}, {came}), {where}")
            say(f"        SHA-256 {file['sha256']}")
            for address in file["addresses"]:
                say(f"        {address}")
        if not pack.thresholds:
            say("    Thresholds: none were measured. Nothing is linked without review.")

    call.answer(fields, answer)


def install(
    context: typer.Context,
    what: Annotated[
        str,
        typer.Argument(
            metavar="NAME_OR_MANIFEST",
            help="A model pack by its name, or a manifest of your own that ends in .toml.",
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="DIR", help="Take the files from this folder; nothing is fetched."
        ),
    ] = None,
    accepted: Annotated[
        list[str] | None,
        typer.Option(
            "--accept-licence",
            metavar="SPDX",
            help="Accept this licence by name, where it sets conditions; give it again for more.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Get a model pack, and check every file against the manifest before it is used.

    A download that broke goes on where it stopped when the command is run again. A manifest of your
    own is kept, and its pack known by its name from then on.
    """
    from likeness.faces import install as installing

    call = call_of(context, as_json=as_json)
    with _heard() as listener:
        done = installing.install(
            what, folder=source, accepted=frozenset(accepted or ()), listener=listener
        )
    fields = {
        "pack": done.pack.name,
        "fingerprint": done.pack.fingerprint,
        "files": [
            {"name": file.name, "sha256": file.sha256, "how": how} for file, how in done.files
        ],
    }
    call.answer(fields, lambda: _say_installed(done))


def verify(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="A model pack; every installed one where absent."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Read each file of a model pack, check it, and load the models.

    Exits 5 where a file is missing or is another than the manifest names.
    """
    from likeness.faces.install import verify as verify_pack
    from likeness.faces.known_packs import known_pack, known_packs

    call = call_of(context, as_json=as_json)
    if name is not None:
        packs, broken = [known_pack(name).pack], []
    else:
        found, unusable = known_packs()
        packs = [known.pack for known in found if known.installed or not known.built_in]
        broken = [_verdict(u.name, NotVerified(u.problem, u.fix)) for u in unusable]
    verdicts = []
    for pack in packs:
        try:
            verify_pack(pack)
        except NotVerified as error:
            verdicts.append(_verdict(pack.name, error))
        else:
            verdicts.append(_verdict(pack.name, None))
    verdicts += broken

    def answer() -> None:
        for verdict in verdicts:
            if verdict["verified"]:
                say(f"{verdict['pack']}: all files are what the manifest says, and load")
            else:
                say(f"{verdict['pack']}: not verified. {verdict['problem']} {verdict['fix']}")

    call.answer({"packs": verdicts}, answer)
    if not all(verdict["verified"] for verdict in verdicts):
        raise typer.Exit(NotVerified.exit_code)


def remove(
    context: typer.Context,
    name: PackArgument,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete the files of a model pack that no other installed pack needs.

    Refused while the library uses it: the one that --library, LIKENESS_LIBRARY or the folder that
    you are in names. Other libraries are not looked for.
    """
    from likeness.faces import install as installing

    call = call_of(context, library=library, as_json=as_json)
    done = installing.remove(name, in_use=_pack_in_use(call))
    fields = {
        "pack": done.name,
        "deleted": list(done.deleted),
        "kept": list(done.kept),
        "freed": done.freed,
    }

    def answer() -> None:
        say(f"Removed {done.name}: {in_megabytes(done.freed)} are free again.")
        if done.kept:
            say(f"Kept, since another pack needs it: {', '.join(done.kept)}")

    call.answer(fields, answer)


def _say_installed(done: Installation) -> None:
    pack = done.pack
    fetched = sum(file.size or 0 for file, how in done.files if how == "downloaded")
    how = f" ({in_megabytes(fetched)} fetched)" if fetched else ""
    say(f"Installed {pack.name}{how}; every file is what its manifest says.")
    if not pack.commercial_use:
        say("It is not for commercial use.")
    if not pack.thresholds:
        say("Until thresholds are measured for it, every link waits for review.")
    say(f"Change a library over to it: likeness models use {pack.name}")


def _verdict(name: str, error: NotVerified | None) -> dict[str, Any]:
    return {
        "pack": name,
        "verified": error is None,
        "problem": error.what if error else None,
        "fix": error.fix if error else None,
    }


def _pack_in_use(call: Call) -> str | None:
    """The pack of the library that the call means; None where it means none."""
    try:
        call.place()
    except UsageError:
        return None
    with call.opened() as opened:
        return opened.house.chosen.in_use.name


@contextmanager
def _heard() -> Iterator[Listener]:
    """How much of each file has come, on standard error."""
    from likeness.faces.install import WAITING
    from likeness.house import Progress

    with shown_progress() as progress:

        def listen(name: str, done: int, total: int | None) -> None:
            kilobytes = None if total is None else total // 1000
            phase = name if name == WAITING else f"{name}, kB"
            progress(Progress(phase=phase, done=done // 1000, total=kilobytes))

        yield listen
