"""Model packs: which model files belong together, how faces are prepared for them, and from which
score on two faces count as one person.

A pack is a TOML manifest; ``docs/reference/packs.md`` lists its fields. Thresholds belong to one
pack, one preprocessing and one gallery size, so they stand in the manifest and nowhere else.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Literal

from likeness.errors import ModelFileInvalid, UsageError
from likeness.faces.pack_store import installed_manifest, stored_file

Role = Literal["detector", "landmarks", "embedder"]

ROLES: tuple[Role, ...] = ("detector", "landmarks", "embedder")

Colour = Literal["RGB", "BGR"]

UNREACHABLE = 2.0
"""A cosine that no two faces have: where nothing was measured, nothing is linked without review."""

NOT_MEASURED = "not measured yet"


@dataclass(frozen=True, kw_only=True)
class PackFile:
    """One model file of a pack.

    Attributes
    ----------
    role : {"detector", "landmarks", "embedder"}
    kind : str
        Which adapter reads it, such as ``"dlib-mmod"``.
    path : str
        Relative to the Python package named by ``package``, or else to the manifest's folder.
    sha256 : str
        Of the file, in hex.
    package : str
        The Python package that brings the file; empty where it lies beside the manifest.
    urls : tuple of str
        Where the file can be had, each a mirror of the others. May be empty.
    size : int or None
        Of the file in bytes, where the manifest says it.
    licence : str
        Of this file, where the manifest says it; else the pack's holds.
    """

    role: Role
    kind: str
    path: str
    sha256: str
    package: str = ""
    urls: tuple[str, ...] = ()
    size: int | None = None
    licence: str = ""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, kw_only=True)
class Detection:
    """How the detector is set, where the manifest says so.

    Attributes
    ----------
    threshold : float or None
        The least score of a face; the adapter's own where None.
    options : tuple of (name, number)
        What that kind of detector takes besides, in order of their names.
    """

    threshold: float | None = None
    options: tuple[tuple[str, float], ...] = ()

    def option(self, name: str, otherwise: float) -> float:
        """One of ``options``, or another number where it is not there."""
        return dict(self.options).get(name, otherwise)


@dataclass(frozen=True, kw_only=True)
class Preprocessing:
    """How a face is cut out for the embedder, and how its template is made.

    Attributes
    ----------
    version : int
        Raised only when the canonical vectors change.
    alignment : str
        How landmarks become an upright chip, such as ``"dlib-5"``.
    chip : int
        Side of the embedder's input, in pixels.
    mirror : bool
        Whether a template is the mean of the embeddings of the chip and of its mirror image.
    padding : float
        Margin around the aligned face, as a share of its size; of the alignment ``dlib-5`` alone.
    colour : {"RGB", "BGR"} or None
        The order of the channels that the network takes. None, as for ``mean`` and ``scale``, where
        the network was built with it.
    mean, scale : three float, in the order of ``colour``, or None
        A value that the network sees is (pixel - mean) * scale.
    points : five (x, y) or None
        Where landmarks belong, in pixels of the chip; the alignment's own where None.
    reference_squares : tuple of int
        Sides of the squares, in pixels of a crop, over which the template of a reference is the
        mean; the frame's inner square alone where empty. Templates of faces are of that alone.
    """

    version: int
    alignment: str
    chip: int
    mirror: bool
    padding: float = 0.25
    colour: Colour | None = None
    mean: tuple[float, float, float] | None = None
    scale: tuple[float, float, float] | None = None
    points: tuple[tuple[float, float], ...] | None = None
    reference_squares: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Output:
    """What the embedder gives.

    Attributes
    ----------
    normalised : bool
        Whether the network makes its output a unit vector itself.
    name : str
        Which output the embedding is, where the network has several.
    """

    normalised: bool = False
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Provisional:
    """From which cosine on faces are proposed while nothing was measured.

    Attributes
    ----------
    review : float
    why : str
        Where the figure comes from.
    """

    review: float
    why: str


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From which cosine on a face is linked, or proposed, at a gallery size.

    Attributes
    ----------
    gallery_size : int
        How many persons the gallery held when this was measured; 0 where nothing was.
    strong : float
        Linked without review from here on: FPIR 0.1% a face.
    review : float
        Proposed from here on: FPIR 1% a face.
    margin : float
        By how much the best person has to lead the next one to be linked without review.
    measured_on : str
        What it was measured on.
    beyond_calibration : bool
        Whether more persons are compared with than were ever measured. Then the figures are those
        of the largest measured gallery, and false positives are likelier than they promise.
    """

    gallery_size: int
    strong: float
    review: float
    margin: float
    measured_on: str
    beyond_calibration: bool = False

    @property
    def floor(self) -> float:
        """The lowest score that decides anything: of a proposal, or of a close second."""
        return min(self.review, self.strong - self.margin)


