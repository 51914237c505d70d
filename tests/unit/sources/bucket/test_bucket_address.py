"""Addresses of buckets: what is read, in which one form it is kept, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.errors import UsageError
from likeness.sources.bucket.address import bucket_address, is_bucket_address

_part = st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1)
_bucket = st.from_regex(r"[a-z0-9][a-z0-9-]{1,40}[a-z0-9]", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "kept", "bucket", "prefix"),
    [
        ("s3://photos", "s3://photos", "photos", ""),
        ("s3://photos/", "s3://photos", "photos", ""),
        ("S3://photos/2024/", "s3://photos/2024", "photos", "2024"),
        ("gs://my_photos.example.org/a b/é", "gs://my_photos.example.org/a b/é",
         "my_photos.example.org", "a b/é"),
        ("az://photos/%41#1?", "az://photos/%41#1?", "photos", "%41#1?"),
        ("az://$web/a", "az://$web/a", "$web", "a"),
        ("file:///photos/a%20b/../c/", "file:///photos/c", "", "/photos/c"),
        ("file://localhost//photos", "file:///photos", "", "/photos"),
    ],
)  # fmt: skip
def test_an_address_is_kept_in_one_form(text: str, kept: str, bucket: str, prefix: str) -> None:
    address = bucket_address(text)
    assert (address.text, address.bucket, address.prefix) == (kept, bucket, prefix)
    assert bucket_address(address.text) == address


@given(scheme=st.sampled_from(["s3", "gs", "az"]), bucket=_bucket, parts=st.lists(_part))
def test_what_is_read_comes_back_and_anything_else_is_refused(
    scheme: str, bucket: str, parts: list[str]
) -> None:
    text = "/".join([f"{scheme}://{bucket}", *parts])
    try:
        address = bucket_address(text)
    except UsageError as error:
        assert error.fix
        return
    assert address.text == text
    assert bucket_address(address.text) == address
    assert address.root == f"{scheme}://{bucket}"


@given(path=st.binary(max_size=60).filter(lambda raw: b"\0" not in raw))
def test_a_local_folder_of_any_bytes_comes_back(path: bytes) -> None:
    place = Path(os.fsdecode(b"/" + path))
    address = bucket_address(place.as_uri())
    assert os.path.normpath(address.prefix) == address.prefix
    assert bucket_address(address.text) == address
    assert address.text.isascii()


@given(key=st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_the_address_of_an_object_is_percent_encoded_and_turns_back(key: str) -> None:
    uri = bucket_address("s3://photos/below").uri(key)
    assert uri.isascii()
    assert not set(uri) & set(' "<>\\^`{|}#?')
    assert unquote(urlsplit(uri).path, errors="strict") == f"/{key}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "photos",
        "s3:/photos",
        "s3://",
        "s3:///photos",
        "s3://a",
        "s3://a..b/c",
        "s3://pho tos/c",
        "s3://arn:aws:s3:eu-west-1:1234:accesspoint/x",
        "http://photos/c",
        "s3://photos//c",
        "s3://photos/c//",
        "s3://photos/./c",
        "s3://photos/c/..",
        "s3://photos/a\nb",
        "s3://photos/a\\b",
        "s3://photos/a\u202eb",
        "s3://photos/" + "é" * 600,
        "s3://photos/\ud800",
        "s3://photos/\udce9",
        "file:///photos/\ud800",
        "file://server/photos",
        "file:photos",
        "file:///a%00b",
        "file:///a?b",
    ],
)
def test_what_is_no_address_is_refused_with_a_way_on(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        bucket_address(text)
    assert raised.value.fix


def test_an_object_store_is_told_from_a_folder_and_a_site() -> None:
    meant = ["s3://photos", "GS://photos/a", "az://", "file:///a", "https://a.org", "s3:", ""]
    assert [is_bucket_address(text) for text in meant] == [True] * 3 + [False] * 4


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIDSECRET:WORDSECRET@photos/a",
        "az://photos/a?sv=2024&sig=WORDSECRET",
        "s3://photos/a.jpg?X-Amz-Signature=WORDSECRET",
    ],
)
def test_an_address_with_credentials_in_it_is_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(UsageError) as raised:
        bucket_address(text)
    assert "SECRET" not in str(raised.value)
