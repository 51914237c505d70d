"""A person's photos as one file: their own, whole where they are, and with the ways back."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import zipfile
from pathlib import Path

import pytest
from portal_parts import own_house, sha256
from promise_house import enrol
from synthetic_engine import Drawn, save

from likeness.library import Library
from likeness.own_archive import TABLE, own_archive
from likeness.portal import my_photos
from likeness.portal_decisions import not_me

ANN, BOB = 1, 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    save(folder / "summer" / "both.png", Drawn(person=ANN), Drawn(person=BOB), salt=1)
    save(folder / "summer" / "=cmd.png", Drawn(person=ANN, shot=1), salt=2)
    save(folder / "bob.png", Drawn(person=BOB), salt=3)
    (folder / "links.csv").write_text(
        "path,page_url,taken_at,text\n"
        "summer/both.png,https://example.org/day,2024-05-01T10:00:00+00:00,=1+1\n"
    )
    return folder


@pytest.fixture
def ann(library: Library, folder: Path) -> str:
    library.ingest(folder, collection="party")
    enrol(library, "Bob", BOB)
    return enrol(library, "Ann", ANN, "find_me")


def archive_of(library: Library, person: str) -> zipfile.ZipFile:
    pieces = list(own_archive(own_house(library, person)))
    archive = zipfile.ZipFile(io.BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    return archive


def table_of(archive: zipfile.ZipFile) -> list[dict[str, str]]:
    text = archive.read(TABLE).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_it_holds_their_photos_as_they_are_and_no_others(
    library: Library, ann: str, folder: Path
) -> None:
    archive = archive_of(library, ann)
    names = [name for name in archive.namelist() if name != TABLE]
    held = {archive.read(name) for name in names}
    assert held == {path.read_bytes() for path in (folder / "summer").glob("*.png")}
    assert all(info.compress_type == zipfile.ZIP_STORED for info in archive.infolist())
    assert all(re.fullmatch(r"\d{5}(-\d{4}-\d\d-\d\d)?-[0-9a-f]{8}\.png", name) for name in names)


def test_the_table_leads_back_and_no_cell_of_it_is_a_formula(library: Library, ann: str) -> None:
    archive = archive_of(library, ann)
    table = {row["sha256"]: row for row in table_of(archive)}
    both = table[sha256(library, "summer/both.png")]
    assert both["page"] == "https://example.org/day"
    assert (both["what"], both["collection"], both["held by"]) == (
        "original",
        "party",
        "Tennis club",
    )
    assert both["text"] == "'=1+1"
    assert both["file"] in archive.namelist()
    for row in table.values():
        assert "file://" not in " ".join(row.values()), "no path of the server is told"


def test_a_file_that_changed_or_went_is_given_as_its_preview(
    library: Library, ann: str, folder: Path
) -> None:
    (folder / "summer" / "both.png").write_bytes(b"something else")
    (folder / "summer" / "=cmd.png").unlink()
    archive = archive_of(library, ann)
    assert {row["what"] for row in table_of(archive)} == {"preview"}
    photos = [name for name in archive.namelist() if name != TABLE]
    assert len(photos) == 2
    assert all(archive.read(name)[:2] == b"\xff\xd8" for name in photos)


def test_a_link_in_place_of_a_file_is_not_followed(
    library: Library, ann: str, folder: Path, tmp_path: Path
) -> None:
    place = folder / "summer" / "both.png"
    place.rename(tmp_path / "secret.png")
    os.symlink(tmp_path / "secret.png", place)
    kinds = {row["sha256"]: row["what"] for row in table_of(archive_of(library, ann))}
    assert kinds[sha256(library, "summer/both.png")] == "preview"


def test_it_ends_where_they_withdraw_meanwhile(library: Library, ann: str, folder: Path) -> None:
    pieces = own_archive(own_house(library, ann))
    first = next(pieces)
    library.withdraw(ann)
    archive = zipfile.ZipFile(io.BytesIO(first + b"".join(pieces)))
    assert len(archive.namelist()) == 2
    assert len(table_of(archive)) == 1


def test_a_photo_that_is_taken_off_them_meanwhile_is_not_in_it(library: Library, ann: str) -> None:
    house = own_house(library, ann)
    pieces = own_archive(house)
    first = next(pieces)
    begun = {photo.photo.sha256 for photo in my_photos(house).photos}
    for photo in begun:
        not_me(house, photo)
    archive = zipfile.ZipFile(io.BytesIO(first + b"".join(pieces)))
    assert len(archive.namelist()) == 2
    assert len(table_of(archive)) == 1


def test_a_place_that_is_removed_meanwhile_is_not_in_its_table(
    library: Library, ann: str, folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder / "summer", tmp_path / "again")
    library.ingest(tmp_path / "again", collection="party")
    pieces = own_archive(own_house(library, ann))
    first = next(pieces)
    [source] = [one for one in library.sources() if one.address == str(folder)]
    library.remove(source.source_id)
    archive = zipfile.ZipFile(io.BytesIO(first + b"".join(pieces)))
    assert {row["what"] for row in table_of(archive)} == {"original"}
    assert "summer" not in table_of(archive)[-1]["page"]
    assert len(table_of(archive)) == 3


def test_somebody_without_photos_gets_an_empty_table(library: Library, tmp_path: Path) -> None:
    nobody = enrol(library, "Nobody", 77)
    archive = archive_of(library, nobody)
    assert archive.namelist() == [TABLE]
    assert table_of(archive) == []
