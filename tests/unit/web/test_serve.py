"""How the server may be started, and what it refuses to be started as."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from likeness.errors import StorageError, UsageError
from likeness.house import House
from likeness.library import Library
from likeness.web.serve import keep_up, options_of


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    files = tmp_path / "chain.pem", tmp_path / "key.pem"
    for file in files:
        file.write_text("a certificate")
    return files


def test_on_this_machine_it_goes_by_localhost() -> None:
    options = options_of(port=9000)
    assert options.public_url == "http://localhost:9000"
    assert (options.name, options.https, options.secure_context) == ("localhost", False, True)


def test_with_a_certificate_it_speaks_https(certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    options = options_of(
        host="0.0.0.0",
        public_url="https://Photos.Example.org:8443/",
        tls_cert=cert,
        tls_key=key,
    )
    assert options.public_url == "https://photos.example.org:8443"
    assert (options.name, options.https) == ("photos.example.org", True)
    assert options_of(port=9000, tls_cert=cert, tls_key=key).public_url == "https://localhost:9000"


def test_a_server_may_go_by_an_address() -> None:
    assert options_of(public_url="https://[2001:DB8::1]:8443").name == "[2001:db8::1]"
    assert options_of(public_url="http://192.0.2.7").name == "192.0.2.7"


def test_upkeep_that_fails_is_tried_again_and_tells_nothing_personal(
    monkeypatch: pytest.MonkeyPatch, library: Library, capfd: pytest.CaptureFixture[str]
) -> None:
    stop, turns = threading.Event(), []

    def fails(_house: House) -> None:
        turns.append(1)
        if len(turns) == 3:
            stop.set()
        raise (StorageError("The disk is full.", "") if len(turns) == 1 else OSError("Anna Adler"))

    monkeypatch.setattr("likeness.maintenance.maintain", fails)
    monkeypatch.setattr("likeness.web.serve.UPKEEP_SECONDS", 0.01)
    keep_up(library, stop)
    told = "".join(capfd.readouterr())
    assert len(turns) == 3 and told.count("OSError") == 2 and "Anna" not in told


def test_plain_http_under_another_name_is_no_place_for_cameras_and_passkeys() -> None:
    assert not options_of(public_url="http://photos.example.org").secure_context


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"host": "0.0.0.0"}, "--public-url"),
        ({"tls_cert": "chain.pem"}, "--tls-key"),
        ({"tls_key": "key.pem"}, "--tls-cert"),
        ({"public_url": "photos.example.org"}, "scheme"),
        ({"public_url": "https://photos.example.org/likeness"}, "whole server"),
        ({"public_url": "https://me@photos.example.org"}, "whole server"),
        ({"public_url": "ftp://photos.example.org"}, "scheme"),
        ({"public_url": "https://"}, "scheme"),
        ({"public_url": "https://:8443"}, "scheme"),
        ({"public_url": "https://photos.example.org:"}, "scheme"),
        ({"public_url": "https://photos.example.org:https"}, "scheme"),
        ({"public_url": "https://photos.example.org:84430"}, "scheme"),
        ({"public_url": "https://photos.example.org?of=mine"}, "scheme"),
        ({"public_url": "https://photos.example.org#mine"}, "scheme"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_listens(
    wrong: dict[str, str], named: str, certificate: tuple[Path, Path]
) -> None:
    given = {
        name: (certificate[0].parent / value if name.startswith("tls") else value)
        for name, value in wrong.items()
    }
    with pytest.raises(UsageError, match=named):
        options_of(**given)  # type: ignore[arg-type]


def test_a_certificate_that_is_not_there_or_not_for_https_is_named(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    cert, key = certificate
    with pytest.raises(UsageError, match="There is no file"):
        options_of(tls_cert=tmp_path / "other.pem", tls_key=key)
    with pytest.raises(UsageError, match="https://"):
        options_of(public_url="http://photos.example.org", tls_cert=cert, tls_key=key)
