"""Measure the web app on a real library: many searches at once, and what the server adds to one.

    python bench/web.py --people ../shared/eval/people

The library holds the portraits of the demo, and where a folder with a folder of photos a person is
given, the first of those. The server runs in a process of its own, as `likeness serve` runs it.
Clients are accounts of their own, and each sends a photo of 16 MB that is made here: a portrait in
a large noisy picture. Said are the time from the first byte sent to the whole answer (median and
95th percentile), errors, the server's peak of memory with its decoders, what the first page weighs,
and what the server adds to a search: over HTTP, less bare calls of `Library.search` in the same
process, in turn; the median of the time, and the mean of the processor's time, which other work on
the machine does not blur.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from likeness import signing_in
from likeness.bench.timing import this_machine
from likeness.demo.portraits import Shot, collins, hopper, take
from likeness.errors import LikenessError
from likeness.library import Library
from likeness.records.consent import ConsentGiven

MEGABYTE = 1_000_000
YES = ConsentGiven(
    purposes=frozenset({"be_found"}),
    collections=frozenset({"party"}),
    basis="consent",
    how_given="self",
    is_adult=True,
)


def main() -> None:
    """Measure, and print one object or lines."""
    parser = argparse.ArgumentParser(description="Measure the web app.")
    parser.add_argument("--people", type=Path, help="a folder with a folder of photos a person")
    parser.add_argument("--photos", type=int, default=300, help="of that folder")
    parser.add_argument("--enrolled", type=int, default=50, help="people of that folder")
    parser.add_argument("--searches", type=int, default=20, help="at once")
    parser.add_argument("--megabytes", type=float, default=16.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--alone", type=int, default=25, help="searches one at a time")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve_part(given.serve)
        return
    with tempfile.TemporaryDirectory() as folder:
        result = measure(Path(folder), given)
    if given.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name:28} {value}")


def measure(folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Everything, by name."""
    held = make_library(folder, given)
    photos = {"large": large_photo(given.megabytes), "portrait": portrait_photo()}
    for name, photo in photos.items():
        (folder / f"{name}.jpg").write_bytes(photo)
    with served(folder) as server:
        url = server.url
        clients = [client(url, secret) for secret in json.loads((folder / "secrets").read_text())]
        first = first_page(clients[0])
        for name, photo in photos.items():
            first |= in_turn(server, clients[0], folder / f"{name}.jpg", photo, given.alone)
        idle = server.memory()
        rounds = [at_once(clients[: given.searches], photos["large"]) for _ in range(given.rounds)]
        peak = server.memory(peak=True)
    times = sorted(seconds for taken, _ in rounds for seconds in taken)
    return {
        **held,
        "large_photo_mb": round(len(photos["large"]) / MEGABYTE, 1),
        **first,
        "at_once": given.searches,
        "at_once_p50_ms": round(1000 * statistics.median(times)) if times else None,
        "at_once_p95_ms": round(1000 * np.percentile(times, 95)) if times else None,
        "errors": sum(errors for _, errors in rounds),
        "memory_before_mb": idle,
        "memory_peak_mb": peak,
        "machine": this_machine(),
    }


def make_library(folder: Path, given: argparse.Namespace) -> dict[str, int]:
    """A library with people who said yes, an account a client, and a session each."""
    photos = folder / "photos"
    photos.mkdir()
    shots = [Shot(words="", light=light) for light in (0.8, 1.0, 1.2)]
    for name, portrait in (("collins", collins()), ("hopper", hopper())):
        for number, shot in enumerate(shots):
            take(portrait, shot).save(photos / f"{name}-{number}.jpg", quality=90)
    people: dict[str, list[Path]] = {}
    if given.people:
        for file in sorted(given.people.glob("*/*.jpg"))[: given.photos]:
            (photos / file.name).write_bytes(file.read_bytes())
            people.setdefault(file.parent.name, []).append(file)
    with Library.create(folder / "library", keyring=folder / "keys") as library:
        names = [f"member-{number}" for number in range(given.searches)]
        for name in names:
            library.create_account(name)
        library.create_collection("party", controller="Tennis club", audience=["owner", *names])
        library.ingest(photos, collection="party")
        enrolled = enrol_all(library, people, given.enrolled)
        accounts = {one.name: one.account_id for one in library.accounts()}
        secrets = [
            signing_in.begin_session(library.house, subject_id=accounts[name], device="bench")[0]
            for name in names
        ]
        held = library.status().photos
    (folder / "secrets").write_text(json.dumps(secrets))
    return {"photos": held, "people": enrolled}


def enrol_all(library: Library, people: dict[str, list[Path]], most: int) -> int:
    """Enrol the portraits, and people whose photos can be used."""
    for name, portrait in (("Collins", collins()), ("Hopper", hopper())):
        shots = (Shot(words=""), Shot(words="", light=1.1))
        library.enrol(name, [np.asarray(take(portrait, shot)) for shot in shots], consent=YES)
    done = 2
    for name, files in people.items():
        if done >= most:
            break
        try:
            library.enrol(name, files[:2], consent=YES)
            done += 1
        except LikenessError:
            continue
    return done


