"""Manifests of one's own that load for real: dlib's networks, with the detector as a file."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from likeness.faces.packs import load_manifest, locate

DETECTOR = "mmod_human_face_detector.dat"


def detector() -> bytes:
    """The model file that the manifests of these tests name."""
    pack = load_manifest("dlib")
    return locate(pack, pack.file("detector")).read_bytes()


def write_manifest(
    folder: Path,
    name: str = "mine",
    *,
    path: str = DETECTOR,
    data: bytes | None = None,
    licence: str = "CC0-1.0",
    **fields: object,
) -> Path:
    """Write ``name.toml`` like dlib's manifest, its detector at ``path`` with further fields."""
    shipped = load_manifest("dlib").folder / "dlib.toml"
    text = shipped.read_text(encoding="utf-8")
    held = detector() if data is None else data
    own = {"path": path, "sha256": hashlib.sha256(held).hexdigest(), **fields}
    lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in own.items())
    text = re.sub(
        r'(kind = "dlib-mmod"\n).*?\n\n',
        lambda found: f"{found[1]}{lines}\n",
        text,
        flags=re.DOTALL,
    )
    text = re.sub(r"^name = .*$", f'name = "{name}"', text, count=1, flags=re.MULTILINE)
    text = re.sub(
        r"^licence = .*$", f"licence = {json.dumps(licence)}", text, count=1, flags=re.MULTILINE
    )
    manifest = folder / f"{name}.toml"
    manifest.write_text(text, encoding="utf-8")
    return manifest
