"""Embedders from ONNX files: what they are fed, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from small_networks import PLACES, expected, in_photo, network, patches_network, ramp

from likeness.errors import ModelFileInvalid
from likeness.faces.embed import templates_of
from likeness.faces.embed_onnx import OnnxEmbedder
from likeness.faces.engine import FaceEngine
from likeness.faces.frames import Frame, arcface_5, frame_of
from likeness.faces.packs import Output, Pack, Preprocessing, load_manifest
from likeness.faces.runtime import Model
from likeness.records.face import DetectedFace

HOW = Preprocessing(
    version=1,
    alignment="arcface-5",
    chip=112,
    mirror=False,
    colour="RGB",
    mean=(0.0, 0.0, 0.0),
    scale=(1.0, 1.0, 1.0),
)
ARCFACE = np.array(
    [
        [38.2946, 51.6963],
        [73.5318, 51.5014],
        [56.0252, 71.7366],
        [41.5493, 92.3655],
        [70.7299, 92.2041],
    ]
)
CLOSE = 0.0022
"""How far a number of a template may be from what is expected: half a pixel of the chip."""

SHOTS = [
    ((300, 300), (150.0, 150.0), 0.8, 0.0),
    ((400, 500), (260.0, 190.0), 1.0, 0.35),
    ((400, 400), (205.5, 190.25), 1.43, -0.6),
    ((900, 1200), (600.0, 450.0), 3.7, 0.2),
    ((1500, 1500), (740.0, 760.0), 6.1, -1.3),
    ((700, 700), (340.0, 350.0), 1.9, 3.0),
]


class NoDetector:
    def find(self, image: NDArray[np.uint8]) -> list[Any]:
        return []

    def find_many(self, images: Any) -> list[list[Any]]:
        return [[] for _ in images]


def embedder(
    model: bytes, how: Preprocessing = HOW, *, normalised: bool = False, threads: int = 1
) -> OnnxEmbedder:
    return OnnxEmbedder(
        model,
        name="small.onnx",
        how=how,
        output=Output(normalised=normalised),
        run=lambda data: Model(data, threads=threads),
    )


@pytest.fixture(scope="module")
def dlib_pack() -> Pack:
    return load_manifest("dlib")


def engine(
    pack: Pack, how: Preprocessing = HOW, *, model: bytes | None = None, frame: Frame | None = None
) -> FaceEngine:
    return FaceEngine(
        pack=replace(pack, preprocessing=how, template_length=15),
        frame=frame or frame_of(how) or arcface_5(),
        detector=NoDetector(),
        landmarks=None,
        embedder=embedder(model or patches_network(), how),
    )


def face(landmarks: NDArray[np.float32]) -> DetectedFace:
    return DetectedFace(box=(0, 0, 1, 1), score=1.0, landmarks=landmarks)


def templates_of_shot(made_by: FaceEngine, shot: Any) -> list[NDArray[np.float32]]:
    """Of the photo, and of the crops that are kept of it."""
    size, centre, scale, angle = shot
    photo = ramp(size, centre, scale, angle)
    faces = [face(in_photo(ARCFACE, centre, scale, angle))]
    crops = [made_by.crops(photo, faces, size=size) for size in (192, 256)]
    return [
        made_by.templates(photo, faces)[0],
        *(made_by.templates_from_crops(crop)[0] for crop in crops),
    ]


@pytest.mark.parametrize("shot", SHOTS)
def test_a_face_of_any_size_and_turn_is_seen_where_arcface_wants_it(
    dlib_pack: Pack, shot: Any
) -> None:
    for template in templates_of_shot(engine(dlib_pack), shot):
        assert np.abs(template - expected()).max() < CLOSE


@pytest.mark.parametrize(
    "how",
    [
        replace(HOW, colour="BGR"),
        replace(HOW, mean=(127.5, 127.5, 127.5), scale=(1 / 127.5,) * 3),
        replace(HOW, mean=(100.0, 60.0, 20.0), scale=(0.5, 1.0, 2.0)),
        replace(HOW, colour="BGR", mean=(100.0, 60.0, 20.0), scale=(0.5, 1.0, 2.0)),
        replace(HOW, mirror=True),
    ],
)
def test_colours_mean_scale_and_mirror_are_those_of_the_manifest(
    dlib_pack: Pack, how: Preprocessing
) -> None:
    wanted = expected(
        backwards=how.colour == "BGR",
        mean=np.array(how.mean),
        scale=np.array(how.scale),
        mirror=how.mirror,
    )
    for template in templates_of_shot(engine(dlib_pack, how), SHOTS[1]):
        assert np.abs(template - wanted).max() < 2.5 * CLOSE


def wrong_frames() -> dict[str, Frame]:
    right = arcface_5()
    flipped = right.points[[1, 0, 2, 4, 3]]
    return {
        "left and right": replace(right, points=flipped),
        "mirrored": replace(right, points=(right.inner, 0) + right.points * (-1, 1)),
        "scale": replace(right, points=(right.points - 80) * 0.97 + 80),
        "in pixels of 112": replace(right, points=right.points * 112 / 160),
        "one pixel aside": replace(right, points=right.points + np.array([160 / 112, 0.0])),
        "turned": replace(right, points=right.points[:, ::-1].copy()),
    }


@pytest.mark.parametrize("mistake", wrong_frames())
def test_an_alignment_that_is_wrong_is_noticed(dlib_pack: Pack, mistake: str) -> None:
    frame = wrong_frames()[mistake]
    for template in templates_of_shot(engine(dlib_pack, frame=frame), SHOTS[1]):
        assert np.abs(template - expected()).max() > CLOSE


@pytest.mark.parametrize(
    "how",
    [
        replace(HOW, colour="BGR"),
        replace(HOW, mean=(10.0, 10.0, 10.0)),
        replace(HOW, scale=(1.0, 1.0, 1.1)),
        replace(HOW, mirror=True),
    ],
)
def test_colours_mean_scale_and_mirror_that_are_wrong_are_noticed(
    dlib_pack: Pack, how: Preprocessing
) -> None:
    for template in templates_of_shot(engine(dlib_pack, how), SHOTS[1]):
        assert np.abs(template - expected()).max() > CLOSE


def test_points_of_the_manifest_s_own_are_those_of_its_chip(dlib_pack: Pack) -> None:
    points = tuple((float(x) + 5, float(y)) for x, y in ARCFACE)
    made_by = engine(dlib_pack, replace(HOW, points=points))
    assert made_by.frame.name.startswith("arcface-5:")
    moved = expected().reshape(5, 3).copy()
    moved = np.stack([2 * (PLACES[:, 0] - 5), 2 * PLACES[:, 1], np.full(5, 90.0)], axis=1)
    wanted = moved.ravel() / np.linalg.norm(moved)
    for template in templates_of_shot(made_by, SHOTS[1]):
        assert np.abs(template - wanted).max() < CLOSE


@pytest.mark.parametrize("chip", [64, 112, 160, 224])
def test_a_chip_of_any_size_shows_the_same(dlib_pack: Pack, chip: int) -> None:
    how = replace(HOW, chip=chip)
    made_by = engine(dlib_pack, how, model=patches_network(chip=chip))
    for template in templates_of_shot(made_by, SHOTS[2]):
        assert np.abs(template - expected()).max() < 3 * CLOSE


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("channels_first", [True, False])
@pytest.mark.parametrize("four", [True, False])
def test_any_layout_of_the_input_and_output_gives_the_same(
    batch: int | None, channels_first: bool, four: bool
) -> None:
    chips = np.random.default_rng(1).integers(0, 256, (19, 112, 112, 3), dtype=np.uint8)
    model = patches_network(batch=batch, channels_first=channels_first, four=four)
    made = embedder(model, threads=2).embeddings(chips)
    assert made == pytest.approx(embedder(patches_network()).embeddings(chips), rel=1e-5)


def test_the_length_is_read_off_the_network() -> None:
    assert embedder(patches_network(length=7)).length == 7


def small(nodes: list[Any] | None = None, **changes: Any) -> bytes:
    """A network that does next to nothing, with one thing off."""
    make = onnx.helper.make_node
    settings: dict[str, Any] = {
        "given": [["n", 3, 112, 112]],
        "made": ["out"],
        "shape": ["n", 3],
    }
    usual = [make("ReduceMean", ["image"], ["out"], axes=[2, 3], keepdims=0)]
    return network(nodes or usual, changes.pop("constants", []), **{**settings, **changes})


def elsewhere() -> bytes:
    """Weights in another file."""
    model = onnx.load_model_from_string(patches_network())
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    data: bytes = model.SerializeToString()
    return data


def marked() -> bytes:
    """A sound network that bears the mark by which onnxruntime knows its own format."""
    model = onnx.load_model_from_string(patches_network())
    model.producer_name = "ORTM"
    data: bytes = model.SerializeToString()
    assert data[4:8] == b"ORTM"
    return data


def by_default() -> bytes:
    """A function whose attribute is, where nothing is given, weights in another file."""
    model = onnx.load_model_from_string(patches_network())
    weights = onnx.helper.make_tensor("w", onnx.TensorProto.FLOAT, [1], [0.0])
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="/etc/passwd")
    function = onnx.helper.make_function(
        "own",
        "Given",
        [],
        ["y"],
        [onnx.helper.make_node("Constant", [], ["y"])],
        [onnx.helper.make_opsetid("", 17)],
        attribute_protos=[onnx.helper.make_attribute("value", weights)],
    )
    model.functions.append(function)
    data: bytes = model.SerializeToString()
    return data


def within(operator: Any) -> bytes:
    """An operator inside a branch."""
    value = onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, None)
    branch = onnx.helper.make_graph([operator], "branch", [], [value])
    make = onnx.helper.make_node
    always = onnx.helper.make_tensor("always", onnx.TensorProto.BOOL, [], [True])
    return small(
        [make("If", ["always"], ["out"], then_branch=branch, else_branch=branch)],
        constants=[always],
    )


MAKE = onnx.helper.make_node
REFUSED = {
    "no model": (b"not a model", "not an ONNX model"),
    "empty": (b"", "not an ONNX model"),
    "an operator of its own": (
        small([MAKE("Steal", ["image"], ["out"], domain="evil.example")]),
        r"operator Steal of the domain evil\.example",
    ),
    "an operator of its own in a branch": (
        within(MAKE("Steal", ["image"], ["a"], domain="evil.example")),
        "operator Steal",
    ),
    "weights elsewhere": (elsewhere(), "weights in another file"),
    "weights elsewhere by default": (by_default(), "weights in another file"),
    "two inputs": (small(given=[["n", 3, 112, 112], ["n", 3, 112, 112]]), "one input"),
    "two outputs": (
        small([MAKE("ReduceMean", ["image"], ["out"], axes=[2, 3], keepdims=0),
               MAKE("Identity", ["out"], ["more"])], made=["out", "more"]),
        "the outputs out, more",
    ),
    "another chip": (patches_network(chip=64), "64 by 64"),
    "no image": (small(given=[["n", 3]], nodes=[MAKE("Identity", ["image"], ["out"])]), "an image"),
    "a million at once": (small(given=[[1_000_000, 3, 112, 112]]), "1,000,000 images at once"),
    "one channel": (small(given=[["n", 1, 112, 112]]), "three channels"),
    "bytes": (
        small([MAKE("Cast", ["image"], ["f"], to=1),
               MAKE("ReduceMean", ["f"], ["out"], axes=[2, 3], keepdims=0)],
              element=onnx.TensorProto.UINT8),
        "float32",
    ),
    "one number for all": (
        small([MAKE("ReduceMean", ["image"], ["out"], keepdims=0)], shape=[]), "one vector"
    ),
    "an unknown operator": (small([MAKE("Nonsense", ["image"], ["out"])]), "onnxruntime"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_network_for_faces_is_refused(what: str) -> None:
    model, said = REFUSED[what]
    with pytest.raises(ModelFileInvalid, match=said):
        embedder(model)


@pytest.mark.parametrize("missing", ["colour", "mean", "scale"])
def test_a_manifest_has_to_say_how_to_feed_it(missing: str) -> None:
    with pytest.raises(ModelFileInvalid, match="colour, mean and scale"):
        embedder(patches_network(), replace(HOW, **{missing: None}))


def test_an_output_of_another_length_than_said_is_refused() -> None:
    chips = np.full((2, 112, 112, 3), 50, np.uint8)
    assert np.linalg.norm(
        embedder(patches_network(unit=True), normalised=True).embeddings(chips), axis=1
    ) == pytest.approx(1.0)
    with pytest.raises(ModelFileInvalid, match="length 1"):
        embedder(patches_network(), normalised=True).embeddings(chips)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ModelFileInvalid, match="mean and scale"):
        embedder(
            small([MAKE("Log", ["image"], ["l"]),
                   MAKE("ReduceMean", ["l"], ["out"], axes=[2, 3], keepdims=0)]),
            replace(HOW, mean=(200.0, 200.0, 200.0)),
        ).embeddings(np.full((1, 112, 112, 3), 50, np.uint8))  # fmt: skip


def test_a_network_is_read_as_what_was_checked() -> None:
    chips = np.full((1, 112, 112, 3), 50, np.uint8)
    made = embedder(marked()).embeddings(chips)
    assert made == pytest.approx(embedder(patches_network()).embeddings(chips))


@pytest.mark.parametrize("share", [0.0, 1e30])
def test_a_vector_without_a_direction_is_no_template(share: float) -> None:
    how = replace(HOW, scale=(share, share, share))
    with pytest.raises(ModelFileInvalid, match="without a direction"):
        templates_of(
            embedder(patches_network(), how), np.full((1, 112, 112, 3), 50, np.uint8), mirror=False
        )


def test_one_of_several_outputs_is_taken_by_its_name() -> None:
    model = onnx.load_model_from_string(patches_network())
    norm = onnx.helper.make_node("ReduceL2", ["sums"], ["norm"], axes=[1])
    model.graph.node.append(norm)
    model.graph.output.insert(
        0, onnx.helper.make_tensor_value_info("norm", onnx.TensorProto.FLOAT, ["n", 1])
    )
    both: bytes = model.SerializeToString()
    chips = np.random.default_rng(3).integers(0, 256, (2, 112, 112, 3), dtype=np.uint8)
    chosen = OnnxEmbedder(both, name="two.onnx", how=HOW, output=Output(name="sums"), run=Model)
    assert chosen.embeddings(chips) == pytest.approx(embedder(patches_network()).embeddings(chips))
    with pytest.raises(ModelFileInvalid, match="the outputs norm, sums"):
        embedder(both)
