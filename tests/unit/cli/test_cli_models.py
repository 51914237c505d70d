"""The commands about model packs say what there is, what it costs, and what to do."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from cli_runs import run
from json_shapes import faults, schema_of
from model_server import good, serving
from own_packs import DETECTOR, detector, write_manifest

from likeness.cli import models, progress
from likeness.cli.pack_lines import in_megabytes, install_command
from likeness.faces.install import WAITING
from likeness.faces.known_packs import SUITS, known_pack, known_packs
from likeness.faces.pack_store import stored_file
from likeness.faces.packs import load_manifest, shipped_manifests
from likeness.library import Library

DATA = detector()


@pytest.fixture(autouse=True)
def _own_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIKENESS_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A manifest of one's own, its file beside it."""
    (tmp_path / DETECTOR).write_bytes(DATA)
    return write_manifest(tmp_path)


def test_the_list_names_every_pack_with_its_licence_size_and_command(manifest: Path) -> None:
    assert run("models", "install", manifest).code == 0
    ran = run("models", "list", "--json")
    assert ran.code == 0 and faults(ran.answer, schema_of("models.list")) == []
    packs = {pack["name"]: pack for pack in ran.answer["packs"]}
    assert list(packs) == [*shipped_manifests(), "mine"]
    assert packs["dlib"]["installed"] and packs["dlib"]["get"] is None
    assert packs["mine"]["installed"] and not packs["mine"]["built_in"]
    plain = run("models", "list").text
    for name, pack in packs.items():
        assert f"\n{name}: " in f"\n{plain}"
        if not pack["installed"]:
            assert pack["get"].startswith(f"likeness models install {name}")
            assert f"Get it: {pack['get']}" in plain
            assert pack["download"] is None or pack["download"] > 0
        allowed = "for any use" if pack["commercial_use"] else "not for commercial use"
        assert f"Licence: {pack['licence']}, {allowed}" in plain


def test_the_packs_to_begin_with_exist_and_are_for_their_use() -> None:
    assert set(SUITS) == {"private", "commercial"}
    for use, name in SUITS.items():
        known = known_pack(name)
        assert known.built_in and use in known.suits
    assert known_pack(SUITS["commercial"]).pack.commercial_use
    said = run("models", "list").text.splitlines()[-2:]
    assert said[0].startswith(f"For any use, {SUITS['commercial']}: ")
    assert said[1].startswith(f"For private use, {SUITS['private']}: ")
    assert install_command(known_pack(SUITS["private"])) in said[1]


def test_each_pack_that_comes_with_likeness_can_be_had_and_says_enough() -> None:
    found, unusable = known_packs()
    assert unusable == []
    for known in found:
        assert known.pack.summary and known.pack.training_data
        for file in known.pack.files:
            assert file.package or file.urls


def test_a_pack_is_shown_with_all_that_is_known_of_it() -> None:
    for name in shipped_manifests():
        ran = run("models", "show", name, "--json")
        assert ran.code == 0 and faults(ran.answer, schema_of("models.show")) == []
        text = run("models", "show", name).text
        for file in ran.answer["files"]:
            assert file["sha256"] in text
            for address in file["addresses"]:
                assert address in text
        assert load_manifest(name).fingerprint in text


def test_a_pack_that_is_not_there_is_named() -> None:
    for command in ("show", "verify", "remove"):
        ran = run("models", command, "nonesuch")
        assert ran.code == 4 and "no model pack 'nonesuch'" in ran.err


def test_installing_says_what_came_and_what_holds(tmp_path: Path) -> None:
    with serving(good(DATA)) as server:
        manifest = write_manifest(tmp_path, url=server.address(), size=len(DATA))
        ran = run("models", "install", manifest, "--json")
        assert ran.code == 0 and faults(ran.answer, schema_of("models.install")) == []
        assert [file["how"] for file in ran.answer["files"]] == ["downloaded"]
        assert run("models", "install", "mine", "--json").answer["files"][0]["how"] == "here"
    assert "Installed mine; every file" in run("models", "install", "mine").text


def test_a_licence_is_accepted_by_the_command_that_the_refusal_names(tmp_path: Path) -> None:
    (tmp_path / DETECTOR).write_bytes(DATA)
    write_manifest(tmp_path, licence="CC-BY-NC-SA-4.0")
    ran = run("models", "install", "mine.toml")
    assert ran.code == 3 and ran.out == b""
    command = ran.err.rpartition("likeness ")[2].split()
    assert command == ["models", "install", "mine.toml", "--accept-licence", "CC-BY-NC-SA-4.0"]
    assert run(*command).code == 0


def test_files_are_taken_from_a_folder(tmp_path: Path, manifest: Path) -> None:
    near = tmp_path / "near"
    near.mkdir()
    ran = run("models", "install", manifest, "--from", near / "none")
    assert ran.code == 2 and "no folder" in ran.err
    (tmp_path / DETECTOR).rename(near / DETECTOR)
    assert run("models", "install", manifest, "--from", near).code == 0


def test_the_pack_of_a_file_at_hand_is_installed_for_real(eval_photos: Path) -> None:
    if not (eval_photos / "packs" / "face_detection_yunet_2023mar.onnx").is_file():
        pytest.skip("no model files beside the evaluation photos")
    ran = run("models", "install", "yunet-dlib", "--from", eval_photos / "packs", "--json")
    assert ran.code == 0 and [file["how"] for file in ran.answer["files"]] == ["copied"]
    assert run("models", "verify", "yunet-dlib").code == 0


