"""What can go wrong on the way to a yes, in a real browser: each time somebody is told what to do.

Nothing of anybody is stored before their last word, whatever breaks off before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest
from byte_scan import forms_of_text, scan
from chromium import axe_violations, chromium, complaints, context_of
from moving_portrait import Movement, Pixels
from playwright.sync_api import Browser, Locator, Page, expect
from promise_house import Clock, rows
from story_parts import (
    BEFORE_THE_CAMERA,
    SOON,
    CameraClock,
    answer_the_form,
    asking_for,
    enrolment_words,
    film_of,
    said_aloud,
)
from web_server import WebServer, serving

from likeness import invitations
from likeness.demo.photos import REFERENCES
from likeness.demo.portraits import collins, take
from likeness.library import Library
from likeness.records.collection import Account
from likeness.web.words import words_of

ASKED: tuple[Movement, ...] = ("left", "right", "closer")
MADE: tuple[Movement, ...] = ("left", "closer")
"""The first is what is asked for; the second is not."""

PERSON = "Anna Adler"
SAY, CAMERA = enrolment_words("en")
FAKE_CAMERA = "--use-fake-device-for-media-stream"
NO_CAMERA = f"{FAKE_CAMERA}=device-count=0"


class Portraits(Protocol):
    """What is needed of the fixture of this name."""

    collins: Pixels


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A server, and what time it is there.

    Attributes
    ----------
    server : WebServer
    clock : Clock
        Of the library.
    camera_clock : CameraClock
    folder : Path
        Of library and keyring.
    photo : Path
        Of the person.
    """

    server: WebServer
    clock: Clock
    camera_clock: CameraClock
    folder: Path
    photo: Path

    def invite(self) -> str:
        """The path of a new link, which works for a week."""
        made = invitations.invite(
            self.server.library.house,
            collections=["party"],
            purposes=["find_me", "be_found"],
            days=7,
        )
        return f"/enrol/{made.secret}"


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, _has_chromium: None) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("wrong")
    photo = tmp_path_factory.mktemp("photo") / "me.jpg"
    take(collins(), REFERENCES[0]).save(photo, quality=95)
    clock, camera_clock = Clock(), CameraClock()
    with (
        asking_for(ASKED, camera_clock),
        Library.create(folder / "library", keyring=folder / "keys", clock=clock) as library,
    ):
        # Loading it takes seconds in which the film would go on.
        library.house.engine()
        library.create_collection("party", controller="Club", audience=("owner",))
        with serving(library) as server:
            yield Stage(
                server=server, clock=clock, camera_clock=camera_clock, folder=folder, photo=photo
            )


@pytest.fixture(scope="module")
def film(
    tmp_path_factory: pytest.TempPathFactory, portraits: Portraits, _has_chromium: None
) -> Path:
    """Somebody who makes one movement that is asked for, and then another one."""
    path = tmp_path_factory.mktemp("film") / "wrong.mjpeg"
    return film_of(path, portraits.collins, MADE, first=5.0)


@contextmanager
def _phone(browser: Browser, stage: Stage, *, may: Sequence[str] | None = None) -> Iterator[Page]:
    """A phone of its own, in English; what its user allows pages, where they are asked."""
    context = context_of(browser, stage.server.url)
    context.set_default_timeout(SOON)
    if may is not None:
        context.grant_permissions(may)
    page = context.new_page()
    heard = complaints(page)
    yield page
    context.close()
    # A link that is gone is answered with 404, and the browser says so.
    assert [text for text in heard if "status of 404" not in text] == []


def _answer(page: Page, path: str, *, name: str = PERSON, **more: Any) -> None:
    page.goto(path)
    answer_the_form(page, "en", name=name, purposes=("find_me", "be_found"), **more)


def _to_the_camera(page: Page, path: str, **more: Any) -> None:
    _answer(page, path, **more)
    page.wait_for_url(f"**{path}/camera")
    page.get_by_role("button", name=CAMERA.start_button).click()


def _in_trouble(page: Page, state: str) -> Locator:
    """Where the page says what is wrong: it has the focus, and there are two ways on."""
    words = CAMERA.trouble[state]
    heading = page.get_by_role("heading", name=words.title)
    expect(heading).to_be_focused(timeout=BEFORE_THE_CAMERA)
    expect(page.get_by_text(words.text)).to_be_visible()
    expect(page.get_by_role("link", name=CAMERA.upload)).to_be_visible()
    again = page.get_by_role("button", name=CAMERA.again_button)
    expect(again).to_be_visible()
    assert axe_violations(page) == []
    return again


def _with_a_photo(page: Page, stage: Stage) -> None:
    """Say yes on the page for photos."""
    expect(page.get_by_text(SAY.photo.not_live)).to_be_visible()
    page.get_by_label(SAY.photo.field, exact=True).set_input_files(stage.photo)
    assert axe_violations(page) == []
    page.get_by_role("button", name=SAY.photo.send).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(SAY.done.title_waiting)


def _held(stage: Stage) -> dict[str, int]:
    """How many rows of people the library holds, by table."""
    tables = ("people", "consents", "references", "sessions")
    query = 'SELECT count(*) FROM "{}"'
    return {each: rows(stage.server.library, query.format(each))[0][0] for each in tables}


def _ids(stage: Stage) -> set[str]:
    return {row[0] for row in rows(stage.server.library, "SELECT person_id FROM people")}


def _stands_somewhere(stage: Stage, name: str) -> set[tuple[str, str]]:
    files = [path for path in stage.folder.rglob("*") if path.is_file()]
    assert files
    return scan(files, forms_of_text(name))


