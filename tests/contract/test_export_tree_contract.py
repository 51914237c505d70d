"""What every tree of an export keeps to: one ZIP, several parts, or an unpacked folder."""

from __future__ import annotations

import io
import os
import tempfile
import threading
from pathlib import Path

import pytest
from export_archives import SHAPES, Shape, tree_of
from hypothesis import given, settings
from hypothesis import strategies as st

from likeness.errors import PhotoUnreadable
from likeness.sources.base import item_of
from likeness.sources.exports.tree import ExportTree, Member

_FILES = {
    "data/tweets.js": b"window.YTD.tweets.part0 = []",
    "data/tweets_media/1-a.jpg": b"photo " * 500,
    "data/tweets_media/1-A.jpg": b"another by case",
    "posts/Zoë, “the 1st” #1 100%.jpg": b"odd name",
    "posts/\u4e8c/\U0001f600.mp4": bytes(range(256)) * 300,
    "empty.json": b"",
}
_parts = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0/\\"), min_size=1, max_size=12
).filter(lambda part: part not in (".", "..") and part[1:2] != ":" and len(part.encode()) < 50)
_names = st.lists(_parts, min_size=1, max_size=3).map("/".join)


@pytest.fixture(params=SHAPES)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> ExportTree:
    return tree_of(tmp_path, _FILES, request.param)


def _found(tree: ExportTree, name: str) -> Member:
    member = tree.find(name)
    assert member is not None
    return member


def test_every_file_is_told_once_with_its_size(tree: ExportTree) -> None:
    told = [(member.name, member.size) for member in tree.members()]
    assert sorted(told) == sorted((name, len(content)) for name, content in _FILES.items())
    assert list(tree.problems()) == []


def test_listing_again_tells_the_same(tree: ExportTree) -> None:
    assert list(tree.members()) == list(tree.members())


def test_a_file_is_found_by_its_exact_path_and_as_it_was_listed(tree: ExportTree) -> None:
    for member in tree.members():
        assert tree.find(member.name) == member


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "data",
        "data/",
        "data/tweets.JS",
        "/data/tweets.js",
        "./data/tweets.js",
        "data//tweets.js",
        "posts/../data/tweets.js",
        "data/tweets.js/",
        "data/tweets.js\0",
        "data\\tweets.js",
        "\ud800.jpg",
        "\udce9.jpg",
        "x" * 5_000,
        "/".join(["d"] * 5_000),
    ],
)
def test_nothing_is_found_by_another_path(tree: ExportTree, name: str) -> None:
    assert tree.find(name) is None


def test_files_are_read_whole_up_to_a_limit(tree: ExportTree) -> None:
    for name, content in _FILES.items():
        member = _found(tree, name)
        assert tree.read(member, len(content)) == content
        if content:
            with pytest.raises(PhotoUnreadable) as raised:
                tree.read(member, len(content) - 1)
            assert raised.value.reason == "too large"
            assert raised.value.fix


def test_streams_can_seek_as_a_file_can(tree: ExportTree) -> None:
    name = "posts/\u4e8c/\U0001f600.mp4"
    like = io.BytesIO(_FILES[name])
    with tree.open(_found(tree, name)) as stream:
        assert stream.seekable() and stream.readable()
        for move in ((70_000, os.SEEK_SET), (-9, os.SEEK_END), (-40_000, os.SEEK_CUR), (0, 0)):
            assert stream.seek(*move) == like.seek(*move)
            assert stream.read(300) == like.read(300)
            assert stream.tell() == like.tell()
        stream.seek(10, os.SEEK_END)
        assert stream.read(1) == b""
    assert stream.closed


def test_several_threads_read_at_once(tree: ExportTree) -> None:
    wrong: list[str] = []

    def read() -> None:
        for _ in range(10):
            for name, content in _FILES.items():
                if tree.read(_found(tree, name), 100_000) != content:
                    wrong.append(name)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_two_streams_of_one_file_do_not_disturb_each_other(tree: ExportTree) -> None:
    name = "data/tweets_media/1-a.jpg"
    with tree.open(_found(tree, name)) as one, tree.open(_found(tree, name)) as other:
        assert one.read(100) == _FILES[name][:100]
        assert other.read() == _FILES[name]
        assert one.read() == _FILES[name][100:]


def test_streams_and_trees_leave_no_file_open(tree: ExportTree) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("open files are counted in /proc")
    before = len(os.listdir("/proc/self/fd"))
    for member in tree.members():
        tree.open(member).close()
        tree.read(member, 100_000)
    tree.close()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_address_and_the_addresses_of_files_name_where_they_lie(
    tree: ExportTree, tmp_path: Path
) -> None:
    assert tree.address.startswith(str(tmp_path.resolve()))
    addresses = {tree.uri(member) for member in tree.members()}
    assert len(addresses) == len(_FILES)
    for address in addresses:
        assert address.startswith("file:///")
        assert address.isascii() and "#" not in address and " " not in address


def test_what_is_gone_after_listing_is_named_with_the_reason(
    tree: ExportTree, tmp_path: Path
) -> None:
    members = list(tree.members())
    for each in list(tmp_path.iterdir()):
        each.rename(each.with_name("moved " + each.name))
    for member in members:
        with pytest.raises(PhotoUnreadable) as raised:
            tree.read(member, 100_000)
        assert raised.value.reason == "gone"
        assert item_of(member.name) in raised.value.what
        with pytest.raises(PhotoUnreadable):
            tree.open(member)


def test_a_member_that_the_tree_does_not_have_is_gone(tree: ExportTree) -> None:
    for name in ("none.jpg", "../export.zip", "/etc/hostname"):
        other = Member(name=name, size=1, modified_ns=0, mark="")
        with pytest.raises(PhotoUnreadable) as raised:
            tree.open(other)
        assert raised.value.reason == "gone"


@settings(max_examples=40, deadline=None)
@given(names=st.lists(_names, max_size=6, unique=True), shape=st.sampled_from(SHAPES))
def test_names_of_any_text_are_told_found_and_read(names: list[str], shape: Shape) -> None:
    taken = [n for n in names if not any(o != n and o.startswith(n + "/") for o in names)]
    files = {name: name.encode() for name in taken}
    with tempfile.TemporaryDirectory() as place:
        tree = tree_of(Path(place), files, shape)
        assert {member.name for member in tree.members()} == set(files)
        for name, content in files.items():
            assert tree.read(_found(tree, name), 1_000) == content
