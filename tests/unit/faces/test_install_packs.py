"""A pack is installed whole or not at all, and only after its licence was accepted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from model_server import Handler, good, serving, status
from own_packs import DETECTOR, detector, write_manifest

from likeness.errors import (
    DownloadFailed,
    ModelFileInvalid,
    NotFound,
    NotVerified,
    Refused,
    StorageError,
    UsageError,
)
from likeness.faces.download import Patience
from likeness.faces.engine import FaceEngine
from likeness.faces.install import install, remove, verify
from likeness.faces.install_record import installed_packs
from likeness.faces.known_packs import known_pack, known_packs
from likeness.faces.pack_store import manifest_place, models_folder, stored_file
from likeness.faces.packs import Pack, load_manifest, shipped_manifests

DATA = detector()
PROCESS = Path(__file__).resolve().parents[2] / "support" / "install_process.py"
QUICK = Patience(pause=0.001, connect=2, silence=2)


@pytest.fixture(autouse=True)
def _own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_MODELS", str(tmp_path / "models"))
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for manifests and files of one's own."""
    made = tmp_path / "mine"
    made.mkdir()
    return made


def _stored(pack: Pack) -> Path:
    file = pack.file("detector")
    return stored_file(file.sha256, file.name)


def _files() -> set[str]:
    found = models_folder().rglob("*")
    return {p.relative_to(models_folder()).as_posix() for p in found if p.is_file()} - {".lock"}


def test_a_pack_of_ones_own_is_known_by_its_name_and_needs_its_folder_no_more(
    folder: Path,
) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    manifest = write_manifest(folder)
    done = install(manifest)
    assert [(file.name, how) for file, how in done.files] == [(DETECTOR, "copied")]
    fingerprint = load_manifest(manifest).fingerprint
    shutil.rmtree(folder)
    assert FaceEngine.load("mine").fingerprint == fingerprint
    assert known_pack("mine").installed and not known_pack("mine").built_in
    assert _stored(done.pack).stat().st_mode & 0o777 == 0o644
    assert _files() == {
        "installed.json",
        "packs/mine.toml",
        _stored(done.pack).relative_to(models_folder()).as_posix(),
    }


def test_a_pack_is_fetched_once(folder: Path) -> None:
    with serving(good(DATA)) as server:
        manifest = write_manifest(folder, url=server.address(), size=len(DATA))
        heard: list[tuple[str, int, int | None]] = []
        first = install(manifest, listener=lambda *words: heard.append(words))
        second, third = install(manifest), install("mine")
        assert len(server.seen) == 1
    assert [how for _, how in first.files] == ["downloaded"]
    assert [how for _, how in (*second.files, *third.files)] == ["here", "here"]
    assert heard[-1] == (DETECTOR, len(DATA), len(DATA))


def test_several_addresses_are_mirrors(folder: Path) -> None:
    with serving(status(404)) as gone, serving(good(DATA)) as server:
        install(write_manifest(folder, url=[gone.address(), server.address()]))
    verify(load_manifest("mine"))


@pytest.mark.parametrize("name", [DETECTOR, "renamed by the browser (1)"])
def test_files_come_from_a_folder_by_name_or_by_content_and_nothing_is_fetched(
    folder: Path, tmp_path: Path, name: str
) -> None:
    near = tmp_path / "downloads"
    near.mkdir()
    (near / "0").write_bytes(b"another file")
    (near / name).write_bytes(DATA)
    with serving(status(500)) as server:
        done = install(write_manifest(folder, url=server.address()), folder=near)
        assert server.seen == []
    assert [how for _, how in done.files] == ["copied"]


def test_a_folder_without_the_file_or_with_another_of_its_name_is_said(
    folder: Path, tmp_path: Path
) -> None:
    manifest = write_manifest(folder, url="https://models.example.org/x", size=len(DATA))
    near = tmp_path / "downloads"
    near.mkdir()
    with pytest.raises(ModelFileInvalid, match="no file of that name or content") as caught:
        install(manifest, folder=near)
    assert f"{len(DATA):,} bytes" in caught.value.what
    (near / DETECTOR).write_bytes(DATA[:-1] + b"x")
    with pytest.raises(ModelFileInvalid, match="is another: its content differs"):
        install(manifest, folder=near)
    with pytest.raises(UsageError, match="no folder"):
        install(manifest, folder=near / "none")
    assert "packs/mine.toml" not in _files()


def test_a_file_that_is_nowhere_is_said(folder: Path) -> None:
    with pytest.raises(ModelFileInvalid, match="does not say where to get it"):
        install(write_manifest(folder))
    (folder / DETECTOR).write_bytes(b"another")
    with pytest.raises(ModelFileInvalid, match="does not say where to get it"):
        install(write_manifest(folder))


