"""A website as a source: what a crawl finds, links back to, remembers and leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from site_house import (
    FAST,
    HOST,
    KeptInMemory,
    SiteHouse,
    photos_of,
    proof_of,
    site_house,
    skipped_of,
)
from site_server import photo_bytes

from likeness.errors import BadInput, LikenessError, NotAuthorised, PhotoUnreadable, SourceBlocked
from likeness.records.photo import EmbeddedMetadata
from likeness.sources.base import Entry
from likeness.sources.website.limits import CrawlLimits
from likeness.sources.website.proof import Proof

CHANGED = "Sat, 04 May 2024 10:00:00 GMT"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SiteHouse]:
    with site_house(tmp_path) as house:
        yield house


@pytest.fixture(scope="module")
def crawled(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SiteHouse, list[Entry], bool]]:
    """One crawl of a site with a bit of everything."""
    with site_house(tmp_path_factory.mktemp("site")) as house:
        server = house.server
        server.put(HOST, "/robots.txt", "Sitemap: /maps/all.xml\n", kind="text/plain")
        server.put(
            HOST,
            "/maps/all.xml",
            '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
            f"<url><loc>https://{HOST}/hidden</loc></url></urlset>",
            kind="text/xml",
        )
        house.page(
            "/",
            '<a href="/2024/">2024</a><a href="/missing">missing</a><a href="/film.mp4">film</a>'
            '<a href="https://elsewhere.example.org/">elsewhere</a><a href="/moved">moved</a>'
            '<a href="/single">single</a><a href="/list.pdf">list</a><a href="/paper">paper</a>',
        )
        house.page(
            "/2024/",
            '<figure><a href="fair-large.jpg"><img src="fair-small.jpg" alt="alt"></a>'
            '<figcaption>The fair</figcaption><time datetime="2024-05-01T12:00:00+02:00"></time>'
            '<a rel="license" href="https://creativecommons.org/publicdomain/zero/1.0/">CC0</a>'
            '</figure><img src="/page.jpg"><img src="https://cdn.example.org/x.jpg">'
            '<a href="/"><img src="dead.jpg"></a><img src="bomb.jpg"><a href="/2024/">again</a>',
        )
        house.page("/hidden", '<img src="/hidden.png" alt="Only in the sitemap">')
        house.page("/here/now", '<img src="there.jpg">')
        server.put(HOST, "/moved", status=301, headers={"Location": f"http://{HOST}/here/now"})
        for number, path in enumerate(
            ("/2024/fair-large.jpg", "/hidden.png", "/here/there.jpg", "/single")
        ):
            server.put(HOST, path, photo_bytes(number), headers={"Last-Modified": CHANGED})
        server.put(HOST, "/page.jpg", "<html>no photo</html>", kind="image/jpeg")
        server.put(HOST, "/paper", b"%PDF-1.7 paper", kind="application/pdf")
        source = house.source()
        yield house, list(source.entries()), source.whole


def test_photos_are_found_by_links_sitemaps_and_redirects(
    crawled: tuple[SiteHouse, list[Entry], bool],
) -> None:
    _, entries, _ = crawled
    assert set(photos_of(entries)) == {
        "/2024/fair-large.jpg",
        "/hidden.png",
        "/here/there.jpg",
        "/single",
    }


def test_a_photo_links_back_to_its_page_with_words_date_and_rights(
    crawled: tuple[SiteHouse, list[Entry], bool],
) -> None:
    _, entries, _ = crawled
    entry = photos_of(entries)["/2024/fair-large.jpg"]
    link = entry.link(EmbeddedMetadata(web_statement="https://elsewhere.example.org/mine"))
    assert (link.page_url, link.media_url) == (
        f"https://{HOST}/2024/",
        f"https://{HOST}/2024/fair-large.jpg",
    )
    assert (link.text, link.confidence, link.link_from) == ("The fair", "exact", "website")
    assert link.taken_at == datetime(2024, 5, 1, 10, tzinfo=UTC)
    assert link.rights == "https://creativecommons.org/publicdomain/zero/1.0/"
    inside = EmbeddedMetadata(taken_at=datetime(2024, 4, 30, tzinfo=UTC), description="Inside")
    assert entry.link(inside).taken_at == datetime(2024, 4, 30, tzinfo=UTC)
    assert photos_of(entries)["/here/there.jpg"].link(inside).text == "Inside"
    assert photos_of(entries)["/here/there.jpg"].link(None).page_url == f"https://{HOST}/here/now"


def test_a_photo_reads_as_it_is_served(crawled: tuple[SiteHouse, list[Entry], bool]) -> None:
    _, entries, _ = crawled
    entry = photos_of(entries)["/2024/fair-large.jpg"]
    assert entry.read(entry.size) == photo_bytes(0)
    assert entry.size == len(photo_bytes(0))
    assert entry.modified_ns == 1_714_816_800_000_000_000
    assert len(bytes.fromhex(entry.link_mark)) == 32
    with pytest.raises(PhotoUnreadable) as raised:
        entry.read(entry.size - 1)
    assert raised.value.reason == "too large"


def test_what_is_not_taken_is_told_with_the_reason(
    crawled: tuple[SiteHouse, list[Entry], bool],
) -> None:
    _, entries, whole = crawled
    assert {item: entry.reason for item, entry in skipped_of(entries).items()} == {
        "/missing": "gone",
        "/film.mp4": "not a photo (video)",
        "/2024/dead.jpg": "gone",
        "/2024/bomb.jpg": "gone",
        "/page.jpg": "not a photo by its content",
        "//cdn.example.org/x.jpg": "on another host",
        "/paper": "neither a page nor a photo",
        "/list.pdf": "gone",
    }
    # Nothing of this is a reason to think that more photos might be there.
    assert whole


def test_only_the_host_is_asked_each_address_once_and_with_manners(
    crawled: tuple[SiteHouse, list[Entry], bool],
) -> None:
    house, _, _ = crawled
    paths = house.server.paths()
    assert {each.host for each in house.server.asked} == {HOST}
    assert len(paths) == len(set(paths))
    assert paths[:2] == ["/robots.txt", "/.well-known/tdmrep.json"]
    for each in house.server.asked:
        assert each.headers["User-Agent"].startswith("Likeness/")
        assert not {"Cookie", "Referer"} & set(each.headers)


def test_what_did_not_change_does_not_come_again(house: SiteHouse) -> None:
    memory = KeptInMemory()
    house.page("/", '<img src="/a.jpg"><img src="/b.jpg">', headers={"ETag": '"page"'})
    house.server.put(HOST, "/a.jpg", photo_bytes(1), headers={"ETag": '"a"'})
    house.server.put(HOST, "/b.jpg", photo_bytes(2), headers={"Last-Modified": CHANGED})
    first = photos_of(list(house.source(memory=memory).entries()))
    for entry in first.values():
        entry.read(100_000)
    house.server.asked.clear()
    source = house.source(memory=memory)
    again = photos_of(list(source.entries()))
    assert source.whole
    assert {item: _marks(entry) for item, entry in again.items()} == {
        item: _marks(entry) for item, entry in first.items()
    }
    conditional = {
        each.path: (each.headers.get("If-None-Match"), each.headers.get("If-Modified-Since"))
        for each in house.server.asked
        if not each.path.startswith(("/robots", "/.well", "/sitemap"))
    }
    assert conditional == {
        "/": ('"page"', None),
        "/a.jpg": ('"a"', None),
        "/b.jpg": (None, CHANGED),
    }
    # One that is wanted after all is forgotten, and comes whole the next time.
    with pytest.raises(PhotoUnreadable):
        again["/a.jpg"].read(100_000)
    assert f"https://{HOST}/a.jpg" not in memory.kept


def test_a_photo_whose_words_or_bytes_changed_comes_again(house: SiteHouse) -> None:
    memory = KeptInMemory()
    house.page("/", '<img src="/a.jpg" alt="One"><img src="/b.jpg"><img src="/c.jpg">')
    for name in "abc":
        house.server.put(HOST, f"/{name}.jpg", photo_bytes(1), headers={"ETag": f'"{name}"'})
    first = photos_of(list(house.source(memory=memory).entries()))
    for entry in first.values():
        entry.read(100_000)
    house.page("/", '<img src="/a.jpg" alt="Two"><img src="/b.jpg"><img src="/c.jpg">')
    house.server.put(HOST, "/b.jpg", photo_bytes(2), headers={"ETag": '"b2"'})
    again = photos_of(list(house.source(memory=memory).entries()))
    changed = {item for item in first if _marks(first[item]) != _marks(again[item])}
    assert changed == {"/a.jpg", "/b.jpg"}
    assert again["/a.jpg"].read(100_000) == photo_bytes(1)
    assert again["/b.jpg"].read(100_000) == photo_bytes(2)


def test_budgets_end_a_crawl_and_leave_it_incomplete(house: SiteHouse) -> None:
    links = "".join(f'<a href="/{page}">on</a>' for page in range(20))
    house.page("/", links)
    for page in range(20):
        house.page(f"/{page}", f'<img src="/{page}.jpg">')
        house.server.put(HOST, f"/{page}.jpg", photo_bytes(page))
    source = house.source(limits=CrawlLimits(delay_seconds=0.0, pages=5, photos=3))
    entries = list(source.entries())
    assert len(photos_of(entries)) == 3
    assert not source.whole
    asked = [
        path for path in house.server.paths() if not path.startswith(("/robots", "/.", "/site"))
    ]
    assert len(asked) == 8


def test_the_pace_is_kept(house: SiteHouse) -> None:
    house.page("/", "".join(f'<a href="/{page}">on</a>' for page in range(3)))
    house.server.put(HOST, "/robots.txt", "User-agent: *\nCrawl-delay: 0.5", kind="text/plain")
    list(house.source(limits=CrawlLimits(delay_seconds=0.1)).entries())
    times = [each.at for each in house.server.asked]
    gaps = [after - before for before, after in pairwise(times)]
    assert len(gaps) >= 5
    assert min(gaps) > 0.4


def test_a_site_is_named_by_its_host_alone(house: SiteHouse) -> None:
    source = house.source(f"https://{HOST.upper()}/")
    assert (source.kind, source.address) == ("website", f"https://{HOST}")
    assert source.address in source.recognised()
    assert source.count() is None
    assert not source.whole
    for wrong in ("http://photos.example.org", f"{HOST}/album", "127.0.0.1", f"{HOST}:8443"):
        with pytest.raises(BadInput):
            house.source(wrong)
    assert house.server.asked == []


def test_a_crawl_that_was_stopped_stays_stopped(house: SiteHouse) -> None:
    source = house.source()
    source.stop()
    with pytest.raises(SourceBlocked):
        next(source.entries())
    assert house.server.asked == []


def test_a_proof_for_another_host_lets_nothing_through(house: SiteHouse) -> None:
    for proof in (proof_of("www." + HOST), proof_of("example.org"), _stale):
        with pytest.raises(NotAuthorised):
            next(house.source(proof=proof).entries())
    assert house.server.asked == []


def test_an_abandoned_crawl_ends_its_process(house: SiteHouse) -> None:
    house.page("/", "".join(f'<img src="/{number}.jpg">' for number in range(50)))
    for number in range(50):
        house.server.put(HOST, f"/{number}.jpg", photo_bytes(number))
    entries = house.source(limits=CrawlLimits(delay_seconds=0.1)).entries()
    next(entries)
    entries.close()  # type: ignore[attr-defined]
    told = len(house.server.asked)
    assert not house.server.ending.wait(0.5)
    assert len(house.server.asked) <= told + 1


def test_a_crawl_that_cannot_start_says_so(
    house: SiteHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.network, "crawl_command", lambda: ["/absent/python"])
    with pytest.raises(LikenessError, match="could not be started"):
        next(house.source(limits=FAST).entries())
    monkeypatch.setattr(house.network, "crawl_command", lambda: ["/bin/false"])
    with pytest.raises(LikenessError, match="could not be started"):
        next(house.source(limits=FAST).entries())


def _stale() -> Proof:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    return Proof(domain=HOST, method="dns", checked_at=past, until=datetime(2090, 1, 1, tzinfo=UTC))


def _marks(entry: object) -> Sequence[object]:
    return [getattr(entry, name) for name in ("size", "modified_ns", "link_mark")]