@dataclass(frozen=True, kw_only=True)
class Pack:
    """A manifest, read and checked. See ``docs/reference/packs.md`` for the fields.

    Attributes
    ----------
    folder : Path
        Where the manifest lies; files without a package are relative to it.
    accuracy, speed : str
        A figure and where it comes from; empty where nothing was measured.
    thresholds : tuple of Thresholds
        Empty where none were measured: then nothing is linked without review.
    """

    name: str
    version: str
    summary: str
    licence: str
    commercial_use: bool
    training_data: str
    template_length: int
    files: tuple[PackFile, ...]
    preprocessing: Preprocessing
    thresholds: tuple[Thresholds, ...]
    folder: Path
    accuracy: str = ""
    speed: str = ""
    detection: Detection | None = None
    output: Output = Output()
    provisional: Provisional | None = None

    def file(self, role: Role) -> PackFile:
        """The file that plays a role.

        Raises
        ------
        ModelFileInvalid
            The pack has none.
        """
        for file in self.files:
            if file.role == role:
                return file
        raise ModelFileInvalid(
            f"The model pack {self.name!r} has no file for its {role}.", "Add it to the manifest."
        )

    def thresholds_for(self, gallery_size: int) -> Thresholds:
        """The thresholds for a gallery of so many persons.

        Those of the smallest measured size that is not below it: a larger gallery needs a higher
        threshold, so rounding up errs to the careful side. Beyond the largest measured size they
        are those of the largest, marked ``beyond_calibration``. Where none were measured, no score
        is strong, and the pack's provisional ``review`` proposes faces if it has one.

        Raises
        ------
        UsageError
            The size is negative.
        """
        if gallery_size < 0:
            raise UsageError(
                f"A gallery of {gallery_size} persons cannot be.", "Give its size, from 0 on."
            )
        for thresholds in self.thresholds:
            if thresholds.gallery_size >= gallery_size:
                return thresholds
        if self.thresholds:
            return replace(self.thresholds[-1], beyond_calibration=True)
        return Thresholds(
            gallery_size=0,
            strong=UNREACHABLE,
            review=self.provisional.review if self.provisional else UNREACHABLE,
            margin=0.0,
            measured_on=NOT_MEASURED,
            beyond_calibration=True,
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over what decides which templates a photo gives.

        That is the files' roles, kinds and checksums, how the detector is set, the preprocessing
        with its version, and the form of the output. Templates with different fingerprints are
        never compared. Thresholds, names and the words about licence and training data are no part
        of it. What a manifest leaves out is left out here too, so that a field that a later version
        of Likeness knows changes no fingerprint of packs that do not name it.
        """
        files = sorted((file.role, file.kind, file.sha256) for file in self.files)
        how = self.preprocessing
        content: dict[str, object] = {
            "files": files,
            "template_length": self.template_length,
            "preprocessing": [how.version, how.alignment, how.chip, how.padding, how.mirror],
        }
        if self.detection:
            content["detection"] = [self.detection.threshold, *self.detection.options]
        for key in ("colour", "mean", "scale", "points"):
            if (value := getattr(how, key)) is not None:
                content[key] = value
        if how.reference_squares:
            content["reference_squares"] = how.reference_squares
        if self.output.normalised:
            content["normalised"] = True
        if self.output.name:
            content["output"] = self.output.name
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def load_manifest(name_or_path: str | Path) -> Pack:
    """Read a pack's manifest.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a pack that comes with Likeness (``"dlib"``) or that was installed, or the path
        of a ``.toml`` file.

    Raises
    ------
    UsageError
        There is no such pack.
    ModelFileInvalid
        The manifest cannot be read, lacks a field or holds one that cannot be.
    """
    from likeness.faces.manifest import read_manifest

    return read_manifest(_manifest_path(name_or_path))


def shipped_manifests() -> dict[str, Path]:
    """The manifests of the packs that come with Likeness, by name."""
    folder = Path(str(resources.files("likeness.faces").joinpath("manifests")))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}


def _manifest_path(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        return Path(name_or_path)
    known = shipped_manifests()
    path = known.get(name_or_path) or installed_manifest(name_or_path)
    if path is None:
        raise UsageError(
            f"There is no model pack {name_or_path!r}.",
            f"Use one of {', '.join(known)}, one of your own that is installed, or the path of a "
            "manifest that ends in .toml.",
        )
    return path


def locate(pack: Pack, file: PackFile) -> Path:
    """Where a pack's file lies: in a Python package, beside the manifest, or where it is installed.

    The Python package is found, but never imported.

    Raises
    ------
    ModelFileInvalid
        The package is not installed, or the file is nowhere.
    """
    if file.package:
        return _in_package(pack, file)
    for path in (pack.folder / file.path, stored_file(file.sha256, file.name)):
        if path.is_file():
            return path
    raise ModelFileInvalid(
        f"The model pack {pack.name!r} lacks its file {file.path}.", _get(pack, file)
    )


def _in_package(pack: Pack, file: PackFile) -> Path:
    try:
        found = importlib.util.find_spec(file.package)
    except ValueError:
        # What runs as a program, such as __main__, is no package that brings files.
        found = None
    places = list(found.submodule_search_locations or ()) if found else []
    if not places:
        raise ModelFileInvalid(
            f"The model pack {pack.name!r} needs the Python package {file.package}, "
            "which is not installed.",
            f"Install it, if you trust who made the pack: pip install {file.package}",
        )
    path = Path(places[0]) / file.path
    if not path.is_file():
        raise ModelFileInvalid(
            f"The model pack {pack.name!r} lacks its file {file.path}.",
            f"Install {file.package} again.",
        )
    return path


def _get(pack: Pack, file: PackFile) -> str:
    """What to do about a file that is not there, or not right."""
    if file.package:
        return f"Install {file.package} again."
    if file.urls:
        return f"Get it: likeness models install {pack.name} (it comes from {file.urls[0]})."
    return "Put it beside the manifest."


def read_verified(pack: Pack, file: PackFile) -> bytes:
    """A pack's file, read once and checked against its size and SHA-256.

    Raises
    ------
    ModelFileInvalid
        It is missing, cannot be read, or is not the file that the manifest names.
    """
    path = locate(pack, file)
    try:
        held = path.stat().st_size
        data = path.read_bytes() if held == (file.size or held) else None
    except OSError as error:
        raise ModelFileInvalid(
            f"The model file {path.name} cannot be read ({error.strerror}).",
            "Check its permissions.",
        ) from None
    if data is None:
        raise ModelFileInvalid(
            f"The model file {path.name} is not the one that the model pack {pack.name!r} names: "
            f"it has {held:,} bytes, not {file.size:,}.",
            _get(pack, file),
        )
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ModelFileInvalid(
            f"The model file {path.name} is not the one that the model pack {pack.name!r} names: "
            "its SHA-256 differs.",
            _get(pack, file),
        )
    return data
