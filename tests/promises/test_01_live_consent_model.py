"""Promise 1 against a model: whatever happens in whatever order, who may be found where, by which
account and with which photos is what a few lines of arithmetic over the consents say."""

from __future__ import annotations

import hashlib
import itertools
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from promise_house import (
    START,
    Clock,
    Place,
    acting_as,
    copy_of,
    make_place,
    rows,
    said_yes,
    with_engine,
)
from synthetic_engine import (
    DOUBTFUL_ALONE,
    DOUBTFUL_AMONG_TEN,
    NEAR,
    Drawn,
    SyntheticEngine,
    draw,
    save,
)

from likeness.consent.policy import KEEP_EXPIRED_DAYS
from likeness.errors import (
    AudienceRefused,
    ConsentRefused,
    NotFound,
    SourceUnreadable,
    UsageError,
)
from likeness.faces.packs import load_manifest
from likeness.faces.sandbox import DecodeWorkers
from likeness.library import Library
from likeness.records.stored import LinkedPhoto

EXAMPLES = int(os.environ.get("LIKENESS_MODEL_EXAMPLES", "10"))
FACES = (0, 1, 2)
ACCOUNTS = ("owner", "helper")
FOLDERS = {"p1": "party", "p2": "party", "c1": "club"}
COLLECTIONS = ("party", "club")
PHOTOS = {
    "solo 0": [Drawn(person=0)],
    "solo 1": [Drawn(person=1, look=NEAR, shot=4)],
    "pair": [Drawn(person=0, look=NEAR, shot=5), Drawn(person=1)],
    "group": [Drawn(person=2), Drawn(person=900), Drawn(person=0, shot=2), Drawn(person=1)],
    "stranger": [Drawn(person=901)],
    "nobody": [],
    # Linked, proposed or neither, by the number of people compared with.
    "doubt": [Drawn(person=1, look=DOUBTFUL_ALONE), Drawn(person=2, look=DOUBTFUL_AMONG_TEN)],
}
DOUBTFUL = {("doubt", 1), ("doubt", 2)}


@dataclass
class Held:
    """What the model knows of somebody enrolled."""

    person_id: str
    name: str
    purposes: set[str]
    collections: set[str]
    audience: set[str]
    ends_at: datetime
    decided: dict[str, str] = field(default_factory=dict)
    """Photo name to what an account decided about this person's face in it."""

    def live(self, now: datetime) -> bool:
        return now < self.ends_at


@dataclass(frozen=True)
class Said:
    """What somebody says yes to."""

    purposes: frozenset[str]
    collections: frozenset[str]
    audience: frozenset[str] | None
    days: int


CONSENTS = st.builds(
    Said,
    purposes=st.frozensets(st.sampled_from(["find_me", "be_found", "publish"]), min_size=1),
    collections=st.frozensets(st.sampled_from(COLLECTIONS), min_size=1),
    audience=st.one_of(st.none(), st.none(), st.frozensets(st.sampled_from(ACCOUNTS), min_size=1)),
    days=st.sampled_from([5, 20, 60]),
)


