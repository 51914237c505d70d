"""What a store's refusals mean, in words of ours.

The texts of obstore hold addresses, keys, request ids and, for signed addresses, signatures. They
are looked at here to tell one refusal from another and are never passed on.
"""

from __future__ import annotations

from types import MappingProxyType

from likeness.errors import LikenessError, PhotoUnreadable, SourceUnreadable, UsageError
from likeness.sources.bucket.address import BucketAddress

_FIXES = MappingProxyType(
    {
        "gone": "Add the bucket again. A name that begins or ends with a slash cannot be read: "
        "rename it.",
        "permission denied": "Let the credentials in the environment read it; what was moved to an "
        "archive tier has to be restored first.",
        "too large": "Save a smaller copy, or raise the limit on the size of a photo.",
        "changing": "Add the bucket again when nothing writes to it any more.",
    }
)
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "specified bucket does not exist")
_ELSEWHERE = (
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraint",
    "redirect without LOCATION",
)
_WRONG_KEY = (
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "InvalidToken",
    "ExpiredToken",
    "AuthenticationFailed",
    "403 Forbidden",
    "401 Unauthorized",
)
_SILENT = ("error sending request", "operation timed out", "error trying to connect")


def no_client() -> UsageError:
    """The error of an installation without the client for buckets."""
    return UsageError("Buckets need an extra.", "Run: pip install 'likeness[buckets]'")


def photo_unreadable(item: str, reason: str) -> PhotoUnreadable:
    """The error of one object, by its reason."""
    return PhotoUnreadable(
        f"The photo {item} cannot be read: {reason}.",
        _FIXES.get(reason, "Check the bucket and the connection to it."),
        reason=reason,
    )


def reason_of(error: BaseException) -> str:
    """Say in a few words why an object could not be read, as `SourceEntry.read` has them."""
    from obstore import exceptions

    if isinstance(error, FileNotFoundError):
        return "gone"
    if isinstance(error, exceptions.PreconditionError | exceptions.NotModifiedError):
        return "changing"
    if isinstance(error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError):
        return "permission denied"
    return "could not be read"


def no_such_bucket(error: BaseException) -> bool:
    """Whether it is the bucket that is missing, rather than an object in it."""
    return any(word in str(error) for word in _NO_BUCKET)


def source_problem(address: BucketAddress, error: BaseException) -> LikenessError:
    """Return the error of a bucket that cannot be opened, asked or listed."""
    from obstore import exceptions

    text, root = str(error), address.root
    if not address.remote:
        return SourceUnreadable(
            f"The folder {root} cannot be listed as a bucket, for instance as a link in it leads "
            "back to it, or it is not there any more.",
            "Add it by its path, as a folder.",
        )
    if no_such_bucket(error):
        return SourceUnreadable(
            f"There is no bucket {root} where the environment points to.",
            "Check the name, the endpoint and the region.",
        )
    if any(word in text for word in _ELSEWHERE):
        return SourceUnreadable(
            f"The bucket {root} lies in another region than the environment says.",
            "Set AWS_REGION to the region of the bucket.",
        )
    denied = isinstance(
        error, exceptions.PermissionDeniedError | exceptions.UnauthenticatedError
    ) or any(word in text for word in _WRONG_KEY)
    if denied:
        return SourceUnreadable(
            f"The credentials in the environment may not read the bucket {root}.",
            "Check that they are the holder's, have not expired, and may list and read objects.",
        )
    if "builder error" in text:
        return SourceUnreadable(
            f"The endpoint of the bucket {root} is not an address that is asked, such as one "
            "without TLS.",
            "Use https://, or allow a server on this machine with ALLOW_HTTP of the store, such as "
            "AWS_ALLOW_HTTP=true.",
        )
    if any(word in text for word in _SILENT):
        return SourceUnreadable(
            f"Nothing answers where the environment says that the bucket {root} is.",
            "Check the endpoint and the connection.",
        )
    return SourceUnreadable(
        f"The bucket {root} cannot be listed: its store refused, or answered what cannot be read.",
        "Check with another program of the store that the same credentials can list it.",
    )


def unreadable_names(address: BucketAddress) -> SourceUnreadable:
    """The error of a bucket of which one name keeps all others from being listed."""
    return SourceUnreadable(
        f"An object of {address.text} has a name that no address can hold (an empty part, '.', "
        "'..' or a control character), and hides the others.",
        "Rename it, or add the folders beside it one by one.",
    )
