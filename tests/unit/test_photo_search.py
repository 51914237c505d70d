"""Filters over photos of people who said yes: each word, all together, and what they never tell."""

from __future__ import annotations

from pathlib import Path

import pytest
from promise_house import acting_as, enrol
from sqlalchemy import text
from synthetic_engine import DOUBTFUL_ALONE, Drawn, save

from likeness.errors import NotFound, UsageError
from likeness.library import Library
from likeness.store import people

ANNA, BEN, CARL, STRANGER = 1, 2, 3, 900

PHOTOS = {
    "a.png": (ANNA,),
    "ab.png": (ANNA, BEN),
    "abc.png": (ANNA, BEN, CARL),
    "bc.png": (BEN, CARL),
    "as.png": (ANNA, STRANGER),
    "c.png": (CARL,),
    "s.png": (STRANGER,),
    "none.png": (),
}
LINKS = """path,page_url,taken_at,text
a.png,https://example.org/a,2024-05-01T23:30:00+02:00,Garden party
ab.png,https://example.org/ab,2024-07-31,The garden
abc.png,https://example.org/abc,2025-01-01,Übung macht den Meister
s.png,https://example.org/s,2024-06-01,Garden party of strangers
"""


@pytest.fixture
def peopled(library: Library, tmp_path: Path) -> Library:
    """Anna and Ben said yes to the owner in ``party``; Carl only to himself."""
    folder = tmp_path / "photos"
    for number, (name, inside) in enumerate(PHOTOS.items()):
        save(folder / name, *(Drawn(person=person) for person in inside), salt=number)
    (folder / "links.csv").write_text(LINKS)
    library.ingest(folder, collection="party")
    enrol(library, "Anna", ANNA)
    enrol(library, "Ben", BEN)
    enrol(library, "Carl", CARL, "find_me")
    return library


def id_of(library: Library, name: str) -> str:
    """The id of somebody, whoever may find them."""
    with library.house.store.snapshot() as connection:
        keys = library.house.keyring.keys(people.person_ids(connection))
        loaded = people.load_people(connection, keys)
    return next(known for known, person in loaded.items() if person.details.name == name)


def found(library: Library, query: str) -> set[str]:
    """The items that a query finds."""
    page = library.photos(query)
    return {one.item for photo in page.photos for one in photo.sightings}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"a.png", "ab.png", "abc.png", "bc.png", "as.png"}),
        ("with:Anna", {"a.png", "ab.png", "abc.png", "as.png"}),
        ("with:Anna,Ben", {"a.png", "ab.png", "abc.png", "bc.png", "as.png"}),
        ("together:Anna,Ben", {"ab.png", "abc.png"}),
        ("without:Anna", {"bc.png"}),
        ("with:Anna without:Ben", {"a.png", "as.png"}),
        ("only:Anna", {"a.png"}),
        ("only:Anna,Ben", {"a.png", "ab.png"}),
        ("atleast:2:Anna,Ben", {"ab.png", "abc.png"}),
        ("atleast:1:Anna,Ben", {"a.png", "ab.png", "abc.png", "bc.png", "as.png"}),
        ("date:2024", {"a.png", "ab.png"}),
        ("date:2024-05", {"a.png"}),
        ("date:2024-05-01", {"a.png"}),
        ("date:2024-05-02..2024-07", {"ab.png"}),
        ("date:2024-07-31..", {"ab.png", "abc.png"}),
        ("date:..2024-07-31", {"a.png", "ab.png"}),
        ("text:garden", {"a.png", "ab.png"}),
        ('text:"GARDEN party"', {"a.png"}),
        ("text:übung", {"abc.png"}),
        ("text:as.png", {"as.png"}),
        ("text:%", set()),
        ("text:garden with:Ben date:2024", {"ab.png"}),
        ("collection:party with:Ben", {"ab.png", "abc.png", "bc.png"}),
        ("collection:club", set()),
        ("source:s_nothing", set()),
    ],
)
def test_each_filter_finds_what_it_says(peopled: Library, query: str, expected: set[str]) -> None:
    assert found(peopled, query) == expected


def test_photos_are_shown_with_the_faces_of_people_who_may_be_found_alone(
    peopled: Library,
) -> None:
    [photo] = peopled.photos("with:Anna text:Meister").photos
    assert [(face.name, face.number) for face in photo.faces] == [("Anna", 1), ("Ben", 2)]
    assert [one.link.page_url for one in photo.sightings] == ["https://example.org/abc"]


def test_people_can_be_named_by_their_id(peopled: Library) -> None:
    anna = peopled.resolve_person("Anna")
    assert found(peopled, f"only:{anna}") == {"a.png"}
    assert found(peopled, f"with:{anna},Anna") == found(peopled, "with:Anna")


@pytest.mark.parametrize("word", ["with", "without", "only", "together", "atleast:1"])
def test_nobody_else_can_be_asked_about_by_name_or_id(peopled: Library, word: str) -> None:
    said = set()
    for name in ("Carl", id_of(peopled, "Carl"), "Nobody", "p_aaaaaaaaaaaaaaaa"):
        with pytest.raises(NotFound) as caught:
            peopled.photos(f"{word}:{name}")
        said.add(str(caught.value))
    assert len(said) == 1


