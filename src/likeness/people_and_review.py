"""What a library does about people whom an account may find, and about their links: a part of
`Library`."""

from __future__ import annotations

from collections.abc import Sequence

from likeness import desk, photo_search, review, same_people, undoing
from likeness.house import House
from likeness.records.link import Decision
from likeness.records.stored import LinkedPhoto


class PeopleAndReview:
    """Methods of :class:`likeness.library.Library` about visible people and their links."""

    _house: House

    def people(self, *, collection: str | None = None) -> list[desk.VisiblePerson]:
        """Everybody whom the acting account may find."""
        return desk.visible_people(self._house, collection=collection)

    def show(self, person_id: str) -> tuple[desk.VisiblePerson, list[LinkedPhoto]]:
        """One of them, with their photos."""
        return desk.show_person(self._house, person_id)

    def photos(
        self, query: str = "", *, after: int | None = None, limit: int = 60
    ) -> photo_search.PhotoPage:
        """Filter the photos of people whom the acting account may find.

        See :func:`likeness.photo_search.find_photos`.
        """
        return photo_search.find_photos(self._house, query, after=after, limit=limit)

    def resolve_person(self, word: str) -> str:
        """The id that an id or a visible person's name means."""
        return desk.resolve_person(self._house, word)

    def merge(self, one: str, other: str) -> same_people.Together:
        """Say that two enrolments are of one human being; see :mod:`likeness.same_people`."""
        return same_people.merge(self._house, one, other)

    def split(self, person_id: str) -> same_people.Together:
        """Take an enrolment out of what it was merged into; see :mod:`likeness.same_people`."""
        return same_people.split(self._house, person_id)

    def proposals(self, *, person_id: str | None = None) -> list[review.OpenProposal]:
        """Possible links that wait to be decided, best first."""
        return review.open_proposals(self._house, person_id=person_id)

    def decide(self, sha256: str, *, face: int, person_id: str, decision: Decision) -> None:
        """Say whether a face is a person's; see :func:`likeness.review.decide`."""
        review.decide(self._house, sha256=sha256, face=face, person_id=person_id, decision=decision)

    def unsure(self, sha256: str, *, face: int, person_id: str) -> None:
        """Leave a possible link for later; see :func:`likeness.review.unsure`."""
        review.unsure(self._house, sha256=sha256, face=face, person_id=person_id)

    def not_theirs(self, person_id: str, faces: Sequence[tuple[str, int]]) -> int:
        """Say of several photos that they show somebody else; see :mod:`likeness.review`."""
        return review.not_theirs(self._house, person_id, faces)

    def undo(self, *, decision_id: int | None = None) -> undoing.Undone:
        """Take back the newest decision of this account; see :mod:`likeness.undoing`."""
        return undoing.undo(self._house, decision_id=decision_id)

    def unlink(self, sha256: str, *, face: int) -> str:
        """Take a face from the person it is linked with; see :func:`likeness.review.unlink`."""
        return review.unlink(self._house, sha256=sha256, face=face)
