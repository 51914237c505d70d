"""Measures how well copies of a photo are told from other photos, and prints tables.

    python bench/copies.py ../shared/eval

Every photo under the folder is looked at. Copies are made of some of them (reduced, compressed,
cropped, in other formats) and searched for among all. Pairs of photos that are accepted as copies
are listed by name, to be looked at: some sets hold real ones. Bursts are made by changing one face:
moved by a part of its width, mirrored, or replaced by another, then compressed once more; and so
once more among other photos in rows and columns, where the face is a smaller part of the picture.
What is printed at the end is how long it takes among a million.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from likeness.copies import LOOKED_AT
from likeness.faces.engine import FaceEngine
from likeness.faces.registration import LEAST_CORRELATION, MOST_LOCAL, accepted, measure
from likeness.faces.resemblance import HASHES, Hashes, Look, look_of, near_ones, read_look
from likeness.records.face import Box

SUFFIXES = {".jpg", ".jpeg", ".png"}
MOST_CROP = 0.08
TILES = (1, 2, 4, 6)
SHOWN = 40

Picture = Image.Image


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """Every photo of the set, and how it looks."""

    paths: list[Path]
    looks: list[Look]
    hashes: Hashes


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copied", type=int, default=600, help="photos to make copies of")
    parser.add_argument("--bursts", type=int, default=300, help="photos to change a face of")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    dice = random.Random(options.seed)
    held = look_at_all(options.folder)
    print_copies(held, dice, options.copied)
    print_others(held)
    print_bursts(held, dice, options.bursts)
    print_times(held)
    return 0


def look_at_all(folder: Path) -> Held:
    """The looks of every photo under a folder."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    sizes, looks = [], []
    for number, path in enumerate(paths, start=1):
        look = look_of(np.asarray(opened(path)))
        sizes.append(len(look))
        looks.append(read_look(look))
        if not number % 100:
            print(f"\r{number}/{len(paths)} photos", end="", file=sys.stderr)
    print(file=sys.stderr)
    print(
        f"{len(paths)} photos; a look has {np.mean(sizes):.0f} bytes, {max(sizes)} at most; "
        f"{sum(not look.telling for look in looks)} tell nothing"
    )
    return Held(paths=paths, looks=looks, hashes=np.stack([k.hashes for k in looks], axis=1))


def opened(path: Path) -> Picture:
    """A photo in RGB."""
    with Image.open(path) as image:
        return image.convert("RGB")


def reduced(image: Picture, dice: random.Random) -> Picture:
    """Made smaller, by 0.25 to 0.9."""
    scale = dice.uniform(0.25, 0.9)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    way = dice.choice(
        [Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS]
    )
    return image.resize(size, way)


def cropped(image: Picture, dice: random.Random) -> Picture:
    """Cut by up to `MOST_CROP` at each side."""
    left, top, right, bottom = (dice.uniform(0, MOST_CROP) for _ in range(4))
    wide, high = image.size
    return image.crop(
        (
            round(left * wide),
            round(top * high),
            wide - round(right * wide),
            high - round(bottom * high),
        )
    )


def stored(image: Picture, form: str, dice: random.Random) -> Picture:
    """Written in a format and read again."""
    file = io.BytesIO()
    quality = {"quality": dice.randint(30, 95)} if form in {"JPEG", "WEBP"} else {}
    image.save(file, form, **quality)
    return Image.open(file).convert("RGB")


COPIES: dict[str, Callable[[Picture, random.Random], tuple[Picture, Picture]]] = {
    "compressed": lambda i, d: (i, stored(i, "JPEG", d)),
    "reduced": lambda i, d: (i, stored(reduced(i, d), "JPEG", d)),
    "another format": lambda i, d: (i, stored(i, d.choice(["WEBP", "PNG", "GIF"]), d)),
    "cropped": lambda i, d: (i, stored(cropped(i, d), "JPEG", d)),
    "cropped, reduced": lambda i, d: (i, stored(reduced(cropped(i, d), d), "JPEG", d)),
    "two crops": lambda i, d: (
        stored(cropped(i, d), "JPEG", d),
        stored(cropped(i, d), "JPEG", d),
    ),
}


def print_copies(held: Held, dice: random.Random, count: int) -> None:
    """How many copies are found again: by the hashes among all, and by both steps."""
    telling = [n for n, look in enumerate(held.looks) if look.telling]
    chosen = dice.sample(telling, min(count, len(telling)))
    print(
        f"\n{'copies':18}{'made':>6}{'by hash':>9}{'accepted':>10}  local, worst of 99% and of all"
    )
    for name, make in COPIES.items():
        near = whole = 0
        locals_: list[float] = []
        for number in chosen:
            one, other = (look_at(image) for image in make(opened(held.paths[number]), dice))
            hashes = held.hashes.copy()
            hashes[:, number] = one.hashes
            found = number in near_ones(other.hashes, hashes, limit=LOOKED_AT)
            registration = measure(one, other)
            locals_.append(registration.local if registration else np.inf)
            near += found
            whole += found and registration is not None and accepted(registration)
        print(
            f"{name:18}{len(chosen):6}{near / len(chosen):9.2%}{whole / len(chosen):10.2%}  "
            f"{np.quantile(locals_, 0.99):.2f} {max(locals_):.2f}"
        )


def look_at(image: Picture) -> Look:
    """The look of an image."""
    return read_look(look_of(np.asarray(image)))


