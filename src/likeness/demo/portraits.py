"""The two portraits of the demo, and the ways in which they are photographed again.

Both are works of NASA and of the US Navy, and so in the public domain. They come inside packages,
so the demo fetches nothing: Eileen Collins is ``skimage.data.astronaut()``, Grace Hopper is
``sample_data/grace_hopper.jpg`` of matplotlib.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageEnhance, ImageOps

from likeness.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Portrait:
    """One person's portrait.

    Attributes
    ----------
    pixels : Image.Image
        RGB.
    centre : tuple of (x, y)
        Of the face, in pixels.
    face : int
        Width of the face in pixels.
    """

    pixels: Image.Image
    centre: tuple[int, int]
    face: int


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One way to take a portrait again.

    Attributes
    ----------
    words : str
        For the caption.
    frame : float
        Side of the square that is cut out, in widths of the face.
    aside : float
        How far the face is from the middle of it, in widths of the face.
    mirror : bool
    light : float
        1 leaves the light as it is.
    contrast : float
        1 leaves it as it is.
    warmth : float
        From -1 (blue) to 1 (yellow).
    turn : float
        Degrees against the clock.
    side : int
        Of the photo, in pixels.
    quality : int
        Of the JPEG, from 1 to 95.
    """

    words: str
    frame: float = 2.6
    aside: float = 0.0
    mirror: bool = False
    light: float = 1.0
    contrast: float = 1.0
    warmth: float = 0.0
    turn: float = 0.0
    side: int = 480
    quality: int = 90


def collins() -> Portrait:
    """Eileen Collins, astronaut.

    Raises
    ------
    UsageError
        Where scikit-image is not installed.
    """
    return Portrait(pixels=_open("skimage", "data/astronaut.png"), centre=(216, 117), face=96)


def hopper() -> Portrait:
    """Grace Hopper, rear admiral and computer scientist.

    Raises
    ------
    UsageError
        Where matplotlib is not installed.
    """
    pixels = _open("matplotlib", "mpl-data/sample_data/grace_hopper.jpg")
    return Portrait(pixels=pixels, centre=(273, 228), face=165)


def take(portrait: Portrait, shot: Shot, *, side: int | None = None) -> Image.Image:
    """Take a portrait again; square, of ``side`` pixels or those of the shot."""
    pixels, (x, y) = portrait.pixels, portrait.centre
    if shot.turn:
        # Turned about the face, which so stays where it is.
        pixels = pixels.rotate(shot.turn, Image.Resampling.BICUBIC, center=(x, y))
    half = min(round(shot.frame * portrait.face), *pixels.size) // 2
    left = _inside(x - half - round(shot.aside * portrait.face), 2 * half, pixels.width)
    top = _inside(y - round(0.9 * half), 2 * half, pixels.height)
    size = side or shot.side
    cut = pixels.resize(
        (size, size), Image.Resampling.LANCZOS, (left, top, left + 2 * half, top + 2 * half)
    )
    cut = ImageOps.mirror(cut) if shot.mirror else cut
    cut = ImageEnhance.Brightness(cut).enhance(shot.light)
    cut = ImageEnhance.Contrast(cut).enhance(shot.contrast)
    return _tinted(cut, shot.warmth) if shot.warmth else cut


def _tinted(picture: Image.Image, warmth: float) -> Image.Image:
    red, green, blue = picture.split()
    shift = 0.15 * warmth
    return Image.merge(
        "RGB",
        (
            red.point(lambda v: min(255, round(v * (1 + shift)))),
            green,
            blue.point(lambda v: min(255, round(v * (1 - shift)))),
        ),
    )


def _inside(start: int, length: int, whole: int) -> int:
    return max(0, min(start, whole - length))


def _open(package: str, path: str) -> Image.Image:
    # Found without importing the packages, each of which takes a second to import.
    spec = find_spec(package)
    file = Path(spec.origin).parent / path if spec and spec.origin else None
    if file is None or not file.is_file():
        raise UsageError(
            "The demo needs two portraits that come inside scikit-image and matplotlib.",
            "Run: pip install 'likeness[demo]'",
        )
    with Image.open(file) as image:
        return image.convert("RGB")
