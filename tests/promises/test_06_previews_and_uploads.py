"""Promises 2 and 6: a preview and an uploaded original go with their photo, to the last byte, and
neither holds anything of a template."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from byte_scan import forms_of_bytes, forms_of_template, scan
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from promise_house import Clock, Place, enrol, found_photos, rows
from synthetic_engine import Drawn, RecordingEngine, draw
from upload_parts import begun, lying, picture, send, upload

from likeness import uploads
from likeness.audit.receipt_file import verify_receipt
from likeness.library import Library
from likeness.uploaded import folder_of

ANN = 1
WAYS = ("removal", "notice about the photo", "notice about the source", "retention")


def stated(folder: Path, number: int, page: str) -> bytes:
    """A photo of Ann that says in its metadata which page it is from."""
    words = PngInfo()
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/" xmpRights:WebStatement="{page}"/>'
        "</rdf:RDF></x:xmpmeta>"
    )
    words.add_itxt("XML:com.adobe.xmp", xmp)
    path = folder / f"stated-{number}.png"
    face = Drawn(person=ANN, shot=number)
    Image.fromarray(draw(face, salt=number)).save(path, "PNG", pnginfo=words)
    return path.read_bytes()


def traces(library: Library) -> dict[str, bytes]:
    """What would show that a photo was here: the middle of its preview, its crop, its file."""
    found = {}
    for table, column in (("previews", "jpeg"), ("faces", "crop")):
        for number, (blob,) in enumerate(rows(library, f"SELECT {column} FROM {table}")):
            # The quarter in the middle: headers are alike everywhere.
            found[f"{table} {number}"] = blob[len(blob) // 2 : len(blob) * 3 // 4]
    return found


def everywhere(place: Place, forms: dict[str, bytes]) -> set[tuple[str, str]]:
    return scan(place.files(), forms)


def let_go(library: Library, way: str, clock: Clock, sha256: str) -> bytes:
    """Take out what was uploaded; returns the receipt."""
    source = next(s for s in library.sources() if s.kind == "upload")
    if way == "removal":
        return library.remove(source.source_id).receipt
    if way == "retention":
        library.change_collection("party", retention_days=7)
        clock.advance(days=8)
        (one,) = library.apply_retention().collections
        return one.receipt
    kind: Any = "photo" if way.endswith("photo") else "source"
    about = sha256 if kind == "photo" else source.source_id
    return library.give_notice(kind=kind, about=about, given_by="Ann", reason="mine").receipt


@pytest.mark.parametrize("way", WAYS)
def test_nothing_of_the_photo_is_left_in_any_file(
    place: Place, library: Library, clock: Clock, way: str
) -> None:
    enrol(library, "Ann", ANN)
    files = {"own.png": picture(3)}
    upload_id, _ = upload(library, files)
    assert len(found_photos(library, ANN)) == 1
    forms = {
        **traces(library),
        **{f"file {n}": form for n, form in forms_of_bytes(files["own.png"]).items()},
    }
    before = everywhere(place, forms)
    assert {name for _, name in before} >= {"previews 0", "faces 0", "file raw"}
    receipt = let_go(library, way, clock, hashlib.sha256(files["own.png"]).hexdigest())
    assert everywhere(place, forms) == set()
    assert not folder_of(library.house, upload_id).exists()
    assert rows(library, "SELECT count(*) FROM previews") == [(0,)]
    body = verify_receipt(receipt, key=library.verifier_key).receipt.body
    assert body.counts["photos"] == 1
    assert body.counts["files"] == 1


def test_a_notice_about_a_site_takes_uploaded_photos_that_say_they_are_from_there(
    place: Place, library: Library, tmp_path: Path
) -> None:
    enrol(library, "Ann", ANN)
    theirs = stated(tmp_path, 5, "https://example.org/day/5")
    files = {"theirs.png": theirs, "own.png": picture(6)}
    upload_id, _ = upload(library, files)
    assert len(found_photos(library, ANN)) == 2
    given = library.give_notice(kind="domain", about="example.org", given_by="Eve", reason="")
    assert set(lying(library, upload_id)) == {"own.png"}
    assert everywhere(place, forms_of_bytes(theirs)) == set()
    assert given.counts["files"] == 1
    # It does not come back by being uploaded again, and its file is not kept.
    again = begun(library, {"theirs.png": theirs})
    send(library, again, {"theirs.png": theirs})
    assert uploads.finish(library.house, again).new == 0
    assert everywhere(place, forms_of_bytes(theirs)) == set()


def test_a_photo_that_a_folder_holds_too_stays_with_its_preview_and_the_upload_goes(
    library: Library, tmp_path: Path
) -> None:
    enrol(library, "Ann", ANN)
    (tmp_path / "fair").mkdir()
    (tmp_path / "fair" / "same.png").write_bytes(picture(3))
    library.ingest(tmp_path / "fair", collection="party")
    upload_id, _ = upload(library, {"own.png": picture(3)})
    source = next(s for s in library.sources() if s.kind == "upload")
    assert library.remove(source.source_id).files == 1
    assert lying(library, upload_id) == {}
    assert (tmp_path / "fair" / "same.png").is_file()
    assert rows(library, "SELECT count(*) FROM previews") == [(1,)]
    assert len(found_photos(library, ANN)) == 1


def test_previews_and_uploads_hold_nothing_of_a_template(
    place: Place, library: Library, engine: RecordingEngine
) -> None:
    enrol(library, "Ann", ANN)
    upload(library, {f"{number}.png": picture(number, person=number) for number in range(1, 5)})
    strangers = [made for made in engine.made if len(made)]
    assert strangers
    blobs = [jpeg for (jpeg,) in rows(library, "SELECT jpeg FROM previews")]
    held = b"".join(blobs) + b"".join(p.read_bytes() for p in place.library.rglob("*.png"))
    for template in strangers:
        for name, form in forms_of_template(template).items():
            assert form not in held, name


def test_no_receipt_names_a_file(library: Library, clock: Clock) -> None:
    upload(library, {"Anna on her birthday.png": picture(3)})
    receipt = let_go(library, "removal", clock, "")
    assert b"birthday" not in receipt
    assert json.loads(receipt)["body"]["counts"] == {"files": 1, "photos": 1, "sightings": 1}
