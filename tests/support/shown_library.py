"""A library to look at: two public-domain portraits, everybody in a role, something on every page.

The engine is the real one, and so is everything else.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from likeness.demo.photos import REFERENCES, DemoPhotos, make_photos
from likeness.demo.portraits import hopper, take
from likeness.library import Library
from likeness.records.consent import ConsentGiven
from likeness.records.link import Proposal
from likeness.store.links import links_of_photo, put_proposals
from likeness.store.photos import faces_of, photo_by_sha256

COLLECTION = "portraits"
COLLINS, HOPPER = "Eileen Collins", "Grace Hopper"


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The library, open, and what is in it.

    Attributes
    ----------
    library : Library
    folder : Path
    photos : DemoPhotos
    collins, hopper : str
        Ids of the people.
    photo : str
        SHA-256 of a photo that shows both.
    notice, receipt : str
        Ids of a notice and of a receipt.
    """

    library: Library
    folder: Path
    photos: DemoPhotos
    collins: str
    hopper: str
    photo: str
    notice: str
    receipt: str

    def bytes_of(self, name: str) -> bytes:
        """A photo to enrol or to search with."""
        return (self.folder / name).read_bytes()


@contextmanager
def shown_library(folder: Path) -> Iterator[Shown]:
    """Make the library in a new folder and keep it open in the block."""
    photos = make_photos(folder)
    for number, shot in enumerate(REFERENCES, 1):
        take(hopper(), shot).save(folder / f"references/hopper-{number}.jpg", quality=95)
    with Library.create(folder / "library", keyring=folder / "keys") as library:
        library.create_account("operator", role="operator")
        library.create_account("member", role="member")
        library.create_collection(
            COLLECTION,
            controller="Portrait Club",
            purpose_text="Photos of our members, for our members",
            audience=("owner", "operator", "member"),
        )
        library.create_collection("archive", controller="Portrait Club", audience=("owner",))
        library.ingest(folder / "photos", collection=COLLECTION)
        collins = _enrol(library, folder, COLLINS, "collins", (1, 2, 3))
        grace = _enrol(library, folder, HOPPER, "hopper", (1,))
        receipt = _withdrawn(library, folder)
        notice = library.give_notice(
            kind="domain",
            about="stop.example.org",
            given_by="Erin Example",
            reason="Their letter of 3 May",
        )
        both = _photo_of_both(library)
        _propose(library, collins)
        yield Shown(
            library=library,
            folder=folder,
            photos=photos,
            collins=collins,
            hopper=grace,
            photo=both,
            notice=notice.notice_id,
            receipt=receipt,
        )


def _enrol(library: Library, folder: Path, name: str, stem: str, numbers: tuple[int, ...]) -> str:
    photos = [folder / f"references/{stem}-{number}.jpg" for number in numbers]
    given = ConsentGiven(
        purposes=frozenset({"find_me", "be_found"}),
        collections=frozenset({COLLECTION}),
        basis="consent",
        how_given="attested",
        statement="Portraits in the public domain",
        is_adult=True,
    )
    return library.enrol(name, photos, consent=given).person_id


def _withdrawn(library: Library, folder: Path) -> str:
    """Somebody who came and went, so that there is a receipt."""
    given = ConsentGiven(
        purposes=frozenset({"be_found"}),
        collections=frozenset({"archive"}),
        basis="consent",
        how_given="attested",
        statement="A portrait in the public domain",
        is_adult=True,
    )
    gone = library.enrol(
        "Grace Hopper", [folder / "references/hopper-1.jpg"], consent=given, different_person=True
    )
    return library.withdraw(gone.person_id).serial


def _photo_of_both(library: Library) -> str:
    people = [library.show(person.person.person_id)[1] for person in library.people()]
    shas = [{linked.photo.sha256 for linked in photos} for photos in people]
    return sorted(set.intersection(*shas))[0]


def _propose(library: Library, person_id: str) -> None:
    """Let two photos of Hopper wait to be decided as Collins's, whom no threshold would propose."""
    hopper_alone = [
        linked.photo.sha256
        for person in library.people()
        if person.person.person_id != person_id
        for linked in library.show(person.person.person_id)[1]
    ]
    with library.house.transaction() as connection:
        left = 2
        for sha256 in hopper_alone:
            photo = photo_by_sha256(connection, sha256)
            assert photo is not None
            if left == 0 or any(
                link.person_id == person_id for link in links_of_photo(connection, photo.photo_id)
            ):
                continue
            [face, *_] = faces_of(connection, photo.photo_id)
            proposal = Proposal(face_id=face.face_id, person_id=person_id, score=0.93 + left / 100)
            put_proposals(connection, [proposal], photo_id=photo.photo_id, at=library.house.clock())
            left -= 1
