"""What a browser sends: forms and files, read into memory only, within limits, and its own.

Photos to search with are never stored, so no part of a form may touch a disk.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal
from urllib.parse import parse_qsl

import anyio
from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from likeness.errors import BadInput, Refused
from likeness.web.visit import Here

MOST_FIELDS = 1000
LONGEST_FIELD = 1_000_000
LONGEST_FORM: Final = 1_000_000
LONGEST_OF_STRANGERS: Final = 100_000
"""What a page takes that may be opened without signing in: many may send to it at once."""

PHOTO: Final = "photo"
"""As much as one photo of this library may have, and a form beside it."""

Most = int | Literal["photo"]
"""How many bytes a route takes; declared beside it."""

SECONDS = 120.0
PLAIN: Final = "application/x-www-form-urlencoded"
IN_PARTS: Final = "multipart/form-data"
CSRF_FIELD = "csrf"
CSRF_HEADER = "x-csrf-token"


class TooLarge(BadInput):
    """What was sent is longer than this page takes."""


class FormExpired(Refused):
    """A form that was not made for this visitor, or for a visit that has ended."""


class _InMemory(MultiPartParser):
    """Starlette's parser; what it reads is bounded, so that all of it may stay in memory."""

    spool_max_size = 2**62


@dataclass(frozen=True, kw_only=True)
class Form:
    """A form as it was sent.

    Attributes
    ----------
    fields : tuple of (str, str)
    uploads : tuple of (str, str, bytes)
        Name of the field, of the file, and its content.
    """

    fields: tuple[tuple[str, str], ...] = ()
    uploads: tuple[tuple[str, str, bytes], ...] = field(default=(), repr=False)

    def text(self, name: str, default: str = "") -> str:
        """The last value of a field, without space around it."""
        return next((v.strip() for n, v in reversed(self.fields) if n == name), default)

    def every(self, name: str) -> tuple[str, ...]:
        """Every value of a field that is not empty, in order."""
        return tuple(v.strip() for n, v in self.fields if n == name and v.strip())

    def checked(self, name: str) -> bool:
        """Whether a box is ticked."""
        return any(n == name for n, _ in self.fields)

    def file(self, name: str) -> bytes | None:
        """The content of the one file of a field; None where none was chosen."""
        return next(iter(self.files(name)), None)

    def files(self, name: str) -> tuple[bytes, ...]:
        """The contents of the files of a field that are not empty."""
        return tuple(content for n, _, content in self.uploads if n == name and content)

    def named_files(self, name: str) -> tuple[tuple[str, bytes], ...]:
        """The names and contents of the files of a field that are not empty."""
        return tuple((f, content) for n, f, content in self.uploads if n == name and content)


async def read_body(request: Request, visit: Here) -> bytes:
    """The raw bytes of a request, at most as many as its route takes.

    Raises
    ------
    TooLarge
    BadInput
        They did not arrive in time.
    """
    held: bytes | None = getattr(request.state, "body", None)
    if held is None:
        with _in_time():
            held = b"".join([part async for part in _bounded(request, _most(visit))])
        request.state.body = held
    return held


async def read_form(request: Request, visit: Here) -> Form:
    """The form that was sent; empty where it was none.

    Raises
    ------
    TooLarge, BadInput
    """
    held: Form | None = getattr(request.state, "form", None)
    if held is None:
        with _in_time():
            held = await _parsed(request, visit)
        request.state.form = held
    return held


async def require_own_form(request: Request, visit: Here) -> None:
    """Check that what is sent comes from a page of ours, made for this visitor.

    Raises
    ------
    FormExpired
    """
    site = request.headers.get("sec-fetch-site", "same-origin")
    origin = request.headers.get("origin")
    # A form of our own pages has the origin "null", since they send no referrer; over plain HTTP
    # browsers do not say from which site it comes either. What stays then is the token.
    foreign = origin is not None and origin != "null" and not _is_ours(request, origin)
    if site not in ("same-origin", "none") or foreign:
        raise FormExpired("This form came from another site.", "Open the page here and try again.")
    token = request.headers.get(CSRF_HEADER, "")
    if not token and _kind(request) in (PLAIN, IN_PARTS):
        token = (await read_form(request, visit)).text(CSRF_FIELD)
    if not token or not visit.owns_form(token):
        raise FormExpired(
            "This form has expired, or you were signed out meanwhile.",
            "Open the page again and repeat what you did.",
        )


def _is_ours(request: Request, origin: str) -> bool:
    return origin.split("://", 1)[-1] == request.headers.get("host", "")


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").split(";")[0].strip().lower()


def _most(visit: Here) -> int:
    most: Most = visit.request.state.most
    if most == PHOTO:
        return visit.parts.library.house.settings.limits.max_bytes + LONGEST_FORM
    return most


async def _parsed(request: Request, visit: Here) -> Form:
    if _kind(request) == PLAIN:
        most = min(_most(visit), LONGEST_FORM)
        data = b"".join([part async for part in _bounded(request, most)])
        try:
            pairs = parse_qsl(
                data.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict"
            )
        except ValueError:
            raise BadInput("The form cannot be read.", "Open the page again.") from None
        return Form(fields=tuple(pairs))
    if _kind(request) != IN_PARTS:
        return Form()
    parser = _InMemory(
        request.headers,
        _bounded(request, _most(visit)),
        max_files=MOST_FIELDS,
        max_fields=MOST_FIELDS,
        max_part_size=LONGEST_FIELD,
    )
    try:
        parsed = await parser.parse()
    except MultiPartException:
        raise BadInput("The form cannot be read.", "Open the page again.") from None
    fields, uploads = [], []
    for name, value in parsed.multi_items():
        if isinstance(value, UploadFile):
            uploads.append((name, value.filename or "", await value.read()))
            await value.close()
        else:
            fields.append((name, value))
    return Form(fields=tuple(fields), uploads=tuple(uploads))


async def _bounded(request: Request, most: int) -> AsyncGenerator[bytes, None]:
    if int(request.headers.get("content-length") or 0) > most:
        raise TooLarge(f"This is larger than {most:,} bytes.", "Send something smaller.")
    taken = 0
    async for part in request.stream():
        taken += len(part)
        if taken > most:
            raise TooLarge(f"This is larger than {most:,} bytes.", "Send something smaller.")
        yield part


@contextmanager
def _in_time() -> Iterator[None]:
    """Take what is sent within its time, and say so where it did not come whole."""
    try:
        with anyio.fail_after(SECONDS):
            yield
    except TimeoutError:
        raise BadInput("What you sent did not arrive in time.", "Try it again.") from None
    except ClientDisconnect:
        # Nobody is there to read this; a line that breaks is no defect.
        raise BadInput("What you sent broke off.", "Try it again.") from None


Filled = Annotated[Form, Depends(read_form)]
RawBody = Annotated[bytes, Depends(read_body)]
