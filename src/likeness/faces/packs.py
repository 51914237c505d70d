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
from pathlib import Path
from typing import Literal

from likeness.errors import ModelFileInvalid, UsageError

Role = Literal["detector", "landmarks", "embedder"]

ROLES: tuple[Role, ...] = ("detector", "landmarks", "embedder")


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
    url : str
        Where the file can be had; nothing is ever fetched from it. May be empty.
    """

    role: Role
    kind: str
    path: str
    sha256: str
    package: str = ""
    url: str = ""


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
    padding : float
        Margin around the aligned face, as a share of its size.
    mirror : bool
        Whether a template is the mean of the embeddings of the chip and of its mirror image.
    """

    version: int
    alignment: str
    chip: int
    padding: float
    mirror: bool


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From which cosine on a face is linked, or proposed, at a gallery size.

    Attributes
    ----------
    gallery_size : int
        How many persons the gallery held when this was measured.
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
    """

    name: str
    version: str
    licence: str
    commercial_use: bool
    training_data: str
    template_length: int
    files: tuple[PackFile, ...]
    preprocessing: Preprocessing
    thresholds: tuple[Thresholds, ...]
    folder: Path

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
        are those of the largest, marked ``beyond_calibration``.

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
        largest = self.thresholds[-1]
        return replace(largest, beyond_calibration=True)

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over the files' checksums and the preprocessing with its version.

        Templates with different fingerprints are never compared. Thresholds, names and the words
        about licence and training data are no part of it: they change no template.
        """
        files = sorted((file.role, file.kind, file.sha256) for file in self.files)
        how = self.preprocessing
        content = {
            "files": files,
            "template_length": self.template_length,
            "preprocessing": [how.version, how.alignment, how.chip, how.padding, how.mirror],
        }
        canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def load_manifest(name_or_path: str | Path) -> Pack:
    """Read a pack's manifest.

    Parameters
    ----------
    name_or_path : str or Path
        The name of a pack that comes with Likeness (``"dlib"``), or the path of a ``.toml`` file.

    Raises
    ------
    UsageError
        There is no such pack.
    ModelFileInvalid
        The manifest cannot be read, lacks a field or holds one that cannot be.
    """
    from likeness.faces.manifest import read_manifest

    return read_manifest(_manifest_path(name_or_path))


def _manifest_path(name_or_path: str | Path) -> Path:
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        return Path(name_or_path)
    folder = Path(str(resources.files("likeness.faces").joinpath("manifests")))
    known = sorted(path.stem for path in folder.glob("*.toml"))
    if name_or_path not in known:
        raise UsageError(
            f"There is no model pack {name_or_path!r}.",
            f"Use one of {', '.join(known)}, or the path of a manifest that ends in .toml.",
        )
    return folder / f"{name_or_path}.toml"


def locate(pack: Pack, file: PackFile) -> Path:
    """Where a pack's file lies. The Python package that brings it is found, but never imported.

    Raises
    ------
    ModelFileInvalid
        The package is not installed, or the file is not where it should be.
    """
    folder = pack.folder
    if file.package:
        found = importlib.util.find_spec(file.package)
        places = list(found.submodule_search_locations or ()) if found else []
        if not places:
            raise ModelFileInvalid(
                f"The model pack {pack.name!r} needs the Python package {file.package}, "
                "which is not installed.",
                f"Install it: pip install {file.package}",
            )
        folder = Path(places[0])
    path = folder / file.path
    if not path.is_file():
        raise ModelFileInvalid(
            f"The model pack {pack.name!r} lacks its file {file.path}.",
            f"Put it there{f' (it can be had from {file.url})' if file.url else ''}, or install "
            f"{file.package or 'the pack'} again.",
        )
    return path


def read_verified(pack: Pack, file: PackFile) -> bytes:
    """A pack's file, read once and checked against its SHA-256.

    Raises
    ------
    ModelFileInvalid
        It is missing, cannot be read, or is not the file that the manifest names.
    """
    path = locate(pack, file)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelFileInvalid(
            f"The model file {path.name} cannot be read ({error.strerror}).",
            "Check its permissions.",
        ) from None
    if hashlib.sha256(data).hexdigest() != file.sha256:
        raise ModelFileInvalid(
            f"The model file {path.name} is not the one that the model pack {pack.name!r} names: "
            "its SHA-256 differs.",
            f"Install {file.package or 'the pack'} again.",
        )
    return data
