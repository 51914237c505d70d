"""Turns the bytes of a photo into upright RGB pixels, or says why it cannot be read.

Nothing here trusts the bytes: size and pixels are checked before anything is decoded, only the
named formats are tried, and every failure is a ``PhotoUnreadable``. What comes from outside should
be decoded through ``sandbox.DecodeWorkers``, which does the same in a child with limited memory
and time.
"""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likeness.errors import PhotoUnreadable
from likeness.faces import metadata
from likeness.faces.formats import sniff
from likeness.records.photo import DecodedPhoto, ReadLimits

if TYPE_CHECKING:
    from PIL import Image

REASONS = (
    "empty",
    "too_large",
    "not_a_photo",
    "heic_unsupported",
    "unsupported",
    "truncated",
    "broken",
    "too_slow",
    "crashed_decoder",
)
"""Every ``reason`` that decoding gives a ``PhotoUnreadable``."""

_ORIENTATION = 0x0112


def unreadable(reason: str, *, limits: ReadLimits) -> PhotoUnreadable:
    """The error for one of ``REASONS``, in the same words wherever it was found out."""
    megapixels, megabytes = limits.max_pixels / 1e6, limits.max_bytes / 1e6
    what, fix = {
        "empty": ("The file is empty.", "Copy it again from where it came from."),
        "too_large": (
            f"The photo is larger than the limit of {megapixels:g} megapixels and"
            f" {megabytes:g} MB, or needs more memory than one photo may take.",
            "Save a smaller copy, or raise the limits.",
        ),
        "not_a_photo": (
            "The file is not a photo in a format that can be read.",
            "Use JPEG, PNG, WebP, TIFF, GIF, BMP or HEIC.",
        ),
        "heic_unsupported": (
            "The photo is HEIC, which needs an extra.",
            "Run: pip install 'likeness[heif]'",
        ),
        "unsupported": (
            "The photo uses a kind of colour or compression that cannot be read.",
            "Save it as JPEG or PNG.",
        ),
        "truncated": (
            "The photo ends early: a part of the file is missing.",
            "Copy it again from where it came from.",
        ),
        "broken": (
            "The photo is damaged and cannot be decoded.",
            "Copy it again from where it came from.",
        ),
        "too_slow": (
            f"The photo took longer than {limits.seconds:g} seconds to decode and was left.",
            "Save it again as JPEG, or raise the limit.",
        ),
        "crashed_decoder": (
            "The photo made the decoder fail and was left.",
            "Save it again as JPEG with another program.",
        ),
    }[reason]
    return PhotoUnreadable(what, fix, reason=reason)


def decode(data: bytes, *, limits: ReadLimits, long_side: int | None) -> DecodedPhoto:
    """Decode one photo in this process.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : ReadLimits
        Bytes and pixels are checked before anything is decoded; ``seconds`` is not held here.
    long_side : int or None
        Reduce the photo so that its longer side has this many pixels, never enlarge it; None keeps
        the full size. JPEG is decoded at a reduced size where that saves work.

    Raises
    ------
    PhotoUnreadable
        With one of ``REASONS``.
    ValueError
        Where ``long_side`` is not positive.
    """
    if long_side is not None and long_side < 1:
        raise ValueError(f"long_side is {long_side}, not a positive number of pixels or None")
    if not data:
        raise unreadable("empty", limits=limits)
    if len(data) > limits.max_bytes:
        raise unreadable("too_large", limits=limits)
    form = sniff(data)
    if form is None:
        raise unreadable("not_a_photo", limits=limits)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decoded(data, form, limits, long_side)
    except PhotoUnreadable:
        raise
    except MemoryError as error:
        raise unreadable("too_large", limits=limits) from error
    except Exception as error:
        # Pillow's plugins raise almost any class on hostile bytes; all mean the same here.
        reason = "truncated" if _ends_early(data, form) else _reason_of(error)
        raise unreadable(reason, limits=limits) from error


