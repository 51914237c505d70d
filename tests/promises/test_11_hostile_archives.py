"""Promise 11, archives: none can crash, stall, fill or reach out from the service.

What is listed here is written to the byte by `export_archives.raw_zip`; no honest program would.
"""

from __future__ import annotations

import os
import stat
import struct
import subprocess
import sys
import tempfile
import textwrap
import time
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from export_archives import (
    MOMENT,
    Raw,
    deflated,
    folder_of,
    parts_in,
    raw_zip,
    zip_of,
    zip_of_empty_files,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import PhotoUnreadable, SourceUnreadable
from likeness.sources.base import item_of
from likeness.sources.exports.folder_tree import FolderTree
from likeness.sources.exports.tree import ExportTree
from likeness.sources.exports.zip_parts import ZipParts

_LIMIT = 50_000_000
_PHOTO = b"photo " * 100


def _names(tree: ExportTree) -> list[str]:
    return [member.name for member in tree.members()]


def _read(tree: ExportTree, name: str, limit: int = _LIMIT) -> bytes:
    member = tree.find(name)
    assert member is not None
    return tree.read(member, limit)


def _reason(tree: ExportTree, name: str, limit: int = _LIMIT) -> str:
    with pytest.raises(PhotoUnreadable) as raised:
        _read(tree, name, limit)
    assert raised.value.fix
    return raised.value.reason


def _one(tmp_path: Path, *members: Raw) -> ZipParts:
    return ZipParts([raw_zip(tmp_path / "export.zip", members)])


@pytest.mark.parametrize(
    "name",
    [
        b"../outside.jpg",
        b"a/../../outside.jpg",
        b"a/..",
        b"/etc/outside.jpg",
        b"//server/share/outside.jpg",
        b"C:/outside.jpg",
        b"c:outside.jpg",
        b"C:\\outside.jpg",
        b"..\\outside.jpg",
        b"a\\b.jpg",
        b"./a.jpg",
        b"a//b.jpg",
        b"a/./b.jpg",
        b"a.jpg\0.txt",
        b"",
        b"/",
    ],
)
def test_paths_that_lead_out_are_left_out_with_the_reason(tmp_path: Path, name: bytes) -> None:
    tree = _one(tmp_path, Raw(name=name, content=_PHOTO), Raw(name=b"b.jpg", content=_PHOTO))
    assert _names(tree) == ["b.jpg"]
    assert list(tree.problems()) == [(item_of(name.decode()), "unsafe path in the archive")]
    assert tree.find(name.decode()) is None


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (Raw(name=b"a.jpg", content=b"/etc/passwd", mode=0o120777), "symbolic link"),
        (Raw(name=b"a.jpg", mode=stat.S_IFIFO | 0o644), "not a regular file"),
        (Raw(name=b"a.jpg", mode=stat.S_IFCHR | 0o644), "not a regular file"),
        (Raw(name=b"a.jpg", content=_PHOTO, flags=0x0001), "encrypted"),
        (Raw(name=b"a.jpg", content=_PHOTO, flags=0x0040), "encrypted"),
        (Raw(name=b"a.jpg", content=_PHOTO, flags=0x2000), "encrypted"),
        (Raw(name=b"a.jpg", content=_PHOTO, method=9), "compression that is not read"),
        (Raw(name=b"a.jpg", content=_PHOTO, method=12), "compression that is not read"),
        (Raw(name=b"a.jpg", content=_PHOTO, method=0xFFFF), "compression that is not read"),
        (Raw(name=b"a.jpg", content=_PHOTO, size=10), "damaged"),
        (Raw(name=b"a.jpg", content=_PHOTO, packed=2_000_000, size=2_000_000), "damaged"),
        (Raw(name=b"a.jpg", content=_PHOTO, size=0xFFFFFFFF), "damaged"),
    ],
)
def test_what_is_no_plain_file_is_left_out_with_the_reason(
    tmp_path: Path, member: Raw, reason: str
) -> None:
    # In front, so that nothing else stands where a lying length leads.
    tree = _one(tmp_path, Raw(name=b"b.jpg", content=_PHOTO), member)
    assert _names(tree) == ["b.jpg"]
    assert list(tree.problems()) == [("a.jpg", reason)]
    assert _read(tree, "b.jpg") == _PHOTO


