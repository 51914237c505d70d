"""A receipt of whatever kind: of something deleted, or of a consent."""

from __future__ import annotations

from likeness.audit.consent_receipt import CONSENT_SCHEMA, VerifiedConsent, verify_consent_receipt
from likeness.audit.proven import schema_of
from likeness.audit.receipt_file import VerifiedReceipt, verify_receipt


def verify_any(data: bytes, *, key: str | None) -> VerifiedReceipt | VerifiedConsent:
    """Verify a receipt of either kind; needs no library.

    Parameters
    ----------
    data : bytes
        The receipt's file.
    key : str or None
        Verifier key of the library that is known to have signed; None if nobody said.

    Raises
    ------
    BadInput
        The file is not a receipt, or ``key`` is not a verifier key.
    NotVerified
        A step fails; the message says which.
    SignerNotChecked
        Everything holds under the key that the receipt itself carries, and no ``key`` was given.
    """
    if schema_of(data) == CONSENT_SCHEMA:
        return verify_consent_receipt(data, key=key)
    return verify_receipt(data, key=key)
