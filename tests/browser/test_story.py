"""The whole story in a real browser, as everybody in it lives it.

The owner sets up, brings photos in and invites; a person says yes before a camera and sees their
photos; a member finds them; they withdraw, and the member reads what everybody reads for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
from chromium import axe_violations, chromium, complaints, context_of
from moving_portrait import Movement, Pixels
from playwright.sync_api import Browser, Page, expect
from promise_house import rows
from story_parts import (
    BEFORE_THE_CAMERA,
    SOON,
    CameraClock,
    answer_the_form,
    asking_for,
    box,
    enrolment_words,
    film_of,
    said_aloud,
    shown_link,
    unlocks_itself,
)
from web_server import WebServer, serving

from likeness import signing_in
from likeness.audit.consent_receipt import verify_consent_receipt
from likeness.audit.receipt_file import verify_receipt
from likeness.demo.photos import SITE, DemoPhotos, make_photos
from likeness.library import Library
from likeness.web.words import words_of

ORDER: tuple[Movement, ...] = ("right", "closer", "left")
ADDED = (1, 2, 3, 4, 5, 6, 29, 30, 31, 32)
"""Numbers of the demo's photos: each of the two people alone, then both together."""

HELD = 'SELECT (SELECT count(*) FROM people) + (SELECT count(*) FROM "references")'
"""How much of anybody the library holds."""

PERSON = "Anna Adler"
PASSWORD = "teal kayak hums often"


