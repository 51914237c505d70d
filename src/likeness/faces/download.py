"""Fetches one model file, and leaves nothing that is not what its checksum says.

What came is kept in a part file, so that a broken connection, an interrupt or a killed process
costs only what had not come yet (RFC 9110, sections 13.1.5 and 14: ``If-Range`` and ``Range``).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from likeness.errors import DownloadFailed, ModelFileInvalid, StorageError, UsageError
from likeness.faces.addresses import AddressRefused, checked_address, redirected
from likeness.faces.answers import Broken, Start, Useless, looked_at
from likeness.faces.pack_store import no_room, storage_errors

if TYPE_CHECKING:
    import httpx

    from likeness.faces.packs import PackFile

Listener = Callable[[str, int, int | None], None]
"""Hears of a file's name, how many bytes are there, and how many there will be (None: unknown)."""

LARGEST = 2**31
"""Bytes of the largest model file: onnxruntime takes no larger ONNX model in one piece."""

LARGEST_UNSAID = 2**30
"""Bytes taken at most where a manifest does not say how large a file is."""

_MOST_REDIRECTS = 5


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to bear with a server.

    Attributes
    ----------
    tries : int
        How often in a row an address may fail; one that brought ``worth`` bytes starts anew.
    tries_to_connect : int
        How often in a row no connection may come about.
    most_tries : int
        How often an address is tried at all.
    worth : int
    pause : float
        Seconds before the second try; doubled each time.
    longest_pause : float
        Seconds; a server that asks for a longer pause is not waited for.
    connect : float
        Seconds until a connection has to stand.
    silence : float
        Seconds after which a server that sends nothing, or less than ``least_rate`` bytes a second,
        is given up.
    least_rate : float
    """

    tries: int = 5
    tries_to_connect: int = 3
    most_tries: int = 100
    worth: int = 1_000_000
    pause: float = 1.0
    longest_pause: float = 60.0
    connect: float = 20.0
    silence: float = 60.0
    least_rate: float = 500.0


def fetch(
    file: PackFile, part: Path, *, listener: Listener, patience: Patience | None = None
) -> None:
    """Fetch a file from the first of its addresses that gives it.

    Takes the proxies and certificates that ``HTTPS_PROXY``, ``NO_PROXY``, ``SSL_CERT_FILE`` and
    the like name.

    Parameters
    ----------
    file : PackFile
    part : Path
        Where what came is kept; goes on from there. At the end it is the file, checked. It stays
        when a connection breaks for good, and goes when it is not the right file.
    listener : callable
    patience : Patience or None

    Raises
    ------
    DownloadFailed
        No address gave it.
    ModelFileInvalid
        An address gave another file, or is none to fetch a model from.
    UsageError
        The environment names a proxy or certificates that cannot be used.
    StorageError
        The disk is full, or cannot be written.
    """
    reasons: list[str] = []
    wrong = False
    with _client(patience or Patience()) as client:
        for address in file.urls:
            try:
                url = checked_address(address)
                _Download(client, file, part, listener, patience or Patience()).run(url)
                return
            except AddressRefused as error:
                reasons.append(f"One of its addresses {error}.")
                wrong = True
            except Useless as error:
                reasons.append(f"{url.host} {error}.")
                wrong = wrong or error.wrong_file
    what = f"The model file {file.name} could not be fetched. {' '.join(reasons)}"
    if wrong:
        raise ModelFileInvalid(
            what,
            "Correct the manifest's url, size or sha256 if they are yours; else get the file "
            "another way and install it with --from DIR.",
        )
    raise DownloadFailed(
        what,
        "Check the connection and the proxy (HTTPS_PROXY) and run it again, which goes on from "
        "what came; or get the file another way and install it with --from DIR.",
    )


@contextlib.contextmanager
def _client(patience: Patience) -> Iterator[httpx.Client]:
    import httpx

    timeout = httpx.Timeout(patience.silence, connect=patience.connect)
    try:
        client = httpx.Client(
            timeout=timeout, headers={"User-Agent": "likeness", "Accept-Encoding": "identity"}
        )
    except (ValueError, ImportError, OSError, httpx.InvalidURL):
        raise UsageError(
            "The proxy or the certificates that the environment names cannot be used.",
            "Correct HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY and SSL_CERT_FILE.",
        ) from None
    with client:
        yield client


@dataclass(frozen=True)
class _Download:
    """One file from one address."""

    client: httpx.Client
    file: PackFile
    part: Path
    listener: Listener
    patience: Patience

    def run(self, url: httpx.URL) -> None:
        """Try until the part is the file, or the address is of no use."""
        failed = unconnected = 0
        for _ in range(self.patience.most_tries):
            before = self._held()
            try:
                if before != self.file.size or before == 0:
                    self._receive(url, before)
                if is_file(self.part, self.file):
                    return
                self._discard()
                if before == 0:
                    raise Useless("sent another file: its SHA-256 differs", wrong_file=True)
                # The part may have been of another file. From the start it is this address's own.
                continue
            except Broken as error:
                gained = self._held() - before
                failed = 0 if gained >= self.patience.worth else failed + 1
                unconnected = 0 if error.connected else unconnected + 1
                if failed >= self.patience.tries or unconnected >= self.patience.tries_to_connect:
                    raise Useless(str(error)) from None
                self._wait(max(failed, 1), error.pause)
        raise Useless("broke off too often")

    def _wait(self, failed: int, asked: float | None) -> None:
        longest = self.patience.longest_pause
        if asked is not None and asked > longest:
            raise Useless(f"asks to come back in {asked:,.0f} seconds")
        time.sleep(
            min(longest, self.patience.pause * 2 ** (failed - 1)) if asked is None else asked
        )

    def _receive(self, url: httpx.URL, held: int) -> None:
        """One request; the part is longer afterwards, or whole."""
        with self._answer(url, held) as response:
            start = looked_at(response, held=held, size=self.file.size, most=self._most())
            if start is Start.WHOLE:
                return
            if start is Start.AGAIN:
                self._discard()
                raise Broken("does not go on from where it broke off")
            if start is Start.AT_ONCE:
                held = 0
                self._note_version(url, response)
            with storage_errors(), _opened(self.part, held) as out:
                self._copy(response, out, held)
        self._require_whole(response)

    @contextlib.contextmanager
    def _answer(self, url: httpx.URL, held: int) -> Iterator[httpx.Response]:
        """The answer at the end of all redirects, its body still to come."""
        headers = {"Range": f"bytes={held}-", **self._if_unchanged(url)} if held else {}
        with _httpx_errors():
            for _ in range(_MOST_REDIRECTS + 1):
                request = self.client.build_request("GET", url, headers=headers)
                response = self.client.send(request, stream=True, follow_redirects=False)
                try:
                    if not response.has_redirect_location:
                        yield response
                        return
                finally:
                    response.close()
                try:
                    url = redirected(url, response.headers["Location"])
                except AddressRefused as error:
                    raise Useless(str(error)) from None
        raise Useless("redirects without end")

    def _copy(self, response: httpx.Response, out: BinaryIO, held: int) -> None:
        began, since, limit = time.monotonic(), 0, self._most()
        for piece in response.iter_raw():
            held += len(piece)
            if held > limit:
                self._discard()
                raise Useless(f"sends more than {limit:,} bytes", wrong_file=True)
            out.write(piece)
            self.listener(self.file.name, held, self.file.size)
            since += len(piece)
            if (passed := time.monotonic() - began) > self.patience.silence:
                if since < self.patience.least_rate * passed:
                    raise Broken("sends too slowly")
                began, since = time.monotonic(), 0

    def _require_whole(self, response: httpx.Response) -> None:
        total = self.file.size
        if total is None and "Content-Range" in response.headers:
            last = response.headers["Content-Range"].rpartition("/")[2]
            total = int(last) if last.isdecimal() else None
        if total is not None and self._held() < total:
            raise Broken("ended before the file did")

    def _most(self) -> int:
        return LARGEST_UNSAID if self.file.size is None else self.file.size

    def _held(self) -> int:
        with storage_errors(), contextlib.suppress(FileNotFoundError):
            held = self.part.stat().st_size
            if held <= self._most():
                return held
        self._discard()
        return 0

    def _discard(self) -> None:
        with storage_errors():
            self.part.unlink(missing_ok=True)
            self._version().unlink(missing_ok=True)

    def _version(self) -> Path:
        return self.part.with_name(f"{self.part.name}-version")

    def _note_version(self, url: httpx.URL, response: httpx.Response) -> None:
        """Keep what the server calls this version of the file, to ask for the rest of the same."""
        tag = response.headers.get("ETag", "")
        if not tag.startswith('"'):
            # A weak tag stands for files that may differ in some byte (RFC 9110, section 8.8.1).
            tag = response.headers.get("Last-Modified", "")
        known = {"host": url.host, "version": tag[:1000]}
        with storage_errors():
            self._version().write_text(json.dumps(known), encoding="utf-8")

    def _if_unchanged(self, url: httpx.URL) -> dict[str, str]:
        try:
            known = json.loads(self._version().read_text(encoding="utf-8"))
            version, host = known["version"], known["host"]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        usable = isinstance(version, str) and version.isascii() and version.isprintable()
        return {"If-Range": version} if usable and version and host == url.host else {}


@contextlib.contextmanager
def _opened(part: Path, held: int) -> Iterator[BinaryIO]:
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(part, flags, 0o600), "wb") as out:
            out.truncate(held)
            out.seek(held)
            yield out
    except OSError:
        # Half a model on a full disk is in the way of everything else.
        part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _httpx_errors() -> Iterator[None]:
    import httpx

    try:
        yield
    except httpx.ProxyError as error:
        raise Useless(f"cannot be reached: the proxy refused ({error})") from None
    except httpx.ConnectTimeout:
        raise Broken("did not answer in time", connected=False) from None
    except httpx.ConnectError as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise Useless("shows a certificate that cannot be verified") from None
        raise Broken("could not be reached", connected=False) from None
    except httpx.TimeoutException:
        raise Broken("stopped sending") from None
    except httpx.UnsupportedProtocol:
        raise Useless("cannot be reached that way") from None
    except httpx.TransportError:
        raise Broken("broke the connection") from None


def is_file(path: Path, file: PackFile) -> bool:
    """Whether what lies there has the size and the SHA-256 that the manifest names.

    Raises
    ------
    StorageError
        It cannot be read.
    """
    try:
        if file.size is not None and path.stat().st_size != file.size:
            return False
        with path.open("rb") as held:
            return hashlib.file_digest(held, "sha256").hexdigest() == file.sha256
    except FileNotFoundError:
        return False
    except OSError as error:
        raise StorageError(
            f"The file {path} cannot be read: {error.strerror}.", "Check its permissions."
        ) from None


def require_room(part: Path, size: int | None) -> None:
    """Refuse to begin what cannot fit onto the disk.

    Raises
    ------
    StorageError
        Less is free than the file still needs.
    """
    if size is None:
        return
    with storage_errors():
        held = part.stat().st_size if part.exists() else 0
        room = os.statvfs(part.parent)
    # Some network disks do not say how large they are.
    if room.f_blocks and room.f_bavail * room.f_frsize < size - held:
        raise no_room()
