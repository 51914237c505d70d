"""A bucket is read with its holder's credentials from the environment, and never as nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from s3_server import S3Server, clear_environment, prove

from likeness.errors import NotAuthorised
from likeness.sources.bucket.address import bucket_address
from likeness.sources.bucket.credentials import require_credentials
from likeness.sources.bucket.source import BucketSource

_AWS = {"AWS_ACCESS_KEY_ID": "AKIDSECRET", "AWS_SECRET_ACCESS_KEY": "WORDSECRET"}
_AZURE = {"AZURE_STORAGE_ACCOUNT_NAME": "holder", "AZURE_STORAGE_ACCOUNT_KEY": "WORDSECRET"}


@pytest.mark.parametrize(
    ("address", "environ"),
    [
        ("s3://photos", _AWS),
        ("s3://photos", {"AWS_WEB_IDENTITY_TOKEN_FILE": "/token"}),
        ("s3://photos", {"AWS_METADATA_ENDPOINT": "http://169.254.169.254"}),
        ("s3://photos", {**_AWS, "AWS_SKIP_SIGNATURE": "false"}),
        ("s3://photos", {**_AWS, "AZURE_SKIP_SIGNATURE": "true"}),
        ("gs://photos", {"GOOGLE_BEARER_TOKEN": "WORDSECRET"}),
        ("gs://photos", {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"client_email": "a@example.org"}'}),
        ("gs://photos", {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"disable_oauth": false}'}),
        ("gs://photos", {"GOOGLE_APPLICATION_CREDENTIALS": "/is/not/there.json"}),
        ("az://photos", _AZURE),
        ("az://photos", {"AZURE_STORAGE_ACCOUNT_NAME": "holder", "AZURE_CLIENT_SECRET": "W"}),
        ("file:///photos", {}),
    ],
)
def test_the_holders_credentials_are_taken(address: str, environ: dict[str, str]) -> None:
    require_credentials(bucket_address(address), environ)


@pytest.mark.parametrize(
    ("address", "environ"),
    [
        ("s3://photos", {}),
        ("s3://photos", {"AWS_ACCESS_KEY_ID": "AKIDSECRET"}),
        ("s3://photos", {**_AWS, "AWS_ACCESS_KEY_ID": ""}),
        ("s3://photos", {**_AWS, "AWS_SECRET_ACCESS_KEY": " "}),
        ("s3://photos", {**_AWS, "AWS_SKIP_SIGNATURE": "true"}),
        ("s3://photos", {**_AWS, "AWS_skip_Signature": "TRUE"}),
        ("s3://photos", {**_AWS, "AWS_SKIP_SIGNATURE": "perhaps"}),
        ("s3://photos", {**_AWS, "AWS_SKIP_SIGNATURE": "no", "AWS_Skip_Signature": "yes"}),
        ("s3://photos", _AZURE),
        ("gs://photos", {}),
        ("gs://photos", {"GOOGLE_BEARER_TOKEN": ""}),
        ("gs://photos", {"GOOGLE_BEARER_TOKEN": "WORDSECRET", "GOOGLE_SKIP_SIGNATURE": "1"}),
        ("gs://photos", {"GOOGLE_SERVICE_ACCOUNT_KEY": '{"disable_oauth": true}'}),
        ("az://photos", {"AZURE_STORAGE_ACCOUNT_NAME": "holder"}),
        ("az://photos", {"AZURE_STORAGE_ACCOUNT_KEY": "WORDSECRET"}),
        ("az://photos", {**_AZURE, "AZURE_SKIP_SIGNATURE": "on"}),
    ],
)
def test_reading_as_nobody_is_refused_in_words_without_what_is_secret(
    address: str, environ: dict[str, str]
) -> None:
    with pytest.raises(NotAuthorised) as raised:
        require_credentials(bucket_address(address), environ)
    assert raised.value.fix
    assert "SECRET" not in str(raised.value).replace("AWS_SECRET_ACCESS_KEY", "")


def test_a_google_key_file_that_turns_signing_off_is_refused(tmp_path: Path) -> None:
    key = tmp_path / "key.json"
    key.write_text(json.dumps({"gcs_base_url": "https://localhost", "disable_oauth": True}))
    for name in ("SERVICE_ACCOUNT", "SERVICE_ACCOUNT_PATH", "APPLICATION_CREDENTIALS"):
        with pytest.raises(NotAuthorised, match="disable_oauth"):
            require_credentials(bucket_address("gs://photos"), {f"GOOGLE_{name}": str(key)})


def test_a_key_nested_without_end_is_no_reason_to_crash() -> None:
    environ = {"GOOGLE_SERVICE_ACCOUNT_KEY": "[" * 100_000}
    require_credentials(bucket_address("gs://photos"), environ)


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_without_credentials_nothing_is_asked_of_the_server(
    server: S3Server, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    name = server.bucket({"a.jpg": b"a"})
    clear_environment(monkeypatch)
    with pytest.raises(NotAuthorised):
        BucketSource(f"{scheme}://{name}", prove=prove)
    assert server.asked == []


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_every_request_is_signed(server: S3Server, scheme: str) -> None:
    name = server.bucket({"a.jpg": b"a", "b.mp4": b"b"})
    for entry in BucketSource(f"{scheme}://{name}", prove=prove).entries():
        getattr(entry, "read", lambda limit: None)(10)
        getattr(entry, "open", lambda: None)()
    assert len(server.asked) == 4
    assert all(each.headers.get("authorization") for each in server.asked)
    assert {each.method for each in server.asked} == {"GET"}
