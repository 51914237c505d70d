"""IIIF manifests and collections of both versions, as they are and as they should not be."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iiif_documents import (
    RIGHTS,
    Picture,
    collection_2,
    collection_3,
    manifest_2,
    manifest_3,
)

from likeness.errors import SourceUnreadable
from likeness.sources.links import address_problem
from likeness.sources.website.iiif import Collection, Manifest, read_iiif
from likeness.sources.website.iiif_images import image_url
from likeness.sources.website.iiif_values import MAX_DOCUMENT_BYTES, words_of

_SITE = "https://museum.example"
_URL = f"{_SITE}/manifest.json"
_both = pytest.mark.parametrize("make", [manifest_2, manifest_3])


def _manifest(content: bytes | object) -> Manifest:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    read = read_iiif(body, url=_URL)
    assert isinstance(read, Manifest)
    return read


def _collection(body: bytes) -> Collection:
    read = read_iiif(body, url=f"{_SITE}/collection.json")
    assert isinstance(read, Collection)
    return read


@_both
def test_a_manifest_tells_its_images_with_words_date_rights_and_page(
    make: Callable[..., bytes],
) -> None:
    pictures = [Picture(name="a", label="p. 1"), Picture(name="b", label="The fair", level=None)]
    page = "https://museum.example/objects/1"
    read = _manifest(make(_SITE, pictures, homepage=page, date="1931-05-01T00:00:00Z"))
    assert (read.id, read.label, read.page_url) == (_URL, "The fair", page)
    assert (read.rights, read.required_statement) == (RIGHTS, "Credit: The club")
    first, second = read.images
    assert first.url == f"{_SITE}/images/a/full/!2000,2000/0/default.jpg"
    assert second.url == f"{_SITE}/images/b.jpg"
    assert (first.text, second.text) == ("The fair · p. 1", "The fair")
    for image in read.images:
        assert image.page_url == page
        assert image.taken_at == datetime(1931, 5, 1, tzinfo=UTC)
        assert image.rights == f"{RIGHTS} · Credit: The club"


@_both
def test_a_manifest_without_a_page_is_its_own(make: Callable[..., bytes]) -> None:
    read = _manifest(make(_SITE, [Picture(name="a")]))
    assert read.page_url == read.images[0].page_url == _URL
    assert read.images[0].taken_at is None


@given(
    pictures=st.lists(
        st.builds(
            Picture,
            name=st.from_regex(r"\A[a-z0-9%.-]{1,8}\Z"),
            label=st.text(max_size=10),
            width=st.integers(1, 20_000),
            height=st.integers(1, 20_000),
            level=st.sampled_from([None, 0, 1, 2]),
        ),
        max_size=6,
        unique_by=lambda picture: picture.name,
    )
)
def test_both_versions_tell_the_same_photos_each_once(pictures: list[Picture]) -> None:
    two, three = (_manifest(make(_SITE, pictures)) for make in (manifest_2, manifest_3))
    assert len(two.images) + two.left_out == len(pictures)
    assert [image.text for image in two.images] == [image.text for image in three.images]
    assert [image.url.replace("/full/full/", "/full/max/") for image in two.images] == [
        image.url for image in three.images
    ]


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (collection_3(_SITE, ["/1", "/2", "/1"], ["/c"]), 0),
        (collection_2(_SITE, ["/1", "/2", "/1"], ["/c"]), 0),
        (collection_2(_SITE, ["/1", "/2", "/1"], ["/c"], members=True), 0),
        (collection_2(_SITE, ["/1", "javascript:x", "/2"], ["", "/c"]), 2),
    ],
)
def test_a_collection_tells_its_members_each_once(read: bytes, expected: int) -> None:
    found = _collection(read)
    assert found.label == "All fairs"
    assert found.manifests == (f"{_SITE}/1", f"{_SITE}/2")
    assert found.collections == (f"{_SITE}/c",)
    assert found.left_out == expected


def test_a_collection_may_name_itself_and_its_pages() -> None:
    own = f"{_SITE}/collection.json"
    document = {"@id": own, "@type": "sc:Collection", "first": "/p1", "collections": [{"@id": own}]}
    assert _collection(json.dumps(document).encode()).collections == (own, f"{_SITE}/p1")


def _service(**fields: object) -> dict[str, object]:
    return {"id": f"{_SITE}/i/a", "type": "ImageService3", "profile": "level2", **fields}


@pytest.mark.parametrize(
    ("service", "size", "expected"),
    [
        (_service(), (3000, 2000), "/full/!2000,2000/0/default.jpg"),
        (_service(), (2000, 1500), "/full/max/0/default.jpg"),
        (_service(), (None, None), "/full/!2000,2000/0/default.jpg"),
        (_service(maxWidth=1000), (3000, 2000), "/full/!1000,1000/0/default.jpg"),
        (_service(maxWidth=1500, maxHeight=1000), (3000, 2000), "/full/!1500,1000/0/default.jpg"),
        (_service(maxArea=1_000_000), (3000, 2000), "/full/!1000,1000/0/default.jpg"),
        (_service(profile="level1"), (4000, 1000), "/full/2000,/0/default.jpg"),
        (_service(profile="level1"), (1000, 4000), "/full/500,/0/default.jpg"),
        (_service(profile="level1"), (1, 20_000), "/full/1,/0/default.jpg"),
        (_service(profile="level1"), (None, None), "/full/max/0/default.jpg"),
        (
            _service(width=4000, height=1000, profile="level1"),
            (None, None),
            "/full/2000,/0/default.jpg",
        ),
        (_service(profile="level0"), (3000, 2000), None),
        (_service(profile="unheard of"), (3000, 2000), None),
        (
            _service(width="wide", maxWidth=-1, maxArea=1e999),
            (3000, 2000),
            "/full/!2000,2000/0/default.jpg",
        ),
        (
            {
                "@id": f"{_SITE}/i/a/",
                "@type": "ImageService2",
                "profile": "http://iiif.io/api/image/2/level1.json",
            },
            (3000, 2000),
            "/full/2000,/0/default.jpg",
        ),
        (
            {
                "@context": "http://iiif.io/api/image/2/context.json",
                "@id": f"{_SITE}/i/a/info.json",
                "profile": ["http://iiif.io/api/image/2/level2.json", {"maxWidth": 800}],
            },
            (700, 600),
            "/full/max/0/default.jpg",
        ),
        (
            {
                "@context": "http://iiif.io/api/image/2/context.json",
                "@id": f"{_SITE}/i/a",
                "profile": "http://iiif.io/api/image/2/level2.json",
            },
            (700, 600),
            "/full/full/0/default.jpg",
        ),
        (
            {
                "@id": f"{_SITE}/i/a",
                "profile": "http://library.stanford.edu/iiif/image-api/1.1/compliance.html#level2",
            },
            (3000, 2000),
            "/full/!2000,2000/0/native.jpg",
        ),
        ({"@id": f"{_SITE}/search", "profile": "http://iiif.io/api/search/1/search"}, (9, 9), None),
        (_service(id="javascript:x"), (3000, 2000), None),
        (_service(id=f"{_SITE}/i?a=b"), (3000, 2000), None),
        (_service(id=7), (3000, 2000), None),
        ("a string", (3000, 2000), None),
    ],
)
def test_the_image_is_asked_for_by_a_way_that_its_service_offers(
    service: object, size: tuple[int | None, int | None], expected: str | None
) -> None:
    own = f"{_SITE}/files/a.jpg"
    for given_as in (service, [service], [{"id": "x", "type": "Other"}, service]):
        resource = {"id": own, "width": size[0], "height": size[1], "service": given_as}
        assert image_url(resource, _URL) == (f"{_SITE}/i/a{expected}" if expected else own)


def test_a_service_alone_gives_the_image_even_at_the_lowest_level() -> None:
    resource = {"type": "Image", "service": [_service(profile="level0")]}
    assert image_url(resource, _URL) == f"{_SITE}/i/a/full/max/0/default.jpg"
    assert image_url({}, _URL) == ""


def _canvas(body: object) -> dict[str, object]:
    page = {"type": "AnnotationPage", "items": [{"type": "Annotation", "body": body}]}
    return {"id": "/c", "type": "Canvas", "items": [page]}


def _three(*canvases: object, **fields: object) -> dict[str, object]:
    return {"type": "Manifest", "id": _URL, "items": list(canvases), **fields}


@pytest.mark.parametrize(
    ("body", "urls"),
    [
        ({"id": "/a.jpg", "type": "Image"}, ["/a.jpg"]),
        (
            [{"id": "/a.jpg", "type": "Image"}, {"id": "/b.jpg", "type": "Image"}],
            ["/a.jpg", "/b.jpg"],
        ),
        (
            {"type": "Choice", "items": [{"id": "/a.jpg", "type": "Image"}, {"id": "/b.jpg"}]},
            ["/a.jpg"],
        ),
        ({"type": "SpecificResource", "source": {"id": "/a.jpg", "type": "Image"}}, ["/a.jpg"]),
        (
            {"@type": "oa:Choice", "default": {"@id": "/a.jpg", "@type": "dctypes:Image"}},
            ["/a.jpg"],
        ),
        ({"id": "/a.mp4", "type": "Video"}, []),
        ({"id": "/a.jpg", "type": ["Image"]}, ["/a.jpg"]),
        ({"id": "https://user@x.example/a.jpg", "type": "Image"}, []),
        ({"id": 3, "type": "Image"}, []),
        ({"id": "/a.jpg", "type": 3}, ["/a.jpg"]),
    ],
)
def test_what_is_painted_is_found_and_the_rest_is_counted(body: object, urls: list[str]) -> None:
    read = _manifest(_three(_canvas(body)))
    assert [image.url for image in read.images] == [f"{_SITE}{url}" for url in urls]
    assert read.left_out == (0 if urls else 1)


def test_annotations_that_stand_elsewhere_are_counted() -> None:
    canvas = {"type": "Canvas", "items": [{"id": "/page", "type": "AnnotationPage"}]}
    assert _manifest(_three(canvas)).left_out == 1


def test_a_canvas_may_have_a_page_date_and_rights_of_its_own() -> None:
    canvas = _canvas({"id": "/a.jpg", "type": "Image"}) | {
        "homepage": {"id": "https://museum.example/photo/1"},
        "navDate": "1944-06-06T06:30:00Z",
        "rights": "http://creativecommons.org/licenses/by/4.0/",
    }
    (image,) = _manifest(_three(canvas, rights=RIGHTS, navDate="2000-01-01T00:00:00Z")).images
    assert image.page_url == "https://museum.example/photo/1"
    assert image.taken_at == datetime(1944, 6, 6, 6, 30, tzinfo=UTC)
    assert image.rights == "http://creativecommons.org/licenses/by/4.0/"


def test_a_page_in_html_comes_before_other_files_about_an_object() -> None:
    related = [
        {"@id": "/data.json", "format": "application/json"},
        {"@id": "/p", "format": "text/html"},
    ]
    assert _manifest(_three(related=related)).page_url == f"{_SITE}/p"
    assert _manifest(_three(related="/q")).page_url == f"{_SITE}/q"
    assert _manifest(_three(homepage=[{"id": "javascript:x"}])).page_url == _URL


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ({"en": ["English"], "de": ["Deutsch"]}, "English"),
        ({"de": ["Deutsch"], "en-GB": ["British"]}, "British"),
        ({"de": ["Eins", "Zwei"]}, "Eins · Zwei"),
        ({"de": ["Deutsch"], "none": ["without"]}, "without"),
        (
            [{"@value": "Deutsch", "@language": "de"}, {"@value": "English", "@language": "en"}],
            "English",
        ),
        ({"@value": "one"}, "one"),
        (["a", "b"], "a · b"),
        ("<p>Tom &amp; <b>Ann</b></p>", "Tom & Ann"),
        ({"en": "not a list"}, "not a list"),
        ({"en": [3, None]}, ""),
        ({}, ""),
        (None, ""),
        (7, ""),
        ("x\u202ey\n z", "xy  z"),
        ("y" * 100_000, "y" * 2000),
    ],
)
def test_words_are_read_in_every_way_that_they_are_written(value: object, expected: str) -> None:
    assert words_of(value) == expected


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b"<html>", "not JSON"),
        (b"\xff\xff", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'"x"', "not a JSON object"),
        (b'{"type": "Manifest", "x": NaN}', "not JSON"),
        (b'{"type": "Manifest", "x": -Infinity}', "not JSON"),
        (b'{"type": "Manifest", "x": ' + b"9" * 10_000 + b"}", "not JSON"),
        (b'{"type": "Manifest", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too deeply"),
        (b'{"x": [' + b"{}," * 600_000 + b"1]}", "parts"),
        (b" " * (MAX_DOCUMENT_BYTES + 1), "longer"),
        (b"{}", "neither a manifest nor a collection"),
        (b'{"type": "Canvas"}', "neither a manifest nor a collection"),
        (b'{"type": {"a": "Manifest"}}', "neither a manifest nor a collection"),
        (b'{"@type": "sc:Range"}', "neither a manifest nor a collection"),
    ],
    ids=range(15),
)
def test_what_is_no_manifest_is_told(body: bytes, why: str) -> None:
    with pytest.raises(SourceUnreadable, match=why):
        read_iiif(body, url=_URL)


def test_images_and_members_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("likeness.sources.website.iiif.MOST_IMAGES", 3)
    monkeypatch.setattr("likeness.sources.website.iiif.MOST_MEMBERS", 3)
    read = _manifest(manifest_3(_SITE, [Picture(name=f"{number}") for number in range(5)]))
    assert (len(read.images), read.left_out) == (3, 2)
    members = _collection(collection_3(_SITE, [f"/{number}" for number in range(5)]))
    assert (len(members.manifests), members.left_out) == (3, 2)


_KEYS = (
    "type @type id @id items body service sequences canvases images resource label rights license "
    "homepage related requiredStatement attribution navDate profile width maxWidth members "
    "manifests default source first @value @language en none format value @context"
)
_WORDS = (
    "Manifest sc:Manifest Collection Canvas AnnotationPage Annotation Image Choice ImageService3 "
    "level2 https://x.example/a javascript:x http://iiif.io/api/image/2/level1.json 2020-01-01 "
    "https://[ //"
)
_json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.sampled_from(_WORDS.split()),
        st.text(max_size=5),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(sorted(set(_KEYS.split()))), inner, max_size=6),
    ),
    max_leaves=40,
)


@given(
    kind=st.sampled_from(["Manifest", "sc:Manifest", "Collection", "sc:Collection"]),
    fields=st.dictionaries(st.sampled_from(sorted(set(_KEYS.split()))), _json, max_size=8),
)
def test_wrong_types_anywhere_are_passed_over(kind: str, fields: dict[str, object]) -> None:
    document = {**fields, "type": kind}
    read = read_iiif(json.dumps(document).encode(), url=_URL)
    if isinstance(read, Manifest):
        addresses = [read.id, read.page_url, *(image.url for image in read.images)]
        addresses += [image.page_url for image in read.images]
    else:
        addresses = [read.id, *read.manifests, *read.collections]
    assert [address for address in addresses if address_problem(address)] == []


@given(st.binary(max_size=200))
def test_whatever_the_bytes_they_are_read_or_told(body: bytes) -> None:
    try:
        read_iiif(body, url=_URL)
    except SourceUnreadable as error:
        assert error.fix
