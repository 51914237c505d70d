"""What a file is by its name, and what is said of it."""

from __future__ import annotations

import pytest

from likeness.sources.file_kinds import file_kind, folder_reason


@pytest.mark.parametrize(
    "name",
    ["a.jpg", "A.JPEG", "b.png", "c.WebP", "d.tif", "e.gif", "f.bmp", "g.HEIC", "h.mpo", "i.a.jpg"],
)
def test_a_photo_is_known_by_its_suffix(name: str) -> None:
    kind = file_kind(name)
    assert (kind.photo, kind.reason) == (True, "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("clip.MP4", "not a photo (video)"),
        ("IMG_1.CR2", "not a photo (camera raw: export it as JPEG or TIFF)"),
        ("a.avif", "not a photo (image format that is not read: export it as JPEG or PNG)"),
        ("takeout.zip", "not a photo (archive: unpack it first)"),
        ("letter.docx", "not a photo"),
        ("no suffix", "not a photo"),
        (".secret.jpg", "hidden file"),
        ("Links.CSV", "not read: rename it to links.csv"),
    ],
)
def test_what_somebody_may_expect_to_be_read_is_told(name: str, reason: str) -> None:
    kind = file_kind(name)
    assert (kind.photo, kind.reason, kind.reported) == (False, reason, True)


@pytest.mark.parametrize(
    "name",
    ["links.csv", ".DS_Store", "thumbs.DB", "._a.jpg", "a.xmp", "a.jpg.json", "n.txt", ".nomedia"],
)
def test_what_stands_beside_photos_is_passed_over_with_a_reason(name: str) -> None:
    kind = file_kind(name)
    assert (kind.photo, kind.reported) == (False, False)
    assert kind.reason


def test_hidden_and_system_folders_are_not_entered() -> None:
    assert folder_reason(".git") == "hidden folder"
    assert folder_reason("@eaDir")
    assert folder_reason("Summer 2024") == ""
