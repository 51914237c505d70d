"""Measures `likeness add` beside the bare models: what reading, keeping and comparing cost.

In each round the same photos are added to a new library, in which one person is enrolled, so that
each face is compared, and are given to the models alone, decoded beforehand. Then a second person
enrols, and the faces that are held are compared again from their crops. The two who enrol are those
of the demo, whose portraits are in the public domain; the libraries are thrown away.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from likeness.bench.peer_package import FaceRecognitionPackage
from likeness.bench.photos import PhotoFile, read_photos
from likeness.bench.timing import this_machine
from likeness.bench.whole import BATCH, DETECTION_SIDE
from likeness.demo.portraits import Portrait, Shot, collins, hopper, take
from likeness.errors import UsageError
from likeness.faces.engine import FaceEngine
from likeness.house import Progress
from likeness.library import Library
from likeness.records.consent import ConsentGiven

Against = Literal["face_recognition"]
PEERS: tuple[Against, ...] = get_args(Against)

MOST_PHOTOS = 64
"""Photos that are taken where the folder holds more, evenly from its names in order."""

_COLLECTION = "bench"
_SHOT = Shot(words="for enrolment", frame=2.6, side=480)


@dataclass(frozen=True, kw_only=True)
class RescanReport:
    """Comparing what is held with somebody who enrolled.

    Attributes
    ----------
    faces : int
        Held, each compared anew from its crop.
    faces_a_second : float
    """

    faces: int
    faces_a_second: float


@dataclass(frozen=True, kw_only=True)
class IngestBenchReport:
    """What was measured, and where.

    Attributes
    ----------
    faces : int
        Found in the photos.
    add_a_second, bare_a_second : float
        Photos a second that ``likeness add`` takes in, and that the models alone look at.
    ratio : float
        The former by the latter.
    rescan : RescanReport
    against, measured : str or None
        What the peer is.
    peer_a_second : float or None
        Photos a second from their files to encodings.
    """

    photos: int
    faces: int
    repeats: int
    machine: str
    cores: int
    threads: int
    pack: str
    add_a_second: float
    bare_a_second: float
    ratio: float
    rescan: RescanReport
    against: str | None = None
    measured: str | None = None
    peer_a_second: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The report as ``likeness.bench.ingest/1``."""
        return {"schema": "likeness.bench.ingest/1", **asdict(self)}


@dataclass(frozen=True, kw_only=True)
class _Round:
    """Seconds of one round, and faces."""

    add: float
    bare: float
    rescan: float
    faces: int
    peer: float | None


def run(
    photos: Path,
    *,
    against: Against | None = None,
    pack: str = "dlib",
    most: int = MOST_PHOTOS,
    repeats: int = 3,
) -> IngestBenchReport:
    """Measure adding the photos of a folder.

    Parameters
    ----------
    photos : Path
        A folder; it is only read.
    against : "face_recognition" or None
        What else to give the files to.
    pack : str
        The model pack.
    most : int
        Photos to take.
    repeats : int
        Rounds, after one that is not counted.

    Raises
    ------
    UsageError
        ``repeats`` or ``most`` is below 1; or the demo's portraits or the peer are not installed.
    SourceUnreadable
        The folder is not there.
    BadInput
        It holds no photo that can be read.
    """
    if repeats < 1 or most < 1:
        raise UsageError(f"{min(repeats, most)} repeats measure nothing.", "Give 1 or more.")
    people = [collins(), hopper()]
    files = read_photos(photos, most=most, long_side=DETECTION_SIDE)
    peer = FaceRecognitionPackage() if against else None
    engine = FaceEngine.load(pack)
    with tempfile.TemporaryDirectory(prefix="likeness-bench-") as folder:
        chosen = _copied(files, Path(folder) / "photos")
        rounds = [
            _round(Path(folder) / f"round-{number}", chosen, files, engine, people, peer)
            for number in range(repeats + 1)
        ]
    return _reported(rounds[1:], files, pack, peer, against)


def _reported(
    rounds: Sequence[_Round],
    files: Sequence[PhotoFile],
    pack: str,
    peer: FaceRecognitionPackage | None,
    against: Against | None,
) -> IngestBenchReport:
    """The medians of the rounds."""
    machine, faces = this_machine(), rounds[0].faces
    add, bare, rescan = (
        statistics.median(getattr(one, name) for one in rounds)
        for name in ("add", "bare", "rescan")
    )
    theirs = [one.peer for one in rounds if one.peer is not None]
    return IngestBenchReport(
        photos=len(files),
        faces=faces,
        repeats=len(rounds),
        machine=machine.name,
        cores=machine.cores,
        threads=machine.usable,
        pack=pack,
        add_a_second=round(len(files) / add, 2),
        bare_a_second=round(len(files) / bare, 2),
        # Of each round: both meet the same machine there.
        ratio=round(statistics.median(one.bare / one.add for one in rounds), 3),
        rescan=RescanReport(faces=faces, faces_a_second=round(faces / rescan, 1)),
        against=against,
        measured=peer.measured if peer else None,
        peer_a_second=round(len(files) / statistics.median(theirs), 2) if theirs else None,
    )


def _copied(files: Sequence[PhotoFile], folder: Path) -> Path:
    """The chosen photos in a folder of their own."""
    folder.mkdir()
    for number, file in enumerate(files):
        (folder / f"{number:05}{Path(file.name).suffix}").write_bytes(file.data)
    return folder


def _round(
    place: Path,
    chosen: Path,
    files: Sequence[PhotoFile],
    engine: FaceEngine,
    people: Sequence[Portrait],
    peer: FaceRecognitionPackage | None,
) -> _Round:
    """Do each work once, in a new library."""
    with Library.create(
        place / "library", keyring=place / "keys", pack=engine.pack.name
    ) as library:
        library.create_collection(_COLLECTION, controller="Bench")
        first, second = (np.asarray(take(person, _SHOT)) for person in people)
        library.enrol("First", [first], consent=_consent())
        start = time.perf_counter()
        added = library.ingest(chosen, collection=_COLLECTION)
        add = time.perf_counter() - start
        start = time.perf_counter()
        _look(engine, [file.pixels for file in files])
        bare = time.perf_counter() - start
        rescan = _seconds_of_rescan(library, second)
    theirs = None
    if peer is not None:
        start = time.perf_counter()
        for file in files:
            image = peer.read(file.data)
            peer.encode(image, peer.find(image))
        theirs = time.perf_counter() - start
    shutil.rmtree(place)
    return _Round(add=add, bare=bare, rescan=rescan, faces=added.faces, peer=theirs)


def _look(engine: FaceEngine, images: Sequence[NDArray[np.uint8]]) -> None:
    """What the models alone do with decoded photos."""
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        engine.templates_many(batch, engine.find_many(batch))


def _seconds_of_rescan(library: Library, portrait: NDArray[np.uint8]) -> float:
    """Enrol somebody; seconds from the first photo that is compared again to the last."""
    started: list[float] = []

    def note(progress: Progress) -> None:
        if progress.phase == "rescan":
            started.append(time.perf_counter())

    library.enrol("Second", [portrait], consent=_consent(), progress=note)
    return time.perf_counter() - started[0]


def _consent() -> ConsentGiven:
    return ConsentGiven(
        purposes=frozenset({"be_found"}),
        collections=frozenset({_COLLECTION}),
        basis="consent",
        how_given="attested",
        statement="Measured with a portrait in the public domain",
        is_adult=True,
    )