class Portraits(Protocol):
    """What is needed of the fixture of this name."""

    collins: Pixels


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the story plays on.

    Attributes
    ----------
    browser : Browser
        Its camera shows the person, who moves in `ORDER`.
    server : WebServer
    folder : Path
        With the demo's photos.
    photos : DemoPhotos
    """

    browser: Browser
    server: WebServer
    folder: Path
    photos: DemoPhotos

    @property
    def added(self) -> list[Path]:
        """The files that the owner uploads: photos, and the list of where they are from."""
        names = [f"photo-{number:02}.jpg" for number in ADDED]
        return [self.folder / "photos" / name for name in [*names, "links.csv"]]

    @property
    def of_the_person(self) -> int:
        """How many of these photos show the person."""
        return len(self.photos.of("Collins") & {path.name for path in self.added})


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """One browser profile: a page, and what it complained about."""

    page: Page
    heard: list[str]

    def calm(self) -> None:
        """The page is accessible, and nothing so far made the browser complain."""
        assert axe_violations(self.page) == []
        assert self.heard == []


@pytest.fixture
def stage(tmp_path: Path, portraits: Portraits, _has_chromium: None) -> Iterator[Stage]:
    folder = tmp_path / "demo"
    folder.mkdir()
    photos = make_photos(folder)
    film = film_of(tmp_path / "film.mjpeg", portraits.collins, ORDER)
    with (
        asking_for(ORDER, CameraClock()),
        Library.create(tmp_path / "library", keyring=tmp_path / "keys") as library,
    ):
        # Loading it takes seconds in which the film would go on.
        library.house.engine()
        with serving(library) as server, chromium(camera=film) as browser:
            yield Stage(browser=browser, server=server, folder=folder, photos=photos)


def _somebody(stage: Stage, *, phone: bool = False, locale: str = "en-GB") -> Somebody:
    context = context_of(stage.browser, stage.server.url, phone=phone, locale=locale)
    context.set_default_timeout(SOON)
    page = context.new_page()
    return Somebody(page=page, heard=complaints(page))


def test_somebody_says_yes_is_found_withdraws_and_is_found_no_more(stage: Stage) -> None:
    # (1) The owner comes in by the one-time link, and gets everything ready.
    owner = _somebody(stage)
    _owner_sets_up(stage, owner)
    _makes_a_collection(owner)
    _uploads(stage, owner)
    member_link = _adds_a_member(owner)
    invitation = _invites(owner)
    # (2) A member finds nobody: whoever is in the photos has not said yes.
    member = _somebody(stage)
    _member_comes_in(member, member_link)
    nobody = _searches(stage, member)
    expect(member.page.get_by_role("heading", name="Nobody who consented")).to_be_visible()
    # (3) The person says yes on their phone, and waits; the owner agrees.
    person = _somebody(stage, phone=True, locale="de-DE")
    way_back = _says_yes(stage, person, invitation)
    assert _searches(stage, member) == nobody
    _approves(owner)
    # (4) They find their photos, and the member finds them.
    _sees_their_photos(stage, person)
    _finds_them(stage, member)
    # (5) They withdraw: nothing is left of them, in the same words as before.
    _withdraws(stage, person, way_back)
    assert _searches(stage, member) == nobody
    assert rows(stage.server.library, HELD) == [(0,)]


def _owner_sets_up(stage: Stage, owner: Somebody) -> None:
    page = owner.page
    unlocks_itself(page.context, page)
    page.goto(f"/set-up/{signing_in.owner_link(stage.server.library.house)}")
    expect(page.get_by_role("heading", level=1)).to_have_text("Welcome, owner")
    owner.calm()
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_url("**/desk")
    expect(page.get_by_role("heading", name="What you can do")).to_be_visible()
    assert signing_in.owner_link(stage.server.library.house) is None
    owner.calm()


def _go(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="All pages").get_by_role("link", name=name).click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def _makes_a_collection(owner: Somebody) -> None:
    page = owner.page
    _go(page, "Collections")
    page.get_by_label("Name", exact=True).fill("portraits")
    page.get_by_label("Who answers for the photos").fill("Portrait Club")
    page.get_by_label("Why the photos are held").fill("Photos of our members, for our members")
    box(page, "owner").check()
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("portraits")
    owner.calm()


def _uploads(stage: Stage, owner: Somebody) -> None:
    page = owner.page
    been: list[str] = []
    page.on("framenavigated", lambda frame: been.append(frame.url))
    page.get_by_role("link", name="Upload photos").click()
    page.get_by_label("Photos, videos or ZIP files").set_input_files(stage.added)
    owner.calm()
    page.get_by_role("button", name="Upload").click()
    # The page of the task goes on by itself to what came of it.
    page.wait_for_url(re.compile("/sources/src_"), timeout=2 * SOON)
    assert any("/tasks/" in url for url in been)
    expect(page.get_by_text(f"Found {len(ADDED)} photos: {len(ADDED)} new")).to_be_visible()
    owner.calm()


def _adds_a_member(owner: Somebody) -> str:
    page = owner.page
    _go(page, "Accounts")
    page.get_by_label("Name", exact=True).fill("mia")
    page.get_by_role("button", name="Add and make a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A link for mia")
    link = shown_link(page)
    owner.calm()
    _go(page, "Collections")
    page.get_by_role("link", name="portraits").click()
    audience = page.get_by_role("region", name="Audience")
    audience.get_by_role("checkbox", name="mia").check()
    audience.get_by_role("button", name="Keep this audience").click()
    expect(page.get_by_role("status")).to_contain_text("The audience is changed.")
    expect(audience.get_by_role("checkbox", name="mia")).to_be_checked()
    owner.calm()
    return link


def _invites(owner: Somebody) -> str:
    page = owner.page
    _go(page, "Invitations")
    expect(page.get_by_text("Nobody waits.")).to_be_visible()
    for purpose in ("Find me", "Be found"):
        box(page, purpose).check()
    page.get_by_label("A note for yourself").fill("Anna, from judo")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("img", name="The same link as a QR code")).to_be_visible()
    owner.calm()
    return shown_link(page)


def _member_comes_in(member: Somebody, link: str) -> None:
    page = member.page
    page.goto(link)
    page.get_by_text("Use a password instead").click()
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Keep this password").click()
    page.wait_for_url("**/search")
    # They come back another day, by what they chose.
    page.goto("/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.goto("/sign-in")
    page.get_by_label("Name of the account").fill("mia")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/search")
    member.calm()


def _searches(stage: Stage, member: Somebody) -> str:
    """Search with a photo of the person; returns all that the page says was found."""
    page = member.page
    page.goto("/search")
    page.get_by_label("Choose a photo").set_input_files(stage.folder / stage.photos.probe_collins)
    results = page.get_by_role("region", name="What was found")
    expect(results.get_by_role("heading", level=2)).to_be_visible()
    page.wait_for_function("() => !document.querySelector('[aria-busy]')")
    member.calm()
    return results.inner_text()


def _says_yes(stage: Stage, person: Somebody, invitation: str) -> str:
    """The person goes all the way on their phone, in German; returns their private link."""
    page = person.page
    say, camera = enrolment_words("de")
    page.goto(invitation)
    person.calm()
    answer_the_form(page, "de", name=PERSON, purposes=("find_me", "be_found"))
    page.wait_for_url("**/camera")
    person.calm()
    page.get_by_role("button", name=camera.start_button).click()
    expect(said_aloud(page, camera.say.turn_right)).to_be_visible(timeout=BEFORE_THE_CAMERA)
    person.calm()
    page.wait_for_url("**/yes", timeout=BEFORE_THE_CAMERA)
    expect(page.get_by_text(say.confirm.live)).to_be_visible()
    # Until the last word, nothing of them is stored.
    assert rows(stage.server.library, HELD) == [(0,)]
    person.calm()
    page.get_by_role("button", name=say.confirm.yes).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(say.done.title_waiting)
    person.calm()
    link = shown_link(page)
    with page.expect_download() as downloaded:
        page.get_by_role("link", name=say.done.download).click()
    receipt = Path(downloaded.value.path()).read_bytes()
    verify_consent_receipt(receipt, key=stage.server.library.verifier_key)
    page.get_by_role("link", name=say.done.page).click()
    expect(page.get_by_text(words_of("portal", "de").photos.waiting)).to_be_visible()
    person.calm()
    return link


def _approves(owner: Somebody) -> None:
    page = owner.page
    _go(page, "Invitations")
    expect(page.get_by_role("img", name=f"The picture that {PERSON} gave")).to_be_visible()
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    owner.calm()
    page.get_by_role("button", name=f"Approve {PERSON}").click()
    expect(page.get_by_role("status")).to_contain_text("Approved.")
    expect(page.get_by_text("Nobody waits.")).to_be_visible()
    owner.calm()


def _sees_their_photos(stage: Stage, person: Somebody) -> None:
    page, own = person.page, words_of("portal", "de")
    say, _ = enrolment_words("de")
    # The last page of the enrolment counts along as photos of them are found.
    page.go_back()
    page.reload()
    found = say.done.found_many.format(count=stage.of_the_person)
    expect(page.get_by_text(found)).to_be_visible(timeout=2 * SOON)
    person.calm()
    page.get_by_role("link", name=say.done.photos).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(own.photos.title)
    expect(page.get_by_role("img", name=own.photos.alt)).to_have_count(stage.of_the_person)
    back = page.get_by_role("link", name=f"{SITE}/")
    expect(back).to_have_count(stage.of_the_person)
    person.calm()
    page.get_by_role("link", name=own.photos.open).first.click()
    expect(page.get_by_role("heading", name=own.photos.places)).to_be_visible()
    person.calm()


def _finds_them(stage: Stage, member: Somebody) -> None:
    _searches(stage, member)
    page = member.page
    expect(page.get_by_role("heading", name="One person who said yes")).to_be_visible()
    one = page.get_by_role("article", name=PERSON)
    expect(one.get_by_text("strong match", exact=True)).to_be_visible()
    expect(one.get_by_text("said yes themself")).to_be_visible()
    photos = one.get_by_role("listitem")
    expect(photos).to_have_count(stage.of_the_person)
    for photo in photos.all():
        expect(photo.get_by_role("img", name=f"A photo of {PERSON}, with a box")).to_be_visible()
        # What is drawn for the eyes alone has no role.
        expect(photo.locator("svg rect")).to_have_count(1)
        link = photo.get_by_role("link", name=f"{SITE}/")
        assert str(link.get_attribute("href")).startswith(SITE)
    page.get_by_role("link", name=f"photos of {PERSON}").click()
    page.wait_for_url("**/photos?q=**")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    member.calm()


def _withdraws(stage: Stage, person: Somebody, way_back: str) -> None:
    page, own = person.page, words_of("portal", "de")
    page.get_by_role("link", name=own.frame.data).click()
    person.calm()
    page.get_by_role("link", name=own.data.stop).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(own.withdraw.title)
    person.calm()
    page.get_by_label(own.withdraw.confirm).check()
    page.get_by_role("button", name=own.withdraw.button).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(own.withdraw.done)
    person.calm()
    with page.expect_download() as downloaded:
        page.get_by_role("link", name=own.withdraw.download).click()
    receipt = Path(downloaded.value.path()).read_bytes()
    verified = verify_receipt(receipt, key=stage.server.library.verifier_key)
    assert verified.receipt.body.kind == "withdrawal"
    assert PERSON.encode() not in receipt
    # Nobody is signed in here any more, and the private link leads nowhere.
    page.goto("/my-photos")
    expect(page).to_have_url(re.compile("/sign-in"))
    page.goto(way_back)
    expect(page.get_by_role("heading", level=1)).to_have_text(own.back.gone)