def test_a_name_without_end_is_left_out_and_cut_where_it_is_told(tmp_path: Path) -> None:
    tree = _one(tmp_path, Raw(name=b"x" * 60_000 + b".jpg", content=_PHOTO))
    ((item, reason),) = tree.problems()
    assert (len(item), reason, _names(tree)) == (1_024, "name too long", [])


def test_a_bomb_by_its_ratio_is_left_out(tmp_path: Path) -> None:
    bomb = deflated(bytes(20_000_000), 9)
    assert len(bomb) < 25_000
    tree = _one(tmp_path, Raw(name=b"a.jpg", payload=bomb, method=8, size=20_000_000))
    assert list(tree.problems()) == [("a.jpg", "packed too tightly to be genuine")]


def test_a_bomb_that_understates_its_size_is_stopped_at_what_it_states(tmp_path: Path) -> None:
    bomb = deflated(bytes(200_000_000), 9)
    tree = _one(tmp_path, Raw(name=b"a.jpg", payload=bomb, method=8, size=500_000, crc=0))
    before = time.process_time()
    assert _reason(tree, "a.jpg") == "damaged"
    assert time.process_time() - before < 0.5


def test_a_photo_over_the_limit_is_not_unpacked(tmp_path: Path) -> None:
    content = os.urandom(300_000) * 3
    tree = _one(tmp_path, Raw(name=b"a.jpg", content=content, method=8))
    assert _reason(tree, "a.jpg", len(content) - 1) == "too large"
    assert _read(tree, "a.jpg", len(content)) == content


def test_members_that_quote_one_header_are_all_left_out(tmp_path: Path) -> None:
    kernel = deflated(bytes(900_000), 9)
    quoted = [
        Raw(name=b"%d.jpg" % n, payload=kernel, method=8, size=900_000, at=0) for n in range(1, 500)
    ]
    first = Raw(name=b"0.jpg", payload=kernel, method=8, size=900_000)
    tree = _one(tmp_path, first, *quoted)
    assert _names(tree) == []
    reasons = {reason for _, reason in tree.problems()}
    assert reasons == {"overlaps another file of the archive"}
    assert len(list(tree.problems())) == 500


def test_members_inside_a_member_are_left_out_with_it(tmp_path: Path) -> None:
    inner = b"PK\x03\x04" + bytes(26) + b"inner"
    outer = Raw(name=b"outer.jpg", content=inner * 10)
    path = raw_zip(tmp_path / "export.zip", [outer, Raw(name=b"after.jpg", content=_PHOTO)])
    data = bytearray(path.read_bytes())
    # The entry of after.jpg is made to point into outer.jpg.
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 42 : entry + 46] = struct.pack("<L", 60)
    path.write_bytes(data)
    tree = ZipParts([path])
    assert _names(tree) == []
    assert {item for item, _ in tree.problems()} == {"outer.jpg", "after.jpg"}


def test_a_header_that_says_otherwise_than_the_list_is_not_read(tmp_path: Path) -> None:
    tree = _one(
        tmp_path,
        Raw(name=b"a.jpg", content=_PHOTO, local_name=b"b.png"),
        Raw(name=b"c.jpg", content=_PHOTO, local_name=b"c.jpg" + b"x" * 50_000),
        Raw(name=b"d.jpg", content=_PHOTO),
    )
    assert _reason(tree, "a.jpg") == "damaged"
    assert _reason(tree, "c.jpg") == "damaged"
    assert _read(tree, "d.jpg") == _PHOTO


def test_a_member_that_begins_later_than_it_may_is_not_read(tmp_path: Path) -> None:
    members = [Raw(name=b"%d.jpg" % n, content=b"%d" % n * 300) for n in range(2)]
    path = raw_zip(tmp_path / "export.zip", [*members, Raw(name=b"2.jpg", at=0)])
    data = bytearray(path.read_bytes())
    # One entry lies beyond the list of files.
    data[-22 - 5 - 4 : -22 - 5] = struct.pack("<L", len(data) + 1_000)
    headers = [number * (30 + 5 + 300) for number in range(2)]
    for header in headers:
        # It claims 60 bytes more, so that its member ends in what comes behind.
        data[header + 28 : header + 30] = struct.pack("<H", 60)
    entry = -1
    for header in headers:
        # And the checksum is right for that.
        begin = header + 30 + 5 + 60
        entry = data.index(b"PK\x01\x02", entry + 1)
        crc = zlib.crc32(data[begin : begin + 300])
        data[entry + 16 : entry + 20] = struct.pack("<L", crc)
    path.write_bytes(data)
    tree = ZipParts([path])
    assert list(tree.problems()) == [("2.jpg", "damaged")]
    assert _reason(tree, "0.jpg") == "damaged"
    assert _reason(tree, "1.jpg") == "damaged"


