"""Measures how far the rough model of dlib's detector is off, and that the same faces are found.

    python bench/rough_scan.py ../shared/eval/groups --photos 80

Prints the largest difference of both models' scores where either is above -0.5 (``ERROR`` in
``likeness.faces.rough_scan`` has to be larger), the largest outputs of each convolution
(``LARGEST_OUTPUTS`` in ``likeness.faces.rough_graph``), and in how many photos the boxes differ.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray

from likeness.bench.photos import read_photos
from likeness.faces.components import load_detector
from likeness.faces.detect import PyramidDetector, PyramidSettings, enlarged
from likeness.faces.dlib_networks import parse_network
from likeness.faces.onnx_graphs import detector_graph
from likeness.faces.packs import load_manifest, read_verified
from likeness.faces.pyramid import draw, lay_out
from likeness.faces.rough_graph import LARGEST_OUTPUTS, rough_detector_graph
from likeness.faces.runtime import Model, open_session

RELEVANT = -0.5
ENLARGED_EACH = 3
"""Each third photo is enlarged twice, as small ones are."""

Floats = NDArray[np.float32]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--photos", type=int, default=80)
    options = parser.parse_args(arguments)
    images = [
        photo.pixels for photo in read_photos(options.folder, most=options.photos, long_side=1024)
    ]
    pack = load_manifest("dlib")
    file = pack.file("detector")
    network = parse_network(read_verified(pack, file), name=file.name)
    graph = detector_graph(network)
    exact = Model(graph)
    rough = Model(rough_detector_graph(network, LARGEST_OUTPUTS[file.sha256]))
    opened = open_session(_with_all_outputs(graph), threads=exact.threads)
    worst, largest = 0.0, np.zeros(len(LARGEST_OUTPUTS[file.sha256]))
    for number, image in enumerate(images):
        canvas = _canvas(image, exact, twice=number % ENLARGED_EACH == 0)
        ours, theirs = rough.run(canvas), exact.run(canvas)
        where = np.maximum(ours, theirs) > RELEVANT
        worst = max(worst, float(np.abs(ours - theirs)[where].max(initial=0.0)))
        outputs = opened.run(None, {"canvas": canvas})[1:]
        largest = np.maximum(largest, [float(np.asarray(one).max()) for one in outputs])
    print(f"{len(images)} photos: scores above {RELEVANT} differ by {worst:.3f} at most")
    print("largest outputs:", ", ".join(f"{value:.1f}" for value in largest))
    _compare(images, exact, rough)
    return 0


def _with_all_outputs(graph: bytes) -> bytes:
    """The model, which gives the output of each rectifier too."""
    model = onnx.load_model_from_string(graph)
    for node in model.graph.node:
        if node.op_type == "Relu":
            described = onnx.helper.make_tensor_value_info(
                node.output[0], onnx.TensorProto.FLOAT, None
            )
            model.graph.output.append(described)
    return bytes(model.SerializeToString())


def _canvas(image: NDArray[np.uint8], model: Model, *, twice: bool) -> Floats:
    """The pyramid of an image as dlib lays it out."""
    how = model.notes
    searched = enlarged(image, 2.0) if twice else image
    layout = lay_out(
        *searched.shape[:2], padding=how["padding"], outer_padding=how["outer_padding"]
    )
    red, green, blue = how["means"]
    return draw(searched, layout, (red, green, blue))


def _compare(images: Sequence[NDArray[np.uint8]], exact: Model, rough: Model) -> None:
    """Print what is found with the rough look and without, and how long it takes."""
    pack = load_detector(load_manifest("dlib"), None)
    settings = pack.settings if isinstance(pack, PyramidDetector) else PyramidSettings()
    alone = PyramidDetector(exact, settings)
    sooner = PyramidDetector(exact, settings, rough=rough)
    seconds, differ, faces = [0.0, 0.0], 0, 0
    for image in images:
        found = []
        for place, detector in enumerate((alone, sooner)):
            start = time.perf_counter()
            found.append([one.box for one in detector.find(image)])
            seconds[place] += time.perf_counter() - start
        differ += found[0] != found[1]
        faces += len(found[0])
    without, with_it = (1000 * one / len(images) for one in seconds)
    print(
        f"{faces} faces; other boxes in {differ} photos; {without:.0f} ms a photo without the "
        f"rough look, {with_it:.0f} ms with it"
    )


if __name__ == "__main__":
    sys.exit(main())