def portrait_photo() -> bytes:
    """A photo as a phone sends it after some messenger: small."""
    buffer = io.BytesIO()
    take(collins(), Shot(words="", light=0.9), side=900).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def large_photo(megabytes: float) -> bytes:
    """A portrait in a picture of 24 megapixels, with as much noise as makes it this large."""
    dice = np.random.default_rng(1)
    picture = np.full((4000, 6000, 3), 120, np.uint8)
    face = np.asarray(take(collins(), Shot(words="", light=0.9), side=2400))
    picture[800:3200, 1800:4200] = face
    noise = dice.integers(-9, 10, picture.shape, dtype=np.int16)
    noisy = Image.fromarray(np.clip(picture + noise, 0, 255).astype(np.uint8))
    low, high, best = 60, 100, b""
    while low < high:
        quality = (low + high) // 2
        buffer = io.BytesIO()
        noisy.save(buffer, "JPEG", quality=quality)
        best = buffer.getvalue()
        if len(best) < megabytes * MEGABYTE:
            low = quality + 1
        else:
            high = quality
    return best


def serve_part(folder: Path) -> None:
    """Serve on a free port until the standard input ends; each line of it is a bare search."""
    import socket

    from likeness.web.parts import ServeOptions
    from likeness.web.serve import make_server

    with Library.open(folder / "library") as library, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        options = ServeOptions(port=port, public_url=f"http://localhost:{port}")
        server = make_server(library, options)
        running = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        running.start()
        while not server.started:
            time.sleep(0.01)
        print(port, flush=True)
        member = next(one for one in library.accounts() if one.name == "member-0")
        for line in sys.stdin:
            data = Path(line.strip()).read_bytes()
            began = time.perf_counter()
            library.acting_as(member).search(data, purpose="be_found")
            print(time.perf_counter() - began, flush=True)
        server.should_exit = True
        running.join()


def in_turn(
    server: Server, made: httpx.Client, file: Path, photo: bytes, often: int
) -> dict[str, float]:
    """Medians of searches over HTTP and of bare ones, taken in turn, and what lies between."""
    server.bare(file)
    search(made, photo)
    over_http, bare, added = [], [], []
    for _ in range(often):
        start = server.processor_seconds()
        bare.append(server.bare(file))
        between = server.processor_seconds()
        over_http.append(search(made, photo)[0])
        added.append(server.processor_seconds() - between - (between - start))
    medians = {"alone": statistics.median(over_http), "bare": statistics.median(bare)}
    medians["overhead"] = medians["alone"] - medians["bare"]
    medians["overhead_processor"] = statistics.mean(added)
    return {f"{file.stem}_{what}_ms": round(1000 * value, 1) for what, value in medians.items()}


class Server:
    """A server in another process."""

    def __init__(self, process: subprocess.Popen[str], url: str) -> None:
        self.process, self.url = process, url

    def bare(self, photo: Path) -> float:
        """Seconds of a search in the server's process, without HTTP."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(f"{photo}\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())

    def processor_seconds(self) -> float:
        """What the process has used of the processor."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, *, peak: bool = False) -> int:
        """Megabytes of the process and its children, now or at their highest."""
        children = subprocess.run(
            ["pgrep", "-P", str(self.process.pid)], stdout=subprocess.PIPE, text=True, check=False
        ).stdout.split()
        total = 0
        for pid in (str(self.process.pid), *children):
            status = Path(f"/proc/{pid}/status")
            if status.is_file():
                word = "VmHWM" if peak else "VmRSS"
                found = re.search(rf"{word}:\s+(\d+) kB", status.read_text())
                total += int(found[1]) if found else 0
        return round(total * 1024 / MEGABYTE)


@contextmanager
def served(folder: Path) -> Iterator[Server]:
    """A server of the library in a process of its own."""
    words = [sys.executable, __file__, "--serve", str(folder)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdin is not None
    try:
        yield Server(process, f"http://localhost:{int(process.stdout.readline())}")
    finally:
        process.stdin.close()
        process.wait(timeout=60)


def client(url: str, secret: str) -> httpx.Client:
    """A browser that is signed in."""
    made = httpx.Client(base_url=url, timeout=300.0)
    made.cookies.set("likeness", secret)
    page = made.get("/search", headers={"accept": "text/html"}).raise_for_status().text
    token = re.search(r'name="csrf" content="([0-9a-f]{64})"', page)
    assert token is not None
    made.headers["x-csrf-token"] = token[1]
    return made


def search(made: httpx.Client, photo: bytes) -> tuple[float, bool]:
    """Seconds until the whole answer, and whether somebody was found."""
    began = time.perf_counter()
    answer = made.post(
        "/search",
        content=photo,
        headers={
            "accept": "text/event-stream",
            "content-type": "application/octet-stream",
            "x-search": "",
        },
    )
    return time.perf_counter() - began, answer.is_success and "Collins" in answer.text


def at_once(clients: list[httpx.Client], photo: bytes) -> tuple[list[float], int]:
    """Times of those that were answered, and how many were not."""
    start, times, errors = threading.Barrier(len(clients)), [], []

    def one(made: httpx.Client) -> None:
        start.wait()
        try:
            seconds, found = search(made, photo)
            (times if found else errors).append(seconds)
        except httpx.HTTPError:
            errors.append(0.0)

    threads = [threading.Thread(target=one, args=(made,)) for made in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(errors)


def first_page(made: httpx.Client) -> dict[str, int]:
    """Bytes and requests of the search page with all that it loads."""
    page = made.get("/search", headers={"accept": "text/html"})
    found = set(re.findall(r'(?:src|href)="(/static/[^"#]+)', page.text))
    sizes = [len(page.content), *(len(made.get(path).content) for path in sorted(found))]
    return {"first_page_bytes": sum(sizes), "first_page_requests": len(sizes)}


if __name__ == "__main__":
    main()
