"""Recognise what somebody wants to add: a folder, a file, an account's export, a site, a bucket.

Whatever it is, its holder has said yes: by having the files, by having asked their platform for
their own export, by the credentials and the line in their bucket, or by the line that their site
publishes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from likeness.authorise import every, prove, proved_in
from likeness.blocking import block_list, require_not_blocked
from likeness.errors import BadInput, LikenessError, NotAuthorised, SourceUnreadable, UsageError
from likeness.fetch_memory import StoredMemory
from likeness.house import House
from likeness.records.collection import Collection
from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.records.video_formats import VIDEO_SUFFIXES
from likeness.sources.base import Source
from likeness.sources.bucket.address import BucketAddress, bucket_address, is_bucket_address
from likeness.sources.bucket.source import BucketSource
from likeness.sources.exports.folder_tree import FolderTree
from likeness.sources.exports.known import FORMATS, recognise
from likeness.sources.exports.source import ExportSource
from likeness.sources.exports.tree import ExportTree
from likeness.sources.exports.venmo import is_statement, no_photos
from likeness.sources.exports.zip_parts import ZipParts, parts_of
from likeness.sources.folder import FolderSource
from likeness.sources.website.extra import require_extra
from likeness.sources.website.hosts import host_name
from likeness.sources.website.iiif_source import IiifSource
from likeness.sources.website.platforms import require_no_platform
from likeness.sources.website.proof import Proof
from likeness.sources.website.source import WebsiteSource

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_MANIFEST = re.compile(r"(?:manifest|collection|\.json)/?$", re.IGNORECASE)
_OTHER_ARCHIVES = (".tar", ".tgz", ".tar.gz", ".gz", ".bz2", ".xz", ".7z", ".rar")
_FILES = (".zip", ".csv", *_OTHER_ARCHIVES, *PHOTO_SUFFIXES, *VIDEO_SUFFIXES)
_HOST = re.compile(r"(?:[a-z0-9-]+\.)+[a-z]{2,}/?", re.IGNORECASE)
_BUCKETS = ("s3", "gs", "az", "file")
_FIRST_BYTES = 4096
_SHOWN = 24


@contextmanager
def recognised(house: House, what: str, *, collection: Collection) -> Iterator[Sequence[Source]]:
    """The sources that somebody's words mean; several where an archive holds several exports.

    Raises
    ------
    UsageError, BadInput
        It is nothing that photos can be taken from, and what to do about that.
    Refused
        It is a platform whose users bring their exports.
    SourceUnreadable
        It is not there, or cannot be read.
    """
    if not what:
        raise UsageError("Nothing was named.", "Say what to add.")
    found = _ADDRESS.match(what)
    with ExitStack() as stack:
        if found is None:
            yield _of_path(house, what, stack)
        elif found.group(1).lower() in ("http", "https"):
            yield [_of_site(house, what, collection, stack)]
        elif found.group(1).lower() in _BUCKETS:
            yield [_of_bucket(house, bucket_address(what))]
        else:
            raise UsageError(
                f"Nothing is taken from {found.group(1)[:_SHOWN]} addresses.",
                "Give a folder or a file, a site as https://HOST/, or a bucket as s3://BUCKET, "
                "gs://BUCKET or az://CONTAINER.",
            )


def exports_at(what: str) -> list[tuple[str, str]]:
    """Kind and address of the sources that adding an archive or an unpacked export makes.

    Returns
    -------
    list of (kind, address)
        Empty where it is none, or cannot be read.
    """
    try:
        path = _path_of(what)
        if not path.name.lower().endswith(".zip") and not path.is_dir():
            return []
        with ExitStack() as stack:
            return [(source.kind, source.address) for source in _exports_in(path, stack)]
    except LikenessError:
        return []


def exports_of(paths: Sequence[Path], stack: ExitStack) -> list[ExportSource]:
    """The exports in some archives that lie beside one another, each read once.

    Raises
    ------
    SourceUnreadable
        One is no export that is known.
    """
    found: list[ExportSource] = []
    seen: set[Path] = set()
    for path in paths:
        if path in seen:
            continue
        seen.update(parts_of(path))
        found += _required_exports(path, stack)
    return found


def _of_path(house: House, what: str, stack: ExitStack) -> Sequence[Source]:
    path = _path_of(what)
    library = house.settings.path
    name = path.name.lower()
    if not path.exists() and _HOST.fullmatch(what) and not name.endswith(_FILES):
        raise UsageError(
            f"There is no file {what}.", f"A site is written as https://{what.rstrip('/')}/"
        )
    if path.is_dir():
        return _exports_in(path, stack) or [FolderSource(path, library=library)]
    if name.endswith(".zip"):
        return _required_exports(path, stack)
    if name.endswith(_OTHER_ARCHIVES):
        raise BadInput(
            f"{path.name} is an archive of a kind that is not read.",
            "Ask the platform for a ZIP, or unpack it and add the folder.",
        )
    if name.endswith(".csv") and is_statement(_first_bytes(path)):
        raise no_photos()
    return [FolderSource(path, library=library)]


def _required_exports(path: Path, stack: ExitStack) -> list[ExportSource]:
    exports = _exports_in(path, stack)
    if not exports:
        known = ", ".join(known.name for known in FORMATS)
        raise SourceUnreadable(
            f"{path.name} is no export that is known: {known}.",
            "Unpack it, and add the folder with the photos.",
        )
    return exports


def _path_of(what: str) -> Path:
    path = Path(what)
    # "~somebody" of whom the machine knows nothing, and names longer than a file's, are no paths.
    with suppress(RuntimeError):
        path = path.expanduser()
    try:
        path.exists()
    except OSError as error:
        raise SourceUnreadable(
            f"That cannot be added: {(error.strerror or 'it is no path').lower()}.",
            "Check the path; it has to name a folder or a file.",
        ) from None
    return path


def _exports_in(path: Path, stack: ExitStack) -> list[ExportSource]:
    tree: ExportTree = FolderTree(path) if path.is_dir() else ZipParts(parts_of(path))
    stack.callback(tree.close)
    return [ExportSource(tree, found) for found in recognise(tree)]


def _of_site(house: House, what: str, collection: Collection, stack: ExitStack) -> Source:
    require_extra()
    try:
        parts = urlsplit(what)
        require_no_platform(parts.hostname or "")
        host = host_name(parts.netloc)
    except (BadInput, ValueError):
        # Not repeated: there may be a password in it.
        raise BadInput(
            "That address names no site.",
            "Write https://HOST/ with a host such as photos.example.org: no number, user name or "
            "port.",
        ) from None
    manifest = bool(_MANIFEST.search(parts.path))
    if not manifest and (parts.path not in ("", "/") or parts.query):
        raise UsageError(
            "A site is added as a whole, and this is the address of one page.",
            f"Add https://{host}/, or a IIIF manifest, whose address ends with manifest or .json.",
        )
    kind, address = ("iiif", what) if manifest else ("website", f"https://{host}")
    with house.store.snapshot() as connection:
        require_not_blocked(connection, block_list(house), kind=kind, address=address)
    # Before the library knows of a source: one that was never allowed leaves no trace.
    prove(house, host)
    memory = StoredMemory(house, collection)
    stack.callback(memory.flush)
    source: IiifSource | WebsiteSource
    hosts: tuple[str, ...] = (host,)
    if manifest:
        proofs = _proofs(house, host)
        hosts = tuple(proofs)
        source = IiifSource(
            what,
            network=house.network,
            proofs=proofs,
            still_allowed=memory.require_active,
            memory=memory,
            clock=house.clock,
        )
    else:
        source = WebsiteSource(
            host,
            network=house.network,
            proof=_proof(house, host),
            still_allowed=memory.require_active,
            memory=memory,
            clock=house.clock,
        )
    memory.belongs_to(kind=source.kind, address=source.address, hosts=hosts)
    return source


def _proof(house: House, host: str) -> Callable[[], Proof]:
    return lambda: prove(house, host)


def _proofs(house: House, host: str) -> dict[str, Callable[[], Proof]]:
    """The proof of a manifest's own host, and those of other hosts that say yes now.

    The images of a manifest may lie on another host than the manifest.
    """
    found = {host: _proof(house, host)}
    for asked in every(house):
        if asked.domain != host and not is_bucket_address(asked.domain):
            with suppress(NotAuthorised):
                prove(house, asked.domain)
                found[asked.domain] = _proof(house, asked.domain)
    return found


def _of_bucket(house: House, address: BucketAddress) -> Source:
    # Before anything is asked of it, its proof included.
    with house.store.snapshot() as connection:
        require_not_blocked(connection, block_list(house), kind="bucket", address=address.text)
    source = BucketSource(
        address,
        prove=lambda text: proved_in(house, address.root, text),
        clock=house.clock,
        library=house.settings.path,
    )
    source.prove()
    return source


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_FIRST_BYTES)
    except OSError:  # told by the source that reads it
        return b""
