"""A library with an owner, an operator, a member and an enrolled person, behind a real server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile import Strangers, fillings
from promise_house import Clock, Place, enrol, make_photos, make_place
from synthetic_engine import SyntheticEngine
from web_server import Client, WebServer, serving

from likeness.faces.packs import load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library
from likeness.records.photo import ReadLimits


@pytest.fixture(scope="session")
def decoders() -> Iterator[DecodeWorkers]:
    with DecodeWorkers(2, limits=ReadLimits()) as workers:
        yield workers


@dataclass(frozen=True, kw_only=True)
class Site:
    """A server with somebody in every role."""

    server: WebServer
    library: Library
    clock: Clock
    person_id: str

    def client(self, role: str) -> Client:
        if role == "anyone":
            return self.server.client()
        if role == "person":
            return self.server.client(person_id=self.person_id)
        return self.server.client(role)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, decoders: DecodeWorkers) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    clock, engine = Clock(), SyntheticEngine(load_manifest("dlib"))
    place: Place = make_place(folder / "place", clock=clock, engine=engine, decoders=decoders)
    with place.open() as library:
        for role in ("operator", "member"):
            library.create_account(role, role=role)
        library.set_audience("party", add=("operator", "member"))
        library.ingest(_photos(folder), collection="party")
        person_id = enrol(library, "Anna Adler", 1, "find_me", "be_found")
        with serving(library) as server:
            yield Site(server=server, library=library, clock=clock, person_id=person_id)


@pytest.fixture(scope="module")
def strangers(site: Site) -> Iterator[Strangers]:
    """Whoever comes, each time from elsewhere."""
    with serving(site.library, proxies=("127.0.0.1",)) as server:
        yield Strangers(server=server, person_id=site.person_id)


@pytest.fixture(scope="module")
def there(site: Site) -> Mapping[str, str]:
    """Something that is there, for every part of an address."""
    return fillings(site.library, site.person_id)


def _photos(folder: Path) -> Path:
    return make_photos(folder / "photos", 6, seed=7)
