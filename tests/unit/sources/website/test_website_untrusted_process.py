"""A crawling process that was taken over: its parent believes nothing of what it says."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import pytest
from site_house import FAST, HOST, KeptInMemory, proof_of
from unsafe_network import UnsafeLoopbackNetwork

from likeness.errors import LikenessError, SourceUnreadable
from likeness.sources.base import SkippedEntry
from likeness.sources.website.limits import CrawlLimits
from likeness.sources.website.memory import Remembered
from likeness.sources.website.source import WebsiteSource

_CHILD = """
import sys, time
from likeness.sources.website.crawl_protocol import *

def say(kind, details, body=b""):
    sys.stdout.buffer.write(pack(kind, details, body))
    sys.stdout.buffer.flush()

def photo(**changed):
    return {
        "url": "https://HOST/a.jpg", "page": "https://HOST/", "text": "", "taken_at": "",
        "rights": "", "unchanged": False, "etag": "", "last_modified": "", **changed,
    }

def skipped(**changed):
    return {"item": "/", "reason": "", "hides": False, "ends": False, **changed}

say(READY, {})
CODE
time.sleep(60)
"""

_LIES = {
    "a photo of another site": 'say(PHOTO, photo(url="https://other.example.org/a.jpg"), b"x")',
    "a page of another site": 'say(PHOTO, photo(page="https://other.example.org/"), b"x")',
    "a photo in a file": 'say(PHOTO, photo(url="file:///etc/passwd"), b"x")',
    "a photo in clear": 'say(PHOTO, photo(url="http://HOST/a.jpg"), b"x")',
    "a photo on another port": 'say(PHOTO, photo(url="https://HOST:22/a.jpg"), b"x")',
    "a photo with a user": 'say(PHOTO, photo(url="https://u:p@HOST/a.jpg"), b"x")',
    "an unknown one unchanged": "say(PHOTO, photo(unchanged=True))",
    "a known one with other words unchanged": (
        'say(PHOTO, photo(url="https://HOST/known.jpg", text="new", unchanged=True))'
    ),
    "words that are too long": 'say(PHOTO, photo(text="x" * 3000), b"x")',
    "a date that is none": 'say(PHOTO, photo(taken_at="soon"), b"x")',
    "half a letter": 'say(SKIPPED, skipped(item="\\ud800"))',
    "flags that are none": "say(SKIPPED, skipped(hides=1))",
    "an end that is none": 'say(DONE, {"whole": "yes"})',
    "a beginning in the middle": "say(READY, {})",
    "a page to remember without a size": 'say(SEEN, {"url": "https://HOST/"})',
    "garbage": 'sys.stdout.buffer.write(b"GET / HTTP/1.1" * 10); sys.stdout.buffer.flush()',
    "more bytes than a photo has": (
        "sys.stdout.buffer.write(HEADER.pack(PHOTO, 2, 1 << 40) + b'{}'); sys.stdout.buffer.flush()"
    ),
    "a sudden end": "sys.exit(0)",
}


class _Network(UnsafeLoopbackNetwork):
    """Starts a process that says what it is told to, instead of one that crawls."""

    def __init__(self, folder: Path, code: str) -> None:
        super().__init__(authority=folder / "none.pem", folder=folder)
        self._code = _CHILD.replace("CODE", code).replace("HOST", HOST)

    def crawl_command(self) -> list[str]:
        return [sys.executable, "-c", self._code]


def _source(folder: Path, code: str, **named: Any) -> WebsiteSource:
    return WebsiteSource(
        HOST,
        network=_Network(folder, code),
        proof=proof_of(HOST),
        still_allowed=lambda: True,
        **{"limits": FAST, **named},
    )


@pytest.mark.parametrize("lie", _LIES)
def test_a_lie_ends_the_crawl_and_takes_nothing_in(tmp_path: Path, lie: str) -> None:
    memory = KeptInMemory()
    known = f"https://{HOST}/known.jpg"
    memory.remember(Remembered(url=known, etag="x", link_mark="0" * 64))
    source = _source(tmp_path, _LIES[lie], memory=memory)
    started = time.monotonic()
    with pytest.raises(SourceUnreadable):
        list(source.entries())
    assert not source.whole
    assert list(memory.kept) == [known]
    assert time.monotonic() - started < 20


def test_a_page_of_another_site_is_not_remembered(tmp_path: Path) -> None:
    memory = KeptInMemory()
    code = (
        'say(SEEN, {"url": "https://other.example.org/", "etag": "x", "last_modified": "",'
        ' "size": 1, "modified_ns": 0, "link_mark": "", "page": "{}"})\nsay(DONE, {"whole": True})'
    )
    assert list(_source(tmp_path, code, memory=memory).entries()) == []
    assert memory.kept == {}


def test_an_item_is_told_once_and_can_be_shown(tmp_path: Path) -> None:
    code = (
        'for _ in range(3): say(SKIPPED, {"item": "/a\\n\\x1b[31m", "reason": "r\\u202e",'
        ' "hides": False, "ends": False})\nsay(DONE, {"whole": True})'
    )
    (entry,) = _source(tmp_path, code).entries()
    assert entry == SkippedEntry(item="/a\\x0A\\x1B[31m", reason="r\\u202E")


def test_a_process_that_never_ends_its_tale_is_ended(tmp_path: Path) -> None:
    code = (
        'for n in range(10**6): say(SKIPPED, {"item": f"/{n}", "reason": "", "hides": False,'
        ' "ends": False})'
    )
    source = _source(tmp_path, code, limits=CrawlLimits(pages=100, photos=100))
    told = 0
    with pytest.raises(SourceUnreadable):
        for _ in source.entries():
            told += 1
    assert told < 500


def test_a_process_that_says_nothing_sound_at_first_is_not_started(tmp_path: Path) -> None:
    network = _Network(tmp_path, "")
    network.crawl_command = lambda: [sys.executable, "-c", "print('hello' * 20)"]  # type: ignore[method-assign]
    source = WebsiteSource(
        HOST, network=network, proof=proof_of(HOST), still_allowed=lambda: True, limits=FAST
    )
    with pytest.raises(LikenessError):
        next(source.entries())
