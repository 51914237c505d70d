"""Loads the parts of a model pack by the kind that its manifest names.

Another kind of detector or embedder is one more adapter, named here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from likeness.errors import ModelFileInvalid
from likeness.faces.detect import Detector, PyramidDetector, PyramidSettings
from likeness.faces.detect_yunet import YuNetDetector
from likeness.faces.dlib_networks import parse_network
from likeness.faces.embed import ChipEmbedder, Embedder
from likeness.faces.embed_onnx import OnnxEmbedder
from likeness.faces.frames import Frame, frame_of
from likeness.faces.landmarks import LandmarkCascade
from likeness.faces.model_cache import cached_model
from likeness.faces.onnx_graphs import GRAPHS_VERSION, detector_graph, embedder_graph
from likeness.faces.packs import Detection, Pack, PackFile, locate, read_verified
from likeness.faces.rough_graph import (
    LARGEST_OUTPUTS,
    ROUGH_GRAPH_VERSION,
    rough_detector_graph,
)
from likeness.faces.runtime import Model, multiplies_bytes
from likeness.faces.shrink import SHRINK_GRAPH_VERSION, Shrink, shrink_graph
from likeness.faces.yunet_graph import YUNET_GRAPH_VERSION, yunet_graph

_WITH_LANDMARKS = ("yunet",)


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a pack consists of, loaded. ``landmarks`` is None where the detector finds them."""

    frame: Frame
    detector: Detector
    landmarks: LandmarkCascade | None
    embedder: Embedder


def load_parts(pack: Pack, threads: int | None) -> Parts:
    """Everything that a pack names.

    Raises
    ------
    ModelFileInvalid
        A file is missing, damaged or of an unknown kind, or the parts do not fit together.
    """
    frame = frame_of(pack.preprocessing)
    if frame is None:
        raise unknown_kind(pack, "way of aligning", pack.preprocessing.alignment)
    landmarks = None
    if frame.landmarks == "corners":
        landmarks = load_landmarks(pack)
    elif pack.file("detector").kind not in _WITH_LANDMARKS:
        raise ModelFileInvalid(
            f"The model pack {pack.name!r} aligns by {frame.name}, which needs eyes, nose and "
            f"mouth, and its detector {pack.file('detector').kind} does not find them.",
            f"Use a detector of the kind {' or '.join(_WITH_LANDMARKS)}, or another alignment.",
        )
    return Parts(
        frame=frame,
        embedder=load_embedder(pack, threads),
        detector=load_detector(pack, threads),
        landmarks=landmarks,
    )


def unknown_kind(pack: Pack, what: str, kind: str) -> ModelFileInvalid:
    """The error for a manifest that names a part which has no adapter here."""
    return ModelFileInvalid(
        f"The model pack {pack.name!r} names a {what} of the kind {kind!r}, which is not known "
        "here.",
        "Use a pack made for this version of Likeness, or update Likeness.",
    )


def _built(pack: Pack, file: PackFile, threads: int | None) -> Model:
    """The ONNX model of one of dlib's networks, from the cache where it is there."""
    data = read_verified(pack, file)

    def build() -> bytes:
        network = parse_network(data, name=Path(file.path).name)
        if file.role == "detector":
            return detector_graph(network)
        return embedder_graph(network)

    name = f"{file.kind}-{file.sha256}-{GRAPHS_VERSION}.onnx"
    return Model(cached_model(name, build), threads=threads)


def _rough(pack: Pack, file: PackFile, threads: int | None) -> Model | None:
    """The same detector in whole numbers, where its range is known and this machine gains by it."""
    largest = LARGEST_OUTPUTS.get(file.sha256)
    if largest is None or not multiplies_bytes():
        return None
    data = read_verified(pack, file)

    def build() -> bytes:
        return rough_detector_graph(parse_network(data, name=Path(file.path).name), largest)

    name = f"{file.kind}-rough-{file.sha256}-{ROUGH_GRAPH_VERSION}.onnx"
    return Model(cached_model(name, build), threads=threads)


def load_detector(pack: Pack, threads: int | None) -> Detector:
    """What finds the boxes of faces.

    Raises
    ------
    ModelFileInvalid
        Its file is missing, damaged or of an unknown kind.
    """
    file = pack.file("detector")
    if file.kind == "dlib-mmod":
        settings = _pyramid_settings(pack)
        exact, rough = _built(pack, file, threads), _rough(pack, file, threads)
        shrink = Shrink(cached_model(f"shrink-{SHRINK_GRAPH_VERSION}.onnx", shrink_graph))
        return PyramidDetector(exact, settings, rough=rough, shrink=shrink)
    if file.kind == "yunet":
        _refuse_options(pack, set())
        threshold = pack.detection.threshold if pack.detection else None
        if threshold is not None and not 0 < threshold <= 1:
            raise ModelFileInvalid(
                f"The model pack {pack.name!r} sets detection.threshold to {threshold:g}, and its "
                "detector scores faces from 0 to 1.",
                "Correct it in the manifest.",
            )
        data = read_verified(pack, file)
        name = f"yunet-{file.sha256}-{YUNET_GRAPH_VERSION}.onnx"
        model = cached_model(name, lambda: yunet_graph(data, name=file.name))
        return YuNetDetector(Model(model, threads=threads), threshold=threshold)
    raise unknown_kind(pack, "detector", file.kind)


def _pyramid_settings(pack: Pack) -> PyramidSettings:
    """How a pack sets dlib's detector; dlib's own settings where it says nothing."""
    _refuse_options(pack, {"enlarge", "enlarge_to", "step"})
    usual, given = PyramidSettings(), pack.detection or Detection()
    return PyramidSettings(
        threshold=usual.threshold if given.threshold is None else given.threshold,
        enlarge=given.option("enlarge", usual.enlarge),
        enlarge_to=int(given.option("enlarge_to", usual.enlarge_to)),
        step=given.option("step", usual.step),
    )


def _refuse_options(pack: Pack, known: set[str]) -> None:
    """Refuses options of ``detection`` that its kind does not take."""
    given = {name for name, _ in pack.detection.options} if pack.detection else set()
    if unknown := sorted(given - known):
        raise ModelFileInvalid(
            f"The model pack {pack.name!r} sets detection.{unknown[0]}, which its detector does "
            "not take.",
            "Remove it from the manifest.",
        )


def load_landmarks(pack: Pack) -> LandmarkCascade:
    """What finds landmarks inside boxes.

    Raises
    ------
    ModelFileInvalid
        Its file is missing, damaged or of an unknown kind.
    """
    file = pack.file("landmarks")
    if file.kind != "dlib-cascade-5":
        raise unknown_kind(pack, "landmark finder", file.kind)
    read_verified(pack, file)
    return LandmarkCascade.read(locate(pack, file))


def load_embedder(pack: Pack, threads: int | None) -> Embedder:
    """What makes embeddings of aligned chips.

    Raises
    ------
    ModelFileInvalid
        Its file is missing, damaged or of an unknown kind.
    """
    file = pack.file("embedder")
    if file.kind == "dlib-resnet":
        return ChipEmbedder(_built(pack, file, threads))
    if file.kind == "onnx":
        return OnnxEmbedder(
            read_verified(pack, file),
            name=file.name,
            how=pack.preprocessing,
            output=pack.output,
            run=lambda model: Model(model, threads=threads),
        )
    raise unknown_kind(pack, "network for templates", file.kind)
