"""Opening the store behind an address: credentials of the environment, bounded waiting, TLS."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from likeness.errors import LikenessError
from likeness.sources.bucket.address import BucketAddress
from likeness.sources.bucket.credentials import allows_http, require_credentials
from likeness.sources.bucket.problems import no_client, source_problem

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig


def raised() -> tuple[type[BaseException], ...]:
    """What obstore raises, for an ``except`` clause."""
    from obstore.exceptions import BaseError

    # A panic in obstore, such as over an endpoint that is no address, is no Exception. Its type is
    # made when the first one comes, which is before this is asked.
    panics = [kind for kind in BaseException.__subclasses__() if kind.__name__ == "PanicException"]
    return (BaseError, OSError, ValueError, *panics)


def open_store(address: BucketAddress) -> ObjectStore:
    """Open the store behind an address; nothing is asked of it yet.

    Raises
    ------
    NotAuthorised
        If the environment gives no credentials, or asks for requests without any.
    UsageError
        If the client for buckets is not installed.
    SourceUnreadable
        If the environment says what the client cannot use.
    """
    require_credentials(address, os.environ)
    try:
        from obstore import store as stores
    except ImportError as error:
        raise no_client() from error
    problem: LikenessError
    try:
        if not address.remote:
            return stores.LocalStore(address.prefix)
        options: dict[str, Any] = {
            "client_options": _client(address),
            "retry_config": _retries(),
            # Said again here, so that no other spelling in the environment turns signing off.
            "skip_signature": False,
        }
        if address.scheme == "s3":
            return stores.S3Store(address.bucket, **options)
        if address.scheme == "gs":
            return stores.GCSStore(address.bucket, **options)
        return stores.AzureStore(address.bucket, **options)
    except raised() as error:
        problem = source_problem(address, error)
    raise problem


def _client(address: BucketAddress) -> ClientConfig:
    # These replace what the environment says of the client: certificates are always checked.
    return {
        "allow_http": allows_http(address, os.environ),
        "connect_timeout": timedelta(seconds=10),
        "read_timeout": timedelta(seconds=30),
        "timeout": timedelta(minutes=5),
        "user_agent": "likeness",
    }


def _retries() -> RetryConfig:
    return {
        "max_retries": 3,
        "retry_timeout": timedelta(minutes=1),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=5),
            "base": 2,
        },
    }
