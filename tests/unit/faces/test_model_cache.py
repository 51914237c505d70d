"""The cache of built models."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from likeness.faces.model_cache import cache_folder, cached_model

MODEL = bytes(range(256)) * 40


class Builder:
    """Counts how often a model was built."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self) -> bytes:
        self.built += 1
        return MODEL


def test_a_model_is_built_once(tmp_path: Path) -> None:
    build = Builder()
    for _ in range(3):
        assert cached_model("m.onnx", build, folder=tmp_path / "deep" / "cache") == MODEL
    assert build.built == 1


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_model_is_built_again(tmp_path: Path, data: st.DataObject) -> None:
    build = Builder()
    cached_model("m.onnx", build, folder=tmp_path)
    path = tmp_path / "m.onnx"
    whole = path.read_bytes()
    if data.draw(st.booleans(), label="cut off"):
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    else:
        changed = bytearray(whole)
        changed[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
        path.write_bytes(bytes(changed))
    before = build.built
    assert cached_model("m.onnx", build, folder=tmp_path) == MODEL
    assert build.built == before + 1
    assert path.read_bytes() == whole


def test_no_unfinished_file_stays_behind(tmp_path: Path) -> None:
    cached_model("m.onnx", Builder(), folder=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_a_cache_that_cannot_be_written_is_said_and_does_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"not a folder")
    with caplog.at_level(logging.WARNING):
        assert cached_model("m.onnx", Builder(), folder=blocked) == MODEL
    assert "LIKENESS_CACHE" in caplog.text


def test_processes_that_build_at_once_leave_a_whole_model(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from likeness.faces.model_cache import cached_model\n"
        "for n in range(60):\n"
        "    assert cached_model('m.onnx', lambda: b'x' * 300000, folder=Path(sys.argv[1])) "
        "== b'x' * 300000\n"
        "    if n % 3 == 0: (Path(sys.argv[1]) / 'm.onnx').unlink(missing_ok=True)\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
        assert b"damaged" not in errors


def test_the_folder_is_the_one_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIKENESS_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="other systems, other folders")
def test_without_it_the_folder_is_in_the_user_s_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LIKENESS_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "likeness"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "likeness"
