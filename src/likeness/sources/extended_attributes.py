"""The addresses that browsers and download tools leave in a file's extended attributes.

The names are those of the freedesktop.org list of common extended attributes. Chromium, Firefox,
wget and ``curl --xattr`` write them on Linux, where alone Python reads extended attributes.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass

_ORIGIN = "user.xdg.origin.url"
_REFERRER = "user.xdg.referrer.url"
_LONGEST = 8192


@dataclass(frozen=True, kw_only=True)
class DownloadOrigin:
    """Where a file says that it was downloaded from. Nothing here is trusted.

    Attributes
    ----------
    referrer : str
        Address of the page that the download was started from; empty where absent.
    origin : str
        Address that the file itself was fetched from; empty where absent.
    """

    referrer: str = ""
    origin: str = ""


def download_origin(descriptor: int) -> DownloadOrigin:
    """Read the download addresses of an open file.

    A system, a file system or a file without them gives empty addresses; so does a value over 8,192
    bytes or not UTF-8.
    """
    return DownloadOrigin(
        referrer=_attribute(descriptor, _REFERRER), origin=_attribute(descriptor, _ORIGIN)
    )


def _attribute(descriptor: int, name: str) -> str:
    if sys.platform != "linux":
        return ""
    try:
        value = os.getxattr(descriptor, name)
    except OSError:  # absent, not supported by the file system, not ours to read: one and the same
        return ""
    if len(value) > _LONGEST:
        return ""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return ""
