"""az:// against a small server that answers as Azure's documentation says (List Blobs, Get Blob).

Azure's own emulator is no Python package; what is held here is how names, pages, tags and
signatures go over the wire.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

import pytest
from s3_server import PROOF, PROOF_KEY, clear_environment, prove, serving

from likeness.errors import NotAuthorised, PhotoUnreadable, SourceUnreadable
from likeness.sources.base import SourceEntry, VideoEntry
from likeness.sources.bucket.source import BucketSource

_WHEN = "Wed, 21 Oct 2015 07:28:00 GMT"
_PAGE = 2


class _Container:
    """One container of one account."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        self.blobs = {PROOF_KEY: PROOF.encode(), **blobs}
        self.asked: list[tuple[str, bool, str]] = []

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        from werkzeug.wrappers import Request, Response

        request = Request(environ)
        signed = request.headers.get("Authorization", "").startswith("SharedKey holder:")
        wanted = request.headers.get("If-Match", "")
        self.asked.append((request.path, signed, wanted))
        container, _, name = request.path.removeprefix("/holder/").partition("/")
        if container != "photos":
            body = b"<Error><Code>ContainerNotFound</Code></Error>"
            return Response(body, 404)(environ, start)
        if request.args.get("comp") == "list":
            return Response(self._page(request.args))(environ, start)
        content = self.blobs.get(unquote(name))
        if content is None:
            return Response(b"<Error><Code>BlobNotFound</Code></Error>", 404)(environ, start)
        if wanted and wanted != f'"{_tag(content)}"':
            return Response(b"<Error><Code>ConditionNotMet</Code></Error>", 412)(environ, start)
        response = Response(content, headers={"ETag": f'"{_tag(content)}"', "Last-Modified": _WHEN})
        response.make_conditional(request, accept_ranges=True, complete_length=len(content))
        return response(environ, start)

    def _page(self, arguments: Any) -> str:
        prefix, start = arguments.get("prefix", ""), int(arguments.get("marker") or 0)
        names = sorted(name for name in self.blobs if name.startswith(prefix))
        blobs = "".join(
            f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{_WHEN}</Last-Modified>"
            f"<Content-Length>{len(self.blobs[name])}</Content-Length>"
            f"<Content-Type>image/jpeg</Content-Type>"
            f"<Etag>{_tag(self.blobs[name])}</Etag></Properties></Blob>"
            for name in names[start : start + _PAGE]
        )
        more = start + _PAGE if start + _PAGE < len(names) else ""
        return (
            f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults><Blobs>{blobs}</Blobs>'
            f"<NextMarker>{more}</NextMarker></EnumerationResults>"
        )


def _tag(content: bytes) -> str:
    # Azure writes tags without quotation marks in listings and with them in headers.
    return f"0x{hash(content) & 0xFFFFFFFF:X}"


@pytest.fixture
def container(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Container]:
    made = _Container({"2024/é 1%.jpg": b"one", "2024/film.mp4": b"film" * 10, "b.jpg": b"b"})
    with serving(made) as address:
        clear_environment(monkeypatch)
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "holder")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", base64.b64encode(b"key").decode())
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", f"{address}/holder")
        monkeypatch.setenv("AZURE_ALLOW_HTTP", "true")
        yield made


def test_photos_and_videos_are_listed_over_pages_and_read(container: _Container) -> None:
    source = BucketSource("az://photos", prove=prove)
    found = {entry.item: entry for entry in source.entries()}
    assert set(found) == {"2024/film.mp4", "2024/é 1%.jpg", "b.jpg"}
    photo, video = found["2024/é 1%.jpg"], found["2024/film.mp4"]
    assert isinstance(photo, SourceEntry)
    assert isinstance(video, VideoEntry)
    assert photo.read(10) == b"one"
    assert photo.link(None).page_url == "az://photos/2024/%C3%A9%201%25.jpg"
    with video.open() as stream:
        assert stream.read() == b"film" * 10
    assert container.asked[0][0].endswith(PROOF_KEY)
    assert all(signed for _, signed, _ in container.asked)
    assert all(tag.startswith('"0x') for _, _, tag in container.asked[-2:])


def test_a_folder_of_a_container_is_listed_alone(container: _Container) -> None:
    source = BucketSource("az://photos/2024", prove=prove)
    assert [entry.item for entry in source.entries()] == ["film.mp4", "é 1%.jpg"]


def test_a_photo_exchanged_or_deleted_after_listing_is_told(container: _Container) -> None:
    _, photo = BucketSource("az://photos/2024", prove=prove).entries()
    assert isinstance(photo, SourceEntry)
    container.blobs["2024/é 1%.jpg"] = b"two"
    with pytest.raises(PhotoUnreadable) as raised:
        photo.read(10)
    assert raised.value.reason == "changing"
    del container.blobs["2024/é 1%.jpg"]
    with pytest.raises(PhotoUnreadable) as raised:
        photo.read(10)
    assert raised.value.reason == "gone"


def test_without_a_proof_nothing_is_listed(container: _Container) -> None:
    del container.blobs[PROOF_KEY]
    with pytest.raises(NotAuthorised, match="likeness source authorise az://photos"):
        list(BucketSource("az://photos", prove=prove).entries())
    assert len(container.asked) == 1


def test_a_container_that_is_not_there_is_told(container: _Container) -> None:
    with pytest.raises(SourceUnreadable, match="no bucket az://others"):
        list(BucketSource("az://others", prove=prove).entries())


def test_a_name_that_no_address_can_hold_ends_a_listing_whose_order_is_not_promised(
    container: _Container,
) -> None:
    container.blobs["2024//1.jpg"] = b"1"
    with pytest.raises(SourceUnreadable, match="hides the others"):
        list(BucketSource("az://photos", prove=prove).entries())


def test_signing_cannot_be_turned_off(
    container: _Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_SKIP_SIGNATURE", "true")
    with pytest.raises(NotAuthorised, match="AZURE_SKIP_SIGNATURE"):
        BucketSource("az://photos", prove=prove)
    assert container.asked == []
