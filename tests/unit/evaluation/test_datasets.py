"""Data sets as people bring them: folders, tables, pairs, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likeness.errors import BadInput
from likeness.evaluation.dataset import read_dataset, table_rows
from likeness.evaluation.groups import read_groups


def _photo(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for item in ("ann/1.jpg", "ann/more/2.JPG", "bob/1.png", "bob/notes.txt", "bob/.hidden.jpg"):
        _photo(tmp_path / "people" / item)
    (tmp_path / "people" / "nobody").mkdir()
    _photo(tmp_path / "people" / "loose.jpg")
    return tmp_path / "people"


def _csv(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_folder_for_each_person_is_a_data_set(folder: Path) -> None:
    found = read_dataset(folder)
    assert [(p.item, p.person) for p in found.photos] == [
        ("ann/1.jpg", "ann"),
        ("ann/more/2.JPG", "ann"),
        ("bob/1.png", "bob"),
    ]
    assert (found.kind, found.name) == ("folders", "people")
    assert found.notes == (
        "Folders without a photo, which count as nobody: 1.",
        "Photos that lie in no person's folder, and were passed over: 1.",
    )


def test_a_table_names_photos_beside_it_or_in_the_folder_of_its_name(folder: Path) -> None:
    beside = _csv(folder / "labels.csv", "photo,person", "ann/1.jpg,Ann", "bob/1.png,Bob")
    named = _csv(folder.parent / "people.csv", "photo,person", "ann/1.jpg,Ann", "bob/1.png,Bob")
    for path in (beside, named):
        found = read_dataset(path)
        assert all((found.folder / photo.item).is_file() for photo in found.photos)
        assert {photo.person for photo in found.photos} == {"Ann", "Bob"}


def test_a_table_without_people_has_one_person_a_photo_and_says_so(folder: Path) -> None:
    found = read_dataset(_csv(folder / "x.csv", "photo,sex", "ann/1.jpg,f", "bob/1.png,m"))
    assert len({photo.person for photo in found.photos}) == 2
    assert "no column person" in found.notes[0]


def test_pairs_make_people_of_what_is_mated(folder: Path) -> None:
    path = _csv(
        folder / "pairs.csv",
        "photo_a,photo_b,mated",
        "ann/1.jpg,ann/more/2.JPG,1",
        "bob/1.png,ann/1.jpg,0",
        "ann/1.jpg,bob/1.png,0",
    )
    found = read_dataset(path)
    assert [(pair.mated) for pair in found.pairs] == [True, False]
    people = {photo.item: photo.person for photo in found.photos}
    assert people["ann/1.jpg"] == people["ann/more/2.JPG"] != people["bob/1.png"]
    assert "Pairs that are named again, and count once: 1." in found.notes


def test_a_folder_of_photos_can_be_named(folder: Path) -> None:
    path = _csv(folder.parent / "labels.csv", "photo,person", "1.jpg,Ann")
    with pytest.raises(BadInput, match="--photos"):
        read_dataset(path)
    assert read_dataset(path, photos=folder / "ann").photos[0].person == "Ann"


def test_labels_of_one_person_are_merged_whatever_the_order(folder: Path) -> None:
    path = _csv(folder / "x.csv", "photo,person", "ann/1.jpg,A", "ann/more/2.JPG,B", "bob/1.png,C")
    for same in ([("A", "B"), ("B", "C")], [("B", "C"), ("A", "B")]):
        assert len({p.person for p in read_dataset(path, same=same).photos}) == 1
    with pytest.raises(BadInput, match="nobody's"):
        read_dataset(path, same=[("A", "Z")])


@pytest.mark.parametrize(
    "lines",
    [
        ("name,who", "ann/1.jpg,Ann"),
        ("photo,person", "/etc/passwd,Ann"),
        ("photo,person", "../people/ann/1.jpg,Ann"),
        ("photo,person", ",Ann"),
        ("photo,person", "ann/1.jpg,"),
        ("photo,person", "ann/1.jpg,Ann", "ann/1.jpg,Bob"),
        ("photo,person,person", "ann/1.jpg,Ann,Bob"),
        ("photo,person", "ann/1.jpg,Ann,surplus"),
        ("photo,person", '"ann/1.jpg,Ann'),
        ("photo,person",),
        ("photo_a,photo_b,mated", "ann/1.jpg,bob/1.png,yes"),
        ("photo_a,photo_b,mated", "ann/1.jpg,ann/1.jpg,1"),
        ("photo_a,photo_b,mated", "ann/1.jpg,bob/1.png,1", "bob/1.png,ann/1.jpg,0"),
        (
            "photo_a,photo_b,mated",
            "ann/1.jpg,bob/1.png,1",
            "bob/1.png,ann/more/2.JPG,1",
            "ann/1.jpg,ann/more/2.JPG,0",
        ),
    ],
)
def test_a_table_that_cannot_be_right_is_refused(folder: Path, lines: tuple[str, ...]) -> None:
    with pytest.raises(BadInput):
        read_dataset(_csv(folder / "x.csv", *lines))


def test_what_is_no_table_is_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"photo,person\n\xff\xfe,Ann\n")
    with pytest.raises(BadInput, match="UTF-8"):
        table_rows(tmp_path / "x.csv")
    with pytest.raises(BadInput, match="no data set"):
        read_dataset(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no photo"):
        read_dataset(tmp_path / "empty")


def test_groups_come_from_any_column_with_bands_of_age_and_crossed(tmp_path: Path) -> None:
    items = [f"{n}.jpg" for n in range(8)]
    for item in items:
        _photo(tmp_path / item)
    ages = (3, 18, 29, 30, 44, 45, 60, 91)
    rows = [
        f"{n}.jpg,{'a' if n % 2 else 'b'},{'f' if n < 4 else 'm'},{age}"
        for n, age in enumerate(ages)
    ]
    path = _csv(tmp_path / "g.csv", "photo,group,sex,age", *rows[:7])
    found, notes = read_groups(path, items, tmp_path)
    assert [one.column for one in found] == ["group", "sex", "age", "group and sex"]
    age = found[2]
    assert age.values() == ["0 to 17", "18 to 29", "30 to 44", "45 to 59", "60 and over"]
    assert list(age.labels[[0, 1, 2, 7]]) == ["0 to 17", "18 to 29", "18 to 29", ""]
    assert found[3].values() == ["a, f", "a, m", "b, f", "b, m"]
    assert notes == ["Photos of which g.csv says nothing, and which are in no group: 1."]


def test_a_table_of_groups_may_start_from_the_folder_above(folder: Path) -> None:
    path = _csv(folder.parent / "g.csv", "photo,sex", "people/ann/1.jpg,f", "people/bob/1.png,m")
    [sex], _ = read_groups(path, ["ann/1.jpg", "bob/1.png"], folder)
    assert list(sex.labels) == ["f", "m"]


def test_a_column_of_names_is_no_group_and_a_table_of_others_photos_none(tmp_path: Path) -> None:
    items = [f"{n}.jpg" for n in range(20)]
    _photo(tmp_path / items[0])
    path = _csv(tmp_path / "g.csv", "photo,name,x", *(f"{i},n{i},1" for i in items))
    found, notes = read_groups(path, items, tmp_path)
    assert [one.column for one in found] == ["x"]
    assert notes == ["The column name has more than 12 values: passed over."]
    with pytest.raises(BadInput, match="names no photo"):
        read_groups(path, ["other.jpg"], tmp_path)
    with pytest.raises(BadInput, match="no column photo"):
        read_groups(_csv(tmp_path / "h.csv", "item,sex", "1.jpg,f"), items, tmp_path)
    assert isinstance(found[0].labels, np.ndarray)
