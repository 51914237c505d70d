"""Promise 12: of an upload, what was acknowledged survives kill -9; a full disk fails closed."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from promise_house import Clock, Place, kill, rows, start_process, wait_for
from synthetic_engine import Drawn, save
from upload_parts import lying, picture, upload

from likeness import uploads
from likeness.audit.receipt_file import verify_receipt
from likeness.errors import StorageError
from likeness.library import Library
from likeness.uploaded import folder_of

PIECE = 40_000


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    """A photo of two megabytes that nothing can make smaller."""
    pixels = np.random.default_rng(1).integers(0, 256, (800, 900, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    return tmp_path / "noise.png"


@pytest.mark.parametrize("pieces", [1, 7, 20])
def test_killed_while_a_file_arrives_it_goes_on_from_what_was_acknowledged(
    place: Place, noise: Path, pieces: int
) -> None:
    content = noise.read_bytes()
    process = start_process(place, "upload", noise, PIECE)
    try:
        upload_id = wait_for(process, "begun")[1]
        for _ in range(pieces):
            acknowledged = int(wait_for(process, "acknowledged")[1])
    finally:
        kill(process)
    with place.open() as library:
        (file,) = uploads.state(library.house, upload_id).files
        # It may have been acknowledged once more than was heard.
        assert acknowledged <= file.received <= acknowledged + 5 * PIECE
        assert lying(library, upload_id)["noise.png"][: file.received] == content[: file.received]
        at = file.received
        while at < len(content):
            piece = content[at : at + PIECE]
            at = uploads.append(library.house, upload_id, 1, at, piece)
        assert lying(library, upload_id)["noise.png"] == content
        assert uploads.finish(library.house, upload_id).new == 1


def test_killed_while_it_is_taken_in_it_can_be_asked_again(place: Place, noise: Path) -> None:
    process = start_process(place, "upload", noise, 10**7)
    try:
        upload_id = wait_for(process, "begun")[1]
        wait_for(process, "photos")
    finally:
        kill(process)
    with place.open() as library:
        assert uploads.state(library.house, upload_id).state in ("taking", "done")
        if uploads.state(library.house, upload_id).state == "taking":
            uploads.finish(library.house, upload_id)
        assert rows(library, "SELECT count(*) FROM photos") == [(1,)]
        assert lying(library, upload_id)["noise.png"] == noise.read_bytes()


def test_a_disk_that_fills_keeps_what_arrived_before(place: Place, noise: Path) -> None:
    """By a limit on the size of files, under which one piece fits and the whole does not."""
    content = noise.read_bytes()
    assert len(content) > 1_500_000
    process = start_process(place, "limited", "1", "upload", noise, 300_000)
    try:
        upload_id = wait_for(process, "begun")[1]
        acknowledged = 0
        for _ in range(3):
            acknowledged = int(wait_for(process, "acknowledged")[1])
        assert wait_for(process, "error")[1:] == ["StorageError", "6"]
    finally:
        kill(process)
    with place.open() as library:
        (file,) = uploads.state(library.house, upload_id).files
        assert file.received == acknowledged == 900_000
        assert lying(library, upload_id)["noise.png"] == content[:acknowledged]


def test_a_disk_that_is_full_takes_nothing_more_and_says_so(
    place: Place, tmp_path: Path, noise: Path
) -> None:
    """On a file system of two megabytes; skipped where this account may mount none."""
    with place.open() as library:
        folder = folder_of(library.house, "x").parent
        folder.mkdir(mode=0o700)
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(folder)]
        ran = subprocess.run(mount, capture_output=True, timeout=20, check=False)
        if ran.returncode:
            pytest.skip("this account may not mount a file system")
        try:
            content = noise.read_bytes()
            upload_id = uploads.begin(
                library.house, "party", "photos", [("noise.png", len(content))]
            ).upload_id
            at = 0
            with pytest.raises(StorageError, match="No space left"):
                while at < len(content):
                    piece = content[at : at + PIECE]
                    at = uploads.append(library.house, upload_id, 1, at, piece)
            assert at > 1_000_000
            assert uploads.state(library.house, upload_id).received == at
            assert lying(library, upload_id)["noise.png"] == content[:at]
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], timeout=20, check=True)


def test_killed_at_any_commit_of_a_retention_running_it_again_ends_it(
    place: Place, tmp_path: Path, clock: Clock
) -> None:
    for number in range(3):
        save(tmp_path / "fair" / f"{number}.png", Drawn(person=1, shot=number), salt=number)
    # The other process's clock stands still a day after the first of March.
    clock.advance(days=-30)
    with place.open() as library:
        library.change_collection("party", retention_days=7)
        library.ingest(tmp_path / "fair", collection="party")
        upload(library, {"own.png": picture(9)})
    places = _die_everywhere(place, "retain")
    assert len(places) > 2
    clock.advance(days=31)
    for died in places:
        with died.open() as library:
            library.apply_retention()
            assert rows(library, "SELECT count(*) FROM photos") == [(0,)]
            assert list((died.library / "uploads").rglob("*.png")) == []
            counts = {"sightings": 0, "photos": 0}
            for serial, kind, _ in library.receipts():
                assert kind == "removal"
                document = library.receipt(serial)
                body = verify_receipt(document, key=library.verifier_key).receipt.body
                counts = {name: counts[name] + body.counts[name] for name in counts}
            assert counts == {"sightings": 4, "photos": 4}
            library.verify_audit()


def _die_everywhere(place: Place, *command: str) -> list[Place]:
    """Copies of a place in which a command died, each one commit further on."""
    process = start_process(place, "die-everywhere", *command)
    said, _ = process.communicate(timeout=300)
    numbers = [line.split()[1] for line in said.splitlines() if line.startswith("died")]
    assert process.returncode == 0 and f"whole {len(numbers) + 1} 0" in said, said
    return [
        replace(place, folder=place.folder.parent / f"{place.folder.name}-{number}")
        for number in numbers
    ]


def test_a_signal_that_ends_the_process_politely_loses_nothing_either(
    place: Place, noise: Path
) -> None:
    process = start_process(place, "upload", noise, PIECE)
    try:
        upload_id = wait_for(process, "begun")[1]
        acknowledged = int(wait_for(process, "acknowledged")[1])
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    finally:
        kill(process)
    with place.open() as library:
        assert uploads.state(library.house, upload_id).received >= acknowledged
        assert isinstance(library, Library)
