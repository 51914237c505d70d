"""The address of a bucket, as people write it and as it is kept. It never holds a credential."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

from likeness.errors import UsageError
from likeness.sources.base import item_of

Scheme = Literal["s3", "gs", "az", "file"]

_SCHEMES: MappingProxyType[str, Scheme] = MappingProxyType(
    {"s3": "s3", "gs": "gs", "az": "az", "file": "file"}
)
# What S3, Google and Azure have allowed in a name so far, older and shared ones included.
_BUCKET = re.compile(r"[A-Za-z0-9$_][A-Za-z0-9_.-]{1,254}")
_QUERY = re.compile(r"\?[^/]*=")
_LONGEST_PREFIX = 1024
_FORMS = "Write s3://BUCKET/FOLDER, gs://BUCKET/FOLDER, az://CONTAINER/FOLDER or file:///FOLDER."


@dataclass(frozen=True, kw_only=True)
class BucketAddress:
    """Where a bucket is, and which part of it is meant.

    Attributes
    ----------
    scheme : Scheme
    bucket : str
        Name of the bucket, or of the container in Azure; empty for a local folder.
    prefix : str
        Path of the folder in it without outer slashes, empty for all of it. For a local folder its
        absolute path.
    """

    scheme: Scheme
    bucket: str
    prefix: str

    @property
    def remote(self) -> bool:
        """Whether it is somebody's object store, rather than a folder of this machine."""
        return self.scheme != "file"

    @property
    def root(self) -> str:
        """Address of the bucket as a whole, which is what its holder authorises."""
        return f"{self.scheme}://{self.bucket}" if self.remote else self.text

    @property
    def text(self) -> str:
        """The address in its one form, for which `bucket_address` returns the same again."""
        if not self.remote:
            return Path(self.prefix).as_uri()
        return f"{self.scheme}://{self.bucket}" + (f"/{self.prefix}" if self.prefix else "")

    def uri(self, key: str) -> str:
        """Return the address of an object, percent-encoded by RFC 3986.

        Parameters
        ----------
        key : str
            Path within the bucket; for a local folder, within the folder.
        """
        if not self.remote:
            return Path(self.prefix, key).as_uri()
        return f"{self.scheme}://{self.bucket}/{quote(key, safe='/')}"


def bucket_address(text: str) -> BucketAddress:
    """Read the address of a bucket. Nothing is looked up.

    Folders in a bucket are written as they are; those of ``file://`` percent-encoded (RFC 8089).

    Raises
    ------
    UsageError
        If it is none, names a folder that no bucket client can list, or carries a user name, a
        password or a signature. The message does not repeat it.
    """
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        raise UsageError("The address has half a character in it.", _FORMS) from None
    scheme, separator, rest = text.partition("://")
    known = _SCHEMES.get(scheme.lower())
    if not separator or known is None:
        raise UsageError("That is not the address of a bucket.", _FORMS)
    if known == "file":
        return _local(rest)
    bucket, _, prefix = rest.partition("/")
    if "@" in bucket or ":" in bucket:
        raise UsageError(
            "The address of a bucket holds no user name, password or port.",
            "Put them into the environment, where the programs of the store look for them too.",
        )
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        raise UsageError("The address names no bucket that there could be.", _FORMS)
    prefix = prefix.removesuffix("/")
    _require_prefix(prefix)
    return BucketAddress(scheme=known, bucket=bucket, prefix=prefix)


def is_bucket_address(text: str) -> bool:
    """Whether a text is meant as the address of somebody's object store."""
    scheme = text.partition("://")[0].lower()
    return "://" in text and scheme in _SCHEMES and scheme != "file"


def _require_prefix(prefix: str) -> None:
    if _QUERY.search(prefix):
        raise UsageError(
            "The address of a bucket ends with a folder, not with ?name=value.",
            "Leave that part away: a signature in it would be kept and shown.",
        )
    if prefix and any(part in ("", ".", "..") for part in prefix.split("/")):
        raise UsageError(
            "The folder in the address has an empty part, or a part '.' or '..'.",
            "Write its name as the store shows it, with single slashes.",
        )
    # What an item would write otherwise is refused here, so that there is one form of an address.
    if item_of(prefix) != prefix or len(prefix.encode()) > _LONGEST_PREFIX:
        raise UsageError(
            "The folder in the address has a backslash or a character that cannot be seen, or is "
            "longer than 1,024 bytes.",
            "Give the folder above it.",
        )


def _local(rest: str) -> BucketAddress:
    path = rest.removeprefix("localhost")
    if not path.startswith("/") or "?" in path or "#" in path:
        raise UsageError(
            "That is not the address of a folder on this machine.",
            "Write file:///FOLDER with three slashes, a question mark as %3F and a # as %23.",
        )
    name = os.fsdecode(unquote_to_bytes(os.fsencode(path)))
    if "\0" in name:
        raise UsageError("That path is not one that a folder can have.", _FORMS)
    # POSIX leaves two leading slashes to the system; here they mean one.
    return BucketAddress(scheme="file", bucket="", prefix="/" + os.path.normpath(name).lstrip("/"))
