"""ZIP archives as they come: parts by name, long numbers, large members, and streams that jump."""

from __future__ import annotations

import io
import os
import random
import struct
import zipfile
from pathlib import Path

import pytest
from export_archives import Raw, deflated, parts_in, raw_zip, zip_of, zip_of_empty_files
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import SourceUnreadable
from likeness.sources.exports.zip_parts import ZipParts, parts_of


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"")


@pytest.mark.parametrize(
    ("given_name", "beside", "found"),
    [
        (
            "takeout-20240131T101500Z-002.zip",
            ["takeout-20240131T101500Z-010.zip", "takeout-20240131T101500Z-001.zip"],
            [
                "takeout-20240131T101500Z-001.zip",
                "takeout-20240131T101500Z-002.zip",
                "takeout-20240131T101500Z-010.zip",
            ],
        ),
        (
            "takeout-20240131T101500Z-1-001.zip",
            ["takeout-20240131T101500Z-1-002.zip", "takeout-20240131T101500Z-2-002.zip"],
            ["takeout-20240131T101500Z-1-001.zip", "takeout-20240131T101500Z-1-002.zip"],
        ),
        (
            "facebook-a_part_9.zip",
            ["facebook-a_part_10.zip", "facebook-b_part_1.zip", "facebook-a-part1.zip"],
            ["facebook-a_part_9.zip", "facebook-a_part_10.zip"],
        ),
        (
            "twitter-x.part1.ZIP",
            ["twitter-x.part2.zip", "twitter-x.zip", "twitter-x.part2.zip.txt"],
            ["twitter-x.part1.ZIP", "twitter-x.part2.zip"],
        ),
        ("x-2024-01-31.zip", ["x-2024-01-30.zip", "x-2024-01-32.zip"], ["x-2024-01-31.zip"]),
        ("x-001.zip", ["x-002 (1).zip", "y-002.zip", "x-02.zip", "x-0002.zip"], ["x-001.zip"]),
        ("export.zip", ["export-001.zip", "export-002.zip"], ["export.zip"]),
    ],
)
def test_parts_are_found_by_the_names_that_platforms_give(
    tmp_path: Path, given_name: str, beside: list[str], found: list[str]
) -> None:
    _touch(tmp_path, given_name, *beside)
    assert [path.name for path in parts_of(tmp_path / given_name)] == found


def test_folders_and_links_beside_are_no_parts(tmp_path: Path) -> None:
    _touch(tmp_path, "x-001.zip")
    (tmp_path / "x-002.zip").mkdir()
    (tmp_path / "x-003.zip").symlink_to("x-001.zip")
    assert parts_of(tmp_path / "x-001.zip") == [tmp_path / "x-001.zip"]
    assert parts_of(tmp_path / "none/x-001.zip") == [tmp_path / "none/x-001.zip"]


def test_parts_are_one_tree_in_their_order(tmp_path: Path) -> None:
    files = {f"{number}.jpg": b"photo %d" % number for number in range(7)}
    paths = parts_in(tmp_path, files, parts=3)
    tree = ZipParts(parts_of(paths[1]))
    assert tree.address == str(paths[0].resolve())
    assert [(m.name, m.part) for m in tree.members()] == [
        (f"{number}.jpg", number % 3) for number in (0, 3, 6, 1, 4, 2, 5)
    ]
    for name, content in files.items():
        member = tree.find(name)
        assert member is not None
        assert tree.read(member, 100) == content


def test_one_broken_part_is_refused_by_its_own_name(tmp_path: Path) -> None:
    paths = parts_in(tmp_path, {"a.jpg": b"a", "b.jpg": b"b"})
    paths[1].write_bytes(paths[1].read_bytes()[:-5])
    with pytest.raises(SourceUnreadable, match=r"export-002\.zip cannot be added: it is cut short"):
        ZipParts(paths)


@pytest.mark.parametrize("count", [0, 1_001])
def test_no_parts_and_too_many_are_refused(count: int) -> None:
    with pytest.raises(SourceUnreadable):
        ZipParts(["a.zip"] * count)


def test_archives_with_comments_folders_and_nothing_in_them_are_read(tmp_path: Path) -> None:
    path = raw_zip(
        tmp_path / "a.zip",
        [Raw(name=b"folder/"), Raw(name=b"folder/a.jpg", content=b"a")],
        comment=b"PK\x05\x06 and more words",
    )
    tree = ZipParts([path])
    assert [member.name for member in tree.members()] == ["folder/a.jpg"]
    assert list(tree.problems()) == []
    assert list(ZipParts([raw_zip(tmp_path / "none.zip", [])]).members()) == []


