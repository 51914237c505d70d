"""Promise 11: a hostile site cannot crash, stall, fill or reach out from the service."""

from __future__ import annotations

import gzip
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from site_certificates import Authority
from site_house import FAST, HOST, SiteHouse, photos_of, site_house, skipped_of
from site_server import SiteServer, photo_bytes
from unsafe_network import UnsafeLoopbackNetwork

from likeness.errors import SourceUnreadable
from likeness.sources.base import Entry
from likeness.sources.website.limits import CrawlLimits

_LIMITS = CrawlLimits(
    delay_seconds=0.0,
    at_once=2,
    seconds=2.0,
    pages=60,
    page_bytes=200_000,
    photo_bytes=300_000,
    depth=6,
    variants=10,
)
_HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
_JPEG = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"


def _trickle(start: bytes, part: bytes) -> object:
    def how(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        for _ in range(400):
            handler.wfile.write(part)
            time.sleep(0.05)

    return how


def _flood(start: bytes, part: bytes, times: int = 20_000) -> object:
    def how(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(start)
        for _ in range(times):
            handler.wfile.write(part)

    return how


def _at_once(content: bytes) -> object:
    return lambda handler: handler.wfile.write(content)


def _bomb() -> bytes:
    return gzip.compress(bytes(50_000_000))


def _packed(head: bytes, body: bytes, encoding: bytes) -> bytes:
    lengths = b"Content-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body))
    return head + lengths + body


_MISBEHAVIOUR = {
    "/slow-status": (_trickle(b"HTTP/1.1", b"1"), "took too long"),
    "/slow-headers": (_trickle(_HTML, b"X-A: b\r\n"), "took too long"),
    "/slow-body": (_trickle(_HTML + b"\r\n", b"<p>"), "took too long"),
    "/slow.jpg": (_trickle(_JPEG + b"\r\n", b"\xff"), "took too long"),
    "/endless-body": (_flood(_HTML + b"\r\n", b"<p>" * 5000), "too large"),
    "/endless.jpg": (_flood(_JPEG + b"\r\n", b"\xff\xd8\xff\xe0" * 5000), "too large"),
    "/claims.jpg": (_at_once(_JPEG + b"Content-Length: 99999999999\r\n\r\n"), "too large"),
    "/bomb": (_at_once(_packed(_HTML, _bomb(), b"gzip")), "too large"),
    "/bomb.jpg": (_at_once(_packed(_JPEG, _bomb(), b"gzip")), "too large"),
    "/twice.jpg": (
        _at_once(_packed(_JPEG, gzip.compress(_bomb()), b"gzip, gzip")),
        "packed in a way that was not asked for",
    ),
    "/brotli.jpg": (
        _at_once(_packed(_JPEG, b"\x0b\x02\x80abc\x03", b"br")),
        "packed in a way that was not asked for",
    ),
    "/damaged.jpg": (_at_once(_packed(_JPEG, b"\x1f\x8bno", b"gzip")), "could not be unpacked"),
    "/cut.jpg": (_at_once(_JPEG + b"Content-Length: 500\r\n\r\n\xff\xd8\xff"), "cut short"),
    "/nothing": (_at_once(b""), "could not be fetched"),
    "/no-http": (_at_once(b"SSH-2.0-OpenSSH_9.6\r\n"), "could not be fetched"),
    "/minus.jpg": (_at_once(_JPEG + b"Content-Length: -5\r\n\r\n"), "could not be fetched"),
}
_REDIRECTS = {
    "/to-itself": ("/to-itself", "redirects without end"),
    "/round-1": ("/round-2", "redirects without end"),
    "/to-metadata": ("http://169.254.169.254/latest/", "redirects to no address that is asked for"),
    "/to-loopback": ("https://127.0.0.1/", "redirects to no address that is asked for"),
    "/to-port": (f"https://{HOST}:22/", "redirects to no address that is asked for"),
    "/to-file": ("file:///etc/passwd", "redirects to no address that is asked for"),
    "/to-other": ("https://inside.example.org/", "redirects to another site"),
    "/to.jpg": ("https://inside.example.org/x.jpg", "redirects to another site"),
    "/to-nothing": ("", "redirects to no address that is asked for"),
}


def _serve(house: SiteHouse) -> None:
    references = ""
    for path in [*_MISBEHAVIOUR, *_REDIRECTS]:
        kind = "img src" if path.endswith(".jpg") else "a href"
        references += f'<{kind}="{path}">x</a>'
    house.page("/", references + '<a href="/good">good</a><a href="/traps">traps</a>')
    for path, (how, _) in _MISBEHAVIOUR.items():
        house.server.misbehave(HOST, path, how)  # type: ignore[arg-type]
    for path, (location, _) in _REDIRECTS.items():
        house.server.put(HOST, path, status=302, headers={"Location": location})
    house.server.put(HOST, "/round-2", status=307, headers={"Location": "/round-1"})
    house.page("/good", '<img src="/good.jpg">')
    house.server.put(HOST, "/good.jpg", photo_bytes(1))
    house.page(
        "/traps",
        '<a href="/deep">deep</a><a href="/wide">wide</a><a href="/day/1">day</a>'
        '<a href="/loop/">loop</a>' + "".join(f'<a href="/q?{n}">q</a>' for n in range(50)),
    )
    house.page("/deep", "<div>" * 20_000)
    house.page("/wide", "".join(f'<a href="/none/{n}">n</a>' for n in range(3_000)))
    for day in range(1, 100):
        house.page(f"/day/{day}", f'<a href="/day/{day + 1}">tomorrow</a>')
    for depth in range(1, 30):
        house.page("/loop/" * depth, '<a href="loop/">further</a>')
    for number in range(50):
        house.page(f"/q?{number}", "the same")


@pytest.fixture(scope="module")
def attacked(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[SiteHouse, list[Entry], float, bool]]:
    with site_house(tmp_path_factory.mktemp("hostile")) as house:
        _serve(house)
        source = house.source(limits=_LIMITS)
        started = time.monotonic()
        entries = list(source.entries())
        yield house, entries, time.monotonic() - started, source.whole


_Attacked = tuple[SiteHouse, list[Entry], float, bool]


@pytest.mark.parametrize("path", [*_MISBEHAVIOUR, *_REDIRECTS])
def test_each_misbehaviour_is_told_with_its_reason(attacked: _Attacked, path: str) -> None:
    _, entries, _, _ = attacked
    _, reason = (_MISBEHAVIOUR | _REDIRECTS)[path]  # type: ignore[operator]
    told = skipped_of(entries)[path]
    assert told.reason == reason
    # A page that moved to another site is known to be gone; of all else nothing is known.
    assert told.hides is (reason != "redirects to another site")


def test_what_is_sound_beside_it_is_taken(attacked: _Attacked) -> None:
    _, entries, _, whole = attacked
    assert set(photos_of(entries)) == {"/good.jpg"}
    assert not whole


def test_no_trap_holds_the_crawl(attacked: _Attacked) -> None:
    house, entries, seconds, _ = attacked
    paths = house.server.paths()
    assert len(paths) < 150
    assert sum(path.startswith("/day/") for path in paths) <= 7
    assert sum(path.startswith("/loop") for path in paths) <= 4
    assert sum(path.startswith("/q?") for path in paths) <= 10
    assert "nested too deeply" in skipped_of(entries)["/deep"].reason
    assert seconds < 90


def test_no_other_address_was_asked(attacked: _Attacked) -> None:
    house, _, _, _ = attacked
    assert {each.host for each in house.server.asked} == {HOST}


def test_headers_without_end_cost_the_crawling_process_alone(tmp_path: Path) -> None:
    with site_house(tmp_path) as house:
        house.page("/", '<a href="/headers">x</a><img src="/good.jpg">')
        house.server.put(HOST, "/good.jpg", photo_bytes(1))
        flood = _flood(_HTML, (b"X-Header: " + b"a" * 1000 + b"\r\n") * 50, times=100_000)
        house.server.misbehave(HOST, "/headers", flood)  # type: ignore[arg-type]
        started = time.monotonic()
        source = house.source(limits=_LIMITS)
        entries: list[Entry] = []
        try:
            entries += source.entries()
        except SourceUnreadable as error:
            assert "before it was done" in error.what
        assert not source.whole
        assert time.monotonic() - started < 60


def test_a_name_that_leads_elsewhere_a_moment_later_is_not_followed(tmp_path: Path) -> None:
    turns = [["server"]] * 4 + [["10.0.0.1"], ["127.0.0.1"], ["169.254.169.254"], ["::1"]]
    with site_house(tmp_path, lies={HOST: turns}) as house:
        house.page("/", "".join(f'<img src="/{n}.jpg">' for n in range(4)))
        for path in ("/", "/robots.txt", "/.well-known/tdmrep.json", "/sitemap.xml"):
            # Each on a connection of its own, so that the name is looked up each time.
            answer = house.server.answer(HOST, path)
            house.server.put(
                HOST,
                path,
                answer.body,
                kind="text/html",
                status=answer.status,
                headers={"Connection": "close"},
            )
        source = house.source(limits=FAST)
        entries = list(source.entries())
    assert {entry.reason for entry in skipped_of(entries).values()} == {
        "leads to an address that is not public"
    }
    assert len(skipped_of(entries)) == 4
    assert len(house.server.asked) == 4
    assert not source.whole


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "1.1.1.1 127.0.0.1", "::ffff:10.0.0.1"]
)
def test_a_site_whose_name_leads_inside_is_never_asked(tmp_path: Path, address: str) -> None:
    with site_house(tmp_path, "other.example.org", leads_to={HOST: [address.split()]}) as house:
        source = house.source()
        (told,) = source.entries()
        assert told == next(iter(skipped_of([told]).values()))
        assert "robots.txt could not be reached" in skipped_of([told])["/"].reason
        assert not source.whole
        assert house.server.asked == []


