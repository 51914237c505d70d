"""Promise 7: nothing but what asks authorised sites and buckets, or for models, opens connections.

Sites are asked by the crawling process, and by the parent for their proof alone; one command
fetches model files from the addresses that a pack's manifest names. No other code could.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import likeness
from likeness.faces.model_cache import cache_folder

PACKAGE = Path(likeness.__file__).parent

FETCHES_MODELS = frozenset({"faces/addresses.py", "faces/answers.py", "faces/download.py"})
"""What ``likeness models install`` fetches with; ``faces/obtain.py`` alone calls it."""

ASKS_FOR_PROOFS = {
    "sources/website/network.py": {"dns", "socket"},
    "sources/website/small_fetch.py": {"httpcore", "ssl"},
}
"""Name servers, and one small file of a site."""

ASKS_SOURCES = {
    "sources/website/crawling/": {"asyncio", "scrapy", "socket", "twisted"},
    "sources/bucket/": {"obstore"},
}
"""By folder. The first is imported by a process of its own alone, under its guard."""

LISTENS = {"web/serve.py": {"socket"}, "web/punctual.py": {"asyncio"}}
"""The web app is asked, and asks nobody."""

MAY_INSTALL = {
    "faces.download": {"faces/install.py", "faces/obtain.py", "cli/models.py"},
    "faces.obtain": {"faces/install.py"},
    "faces.install": {"cli/models.py"},
}
"""From fetching up to the command line: who imports each step."""

REACHES_OUT = frozenset(
    {
        "aiohttp",
        "asyncio",
        "dns",
        "ftplib",
        "http",
        "httpcore",
        "httpx",
        "imaplib",
        "obstore",
        "poplib",
        "requests",
        "scrapy",
        "smtplib",
        "socket",
        "socketserver",
        "ssl",
        "telnetlib",
        "twisted",
        "urllib3",
        "webbrowser",
        "xmlrpc",
    }
)
"""Modules that could open a connection. Of ``urllib`` only ``urllib.parse`` may be used."""


def _imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _could_reach_out(name: str) -> bool:
    if name.split(".")[0] == "urllib":
        return not name.startswith("urllib.parse")
    return name.split(".")[0] in REACHES_OUT


def _reaching_out() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in _imported(ast.parse(path.read_text(encoding="utf-8"))):
            if _could_reach_out(name):
                place = path.relative_to(PACKAGE).as_posix()
                found.setdefault(place, set()).add(name.split(".")[0])
    return found


def test_no_other_module_imports_anything_that_could_open_a_connection() -> None:
    found = _reaching_out()
    for folder, allowed in ASKS_SOURCES.items():
        for place in [place for place in found if place.startswith(folder)]:
            assert found.pop(place) <= allowed, place
    fetches = {place: {"httpx"} for place in FETCHES_MODELS}
    assert found == {**fetches, **ASKS_FOR_PROOFS, **LISTENS}


def test_only_the_look_for_a_proof_reaches_what_fetches_a_small_file() -> None:
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for name in _imported(ast.parse(path.read_text(encoding="utf-8")))
        if f"{name}.".startswith("likeness.sources.website.small_fetch.")
    }
    assert importing == {"sources/website/proof.py"}


def test_only_the_command_that_installs_models_reaches_what_fetches_them() -> None:
    found: dict[str, set[str]] = {step: set() for step in MAY_INSTALL}
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in _imported(ast.parse(path.read_text(encoding="utf-8"))):
            for step in found:
                # A name out of the module, or the module itself as a name out of its package.
                if f"{name}.".startswith(f"likeness.{step}."):
                    found[step].add(path.relative_to(PACKAGE).as_posix())
    assert found == MAY_INSTALL


def test_what_reaches_out_is_told_from_what_does_not() -> None:
    assert _could_reach_out("urllib.request")
    assert _could_reach_out("http.client")
    assert not _could_reach_out("urllib.parse.urlsplit")


def test_a_whole_story_opens_no_connection(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path


def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise SystemExit(f"reached out: {event}")


sys.addaudithook(refuse)
from likeness import Library
from likeness.demo.photos import make_photos
from likeness.records.consent import ConsentGiven

folder = Path(sys.argv[1])
made = make_photos(folder)
for item, _ in made.shows[4:]:
    (folder / "photos" / item).unlink()
with Library.create(folder / "library", keyring=folder / "keys") as library:
    library.create_collection("party", controller="Tennis club")
    library.ingest(folder / "photos", collection="party")
    consent = ConsentGiven(
        purposes=frozenset({"be_found"}),
        collections=frozenset({"party"}),
        basis="consent",
        how_given="attested",
        statement="said yes",
        is_adult=True,
    )
    ann = library.enrol("Ann", [folder / made.references[0]], consent=consent)
    assert library.search(folder / made.probe_collins, purpose="be_found").candidates
    library.withdraw(ann.person_id)
print("told")
"""
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, "told\n"), ran.stderr


def test_running_models_leaves_no_report_for_anybody_to_send(tmp_path: Path) -> None:
    cache = cache_folder().resolve()
    found = """
import os
import numpy as np
from likeness.faces.engine import FaceEngine

engine = FaceEngine.load()
engine.find(np.zeros((200, 200, 3), np.uint8))
print(os.environ["ORT_DISABLE_TELEMETRY"])
"""
    ran = subprocess.run(
        [sys.executable, "-c", found],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "LIKENESS_CACHE": str(cache)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ran.stdout.split() == ["1"]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_only_the_runtime_loads_onnxruntime() -> None:
    loading = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import) and any(a.name == "onnxruntime" for a in node.names)
    }
    assert loading == {"faces/runtime.py"}
