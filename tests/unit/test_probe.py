"""Photos given by hand: read or named with what is wrong, and one face chosen."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from promise_house import with_engine
from synthetic_engine import DOUBTFUL_ALONE, NEAR, Drawn, SyntheticEngine, draw, save

from likeness.errors import FaceChoiceNeeded, FaceUnusable, PhotoUnreadable, UsageError
from likeness.faces.crops import REFERENCE_CROP_SIZE, decode_crop
from likeness.faces.packs import Pack
from likeness.house import House
from likeness.library import Library
from likeness.probe import (
    name_of,
    pixels_of,
    reference_crops,
    reference_templates,
    require_one_person,
    template_of,
    the_face,
)
from likeness.records.photo import ReadLimits

ANN, BOB = 1, 2
SMALL, TURNED, TURNED_BACK = 901, 902, 903
"""Shots of which the engine below says something that a drawing cannot show."""


class PosingEngine(SyntheticEngine):
    """Measures some shots as too small or turned away."""

    def quality(self, image: Any, faces: Any) -> Any:
        measured = []
        for crop, found in zip(
            self.crops(image, faces), super().quality(image, faces), strict=True
        ):
            shot = self.shot_of(crop[::3, ::3])
            yaw = {TURNED: 0.95, TURNED_BACK: -0.95}.get(shot, found.yaw)
            inter_eye = 4.0 if shot == SMALL else found.inter_eye
            measured.append(replace(found, inter_eye=inter_eye, yaw=yaw))
        return measured

    def shot_of(self, crop: NDArray[np.uint8]) -> int:
        for shot in (SMALL, TURNED, TURNED_BACK):
            if np.array_equal(crop, draw(Drawn(person=ANN, shot=shot))[:64, 64:]):
                return shot
        return 0


@pytest.fixture
def house(library: Library, pack: Pack) -> House:
    return with_engine(library, PosingEngine(pack)).house


def as_file(pixels: NDArray[np.uint8], form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def test_a_photo_is_read_alike_from_a_path_a_file_and_pixels(house: House, tmp_path: Path) -> None:
    path = save(tmp_path / "ann.png", Drawn(person=ANN))
    expected = draw(Drawn(person=ANN))
    for image in (path, str(path), path.read_bytes(), expected):
        pixels, scale = pixels_of(house, image)
        assert np.array_equal(pixels, expected)
        assert scale == 1.0


def test_a_large_photo_is_reduced_and_says_by_how_much(house: House) -> None:
    pixels, scale = pixels_of(house, as_file(np.full((300, 3200, 3), 90, np.uint8)))
    assert pixels.shape == (150, 1600, 3)
    assert scale == pytest.approx(2.0)


def test_a_photo_is_turned_upright(house: House) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((20, 40, 3), np.uint8)).save(file, "JPEG", exif=exif)
    pixels, _ = pixels_of(house, file.getvalue())
    assert pixels.shape[:2] == (40, 20)


def a_missing_file(folder: Path) -> Path:
    return folder / "photo.jpg"


def a_folder(folder: Path) -> Path:
    (folder / "photo.jpg").mkdir()
    return folder / "photo.jpg"


def a_pipe(folder: Path) -> Path:
    os.mkfifo(folder / "photo.jpg")
    return folder / "photo.jpg"


def a_broken_file(folder: Path) -> Path:
    (folder / "photo.jpg").write_bytes(as_file(draw(Drawn(person=ANN)), "JPEG")[:400])
    return folder / "photo.jpg"


def an_empty_file(folder: Path) -> Path:
    (folder / "photo.jpg").write_bytes(b"")
    return folder / "photo.jpg"


def a_letter(folder: Path) -> Path:
    (folder / "photo.jpg").write_bytes(b"Dear Ann, " * 100)
    return folder / "photo.jpg"


def a_huge_file(folder: Path) -> Path:
    with (folder / "photo.jpg").open("wb") as file:
        file.truncate(2_000_000)
    return folder / "photo.jpg"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (a_missing_file, "missing"),
        (a_folder, "folder"),
        (a_pipe, "not_a_file"),
        (a_broken_file, "truncated"),
        (an_empty_file, "empty"),
        (a_letter, "not_a_photo"),
        (a_huge_file, "too_large"),
    ],
)
@pytest.mark.parametrize("use", [pixels_of, lambda house, path: reference_crops(house, [path])])
def test_a_file_that_cannot_be_read_is_named_with_the_reason_and_what_to_do(
    house: House, tmp_path: Path, make: Callable[[Path], Path], reason: str, use: Any
) -> None:
    limits = ReadLimits(max_bytes=1_000_000)
    house = replace(house, settings=replace(house.settings, limits=limits))
    with pytest.raises(PhotoUnreadable, match=r"photo\.jpg") as caught:
        use(house, make(tmp_path))
    assert caught.value.reason == reason
    assert caught.value.fix
    assert str(tmp_path) not in str(caught.value), "the name will do"


def test_of_several_files_the_one_that_cannot_be_read_is_named(
    house: House, tmp_path: Path
) -> None:
    good = save(tmp_path / "good.png", Drawn(person=ANN))
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no photo")
    with pytest.raises(PhotoUnreadable, match=r"^bad\.jpg "):
        reference_crops(house, [good, bad])
    with pytest.raises(PhotoUnreadable, match=r"^photo 3 "):
        reference_crops(house, [good, good.read_bytes(), b"no photo"])


def test_a_photo_is_called_by_its_file_name_or_its_place() -> None:
    assert name_of("/somewhere/else/ann.jpg", 3) == "ann.jpg"
    assert name_of(Path("ann.jpg"), 3) == "ann.jpg"
    assert name_of(b"...", 3) == "photo 3"
    assert name_of(np.zeros((1, 1, 3), np.uint8), 1) == "photo 1"


def face_of(house: House, *faces: Drawn, face: int | None = None, scale: float = 1.0) -> Any:
    return the_face(house, draw(*faces), scale=scale, face=face)


def test_the_only_face_needs_no_choice_and_may_be_chosen(house: House) -> None:
    assert face_of(house, Drawn(person=ANN)).box == (64, 0, 128, 64)
    assert face_of(house, Drawn(person=ANN), face=1).box == (64, 0, 128, 64)


def test_faces_are_counted_from_the_left(house: House) -> None:
    three = [Drawn(person=person) for person in (ANN, BOB, 3)]
    boxes = [face_of(house, *three, face=number).box for number in (1, 2, 3)]
    assert boxes == [(64 * n, 0, 64 * (n + 1), 64) for n in (1, 2, 3)]


@pytest.mark.parametrize("face", [None, 0, -1, 3, 1_000_000])
def test_several_faces_ask_which_and_say_where_each_is_in_the_original(
    house: House, face: int | None
) -> None:
    with pytest.raises(FaceChoiceNeeded, match="--face 1 to --face 2") as caught:
        face_of(house, Drawn(person=ANN), Drawn(person=BOB), face=face, scale=2.5)
    assert caught.value.boxes == ((160, 0, 320, 160), (320, 0, 480, 160))


@pytest.mark.parametrize("face", [None, 1])
def test_a_photo_of_nobody_is_said_to_show_no_face(house: House, face: int | None) -> None:
    with pytest.raises(FaceUnusable) as caught:
        face_of(house, face=face)
    assert caught.value.reason == "none"


def test_a_probe_may_be_blurred_and_its_template_is_of_the_face_chosen(
    house: House, pack: Pack
) -> None:
    pixels = draw(Drawn(person=ANN), Drawn(person=BOB, blurred=True))
    face = the_face(house, pixels, scale=1.0, face=2)
    template = template_of(house, pixels, face)
    assert template.shape == (pack.template_length,)
    assert template.dtype == np.float32
    assert np.array_equal(template, SyntheticEngine(pack).template(Drawn(person=BOB)))


@pytest.mark.parametrize(
    ("faces", "reason"),
    [
        ([], "none"),
        ([Drawn(person=ANN), Drawn(person=BOB)], "several"),
        ([Drawn(person=ANN, shot=SMALL)], "too_small"),
        ([Drawn(person=ANN, blurred=True)], "too_blurred"),
        ([Drawn(person=ANN, shot=TURNED)], "turned_away"),
        ([Drawn(person=ANN, shot=TURNED_BACK)], "turned_away"),
    ],
)
def test_a_photo_to_enrol_with_that_cannot_be_used_is_named_with_the_reason(
    house: House, tmp_path: Path, faces: list[Drawn], reason: str
) -> None:
    good = save(tmp_path / "good.png", Drawn(person=ANN))
    bad = save(tmp_path / "bad.png", *faces)
    with pytest.raises(FaceUnusable, match=r"bad\.png") as caught:
        reference_crops(house, [good, bad])
    assert caught.value.reason == reason
    assert caught.value.fix
    with pytest.raises(FaceUnusable, match="photo 2") as caught:
        reference_crops(house, [draw(Drawn(person=ANN)), draw(*faces)])
    assert caught.value.reason == reason


def test_somebody_in_the_background_who_could_not_be_used_does_no_harm(house: House) -> None:
    [crop] = reference_crops(house, [draw(Drawn(person=BOB, blurred=True), Drawn(person=ANN))])
    [template] = reference_templates(house, [crop])
    assert np.array_equal(template, SyntheticEngine(house.pack).template(Drawn(person=ANN)))


def test_references_are_crops_of_256_pixels_and_their_templates_unit_vectors(
    house: House, tmp_path: Path
) -> None:
    photos = [save(tmp_path / f"{n}.png", Drawn(person=ANN), salt=n) for n in range(3)]
    crops = reference_crops(house, photos)
    assert [decode_crop(crop, size=REFERENCE_CROP_SIZE).shape for crop in crops] == [
        (256, 256, 3)
    ] * 3
    templates = reference_templates(house, crops)
    assert (templates.shape, templates.dtype) == ((3, house.pack.template_length), np.float32)
    assert np.linalg.norm(templates, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_no_photo_and_one_in_place_of_a_list_are_refused(house: House, tmp_path: Path) -> None:
    path = save(tmp_path / "ann.png", Drawn(person=ANN))
    with pytest.raises(UsageError, match="No photo"):
        reference_crops(house, [])
    for image in (str(path), path, path.read_bytes()):
        with pytest.raises(UsageError, match="list"):
            reference_crops(house, image)  # type: ignore[arg-type]


@pytest.fixture
def templates(pack: Pack) -> Callable[..., NDArray[np.float32]]:
    engine = SyntheticEngine(pack)
    return lambda *faces: np.stack([engine.template(face) for face in faces])


def test_photos_of_one_person_agree(templates: Any, pack: Pack) -> None:
    threshold = pack.thresholds_for(1).review
    three = [Drawn(person=ANN), Drawn(person=ANN, look=NEAR, shot=3), Drawn(person=ANN, look=NEAR)]
    require_one_person(templates(*three), ["1", "2", "3"], threshold=threshold)
    require_one_person(templates(three[0]), ["1"], threshold=threshold)


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_the_photo_that_agrees_least_is_named(templates: Any, pack: Pack, wrong: int) -> None:
    faces = [Drawn(person=ANN, shot=shot) for shot in range(3)]
    faces[wrong] = Drawn(person=BOB)
    names = ["one.jpg", "two.jpg", "three.jpg"]
    with pytest.raises(FaceUnusable, match=f"^{names[wrong]} does not seem") as caught:
        require_one_person(
            templates(*faces),
            [f"photos/{n}" for n in names],
            threshold=pack.thresholds_for(1).review,
        )
    assert caught.value.reason == "disagrees"


def test_two_photos_have_to_show_one_person(templates: Any, pack: Pack) -> None:
    two = templates(Drawn(person=ANN), Drawn(person=BOB))
    with pytest.raises(FaceUnusable, match="photo"):
        require_one_person(two, [b"", b""], threshold=pack.thresholds_for(1).review)


def test_a_photo_may_agree_with_one_of_the_others_alone(templates: Any, pack: Pack) -> None:
    """As photos of one person at two ages do: each needs one that it is close to."""
    threshold = pack.thresholds_for(1).review
    apart = [Drawn(person=ANN, look=DOUBTFUL_ALONE, shot=shot) for shot in (1, 2)]
    made = templates(*apart, Drawn(person=ANN))
    assert made[0] @ made[1] < threshold, "these two do not agree"
    require_one_person(made, ["1", "2", "3"], threshold=threshold)
