"""Ids in rows, against dictionaries."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from likeness.gallery.names import ReferenceNames

# Of unequal length, ended by zeros, empty, outside ASCII, with half a surrogate pair.
ids = st.sampled_from(["", "a", "a\0", "a\0\0", "ann", "ß" * 9, "\ud800", *map(str, range(30))])


class NamesAgainstDictionaries(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.names = ReferenceNames()
        self.references: list[str] = []
        self.people: list[str] = []

    @rule(reference=ids, person=ids)
    def put(self, reference: str, person: str) -> None:
        row = self.names.row_of(reference)
        if reference in self.references:
            assert row == self.references.index(reference)
            self.names.reassign(row, person)
            self.people[row] = person
        else:
            assert row == -1
            self.names.append(reference, person)
            self.references.append(reference)
            self.people.append(person)

    @rule(choice=st.integers(0))
    def remove(self, choice: int) -> None:
        if self.references:
            row = choice % len(self.references)
            self.names.remove(row)
            for column in (self.references, self.people):
                last = column.pop()
                if row < len(column):
                    column[row] = last

    @rule()
    def clear(self) -> None:
        self.names.clear()
        self.references.clear()
        self.people.clear()

    @rule(eligible=st.frozensets(ids))
    def select(self, eligible: frozenset[str]) -> None:
        rows = self.names.eligible_rows(eligible)
        wanted = [row for row, person in enumerate(self.people) if person in eligible]
        if rows is None:
            assert wanted == list(range(len(self.people)))
        else:
            assert rows.tolist() == wanted

    @invariant()
    def agrees(self) -> None:
        assert len(self.names) == len(self.references)
        assert self.names.people == len(set(self.people))
        assert self.names.person_ids() == set(self.people)
        for row, (reference, person) in enumerate(zip(self.references, self.people, strict=True)):
            assert (self.names.reference(row), self.names.person(row)) == (reference, person)
            assert self.names.row_of(reference) == row
        for person in {*self.people, "nobody"}:
            rows = [row for row, held in enumerate(self.people) if held == person]
            assert sorted(self.names.rows_of(person)) == rows


TestNames = NamesAgainstDictionaries.TestCase
TestNames.settings = settings(max_examples=120, stateful_step_count=60, deadline=None)


def test_many_ids_are_found_again_after_half_of_them_went() -> None:
    names = ReferenceNames()
    for number in range(3000):
        names.append(f"r_{number:016}", f"p_{number % 1000:016}")
    for number in range(0, 3000, 2):
        names.remove(names.row_of(f"r_{number:016}"))
    assert names.people == 500
    for number in range(3000):
        row = names.row_of(f"r_{number:016}")
        assert (row >= 0) == (number % 2 == 1)
        if row >= 0:
            assert names.person(row) == f"p_{number % 1000:016}"
            assert row in names.rows_of(f"p_{number % 1000:016}")
