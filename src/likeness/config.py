"""Settings of one library: a small file beside its database, and a few environment variables.

``library.toml`` says which library it is, which model pack it uses and, where that was chosen,
where its keyring is. It holds no secret and nothing that widens whom anybody may find.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from likeness.errors import BadInput, LibraryMissing
from likeness.records.photo import ReadLimits

SETTINGS_FILE = "library.toml"
DATABASE_FILE = "library.sqlite3"
KEYRING_FILE = "keyring.sqlite3"

_LIBRARY_ID = re.compile(r"[a-z0-9]{16}")
_PACK_LINE = re.compile(r"^pack = .*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How one library is set up.

    Attributes
    ----------
    path : Path
        The library's folder.
    library_id : str
        16 letters and digits, drawn at random.
    pack : str
        The model pack that the library was made with; its database says which it uses now.
    keyring_dir : Path
        Outside the library's folder, so that a backup of the data never holds the keys.
    limits : ReadLimits
        What a photo may cost to read.
    detection_side : int
        Photos are looked at with their longer side reduced to this many pixels.
    searches_a_minute : int
        How often one account may search.
    preview_side : int
        Longer side of the previews that are kept of photos, in pixels; 0 keeps none.
    """

    path: Path
    library_id: str
    pack: str
    keyring_dir: Path
    limits: ReadLimits = field(default_factory=ReadLimits)
    detection_side: int = 1600
    searches_a_minute: int = 120
    preview_side: int = 800

    @property
    def database(self) -> Path:
        """The SQLite file with everything but the keys."""
        return self.path / DATABASE_FILE

    @property
    def keyring(self) -> Path:
        """The SQLite file with the keys."""
        return self.keyring_dir / KEYRING_FILE


def default_keyring_dir(library_id: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where a library's keyring is unless its settings say otherwise.

    ``$LIKENESS_KEYRINGS``, else ``$XDG_DATA_HOME/likeness/keyrings``, else the same under
    ``~/.local/share``; in a folder named by the library's id. A relative ``$XDG_DATA_HOME`` is
    passed over (XDG Base Directory Specification 0.8).
    """
    if environ.get("LIKENESS_KEYRINGS"):
        return Path(environ["LIKENESS_KEYRINGS"]).absolute() / library_id
    data_home = Path(environ.get("XDG_DATA_HOME", ""))
    if not data_home.is_absolute():
        data_home = Path.home() / ".local" / "share"
    return data_home / "likeness" / "keyrings" / library_id


def write_settings(settings: Settings, *, keyring_chosen: bool) -> None:
    """Write ``library.toml``; the keyring's place only where somebody chose it.

    Raises
    ------
    BadInput
        Where the keyring's folder has a name that is not text.
    """
    fields = {"library_id": settings.library_id, "pack": settings.pack}
    if keyring_chosen:
        fields["keyring"] = str(settings.keyring_dir)
    text = "".join(f"{name} = {_quoted(value)}\n" for name, value in fields.items())
    try:
        (settings.path / SETTINGS_FILE).write_text(text, encoding="utf-8")
    except UnicodeEncodeError:
        raise BadInput(
            "The name of the keyring's folder is not valid UTF-8.", "Choose another with --keyring."
        ) from None


def note_pack(path: Path, pack: str) -> None:
    """Say in ``library.toml`` which model pack the library uses, for people who read it.

    The library's database is what counts: a file that cannot be written, or that says it in a way
    of its own, stays as it is.
    """
    file = path / SETTINGS_FILE
    try:
        text = file.read_text(encoding="utf-8")
        noted, places = _PACK_LINE.subn(lambda _: f"pack = {_quoted(pack)}", text)
        if places != 1 or tomllib.loads(noted) != {**tomllib.loads(text), "pack": pack}:
            return
        beside = file.with_suffix(".toml.new")
        beside.write_text(noted, encoding="utf-8")
        os.replace(beside, file)
    except (OSError, UnicodeError, tomllib.TOMLDecodeError):
        return


def _quoted(value: str) -> str:
    # A basic string of TOML is one of JSON, but that DEL is escaped too and that what lies beyond
    # U+FFFF is not written as two surrogates.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def read_settings(path: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings of the library in a folder.

    Raises
    ------
    LibraryMissing
        Where the folder holds no library.
    BadInput
        Where ``library.toml`` is malformed; the message names the line or the field.
    """
    file = path / SETTINGS_FILE
    try:
        fields = tomllib.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise LibraryMissing(
            f"There is no library at {path}.",
            "Make one with: likeness init DIR, or name another with --library.",
        ) from None
    except OSError as error:
        raise LibraryMissing(
            f"The library at {path} cannot be read: {error.strerror}.",
            "Check its folder and the permissions of what is in it.",
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{file} is not valid TOML: {error}.", "Correct the file.") from None
    unknown = sorted(set(fields) - {*_FIELDS, "library_id"})
    if unknown:
        raise BadInput(f"{file} has an unknown setting {unknown[0]!r}.", "Remove it.")
    library_id = fields.get("library_id")
    if not (isinstance(library_id, str) and _LIBRARY_ID.fullmatch(library_id)):
        raise BadInput(f"{file} has no valid library_id.", "Restore the file from a backup.")
    for name, (kind, lowest) in _FIELDS.items():
        _check(file, fields, name, kind, lowest)
    defaults = ReadLimits()
    return Settings(
        path=path.absolute(),
        library_id=library_id,
        pack=fields.get("pack", "dlib"),
        keyring_dir=_keyring_dir(file, fields, environ),
        limits=ReadLimits(
            max_bytes=fields.get("max_bytes", defaults.max_bytes),
            max_pixels=fields.get("max_pixels", defaults.max_pixels),
            seconds=float(fields.get("decode_seconds", defaults.seconds)),
        ),
        detection_side=fields.get("detection_side", Settings.detection_side),
        searches_a_minute=fields.get("searches_a_minute", Settings.searches_a_minute),
        preview_side=fields.get("preview_side", Settings.preview_side),
    )


_FIELDS: Mapping[str, tuple[type, int]] = {
    "pack": (str, 0),
    "keyring": (str, 0),
    "max_bytes": (int, 1024),
    "max_pixels": (int, 10_000),
    "decode_seconds": (int, 1),
    "detection_side": (int, 160),
    "searches_a_minute": (int, 1),
    "preview_side": (int, 0),
}


def _keyring_dir(file: Path, fields: Mapping[str, Any], environ: Mapping[str, str]) -> Path:
    if "keyring" not in fields:
        return default_keyring_dir(fields["library_id"], environ)
    chosen = Path(fields["keyring"])
    usable = chosen.is_absolute() and "\0" not in fields["keyring"]
    if not usable or _real(chosen).is_relative_to(_real(file.parent)):
        raise BadInput(
            f"{file}: keyring has to be an absolute path outside the library's folder.",
            "Correct the file, and keep the keyring where no backup of the library takes it in.",
        )
    return chosen


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _check(file: Path, fields: Mapping[str, Any], name: str, kind: type, lowest: int) -> None:
    if name not in fields:
        return
    value = fields[name]
    if type(value) is not kind or (isinstance(value, int) and value < lowest):
        wanted = "text" if kind is str else f"a whole number from {lowest}"
        raise BadInput(f"{file}: {name} has to be {wanted}.", "Correct the file.")