def test_more_members_than_16_bits_count_are_read(tmp_path: Path) -> None:
    tree = ZipParts([zip_of_empty_files(tmp_path / "a.zip", "%06d.jpg", 70_000)])
    assert sum(1 for _ in tree.members()) == 70_000
    assert tree.find("069999.jpg") is not None
    assert tree.find("070000.jpg") is None


def test_members_written_by_a_stream_and_with_long_numbers_are_read(tmp_path: Path) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.jpg", "w", force_zip64=True) as file:
            file.write(b"photo " * 90)
        archive.writestr("b.jpg", b"stored", zipfile.ZIP_STORED)
    path = tmp_path / "a.zip"
    path.write_bytes(pipe.getvalue())
    tree = ZipParts([path])
    contents = [tree.read(member, 10_000) for member in tree.members()]
    assert contents == [b"photo " * 90, b"stored"]


def test_an_archive_beyond_32_bits_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    begin = 5_000_000_000
    with path.open("wb") as file:
        file.seek(begin)  # a hole: takes no room on the disk
        local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 45, 0, 0, 0, 0, 0x352441C2, 3, 3, 5, 0)
        file.write(local + b"a.jpgabc")
        list_at = file.tell()
        extra = struct.pack("<2HQ", 1, 8, begin)
        entry = (0x032D, 45, 0, 0, 0, 0, 0x352441C2, 3, 3, 5, len(extra), 0, 0, 0, 0, 0xFFFFFFFF)
        file.write(struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *entry) + b"a.jpg" + extra)
        end = file.tell()
        long_end = (44, 45, 45, 0, 0, 1, 1, end - list_at, list_at)
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", *long_end))
        file.write(struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    tree = ZipParts([path])
    (member,) = tree.members()
    assert tree.read(member, 3) == b"abc"


@settings(max_examples=30, deadline=None)
@given(
    moves=st.lists(st.tuples(st.integers(0, 12_000_000), st.integers(1, 60_000)), max_size=12),
    method=st.sampled_from([0, 8]),
)
def test_a_stream_reads_as_the_file_wherever_it_is_moved(
    large: bytes, both: ZipParts, moves: list[tuple[int, int]], method: int
) -> None:
    like = io.BytesIO(large)
    found = both.find(f"{method}.mp4")
    assert found is not None
    with both.open(found) as stream:
        for position, length in moves:
            assert stream.seek(position) == like.seek(position)
            assert stream.read(length) == like.read(length)


@pytest.fixture(scope="module")
def large() -> bytes:
    """Ten megabytes that are packed to few, and are nowhere alike."""
    words = random.Random(4).randbytes(200_000)
    return b"".join(words + b"%d" % number for number in range(50))


@pytest.fixture(scope="module")
def both(large: bytes, tmp_path_factory: pytest.TempPathFactory) -> ZipParts:
    """It, packed and as it is."""
    members = [
        Raw(name=b"0.mp4", content=large),
        Raw(name=b"8.mp4", content=large, method=8, payload=deflated(large, 1)),
    ]
    return ZipParts([raw_zip(tmp_path_factory.mktemp("both") / "a.zip", members)])


def test_going_back_in_a_long_member_does_not_unpack_it_all_again(
    large: bytes, tmp_path: Path
) -> None:
    whole = large * 4
    member = Raw(name=b"a.mp4", content=whole, method=8, payload=deflated(whole, 1))
    path = raw_zip(tmp_path / "a.zip", [member])
    tree = ZipParts([path])
    found = tree.find("a.mp4")
    assert found is not None
    end = len(whole) - 10
    with tree.open(found) as stream:
        stream.seek(end)
        stream.read(10)
        # As a player does that goes from frame to frame: without marks 4 GB, and refused.
        for _ in range(100):
            stream.seek(end - 200_000)
            assert len(stream.read(10)) == 10
            stream.seek(end)
            assert len(stream.read(10)) == 10


def test_a_stream_refuses_positions_that_are_none(tmp_path: Path) -> None:
    tree = ZipParts([zip_of(tmp_path / "a.zip", {"a.jpg": b"abc"})])
    member = tree.find("a.jpg")
    assert member is not None
    with tree.open(member) as stream:
        with pytest.raises(ValueError, match="position"):
            stream.seek(-1)
        assert stream.seek(0, os.SEEK_END) == 3
    with pytest.raises(ValueError):
        stream.read()
