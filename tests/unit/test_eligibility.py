"""Who may be compared and found, in step with the store: never behind, never further than said."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from promise_house import START, Clock, Place, enrol, said_yes
from sqlalchemy import Connection
from synthetic_engine import NEAR, Drawn, draw

from likeness.eligibility import NEVER, Eligibility, Eligible
from likeness.errors import KeyMissing, StorageError
from likeness.gallery.faiss import FaissGallery
from likeness.library import Library
from likeness.matching import fuse
from likeness.records.reference import Reference
from likeness.store.people import references_of_many

ANN, BOB, CARL = 1, 2, 3
INSTANT = timedelta(microseconds=1)
WEEK = timedelta(days=7)


class CountingGallery(FaissGallery):
    """Says which references were taken in."""

    def __init__(self, like: Any) -> None:
        super().__init__(fingerprint=like.fingerprint, template_length=like.template_length)
        self.taken: list[str] = []

    def add(self, references: Any) -> None:
        self.taken += [reference.person_id for reference in references]
        super().add(references)


@pytest.fixture
def own(library: Library, clock: Clock) -> Iterator[Eligibility]:
    """A second one over the same library, as another process would hold it; it does not poll."""
    house = library.house
    gallery = CountingGallery(house.eligibility.gallery)
    eligibility = Eligibility(house.store, house.keyring, gallery, clock)
    yield eligibility
    eligibility.close()


def taken(eligibility: Eligibility) -> list[str]:
    assert isinstance(eligibility.gallery, CountingGallery)
    return eligibility.gallery.taken


def ids(library: Library) -> dict[str, str]:
    """Ids of collections and accounts by name."""
    named = {collection.name: collection.collection_id for collection in library.collections()}
    return {**named, **{account.name: account.account_id for account in library.accounts()}}


def findable(own: Eligibility, library: Library, *names: str, who: str = "owner") -> frozenset[str]:
    known = ids(library)
    return own.findable(
        [known[name] for name in names or ("party",)],
        purpose="be_found",
        searcher=known.get(who, who),
    ).person_ids


def comparable(own: Eligibility, library: Library, *names: str) -> frozenset[str]:
    known = ids(library)
    return own.comparable([known[name] for name in names or ("party",)]).person_ids


def within(seconds: float, true: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_nobody_is_eligible_before_anything_was_read(own: Eligibility, library: Library) -> None:
    enrol(library, "Ann", ANN)
    assert findable(own, library) == frozenset()
    assert comparable(own, library) == frozenset()
    assert len(own.gallery) == 0


def test_a_person_stands_in_the_gallery_once_as_the_mean_of_their_references(
    own: Eligibility, library: Library
) -> None:
    apart = [draw(Drawn(person=ANN, look=NEAR, shot=shot)) for shot in (1, 2, 3)]
    ann = library.enrol("Ann", apart, consent=said_yes()).person_id
    own.refresh()
    house = library.house
    with house.store.snapshot() as connection:
        kept: list[Reference] = list(
            references_of_many(
                connection,
                house.keyring.keys([ann]),
                pack_fingerprint=own.gallery.fingerprint,
            )
        )
    assert len(kept) == 3
    assert own.gallery.person_ids() == {ann}
    assert len(own.gallery) == 1
    mean = fuse(kept).template

    def score(template: NDArray[np.float32]) -> float:
        [match] = own.gallery.search(template[None, :], eligible=frozenset({ann}), threshold=0)[0]
        return match.score

    assert score(mean) == pytest.approx(1.0, abs=1e-6)
    assert all(score(reference.template) < 0.9999 for reference in kept)


def test_a_refresh_takes_in_who_changed_and_nobody_else_again(
    own: Eligibility, library: Library
) -> None:
    ann = enrol(library, "Ann", ANN)
    first = own.refresh()
    assert taken(own) == [ann]
    bob = enrol(library, "Bob", BOB)
    second = own.refresh()
    assert second > first
    assert taken(own) == [ann, bob]
    assert own.refresh() == second
    assert taken(own) == [ann, bob]
    library.withdraw(ann)
    own.refresh()
    assert own.gallery.person_ids() == {bob}
    assert taken(own) == [ann, bob]


def test_a_reader_with_an_older_snapshot_does_not_take_it_back(
    own: Eligibility, library: Library
) -> None:
    ann = enrol(library, "Ann", ANN)
    with library.house.store.snapshot() as old:
        before = own.refresh(old)
        bob = enrol(library, "Bob", BOB)
        newer = own.refresh()
        assert newer > before
        assert own.refresh(old) == newer
        assert own.gallery.person_ids() == {ann, bob}
        assert findable(own, library) == {ann, bob}


def test_a_consent_counts_until_its_end_and_not_at_it(
    own: Eligibility, library: Library, clock: Clock
) -> None:
    ends_at = START + WEEK
    ann = enrol(library, "Ann", ANN, expires_at=ends_at)
    own.refresh()
    found = own.comparable([ids(library)["party"]])
    assert found.until == ends_at
    clock.now = ends_at - INSTANT
    assert found.holds(change=found.change, now=clock())
    assert (findable(own, library), comparable(own, library)) == ({ann}, {ann})
    clock.now = ends_at
    assert not found.holds(change=found.change, now=clock())
    assert (findable(own, library), comparable(own, library)) == (frozenset(), frozenset())


def test_a_consent_that_has_not_begun_by_this_clock_does_not_count_yet(
    own: Eligibility, library: Library, clock: Clock
) -> None:
    ann = enrol(library, "Ann", ANN)
    clock.now = START - INSTANT
    own.refresh()
    assert findable(own, library) == frozenset()
    assert own.comparable([ids(library)["party"]]).until == START
    clock.now = START
    assert findable(own, library) == {ann}


def test_the_end_of_any_consent_ends_what_was_worked_out(
    own: Eligibility, library: Library, clock: Clock
) -> None:
    enrol(library, "Ann", ANN, expires_at=START + 2 * WEEK)
    enrol(library, "Bob", BOB, expires_at=START + WEEK, collections=["club"])
    own.refresh()
    assert own.comparable([ids(library)["party"]]).until == START + WEEK


def test_with_nobody_enrolled_nothing_has_to_be_worked_out_again(
    own: Eligibility, library: Library
) -> None:
    own.refresh()
    found = own.comparable([ids(library)["party"]])
    assert (found.person_ids, found.until) == (frozenset(), NEVER)


def test_what_was_worked_out_is_one_object_until_something_changes(
    own: Eligibility, library: Library, clock: Clock
) -> None:
    """The gallery is fastest when it is given the same set again."""
    known = ids(library)
    both = [known["party"], known["club"]]
    enrol(library, "Ann", ANN, expires_at=START + WEEK)
    own.refresh()
    first = own.comparable(both)
    assert own.comparable(list(reversed(both))) is first, "whatever the order"
    assert own.comparable(both * 2) is first
    own.refresh()
    assert own.comparable(both) is first
    clock.advance(days=1)
    assert own.comparable(both) is first
    enrol(library, "Bob", BOB)
    assert own.comparable(both) is first, "as of what was read last"
    own.refresh()
    second = own.comparable(both)
    assert second is not first and len(second.person_ids) == 2
    clock.now = START + WEEK
    third = own.comparable(both)
    assert third is not second and len(third.person_ids) == 1


def test_purpose_searcher_and_collection_are_each_kept_apart(
    own: Eligibility, library: Library
) -> None:
    known = ids(library)
    ann = enrol(library, "Ann", ANN, "find_me")
    bob = enrol(library, "Bob", BOB, "be_found", collections=["club"])
    carl = enrol(library, "Carl", CARL, "publish")
    own.refresh()
    assert findable(own, library, "party") == frozenset()
    assert findable(own, library, "club") == {bob}
    assert findable(own, library, "party", "club") == {bob}
    assert findable(own, library, "club", who="somebody else") == frozenset()
    assert comparable(own, library, "party") == {ann}
    assert comparable(own, library, "party", "club") == {ann, bob}
    assert own.findable([], purpose="be_found", searcher=known["owner"]).person_ids == frozenset()
    for searcher, expected in ((ann, {ann}), (bob, set()), (carl, set()), (known["owner"], set())):
        found = own.findable([known["party"]], purpose="find_me", searcher=searcher)
        assert found.person_ids == expected


def test_an_answer_holds_only_for_its_change_and_its_time() -> None:
    one = Eligible(person_ids=frozenset({"p"}), change=4, until=START)
    assert one.holds(change=4, now=START - INSTANT)
    assert not one.holds(change=4, now=START)
    assert not one.holds(change=5, now=START - INSTANT)
    assert not one.holds(change=3, now=START - INSTANT)


def test_a_renewal_and_a_narrowing_are_taken_in(
    own: Eligibility, library: Library, clock: Clock
) -> None:
    ann = enrol(library, "Ann", ANN, "be_found", "find_me", expires_at=START + WEEK)
    own.refresh()
    clock.now = START + WEEK
    assert findable(own, library) == frozenset()
    library.renew(ann, expires_at=clock() + WEEK, statement="yes again")
    own.refresh()
    assert findable(own, library) == {ann}
    library.narrow(ann, drop_purposes=["be_found"])
    own.refresh()
    assert findable(own, library) == frozenset()
    assert comparable(own, library) == {ann}


def test_whose_key_is_gone_without_a_tombstone_is_said_and_compared_with_nobody(
    own: Eligibility, library: Library, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = enrol(library, "Ann", ANN)
    own.refresh()
    missing = KeyMissing("A key is missing.", "Put the right keyring back.")
    enrol(library, "Bob", BOB)

    def no_keys(_ids: Any) -> Any:
        raise missing

    with monkeypatch.context() as patched:
        patched.setattr(own._keyring, "keys", no_keys)
        for _ in range(2):
            with pytest.raises(KeyMissing):
                own.refresh()
    own.refresh()
    assert len(own.gallery.person_ids()) == 2, "once it is back, nobody was passed over"
    assert ann in own.gallery.person_ids()


class Failing:
    """A store whose readings fail for a while."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.error: Exception | None = None

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        if self.error is not None:
            raise self.error
        with self._store.snapshot() as connection:
            yield connection