@pytest.mark.slow
def test_a_phone_that_goes_off_half_way_leaves_nothing_and_its_link_works_on(
    stage: Stage, film: Path
) -> None:
    path, before = stage.invite(), _held(stage)
    with chromium(camera=film) as browser:
        with _phone(browser, stage) as page:
            _to_the_camera(page, path, name="Frieda Feuerbach")
            one_made = page.get_by_role("img", name=CAMERA.done_of.format(done=1))
            expect(one_made).to_be_visible(timeout=BEFORE_THE_CAMERA)
        assert _held(stage) == before
        assert _stands_somewhere(stage, "Frieda Feuerbach") == set()
        with _phone(browser, stage) as page:
            page.goto(f"{path}/camera")
            # It begins at the form again, with nothing ticked: nobody else goes on with it.
            page.wait_for_url(f"**{path}")
            _answer(page, path)
            page.get_by_role("link", name=SAY.camera.upload).click()
            _with_a_photo(page, stage)
            page.goto("/my-photos/references")
            not_live = words_of("portal", "en").references.not_live
            expect(page.get_by_text(not_live, exact=True)).to_be_visible()
        context = context_of(browser, stage.server.url, secret=stage.server.secret("owner"))
        page = context.new_page()
        page.goto("/invitations")
        expect(page.get_by_text("not live: an uploaded photo")).to_be_visible()
        context.close()


@pytest.mark.slow
def test_another_movement_than_asked_begins_anew_and_says_why_until_time_is_up(
    stage: Stage, film: Path
) -> None:
    with chromium(camera=film) as browser, _phone(browser, stage) as page:
        _to_the_camera(page, stage.invite())
        expect(said_aloud(page, CAMERA.say.turn_right)).to_be_visible(timeout=BEFORE_THE_CAMERA)
        why = page.get_by_role("status").filter(has_text=CAMERA.again.wrong_movement)
        expect(why).to_be_visible(timeout=BEFORE_THE_CAMERA)
        none_made = page.get_by_role("img", name=CAMERA.done_of.format(done=0))
        expect(none_made).to_be_visible()
        assert axe_violations(page) == []
        stage.camera_clock.ahead += 200
        again = _in_trouble(page, "time")
        again.click()
        expect(said_aloud(page, CAMERA.say.turn_left)).to_be_visible(timeout=BEFORE_THE_CAMERA)


def test_a_camera_that_is_refused_can_be_allowed_after_all(stage: Stage) -> None:
    with chromium(flags=[FAKE_CAMERA]) as browser, _phone(browser, stage, may=[]) as page:
        _to_the_camera(page, stage.invite())
        again = _in_trouble(page, "refused")
        page.context.grant_permissions(["camera"])
        again.click()
        # What this camera shows has no face, so that is what is said.
        expect(said_aloud(page, CAMERA.say.no_face)).to_be_visible()


def test_without_a_camera_a_photo_serves(stage: Stage) -> None:
    with chromium(flags=[NO_CAMERA]) as browser, _phone(browser, stage, may=["camera"]) as page:
        _to_the_camera(page, stage.invite())
        _in_trouble(page, "none")
        page.get_by_role("link", name=CAMERA.upload).click()
        _with_a_photo(page, stage)


def test_whoever_is_under_18_says_yes_with_a_guardian_until_their_birthday(
    stage: Stage,
) -> None:
    own = words_of("portal", "en")
    path, before = stage.invite(), _ids(stage)
    with chromium() as browser, _phone(browser, stage) as page:
        _answer(page, path, birth_date="2008-09-15")
        page.wait_for_url(f"**{path}/guardian")
        expect(page.get_by_role("heading", level=1)).to_have_text(SAY.guardian.title)
        expect(page.get_by_text(SAY.guardian.until)).to_be_visible()
        assert axe_violations(page) == []
        # Nobody gets past this page without a guardian.
        page.goto(f"{path}/photo")
        page.wait_for_url(f"**{path}")
        page.goto(f"{path}/guardian")
        page.get_by_label(SAY.guardian.name).fill("Gerda Adler")
        page.get_by_label(SAY.guardian.relation, exact=True).fill("mother")
        page.get_by_label(SAY.guardian.sure).check()
        page.get_by_role("button", name=SAY.guardian.go_on).click()
        page.wait_for_url(f"**{path}/camera")
        page.get_by_role("link", name=SAY.camera.upload).click()
        expect(page.get_by_text("Gerda Adler")).to_be_visible()
        expect(page.get_by_text("15 Sep 2026")).to_be_visible()
        _with_a_photo(page, stage)
        page.goto("/my-photos/consent")
        expect(page.get_by_text(own.consent.basis_guardian_consent)).to_be_visible()
        expect(page.get_by_text("15 September 2026")).to_be_visible()
    [person_id] = _ids(stage) - before
    # While they wait nobody but they themself sees what they said.
    themself = stage.server.library.acting_as(Account(account_id=person_id, name=""))
    [consent] = themself.consents(person_id)
    assert consent.basis == "guardian_consent"
    assert consent.ends_at == datetime(2026, 9, 15, tzinfo=UTC)


def test_a_link_that_was_used_or_has_ended_says_the_same_as_one_that_never_was(
    stage: Stage,
) -> None:
    used, ended = stage.invite(), stage.invite()
    with chromium() as browser, _phone(browser, stage) as page:
        _answer(page, used)
        page.get_by_role("link", name=SAY.camera.upload).click()
        _with_a_photo(page, stage)
    stage.clock.advance(days=8)
    said = set()
    with chromium() as browser, _phone(browser, stage) as page:
        for path in (used, ended, "/enrol/never-made"):
            page.goto(path)
            expect(page.get_by_role("heading", level=1)).to_have_text(SAY.gone.title)
            assert axe_violations(page) == []
            said.add(page.get_by_role("main").inner_text())
    assert len(said) == 1
