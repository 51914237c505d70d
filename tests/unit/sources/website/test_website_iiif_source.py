"""IIIF manifests and collections as a source."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from site_house import HOST, KeptInMemory, SiteHouse, photos_of, site_house, skipped_of
from site_server import photo_bytes

from likeness.errors import BadInput, NotAuthorised

IMAGES = "images.example.org"
STRANGER = "stranger.example.org"
COLLECTION = f"https://{HOST}/iiif/collection.json"
ZERO = "https://creativecommons.org/publicdomain/zero/1.0/"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SiteHouse]:
    with site_house(tmp_path, HOST, IMAGES, STRANGER) as house:
        yield house


def _document(house: SiteHouse, path: str, content: dict[str, Any], **headers: str) -> None:
    house.server.put(HOST, path, json.dumps(content), kind="application/json", headers=headers)


def _manifest(*images: str, name: str = "Album") -> dict[str, Any]:
    return {
        "@context": "http://iiif.io/api/presentation/3/context.json",
        "id": f"https://{HOST}/iiif/{name}.json",
        "type": "Manifest",
        "label": {"en": [name]},
        "rights": ZERO,
        "homepage": [{"id": "https://museum.example/objects/1", "format": "text/html"}],
        "items": [
            {
                "type": "Canvas",
                "id": f"https://{HOST}/canvas/{number}",
                "navDate": "1911-05-01T00:00:00Z",
                "items": [
                    {
                        "type": "AnnotationPage",
                        "items": [
                            {
                                "type": "Annotation",
                                "motivation": "painting",
                                "body": {"id": image, "type": "Image", "format": "image/jpeg"},
                            }
                        ],
                    }
                ],
            }
            for number, image in enumerate(images)
        ],
    }


def _collection(house: SiteHouse, **headers: str) -> None:
    members = [
        {"id": f"https://{HOST}/iiif/Album.json", "type": "Manifest"},
        {"id": "https://other.example.org/m.json", "type": "Manifest"},
        {"id": COLLECTION, "type": "Collection"},
        {"id": f"https://{HOST}/iiif/broken.json", "type": "Manifest"},
    ]
    _document(
        house,
        "/iiif/collection.json",
        {
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "id": COLLECTION,
            "type": "Collection",
            "label": {"en": ["All"]},
            "items": members,
        },
        **headers,
    )


def _archive(house: SiteHouse) -> None:
    _collection(house, ETag='"all"')
    images = (f"https://{HOST}/own.jpg", f"https://{IMAGES}/far.jpg", f"https://{STRANGER}/x.jpg")
    _document(house, "/iiif/Album.json", _manifest(*images), ETag='"album"')
    house.server.put(HOST, "/iiif/broken.json", "{", kind="application/json")
    house.server.put(HOST, "/own.jpg", photo_bytes(1), headers={"ETag": '"own"'})
    house.server.put(IMAGES, "/far.jpg", photo_bytes(2), headers={"ETag": '"far"'})
    house.server.put(STRANGER, "/x.jpg", photo_bytes(3))


def test_a_collection_gives_the_images_of_hosts_with_a_proof(house: SiteHouse) -> None:
    _archive(house)
    source = house.iiif(COLLECTION, HOST, IMAGES)
    assert (source.kind, source.address) == ("iiif", COLLECTION)
    entries = list(source.entries())
    photos = photos_of(entries)
    assert set(photos) == {"/own.jpg", f"//{IMAGES}/far.jpg"}
    link = photos[f"//{IMAGES}/far.jpg"].link(None)
    assert (link.page_url, link.media_url) == (
        "https://museum.example/objects/1",
        f"https://{IMAGES}/far.jpg",
    )
    assert (link.link_from, link.confidence, link.rights) == ("iiif", "exact", ZERO)
    assert link.taken_at is not None and link.taken_at.year == 1911
    assert "Album" in link.text
    told = skipped_of(entries)
    assert told[f"//{STRANGER}/x.jpg"].reason == "on another host"
    assert told["//other.example.org/m.json"].reason == "on another host"
    assert "/iiif/broken.json" in told
    assert house.server.paths(STRANGER) == []
    assert not source.whole


def test_documents_and_images_that_did_not_change_do_not_come_again(house: SiteHouse) -> None:
    _archive(house)
    memory = KeptInMemory()
    first = photos_of(list(house.iiif(COLLECTION, HOST, IMAGES, memory=memory).entries()))
    for entry in first.values():
        entry.read(100_000)
    again = photos_of(list(house.iiif(COLLECTION, HOST, IMAGES, memory=memory).entries()))
    assert {item: entry.link_mark for item, entry in again.items()} == {
        item: entry.link_mark for item, entry in first.items()
    }
    conditional = [each.path for each in house.server.asked if "If-None-Match" in each.headers]
    assert sorted(conditional) == [
        "/far.jpg",
        "/iiif/Album.json",
        "/iiif/collection.json",
        "/own.jpg",
    ]


def test_one_manifest_is_a_source_of_its_own(house: SiteHouse) -> None:
    _document(house, "/iiif/Album.json", _manifest(f"https://{HOST}/own.jpg"))
    house.server.put(HOST, "/own.jpg", photo_bytes(1))
    source = house.iiif(f"https://{HOST}/iiif/Album.json", HOST)
    assert list(photos_of(list(source.entries()))) == ["/own.jpg"]
    assert source.whole


def test_a_manifest_needs_a_proof_for_its_own_host(house: SiteHouse) -> None:
    with pytest.raises(NotAuthorised):
        house.iiif(COLLECTION, IMAGES)
    for wrong in ("manifest.json", "https://127.0.0.1/m.json", f"https://{HOST}:81/m.json", ""):
        with pytest.raises(BadInput):
            house.iiif(wrong, HOST)
    assert house.server.asked == []