def test_a_licence_with_conditions_is_asked_for_before_a_byte_is_fetched(folder: Path) -> None:
    with serving(good(DATA)) as server:
        manifest = write_manifest(folder, url=server.address(), licence="CC-BY-NC-SA-4.0")
        with pytest.raises(Refused, match=r"licensed under CC-BY-NC-SA-4\.0") as caught:
            install(manifest)
        assert caught.value.fix.endswith(
            f"likeness models install {manifest} --accept-licence CC-BY-NC-SA-4.0"
        )
        with pytest.raises(Refused):
            install(manifest, accepted=frozenset({"CC-BY-4.0"}))
        assert server.seen == [] and _files() == set()
        install(manifest, accepted=frozenset({"cc-by-nc-sa-4.0", "MIT"}))
        record = json.loads((models_folder() / "installed.json").read_text())
        assert list(record["packs"]) == ["mine"]
        assert set(record["packs"]["mine"]) == {"at", "accepted"}
        assert list(record["packs"]["mine"]["accepted"]) == ["cc-by-nc-sa-4.0"]
        assert known_pack("mine").to_accept == ()
        install("mine")
        remove("mine")
        with pytest.raises(Refused, match=r"CC-BY-NC-SA-4\.0"):
            install(manifest)


def test_the_licence_of_a_single_file_counts_too(folder: Path) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    manifest = write_manifest(folder, licence="MIT")
    text = manifest.read_text().replace(
        'kind = "dlib-mmod"', 'kind = "dlib-mmod"\nlicence = "only friends"'
    )
    manifest.write_text(text)
    with pytest.raises(Refused, match="--accept-licence 'only friends'"):
        install(manifest)
    install(manifest, accepted=frozenset({"only friends"}))


def test_the_name_of_another_pack_is_not_taken(folder: Path) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    with pytest.raises(Refused, match="'dlib' is that of a pack that comes with Likeness"):
        install(write_manifest(folder, "dlib"))
    manifest = write_manifest(folder)
    install(manifest)
    manifest.write_text(manifest.read_text().replace("summary = ", 'summary = "New words. " #'))
    install(manifest)
    assert load_manifest("mine").summary == "New words. "
    manifest.write_text(manifest.read_text().replace("chip = 150", "chip = 160"))
    with pytest.raises(Refused, match="likeness models remove mine"):
        install(manifest)
    assert load_manifest("mine").preprocessing.chip == 150


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"path": "../up.dat"}, "path has to stay inside its folder"),
        ({"path": "/etc/passwd"}, "path has to stay inside its folder"),
        ({"path": "a/.part"}, "in a way that cannot be kept"),
        ({"path": "a\\..\\b"}, "in a way that cannot be kept"),
        ({"path": "a\nb"}, "in a way that cannot be kept"),
        ({"path": "x" * 300}, "in a way that cannot be kept"),
        ({"size": 2**40}, "would have 1,099,511,627,776 bytes"),
        ({"size": 0}, "size has to be a whole number"),
        ({"url": "http://models.example.org/x"}, "starts with http://"),
        ({"url": "https://name:word@models.example.org/x"}, "carries a user name or a password"),
        ({"url": "ftp://models.example.org/x"}, "url has to be an address"),
        ({"url": "file:///etc/passwd"}, "url has to be an address"),
    ],
)
def test_a_hostile_manifest_is_refused_and_leaves_nothing(
    folder: Path, fields: dict[str, object], why: str
) -> None:
    manifest = write_manifest(folder, **fields)
    with pytest.raises(ModelFileInvalid, match=why) as caught:
        install(manifest)
    assert "word@" not in str(caught.value)
    assert _files() == set()


def test_a_manifest_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(ModelFileInvalid, match="cannot be read"):
        install(folder / "none.toml")
    (folder / "big.toml").write_bytes(b"#" * 2_000_000)
    with pytest.raises(ModelFileInvalid, match="larger than"):
        install(folder / "big.toml")
    with pytest.raises(UsageError, match="no model pack 'nonesuch'"):
        install("nonesuch")


def test_a_pack_that_does_not_load_is_not_kept(folder: Path) -> None:
    (folder / DETECTOR).write_bytes(b"no network at all")
    manifest = write_manifest(folder, data=b"no network at all")
    with pytest.raises(ModelFileInvalid):
        install(manifest)
    assert "packs/mine.toml" not in _files() and "installed.json" not in _files()


def test_verifying_names_the_file_that_is_damaged_or_gone_and_installing_mends_it(
    folder: Path,
) -> None:
    with serving(good(DATA)) as server:
        pack = install(write_manifest(folder, url=server.address(), size=len(DATA))).pack
        verify(pack)
        _stored(pack).write_bytes(DATA[:-1] + b"x")
        with pytest.raises(NotVerified, match=DETECTOR) as caught:
            verify(pack)
        assert caught.value.fix == "Install it again: likeness models install mine"
        assert [how for _, how in install("mine").files] == ["downloaded"]
        verify(pack)
        _stored(pack).unlink()
        with pytest.raises(NotVerified, match=DETECTOR):
            verify(pack)
        assert not known_pack("mine").installed and known_pack("mine").download == len(DATA)
        install("mine")
        verify(pack)