@pytest.mark.parametrize(
    "member",
    [
        Raw(name=b"a.jpg", content=_PHOTO, crc=1),
        Raw(name=b"a.jpg", content=_PHOTO, method=8, crc=1),
        Raw(name=b"a.jpg", content=_PHOTO, method=8, payload=b"\xff" * 50),
        Raw(name=b"a.jpg", content=_PHOTO, method=8, payload=deflated(_PHOTO)[:-4]),
        Raw(name=b"a.jpg", content=_PHOTO, method=8, payload=deflated(_PHOTO + b"more")),
        Raw(name=b"a.jpg", content=_PHOTO, method=8, payload=deflated(_PHOTO[:-1])),
        Raw(name=b"a.jpg", content=_PHOTO, method=8, payload=b""),
    ],
)
def test_a_damaged_member_is_named_and_the_others_are_read(tmp_path: Path, member: Raw) -> None:
    tree = _one(tmp_path, member, Raw(name=b"b.jpg", content=_PHOTO))
    assert _reason(tree, "a.jpg") == "damaged"
    assert _read(tree, "b.jpg") == _PHOTO


@pytest.mark.parametrize(
    ("raw", "flags", "name"),
    [
        ("Zoë/日本.jpg".encode(), 0x0800, "Zoë/日本.jpg"),
        ("Zoë/日本.jpg".encode(), 0, "Zoë/日本.jpg"),
        (b"Zo\x89.jpg", 0, "Zoë.jpg"),
        (b"Zo\xeb.jpg", 0x0800, "Zo\udceb.jpg"),
        ("a\u202egpj.exe\n.jpg".encode(), 0x0800, "a\u202egpj.exe\n.jpg"),
    ],
)
def test_names_in_a_wrong_encoding_are_read_and_can_be_stored(
    tmp_path: Path, raw: bytes, flags: int, name: str
) -> None:
    tree = _one(tmp_path, Raw(name=raw, flags=flags, content=_PHOTO))
    assert _names(tree) == [name]
    assert _read(tree, name) == _PHOTO
    item_of(name).encode("utf-8")
    assert tree.uri(next(tree.members())).isascii()


def test_a_name_that_stands_twice_is_read_once_and_told(tmp_path: Path) -> None:
    twice = [Raw(name=b"a.jpg", content=b"first"), Raw(name=b"a.jpg", content=b"second")]
    tree = _one(tmp_path, *twice, Raw(name=b"A.jpg", content=b"by case"))
    assert _names(tree) == ["a.jpg", "A.jpg"]
    assert _read(tree, "a.jpg") == b"first"
    assert list(tree.problems()) == [("a.jpg", "stands twice, the first is read")]


