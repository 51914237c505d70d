"""Templates on their way to be used, and faces found anew, as the store keeps them."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Connection, select
from store_rows import ANN, BOB, PARTY, face, link, photo, propose, see

from likeness.errors import StorageError
from likeness.records.reference import Reference
from likeness.store import links, packs, people, photos, redetected
from likeness.store.collections import set_source_state
from likeness.store.people import ReferenceCrop
from likeness.store.schema import erasures, faces, staged_templates
from likeness.store.schema import references as references_table

OLD, NEW, OTHER = "a" * 64, "b" * 64, "c" * 64
KEY = bytes(32)


def reference(number: int, person_id: str = ANN, *, axis: int = 0) -> Reference:
    template = np.zeros(4, np.float32)
    template[axis] = 1.0
    return Reference(reference_id=f"ref_{number}", person_id=person_id, template=template)


@pytest.fixture
def referenced(connection: Connection) -> Connection:
    for person_id, numbers in ((ANN, (1, 2)), (BOB, (3,))):
        crops = [
            ReferenceCrop(
                reference=reference(n, person_id), jpeg=f"jpeg {n}".encode(), alignment="dlib-5"
            )
            for n in numbers
        ]
        people.insert_references(connection, crops, key=KEY, pack_fingerprint=OLD)
    return connection


def unstaged(connection: Connection, *, after: str = "", limit: int = 10) -> list[str]:
    found = packs.unstaged_references(connection, pack_fingerprint=NEW, after=after, limit=limit)
    return [one.reference_id for one in found]


def stage(connection: Connection, *made: Reference, pack: str = NEW) -> int:
    keys = {ANN: KEY, BOB: KEY}
    return packs.stage_templates(connection, made, keys=keys, pack_fingerprint=pack)


def test_what_has_to_be_made_anew_is_listed_in_pieces(referenced: Connection) -> None:
    assert unstaged(referenced, limit=2) == ["ref_1", "ref_2"]
    assert unstaged(referenced, after="ref_2") == ["ref_3"]
    assert packs.count_unstaged(referenced, pack_fingerprint=NEW) == 3
    [first, *_] = packs.unstaged_references(referenced, pack_fingerprint=NEW, after="", limit=1)
    assert (first.person_id, first.alignment, first.crop(KEY)) == (ANN, "dlib-5", b"jpeg 1")
    assert b"jpeg" not in first.sealed_crop and "sealed_crop" not in repr(first)
    assert stage(referenced, reference(1), reference(3, BOB)) == 2
    assert unstaged(referenced) == ["ref_2"]
    assert packs.count_unstaged(referenced, pack_fingerprint=OLD) == 0


def test_a_reference_is_staged_once_and_only_while_it_is_there(referenced: Connection) -> None:
    assert stage(referenced, reference(1)) == 1
    assert stage(referenced, reference(1), reference(2), reference(9)) == 1
    assert unstaged(referenced) == ["ref_3"]


def test_whoever_is_leaving_is_passed_over(referenced: Connection) -> None:
    referenced.execute(
        erasures.insert().values(
            person_id=ANN,
            state="pending",
            kind="withdrawal",
            serial="s",
            requested_at="2026-03-01",
            counts="{}",
            commitments="[]",
            changed=1,
        )
    )
    assert unstaged(referenced) == ["ref_3"]
    assert stage(referenced, reference(1), reference(3, BOB)) == 1


def test_what_is_staged_opens_as_the_new_packs_and_goes_with_its_person(
    referenced: Connection,
) -> None:
    stage(referenced, reference(1, axis=1), reference(3, BOB, axis=1))
    stage(referenced, reference(2, axis=2), pack=OTHER)
    people.delete_person(referenced, BOB)
    assert referenced.execute(select(staged_templates.c.person_id)).scalars().all() == [ANN, ANN]
    before = crops(referenced)
    assert packs.take_staged(referenced, pack_fingerprint=NEW) == 1
    assert referenced.execute(select(staged_templates)).all() == []
    assert crops(referenced) == before
    [taken] = people.references_of_many(referenced, {ANN: KEY}, pack_fingerprint=NEW)
    assert taken.reference_id == "ref_1" and taken.template.tolist() == [0.0, 1.0, 0.0, 0.0]
    [left] = people.references_of_many(referenced, {ANN: KEY}, pack_fingerprint=OLD)
    assert left.reference_id == "ref_2"
    with pytest.raises(StorageError):
        list(people.references_of_many(referenced, {ANN: bytes([1] * 32)}, pack_fingerprint=NEW))


def crops(connection: Connection) -> list[tuple[object, ...]]:
    columns = (
        references_table.c.reference_id,
        references_table.c.crop,
        references_table.c.alignment,
    )
    return [tuple(row) for row in connection.execute(select(*columns))]


def test_everybody_is_compared_anew_and_open_proposals_go(connection: Connection) -> None:
    photo_id, [first, second] = photo(connection, "a", faces=2, matched_through=8)
    link(connection, photo_id, first)
    propose(connection, photo_id, second, person=BOB)
    packs.compare_everybody_anew(connection, changed=9)
    assert people.comparable_since(connection) == {ANN: 9, BOB: 9}
    assert links.proposals_of_photo(connection, photo_id) == []
    assert [found.face_id for found in links.links_of_photo(connection, photo_id)] == [first]
    assert redetected.count_waiting(connection, "ours", change=9) == 1


def test_photos_of_another_pack_wait_newest_first_and_unread_ones_do_not(
    connection: Connection,
) -> None:
    ids = [photo(connection, name, found_with=OLD)[0] for name in "abc"]
    ids += [photo(connection, "d", found_with=NEW)[0], photo(connection, "e", found_with="")[0]]

    def waiting(**how: int) -> list[int]:
        found = redetected.photos_found_otherwise(connection, NEW, **{"limit": 9, **how})
        return [one.photo_id for one in found]

    assert waiting() == [ids[4], ids[2], ids[1], ids[0]]
    assert waiting(limit=1, older_than=ids[2]) == [ids[1]]
    redetected.set_found_with(connection, [ids[0], ids[4]], NEW, unread=False)
    redetected.set_found_with(connection, [ids[1]], NEW, unread=True)
    assert waiting() == [ids[2]]
    assert redetected.count_found_otherwise(connection, NEW) == 1
    assert redetected.count_waiting(connection, NEW, change=-1) == 1
    assert redetected.count_unread(connection, NEW) == 1
    assert redetected.count_unread(connection, OLD) == 0
    assert redetected.count_found_otherwise(connection, OLD) == 4
    assert redetected.wait_again(connection, NEW) == 1
    assert waiting() == [ids[2], ids[1]]


@pytest.mark.parametrize("fingerprint", ["0" * 64, "f" * 64, "ours", "zebra"])
def test_waiting_counted_by_index_is_waiting_listed(
    connection: Connection, fingerprint: str
) -> None:
    for name in ("", OLD, NEW, "unread:" + OLD, "ours", "zebra", "0" * 64, "f" * 64):
        photo(connection, f"photo {name}", found_with=name)
    redetected.set_found_with(connection, [photo(connection, "own")[0]], fingerprint, unread=True)
    listed = redetected.photos_found_otherwise(connection, fingerprint, limit=99)
    assert redetected.count_found_otherwise(connection, fingerprint) == len(listed) == 7


def test_files_are_those_in_folders_that_nobody_stopped(connection: Connection) -> None:
    photo_id, _ = photo(connection, "a")
    see(connection, photo_id, "one.jpg")
    see(connection, photo_id, "two.jpg", collection="col_club")
    both = [("folder", "/photos/col_party", "one.jpg"), ("folder", "/photos/col_club", "two.jpg")]
    assert redetected.files_of_photos(connection, [photo_id]) == {photo_id: both}
    set_source_state(connection, f"src_{PARTY}", "removing")
    assert redetected.files_of_photos(connection, [photo_id]) == {photo_id: both[1:]}


def test_heirs_keep_their_id_and_decisions_and_others_go_unless_somebody_decided(
    connection: Connection,
) -> None:
    photo_id, [first, second, third, fourth] = photo(connection, "a", faces=4)
    link(connection, photo_id, first)
    link(connection, photo_id, second, BOB)
    propose(connection, photo_id, third)
    link(connection, photo_id, fourth, decision="different", decided_by="operator")
    held = redetected.held_faces(connection, photo_id)
    assert [(one.face_id, one.box[0], one.decided) for one in held] == [
        (first, 0, False),
        (second, 100, False),
        (third, 200, False),
        (fourth, 300, True),
    ]
    found = [face(95), face(500)]
    ids = redetected.replace_faces(connection, photo_id, held, found, heirs={0: second})
    assert ids[0] == second and ids[1] not in (first, second, third, fourth)
    stored = photos.faces_of(connection, photo_id)
    assert [(one.face_id, one.number, one.box[0], one.lost) for one in stored] == [
        (second, 1, 95, False),
        (ids[1], 2, 500, False),
        (fourth, 3, 300, True),
    ]
    left = {(one.face_id, one.person_id) for one in links.links_of_photo(connection, photo_id)}
    assert left == {(second, BOB), (fourth, ANN)}
    assert links.proposals_of_photo(connection, photo_id) == []
    [kept] = photos.crops_of(connection, [photo_id]).values()
    assert [crop.face_id for crop in kept] == [second, ids[1]], "a lost face is not compared"
    # It is found again, and is lost no more.
    held = redetected.held_faces(connection, photo_id)
    redetected.replace_faces(connection, photo_id, held, [face(300)], heirs={0: fourth})
    [again] = photos.faces_of(connection, photo_id)
    assert (again.face_id, again.number, again.lost) == (fourth, 1, False)


def test_an_heir_brings_its_new_crop_and_how_it_was_aligned(connection: Connection) -> None:
    photo_id, [only] = photo(connection, "a")
    held = redetected.held_faces(connection, photo_id)
    redetected.replace_faces(connection, photo_id, held, [face(7)], heirs={0: only})
    row = connection.execute(select(faces).where(faces.c.face_id == only)).one()
    assert (row.crop, row.left, row.alignment, row.unified) == (b"crop 7", 7, "dlib-5", 80)