def test_the_pack_that_needs_no_download_verifies_and_installs_as_it_is() -> None:
    assert install("dlib").files == ()
    verify(load_manifest("dlib"))
    with pytest.raises(Refused, match="needs no download"):
        remove("dlib")


def test_removing_keeps_what_another_pack_needs(folder: Path) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    pack = install(write_manifest(folder, "one")).pack
    install(write_manifest(folder, "two"))
    done = remove("one")
    assert (done.deleted, done.kept, done.freed) == ((), (DETECTOR,), 0)
    verify(load_manifest("two"))
    with pytest.raises(NotFound, match="no model pack 'one'"):
        remove("one")
    done = remove("two")
    assert (done.deleted, done.kept, done.freed) == ((DETECTOR,), (), len(DATA))
    assert not _stored(pack).parent.exists()
    assert installed_packs() == {} and _files() == {"installed.json"}


def test_the_pack_of_a_library_stays_and_so_do_its_files(folder: Path) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    install(write_manifest(folder, "one"))
    by_path = write_manifest(folder, "used")
    for in_use in ("one", str(manifest_place("one"))):
        with pytest.raises(Refused, match="uses the model pack 'one'"):
            remove("one", in_use=in_use)
    assert remove("one", in_use=str(by_path)).kept == (DETECTOR,)


def test_what_a_broken_download_left_is_removed_too(folder: Path) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    pack = install(write_manifest(folder)).pack
    _stored(pack).rename(_stored(pack).with_name(".part"))
    assert remove("mine").freed == len(DATA)
    assert not _stored(pack).parent.exists()


def test_a_pack_that_comes_with_likeness_and_is_not_here_cannot_be_removed() -> None:
    for name in shipped_manifests():
        if known_pack(name).needs_download and not known_pack(name).installed:
            with pytest.raises(NotFound, match="is not installed"):
                remove(name)


def test_a_manifest_that_became_unusable_is_listed_and_can_be_removed(folder: Path) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    install(write_manifest(folder))
    manifest_place("mine").write_text("name = 1")
    found, unusable = known_packs()
    assert "mine" not in [known.pack.name for known in found]
    assert [one.name for one in unusable] == ["mine"] and "name" in unusable[0].problem
    remove("mine")
    assert known_packs()[1] == []


def test_a_damaged_record_is_said() -> None:
    models_folder().mkdir()
    (models_folder() / "installed.json").write_text('{"packs": []}')
    with pytest.raises(StorageError, match="is damaged"):
        known_packs()


def test_a_models_folder_that_cannot_be_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / DETECTOR).write_bytes(DATA)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LIKENESS_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(StorageError, match="cannot be used") as caught:
        install(write_manifest(folder))
    assert "LIKENESS_MODELS" in caught.value.fix


def test_a_failed_download_leaves_the_pack_as_it_was(folder: Path) -> None:
    with serving(good(DATA, breaks_after=5000), status(404)) as server:
        manifest = write_manifest(folder, url=server.address(), size=len(DATA))
        with pytest.raises(DownloadFailed):
            install(manifest, patience=QUICK)
    assert {Path(name).name for name in _files()} == {".part", ".part-version"}


def _slowly(handler: Handler) -> None:
    """The file, some of it every few milliseconds."""
    start = int(handler.headers.get("Range", "bytes=0-")[len("bytes=") : -1])
    span = {"content_range": f"bytes {start}-{len(DATA) - 1}/{len(DATA)}"} if start else {}
    handler.head(206 if start else 200, content_length=str(len(DATA) - start), **span)
    for at in range(start, len(DATA), 20_000):
        handler.wfile.write(DATA[at : at + 20_000])
        time.sleep(0.01)


def _installing(manifest: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(PROCESS), str(manifest)], stdout=subprocess.PIPE, text=True
    )


def test_a_killed_download_goes_on_where_it_was(folder: Path) -> None:
    with serving(_slowly) as server:
        manifest = write_manifest(folder, url=server.address(), size=len(DATA))
        with _installing(manifest) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if int(line.split()[1]) > len(DATA) // 3:
                    break
            process.kill()
        held = (_stored(load_manifest(manifest)).parent / ".part").stat().st_size
        assert 0 < held < len(DATA) and "packs/mine.toml" not in _files()
        install(manifest)
        assert server.ranges() == [None, f"bytes={held}-"]
    verify(load_manifest("mine"))


def test_two_processes_that_install_at_once_take_turns(folder: Path) -> None:
    with serving(_slowly) as server:
        manifest = write_manifest(folder, url=server.address(), size=len(DATA))
        with _installing(manifest) as one, _installing(manifest) as other:
            said = [process.communicate(timeout=60)[0] for process in (one, other)]
        assert [process.returncode for process in (one, other)] == [0, 0]
        assert len(server.seen) == 1
    assert any("Waiting for another process" in text for text in said)
    verify(load_manifest("mine"))
