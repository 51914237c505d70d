"""The child that decodes photos for ``sandbox.DecodeWorkers``; run with ``python -m``.

It takes its limits first: memory, no files written, no new descriptors (so no file and no
connection can be opened), no core dumps, a timer for each photo. Then it answers requests until
its input ends.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import resource
import signal
import sys
from typing import BinaryIO

from likeness.errors import PhotoUnreadable
from likeness.faces import decode, metadata, sandbox_protocol
from likeness.records.photo import ReadLimits

GRACE_SECONDS = 5.0
"""How much longer than its parent a child waits before it ends itself."""

_SAMPLED = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
_NEEDED_LATER = (
    "PIL.ImageOps",
    "PIL.ImagePalette",
    "PIL.MpoImagePlugin",
    "encodings.cp1252",
    "encodings.latin_1",
    "encodings.utf_16",
    "encodings.utf_16_be",
    "encodings.utf_16_le",
    "encodings.utf_8_sig",
)
_FIXED_MEMORY = 700_000_000
_MEMORY_A_PIXEL = 20


def main(arguments: list[str]) -> int:
    """Serve until standard input ends. Arguments: most bytes, most pixels, seconds a photo."""
    limits = ReadLimits(
        max_bytes=int(arguments[0]), max_pixels=int(arguments[1]), seconds=float(arguments[2])
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load_everything(limits)
    _take_limits(limits)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    sink.write(sandbox_protocol.READY)
    sink.flush()
    try:
        while _serve(source, sink, limits):
            signal.setitimer(signal.ITIMER_REAL, 0)
    except BrokenPipeError:
        return 1
    return 0


def _serve(source: BinaryIO, sink: BinaryIO, limits: ReadLimits) -> bool:
    """Answer one request; False where there is none."""
    header = source.read(sandbox_protocol.REQUEST.size)
    if len(header) < sandbox_protocol.REQUEST.size:
        return False
    # The default action of the alarm ends the process even inside a decoder written in C.
    signal.setitimer(signal.ITIMER_REAL, limits.seconds + GRACE_SECONDS)
    size, long_side = sandbox_protocol.unpack_request(header, limits)
    data = source.read(size)
    if len(data) < size:
        return False
    try:
        photo = decode.decode(data, limits=limits, long_side=long_side)
    except PhotoUnreadable as error:
        sink.write(sandbox_protocol.pack_refusal(error))
    else:
        start, pixels = sandbox_protocol.pack_photo(photo)
        sink.write(start)
        sink.write(pixels.data)
    sink.flush()
    return True


def _load_everything(limits: ReadLimits) -> None:
    """Import and use each decoder once, while files can still be opened."""
    for name in _NEEDED_LATER:
        importlib.import_module(name)
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = limits.max_pixels
    sample = Image.new("RGB", (16, 16), (90, 120, 150))
    exif = Image.Exif()
    exif[0x0112] = 6
    for form in _SAMPLED:
        # A Pillow that was built without one of these still reads the others.
        with contextlib.suppress(KeyError, OSError, PhotoUnreadable):
            file = io.BytesIO()
            sample.save(file, form, exif=exif)
            decode.decode(file.getvalue(), limits=limits, long_side=8)
    with contextlib.suppress(PhotoUnreadable):
        decode.decode(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1", limits=limits, long_side=8)
    metadata.parse_xmp(b'<?xml version="1.0" encoding="windows-1250"?><x><y/></x>')
    metadata.parse_xmp(b"<malformed")
    metadata.parse_date("2000:01:01 00:00:00", "+01:00")


def _take_limits(limits: ReadLimits) -> None:
    memory = _FIXED_MEMORY + _MEMORY_A_PIXEL * limits.max_pixels + 2 * limits.max_bytes
    # macOS refuses a limit on address space; the timer and the parent's clock still hold there.
    if sys.platform != "darwin":
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
