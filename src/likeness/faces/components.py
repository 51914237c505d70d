"""Loads the parts of a model pack by the kind that its manifest names.

Another kind of detector or embedder is one more adapter, named here.
"""

from __future__ import annotations

from pathlib import Path

from likeness.errors import ModelFileInvalid
from likeness.faces.detect import Detector, PyramidDetector
from likeness.faces.dlib_networks import parse_network
from likeness.faces.embed import ChipEmbedder, Embedder
from likeness.faces.landmarks import LandmarkCascade
from likeness.faces.model_cache import cached_model
from likeness.faces.onnx_graphs import GRAPHS_VERSION, detector_graph, embedder_graph
from likeness.faces.packs import Pack, PackFile, locate, read_verified
from likeness.faces.runtime import Model


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


def load_detector(pack: Pack, threads: int | None) -> Detector:
    """What finds the boxes of faces.

    Raises
    ------
    ModelFileInvalid
        Its file is missing, damaged or of an unknown kind.
    """
    file = pack.file("detector")
    if file.kind != "dlib-mmod":
        raise unknown_kind(pack, "detector", file.kind)
    return PyramidDetector(_built(pack, file, threads))


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
    if file.kind != "dlib-resnet":
        raise unknown_kind(pack, "network for templates", file.kind)
    return ChipEmbedder(_built(pack, file, threads))
