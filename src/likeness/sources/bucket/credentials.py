"""Whose access a bucket is read with: its holder's, from the environment, and never nobody's.

The names are those that obstore reads: the prefix as written, the rest in any case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from likeness.errors import NotAuthorised
from likeness.sources.bucket.address import BucketAddress, Scheme

_NO = frozenset({"", "0", "false", "off", "no", "n"})
_YES = frozenset({"1", "true", "on", "yes", "y"})
_LARGEST_KEY_FILE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class _Names:
    """Of one store: the prefix of its variables, and the sets of which one has to be there."""

    prefix: str
    any_of: tuple[tuple[str, ...], ...]
    also: tuple[str, ...]
    key_files: tuple[str, ...]
    key_texts: tuple[str, ...]
    fix: str


_STORES: MappingProxyType[Scheme, _Names] = MappingProxyType(
    {
        "s3": _Names(
            prefix="AWS_",
            any_of=(
                ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"),
                ("WEB_IDENTITY_TOKEN_FILE",),
                ("CONTAINER_CREDENTIALS_RELATIVE_URI",),
                ("CONTAINER_CREDENTIALS_FULL_URI",),
                # An instance's own role is asked for only where the environment says that this is
                # such an instance; elsewhere the question would go to whoever has that address.
                ("METADATA_ENDPOINT",),
            ),
            also=(),
            key_files=(),
            key_texts=(),
            fix="Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to those of the bucket's holder.",
        ),
        "gs": _Names(
            prefix="GOOGLE_",
            any_of=(
                ("SERVICE_ACCOUNT",),
                ("SERVICE_ACCOUNT_PATH",),
                ("SERVICE_ACCOUNT_KEY",),
                ("APPLICATION_CREDENTIALS",),
                ("BEARER_TOKEN",),
            ),
            also=(),
            key_files=("SERVICE_ACCOUNT", "SERVICE_ACCOUNT_PATH", "APPLICATION_CREDENTIALS"),
            key_texts=("SERVICE_ACCOUNT_KEY",),
            fix="Set GOOGLE_APPLICATION_CREDENTIALS to the key file of the bucket's holder.",
        ),
        "az": _Names(
            prefix="AZURE_",
            any_of=(
                ("STORAGE_ACCOUNT_KEY",),
                ("STORAGE_ACCESS_KEY",),
                ("STORAGE_MASTER_KEY",),
                ("STORAGE_SAS_KEY",),
                ("STORAGE_SAS_TOKEN",),
                ("STORAGE_TOKEN",),
                ("STORAGE_CLIENT_SECRET",),
                ("CLIENT_SECRET",),
                ("FEDERATED_TOKEN_FILE",),
                ("MSI_ENDPOINT",),
                ("IDENTITY_ENDPOINT",),
                ("USE_AZURE_CLI",),
            ),
            also=("STORAGE_ACCOUNT_NAME",),
            key_files=(),
            key_texts=(),
            fix="Set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY to those of the "
            "container's holder.",
        ),
    }
)


def require_credentials(address: BucketAddress, environ: Mapping[str, str]) -> None:
    """Refuse to read a bucket as nobody. A local folder needs no credentials.

    Raises
    ------
    NotAuthorised
        If the environment holds no credentials for this kind of store, an empty one, or asks for
        requests without a signature. The message names variables, never what they hold.
    """
    if not address.remote:
        return
    names = _STORES[address.scheme]
    given = dict(_given(names, environ))
    if any(value not in _NO for value in _values(names, environ, "SKIP_SIGNATURE")):
        raise NotAuthorised(
            f"{names.prefix}SKIP_SIGNATURE asks for the bucket to be read as nobody in particular.",
            f"Unset it. {names.fix}",
        )
    wanted = {name for group in names.any_of for name in group}
    for name in sorted(wanted & set(given)):
        if not given[name].strip():
            raise NotAuthorised(
                f"{names.prefix}{name} is set and empty.", f"Unset it or fill it in. {names.fix}"
            )
    complete = any(all(name in given for name in group) for group in names.any_of)
    if not complete or any(not given.get(name, "").strip() for name in names.also):
        raise NotAuthorised(
            f"There are no credentials for {address.root} in the environment, and a bucket is read "
            "with those of its holder only.",
            names.fix,
        )
    if _key_without_signature(names, given):
        raise NotAuthorised(
            "The Google key turns signing off (disable_oauth), so that the bucket would be read as "
            "nobody in particular.",
            names.fix,
        )


def allows_http(address: BucketAddress, environ: Mapping[str, str]) -> bool:
    """Whether the environment allows a server without TLS, such as one on this machine."""
    names = _STORES[address.scheme]
    return any(value in _YES for value in _values(names, environ, "ALLOW_HTTP"))


def lists_unordered(environ: Mapping[str, str]) -> bool:
    """Whether the environment says that S3 buckets are directory buckets (S3 Express)."""
    return any(value in _YES for value in _values(_STORES["s3"], environ, "S3_EXPRESS"))


def _given(names: _Names, environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in environ.items():
        if name.startswith(names.prefix):
            yield name.removeprefix(names.prefix).upper(), value


def _values(names: _Names, environ: Mapping[str, str], wanted: str) -> list[str]:
    return [value.strip().lower() for name, value in _given(names, environ) if name == wanted]


def _key_without_signature(names: _Names, given: Mapping[str, str]) -> bool:
    """Whether a Google key says ``disable_oauth``, which obstore follows by not signing."""
    texts = [given[name] for name in names.key_texts if name in given]
    for name in names.key_files:
        if name in given:
            try:
                with open(given[name], "rb") as file:
                    texts.append(file.read(_LARGEST_KEY_FILE).decode("utf-8", "replace"))
            except (OSError, ValueError):  # the store says so itself when it is opened
                continue
    return any(_says_so(text) for text in texts)


def _says_so(text: str) -> bool:
    try:
        key = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(key, dict) and key.get("disable_oauth", False) is not False
