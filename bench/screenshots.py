"""Take a picture of every page, on a phone and a desktop, light and dark.

    python bench/screenshots.py --into build/screenshots

The pages are the app's own routes; what they show is a library of two portraits in the public
domain, made for it. Needs Debian's Chromium, or another by LIKENESS_CHROMIUM.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests" / "support"))

from all_pages import every_page, prepare
from chromium import chromium, chromium_path, context_of
from PIL import Image
from playwright.sync_api import Page
from shown_library import shown_library
from web_server import serving

LOOKS = (
    ("phone-light", True, False),
    ("phone-dark", True, True),
    ("desktop-light", False, False),
    ("desktop-dark", False, True),
)

README = (
    ("search", "desktop-light", "search-found", 560, 1100),
    ("enrol", "phone-light", "enrol-secret", 2700, 1100),
    ("my-photos", "phone-dark", "my-photos", 1430, 1100),
)
"""The README's pictures: of which look and page, from which pixel on, and how high."""

SHOW_ALL = """() => Promise.all(Array.from(document.images, (image) => {
    image.loading = "eager";
    image.decoding = "sync";
    return image.decode();
}))"""
"""Photos below the first screen load as they are scrolled to, and are drawn when they are ready."""


def main() -> int:
    """Take the pictures; returns an exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--into", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--only", default="", help="pages whose name holds this")
    parser.add_argument("--readme", type=Path, help="also write the README's pictures there")
    given = parser.parse_args()
    if chromium_path() is None:
        print("There is no Chromium here: install Debian's package chromium.", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        os.environ["LIKENESS_KEYRINGS"] = f"{folder}/keyrings"
        take(Path(folder), given.into, given.only)
    for name, look, seen, top, height in README if given.readme else ():
        picture = Image.open(given.into / look / f"{seen}.png").convert("RGB")
        part = picture.crop((0, top, picture.width, min(top + height, picture.height)))
        part.quantize(256).save(given.readme / f"{name}.png", optimize=True)
    return 0


def take(folder: Path, into: Path, only: str) -> None:
    """Make the library, open each page and keep its picture."""
    with (
        shown_library(folder) as shown,
        serving(shown.library) as server,
        chromium() as browser,
    ):
        secrets = {
            "owner": server.secret("owner"),
            "person": server.secret(person_id=shown.collins),
            "anyone": "",
        }
        probe = folder / shown.photos.probe_collins
        for look, phone, dark in LOOKS:
            (into / look).mkdir(parents=True, exist_ok=True)
            for role, secret in secrets.items():
                context = context_of(browser, server.url, secret=secret, phone=phone, dark=dark)
                page = context.new_page()
                for seen in every_page(shown):
                    if seen.role != role or only not in seen.name:
                        continue
                    prepare(page, seen, shown)
                    page.goto(seen.path, wait_until="load")
                    picture(page, into / look / f"{seen.name}.png")
                    if seen.path == "/search":
                        page.locator("input[type=file]").first.set_input_files(probe)
                        page.locator("#results .photo").first.wait_for(timeout=60_000)
                        picture(page, into / look / "search-found.png")
                context.close()
            print(f"{look}: {len(list((into / look).iterdir()))} pages in {into / look}")


def picture(page: Page, file: Path) -> None:
    """Keep the picture of a page in its whole length."""
    page.evaluate(SHOW_ALL)
    page.evaluate("() => window.scrollTo(0, 0)")
    page.screenshot(path=file, full_page=True)


if __name__ == "__main__":
    sys.exit(main())