def print_others(held: Held) -> None:
    """Which different photos of the set are taken for copies."""
    pairs, taken = 0, []
    for number, look in enumerate(held.looks):
        if not look.telling:
            continue
        for other in near_ones(look.hashes, held.hashes[:, :number], limit=number):
            pairs += 1
            registration = measure(held.looks[other], look)
            if registration is not None and accepted(registration):
                taken.append((registration, held.paths[other], held.paths[number]))
    every = len(held.looks) * (len(held.looks) - 1) // 2
    print(f"\n{every} pairs of photos, {pairs} alike by hash, {len(taken)} taken for copies:")
    for registration, first, second in sorted(taken, key=lambda t: -t[0].local)[:SHOWN]:
        print(
            f"  {first.parent.name}/{first.name}  {second.parent.name}/{second.name}  correlation "
            f"{registration.correlation:.4f}, local {registration.local:.2f}"
        )


def print_bursts(held: Held, dice: random.Random, count: int) -> None:
    """How often a photo in which one face differs is taken for a copy, by how small the face is."""
    engine = FaceEngine.load("dlib")
    outcomes: dict[tuple[str, int], list[tuple[float, float, bool]]] = {}
    chosen = dice.sample(range(len(held.paths)), min(count, len(held.paths)))
    for number in chosen:
        image = opened(held.paths[number])
        faces = engine.find(np.asarray(image))
        if not faces:
            continue
        box = dice.choice(faces).box
        another = opened(held.paths[dice.choice(chosen)])
        beside = [opened(held.paths[n]) for n in dice.sample(chosen, 8)]
        made = changes(image, box, another, engine)
        for tiles in TILES:
            before = look_at(wall(image, beside, tiles))
            share = (box[2] - box[0]) / max(image.size) / tiles
            for name, face in made:
                after = wall(with_face(image, box, face), beside, tiles)
                registration = measure(before, look_at(stored(after, "JPEG", dice)))
                local = registration.local if registration else np.inf
                taken = registration is not None and accepted(registration)
                outcomes.setdefault((name, tiles), []).append((share, local, taken))
    print(
        f"\n{'one face':18}{'width, median':>14}{'made':>6}{'accepted':>10}  "
        "local, least 1% and least"
    )
    for (name, _), some in sorted(outcomes.items()):
        shares, locals_, accepted_ = (np.array(column) for column in zip(*some, strict=True))
        print(
            f"{name:18}{np.median(shares):14.1%}{len(some):6}{accepted_.mean():10.2%}  "
            f"{np.quantile(locals_, 0.01, method='lower'):.2f} {locals_.min():.2f}"
        )


def wall(image: Picture, beside: Sequence[Picture], tiles: int) -> Picture:
    """The photo among others in ``tiles`` rows and columns, so that its faces are smaller in it."""
    wide, high = image.size
    made = Image.new("RGB", (wide * tiles, high * tiles))
    for place in range(tiles * tiles):
        # In the middle, where no rim is passed over.
        own = place == tiles * tiles // 2
        tile = image if own else beside[place % len(beside)].resize(image.size)
        made.paste(tile, (place % tiles * wide, place // tiles * high))
    return made


def changes(
    image: Picture, box: Box, another: Picture, engine: FaceEngine
) -> list[tuple[str, Picture]]:
    """What may take the place of a face, by name."""
    left, top, right, bottom = around(box)
    own = image.crop((left, top, right, bottom))
    made = [("mirrored", own.transpose(Image.Transpose.FLIP_LEFT_RIGHT))]
    for part in (0.05, 0.1, 0.2):
        shift = max(1, round(part * (box[2] - box[0])))
        moved = image.crop((left + shift, top, right + shift, bottom))
        made.append((f"moved by {part:.0%}", moved))
    faces = engine.find(np.asarray(another))
    if faces and another.tobytes() != image.tobytes():
        made.append(("replaced", another.crop(around(faces[0].box)).resize(own.size)))
    return made


def around(box: Box) -> Box:
    """A face's box with forehead and ears."""
    left, top, right, bottom = box
    wide, high = right - left, bottom - top
    return left - wide // 8, top - high // 4, right + wide // 8, bottom + high // 8


def with_face(image: Picture, box: Box, face: Picture) -> Picture:
    """A photo with another face in a face's place, its edge soft."""
    wide, high = face.size
    mask = Image.new("L", face.size)
    ImageDraw.Draw(mask).ellipse((wide * 0.04, high * 0.04, wide * 0.96, high * 0.96), fill=255)
    changed = image.copy()
    changed.paste(face, around(box)[:2], mask.filter(ImageFilter.GaussianBlur(wide / 20)))
    return changed


def print_times(held: Held) -> None:
    """How long a look, a search among a million, and a comparison take."""
    random_hashes: NDArray[np.uint64] = np.random.default_rng(1).integers(
        0, 2**64 - 1, (HASHES, 1_000_000), dtype=np.uint64
    )
    pixels = np.asarray(opened(held.paths[0]).resize((1600, 1200)))
    look = held.looks[0]
    print(f"\nbounds: correlation {LEAST_CORRELATION}, local {MOST_LOCAL}")
    for name, step in (
        ("look of 1600 x 1200", lambda: look_of(pixels)),
        ("search among a million", lambda: near_ones(look.hashes, random_hashes, limit=LOOKED_AT)),
        ("comparison of two copies", lambda: measure(look, look)),
        ("comparison of two others", lambda: measure(look, held.looks[len(held.looks) // 2])),
    ):
        step()
        times = []
        for _ in range(5):
            start = time.perf_counter()
            step()
            times.append(time.perf_counter() - start)
        print(f"{name:26}{1000 * min(times):8.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
