"""Uploads over the wire: in pieces by a script, in one form without, and by nobody else."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from export_archives import zip_of
from upload_parts import picture, x_files

from likeness import uploads
from likeness.uploaded import folder_of

WITHIN = 60.0


@pytest.fixture
def operator(site: Any) -> Any:
    return site.client("operator")


def begin(client: Any, files: dict[str, bytes], **asked: Any) -> Any:
    body = {
        "collection": "club",
        "kind": "photos",
        "files": [{"name": name, "size": len(content)} for name, content in files.items()],
        **asked,
    }
    return client.submit_raw("/uploads", json.dumps(body).encode())


def put(client: Any, upload_id: str, number: int, offset: int, chunk: bytes) -> Any:
    return client.put(
        f"/uploads/{upload_id}/{number}",
        params={"offset": offset},
        content=chunk,
        headers={"x-csrf-token": client.token(), "accept": "application/json"},
    )


def ended(client: Any, path: str) -> Any:
    end = time.monotonic() + WITHIN
    answer = client.get(path, headers={"accept": "text/html"})
    while "/tasks/" in str(answer.url) and time.monotonic() < end:
        if 'role="alert"' in answer.text:
            return answer
        time.sleep(0.05)
        answer = client.get(path, headers={"accept": "text/html"})
    return answer


def test_a_file_goes_up_in_pieces_and_is_taken_in(site: Any, operator: Any) -> None:
    files = {"one.png": picture(501), "two.png": picture(502)}
    begun = begin(operator, files)
    assert begun.status_code == 201
    upload_id = begun.json()["id"]
    for number, content in enumerate(files.values(), start=1):
        half = len(content) // 2
        answer = put(operator, upload_id, number, 0, content[:half])
        assert answer.json() == {"received": half}
        # As after a line that broke: the answer was lost, and the piece is sent again.
        again = put(operator, upload_id, number, 0, content[:half])
        assert (again.status_code, again.json()["received"]) == (409, half)
        put(operator, upload_id, number, half, content[half:])
    state = operator.get(f"/uploads/{upload_id}", headers={"accept": "application/json"}).json()
    assert [one["received"] for one in state["files"]] == [len(c) for c in files.values()]
    to = operator.submit_raw(f"/uploads/{upload_id}/finish", b"").json()["to"]
    page = ended(operator, to)
    assert "Found 2 photos: 2 new" in page.text
    assert "Uploaded photos" in page.text
    assert str(folder_of(site.library.house, upload_id)) not in page.text


def test_what_has_yet_to_arrive_is_told(operator: Any) -> None:
    begun = begin(operator, {"one.png": b"12345"}).json()
    early = operator.submit_raw(f"/uploads/{begun['id']}/finish", b"")
    assert (early.status_code, "1 of 1 files" in early.json()["title"]) == (409, True)
    page = operator.get("/uploads", headers={"accept": "text/html"})
    assert "1 file into club" in page.text and "0% has arrived" in page.text
    gone = operator.submit(f"/uploads/{begun['id']}/abandon")
    assert "its files are deleted" in gone.text
    assert operator.get(f"/uploads/{begun['id']}").status_code == 404


def test_an_upload_is_nobody_elses(site: Any, operator: Any) -> None:
    begun = begin(operator, {"one.png": b"12345"}).json()
    owner = site.client("owner")
    assert owner.get(f"/uploads/{begun['id']}").status_code == 404
    assert put(owner, begun["id"], 1, 0, b"1").status_code == 404
    assert owner.submit(f"/uploads/{begun['id']}/finish").status_code == 404
    assert owner.submit(f"/uploads/{begun['id']}/abandon").status_code == 404
    for role in ("member", "person", "anyone"):
        client = site.client(role)
        assert put(client, begun["id"], 1, 0, b"1").status_code in (401, 403)
    assert put(operator, begun["id"], 1, 0, b"1").json() == {"received": 1}


def test_a_piece_without_our_token_is_refused(operator: Any) -> None:
    begun = begin(operator, {"one.png": b"12345"}).json()
    path = f"/uploads/{begun['id']}/1?offset=0"
    assert operator.put(path, content=b"1").status_code == 403
    forged = {"x-csrf-token": operator.token(), "origin": "https://elsewhere.example"}
    assert operator.put(path, content=b"1", headers=forged).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b'{"collection": "club", "kind": "photos", "files": [{"name": 1, "size": 2}]}',
        b'{"collection": "club", "kind": "photos", "files": [{"name": "a", "size": true}]}',
        b'{"collection": "club", "kind": "photos", "files": [{"name": "a", "size": 1.5}]}',
        b'{"collection": "club", "kind": "other", "files": []}',
        b'{"collection": 7, "kind": "photos", "files": []}',
        b"\xff\xfe",
    ],
)
def test_what_does_not_say_which_files_there_are_is_refused(operator: Any, body: bytes) -> None:
    assert operator.submit_raw("/uploads", body).status_code == 422


def test_nothing_and_too_much_are_refused_with_what_to_do(operator: Any) -> None:
    assert begin(operator, {}).status_code == 400
    assert begin(operator, {"a.png": b"1"}, collection="nothing").status_code == 404
    asked = {
        "collection": "club",
        "kind": "export",
        "files": [{"name": "a.zip", "size": 2**49}],
    }
    huge = operator.submit_raw("/uploads", json.dumps(asked).encode())
    assert (huge.status_code, "The disk has room for" in huge.json()["title"]) == (503, True)
    begun = begin(operator, {"one.png": b"12345"}).json()
    beyond = put(operator, begun["id"], 1, 0, b"123456")
    assert beyond.status_code == 422
    assert put(operator, begun["id"], 9, 0, b"1").status_code == 404
    large = put(operator, begun["id"], 1, 0, bytes(uploads.CHUNK_BYTES + 1))
    assert large.status_code == 413


def test_without_scripts_a_form_takes_a_few_files(operator: Any) -> None:
    sent = [("files", (f"{n}.png", picture(600 + n), "image/png")) for n in range(3)]
    answer = operator.submit("/uploads/small", {"collection": "club"}, files=sent)
    page = ended(operator, str(answer.url))
    assert "Found 3 photos: 3 new" in page.text


def test_an_export_goes_up_by_the_same_form(operator: Any, tmp_path: Path) -> None:
    archive = zip_of(tmp_path / "x.zip", x_files()).read_bytes()
    sent = [("files", ("twitter.zip", archive, "application/zip"))]
    answer = operator.submit("/uploads/small", {"collection": "club"}, files=sent)
    page = ended(operator, str(answer.url))
    assert "Export of X" in page.text
    mixed = [*sent, ("files", ("1.png", picture(1), "image/png"))]
    answer = operator.submit("/uploads/small", {"collection": "club"}, files=mixed)
    assert "one after the other" in answer.text


def test_the_page_to_choose_files_names_the_collections(operator: Any) -> None:
    page = operator.get("/uploads/new?collection=club").text
    assert re.search(r'<option value="club" selected>', page)
    assert 'enctype="multipart/form-data"' in page
