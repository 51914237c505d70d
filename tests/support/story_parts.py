"""What the stories share: the film before the camera, a device with passkeys, the first page."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from moving_portrait import Movement, MovingPortrait, Pixels, moving, save_for_chromium
from playwright.sync_api import BrowserContext, Locator, Page, expect

from likeness.captures import Captures
from likeness.faces.engine import FaceEngine
from likeness.web import live_capture
from likeness.web.words import Words, words_of

RATE = 10
"""Pictures a second of a film."""

SOON = 60_000
BEFORE_THE_CAMERA = 180_000
"""Milliseconds: the film plays over and over, and a slow machine gets there in a later round."""


class CameraClock:
    """The clock of live captures, at half speed: a busy machine's pictures come far apart.

    Attributes
    ----------
    ahead : float
        Seconds that a test has moved it on by.
    """

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.monotonic() / 2 + self.ahead


@contextmanager
def asking_for(movements: Sequence[Movement], clock: CameraClock) -> Iterator[None]:
    """Let servers that start in the block ask for these movements, in this order."""
    order = tuple(movements)
    with pytest.MonkeyPatch.context() as patch:
        captures = partial(Captures, draw=lambda: order, clock=clock)
        patch.setattr(live_capture, "Captures", captures)
        yield


def film_of(
    path: Path, portrait: Pixels, movements: Sequence[Movement], *, first: float = 8.0
) -> Path:
    """A film of somebody who looks ahead for ``first`` seconds, then makes the movements."""
    moved = MovingPortrait(portrait, FaceEngine.load())
    poses = moving(movements, rate=RATE, held=3.0, moved=2.5, first=first)
    return save_for_chromium(path, moved.film(poses), rate=RATE)


def unlocks_itself(context: BrowserContext, page: Page) -> None:
    """Give a page a device that keeps passkeys and unlocks without asking anybody."""
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def enrolment_words(language: str) -> tuple[Words, Words]:
    """The words of an enrolment and of its camera."""
    return words_of("enrol", language), words_of("capture", language)


def box(page: Page, label: str, *, kind: Any = "checkbox") -> Locator:
    """A checkbox or radio button by the words that it begins with; a hint may follow."""
    return page.get_by_role(kind, name=re.compile(f"^{re.escape(label)}"))


def answer_the_form(
    page: Page, language: str, *, name: str, purposes: Sequence[str], birth_date: str = ""
) -> None:
    """Say yes on the first page of an invitation, and go on."""
    say, _ = enrolment_words(language)
    expect(page.get_by_role("heading", level=1)).to_have_text(say.title)
    for each in page.get_by_role("checkbox").all():
        expect(each).not_to_be_checked()
    for purpose in purposes:
        box(page, say.purposes[purpose].label).check()
    page.get_by_label(say.form.name, exact=True).fill(name)
    box(page, say.form.birth if birth_date else say.form.adult, kind="radio").check()
    if birth_date:
        page.get_by_label(say.form.birth_date, exact=True).fill(birth_date)
    page.get_by_role("button", name=say.form.go_on).click()


def shown_link(page: Page) -> str:
    """The link that a page shows once."""
    return page.get_by_role("code").first.inner_text().strip()


def said_aloud(page: Page, words: str) -> Locator:
    """Where the page beside the camera says these words."""
    return page.get_by_role("paragraph").filter(has_text=words)