@pytest.mark.parametrize(
    "error",
    [
        StorageError("The disk failed.", "Check it."),
        KeyMissing("A key is missing.", "Put it back."),
        OSError(5, "Input/output error"),
        RuntimeError("whatever else"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_cannot_be_checked_is_given_up_and_overwritten_until_it_can_be_again(
    library: Library, clock: Clock, error: Exception
) -> None:
    house = library.house
    ann = enrol(library, "Ann", ANN)
    failing = Failing(house.store)
    gallery = CountingGallery(house.eligibility.gallery)
    own = Eligibility(failing, house.keyring, gallery, clock)  # type: ignore[arg-type]
    own.refresh()
    assert findable(own, library) == {ann}
    try:
        own.start_polling(0.01)
        failing.error = error
        assert within(10, lambda: len(own.gallery) == 0)
        assert findable(own, library) == comparable(own, library) == frozenset()
        assert not any(rows.any() for rows in gallery.memory()), "not only forgotten"
        failing.error = None
        assert within(10, lambda: own.gallery.person_ids() == {ann})
        assert findable(own, library) == {ann}
    finally:
        own.close()


def test_an_idle_process_takes_in_by_itself_what_others_did(
    own: Eligibility, library: Library
) -> None:
    own.start_polling(0.01)
    ann = enrol(library, "Ann", ANN)
    assert within(10, lambda: own.gallery.person_ids() == {ann})
    library.withdraw(ann)
    assert within(10, lambda: len(own.gallery) == 0)


def test_closing_stops_the_polling_and_overwrites_every_template(
    own: Eligibility, library: Library
) -> None:
    enrol(library, "Ann", ANN)
    own.start_polling(0.01)
    assert within(10, lambda: len(own.gallery) == 1)
    own.close()
    assert len(own.gallery) == 0
    memory = own.gallery.memory()  # type: ignore[attr-defined]
    assert not any(np.any(rows) for rows in memory)
    enrol(library, "Bob", BOB)
    time.sleep(0.05)
    assert len(own.gallery) == 0
    own.close()


def test_in_a_block_that_holds_nobody_else_changes_what_is_held(
    own: Eligibility, library: Library
) -> None:
    ann = enrol(library, "Ann", ANN)
    own.refresh()
    library.withdraw(ann)
    other = threading.Thread(target=own.refresh)
    with own.held():
        other.start()
        other.join(timeout=0.1)
        assert other.is_alive()
        assert own.gallery.person_ids() == {ann}
        own.refresh()
        assert own.gallery.person_ids() == frozenset(), "but for the holder itself"
    other.join(10)
    assert not other.is_alive()
