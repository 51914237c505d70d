"""A receipt of whatever kind: of something deleted, or of a consent."""

from __future__ import annotations

from likeness.audit.consent_receipt import CONSENT_SCHEMA, VerifiedConsent, verify_consent_receipt
from likeness.audit.proven import schema_of
from likeness.audit.receipt_file import VerifiedReceipt, verify_receipt


def verify_any(data: bytes, *, key: str | None) -> VerifiedReceipt | VerifiedConsent:
    """Verify a receipt of either kind; needs no library.

    Parameters and errors are those of :func:`likeness.audit.receipt_file.verify_receipt`.
    """
    if schema_of(data) == CONSENT_SCHEMA:
        return verify_consent_receipt(data, key=key)
    return verify_receipt(data, key=key)
