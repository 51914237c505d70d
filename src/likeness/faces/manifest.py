"""Reads a model pack's TOML manifest field by field, and names the one that is off."""

from __future__ import annotations

import math
import re
import tomllib
from pathlib import Path
from typing import Any

from likeness.errors import ModelFileInvalid
from likeness.faces.crops import REFERENCE_CROP_SIZE
from likeness.faces.packs import (
    ROLES,
    Colour,
    Detection,
    Output,
    Pack,
    PackFile,
    Preprocessing,
    Provisional,
    Thresholds,
)

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_ADDRESS = re.compile(r"https?://[!-~]{1,2000}")
_LARGEST_BYTES = 1_000_000


def read_manifest(path: Path) -> Pack:
    """Read the manifest at ``path``.

    Raises
    ------
    ModelFileInvalid
        It cannot be read, is not TOML, lacks a field or holds one that cannot be.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise ModelFileInvalid(
            f"The manifest {path.name} cannot be read ({error.strerror}).", "Check the path."
        ) from None
    if len(data) > _LARGEST_BYTES:
        raise ModelFileInvalid(
            f"The manifest {path.name} is larger than {_LARGEST_BYTES:,} bytes.",
            "Name a pack's manifest, not a model.",
        )
    try:
        content = tomllib.loads(data.decode("utf-8"))
    # Not its own errors alone: numbers of thousands of digits raise another.
    except (ValueError, RecursionError) as error:
        raise ModelFileInvalid(
            f"The manifest {path.name} is not TOML: {error}.", "Correct that place."
        ) from None
    return Fields(content, path.name).pack(path.parent)


class Fields:
    """Takes fields out of a manifest and names the one that is off."""

    def __init__(self, content: dict[str, Any], name: str, place: str = "") -> None:
        self._content = dict(content)
        self._name = name
        self._place = place

    def wrong(self, key: str, what: str) -> ModelFileInvalid:
        """The error for a field, with its place."""
        return ModelFileInvalid(
            f"The manifest {self._name} cannot be used: {self._place}{key} {what}.",
            "docs/reference/packs.md lists the fields.",
        )

    def text(self, key: str, default: str | None = None) -> str:
        """A text, not empty unless it may be left out."""
        value = self._content.pop(key, default)
        if not isinstance(value, str) or (default is None and not value):
            raise self.wrong(key, "has to be a text")
        return value

    def truth(self, key: str) -> bool:
        """True or false."""
        value = self._content.pop(key, None)
        if not isinstance(value, bool):
            raise self.wrong(key, "has to be true or false")
        return value

    def whole(self, key: str, least: int, most: int) -> int:
        """A whole number within limits."""
        value = self._content.pop(key, None)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise self.wrong(key, f"has to be a whole number from {least} to {most}")
        return value

    def real(self, key: str, least: float, most: float) -> float:
        """A number within limits."""
        value = self._content.pop(key, None)
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.wrong(key, "has to be a number")
        if not least <= value <= most:
            raise self.wrong(key, f"has to lie between {least:g} and {most:g}")
        return float(value)

    def triple(self, key: str, least: float, most: float) -> tuple[float, float, float] | None:
        """Three numbers, or one that stands for all three; None where it is left out."""
        value = self._content.pop(key, None)
        if value is None:
            return None
        numbers = value if isinstance(value, list) else [value] * 3
        if len(numbers) != 3 or not all(_is_number(number) for number in numbers):
            raise self.wrong(key, "has to be a number or three")
        if not all(least <= number <= most for number in numbers):
            raise self.wrong(key, f"has to lie between {least:g} and {most:g}")
        red, green, blue = map(float, numbers)
        return red, green, blue

    def points(self, key: str, most: float) -> tuple[tuple[float, float], ...] | None:
        """Five places [x, y] from 0 to ``most``, not all in one; None where they are left out."""
        value = self._content.pop(key, None)
        if value is None:
            return None
        pairs = value if isinstance(value, list) else []
        if len(pairs) != 5 or not all(_is_pair(pair) for pair in pairs):
            raise self.wrong(key, "has to be five pairs [x, y] of numbers")
        if not all(0 <= number <= most for pair in pairs for number in pair):
            raise self.wrong(key, f"has to lie within the chip, from 0 to {most:g}")
        points = tuple((float(x), float(y)) for x, y in pairs)
        if len(set(points)) < 3:
            raise self.wrong(key, "has to hold at least three different places")
        return points

    def squares(self, key: str) -> tuple[int, ...]:
        """Sides of squares that a crop of a reference holds; none where they are left out."""
        value = self._content.pop(key, [])
        most = REFERENCE_CROP_SIZE
        if (
            not isinstance(value, list)
            or not all(type(side) is int and side in range(64, most + 1, 2) for side in value)
            or len(set(value)) != len(value)
        ):
            raise self.wrong(key, f"has to be a list of different even numbers from 64 to {most}")
        return tuple(value)

    def addresses(self, key: str) -> tuple[str, ...]:
        """One address of the web or a list of mirrors; none where it is left out."""
        value = self._content.pop(key, [])
        listed = value if isinstance(value, list) else [value]
        if not all(isinstance(item, str) and _ADDRESS.fullmatch(item) for item in listed):
            raise self.wrong(key, "has to be an address that starts with https://, or a list")
        return tuple(listed)

    def optional_table(self, key: str) -> Fields | None:
        """A table of fields; None where it is left out."""
        return self.table(key) if key in self._content else None

    def table(self, key: str) -> Fields:
        """A table of fields."""
        value = self._content.pop(key, None)
        if not isinstance(value, dict):
            raise self.wrong(key, "has to be a table")
        return Fields(value, self._name, f"{key}.")

    def tables(self, key: str, default: list[Any] | None = None) -> list[Fields]:
        """A list of tables."""
        value = self._content.pop(key, default)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.wrong(key, "has to be a list of tables")
        return [Fields(item, self._name, f"{key}[{i}].") for i, item in enumerate(value)]

    def nothing_else(self) -> None:
        """Refuses fields that nobody asked for: most are misspelt ones."""
        for key in self._content:
            raise self.wrong(key, "is not a field")

    def pack(self, folder: Path) -> Pack:
        """The whole manifest; ``folder`` is where it lies."""
        name = self.text("name")
        if not _NAME.fullmatch(name):
            raise self.wrong("name", "has to be of lower-case letters, digits, dots and dashes")
        if name.endswith(".toml"):
            raise self.wrong("name", "may not end in .toml, as paths of manifests do")
        detection, output = self.optional_table("detection"), self.optional_table("output")
        provisional = self.optional_table("provisional")
        pack = Pack(
            name=name,
            version=self.text("version"),
            summary=self.text("summary"),
            licence=self.text("licence"),
            commercial_use=self.truth("commercial_use"),
            training_data=self.text("training_data"),
            accuracy=self.text("accuracy", ""),
            speed=self.text("speed", ""),
            template_length=self.whole("template_length", 1, 65_536),
            files=tuple(fields.pack_file() for fields in self.tables("files")),
            detection=detection.detection() if detection else None,
            preprocessing=self.table("preprocessing").preprocessing(),
            output=output.output() if output else Output(),
            thresholds=tuple(fields.thresholds() for fields in self.tables("thresholds", [])),
            provisional=provisional.provisional() if provisional else None,
            folder=folder,
        )
        self.nothing_else()
        roles = [file.role for file in pack.files]
        if len(set(roles)) != len(roles) or not {"detector", "embedder"} <= set(roles):
            raise self.wrong(
                "files", "has to hold one detector, one embedder and at most one landmarks"
            )
        sizes = [thresholds.gallery_size for thresholds in pack.thresholds]
        if sizes != sorted(set(sizes)):
            raise self.wrong("thresholds", "have to grow in gallery_size")
        if pack.thresholds and pack.provisional:
            raise self.wrong("provisional", "is for packs without thresholds")
        return pack

    def pack_file(self) -> PackFile:
        """One of ``files``."""
        role = self.text("role")
        known = [item for item in ROLES if item == role]
        if not known:
            raise self.wrong("role", f"has to be one of {', '.join(ROLES)}")
        file = PackFile(
            role=known[0],
            kind=self.text("kind"),
            path=self.text("path"),
            sha256=self.text("sha256"),
            package=self.text("package", ""),
            urls=self.addresses("url"),
            size=self.whole("size", 1, 2**40) if "size" in self._content else None,
            licence=self.text("licence", ""),
        )
        self.nothing_else()
        if not _SHA256.fullmatch(file.sha256):
            raise self.wrong("sha256", "has to be 64 digits from 0 to f")
        if file.package and not file.package.isidentifier():
            raise self.wrong("package", "has to be the name of a Python package")
        parts = Path(file.path)
        if parts.is_absolute() or ".." in parts.parts:
            raise self.wrong("path", "has to stay inside its folder")
        return file

    def detection(self) -> Detection:
        """The table ``detection``: which options there are is for the detector's adapter to say."""
        threshold = self.real("threshold", -1e3, 1e3) if "threshold" in self._content else None
        options = sorted(self._content)
        return Detection(
            threshold=threshold,
            options=tuple((key, self.real(key, -1e9, 1e9)) for key in options),
        )

    def preprocessing(self) -> Preprocessing:
        """The table ``preprocessing``."""
        alignment = self.text("alignment")
        chip = self.whole("chip", 16, 1024)
        how = Preprocessing(
            version=self.whole("version", 1, 1_000_000),
            alignment=alignment,
            chip=chip,
            mirror=self.truth("mirror"),
            padding=self._padding(alignment),
            colour=self._colour(),
            mean=self.triple("mean", -1e3, 1e3),
            scale=self.triple("scale", -1e3, 1e3),
            points=self.points("points", chip),
            reference_squares=self.squares("reference_squares"),
        )
        if how.points and alignment == "dlib-5":
            raise self.wrong("points", "is not for the alignment dlib-5: set padding")
        if how.scale and 0.0 in how.scale:
            raise self.wrong("scale", "may not be 0")
        self.nothing_else()
        return how

    def _padding(self, alignment: str) -> float:
        if "padding" not in self._content:
            return 0.25
        if alignment != "dlib-5":
            raise self.wrong("padding", "is for the alignment dlib-5 alone: set points")
        return self.real("padding", 0.0, 4.0)

    def _colour(self) -> Colour | None:
        value = self._content.pop("colour", None)
        known: dict[object, Colour | None] = {"RGB": "RGB", "BGR": "BGR", None: None}
        if isinstance(value, list | dict) or value not in known:
            raise self.wrong("colour", 'has to be "RGB" or "BGR"')
        return known[value]

    def output(self) -> Output:
        """The table ``output``."""
        output = Output(normalised=self.truth("normalised"), name=self.text("name", ""))
        self.nothing_else()
        return output

    def provisional(self) -> Provisional:
        """The table ``provisional``."""
        provisional = Provisional(review=self.real("review", -1.0, 1.0), why=self.text("why"))
        self.nothing_else()
        return provisional

    def thresholds(self) -> Thresholds:
        """One of ``thresholds``."""
        thresholds = Thresholds(
            gallery_size=self.whole("gallery_size", 1, 10**9),
            strong=self.real("strong", -1.0, 1.0),
            review=self.real("review", -1.0, 1.0),
            margin=self.real("margin", 0.0, 1.0),
            measured_on=self.text("measured_on"),
        )
        self.nothing_else()
        if thresholds.review > thresholds.strong:
            raise self.wrong("review", "may not be above strong")
        return thresholds


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(_is_number(item) for item in value)
