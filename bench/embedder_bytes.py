"""Measures what dlib's embedding network would gain in whole numbers of 8 bits, and lose.

    python bench/embedder_bytes.py ../shared/eval/groups

Half of the faces found in the folder set the ranges; the other half are compared. Why the network
stays in float all the same is in docs/guides/speed.md.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from likeness.bench.photos import read_photos
from likeness.bench.timing import medians_ms
from likeness.faces.dlib_networks import parse_network
from likeness.faces.embed import ChipEmbedder, templates_of
from likeness.faces.engine import FaceEngine
from likeness.faces.onnx_graphs import embedder_graph
from likeness.faces.packs import read_verified
from likeness.faces.runtime import Model

AT_ONCE = 8


class Chips(CalibrationDataReader):
    """Hands chips to the calibration, some at a time."""

    def __init__(self, chips: NDArray[np.uint8]) -> None:
        parts = [chips[start : start + AT_ONCE] for start in range(0, len(chips), AT_ONCE)]
        self._left = iter(parts)

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The next chips, or None."""
        part = next(self._left, None)
        return None if part is None else {"chips": part}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=60)
    options = parser.parse_args(arguments)
    logging.getLogger().setLevel(logging.ERROR)
    engine = FaceEngine.load("dlib")
    images = [
        photo.pixels for photo in read_photos(options.folder, most=options.photos, long_side=1024)
    ]
    found = engine.find_many(images)
    chips = np.concatenate(
        [engine.crops(image, own, size=150) for image, own in zip(images, found, strict=True)]
    )
    file = engine.pack.file("embedder")
    graph = embedder_graph(parse_network(read_verified(engine.pack, file), name=file.name))
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "float.onnx", Path(folder) / "bytes.onnx"
        given.write_bytes(graph)
        quantize_static(
            given,
            made,
            Chips(chips[::2]),
            quant_format=QuantFormat.QOperator,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )
        # What the embedder takes stands in metadata, which is lost on the way.
        quantised = onnx.load(made)
        del quantised.metadata_props[:]
        quantised.metadata_props.extend(onnx.load(given).metadata_props)
        in_bytes = ChipEmbedder(Model(quantised.SerializeToString()))
    in_floats = ChipEmbedder(Model(graph))
    others = chips[1::2]
    cosines = (
        templates_of(in_floats, others, mirror=True) * templates_of(in_bytes, others, mirror=True)
    ).sum(axis=1)
    floats, whole = medians_ms(
        [lambda: in_floats.embeddings(others), lambda: in_bytes.embeddings(others)], 5
    )
    print(
        f"{len(others)} faces: cosine to the float network {cosines.min():.4f} at least, "
        f"{cosines.mean():.4f} on average; {floats / whole:.1f} times as fast"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
