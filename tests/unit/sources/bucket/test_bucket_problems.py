"""What is wrong with a bucket is told by its name and with a way on, and without secrets."""

from __future__ import annotations

import socket

import pytest
from s3_server import PROOF_KEY, S3Server, prove

from likeness.errors import SourceUnreadable
from likeness.sources.base import SourceEntry
from likeness.sources.bucket.source import BucketSource

_SECRETS = ("AKIDOFTHISTEST", "of-this-test", "127.0.0.1", "Signature", "X-Amz", "RequestId")


def _problem(address: str) -> str:
    with pytest.raises(SourceUnreadable) as raised:
        list(BucketSource(address, prove=prove).entries())
    error = raised.value
    assert address.split("/", 3)[2] in error.what
    assert error.fix
    assert not [word for word in _SECRETS if word in str(error)]
    assert error.__cause__ is None and error.__context__ is None
    return error.what


def _error(code: str) -> bytes:
    return (
        f"<Error><Code>{code}</Code><Message>AKIDOFTHISTEST</Message>"
        "<Signature>secret-of-this-test</Signature></Error>"
    ).encode()


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_bucket_that_is_not_there(server: S3Server, scheme: str) -> None:
    assert "no bucket" in _problem(f"{scheme}://is-not-there")


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (403, "InvalidAccessKeyId", "credentials"),
        (403, "SignatureDoesNotMatch", "credentials"),
        (403, "AccessDenied", "credentials"),
        (400, "ExpiredToken", "credentials"),
        (401, "Unauthorized", "credentials"),
        (400, "AuthorizationHeaderMalformed", "another region"),
        (301, "PermanentRedirect", "another region"),
        (404, "NoSuchBucket", "no bucket"),
        (400, "InvalidRequest", "cannot be listed"),
        (500, "InternalError", "cannot be listed"),
    ],
)
def test_what_the_store_says_of_the_bucket(
    server: S3Server, status: int, code: str, words: str
) -> None:
    name = server.bucket({"a.jpg": b"a"})
    server.answer = lambda asked: (status, {}, _error(code)) if asked.lists else None
    assert words in _problem(f"s3://{name}/2024")
    server.answer = lambda asked: (status, {}, _error(code))
    assert words in _problem(f"s3://{name}/2024")


def test_an_answer_that_is_no_listing(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"})
    server.answer = lambda asked: (200, {}, b"<html>sign in</p>") if asked.lists else None
    assert "cannot be listed" in _problem(f"s3://{name}")


def test_a_bucket_that_goes_while_it_is_listed_does_not_look_empty(server: S3Server) -> None:
    name = server.bucket({f"{number:04}.jpg": b"a" for number in range(1001)})
    entries = BucketSource(f"s3://{name}", prove=prove).entries()
    assert isinstance(next(entries), SourceEntry)
    server.drop(name)
    with pytest.raises(SourceUnreadable, match="no bucket"):
        list(entries)


def test_an_endpoint_that_does_not_answer(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert "Nothing answers" in _problem("s3://photos")


def test_an_endpoint_without_tls_is_asked_only_where_the_environment_allows_it(
    server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = server.bucket({"a.jpg": b"a"})
    for value in ("false", "perhaps"):
        monkeypatch.setenv("AWS_ALLOW_HTTP", value)
        assert "without TLS" in _problem(f"s3://{name}")
    monkeypatch.delenv("AWS_ALLOW_HTTP")
    assert "without TLS" in _problem(f"s3://{name}")
    assert server.asked == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("AWS_REGION", "\n"), ("AWS_ENDPOINT_URL", "no address"), ("AWS_ACCESS_KEY_ID", "AKID\n")],
)
def test_an_environment_that_cannot_be_used(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    _problem("s3://photos")


def test_a_proof_that_may_not_be_read_is_a_matter_of_credentials(server: S3Server) -> None:
    name = server.bucket({"a.jpg": b"a"})
    server.answer = lambda asked: (
        (403, {}, _error("AccessDenied")) if asked.path.endswith(PROOF_KEY) else None
    )
    assert "credentials" in _problem(f"s3://{name}")
    assert server.listings() == []
