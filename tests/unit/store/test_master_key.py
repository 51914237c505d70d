from __future__ import annotations

import base64
import copy
import os
import pickle
from pathlib import Path

import pytest

from likeness.errors import LibraryExists, LibraryMissing, StorageError, UsageError
from likeness.store.master_key import MASTER_KEY_VARIABLE, MasterKey


def same(one: MasterKey, other: MasterKey) -> bool:
    sealed = one.envelope.seal(b"check", context="test")
    try:
        return other.envelope.unseal(sealed, context="test") == b"check"
    except StorageError:
        return False


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_a_new_master_key_can_be_loaded_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    made = MasterKey.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(base64.b64decode(path.read_bytes())) == 32
    assert same(made, MasterKey.load(keyring_dir=tmp_path, environ={}))
    assert not same(made, MasterKey.create(tmp_path / "other.key"))


def test_a_master_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    MasterKey.create(path)
    before = path.read_bytes()
    with pytest.raises(LibraryExists):
        MasterKey.create(path)
    assert path.read_bytes() == before


def test_a_path_goes_before_the_environment_and_that_before_the_keyrings_folder(
    tmp_path: Path,
) -> None:
    given = MasterKey.create(tmp_path / "given.key")
    named = MasterKey.create(tmp_path / "named.key")
    beside = MasterKey.create(tmp_path / "master.key")
    environ = {MASTER_KEY_VARIABLE: str(tmp_path / "named.key")}
    found = MasterKey.load(tmp_path / "given.key", keyring_dir=tmp_path, environ=environ)
    assert same(found, given)
    assert same(MasterKey.load(keyring_dir=tmp_path, environ=environ), named)
    assert same(MasterKey.load(keyring_dir=tmp_path, environ={}), beside)
    assert same(MasterKey.load(keyring_dir=tmp_path, environ={MASTER_KEY_VARIABLE: ""}), beside)


def test_the_environment_is_read_when_the_key_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = MasterKey.create(tmp_path / "named.key")
    monkeypatch.setenv(MASTER_KEY_VARIABLE, str(tmp_path / "named.key"))
    assert same(MasterKey.load(keyring_dir=tmp_path / "elsewhere"), named)


def test_a_key_is_made_beside_the_keyring_only_where_no_file_was_named(tmp_path: Path) -> None:
    made = MasterKey.load_or_create(keyring_dir=tmp_path, environ={})
    assert same(made, MasterKey.load_or_create(keyring_dir=tmp_path, environ={}))
    environ = {MASTER_KEY_VARIABLE: str(tmp_path / "slip.key")}
    with pytest.raises(LibraryMissing, match=r"slip\.key"):
        MasterKey.load_or_create(keyring_dir=tmp_path, environ=environ)
    with pytest.raises(LibraryMissing):
        MasterKey.load_or_create(tmp_path / "slip.key", keyring_dir=tmp_path, environ={})
    assert not (tmp_path / "slip.key").exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_master_key_that_others_can_reach_is_refused_with_advice(
    tmp_path: Path, mode: int
) -> None:
    path = tmp_path / "master.key"
    MasterKey.create(path)
    path.chmod(mode)
    with pytest.raises(StorageError, match="chmod 600"):
        MasterKey.load(keyring_dir=tmp_path, environ={})


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        base64.b64encode(bytes(31)),
        base64.b64encode(bytes(33)),
        base64.b64encode(bytes(32))[:-1],
        b"!" + base64.b64encode(bytes(32)),
        bytes(32),
        b"A" * 5000,
    ],
)
def test_a_file_that_is_no_master_key_is_refused_without_being_shown(
    tmp_path: Path, content: bytes
) -> None:
    path = written(tmp_path / "master.key", content)
    with pytest.raises(StorageError, match="not a master key") as caught:
        MasterKey.load(keyring_dir=tmp_path, environ={})
    shown = content.decode("latin-1").strip()
    assert not shown or shown not in str(caught.value)
    assert path.read_bytes() == content


def test_a_folder_or_a_pipe_is_no_master_key(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (tmp_path, pipe):
        with pytest.raises(StorageError, match="regular file"):
            MasterKey.load(path, keyring_dir=tmp_path, environ={})


def test_a_missing_master_key_is_named(tmp_path: Path) -> None:
    with pytest.raises(LibraryMissing, match=r"master\.key"):
        MasterKey.load(keyring_dir=tmp_path, environ={})


def test_a_key_that_cannot_be_written_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        MasterKey.create(tmp_path / "missing" / "master.key")


def test_a_master_key_is_not_shown_and_not_pickled() -> None:
    secret = b"0123456789abcdef0123456789abcdef"
    master = MasterKey(secret)
    assert repr(master) == str(master) == "MasterKey(hidden)"
    for take in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            take(master)


def test_a_secret_of_another_length_is_refused() -> None:
    with pytest.raises(UsageError):
        MasterKey(bytes(16))
