"""Promise 3: every result carries where it came from, and how sure that link is."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from promise_house import enrol
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, draw, save

from likeness.library import Library
from likeness.records.sighting import LinkConfidence, LinkFrom
from likeness.records.stored import LinkedPhoto, StoredSighting

ANN = 1
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF'
    ' xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    ' xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"'
    ' xmpRights:WebStatement="https://example.org/rights/7"/></rdf:RDF></x:xmpmeta>'
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Photos whose way back stands in a list, in themselves, in a file's attributes, nowhere."""
    folder = tmp_path / "photos"
    save(folder / "listed.png", Drawn(person=ANN), salt=1)
    (folder / "links.csv").write_text(
        "path,page_url,taken_at,text\n"
        "listed.png,https://example.org/day,2024-05-01T10:00:00+00:00,The first day\n"
    )
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    Image.fromarray(draw(Drawn(person=ANN), salt=2)).save(folder / "stated.png", pnginfo=info)
    downloaded = save(folder / "downloaded.png", Drawn(person=ANN, look=NEAR), salt=3)
    try:
        os.setxattr(downloaded, "user.xdg.origin.url", b"https://example.org/full/3.png")
    except OSError:
        downloaded.unlink()
    save(folder / "sub" / "plain.png", Drawn(person=ANN), Drawn(person=70), salt=4)
    return folder


def require_way_back(sightings: Iterable[StoredSighting]) -> None:
    sightings = list(sightings)
    assert sightings, "no result without a place where it was found"
    for sighting in sightings:
        link = sighting.link
        assert link.page_url.startswith(("https://", "http://", "file:///"))
        assert link.media_url
        assert link.confidence in get_args(LinkConfidence)
        assert link.link_from in get_args(LinkFrom)
        assert (link.link_from == "file") == link.page_url.startswith("file:///")


def way_back(photos: Iterable[LinkedPhoto]) -> dict[str, tuple[str, str]]:
    return {
        sighting.item: (sighting.link.link_from, sighting.link.page_url)
        for photo in photos
        for sighting in photo.sightings
    }


def test_each_photo_of_an_answer_names_its_page_and_how_it_is_known(
    library: Library, folder: Path
) -> None:
    library.ingest(folder, collection="party")
    ann = enrol(library, "Ann", ANN, "be_found", "find_me")
    expected = {
        "listed.png": ("links.csv", "https://example.org/day"),
        "stated.png": ("metadata", "https://example.org/rights/7"),
        "sub/plain.png": ("file", (folder / "sub" / "plain.png").as_uri()),
    }
    if (folder / "downloaded.png").exists():
        expected["downloaded.png"] = ("download", "https://example.org/full/3.png")
    for how in ({"purpose": "be_found"}, {"as_person": ann}):
        [candidate] = library.search(draw(Drawn(person=ANN)), **how).candidates  # type: ignore[arg-type]
        for photo in candidate.photos:
            require_way_back(photo.sightings)
        assert way_back(candidate.photos) == expected
    _, shown = library.show(ann)
    assert way_back(shown) == expected
    listed = next(p for p in shown if p.sightings[0].item == "listed.png").sightings[0].link
    assert (listed.text, listed.taken_at is not None) == ("The first day", True)


def test_a_photo_found_twice_names_both_places(library: Library, folder: Path) -> None:
    copy = folder / "a copy.png"
    copy.write_bytes((folder / "sub" / "plain.png").read_bytes())
    library.ingest(folder, collection="party")
    ann = enrol(library, "Ann", ANN)
    [twice] = [photo for photo in library.show(ann)[1] if len(photo.sightings) == 2]
    require_way_back(twice.sightings)
    assert {sighting.item for sighting in twice.sightings} == {"a copy.png", "sub/plain.png"}


def test_a_proposal_names_its_place_too(library: Library, tmp_path: Path) -> None:
    save(tmp_path / "maybe" / "x.png", Drawn(person=ANN, look=DOUBTFUL_ALONE), salt=9)
    library.ingest(tmp_path / "maybe", collection="party")
    enrol(library, "Ann", ANN)
    [proposal] = library.proposals()
    require_way_back(proposal.sightings)


def test_a_photo_whose_place_is_gone_is_no_result_any_more(library: Library, folder: Path) -> None:
    library.ingest(folder, collection="party")
    ann = enrol(library, "Ann", ANN)
    (folder / "listed.png").unlink()
    library.ingest(folder, collection="party")
    items = set(way_back(library.show(ann)[1]))
    assert "listed.png" not in items and "sub/plain.png" in items
    library.remove(library.sources()[0].source_id)
    assert library.show(ann)[1] == []
    [candidate] = library.search(draw(Drawn(person=ANN)), purpose="be_found").candidates
    assert candidate.photos == ()


def test_a_link_list_that_changes_is_followed(library: Library, folder: Path) -> None:
    library.ingest(folder, collection="party")
    ann = enrol(library, "Ann", ANN)
    (folder / "links.csv").write_text("path,page_url\nlisted.png,https://example.org/moved\n")
    library.ingest(folder, collection="party")
    assert way_back(library.show(ann)[1])["listed.png"] == (
        "links.csv",
        "https://example.org/moved",
    )