class LiveConsent(RuleBasedStateMachine):
    """Rules change library and model alike; invariants compare the two."""

    decoders: DecodeWorkers
    pattern: Path
    hashes: dict[str, str]
    numbers: Iterator[int]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        engine = SyntheticEngine(load_manifest("dlib"))
        pattern = Place(
            folder=self.pattern, clock=self.clock, engine=engine, decoders=self.decoders
        )
        self.place = copy_of(pattern, f"run-{next(self.numbers)}")
        self.folder = self.place.folder
        self.names = 0
        self.held: dict[int, Held] = {}
        self.erased: dict[int, str] = {}
        self.audience = {"party": {"owner", "helper"}, "club": {"owner"}}
        self.on_disk: dict[str, dict[str, str]] = {name: {} for name in FOLDERS}
        self.sighted: dict[str, dict[str, str]] = {name: {} for name in FOLDERS}
        self._open()

    def _open(self) -> None:
        self.opened = Library.open(self.place.library, clock=self.clock)
        self.library = with_engine(self.opened, self.place.engine, decoders=self.decoders)
        self.acting = {name: acting_as(self.library, name) for name in ACCOUNTS}

    def teardown(self) -> None:
        self.opened.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def photos_in(self, collection: str) -> set[str]:
        folders = [name for name, into in FOLDERS.items() if into == collection]
        return {photo for name in folders for photo in self.sighted[name].values()}

    def shown(self, face: int, collections: set[str]) -> tuple[set[str], set[str]]:
        """Photos of this face that must be shown within these collections, and that may be."""
        must, may = set(), set()
        inside = {photo for name in collections for photo in self.photos_in(name)}
        for photo in inside:
            if all(drawn.person != face for drawn in PHOTOS[photo]):
                continue
            decided = self.held[face].decided.get(photo)
            if decided == "different":
                continue
            may.add(photo)
            if decided == "same" or (photo, face) not in DOUBTFUL:
                must.add(photo)
        return must, may

    def covered(self, face: int, account: str) -> set[str]:
        """Where an account may find this face."""
        held = self.held.get(face)
        if held is None or not held.live(self.clock.now):
            return set()
        if "be_found" not in held.purposes or account not in held.audience:
            return set()
        return {name for name in held.collections if account in self.audience[name]}

    def _forget_decisions(self) -> None:
        """A photo that nothing holds any more takes what was decided about it with it."""
        kept = {photo for name in COLLECTIONS for photo in self.photos_in(name)}
        for held in self.held.values():
            held.decided = {photo: d for photo, d in held.decided.items() if photo in kept}

    @initialize(
        photos=st.sets(st.sampled_from(sorted(PHOTOS)), min_size=1, max_size=4),
        people=st.dictionaries(st.sampled_from(FACES), CONSENTS, max_size=3),
    )
    def begin(self, photos: set[str], people: dict[int, Said]) -> None:
        self.folder_becomes(folder="p1", photos=photos, add=True)
        for face, said in people.items():
            self.enrol(face=face, said=said)

    @rule(
        folder=st.sampled_from(sorted(FOLDERS)),
        photos=st.sets(st.sampled_from(sorted(PHOTOS)), max_size=3),
        add=st.sampled_from([True, True, False]),
    )
    def folder_becomes(self, folder: str, photos: set[str], add: bool) -> None:
        """Photos come, go and take one another's place under the same names."""
        path = self.folder / folder
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        self.on_disk[folder] = {f"{n}.png": photo for n, photo in enumerate(sorted(photos))}
        for item, photo in self.on_disk[folder].items():
            save(path / item, *PHOTOS[photo], salt=sorted(PHOTOS).index(photo))
        if add:
            self.ingest(folder)

    @rule(folder=st.sampled_from(sorted(FOLDERS)))
    def ingest(self, folder: str) -> None:
        path = self.folder / folder
        path.mkdir(exist_ok=True)
        if self.sighted[folder] and not self.on_disk[folder]:
            with pytest.raises(SourceUnreadable):
                self.library.ingest(path, collection=FOLDERS[folder])
            return
        report = self.library.ingest(path, collection=FOLDERS[folder])
        assert report.found == report.new + report.known == len(self.on_disk[folder])
        self.sighted[folder] = dict(self.on_disk[folder])
        self._forget_decisions()

    @rule(folder=st.sampled_from(sorted(FOLDERS)))
    def remove_source(self, folder: str) -> None:
        address = str((self.folder / folder).resolve())
        for source in self.library.sources():
            if source.address == address:
                removed = self.library.remove(source.source_id)
                assert removed.sightings == len(self.sighted[folder])
                self.sighted[folder] = {}
                self._forget_decisions()

    @rule(face=st.sampled_from(FACES), said=CONSENTS)
    def enrol(self, face: int, said: Said) -> None:
        if face in self.held:
            return
        allowed = {name for one in said.collections for name in self.audience[one]}
        named = allowed if said.audience is None else said.audience
        self.names += 1
        name = f"Person {self.names}"
        ends_at = self.clock.now + timedelta(days=said.days)
        consent = said_yes(
            *said.purposes,  # type: ignore[arg-type]
            collections=said.collections,
            audience=None if said.audience is None else frozenset(said.audience),
            expires_at=ends_at,
        )
        photos = [draw(Drawn(person=face), salt=salt) for salt in (1, 2)]
        if "be_found" in said.purposes and (not named or not named <= allowed):
            with pytest.raises(ConsentRefused):
                self.library.enrol(name, photos, consent=consent)
            return
        self.held[face] = Held(
            person_id=self.library.enrol(name, photos, consent=consent).person_id,
            name=name,
            purposes=set(said.purposes),
            collections=set(said.collections),
            audience=set(named) if "be_found" in said.purposes else set(),
            ends_at=ends_at,
        )

    @rule(days=st.sampled_from([1, 6, 31]))
    def time_passes(self, days: int) -> None:
        self.clock.advance(days=days)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), early=st.sampled_from([timedelta(0), timedelta(microseconds=1)]))
    def time_comes_to_an_end_of_a_consent(self, data: st.DataObject, early: timedelta) -> None:
        ends = sorted({held.ends_at for held in self.held.values()})
        self.clock.now = max(self.clock.now, data.draw(st.sampled_from(ends)) - early)

    @rule()
    def open_again(self) -> None:
        self.opened.close()
        self._open()
        long_ago = self.clock.now - timedelta(days=KEEP_EXPIRED_DAYS)
        for face, held in list(self.held.items()):
            if held.ends_at <= long_ago:
                self.erased[face] = self.held.pop(face).person_id

    @precondition(lambda self: self.held)
    @rule(data=st.data(), days=st.sampled_from([3, 40]))
    def renew(self, data: st.DataObject, days: int) -> None:
        held = self.held[data.draw(st.sampled_from(sorted(self.held)))]
        ends_at = self.clock.now + timedelta(days=days)
        self.library.renew(held.person_id, expires_at=ends_at, statement="yes again")
        held.ends_at = ends_at

    @precondition(lambda self: self.held)
    @rule(
        data=st.data(),
        purposes=st.sets(st.sampled_from(["find_me", "be_found", "publish"])),
        collections=st.sets(st.sampled_from(COLLECTIONS), max_size=1),
        accounts=st.sets(st.sampled_from(ACCOUNTS), max_size=1),
    )
    def narrow(
        self, data: st.DataObject, purposes: set[str], collections: set[str], accounts: set[str]
    ) -> None:
        held = self.held[data.draw(st.sampled_from(sorted(self.held)))]
        left = held.purposes - purposes, held.collections - collections, held.audience - accounts
        dropped: dict[str, Any] = {
            "drop_purposes": sorted(purposes),
            "drop_collections": sorted(collections),
            "drop_accounts": sorted(accounts),
        }
        if left == (held.purposes, held.collections, held.audience):
            with pytest.raises(UsageError):
                self.library.narrow(held.person_id, **dropped)
        elif (
            not left[0]
            or not left[1]
            or ("be_found" in left[0] and not left[2])
            or not held.live(self.clock.now)
        ):
            with pytest.raises(ConsentRefused):
                self.library.narrow(held.person_id, **dropped)
        else:
            self.library.narrow(held.person_id, **dropped)
            held.purposes, held.collections, held.audience = left
            still = {photo for name in held.collections for photo in self.photos_in(name)}
            if not held.purposes & {"find_me", "be_found"}:
                still = set()
            held.decided = {p: d for p, d in held.decided.items() if p in still}

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        face = data.draw(st.sampled_from(sorted(self.held)))
        self.erased[face] = self.held.pop(face).person_id
        self.library.withdraw(self.erased[face])

    @rule(
        collection=st.sampled_from(COLLECTIONS),
        account=st.sampled_from(ACCOUNTS),
        add=st.booleans(),
    )
    def change_audience(self, collection: str, account: str, add: bool) -> None:
        if (account in self.audience[collection]) is add:
            return
        self.library.set_audience(collection, **{"add" if add else "drop": [account]})
        self.audience[collection] ^= {account}

    @precondition(lambda self: self.held)
    @rule(data=st.data(), account=st.sampled_from(ACCOUNTS))
    def unlink(self, data: st.DataObject, account: str) -> None:
        face = data.draw(st.sampled_from(sorted(self.held)))
        photo = data.draw(st.sampled_from(sorted(PHOTOS)))
        numbers = [n for n, drawn in enumerate(PHOTOS[photo], 1) if drawn.person == face]
        if not numbers:
            return
        must, may = self.shown(face, self.covered(face, account))
        try:
            person = self.acting[account].unlink(self.hashes[photo], face=numbers[0])
        except NotFound:
            assert photo not in must
            return
        assert photo in may
        assert person == self.held[face].person_id
        self.held[face].decided[photo] = "different"

    @rule(account=st.sampled_from(ACCOUNTS), decision=st.sampled_from(["same", "different"]))
    def decide_what_waits(self, account: str, decision: Any) -> None:
        photos = {sha256: photo for photo, sha256 in self.hashes.items()}
        for open_ in self.acting[account].proposals()[:1]:
            face = next(f for f, h in self.held.items() if h.person_id == open_.person.person_id)
            self.acting[account].decide(
                open_.photo.sha256,
                face=open_.face.number,
                person_id=open_.person.person_id,
                decision=decision,
            )
            self.held[face].decided[photos[open_.photo.sha256]] = decision

    @rule(account=st.sampled_from(ACCOUNTS), face=st.sampled_from([*FACES, 900]))
    def search_finds_exactly_who_may_be_found(self, account: str, face: int) -> None:
        library = self.acting[account]
        probe = draw(Drawn(person=face, look=NEAR, shot=9))
        if not any(account in named for named in self.audience.values()):
            with pytest.raises(AudienceRefused):
                library.search(probe, purpose="be_found")
            return
        answer = library.search(probe, purpose="be_found")
        covered = self.covered(face, account)
        expected = [self.held[face].name] if covered else []
        assert [candidate.name for candidate in answer.candidates] == expected
        for candidate in answer.candidates:
            self._check_photos(face, covered, candidate.photos)

    @rule(face=st.sampled_from(FACES), probe=st.sampled_from(FACES))
    def people_find_themselves_alone(self, face: int, probe: int) -> None:
        held = self.held.get(face)
        person_id = held.person_id if held else self.erased.get(face, "p_nobody")
        answer = self.library.search(draw(Drawn(person=probe)), as_person=person_id)
        may = held and held.live(self.clock.now) and "find_me" in held.purposes and probe == face
        assert [c.person_id for c in answer.candidates] == ([person_id] if may else [])
        for candidate in answer.candidates:
            assert held is not None
            self._check_photos(face, held.collections, candidate.photos)

    def _check_photos(
        self, face: int, collections: set[str], photos: Iterable[LinkedPhoto]
    ) -> None:
        names = {sha256: photo for photo, sha256 in self.hashes.items()}
        photos = list(photos)
        must, may = self.shown(face, collections)
        assert must <= {names[linked.photo.sha256] for linked in photos} <= may
        for linked in photos:
            assert linked.sightings
            drawn = PHOTOS[names[linked.photo.sha256]][linked.face.number - 1]
            assert drawn.person == face
            for sighting in linked.sightings:
                assert self._collection_of(sighting.source_id) in collections

    def _collection_of(self, source_id: str) -> str:
        into = {source.source_id: source.address for source in self.library.sources()}
        return FOLDERS[Path(into[source_id]).name]

    @invariant()
    def only_people_who_may_be_found_are_listed_and_counted(self) -> None:
        for account in ACCOUNTS:
            library = self.acting[account]
            covered = {face: self.covered(face, account) for face in self.held}
            visible = {self.held[face].name: face for face, where in covered.items() if where}
            listed = library.people()
            assert {seen.person.details.name for seen in listed} == set(visible)
            for seen in listed:
                face = visible[seen.person.details.name]
                must, may = self.shown(face, covered[face])
                assert len(must) <= seen.photos <= len(may)
                assert seen.proposals <= len(may - must)
                _, photos = library.show(seen.person.person_id)
                self._check_photos(face, covered[face], photos)
            for open_ in library.proposals():
                face = visible[open_.person.details.name]
                for sighting in open_.sightings:
                    assert self._collection_of(sighting.source_id) in covered[face]
            for face, held in self.held.items():
                if not covered[face]:
                    with pytest.raises(NotFound):
                        library.show(held.person_id)
            for person_id in self.erased.values():
                with pytest.raises(NotFound):
                    library.show(person_id)

    @invariant()
    def nothing_is_kept_that_no_consent_covers(self) -> None:
        """Photos nobody holds are gone, and what a threshold decided rests on a consent."""
        held = {photo for name in COLLECTIONS for photo in self.photos_in(name)}
        assert rows(self.library, "SELECT count(*) FROM photos") == [(len(held),)]
        of_person = {one.person_id: one for one in self.held.values()}
        names = {sha256: photo for photo, sha256 in self.hashes.items()}
        query = (
            "SELECT sha256, person_id FROM links JOIN photos USING (photo_id)"
            " WHERE decided_by = 'threshold'"
            " UNION ALL SELECT sha256, person_id FROM proposals JOIN photos USING (photo_id)"
        )
        for sha256, person_id in rows(self.library, query):
            collections = {c for c in COLLECTIONS if names[sha256] in self.photos_in(c)}
            assert collections & of_person[person_id].collections
            assert {"find_me", "be_found"} & of_person[person_id].purposes


def test_who_may_be_found_is_what_the_consents_say_whatever_happens(
    tmp_path: Path, decoders: DecodeWorkers
) -> None:
    pattern = make_place(tmp_path / "pattern", clock=Clock(START))
    with Library.open(pattern.library, clock=pattern.clock) as library:
        library.create_account("helper")
        library.set_audience("party", add=["helper"])
    hashes = {}
    for salt, (name, faces) in enumerate(sorted(PHOTOS.items())):
        file = save(tmp_path / "hashes" / f"{salt}.png", *faces, salt=salt)
        hashes[name] = hashlib.sha256(file.read_bytes()).hexdigest()

    class Machine(LiveConsent):
        pass

    Machine.decoders = decoders
    Machine.pattern = pattern.folder
    Machine.hashes = hashes
    Machine.numbers = itertools.count()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
