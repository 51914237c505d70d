"""Promise 7: nothing is fetched from a site without a live proof, and refusals still deny."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from site_house import FAST, HOST, SiteHouse, photos_of, proof_of, site_house, skipped_of
from site_server import photo_bytes, site_of_pages

from likeness.errors import NotAuthorised, SourceBlocked, SourceUnreadable
from likeness.sources.base import Entry
from likeness.sources.website.lease import LEASE_SECONDS
from likeness.sources.website.limits import CrawlLimits
from likeness.sources.website.proof import (
    PROOF_PATH,
    Proof,
    check_proof,
    new_authorisation,
    published_text,
)

_ROBOTS = """
User-agent: *
Disallow: /

User-agent: Likeness
Disallow: /page/robots
Disallow: /image/robots
Disallow: /*.secret
Content-Usage: /image/preference train-ai=n
"""
_TDM = """[
 {"location": "/page/tdm-file", "tdm-reservation": 1},
 {"location": "/image/tdm-file*", "tdm-reservation": 1},
 {"location": "*", "tdm-reservation": 0}
]"""
_HEADERS = {
    "noai": {"X-Robots-Tag": "noai"},
    "noimageai": {"X-Robots-Tag": "noimageai"},
    "noindex": {"X-Robots-Tag": "noindex, follow"},
    "noimageindex": {"X-Robots-Tag": "noimageindex"},
    "none": {"X-Robots-Tag": "none"},
    "named": {"X-Robots-Tag": "likeness: noindex"},
    "second": {"X-Robots-Tag": "otherbot: all\nnoai"},
    "tdm": {"TDM-Reservation": "1"},
    "usage": {"Content-Usage": "train-ai=n"},
    "signal": {"Content-Signal": "ai-train=no"},
}
_META = {
    "meta-noai": '<meta name="robots" content="noai">',
    "meta-noimageai": '<meta name="ROBOTS" content="all, NoImageAI">',
    "meta-noindex": '<meta name="robots" content="noindex">',
    "meta-none": '<meta name="robots" content="none">',
    "meta-named": '<meta name="likeness" content="noindex">',
    "meta-tdm": '<meta name="tdm-reservation" content="1">',
}
_PAGES = [*(f"/page/{name}" for name in (*_HEADERS, *_META)), "/page/robots", "/page/tdm-file"]
_IMAGES = [
    *(f"/image/{name}.jpg" for name in _HEADERS),
    "/image/robots.jpg",
    "/image/x.secret",
    "/image/preference.jpg",
    "/image/tdm-file.jpg",
]
_NEVER_ASKED = ["/page/robots", "/page/tdm-file", *_IMAGES[-4:]]


def _refusing_site(house: SiteHouse) -> None:
    server = house.server
    server.put(HOST, "/robots.txt", _ROBOTS, kind="text/plain")
    server.put(HOST, "/.well-known/tdmrep.json", _TDM, kind="application/json")
    links = "".join(f'<a href="{path}">on</a>' for path in _PAGES)
    images = "".join(f'<img src="{path}">' for path in _IMAGES)
    house.page("/", links + images + '<img src="/allowed.jpg">')
    for path in _PAGES:
        name = path.rpartition("/")[2]
        server.put(
            HOST,
            path,
            f'<html><head>{_META.get(name, "")}</head><body><img src="/of/{name}.jpg">'
            f'<a href="/behind/{name}">on</a></body></html>',
            headers=_HEADERS.get(name),
        )
        server.put(HOST, f"/of/{name}.jpg", photo_bytes(1))
        house.page(f"/behind/{name}", "x")
    for path in _IMAGES:
        name = path.rpartition("/")[2].removesuffix(".jpg")
        server.put(HOST, path, photo_bytes(2), headers=_HEADERS.get(name))
    server.put(HOST, "/allowed.jpg", photo_bytes(3))


_Crawled = tuple[SiteHouse, list[Entry]]


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Crawled]:
    with site_house(tmp_path_factory.mktemp("refusing")) as house:
        _refusing_site(house)
        yield house, list(house.source().entries())


@pytest.mark.parametrize("path", _PAGES)
def test_a_page_that_refuses_gives_neither_photos_nor_links(refused: _Crawled, path: str) -> None:
    house, entries = refused
    name = path.rpartition("/")[2]
    assert skipped_of(entries)[path].reason
    assert not {f"/of/{name}.jpg", f"/behind/{name}"} & set(house.server.paths())


@pytest.mark.parametrize("path", _IMAGES)
def test_a_photo_that_is_refused_is_not_taken(refused: _Crawled, path: str) -> None:
    _, entries = refused
    told = skipped_of(entries)[path]
    assert told.reason
    assert told.ends
    assert path not in photos_of(entries)


def test_what_rules_refuse_is_not_even_asked_for(refused: _Crawled) -> None:
    house, _ = refused
    assert not set(_NEVER_ASKED) & set(house.server.paths())


def test_what_nothing_refuses_is_taken(refused: _Crawled) -> None:
    _, entries = refused
    assert set(photos_of(entries)) == {"/allowed.jpg"}


def _status(status: int) -> Callable[[SiteHouse, str], None]:
    return lambda house, host: house.server.put(host, "/robots.txt", "User-agent: *", status=status)


def _robots(text: str) -> Callable[[SiteHouse, str], None]:
    return lambda house, host: house.server.put(host, "/robots.txt", text, kind="text/plain")


def _moved(place: str) -> Callable[[SiteHouse, str], None]:
    return lambda house, host: house.server.put(
        host, "/robots.txt", status=301, headers={"Location": place}
    )


def _tdm(text: str, status: int = 200) -> Callable[[SiteHouse, str], None]:
    return lambda house, host: house.server.put(
        host, "/.well-known/tdmrep.json", text, status=status, kind="application/json"
    )


def _dropped(house: SiteHouse, host: str) -> None:
    house.server.misbehave(host, "/robots.txt", lambda handler: None)


def _hanging(house: SiteHouse, host: str) -> None:
    def hang(handler: BaseHTTPRequestHandler) -> None:
        house.server.ending.wait(20)

    house.server.misbehave(host, "/robots.txt", hang)


_SITES: dict[str, Callable[[SiteHouse, str], None]] = {
    "status-400": _status(400),
    "status-401": _status(401),
    "status-403": _status(403),
    "status-429": _status(429),
    "status-500": _status(500),
    "status-503": _status(503),
    "loop": _moved("/robots.txt"),
    "elsewhere": _moved("https://control.example.org/robots.txt"),
    "dropped": _dropped,
    "hanging": _hanging,
    "page": _robots("<html><body>Welcome</body></html>"),
    "binary": _robots("User-agent: *\0"),
    "too-long": _robots("# " + "x" * 600_000),
    "everybody": _robots("User-agent: *\nDisallow: /\n"),
    "by-name": _robots("User-agent: likeness\nDisallow: /\n\nUser-agent: *\nAllow: /\n"),
    "usage": _robots("User-agent: *\nContent-Usage: ai=n\nAllow: /\n"),
    "tdm-all": _tdm('[{"location": "*", "tdm-reservation": 1}]'),
    "tdm-broken": _tdm("[{"),
    "tdm-status": _tdm("[]", status=500),
    "tdm-unread": _robots("User-agent: *\nDisallow: /.well-known/\n"),
}


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Crawled]:
    """One crawl that wants a photo of each of these sites, every one of which has its proof."""
    hosts = [HOST, "control.example.org", *(f"{name}.example.org" for name in _SITES)]
    with site_house(tmp_path_factory.mktemp("sites"), *hosts) as house:
        for name, put in _SITES.items():
            put(house, f"{name}.example.org")
        canvases = []
        for number, host in enumerate(hosts[1:]):
            house.server.put(host, "/a.jpg", photo_bytes(number))
            image = {"id": f"https://{host}/a.jpg", "type": "Image", "format": "image/jpeg"}
            painting = {"type": "Annotation", "motivation": "painting", "body": image}
            page = {"type": "AnnotationPage", "items": [painting]}
            canvases.append({"type": "Canvas", "id": f"{number}", "items": [page]})
        house.server.put(HOST, "/manifest.json", _manifest(canvases), kind="application/json")
        source = house.iiif(
            f"https://{HOST}/manifest.json",
            *hosts,
            limits=CrawlLimits(delay_seconds=0, seconds=2.0),
        )
        entries = list(source.entries())
        assert not source.whole
        yield house, entries


def _manifest(canvases: list[dict[str, object]]) -> str:
    import json

    return json.dumps(
        {
            "@context": "http://iiif.io/api/presentation/3/context.json",
            "type": "Manifest",
            "id": f"https://{HOST}/manifest.json",
            "label": {"en": ["Album"]},
            "items": canvases,
        }
    )


@pytest.mark.parametrize("name", _SITES)
def test_a_site_whose_rules_refuse_or_cannot_be_read_is_not_asked(
    sites: _Crawled, name: str
) -> None:
    house, entries = sites
    host = f"{name}.example.org"
    assert skipped_of(entries)[f"//{host}/a.jpg"].reason
    asked = set(house.server.paths(host))
    assert asked <= {"/robots.txt", "/.well-known/tdmrep.json"}


def test_a_site_without_rules_is_asked(sites: _Crawled) -> None:
    _, entries = sites
    assert set(photos_of(entries)) == {"//control.example.org/a.jpg"}


def test_without_a_proof_nothing_but_the_proof_is_asked_for(tmp_path: Path) -> None:
    with site_house(tmp_path) as house:
        house.page("/", "x")
        asked = new_authorisation(HOST, now=datetime.now(UTC))

        def prove() -> Proof:
            return check_proof(house.network, asked, datetime.now(UTC))

        source = house.source(proof=prove)
        with pytest.raises(NotAuthorised):
            next(source.entries())
        assert house.server.paths() == [PROOF_PATH]
        house.server.put(HOST, PROOF_PATH, published_text(asked), kind="text/plain")
        assert list(source.entries()) == []
        assert source.whole
        house.server.put(HOST, PROOF_PATH, "", status=404)
        house.server.asked.clear()
        with pytest.raises(NotAuthorised):
            next(source.entries())
        assert house.server.paths() == [PROOF_PATH]


class _Clock:
    """The time, which a test puts forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.mark.parametrize("hours", [23, 25, 24 * 40])
def test_a_proof_that_is_gone_after_a_day_ends_the_crawl(tmp_path: Path, hours: int) -> None:
    clock, proofs = _Clock(), []

    def prove() -> Proof:
        proofs.append(clock())
        if len(proofs) > 1:
            raise NotAuthorised("It is gone.")
        return Proof(
            domain=HOST, method="dns", checked_at=clock(), until=clock() + timedelta(days=30)
        )

    with _slow_site(tmp_path) as house:
        entries = house.source(proof=prove, clock=clock, limits=_UNHURRIED).entries()
        next(entries)
        clock.ahead = timedelta(hours=hours)
        with pytest.raises(NotAuthorised):
            list(entries)
        _require_silence(house)


def test_a_proof_that_is_there_after_a_day_lets_it_go_on(tmp_path: Path) -> None:
    clock, proofs = _Clock(), []

    def prove() -> Proof:
        proofs.append(clock())
        return Proof(
            domain=HOST, method="dns", checked_at=clock(), until=clock() + timedelta(days=30)
        )

    with _slow_site(tmp_path, photos=8) as house:
        entries = house.source(proof=prove, clock=clock, limits=_UNHURRIED).entries()
        next(entries)
        clock.ahead = timedelta(hours=23, minutes=30)
        assert len(photos_of(list(entries))) == 7
    assert len(proofs) == 2


_UNHURRIED = CrawlLimits(delay_seconds=0.15)


def _slow_site(folder: Path, photos: int = 400) -> object:
    return _SlowSite(folder, photos)


class _SlowSite:
    def __init__(self, folder: Path, photos: int) -> None:
        self._house = site_house(folder)
        self._photos = photos

    def __enter__(self) -> SiteHouse:
        house = self._house.__enter__()
        house.page("/", "".join(f'<img src="/{n}.jpg">' for n in range(self._photos)))
        for number in range(self._photos):
            house.server.put(HOST, f"/{number}.jpg", photo_bytes(number))
        return house

    def __exit__(self, *about: object) -> None:
        self._house.__exit__(*about)  # type: ignore[arg-type]


def _require_silence(house: SiteHouse, seconds: float = 1.0) -> None:
    # What was on the way when it ended may still arrive.
    time.sleep(0.1)
    told = len(house.server.asked)
    time.sleep(seconds)
    assert len(house.server.asked) == told


def test_no_request_arrives_after_stop_has_returned(tmp_path: Path) -> None:
    with _slow_site(tmp_path) as house:
        source = house.source(limits=FAST)
        entries = source.entries()
        for _ in range(20):
            next(entries)
        stopping = threading.Thread(target=source.stop)
        asked_to_stop = time.monotonic()
        stopping.start()
        with pytest.raises(SourceBlocked):
            for _ in entries:
                continue
        stopping.join()
        stopped_at = time.monotonic()
        _require_silence(house)
        last = house.server.asked[-1].at
    print(
        f"stop: returned after {stopped_at - asked_to_stop:.3f} s, last request "
        f"{last - asked_to_stop:+.3f} s"
    )
    assert last - asked_to_stop < 1
    assert last < stopped_at + 0.1
    assert not source.whole


def test_a_notice_in_another_process_ends_the_crawl_within_a_second(tmp_path: Path) -> None:
    allowed = [True]
    with _slow_site(tmp_path) as house:
        entries = house.source(limits=FAST, still_allowed=lambda: allowed[0]).entries()
        for _ in range(20):
            next(entries)
        allowed[0] = False
        noticed = time.monotonic()
        with pytest.raises(SourceBlocked):
            for _ in entries:
                time.sleep(0.001)
        _require_silence(house)
        last = house.server.asked[-1].at
    print(f"notice: last request {last - noticed:+.3f} s")
    assert last - noticed < 1


def test_a_crawl_that_nobody_allows_any_more_runs_out_of_its_lease(tmp_path: Path) -> None:
    hanging, freed = threading.Event(), threading.Event()
    raised: list[Exception] = []

    def still_allowed() -> bool:
        if hanging.is_set():
            freed.wait(30)
        return True

    with _slow_site(tmp_path) as house:
        entries = house.source(limits=_UNHURRIED, still_allowed=still_allowed).entries()
        next(entries)

        def go_on() -> None:
            try:
                list(entries)
            except SourceUnreadable as error:
                raised.append(error)

        reading = threading.Thread(target=go_on)
        reading.start()
        time.sleep(0.5)
        hanging.set()
        hung = time.monotonic()
        time.sleep(LEASE_SECONDS + 0.6)
        _require_silence(house)
        last = house.server.asked[-1].at
        freed.set()
        reading.join(10)
    print(f"nobody answers: last request {last - hung:+.3f} s")
    assert 1 < last - hung < LEASE_SECONDS + 0.5
    assert len(raised) == 1


_PARENT = """
import sys
from pathlib import Path
from site_house import HOST, SiteHouse
from unsafe_network import UnsafeLoopbackNetwork
from likeness.sources.website.limits import CrawlLimits

network = UnsafeLoopbackNetwork(
    authority=Path(sys.argv[1]), folder=Path(sys.argv[2]), servers={HOST: int(sys.argv[3])}
)
source = SiteHouse(None, network).source(limits=CrawlLimits(delay_seconds=0.05))
for entry in source.entries():
    print(entry.item, flush=True)
"""


def test_a_crawl_whose_parent_is_killed_asks_nothing_more(tmp_path: Path) -> None:
    with _slow_site(tmp_path) as house:
        command = [sys.executable, "-W", "ignore", "-c", _PARENT, house.network.authorities()]
        parent = subprocess.Popen(
            [*command, str(tmp_path), str(house.server.port)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert parent.stdout is not None
        with parent.stdout:
            assert parent.stdout.readline()
            killed = time.monotonic()
            parent.send_signal(signal.SIGKILL)
            parent.wait()
        time.sleep(0.5)
        _require_silence(house)
        last = house.server.asked[-1].at
    print(f"killed parent: last request {last - killed:+.3f} s")
    assert last - killed < 0.6


@pytest.mark.slow
def test_a_site_of_five_hundred_pages_is_crawled_whole_and_stopped_in_the_middle(
    tmp_path: Path,
) -> None:
    with site_house(tmp_path) as house:
        photos = site_of_pages(house.server, HOST, pages=500)
        source = house.source(limits=FAST)
        started = time.monotonic()
        entries = list(source.entries())
        seconds = time.monotonic() - started
        requests = len(house.server.asked)
        assert set(photos_of(entries)) == photos
        assert source.whole
        house.server.asked.clear()
        again = house.source(limits=FAST, proof=proof_of(HOST))
        came = again.entries()
        for _ in range(250):
            next(came)
        stopped = time.monotonic()
        again.stop()
        with pytest.raises(SourceBlocked):
            list(came)
        _require_silence(house)
        last = house.server.asked[-1].at
    print(
        f"500 pages: {requests} requests in {seconds:.1f} s ({requests / seconds:.0f} a second); "
        f"stopped in the middle, last request {last - stopped:+.3f} s"
    )
    assert last - stopped < 1
