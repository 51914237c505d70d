"""Without the extra a site is told to need it, in words rather than by a failed import."""

from __future__ import annotations

import pytest

from likeness.errors import UsageError
from likeness.sources.website import extra


def test_with_the_extra_nothing_is_said() -> None:
    extra.require_extra()


@pytest.mark.parametrize("missing", ["dns", "lxml", "protego", "scrapy", "tldextract"])
def test_without_a_part_of_it_the_fix_is_named(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = extra.find_spec
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == missing else found(name))
    with pytest.raises(UsageError, match="extra") as raised:
        extra.require_extra()
    assert raised.value.fix == "Run: pip install 'likeness[websites]'"
