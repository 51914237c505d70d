"""Every error that Likeness raises, in one tree.

A message says what happened and what to do about it. It never holds a name, a template, a token or
a probe: messages reach logs. The edges (command line, API, pages) map an error once, by
``exit_code``.

    LikenessError
    ├── UsageError            2  the call itself is off
    ├── Refused               3  consent, audience, rate or pack says no
    │   ├── ConsentRefused
    │   ├── AudienceRefused
    │   ├── AlreadyEnrolled
    │   ├── RateLimited
    │   ├── NotSignedIn
    │   ├── PackMismatch
    │   ├── SourceBlocked
    │   ├── NotAuthorised
    │   └── AddressRefused
    ├── BadInput              4  a file, photo, manifest or record from outside is off
    │   ├── PhotoUnreadable
    │   ├── FaceUnusable
    │   ├── FaceChoiceNeeded
    │   ├── ModelFileInvalid
    │   ├── DownloadFailed
    │   ├── SourceUnreadable
    │   ├── UploadConflict
    │   └── NotFound
    ├── NotVerified           5  a proof does not hold
    │   ├── SignerNotChecked
    │   ├── LogTampered
    │   └── LogRolledBack
    └── StorageError          6  the library, the keyring or the disk
        ├── LibraryMissing
        ├── LibraryExists
        ├── LibraryBusy
        ├── KeyMissing
        ├── KeyErased
        └── StorageUnsafe
"""

from __future__ import annotations


class LikenessError(Exception):
    """Base of all errors: what happened, and what to do about it.

    Parameters
    ----------
    what : str
        One sentence: what happened, naming the thing.
    fix : str
        One sentence: what the reader can do. May be empty where nothing can be done.
    """

    exit_code = 6

    def __init__(self, what: str, fix: str = "") -> None:
        super().__init__(what, fix)
        self.what = what
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.what} {self.fix}".strip()


class UsageError(LikenessError):
    """The call is off: an unknown word, a missing part, two parts that exclude each other."""

    exit_code = 2


class Refused(LikenessError):
    """Somebody's consent, an audience, a limit or a model pack says no."""

    exit_code = 3


class ConsentRefused(Refused):
    """No live consent covers what was asked for, or a consent cannot be recorded as given."""


class AudienceRefused(Refused):
    """The acting account is not in the audience of the collection."""


class AlreadyEnrolled(Refused):
    """The photos look like somebody whom this operator may find.

    Attributes
    ----------
    person_id : str
        Opaque id of the person that they look like.
    """

    def __init__(self, what: str, fix: str = "", *, person_id: str) -> None:
        super().__init__(what, fix)
        self.person_id = person_id


class RateLimited(Refused):
    """Too many searches, sign-ins or the like in a short time.

    Attributes
    ----------
    retry_after : int
        After how many seconds it can be tried again.
    """

    def __init__(self, what: str, fix: str = "", *, retry_after: int = 60) -> None:
        super().__init__(what, fix)
        self.retry_after = retry_after


class NotSignedIn(Refused):
    """Nobody is signed in, not any more, or what was shown does not sign anybody in."""


class SignInAgain(Refused):
    """What was asked for is for somebody who signed in a moment ago."""


class PackMismatch(Refused):
    """Templates or thresholds of one model pack met those of another."""


class SourceBlocked(Refused):
    """A notice or a removal stopped this source."""


class NotAuthorised(Refused):
    """No live proof says that the owner of a site or bucket allows photos to be taken from it."""


class AddressRefused(Refused):
    """A name leads to an address that is not on the public internet, or to a port that is not
    asked."""


class BadInput(LikenessError):
    """Something that came from outside cannot be used as it is."""

    exit_code = 4


class PhotoUnreadable(BadInput):
    """A file is not a photo that can be read: broken, cut short, too large, mislabelled.

    Attributes
    ----------
    reason : str
        A few words for accounts of a run, such as ``"truncated"``.
    """

    def __init__(self, what: str, fix: str = "", *, reason: str) -> None:
        super().__init__(what, fix)
        self.reason = reason


class FaceUnusable(BadInput):
    """A photo given at enrolment or search has no face that can be used, and why.

    Attributes
    ----------
    reason : str
        One of ``"none"``, ``"several"``, ``"too_small"``, ``"cut_off"``, ``"too_dark"``,
        ``"too_bright"``, ``"too_blurred"``, ``"turned_away"``, ``"disagrees"``: of several, the one
        to see to first.
    """

    def __init__(self, what: str, fix: str = "", *, reason: str) -> None:
        super().__init__(what, fix)
        self.reason = reason


class FaceChoiceNeeded(BadInput):
    """A photo searched with shows several faces: the caller has to choose one.

    Attributes
    ----------
    boxes : tuple of (left, top, right, bottom)
        The faces in pixels, in the order of the numbers to choose from (the first is 1).
    """

    def __init__(
        self, what: str, fix: str = "", *, boxes: tuple[tuple[int, int, int, int], ...]
    ) -> None:
        super().__init__(what, fix)
        self.boxes = boxes


class ModelFileInvalid(BadInput):
    """A model file or a pack's manifest is missing, damaged or not what its checksum says."""


class DownloadFailed(BadInput):
    """A model file could not be fetched: no connection, or a server that does not give it."""


class SourceUnreadable(BadInput):
    """A source cannot be read: it is not there, not a folder, or its link list is malformed."""


class UploadConflict(BadInput):
    """A piece of an upload does not go where it was sent.

    Attributes
    ----------
    received : int or None
        How many bytes of the file have arrived; None where it takes no piece at all.
    """

    def __init__(self, what: str, fix: str = "", *, received: int | None = None) -> None:
        super().__init__(what, fix)
        self.received = received


class NotFound(BadInput):
    """No such collection, source, photo, face or person (or none that the caller may see)."""


class NotVerified(LikenessError):
    """A proof does not hold."""

    exit_code = 5


class SignerNotChecked(NotVerified):
    """A proof holds against the key that it carries, and nobody said whose key that is.

    Attributes
    ----------
    fingerprint : str
        SHA-256 of the signer's public key, in hex.
    """

    def __init__(self, what: str, fix: str = "", *, fingerprint: str) -> None:
        super().__init__(what, fix)
        self.fingerprint = fingerprint


class LogTampered(NotVerified):
    """An entry of the audit log is not what was signed.

    Attributes
    ----------
    index : int
        The first entry that is off, counted from 0.
    """

    def __init__(self, what: str, fix: str = "", *, index: int) -> None:
        super().__init__(what, fix)
        self.index = index


class LogRolledBack(NotVerified):
    """The audit log is shorter than, or forked from, a checkpoint that was witnessed."""


class StorageError(LikenessError):
    """The library, the keyring or the disk under them."""

    exit_code = 6


class LibraryMissing(StorageError):
    """There is no library at the path, or its keyring is not where it should be."""


class LibraryExists(StorageError):
    """There is a library at the path already."""


class LibraryBusy(StorageError):
    """Another process held the library for too long."""


class KeyMissing(StorageError):
    """A person's key is neither kept nor tombstoned: the wrong keyring, or a damaged one."""


class KeyErased(StorageError):
    """The key was destroyed when its person withdrew; what it opened is gone."""


class StorageUnsafe(StorageError):
    """The SQLite that Python links cannot be trusted with a library."""
