"""Where model files are fetched from: redirects, proxies, certificates, and what is refused."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from model_server import good, proxying, redirect, serving

from likeness.errors import DownloadFailed, ModelFileInvalid, UsageError
from likeness.faces.addresses import is_this_machine
from likeness.faces.download import Patience, fetch
from likeness.faces.packs import PackFile

DATA = random.Random(1).randbytes(300_000)
QUICK = Patience(pause=0.001, longest_pause=0.05, connect=2, silence=2)


def _file(*addresses: str) -> PackFile:
    return PackFile(
        role="embedder",
        kind="onnx",
        path="model.onnx",
        sha256=hashlib.sha256(DATA).hexdigest(),
        urls=addresses,
        size=len(DATA),
    )


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "part"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def _fetch(file: PackFile, part: Path) -> None:
    fetch(file, part, listener=lambda *_: None, patience=QUICK)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("LocalHost", True),
        ("localhost.example.org", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),
        ("2130706433", False),
        ("127.1", False),
        ("", False),
    ],
)
def test_only_this_machine_may_be_spoken_to_in_clear(host: str, expected: bool) -> None:
    assert is_this_machine(host) is expected


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its self-signed certificate for models.example.org and localhost, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "models.example.org")])
    now = datetime.now(UTC)
    names = [x509.DNSName("models.example.org"), x509.DNSName("localhost")]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_redirects_are_followed_a_few_steps_with_the_range(part: Path) -> None:
    with serving(good(DATA, breaks_after=100_000), good(DATA)) as last:
        with serving(redirect("/again", 301), redirect(last.address("/there"), 307)) as first:
            first.answers = [redirect("/again"), redirect(last.address("/there"), 307)] * 2
            _fetch(_file(first.address()), part)
            assert [seen.path for seen in first.seen][:2] == ["/model.onnx", "/again"]
        assert last.ranges()[0] is None and last.ranges()[1] is not None
    assert part.read_bytes() == DATA


def test_redirects_without_end_are_given_up(part: Path) -> None:
    with serving(redirect("/model.onnx")) as server:
        with pytest.raises(DownloadFailed, match="redirects without end"):
            _fetch(_file(server.address()), part)
        assert len(server.seen) == 6


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://models.example.org/x", "starts with http://"),
        ("ftp://127.0.0.1/x", "does not start with https://"),
        ("file:///etc/passwd", "does not start with https://"),
        ("https://name:word@models.example.org/x", "carries a user name or a password"),
        ("https://models.example.org:99999/x", "not an address of the web"),
    ],
)
def test_a_redirect_to_where_nothing_may_be_fetched_is_refused(
    part: Path, location: str, why: str
) -> None:
    with serving(redirect(location)) as server, pytest.raises(DownloadFailed, match=why):
        _fetch(_file(server.address()), part)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://models.example.org/x", "starts with http://"),
        ("http://127.0.0.1.example.org/x", "starts with http://"),
        ("http://10.0.0.1/x", "starts with http://"),
        ("ftp://models.example.org/x", "does not start with https://"),
        ("file:///etc/passwd", "does not start with https://"),
        ("/etc/passwd", "does not start with https://"),
        ("https:///x", "names no server"),
        ("https://name:word@models.example.org/x", "carries a user name or a password"),
        ("https://models.example.org:99999999/x", "is not an address of the web"),
    ],
)
def test_an_address_that_nothing_may_be_fetched_from_is_refused(
    part: Path, address: str, why: str
) -> None:
    with pytest.raises(ModelFileInvalid, match=why) as caught:
        _fetch(_file(address), part)
    assert "word@" not in str(caught.value)
    assert list(part.parent.iterdir()) == []


def test_a_proxy_of_the_environment_is_asked(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(good(DATA)) as server, proxying(server.port) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.address)
        _fetch(_file(server.address()), part)
        assert proxy.lines == [f"GET {server.address()} HTTP/1.1"]
        part.unlink()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        _fetch(_file(server.address()), part)
        assert len(proxy.lines) == 1


def test_an_encrypted_download_goes_through_a_proxy(
    part: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(good(DATA), certificate=certificate) as server:
        with proxying(server.port) as proxy:
            monkeypatch.setenv("HTTPS_PROXY", proxy.address)
            file = _file("https://models.example.org/model.onnx")
            with pytest.raises(DownloadFailed, match="a certificate that cannot be verified"):
                _fetch(file, part)
            monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
            _fetch(file, part)
        assert proxy.lines == ["CONNECT models.example.org:443 HTTP/1.1"] * 2
    assert part.read_bytes() == DATA


def test_encryption_is_not_left_by_a_redirect(
    part: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with serving(good(DATA)) as plain:
        with (
            serving(redirect(plain.address()), certificate=certificate) as server,
            pytest.raises(DownloadFailed, match="redirects from https:// to http://"),
        ):
            _fetch(_file(server.address(host="localhost")), part)
        assert plain.seen == []


def test_a_proxy_that_refuses_is_named(part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying(None) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)
        with pytest.raises(DownloadFailed, match="the proxy refused"):
            _fetch(_file("https://models.example.org/model.onnx"), part)


@pytest.mark.parametrize(
    ("variable", "value"), [("HTTPS_PROXY", "frob://x"), ("SSL_CERT_FILE", "/nowhere/at/all.pem")]
)
def test_a_proxy_or_certificate_that_cannot_be_is_a_usage_error(
    part: Path, variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match="HTTPS_PROXY"):
        _fetch(_file("https://models.example.org/model.onnx"), part)
