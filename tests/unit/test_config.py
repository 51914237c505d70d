"""Settings of a library: read back as written, and named where they are off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.config import Settings, default_keyring_dir, read_settings, write_settings
from likeness.errors import BadInput, LibraryMissing
from likeness.records.photo import ReadLimits

LIBRARY_ID = "0123456789abcdef"
GOOD = f'library_id = "{LIBRARY_ID}"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    folder.mkdir()
    return folder


def written(folder: Path, text: str) -> Path:
    (folder / "library.toml").write_text(text, encoding="utf-8")
    return folder


def settings(folder: Path, **other: object) -> Settings:
    chosen = Settings(
        path=folder, library_id=LIBRARY_ID, pack="dlib", keyring_dir=folder.parent / "keys"
    )
    return replace(chosen, **other)  # type: ignore[arg-type]


def test_settings_are_read_back_as_they_were_written(folder: Path) -> None:
    write_settings(settings(folder), keyring_chosen=True)
    assert read_settings(folder) == settings(folder)


def test_a_keyring_that_nobody_chose_is_not_written_down(folder: Path, tmp_path: Path) -> None:
    write_settings(settings(folder), keyring_chosen=False)
    assert "keys" not in (folder / "library.toml").read_text()
    environ = {"LIKENESS_KEYRINGS": str(tmp_path / "elsewhere")}
    assert read_settings(folder, environ).keyring_dir == tmp_path / "elsewhere" / LIBRARY_ID


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=40))
def test_a_keyring_folder_of_any_name_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    folder = tmp_path_factory.mktemp("library")
    kept = settings(folder, keyring_dir=folder.parent / f"k{name}")
    write_settings(kept, keyring_chosen=True)
    assert read_settings(folder) == kept


def test_what_is_not_said_is_as_documented(folder: Path) -> None:
    read = read_settings(written(folder, GOOD))
    assert (read.pack, read.detection_side, read.searches_a_minute) == ("dlib", 1600, 120)
    assert read.preview_side == 800
    assert read.limits == ReadLimits(max_bytes=100_000_000, max_pixels=100_000_000, seconds=30.0)
    assert read.database == folder / "library.sqlite3"
    assert read.keyring == read.keyring_dir / "keyring.sqlite3"


def test_every_setting_is_taken_over(folder: Path) -> None:
    text = (
        'pack = "other"\nkeyring = "/srv/keys"\nmax_bytes = 2048\nmax_pixels = 20000\n'
        "decode_seconds = 7\ndetection_side = 320\nsearches_a_minute = 3\npreview_side = 0\n"
    )
    read = read_settings(written(folder, GOOD + text))
    assert (read.pack, read.keyring_dir) == ("other", Path("/srv/keys"))
    assert read.limits == ReadLimits(max_bytes=2048, max_pixels=20_000, seconds=7.0)
    assert (read.detection_side, read.searches_a_minute, read.preview_side) == (320, 3, 0)


def test_a_folder_without_a_library_says_how_to_make_one(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (folder, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(LibraryMissing, match="likeness init DIR"):
            read_settings(path)


def test_settings_that_are_a_folder_are_no_library(folder: Path) -> None:
    (folder / "library.toml").mkdir()
    with pytest.raises(LibraryMissing):
        read_settings(folder)


@pytest.mark.parametrize("text", ["library_id = ", "= 3", '[a\nb = "', "a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_named_with_where_it_is_off(folder: Path, text: str) -> None:
    with pytest.raises(BadInput, match=r"library\.toml is not valid TOML: .*\(at "):
        read_settings(written(folder, text))


def test_a_file_that_is_not_text_is_named(folder: Path) -> None:
    (folder / "library.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match=r"library\.toml is not valid"):
        read_settings(folder)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "library_id = 1234567890123456",
        'library_id = ""',
        'library_id = "0123456789abcde"',
        'library_id = "0123456789abcdef0"',
        'library_id = "0123456789ABCDEF"',
        'library_id = "../../etc/passwd"',
        'library_id = "0123456789abcde\\n"',
    ],
)
def test_a_library_id_that_is_not_one_is_refused(folder: Path, line: str) -> None:
    with pytest.raises(BadInput, match=r"library\.toml has no valid library_id"):
        read_settings(written(folder, line))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("pack = 3", "pack"),
        ("pack = true", "pack"),
        ('keyring = ["/srv"]', "keyring"),
        ('max_bytes = "100"', "max_bytes"),
        ("max_bytes = 1023", "max_bytes"),
        ("max_pixels = 9999", "max_pixels"),
        ("max_pixels = 1e9", "max_pixels"),
        ("decode_seconds = 0", "decode_seconds"),
        ("decode_seconds = inf", "decode_seconds"),
        ("detection_side = 159", "detection_side"),
        ("detection_side = true", "detection_side"),
        ("searches_a_minute = 0", "searches_a_minute"),
        ("preview_side = -1", "preview_side"),
        ("searches_a_minute = -5", "searches_a_minute"),
        ("searches_a_minute = 2026-03-01", "searches_a_minute"),
    ],
)
def test_a_setting_that_is_off_is_named(folder: Path, line: str, name: str) -> None:
    with pytest.raises(BadInput, match=rf"library\.toml: {name} has to be "):
        read_settings(written(folder, f"{GOOD}{line}\n"))


@pytest.mark.parametrize("line", ["review_all = true", "[limits]", 'Pack = "dlib"', "owner = 1"])
def test_a_setting_that_does_not_exist_is_named_and_not_passed_over(
    folder: Path, line: str
) -> None:
    with pytest.raises(BadInput, match="unknown setting"):
        read_settings(written(folder, f"{GOOD}{line}\n"))


@pytest.mark.parametrize(
    "keyring",
    ["", ".", "keys", "../keys", "{library}", "{library}/keys", "{link}/keys", "/keys\\u0000"],
)
def test_a_keyring_inside_the_library_or_somewhere_relative_is_refused(
    folder: Path, keyring: str
) -> None:
    """Inside it would be in every backup of the data; a relative one moves with the shell."""
    link = folder.parent / "link"
    link.symlink_to(folder)
    keyring = keyring.format(library=folder, link=link)
    with pytest.raises(BadInput, match=r"library\.toml: keyring has to be an absolute path"):
        read_settings(written(folder, f'{GOOD}keyring = "{keyring}"\n'))


def test_the_keyring_is_where_the_environment_says() -> None:
    assert default_keyring_dir(LIBRARY_ID, {"LIKENESS_KEYRINGS": "/srv/keys"}) == Path(
        "/srv/keys", LIBRARY_ID
    )
    both = {"LIKENESS_KEYRINGS": "/srv/keys", "XDG_DATA_HOME": "/srv/data"}
    assert default_keyring_dir(LIBRARY_ID, both) == Path("/srv/keys", LIBRARY_ID)
    assert default_keyring_dir(LIBRARY_ID, {"XDG_DATA_HOME": "/srv/data"}) == Path(
        "/srv/data/likeness/keyrings", LIBRARY_ID
    )


@pytest.mark.parametrize("data_home", ["", "relative/data"])
def test_without_a_data_folder_the_keyring_is_in_the_users_own(data_home: str) -> None:
    expected = Path.home() / ".local" / "share" / "likeness" / "keyrings" / LIBRARY_ID
    assert default_keyring_dir(LIBRARY_ID, {}) == expected
    assert default_keyring_dir(LIBRARY_ID, {"XDG_DATA_HOME": data_home}) == expected


def test_a_relative_keyrings_folder_is_made_absolute() -> None:
    assert default_keyring_dir(LIBRARY_ID, {"LIKENESS_KEYRINGS": "keys"}) == (
        Path.cwd() / "keys" / LIBRARY_ID
    )


def test_a_keyring_folder_whose_name_is_not_text_is_refused(folder: Path) -> None:
    named = settings(folder, keyring_dir=Path("/srv/keys-\udcff"))
    with pytest.raises(BadInput, match="not valid UTF-8"):
        write_settings(named, keyring_chosen=True)