def test_a_site_without_a_sound_certificate_is_never_asked(tmp_path: Path) -> None:
    trusted, unknown = Authority(tmp_path), Authority(tmp_path, "unknown")
    contexts = (
        unknown.context(HOST),
        trusted.context("other.example.org"),
        trusted.context(HOST, days=-1),
    )
    for context in contexts:
        with SiteServer(context) as server:
            server.put(HOST, "/", '<img src="/a.jpg">')
            network = UnsafeLoopbackNetwork(
                authority=trusted.path, folder=tmp_path, servers={HOST: server.port}
            )
            (told,) = SiteHouse(server, network).source().entries()
            assert "robots.txt could not be reached" in skipped_of([told])["/"].reason
            assert server.asked == []


_GATES = """
import socket, subprocess, sys
from scrapy.utils.reactor import install_reactor
install_reactor("twisted.internet.asyncioreactor.AsyncioSelectorReactor")
from twisted.internet import reactor
from likeness.errors import AddressRefused
from likeness.sources.website.crawling.guard import Guard
from likeness.sources.website.network import PublicNetwork

Guard(PublicNetwork()).install(reactor)
port = int(sys.argv[1])
ways = {
    "socket": lambda: socket.create_connection(("127.0.0.1", port), 1),
    "connect_ex": lambda: socket.socket().connect_ex(("127.0.0.1", port)),
    "ipv6": lambda: socket.socket(socket.AF_INET6).connect(("::ffff:127.0.0.1", port)),
    "unix": lambda: socket.socket(socket.AF_UNIX).connect("/tmp/none"),
    "datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", port)),
    "port 80": lambda: socket.socket().connect(("1.1.1.1", 80)),
    "reactor": lambda: reactor.connectTCP("127.0.0.1", port, None),
    "reactor by name": lambda: reactor.connectTCP("localhost", port, None),
    "reactor metadata": lambda: reactor.connectTCP("169.254.169.254", 443, None),
    "listen": lambda: reactor.listenTCP(0, None),
    "bind": lambda: socket.socket().bind(("127.0.0.1", 0)),
    "program": lambda: subprocess.run(["true"]),
}
for name, way in ways.items():
    try:
        way()
    except AddressRefused:
        continue
    print("got through:", name)
"""


def test_no_library_gets_around_the_guard(tmp_path: Path) -> None:
    with site_house(tmp_path) as house:
        ran = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _GATES, str(house.server.port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stderr