def test_a_file_in_two_parts_is_told_once_and_only_told_of_where_it_differs(tmp_path: Path) -> None:
    same = {"read me.html": b"same", "a.jpg": b"one"}
    paths = [
        zip_of(tmp_path / "x-001.zip", same),
        zip_of(tmp_path / "x-002.zip", {**same, "a.jpg": b"two"}),
    ]
    tree = ZipParts(paths)
    assert _names(tree) == ["read me.html", "a.jpg"]
    assert list(tree.problems()) == [("a.jpg", "stands twice, the first is read")]
    assert _read(tree, "a.jpg") == b"one"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_archive_cut_short_anywhere_is_refused_by_name(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as place:
        path = zip_of(Path(place) / "export.zip", {"a.jpg": _PHOTO, "b/c.json": b"[]" * 90})
        whole = path.read_bytes()
        path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
        with pytest.raises(SourceUnreadable) as raised:
            ZipParts([path])
        assert "export.zip" in raised.value.what
        assert raised.value.fix


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_an_archive_with_any_bytes_changed_is_refused_or_told_as_it_is(data: st.DataObject) -> None:
    files = {"a.jpg": _PHOTO, "b/Zoë.json": b"[]" * 90, "c.mp4": bytes(3_000)}
    with tempfile.TemporaryDirectory() as place:
        path = zip_of(Path(place) / "export.zip", files)
        changed = bytearray(path.read_bytes())
        places = st.integers(0, len(changed) - 1)
        for at in data.draw(st.lists(places, min_size=1, max_size=6)):
            changed[at] = data.draw(st.integers(0, 255))
        path.write_bytes(changed)
        try:
            tree = ZipParts([path])
        except SourceUnreadable:
            return
        list(tree.problems())
        for member in tree.members():
            try:
                content = tree.read(member, 100_000)
            except PhotoUnreadable:
                continue
            assert len(content) == member.size
            assert f"{zlib.crc32(content):08x}" == member.mark


@pytest.mark.parametrize("content", [b"", b"PK", b"GIF89a" + bytes(90_000), b"PK\x05\x06" * 9_000])
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(SourceUnreadable, match=r"a\.zip"):
        ZipParts([tmp_path / "a.zip"])


def test_pipes_folders_and_nothing_are_refused_without_being_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.zip")
    (tmp_path / "folder.zip").mkdir()
    for name in ("pipe.zip", "folder.zip", "none.zip", "x\0.zip"):
        with pytest.raises(SourceUnreadable):
            ZipParts([tmp_path / name])


def test_numbers_of_64_bits_that_lead_nowhere_are_refused_or_told(tmp_path: Path) -> None:
    path = raw_zip(tmp_path / "a.zip", [Raw(name=b"a.jpg", content=_PHOTO)])
    whole = bytearray(path.read_bytes())
    end = whole.rindex(b"PK\x05\x06")
    for begin in (0, 10, 1 << 62, (1 << 64) - 1):
        place = struct.pack("<4sLQL", b"PK\x06\x07", 0, begin, 1)
        tail = whole[end:]
        tail[16:20] = b"\xff\xff\xff\xff"
        path.write_bytes(whole[:end] + place + tail)
        with pytest.raises(SourceUnreadable):
            ZipParts([path])


def test_an_archive_changed_meanwhile_is_not_read_on(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "export.zip", {"a.jpg": _PHOTO})
    tree = ZipParts([path])
    zip_of(path, {"a.jpg": b"another" * 99})
    assert _reason(tree, "a.jpg") == "changing"
    path.unlink()
    assert _reason(tree, "a.jpg") == "gone"
    path.symlink_to("elsewhere.zip")
    assert _reason(tree, "a.jpg") == "symbolic link"


def test_an_archive_cut_short_while_it_is_read_is_told(tmp_path: Path) -> None:
    content = os.urandom(2_000_000)
    tree = ZipParts([zip_of(tmp_path / "export.zip", {"a.mp4": content}, method=0)])
    member = tree.find("a.mp4")
    assert member is not None
    with tree.open(member) as stream:
        assert stream.read(10) == content[:10]
        os.truncate(tmp_path / "export.zip", 1_000_000)
        with pytest.raises(PhotoUnreadable) as raised:
            stream.read()
    assert raised.value.reason == "changing"


def test_a_stream_that_is_jumped_about_in_without_end_is_ended(tmp_path: Path) -> None:
    content = os.urandom(10_000) * 500
    tree = _one(tmp_path, Raw(name=b"a.mp4", content=content, method=8))
    member = tree.find("a.mp4")
    assert member is not None
    before = time.process_time()
    with tree.open(member) as stream, pytest.raises(PhotoUnreadable) as raised:
        for _ in range(10_000):
            stream.seek(-10, os.SEEK_END)
            stream.read(10)
            stream.seek(0)
            stream.read(10)
    assert raised.value.reason == "read back and forth too often"
    assert time.process_time() - before < 10


def test_links_pipes_and_depth_in_an_unpacked_folder_are_told_and_not_followed(
    tmp_path: Path,
) -> None:
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    top = folder_of(tmp_path / "export", {"data/a.jpg": _PHOTO})
    (top / "data/b.jpg").symlink_to(tmp_path / "secret.jpg")
    (top / "out").symlink_to(tmp_path)
    os.mkfifo(top / "pipe.jpg")
    top.joinpath(*["d"] * 120).mkdir(parents=True)
    tree = FolderTree(top)
    assert _names(tree) == ["data/a.jpg"]
    assert dict(tree.problems()) == {
        "/".join(["d"] * 101): "more than 100 folders deep",
        "data/b.jpg": "symbolic link",
        "out": "symbolic link",
        "pipe.jpg": "not a regular file",
    }
    for name in ("data/b.jpg", "out/secret.jpg", "../secret.jpg", "pipe.jpg", "data"):
        assert tree.find(name) is None


def test_a_folder_put_behind_a_link_after_listing_is_not_read(tmp_path: Path) -> None:
    folder_of(tmp_path / "outside", {"a.jpg": b"secret"})
    top = folder_of(tmp_path / "export", {"data/a.jpg": _PHOTO})
    tree = FolderTree(top)
    (member,) = tree.members()
    (top / "data").rename(tmp_path / "moved")
    (top / "data").symlink_to(tmp_path / "outside")
    with pytest.raises(PhotoUnreadable):
        tree.read(member, _LIMIT)


def test_nothing_is_written_anywhere_while_an_archive_is_read(tmp_path: Path) -> None:
    place = tmp_path / "place"
    paths = parts_in(place, {"a.jpg": _PHOTO, "b.mp4": bytes(100_000)})
    before = {path: path.read_bytes() for path in place.iterdir()}
    assert set(before) == set(paths)
    tree = ZipParts(paths)
    for member in tree.members():
        tree.read(member, _LIMIT)
    assert {path: path.read_bytes() for path in place.iterdir()} == before


_LISTED = """
    import sys, time
    from pathlib import Path
    from likeness.sources.exports.zip_parts import ZipParts

    def most_memory():
        # Rather than getrusage, which remembers the process that started this one.
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))

    before, begin = most_memory(), time.process_time()
    tree = ZipParts([sys.argv[1]])
    told = sum(1 for _ in tree.members()) + sum(1 for _ in tree.problems())
    assert tree.find("data/tweets_media/00000000000000000000000007-photo.jpg") is not None
    print(told, most_memory() - before, time.process_time() - begin)
"""


def _listed(path: Path) -> tuple[int, float, float]:
    """How many members a process of its own lists, in how many kB and seconds."""
    if not Path("/proc/self/status").exists():
        pytest.skip("memory is read from /proc")
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_LISTED), str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    told, used, seconds = run.stdout.split()
    return int(told), float(used), float(seconds)


