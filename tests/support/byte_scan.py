"""Looks for secrets in files, byte by byte, in every form in which they could stand there."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_SHORTEST = 8
"""Text forms shorter than this would be found by chance."""


def forms_of_template(template: NDArray[np.float32]) -> dict[str, bytes]:
    """A template as float32, float16 and float64, little- and big-endian, and as text."""
    forms = {}
    for name in ("<f4", ">f4", "<f2", ">f2", "<f8", ">f8"):
        raw = template.astype(name).tobytes()
        # An eighth of it would do to know whose it is, so no part may be there either.
        forms[f"{name} start"] = raw[: len(raw) // 8]
        forms[f"{name} end"] = raw[-len(raw) // 8 :]
    forms |= _texts_of(template.astype("<f4").tobytes())
    forms["digits"] = ", ".join(repr(float(number)) for number in template[:4]).encode()
    return forms


def forms_of_bytes(data: bytes) -> dict[str, bytes]:
    """Bytes such as a key or a JPEG, as they are and as text."""
    return {"raw": data, **_texts_of(data)}


def forms_of_text(word: str) -> dict[str, bytes]:
    """A word in the encodings that files use; also as JSON would escape it."""
    return {
        "utf-8": word.encode(),
        "utf-16-le": word.encode("utf-16-le"),
        "utf-16-be": word.encode("utf-16-be"),
        "escaped": word.encode("ascii", "backslashreplace"),
        **_texts_of(word.encode()),
    }


def scan(files: Iterable[Path], forms: Mapping[str, bytes]) -> set[tuple[str, str]]:
    """(file name, form) of everything that stands somewhere."""
    found = set()
    for path in files:
        data = path.read_bytes()
        found |= {(path.name, name) for name, form in forms.items() if form in data}
    return found


def _texts_of(data: bytes) -> dict[str, bytes]:
    # Inside a longer text base64 starts at any of three places; what is common to each is looked
    # for, without the ends that depend on the neighbours.
    texts = {"hex": data.hex().encode(), "HEX": data.hex().upper().encode()}
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + data)[4 if shift else 0 : -4]
        if len(encoded) >= _SHORTEST:
            texts[f"base64 at {shift}"] = encoded
            texts[f"base64url at {shift}"] = encoded.replace(b"+", b"-").replace(b"/", b"_")
    return texts