def test_a_photo_where_somebody_waits_to_be_decided_is_not_listed(
    library: Library, tmp_path: Path
) -> None:
    save(tmp_path / "photos" / "maybe.png", Drawn(person=ANNA, look=DOUBTFUL_ALONE))
    library.ingest(tmp_path / "photos", collection="party")
    enrol(library, "Anna", ANNA)
    assert library.proposals()
    assert found(library, "") == set()


def test_pages_follow_one_another_newest_first_without_a_gap(peopled: Library) -> None:
    every = [photo.photo.sha256 for photo in peopled.photos().photos]
    ids = [photo.photo.photo_id for photo in peopled.photos().photos]
    assert ids == sorted(ids, reverse=True)
    paged, after = [], None
    while True:
        page = peopled.photos(after=after, limit=2)
        paged += [photo.photo.sha256 for photo in page.photos]
        if (after := page.next) is None:
            break
    assert paged == every
    with pytest.raises(UsageError):
        peopled.photos(limit=0)


def test_what_comes_behind_a_photo_is_the_same_whether_that_photo_is_held(
    peopled: Library,
) -> None:
    """Number by number: somebody's, a stranger's, nobody's, gone meanwhile and never there."""
    every = [photo.photo.photo_id for photo in peopled.photos().photos]
    with peopled.house.store.transaction() as connection:
        connection.execute(text("DELETE FROM links WHERE photo_id = :gone"), {"gone": every[1]})
    left = [number for number in every if number != every[1]]
    for after in (*range(1, max(every) + 3), 2**63 - 1):
        page = peopled.photos(after=after)
        assert [one.photo.photo_id for one in page.photos] == [n for n in left if n < after]
    for after in (0, -1, 2**63, 10**30):
        with pytest.raises(UsageError, match="no such page"):
            peopled.photos(after=after)


def test_where_somebody_may_not_be_found_no_filter_tells_of_them(
    library: Library, tmp_path: Path
) -> None:
    """Anna may be found at the club alone, and Ben at the party: who else is there stays unsaid."""
    party = {"ab.png": (ANNA, BEN), "b.png": (BEN,), "a.png": (ANNA,)}
    for number, (name, inside) in enumerate(party.items()):
        save(tmp_path / "party" / name, *(Drawn(person=p) for p in inside), salt=number)
    save(tmp_path / "club" / "club.png", Drawn(person=ANNA), salt=9)
    library.ingest(tmp_path / "party", collection="party")
    library.ingest(tmp_path / "club", collection="club")
    enrol(library, "Anna", ANNA, collections=("club",))
    enrol(library, "Ben", BEN)
    # As it would be had she let herself be found by others at the party.
    with library.house.transaction() as connection:
        for item in ("ab.png", "a.png"):
            connection.execute(
                text(
                    "INSERT INTO links SELECT f.face_id, :anna, f.photo_id, 'same', 0.99,"
                    " 'operator', '2026-03-01T00:00:00+00:00' FROM faces f"
                    " JOIN sightings s ON s.photo_id = f.photo_id"
                    " WHERE s.item = :item AND f.number = 1"
                ),
                {"anna": library.resolve_person("Anna"), "item": item},
            )
    assert found(library, "with:Anna") == {"club.png"}
    assert found(library, "without:Anna") == {"ab.png", "b.png"}
    assert found(library, "together:Anna,Ben") == set()
    assert found(library, "atleast:2:Anna,Ben") == set()
    assert found(library, "only:Anna,Ben") == {"b.png", "club.png"}
    assert found(library, "") == {"ab.png", "b.png", "club.png"}
    assert [face.name for p in library.photos("with:Ben").photos for face in p.faces] == [
        "Ben",
        "Ben",
    ]


def test_words_and_dates_of_places_that_are_not_covered_cannot_be_looked_for(
    library: Library, tmp_path: Path
) -> None:
    save(tmp_path / "one" / "same.png", Drawn(person=BEN), salt=1)
    save(tmp_path / "two" / "same.png", Drawn(person=BEN), salt=1)
    for folder, words in (("one", "beach"), ("two", "secret")):
        (tmp_path / folder / "links.csv").write_text(
            f"path,page_url,taken_at,text\nsame.png,https://example.org/{folder},2024-05-01,{words}"
        )
    library.ingest(tmp_path / "one", collection="party")
    library.ingest(tmp_path / "two", collection="club")
    enrol(library, "Ben", BEN)
    assert found(library, "text:beach") == {"same.png"}
    assert found(library, "text:secret") == set()
    assert found(library, "collection:club") == set()
    [photo] = library.photos("with:Ben").photos
    assert [one.link.text for one in photo.sightings] == ["beach"]


def test_an_account_finds_what_consents_name_it_for(peopled: Library) -> None:
    trainer = peopled.create_account("trainer")
    peopled.set_audience("party", add=["trainer"])
    other = acting_as(peopled, trainer.name)
    assert found(other, "") == set()
    with pytest.raises(NotFound):
        other.photos("with:Anna")
    outsider = peopled.create_account("outsider")
    stranger = acting_as(peopled, outsider.name)
    assert found(stranger, "") == set()
    with pytest.raises(NotFound):
        stranger.photos("collection:party")


def test_who_withdrew_is_in_no_list_any_more(peopled: Library) -> None:
    peopled.withdraw(peopled.resolve_person("Anna"))
    assert found(peopled, "") == {"ab.png", "abc.png", "bc.png"}
    with pytest.raises(NotFound):
        peopled.photos("with:Anna")
