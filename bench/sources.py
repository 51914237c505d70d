"""Take the same photos in from every kind of source, and compare with the folder.

    python bench/sources.py ../shared/eval/people --photos 200

Each source is made from the first so many photos of a folder: a folder, an export of X as a ZIP,
as three parts and unpacked, an export of Google Photos, a bucket on a server on loopback, a site
and a IIIF manifest on one. Each is taken into a new library with one person enrolled, in turn, as
often as ``--repeats`` says. Said are photos a second as ``likeness add`` takes them in, photos a
second where they are listed and read alone, and the ratios to the folder of the same round
(medians). A film made of the photos says how many seconds of video a second takes. The servers run
in this process and share its cores; the crawl's pace is set to none, as no site outside would
allow.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likeness import ingest
from likeness.bench.timing import this_machine
from likeness.library import Library
from likeness.recognise import recognised
from likeness.records.collection import Collection
from likeness.sources.base import Source, SourceEntry, VideoEntry
from likeness.sources.video.frames import frames_of

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

MAX_BYTES = 100_000_000


@contextmanager
def made(
    kind: str, photos: list[Path], folder: Path, library: Library
) -> Iterator[Callable[[], Any]]:
    """Make a source of the photos; gives what opens it."""
    from export_archives import folder_of, parts_in, zip_of

    if kind == "folder":
        place = folder_of(folder / "photos", {p.name: p.read_bytes() for p in photos})
        yield lambda: _recognised(library, str(place))
    elif kind.startswith("x "):
        files = _x(photos)
        place = {
            "x zip": lambda: zip_of(folder / "x.zip", files),
            "x parts": lambda: parts_in(folder, files, parts=3, stem="x")[0],
            "x folder": lambda: folder_of(folder / "x", files),
        }[kind]()
        yield lambda: _recognised(library, str(place))
    elif kind == "google zip":
        yield lambda: _recognised(library, str(zip_of(folder / "takeout.zip", _google(photos))))
    elif kind == "bucket":
        with _bucket(photos, library) as address:
            yield lambda: _recognised(library, address)
    else:
        with _site(kind, photos, folder, library) as source:
            yield source


@contextmanager
def _recognised(library: Library, what: str) -> Iterator[Source]:
    with recognised(library.house, what, collection=_collection(library)) as sources:
        [source] = sources
        yield source


def _collection(library: Library) -> Collection:
    return library.collections()[0]


def _x(photos: list[Path]) -> dict[str, bytes]:
    from exports_x import Shot, Tweet, x_archive

    tweets = tuple(Tweet(shots=(Shot(base=f"{n}.jpg"),)) for n in range(len(photos)))
    archive = x_archive(tweets)
    return {**archive.files, **_filled(archive.files, photos)}


def _google(photos: list[Path]) -> dict[str, bytes]:
    from exports_google_photos import Photo, export_of

    export = export_of([Photo(title=f"IMG_{n:05}.jpg") for n in range(len(photos))])
    return {**export.files, **_filled(export.files, photos)}


def _filled(files: dict[str, bytes], photos: list[Path]) -> dict[str, bytes]:
    media = sorted(name for name in files if name.endswith(".jpg"))
    of_holder = [name for name in media if "direct_message" not in name]
    return {n: p.read_bytes() for n, p in zip(of_holder, photos, strict=False)}


@contextmanager
def _bucket(photos: list[Path], library: Library) -> Iterator[str]:
    from s3_server import s3_server

    with pytest.MonkeyPatch.context() as patch, s3_server(patch) as server:
        bucket = server.bucket({p.name: p.read_bytes() for p in photos}, proof=None)
        line = library.authorise(f"s3://{bucket}").line
        server.put(bucket, ".well-known/likeness.txt", line.encode())
        yield f"s3://{bucket}"


@contextmanager
def _site(
    kind: str, photos: list[Path], folder: Path, library: Library
) -> Iterator[Callable[[], Any]]:
    from iiif_documents import Picture, manifest_3
    from site_house import HOST, site_house

    with site_house(folder) as house:
        server, site = house.server, f"https://{HOST}/iiif/1"
        if kind == "site":
            for start in range(0, len(photos), 10):
                shown = "".join(f'<img src="/{p.name}">' for p in photos[start : start + 10])
                onward = f'<a href="/page{start + 10}">on</a>'
                house.page("/" if start == 0 else f"/page{start}", shown + onward)
            for photo in photos:
                server.put(HOST, f"/{photo.name}", photo.read_bytes(), kind="image/jpeg")
        else:
            pictures = [Picture(name=photo.stem, level=None) for photo in photos]
            body = manifest_3(site, pictures)
            server.put(HOST, "/iiif/1/manifest.json", body, kind="application/json")
            for found, photo in zip(_image_paths(body), photos, strict=True):
                server.put(HOST, found, photo.read_bytes(), kind="image/jpeg")

        @contextmanager
        def opened() -> Iterator[Source]:
            yield (house.source() if kind == "site" else house.iiif(f"{site}/manifest.json", HOST))

        yield opened


def _image_paths(manifest: bytes) -> list[str]:
    from site_house import HOST

    items = json.loads(manifest)["items"]
    urls = [canvas["items"][0]["items"][0]["body"]["id"] for canvas in items]
    return [url.removeprefix(f"https://{HOST}") for url in urls]


KINDS = ("folder", "x zip", "x parts", "x folder", "google zip", "bucket", "site", "iiif")


def measure(kind: str, photos: list[Path], people: list[Path]) -> tuple[float, float]:
    """Photos a second as they are added, and as they are listed and read alone."""
    with (
        tempfile.TemporaryDirectory() as name,
        Library.create(Path(name) / "library", keyring=Path(name) / "keys") as library,
    ):
        folder = Path(name)
        library.create_collection("bench", controller="Benchmark")
        _enrol(library, people)
        library.house.engine()
        with made(kind, photos, folder, library) as opened:
            with opened() as source:
                began = time.perf_counter()
                read = sum(
                    len(entry.read(MAX_BYTES)) > 0
                    for entry in source.entries()
                    if isinstance(entry, SourceEntry)
                )
                reading = read / (time.perf_counter() - began)
            with opened() as source:
                began = time.perf_counter()
                report = ingest.ingest(library.house, source, collection=_collection(library))
                adding = report.found / (time.perf_counter() - began)
        if read != len(photos) or report.found != len(photos):
            raise SystemExit(f"{kind}: {read} and {report.found} of {len(photos)} photos")
    return adding, reading


def _enrol(library: Library, people: list[Path]) -> None:
    from likeness.errors import BadInput
    from likeness.records.consent import ConsentGiven

    consent = ConsentGiven(
        purposes=frozenset({"be_found"}),
        collections=frozenset({"bench"}),
        basis="consent",
        how_given="attested",
        statement="benchmark",
        is_adult=True,
    )
    for photo in people:
        try:
            library.enrol("One", [photo], consent=consent)
            return
        except BadInput:
            continue
    raise SystemExit("None of the photos can be enrolled with.")


def film_seconds(photos: list[Path]) -> dict[str, Any]:
    """How fast a film of the photos, each seen for two seconds, is opened into frames."""
    from films import Shot, film, held, stills

    pictures = [
        np.asarray(Image.open(photo).convert("RGB").resize((640, 480))) for photo in photos[:60]
    ]
    data = film(stills([Shot(picture=p, seconds=2.0) for p in pictures], rate=24), codec="libx264")
    entry: VideoEntry = held(data)
    began = time.perf_counter()
    frames = sum(1 for _ in frames_of(entry, stop=Event()))
    seconds = time.perf_counter() - began
    return {
        "seconds_of_video": 2 * len(pictures),
        "frames": frames,
        "video_seconds_a_second": round(2 * len(pictures) / seconds, 1),
    }


def main() -> None:
    """Read the arguments, measure in rounds, and write one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    found = sorted(arguments.folder.rglob("*.jpg"))
    photos, people = found[: arguments.photos], found[arguments.photos :][:50]
    rounds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in KINDS}
    for _ in range(arguments.repeats):
        for kind in KINDS:
            rounds[kind].append(measure(kind, photos, people))
    result = {}
    for kind in KINDS:
        against = list(zip(rounds[kind], rounds["folder"], strict=True))
        result[kind] = {
            "add_a_second": round(statistics.median(one[0] for one in rounds[kind]), 1),
            "add_ratio": round(statistics.median(a[0] / b[0] for a, b in against), 3),
            "read_a_second": round(statistics.median(one[1] for one in rounds[kind]), 1),
            "read_ratio": round(statistics.median(a[1] / b[1] for a, b in against), 3),
        }
    answer = {
        "machine": asdict(this_machine()),
        "photos": len(photos),
        "repeats": arguments.repeats,
        "sources": result,
        "film": film_seconds(photos),
    }
    print(json.dumps(answer, indent=2))


if __name__ == "__main__":
    main()
