"""Which licences have to be accepted by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likeness.faces.licences import PERMISSIVE, to_accept


@pytest.mark.parametrize("name", sorted(PERMISSIVE))
def test_a_permissive_licence_asks_for_nothing(name: str) -> None:
    assert to_accept(name) == ()
    assert to_accept(name.lower()) == ()
    assert to_accept(f"({name}) AND MIT") == ()


@pytest.mark.parametrize(
    ("expression", "left"),
    [
        ("CC-BY-NC-SA-4.0", ("CC-BY-NC-SA-4.0",)),
        ("GPL-3.0-only", ("GPL-3.0-only",)),
        ("MIT AND CC-BY-NC-SA-4.0", ("CC-BY-NC-SA-4.0",)),
        ("MIT OR CC-BY-NC-SA-4.0", ()),
        ("A AND B AND A", ("A", "B")),
        ("A OR B AND C", ("A",)),
        ("(A OR B) AND C", ("A", "C")),
        ("(A AND B) OR C", ("C",)),
        ("Apache-2.0 WITH LLVM-exception", ()),
        ("GPL-2.0-only WITH Classpath-exception-2.0",) * 2,
        ("LicenseRef-Bought", ("LicenseRef-Bought",)),
        ("MIT-like", ("MIT-like",)),
        ("ask the author", ("ask the author",)),
        ("MIT AND", ("MIT AND",)),
        ("MIT Apache-2.0", ("MIT Apache-2.0",)),
        ("(MIT", ("(MIT",)),
        ("MIT) OR (MIT", ("MIT) OR (MIT",)),
        ("", ("",)),
        ("mit or else", ("mit or else",)),
        ("(" * 100_000, ("(" * 100_000,)),
    ],
)
def test_an_expression_leaves_the_fewest_to_accept(
    expression: str, left: tuple[str, ...] | str
) -> None:
    assert to_accept(expression) == ((left,) if isinstance(left, str) else left)


def test_what_was_accepted_is_not_asked_for_again() -> None:
    assert to_accept("A AND B", {"a"}) == ("B",)
    assert to_accept("A AND B", {"A", "B"}) == ()
    assert to_accept("A OR B", {"B"}) == ()
    assert to_accept("A AND B", {"A  AND  B"}) == ("A", "B")
    assert to_accept("A  AND  B", {"A AND B"}) == ()
    assert to_accept("ask the author", {"ask the author"}) == ()


_NAMES = st.sampled_from(["MIT", "Zlib", "A-1.0", "B", "LicenseRef-c"])
_EXPRESSIONS = st.recursive(
    _NAMES,
    lambda inner: st.tuples(inner, st.sampled_from([" AND ", " OR "]), inner).map(
        lambda parts: f"({''.join(parts)})"
    ),
)


@given(expression=_EXPRESSIONS)
def test_accepting_what_is_asked_for_is_enough(expression: str) -> None:
    left = to_accept(expression)
    assert not set(left) & PERMISSIVE
    assert to_accept(expression, frozenset(left)) == ()
    assert len(set(left)) == len(left)


@given(text=st.text())
def test_any_text_is_read(text: str) -> None:
    left = to_accept(text)
    assert to_accept(text, frozenset(left)) == ()