def _many(path: Path, count: int) -> Path:
    return zip_of_empty_files(path, "data/tweets_media/%026d-photo.jpg", count)


def test_a_hundred_thousand_members_are_listed_in_little_memory(tmp_path: Path) -> None:
    told, used, seconds = _listed(_many(tmp_path / "many.zip", 100_000))
    assert told == 100_000
    assert used < 60_000
    assert seconds < 10


@pytest.mark.slow
def test_a_million_members_are_listed_in_bounded_memory_and_time(tmp_path: Path) -> None:
    told, used, seconds = _listed(_many(tmp_path / "many.zip", 1_000_000))
    assert told == 1_000_000
    assert used < 400_000
    assert seconds < 60


@pytest.mark.slow
def test_more_members_than_any_export_has_are_refused_by_name(tmp_path: Path) -> None:
    path = _many(tmp_path / "many.zip", 2_000_001)
    with pytest.raises(SourceUnreadable, match=r"many\.zip.*2,000,000"):
        ZipParts([path])


def test_moments_that_no_calendar_has_are_not_known(tmp_path: Path) -> None:
    path = raw_zip(tmp_path / "a.zip", [Raw(name=b"a.jpg"), Raw(name=b"b.jpg")])
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")
    data[entry + 12 : entry + 16] = b"\xff\xff\xff\xff"
    path.write_bytes(data)
    odd, usual = ZipParts([path]).members()
    moment = datetime(*MOMENT, tzinfo=UTC)
    assert (odd.modified_ns, usual.modified_ns) == (0, int(moment.timestamp()) * 10**9)