def _decoded(data: bytes, form: str, limits: ReadLimits, long_side: int | None) -> DecodedPhoto:
    image = _opened(data, form, limits)
    if image.width < 1 or image.height < 1:
        raise unreadable("broken", limits=limits)
    if image.width * image.height > limits.max_pixels:
        raise unreadable("too_large", limits=limits)
    full = image.size
    reduced = form == "JPEG" and long_side is not None and _draft(image, long_side)
    image.load()
    if not reduced:
        full = image.size
    found = metadata.read(image)
    orientation = _orientation(image)
    upright = _reduced(_plain(image), full, long_side)
    pixels = _upright(np.asarray(_on_white(upright)), orientation)
    width, height = full if orientation < 5 else full[::-1]
    return DecodedPhoto(
        pixels=pixels,
        width=width,
        height=height,
        format=str(image.format or form),
        metadata=found,
    )


def _opened(data: bytes, form: str, limits: ReadLimits) -> Image.Image:
    """Read the header; nothing is decoded yet."""
    from PIL import Image

    if form != "HEIF":
        return Image.open(io.BytesIO(data), formats=(form,))
    try:
        import pillow_heif
    except ImportError as error:
        raise unreadable("heic_unsupported", limits=limits) from error
    # Opened directly: registering the plugin would change Pillow for the whole process.
    opener: Any = pillow_heif.HeifImageFile
    image: Image.Image = opener(io.BytesIO(data))
    return image


def _draft(image: Image.Image, long_side: int) -> bool:
    """Let libjpeg halve the image as often as it stays at least as large as wanted."""
    longer = max(image.size)
    if longer < 2 * long_side:
        return False
    wanted = tuple(max(1, -(-side * long_side // longer)) for side in image.size)
    return image.draft(None, (wanted[0], wanted[1])) is not None


def _plain(image: Image.Image) -> Image.Image:
    """To a mode that resizes well: L, RGB, RGBA or CMYK."""
    from PIL import Image

    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return Image.fromarray(_eight_bits(image))
    if image.has_transparency_data:
        return image if image.mode == "RGBA" else image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _eight_bits(image: Image.Image) -> NDArray[np.uint8]:
    """Grey of more than eight bits, by its upper byte; floats of 0 to 1, or of 0 to 255."""
    values = np.asarray(image)
    if image.mode == "F":
        finite = np.nan_to_num(values, nan=0.0, posinf=255.0, neginf=0.0)
        values = finite * 255.0 if finite.max() <= 1.0 else finite
    elif image.mode != "I" or values.max() > 255:
        values = values.astype(np.int64) >> 8
    grey: NDArray[np.uint8] = np.clip(values, 0, 255).astype(np.uint8)
    return grey


def _reduced(image: Image.Image, full: tuple[int, int], long_side: int | None) -> Image.Image:
    """Resize, so that the longer side of an image that was ``full`` is ``long_side`` at most."""
    from PIL import Image

    longer = max(full)
    if long_side is None or longer <= long_side:
        return image
    width, height = (max(1, (side * long_side + longer // 2) // longer) for side in full)
    if image.size == (width, height):
        return image
    return image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=3.0)


def _on_white(image: Image.Image) -> Image.Image:
    """To RGB, transparent parts on white."""
    from PIL import Image

    if image.mode != "RGBA":
        return image if image.mode == "RGB" else image.convert("RGB")
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(image, mask=image.getchannel("A"))
    return white


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 where there is none or it is malformed."""
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except metadata.MALFORMED:
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _upright(pixels: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """Undo an EXIF orientation; the result is contiguous and writable."""
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.array(pixels, dtype=np.uint8, order="C")


def _ends_early(data: bytes, form: str) -> bool:
    """Whether a container says that it is longer than what is there."""
    return form == "WEBP" and int.from_bytes(data[4:8], "little") + 8 > len(data)


def _reason_of(error: Exception) -> str:
    from PIL.Image import DecompressionBombError

    if isinstance(error, DecompressionBombError):
        return "too_large"
    words = str(error).casefold()
    if isinstance(error, EOFError) or any(
        sign in words
        for sign in ("truncated", "end of file", "premature", "too small", "cannot read full")
    ):
        return "truncated"
    if isinstance(error, NotImplementedError) or any(
        sign in words for sign in ("not supported", "unsupported", "unknown")
    ):
        return "unsupported"
    return "broken"