def test_verifying_exits_5_where_a_file_is_not_what_it_should_be(manifest: Path) -> None:
    assert run("models", "install", manifest).code == 0
    ran = run("models", "verify", "--json")
    assert ran.code == 0 and faults(ran.answer, schema_of("models.verify")) == []
    assert [pack["pack"] for pack in ran.answer["packs"]] == ["dlib", "mine"]
    file = load_manifest("mine").file("detector")
    stored_file(file.sha256, file.name).write_bytes(DATA[1:])
    ran = run("models", "verify", "--json")
    assert ran.code == 5
    assert [pack["verified"] for pack in ran.answer["packs"]] == [True, False]
    assert DETECTOR in ran.answer["packs"][1]["problem"]
    ran = run("models", "verify", "mine")
    assert ran.code == 5
    assert "mine: not verified" in ran.text
    assert "likeness models install mine --from DIR" in ran.text


def test_removing_says_what_went_and_refuses_while_the_library_uses_it(
    tmp_path: Path, manifest: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("models", "install", manifest).code == 0
    Library.create(tmp_path / "library", keyring=tmp_path / "keys", pack="mine").close()
    for words in (("--library", tmp_path / "library"), ()):
        monkeypatch.setenv("LIKENESS_LIBRARY", "" if words else str(tmp_path / "library"))
        ran = run("models", "remove", "mine", *words)
        assert ran.code == 3 and "The library uses the model pack 'mine'" in ran.err
    monkeypatch.delenv("LIKENESS_LIBRARY")
    assert run("models", "remove", "mine", "--library", tmp_path / "none").code == 6
    ran = run("models", "remove", "mine", "--json")
    assert ran.code == 0 and faults(ran.answer, schema_of("models.remove")) == []
    assert ran.answer["deleted"] == [DETECTOR] and ran.answer["freed"] == len(DATA)


def test_files_of_a_manifest_that_a_library_uses_by_its_path_are_kept(
    tmp_path: Path, manifest: Path
) -> None:
    assert run("models", "install", manifest).code == 0
    (tmp_path / DETECTOR).unlink()
    other = write_manifest(tmp_path, "other")
    library = ("--library", tmp_path / "library")
    Library.create(tmp_path / "library", keyring=tmp_path / "keys", pack=str(other)).close()
    answer = run("models", "remove", "mine", *library, "--json").answer
    assert answer["kept"] == [DETECTOR] and answer["deleted"] == []


def test_removing_says_what_another_pack_still_needs(tmp_path: Path, manifest: Path) -> None:
    assert run("models", "install", manifest).code == 0
    assert run("models", "install", write_manifest(tmp_path, "other")).code == 0
    text = run("models", "remove", "other").text
    assert "Removed other: 0 kB are free again." in text
    assert f"another pack needs it: {DETECTOR}" in text
    assert run("models", "remove", "dlib").code == 3


def test_a_manifest_that_became_unusable_is_said_by_list_and_verify(manifest: Path) -> None:
    assert run("models", "install", manifest).code == 0
    kept = Path("models") / "packs" / "mine.toml"
    kept.write_text(kept.read_text().replace("mirror = true", "mirror = 1"))
    listed = run("models", "list", "--json")
    assert listed.code == 0 and faults(listed.answer, schema_of("models.list")) == []
    assert "mirror" in listed.answer["unusable"][0]["problem"]
    assert "mine: cannot be used." in run("models", "list").text
    assert run("models", "verify").code == 5


def test_how_far_a_download_is_goes_to_standard_error(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(progress.sys, "stderr", out)
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 1e-9)
    with models._heard() as listen:
        listen("a.onnx", 0, 2_000_000)
        listen("a.onnx", 1_500_000, 2_000_000)
        listen(WAITING, 0, None)
        listen(WAITING, 0, None)
    assert "a.onnx, kB: 1,500 of 2,000" in out.getvalue()
    assert f"{WAITING}: 0" in out.getvalue()


def test_sizes_are_for_people() -> None:
    assert in_megabytes(232_589) == "233 kB"
    assert in_megabytes(38_928_942) == "38.9 MB"


def test_making_a_library_says_which_pack_it_uses_and_how_to_get_a_better_one(
    tmp_path: Path,
) -> None:
    ran = run("init", tmp_path / "library", "--keyring", tmp_path / "keys")
    lines = ran.text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("Model pack: dlib."))
    assert "likeness models list" in lines[at]
    assert install_command(known_pack(SUITS["commercial"])) in lines[at + 1]
    assert install_command(known_pack(SUITS["private"])) in lines[at + 2]
    assert lines[at + 3] == "Next: likeness collection create NAME"


def test_a_size_that_no_manifest_says_is_not_made_up(tmp_path: Path) -> None:
    (tmp_path / DETECTOR).write_bytes(DATA)
    assert run("models", "install", write_manifest(tmp_path)).code == 0
    file = load_manifest("mine").file("detector")
    stored_file(file.sha256, file.name).unlink()
    (pack,) = [p for p in run("models", "list", "--json").answer["packs"] if p["name"] == "mine"]
    assert not pack["installed"] and pack["download"] is None
    assert "Download: a file whose size its manifest does not say" in run("models", "list").text
