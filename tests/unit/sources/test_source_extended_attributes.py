"""The addresses that a browser leaves on a file, read from real extended attributes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from likeness.sources.extended_attributes import DownloadOrigin, download_origin


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"photo")
    if not hasattr(os, "setxattr"):
        pytest.skip("Python cannot write extended attributes on this system")
    try:
        os.setxattr(path, "user.likeness.test", b"1")
    except OSError:
        pytest.skip("the file system of the test folder keeps no extended attributes")
    return path


def _origin(path: Path) -> DownloadOrigin:
    with path.open("rb") as file:
        return download_origin(file.fileno())


def test_both_addresses_are_read(photo: Path) -> None:
    os.setxattr(photo, "user.xdg.referrer.url", b"https://example.org/page")
    os.setxattr(photo, "user.xdg.origin.url", "https://example.org/ä.jpg".encode())
    expected = DownloadOrigin(
        referrer="https://example.org/page", origin="https://example.org/ä.jpg"
    )
    assert _origin(photo) == expected


def test_a_file_without_them_has_empty_addresses(photo: Path) -> None:
    assert _origin(photo) == DownloadOrigin()


@pytest.mark.parametrize("value", [b"https://example.org/\xff", b"", b"x" * 8_193])
def test_a_value_that_is_no_text_or_too_long_counts_as_absent(photo: Path, value: bytes) -> None:
    try:
        os.setxattr(photo, "user.xdg.origin.url", value)
    except OSError:
        pytest.skip("the file system keeps no extended attribute of this size")
    assert _origin(photo) == DownloadOrigin()
