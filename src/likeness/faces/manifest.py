"""Reads a model pack's TOML manifest field by field, and names the one that is off."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from likeness.errors import ModelFileInvalid
from likeness.faces.packs import ROLES, Pack, PackFile, Preprocessing, Thresholds

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
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
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
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

    def table(self, key: str) -> Fields:
        """A table of fields."""
        value = self._content.pop(key, None)
        if not isinstance(value, dict):
            raise self.wrong(key, "has to be a table")
        return Fields(value, self._name, f"{key}.")

    def tables(self, key: str) -> list[Fields]:
        """A list of tables."""
        value = self._content.pop(key, None)
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
        pack = Pack(
            name=name,
            version=self.text("version"),
            licence=self.text("licence"),
            commercial_use=self.truth("commercial_use"),
            training_data=self.text("training_data"),
            template_length=self.whole("template_length", 1, 65_536),
            files=tuple(fields.pack_file() for fields in self.tables("files")),
            preprocessing=self.table("preprocessing").preprocessing(),
            thresholds=tuple(fields.thresholds() for fields in self.tables("thresholds")),
            folder=folder,
        )
        self.nothing_else()
        roles = [file.role for file in pack.files]
        if len(set(roles)) != len(roles) or not {"detector", "embedder"} <= set(roles):
            raise self.wrong(
                "files", "has to hold one detector, one embedder and at most one landmarks"
            )
        sizes = [thresholds.gallery_size for thresholds in pack.thresholds]
        if not sizes or sizes != sorted(set(sizes)):
            raise self.wrong("thresholds", "have to be there and grow in gallery_size")
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
            url=self.text("url", ""),
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

    def preprocessing(self) -> Preprocessing:
        """The table ``preprocessing``."""
        how = Preprocessing(
            version=self.whole("version", 1, 1_000_000),
            alignment=self.text("alignment"),
            chip=self.whole("chip", 16, 1024),
            padding=self.real("padding", 0.0, 4.0),
            mirror=self.truth("mirror"),
        )
        self.nothing_else()
        return how

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
