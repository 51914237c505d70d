"""The server as a command: it starts, makes the owner by a link, speaks TLS, and ends when told."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from likeness.library import Library

SECONDS = 60.0


@pytest.fixture
def place(tmp_path: Path) -> Path:
    with Library.create(tmp_path / "library"):
        pass
    return tmp_path / "library"


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def started(place: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The command, and the lines that it said until it could be stopped."""
    process = subprocess.Popen(
        [sys.executable, "-m", "likeness.cli.main", "serve", "--library", str(place), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "FASTAPI_OTEL_AUTO_CONFIGURE": "true"},
    )
    lines: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if "Ctrl+C" in line:
                break
        yield process, lines
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def answered(url: str, **options: object) -> httpx.Response:
    with httpx.Client(
        transport=httpx.HTTPTransport(retries=20, **options),  # type: ignore[arg-type]
        follow_redirects=True,
        timeout=SECONDS,
    ) as client:
        return client.get(url, headers={"accept": "text/html"})


def test_the_first_start_prints_a_link_that_makes_the_owner_and_each_start_a_new_one(
    place: Path,
) -> None:
    links = []
    for _ in range(2):
        port = free_port()
        with started(place, "--port", str(port)) as (process, lines):
            text = "\n".join(lines)
            found = re.search(rf"http://localhost:{port}/set-up/\S+", text)
            assert found, text
            links.append(found[0])
            assert answered(found[0]).status_code == 200
            process.send_signal(signal.SIGINT)
            assert process.wait(SECONDS) in (0, 130)
            rest = process.stdout.read() if process.stdout else ""
            assert "Traceback" not in rest
    secrets = [link.rsplit("/", 1)[1] for link in links]
    assert secrets[0] != secrets[1]
    port = free_port()
    with started(place, "--port", str(port)):
        for secret in secrets:
            assert answered(f"http://localhost:{port}/set-up/{secret}").status_code == 404


def test_a_port_that_is_taken_is_named_and_ends_with_6(place: Path) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        port = bound.getsockname()[1]
        with started(place, "--port", str(port)) as (process, lines):
            assert process.wait(SECONDS) == 6
            assert f"port {port}" in "\n".join(lines)
            assert "--port" in "\n".join(lines)


def test_with_a_certificate_it_speaks_tls(place: Path, tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    port = free_port()
    words = ("--port", str(port), "--tls-cert", str(cert), "--tls-key", str(key))
    with started(place, *words) as (_, lines):
        assert f"https://localhost:{port}" in "\n".join(lines)
        trusted = ssl.create_default_context(cafile=cert)
        answer = answered(f"https://localhost:{port}/sign-in", verify=trusted)
    assert answer.status_code == 200
    assert "__Host-likeness-form" in answer.headers["set-cookie"]


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for this machine, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / "chain.pem", folder / "key.pem"
    cert_file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return cert_file, key_file
