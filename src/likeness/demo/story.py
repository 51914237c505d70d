"""The story of the demo. Each step does what the command above it does, and checks what came of it.

Every step opens the library anew, as its command would.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from likeness.audit.leaf import Leaf
from likeness.audit.receipt_file import VerifiedReceipt, verify_receipt
from likeness.demo.photos import DemoPhotos, make_photos
from likeness.demo.screen import INDENT, Screen
from likeness.errors import LibraryExists, NotVerified
from likeness.library import Library
from likeness.records.consent import ConsentGiven
from likeness.records.stored import StoredSighting
from likeness.search import Candidate, SearchAnswer
from likeness.store import audit_log

NAME = "Eileen Collins"
COLLECTION = "portraits"
CONTROLLER = "Portrait Club"
STATEMENT = "Shown with a portrait in the public domain"
ROWS_SHOWN = 5
GUARANTEES = (
    "Nobody was findable who had not said yes.",
    "Every result said where it comes from.",
    "Gone meant gone.",
)
MASTER_KEY_VARIABLE = "LIKENESS_MASTER_KEY_FILE"


@dataclass(frozen=True, kw_only=True)
class _Stage:
    """Where the story plays."""

    screen: Screen
    folder: Path
    photos: DemoPhotos

    def open(self) -> Library:
        return Library.open(self.folder / "library")


def tell(
    console: Console, *, directory: Path | None, then: Callable[[Path], None] | None = None
) -> int:
    """Tell the whole story; see :func:`likeness.demo.run`."""
    screen = Screen(console)
    with _folder(directory) as folder, _without(MASTER_KEY_VARIABLE):
        screen.say("Likeness finds only people who said yes.", style="bold")
        photos = make_photos(folder)
        of_hopper = len(photos.of("Hopper"))
        screen.say(
            f"{len(photos.shows)} photos were made of two portraits in the public domain. Eileen "
            "Collins will say yes to being found. Grace Hopper, who is in "
            f"{of_hopper} of them, was never asked."
        )
        screen.say(f"Commands are as typed in {folder}", style="dim")
        stage = _Stage(screen=screen, folder=folder, photos=photos)
        try:
            _act(stage)
        except NotVerified as failed:
            screen.bad(str(failed))
            return failed.exit_code
        _close(stage, kept=directory is not None)
        if then is not None:
            then(folder / "library")
    return 0


def _act(stage: _Stage) -> None:
    # (1) and (2) A library with photos, in which nobody can be found.
    _make_library(stage)
    _add(stage)
    # (3) One of the two says yes.
    _enrol(stage)
    # (4) and (5) She is found, with the way back to each photo; the other is not.
    _find(stage)
    _find_nobody(
        stage,
        f"Search for Grace Hopper, who is in {len(stage.photos.of('Hopper'))} of these photos",
        stage.photos.probe_hopper,
        "She is in the library, and the answer would be the same if she were not.",
    )
    # (6) to (8) She changes her mind, and what is left of it can be checked.
    receipt, verifier_key = _withdraw(stage)
    _verify_receipt(stage, receipt, verifier_key)
    _verify_audit(stage)
    # (9) Gone means gone.
    _find_nobody(
        stage,
        "Search for Eileen Collins again",
        stage.photos.probe_collins,
        "The same answer as for somebody who never said yes.",
    )


def _make_library(stage: _Stage) -> None:
    with stage.screen.step(
        "Make a library, and keep its keys apart from it",
        ("likeness", "init", "library", "--keyring", "keys"),
        ("export", "LIKENESS_LIBRARY=library"),
        ("likeness", "collection", "create", COLLECTION, "--controller", CONTROLLER),
    ):
        with Library.create(stage.folder / "library", keyring=stage.folder / "keys") as library:
            library.create_collection(COLLECTION, controller=CONTROLLER)
            people = library.people()
        _expect(not people, "A new library has nobody in it.")
    stage.screen.good("The library is there, with nobody in it.")


def _add(stage: _Stage) -> None:
    with stage.screen.step(
        "Add the photos", ("likeness", "add", "photos", "--collection", COLLECTION)
    ):
        with stage.open() as library:
            added = library.ingest(stage.folder / "photos", collection=COLLECTION)
        every = len(stage.photos.shows)
        in_groups = sum(len(people) for _, people in stage.photos.shows)
        _expect((added.new, len(added.skipped)) == (every, 0), f"All {every} photos are new.")
        # A detector that sees small faces sees one now and then where there is none.
        _expect(added.faces >= in_groups, f"{in_groups} faces are in the photos.")
        _expect(added.linked == added.proposed == 0, "Nobody said yes, so no face has a name.")
    stage.screen.good(
        f"{added.new} photos with {added.faces} faces. Nobody said yes yet, so none was compared "
        "with anybody."
    )


def _enrol(stage: _Stage) -> None:
    references = stage.photos.references
    command = ["likeness", "enrol", NAME]
    for reference in references:
        command += ["--photo", reference]
    command += ["--collection", COLLECTION, "--purpose", "be_found", "--basis", "consent"]
    command += ["--how", "attested", "--statement", STATEMENT, "--adult"]
    with stage.screen.step("Eileen Collins says yes", command):
        with stage.open() as library:
            enrolled = library.enrol(
                NAME,
                [stage.folder / reference for reference in references],
                consent=ConsentGiven(
                    purposes=frozenset({"be_found"}),
                    collections=frozenset({COLLECTION}),
                    basis="consent",
                    how_given="attested",
                    statement=STATEMENT,
                    is_adult=True,
                ),
            )
        linked, expected = enrolled.rescan.linked, len(stage.photos.of("Collins"))
        _expect(linked == expected, f"She is linked with the {expected} photos of her.")
    stage.screen.good(
        f"{enrolled.references} reference photos under a key of her own; {linked} photos that were "
        "there already are linked with her."
    )


def _find(stage: _Stage) -> None:
    probe = stage.photos.probe_collins
    with stage.screen.step("Find her by another photo", _search_command(probe)):
        answer = _search(stage, probe)
        _expect(len(answer.candidates) == 1, "One person is found.")
        found = answer.candidates[0]
        _expect((found.name, found.strength) == (NAME, "strong"), "It is Eileen Collins.")
        items = {s.item for photo in found.photos for s in photo.sightings}
        _expect(items == stage.photos.of("Collins"), "Every photo of her is found, and no other.")
        linked = all(s.link.page_url for photo in found.photos for s in photo.sightings)
        _expect(linked, "Every photo says where it comes from.")
    copies = sum(len(photo.copies) for photo in found.photos)
    once = f", {copies} of them copies that are shown with the largest" if copies else ""
    stage.screen.good(
        f"{found.name}, a {found.strength} match, in {len(found.photos) + copies} photos{once}. "
        "Each says where it comes from:"
    )
    shown = _some_of_each(found)
    stage.screen.rows(
        ("where the photo comes from", "taken", "read from"),
        [(_page(s, stage.folder), _day(s), s.link.link_from) for s in shown],
    )
    stage.screen.note(f"and {len(found.photos) - len(shown)} more")


def _find_nobody(stage: _Stage, title: str, probe: str, meaning: str) -> None:
    with stage.screen.step(title, _search_command(probe)):
        answer = _search(stage, probe)
        _expect(answer == SearchAnswer(), "Nobody is found.")
    stage.screen.good("Nobody who consented matches.")
    stage.screen.note(meaning)


def _withdraw(stage: _Stage) -> tuple[Path, str]:
    receipt = stage.folder / "receipt.json"
    with stage.screen.step(
        "Eileen Collins changes her mind",
        ("likeness", "withdraw", NAME, "--receipt", receipt.name),
    ):
        with stage.open() as library:
            withdrawn = library.withdraw(library.resolve_person(NAME))
            receipt.write_bytes(withdrawn.receipt)
            verifier_key = library.verifier_key
            people = library.people()
        _expect(not people, "Nobody is left who can be found.")
        _expect(NAME.encode() not in withdrawn.receipt, "The receipt holds no name.")
    stage.screen.good("Her key is destroyed; her references and links are gone. A receipt says so.")
    return receipt, verifier_key


def _verify_receipt(stage: _Stage, receipt: Path, verifier_key: str) -> None:
    with stage.screen.step(
        "Check the receipt, which needs no library",
        ("likeness", "receipt", "verify", receipt.name, "--key", verifier_key),
    ):
        verified: VerifiedReceipt = verify_receipt(receipt.read_bytes(), key=verifier_key)
        counts = verified.receipt.body.counts
        expected = (1, len(stage.photos.references), len(stage.photos.of("Collins")))
        told = (counts["people"], counts["references"], counts["links"])
        _expect(told == expected, "The receipt counts what went.")
    stage.screen.good(
        f"Signed by this library: {counts['people']} person, {counts['references']} references and "
        f"{counts['links']} links are gone."
    )


def _verify_audit(stage: _Stage) -> None:
    with (
        stage.screen.step("Check the audit log", ("likeness", "audit", "verify")),
        stage.open() as library,
        library.house.store.snapshot() as connection,
    ):
        verified = library.verify_audit()
        kinds = [Leaf.from_bytes(entry.leaf).kind for entry in audit_log.entries(connection)]
        searches = kinds.count("search_outcome")
        _expect(searches == 2, "Both searches so far are in the log.")
    stage.screen.good(
        f"All {verified.size} entries are as they were signed; the {searches} searches so far are "
        "among them."
    )


def _close(stage: _Stage, *, kept: bool) -> None:
    screen = stage.screen
    screen.say()
    screen.say(f"All of it held, in {screen.seconds():.1f} s:", style="bold")
    for guarantee in GUARANTEES:
        screen.say(f"{INDENT}{guarantee}")
    screen.say()
    if kept:
        screen.say(f"Photos, library and keys are kept in {stage.folder}", style="dim")
        screen.say(
            f"The web app on it: likeness serve --library {stage.folder / 'library'}", style="dim"
        )
    else:
        screen.say(
            "The folder is removed. To keep one, and to see it in the web app: likeness demo DIR, "
            "then likeness serve --library DIR/library",
            style="dim",
        )


def _search(stage: _Stage, probe: str) -> SearchAnswer:
    with stage.open() as library:
        return library.search(stage.folder / probe, purpose="be_found")


def _search_command(probe: str) -> Sequence[str]:
    return ("likeness", "search", probe, "--purpose", "be_found")


def _some_of_each(found: Candidate) -> list[StoredSighting]:
    """A few sightings in the order of the answer, each way of linking back among them."""

    every = [photo.sightings[0] for photo in found.photos]
    kinds = {sighting.link.link_from: sighting for sighting in reversed(every)}
    chosen = {sighting.sighting_id for sighting in kinds.values()}
    for sighting in every:
        if len(chosen) < ROWS_SHOWN:
            chosen.add(sighting.sighting_id)
    return [sighting for sighting in every if sighting.sighting_id in chosen]


def _page(sighting: StoredSighting, folder: Path) -> str:
    return sighting.link.page_url.replace(folder.as_uri(), "file://…")


def _day(sighting: StoredSighting) -> str:
    return sighting.link.taken_at.date().isoformat() if sighting.link.taken_at else ""


def _expect(holds: bool, what: str) -> None:
    if not holds:
        raise NotVerified(f"This should hold and does not: {what}", "Please report it.")


@contextmanager
def _folder(directory: Path | None) -> Iterator[Path]:
    if directory is None:
        folder = Path(tempfile.mkdtemp(prefix="likeness-demo-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return
    kept = directory.expanduser().absolute()
    if kept.exists() and (not kept.is_dir() or any(kept.iterdir())):
        raise LibraryExists(f"{kept} is there already and not empty.", "Choose a new folder.")
    kept.mkdir(parents=True, exist_ok=True)
    yield kept


@contextmanager
def _without(variable: str) -> Iterator[None]:
    """The demo's keys are its own: the user's master key wraps none of them."""
    held = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if held is not None:
            os.environ[variable] = held
