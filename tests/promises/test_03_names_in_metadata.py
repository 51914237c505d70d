"""Promise 3: a result says where it came from, never who a photo's metadata says somebody is.

Photo managers write names beside faces: MWG regions (Guidelines for Handling Image Metadata 2.0,
chapter 5.9) and those of Microsoft. Whoever wrote them, the person did not say yes by it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from byte_scan import forms_of_text, scan
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from promise_house import Place, enrol, found_names, make_place, rows
from synthetic_engine import Drawn, draw

from likeness.account import ItemOutcome
from likeness.faces.engine import FaceEngine
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library

NAMED, ANN = 5, 1
NAME = "Zebedee Quillfeather-Ostrowski"
"""Whom the metadata names; nobody of that name said yes."""

_XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""
 xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
 xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#"
 xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"
 xmlns:MP="http://ns.microsoft.com/photo/1.2/"
 xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
 xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:xmpRights="http://ns.adobe.com/xap/1.0/rights/"
 xmpRights:WebStatement="https://example.org/fair/7">
<mwg-rs:Regions rdf:parseType="Resource">
 <mwg-rs:AppliedToDimensions stDim:w="128" stDim:h="64" stDim:unit="pixel"/>
 <mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name="NAME" mwg-rs:Type="Face">
  <mwg-rs:Area stArea:x="0.75" stArea:y="0.5" stArea:w="0.5" stArea:h="1" stArea:unit="normalized"/>
 </rdf:Description></rdf:li></rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>
<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag>
 <rdf:li MPReg:PersonDisplayName="NAME" MPReg:Rectangle="0.5, 0, 0.5, 1"/>
</rdf:Bag></MPRI:Regions></MP:RegionInfo>
<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>NAME</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>
</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>"""


FORMS = {
    f"{word} {form}": data
    for word in (NAME, *NAME.split())
    for form, data in forms_of_text(word).items()
}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos of somebody whom their own metadata names. No JPEG: what is drawn has to last."""
    folder = tmp_path / "photos"
    folder.mkdir()
    packet = _XMP.replace("NAME", NAME)
    written = PngInfo()
    written.add_itxt("XML:com.adobe.xmp", packet)
    Image.fromarray(draw(Drawn(person=NAMED))).save(folder / "named.png", pnginfo=written)
    other = Image.fromarray(draw(Drawn(person=NAMED, shot=1), salt=1))
    other.save(folder / "other.webp", lossless=True, xmp=packet.encode())
    for path in folder.iterdir():
        assert path.read_bytes().count(NAME.encode()) == 3, "the name is in the file itself"
    return folder


def test_names_beside_faces_are_in_no_file_of_the_library(
    place: Place, library: Library, photos: Path
) -> None:
    require_left_out(place, library, photos, photos=2)


def test_nor_are_those_in_a_jpeg_of_a_real_face(
    tmp_path: Path, networks: FaceEngine, decoders: DecodeWorkers, portraits: Any
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    packet = _XMP.replace("NAME", NAME).encode()
    Image.fromarray(portraits.collins).save(folder / "named.jpg", quality=90, xmp=packet)
    assert (folder / "named.jpg").read_bytes().count(NAME.encode()) == 3
    place = make_place(tmp_path / "place", engine=networks, decoders=decoders)
    with place.open() as library:
        require_left_out(place, library, folder, photos=1)
        assert library.people() == []


def require_left_out(place: Place, library: Library, folder: Path, *, photos: int) -> None:
    """Take photos in, and fail where a name of their metadata is anywhere afterwards."""
    told: list[ItemOutcome] = []
    report = library.ingest(folder, collection="party", items=told.append)
    assert (report.new, report.faces, report.linked) == (photos, photos, 0)
    # The rest of the same metadata is read: it is the names that are left where they were.
    assert rows(library, "SELECT DISTINCT page_url FROM sightings") == [
        ("https://example.org/fair/7",)
    ]
    library.house.store.overwrite_deleted()
    assert scan(place.files(), FORMS) == set()
    assert NAME not in repr(report) + repr(told)
    # The scan sees what it looks for.
    assert {name for name, _ in scan(folder.iterdir(), FORMS)} == {p.name for p in folder.iterdir()}


def test_a_name_beside_a_face_makes_nobody_findable(library: Library, photos: Path) -> None:
    library.ingest(photos, collection="party")
    assert library.people() == [] and found_names(library, NAMED) == []
    assert rows(library, "SELECT count(*) FROM links") == [(0,)]
    # Nor does it give the face to somebody of the same name who did say yes.
    namesake = enrol(library, NAME, ANN)
    library.rescan()
    assert found_names(library, NAMED) == [] and found_names(library, ANN) == [NAME]
    assert rows(library, "SELECT count(*) FROM links") == [(0,)]
    assert library.show(namesake)[1] == []
