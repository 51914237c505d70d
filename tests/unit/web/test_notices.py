"""Notices, receipts and the audit log on the desk, over a real server."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from promise_house import enrol
from synthetic_engine import Drawn, save
from web_server import Client, WebServer, serving

from likeness.consent_receipts import consent_receipt
from likeness.library import Library

HTML = {"accept": "text/html"}
VERIFIED = "<strong>Verified</strong>"
ANN = 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for number in range(3):
        save(folder / f"{number}.png", Drawn(person=ANN, shot=number), salt=number)
    (folder / "links.csv").write_text(
        "path,page_url\n0.png,https://example.org/a\n1.png,https://example.com/b\n"
    )
    return folder


@pytest.fixture
def server(library: Library, folder: Path) -> Iterator[WebServer]:
    library.ingest(folder, collection="party")
    library.create_account("operator", role="operator")
    library.create_account("other", role="operator")
    enrol(library, "Ann", ANN)
    with serving(library) as running:
        yield running


def until_done(client: Client, answer: httpx.Response) -> httpx.Response:
    end = time.monotonic() + 30
    while "/tasks/" in answer.url.path and time.monotonic() < end:
        time.sleep(0.05)
        answer = client.get(answer.url.path, headers=HTML)
        assert 'role="alert"' not in answer.text, answer.text
    return answer


def give(client: Client) -> httpx.Response:
    fields = {"kind": "domain", "about": "example.org", "given_by": "Eve", "reason": "mine"}
    return until_done(client, client.submit("/notices", fields))


def test_what_would_go_is_told_exactly_before_anything_does(server: WebServer) -> None:
    operator = server.client("operator")
    fields = {"kind": "domain", "about": "example.org", "given_by": "Eve", "reason": "mine"}
    look = operator.submit("/notices/look", fields).text
    assert "1 place where a photo was found, and 1 photo" in look
    assert server.library.dry_run_notice(kind="domain", about="example.org")["photos"] == 1
    for off in ({"kind": ""}, {"given_by": ""}, {"about": "not a domain"}, {"kind": "source"}):
        answer = operator.submit("/notices/look", {**fields, **off})
        assert answer.status_code in (400, 404, 422) and 'role="alert"' in answer.text
        assert 'value="Eve"' in answer.text or "given_by" in off
    assert server.library.notices() == []


def test_a_notice_is_carried_out_with_a_receipt_and_a_code_shown_once(server: WebServer) -> None:
    operator = server.client("operator")
    page = give(operator)
    assert "in force" in page.text and "Eve" in page.text
    path = page.url.path
    [serial] = re.findall(r'href="/receipts/([0-9a-f]+)\.json"', page.text)
    receipt = operator.get(f"/receipts/{serial}.json").content
    files = {"file": ("receipt.json", receipt, "application/json")}
    verified = operator.submit("/receipts/verify", files=files).text
    assert "Verified:" in verified and "a stop notice" in verified
    other = server.client("other")
    assert "Show the code" not in other.get(path, headers=HTML).text
    assert other.submit(f"{path}/code").status_code == 404
    told = operator.submit(f"{path}/code").text
    [code] = re.findall(r'id="code">([^<]+)<', told)
    assert operator.submit(f"{path}/code").status_code == 404
    assert code not in operator.get(path, headers=HTML).text
    wrong = operator.submit(f"{path}/lift", {"code": "guess"})
    assert wrong.status_code == 409 and "not the code" in wrong.text
    lifted = other.submit(f"{path}/lift", {"code": code})
    assert "Lifted" in lifted.text
    assert [known.notice.state for known in server.library.notices()] == ["lifted"]


def test_a_photo_is_named_by_its_file_which_is_not_kept(server: WebServer, folder: Path) -> None:
    operator = server.client("operator")
    fields = {"kind": "photo", "given_by": "Eve"}
    files = {"photo": ("0.png", (folder / "0.png").read_bytes(), "image/png")}
    look = operator.submit("/notices/look", fields, files=files).text
    assert "and 1 photo" in look


def test_receipts_that_do_not_hold_are_said_not_to(server: WebServer) -> None:
    owner = server.client("owner")
    give(owner)
    page = owner.get("/receipts", headers=HTML).text
    assert "a stop notice" in page and server.library.verifier_key in page.replace("&#43;", "+")
    [serial] = re.findall(r'href="/receipts/([0-9a-f]+)\.json"', page)
    good = owner.get(f"/receipts/{serial}.json").text
    assert "Verified:" in owner.submit("/receipts/verify", {"text": good}).text
    for bad in ("", "nonsense", good.replace(serial, "0" * 16), "x" * 2_000_00):
        answer = owner.submit("/receipts/verify", {"text": bad})
        assert answer.status_code in (400, 409, 422) and 'role="alert"' in answer.text
    assert owner.get("/receipts/unknown.json", headers=HTML).status_code == 404


def test_a_consent_receipt_is_verified_as_on_the_command_line(server: WebServer) -> None:
    owner, house = server.client("owner"), server.library.house
    (person_id,) = [seen.person.person_id for seen in server.library.people()]
    good = consent_receipt(house, person_id).decode()
    page = owner.submit("/receipts/verify", {"text": good}).text
    assert "Verified:" in page and "consent receipt" in page
    assert "It says yes to be_found in party" in page
    for bad in (good.replace("be_found", "find_me"), good.replace('"party"', '"club"')):
        answer = owner.submit("/receipts/verify", {"text": bad})
        assert answer.status_code == 409 and 'role="alert"' in answer.text
        assert "Verified:" not in answer.text


def test_the_log_is_verified_also_against_a_checkpoint_that_was_kept(server: WebServer) -> None:
    owner = server.client("owner")
    page = owner.get("/audit", headers=HTML).text
    [note] = re.findall(r'<pre id="checkpoint">(.*?)</pre>', page, re.DOTALL)
    kept = note.replace("&#43;", "+")
    for fields in ({"kept": kept.replace("\n", "\r\n")}, {}):
        page = until_done(owner, owner.submit("/audit/verify", fields))
        assert page.url.path == "/audit" and VERIFIED in page.text
    other = server.client("other")
    assert VERIFIED not in other.get("/audit", headers=HTML).text
    wrong = owner.submit("/audit/verify", {"kept": "nonsense"})
    end = time.monotonic() + 30
    while 'role="alert"' not in wrong.text and time.monotonic() < end:
        wrong = owner.get(wrong.url.path, headers=HTML)
    assert "/tasks/" in wrong.url.path and 'role="alert"' in wrong.text
    # What held before this check is not shown as if it were the outcome.
    assert VERIFIED not in owner.get("/audit", headers=HTML).text
