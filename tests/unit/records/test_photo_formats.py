"""What the folder source takes for a photo by its name is what can be decoded, and nothing else."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from likeness.faces.decode import decode
from likeness.records.photo import ReadLimits
from likeness.records.photo_formats import PHOTO_SUFFIXES, SUFFIXES_OF
from likeness.sources.file_kinds import file_kind

EVERY = [(form, suffix) for form, suffixes in SUFFIXES_OF.items() for suffix in suffixes]


def a_photo(form: str) -> bytes:
    file, picture = io.BytesIO(), Image.new("RGB", (32, 24), (200, 90, 30))
    if form == "HEIF":
        heif = pytest.importorskip("pillow_heif")
        try:
            heif.from_pillow(picture).save(file)
        except (RuntimeError, ValueError):
            pytest.skip("pillow_heif has no encoder here")
    elif form == "MPO":
        picture.save(file, form, save_all=True, append_images=[picture])
    else:
        picture.save(file, form)
    return file.getvalue()


@pytest.mark.parametrize("form", SUFFIXES_OF)
def test_each_format_that_has_a_suffix_is_decoded(form: str) -> None:
    photo = decode(a_photo(form), limits=ReadLimits(), long_side=None)
    assert photo.format == form
    assert photo.pixels.shape == (24, 32, 3)


@pytest.mark.parametrize(("form", "suffix"), EVERY)
def test_a_file_with_each_suffix_is_taken_for_a_photo(form: str, suffix: str) -> None:
    assert suffix == suffix.casefold() and suffix.startswith(".")
    for name in (f"photo{suffix}", f"PHOTO{suffix.upper()}", f"a.b{suffix}"):
        assert file_kind(name).photo, name


def test_pillow_writes_no_suffix_of_these_formats_that_is_not_known() -> None:
    Image.init()
    written = {
        suffix for suffix, form in Image.registered_extensions().items() if form in SUFFIXES_OF
    }
    # A picture that moves is not a photo, and AVIF and its kin are other formats.
    assert written - PHOTO_SUFFIXES <= {".apng"}
