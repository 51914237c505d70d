"""The proof that the owner of a site says yes: where it is found, and when it counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from site_house import HOST, SiteHouse, site_house

from likeness.errors import BadInput, NotAuthorised, Refused
from likeness.records.authorisation import Authorisation
from likeness.sources.website.proof import (
    PROOF_LASTS,
    PROOF_PATH,
    Proof,
    check_proof,
    new_authorisation,
    new_token,
    proof_in,
    published_text,
)

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
NAME = f"_likeness.{HOST}"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[SiteHouse]:
    with site_house(tmp_path) as house:
        yield house


def _asked(**named: object) -> Authorisation:
    return new_authorisation(HOST, now=NOW, **named)  # type: ignore[arg-type]


def test_a_token_has_at_least_128_bits_and_is_another_each_time() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {len(token) for token in tokens} == {43}
    assert all(set(token) <= set("_-") | {*map(chr, range(48, 123))} for token in tokens)


def test_the_line_to_publish_says_the_last_day(house: SiteHouse) -> None:
    asked = _asked(days=365)
    assert asked.expires_at == datetime(2027, 11, 29, tzinfo=UTC)
    assert published_text(asked) == f"likeness-authorisation={asked.token}; until=2027-11-28"


def test_a_proof_in_dns_is_found_and_the_site_is_not_asked(house: SiteHouse) -> None:
    asked = _asked()
    house.network.texts[NAME] = ["v=spf1 -all", published_text(asked)]
    proof = check_proof(house.network, asked, NOW)
    assert proof == Proof(domain=HOST, method="dns", checked_at=NOW, until=asked.expires_at)
    assert house.server.asked == []


@pytest.mark.parametrize("records", [[], None, ["likeness-authorisation=" + "x" * 43]])
def test_a_proof_on_the_site_is_found_where_dns_has_none(
    house: SiteHouse, records: list[str] | None
) -> None:
    asked = _asked()
    house.network.texts[NAME] = records
    house.server.put(HOST, PROOF_PATH, f"# for the archive\r\n{published_text(asked)}\r\n")
    assert check_proof(house.network, asked, NOW).method == "well-known"
    assert house.server.paths() == [PROOF_PATH]


@pytest.mark.parametrize("status", [301, 302, 401, 403, 404, 410, 429, 500, 503, 206])
def test_any_status_but_200_proves_nothing(house: SiteHouse, status: int) -> None:
    asked = _asked()
    house.server.put(
        HOST,
        PROOF_PATH,
        published_text(asked),
        status=status,
        headers={"Location": f"https://{HOST}/proof"},
    )
    house.server.put(HOST, "/proof", published_text(asked))
    with pytest.raises(NotAuthorised, match=str(status)):
        check_proof(house.network, asked, NOW)
    assert house.server.paths() == [PROOF_PATH]


def test_no_name_server_and_no_site_prove_nothing(tmp_path: Path) -> None:
    with site_house(tmp_path) as house:
        asked = _asked()
        house.network.texts[NAME] = None
    with pytest.raises(NotAuthorised):
        check_proof(house.network, asked, NOW)


def test_the_earlier_of_both_ends_counts() -> None:
    asked = _asked(days=10)
    line = f"likeness-authorisation={asked.token}; until="
    early = proof_in(line + "2026-12-01", asked, NOW)
    late = proof_in(line + "2036-12-01", asked, NOW)
    assert early is not None and early.until == datetime(2026, 12, 2, tzinfo=UTC)
    assert late is not None and late.until == asked.expires_at


def test_what_has_ended_proves_nothing(house: SiteHouse) -> None:
    asked = _asked(days=10)
    line = f"likeness-authorisation={asked.token}; until=2026-11-27"
    house.network.texts[NAME] = [line]
    with pytest.raises(NotAuthorised):
        check_proof(house.network, asked, NOW)
    house.network.texts[NAME] = [published_text(asked)]
    check_proof(house.network, asked, asked.expires_at - timedelta(seconds=1))
    with pytest.raises(NotAuthorised, match="ended"):
        check_proof(house.network, asked, asked.expires_at)


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.replace("; until=", "; since="),
        lambda line: line.split(";")[0],
        lambda line: line[:-1],
        lambda line: line + "x",
        lambda line: "x" + line,
        lambda line: line.replace("2027", "9999-99"),
        lambda line: line.replace("-11-", "-13-"),
        lambda line: line.swapcase(),
        lambda line: line.replace("=", "=x", 1),
        lambda line: "<p>" + line + "</p>",
        lambda line: line.replace("likeness", "l\u0456keness"),
        lambda line: "",
    ],
)
def test_a_line_that_is_not_quite_it_proves_nothing(change: object) -> None:
    asked = _asked()
    line = published_text(asked)
    assert proof_in(line, asked, NOW) is not None
    assert proof_in(change(line), asked, NOW) is None  # type: ignore[operator]


@given(st.text(max_size=300))
def test_no_text_proves_anything_by_chance(text: str) -> None:
    expected = Authorisation(
        domain=HOST, token="t" * 43, expires_at=NOW + timedelta(days=9), created_at=NOW
    )
    assert proof_in(text, expected, NOW) is None


def test_the_proof_of_one_host_is_none_for_another(house: SiteHouse) -> None:
    asked = _asked()
    house.network.texts[NAME] = [published_text(asked)]
    for other in ("www." + HOST, "example.org", "other.example.org"):
        theirs = new_authorisation(other, now=NOW)
        with pytest.raises(NotAuthorised):
            check_proof(house.network, theirs, NOW)
    stolen = new_authorisation("other.example.org", now=NOW)
    assert proof_in(published_text(asked), stolen, NOW) is None


@pytest.mark.parametrize(
    "domain",
    [
        "localhost",
        "printer.local",
        "intranet",
        "site.internal",
        "co.uk",
        "github.io",
        "com",
        "*.example.org",
        "example.org:443",
        "10.0.0.1",
        "https://example.org",
    ],
)
def test_what_nobody_owns_by_name_cannot_be_authorised(domain: str) -> None:
    with pytest.raises(BadInput):
        new_authorisation(domain, now=NOW)


@pytest.mark.parametrize("domain", ["facebook.com", "www.instagram.com", "x.com", "m.youtube.com"])
def test_a_platform_cannot_be_authorised_nor_proved(house: SiteHouse, domain: str) -> None:
    with pytest.raises(Refused):
        new_authorisation(domain, now=NOW)
    forged = Authorisation(
        domain=domain, token=new_token(), expires_at=NOW + timedelta(days=9), created_at=NOW
    )
    house.network.texts[f"_likeness.{domain}"] = [published_text(forged)]
    with pytest.raises(Refused):
        check_proof(house.network, forged, NOW)


@pytest.mark.parametrize("days", [0, -1, 401, 10_000])
def test_an_authorisation_does_not_last_for_ever(days: int) -> None:
    with pytest.raises(BadInput):
        _asked(days=days)


def test_a_proof_is_relied_on_for_a_day_at_most() -> None:
    proof = Proof(domain=HOST, method="dns", checked_at=NOW, until=NOW + timedelta(days=30))
    assert proof.holds(NOW)
    assert proof.holds(NOW + PROOF_LASTS - timedelta(seconds=1))
    assert not proof.holds(NOW + PROOF_LASTS)
    assert not proof.holds(NOW - timedelta(seconds=1))
    ending = Proof(domain=HOST, method="dns", checked_at=NOW, until=NOW + timedelta(hours=1))
    assert not ending.holds(NOW + timedelta(hours=1))


def test_no_message_and_no_record_shows_the_token(house: SiteHouse) -> None:
    asked = _asked()
    house.server.put(HOST, PROOF_PATH, f"likeness-authorisation={asked.token}; until=never")
    house.network.texts[NAME] = [published_text(asked) + "x"]
    with pytest.raises(NotAuthorised) as raised:
        check_proof(house.network, asked, NOW)
    told = f"{raised.value} {raised.value.__cause__!r} {raised.value.__context__!r} {asked!r}"
    assert asked.token not in told
    assert NAME in told
