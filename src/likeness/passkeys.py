"""Passkeys: add one, and sign in with one. Nothing that could be stolen here signs anybody in.

The browser makes a pair of keys for this site's host; the library keeps the public half, under the
subject's key. A passkey knows whose it is, so that whoever signs in types no name. It is all that
they need, so the device has to check who holds it each time: by a finger, a face or a code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import webauthn
from sqlalchemy import Connection
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import (
    base64url_to_bytes,
    options_to_json_dict,
    parse_client_data_json,
)
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from likeness.challenges import Ceremony, Challenges
from likeness.errors import LikenessError, NotSignedIn, Refused, StorageError
from likeness.house import House
from likeness.records.credential import Passkey
from likeness.records.session import Session
from likeness.signing_in import (
    forget_subject,
    name_of,
    opened_link,
    require_fresh,
    require_somebody,
    use_link,
)
from likeness.store import credentials
from likeness.ways_in import audit_way_in, tidy_label

LIBRARY_NAME = "Likeness"
MOST_PASSKEYS = 20
"""How many one subject may have."""

LONGEST_ANSWER = 20_000
"""Characters of the longest answer of a browser that is read."""

TIMEOUT_MS = 300_000
"""How long the browser waits for the person: as long as the challenge lasts."""


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where passkeys are used: they work at one host, and answer to one origin.

    Attributes
    ----------
    host : str
        Such as ``"photos.example.org"``.
    origin : str
        Such as ``"https://photos.example.org"``.
    """

    host: str
    origin: str


def adding_options(
    house: House, site: Site, challenges: Challenges, subject_id: str
) -> dict[str, Any]:
    """What a browser needs to make a passkey for a subject, as plain values.

    Raises
    ------
    NotFound
        There is no such subject.
    """
    name = name_of(house, subject_id)
    with house.store.snapshot() as connection:
        known = credentials.passkeys_of(connection, subject_id, key=house.keyring.key(subject_id))
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=LIBRARY_NAME,
        user_id=subject_id.encode(),
        user_name=name or LIBRARY_NAME,
        challenge=challenges.give("add", subject_id=subject_id),
        timeout=TIMEOUT_MS,
        attestation=AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[
            PublicKeyCredentialDescriptor(id=passkey.raw_id)
            for passkey in known
            if passkey.site == site.host
        ],
    )
    return options_to_json_dict(options)


def add_passkey(
    house: House,
    site: Site,
    challenges: Challenges,
    answer: bytes,
    *,
    session: Session,
    label: str = "",
) -> Passkey:
    """Keep the passkey that a browser made for whoever is signed in.

    Raises
    ------
    SignInAgain
        They signed in too long ago.
    NotSignedIn
        The challenge was not given out, was used or ended.
    Refused
        What the browser sent does not hold, or the subject has too many.
    """
    require_fresh(house, session)
    subject_id = session.subject_id
    made = _verified(house, site, challenges, answer, subject_id=subject_id, label=label)
    with house.transaction() as connection:
        key = house.keyring.key(subject_id)
        if len(credentials.passkeys_of(connection, subject_id, key=key)) >= MOST_PASSKEYS:
            raise Refused(f"There are {MOST_PASSKEYS} passkeys already.", "Remove one first.")
        _keep(house, connection, made)
    return made


def set_up_passkey(
    house: House,
    site: Site,
    challenges: Challenges,
    answer: bytes,
    *,
    secret: str,
    label: str = "",
) -> str:
    """Keep the passkey that a browser made by a set-up link, which is used up.

    Whatever signed the subject in before does so no more: a new link is what an owner gives out
    when something was lost.

    Returns
    -------
    str
        Id of the subject.

    Raises
    ------
    NotFound
        The link does not work.
    NotSignedIn, Refused
        As for :func:`add_passkey`.
    """
    subject_id = opened_link(house, secret, kind="set_up")
    made = _verified(house, site, challenges, answer, subject_id=subject_id, label=label)
    with house.transaction() as connection:
        use_link(house, connection, secret, kind="set_up")
        forget_subject(connection, subject_id)
        _keep(house, connection, made)
    return subject_id


def sign_in_options(site: Site, challenges: Challenges) -> dict[str, Any]:
    """What a browser needs to sign in with any passkey that it has for this site."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenges.give("sign_in"),
        timeout=TIMEOUT_MS,
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def sign_in_with_passkey(house: House, site: Site, challenges: Challenges, answer: bytes) -> str:
    """Check what a passkey signed; returns the id of the account or person whose it is.

    Raises
    ------
    NotSignedIn
        In the same words whatever is wrong.
    """
    try:
        fields = _read(answer)
        challenge = _challenge(challenges, fields, "sign_in", subject_id="")
        raw_id = base64url_to_bytes(str(fields["rawId"]))
        with house.store.snapshot() as connection:
            passkey = _known(house, connection, raw_id)
        verified: VerifiedAuthentication = webauthn.verify_authentication_response(
            credential=fields,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
        handle = fields["response"].get("userHandle")
        if handle is not None and base64url_to_bytes(handle) != passkey.subject_id.encode():
            raise _refused()
        with house.store.transaction() as connection:
            # Another answer of a copied key may have come meanwhile.
            if _known(house, connection, raw_id).sign_count != passkey.sign_count:
                raise _refused()
            credentials.mark_used(
                connection,
                passkey.credential_id,
                at=house.clock(),
                sign_count=verified.new_sign_count,
            )
    except StorageError:
        raise
    except Exception:
        # Whatever is off about an answer that strangers may send is the same refusal: the parsers
        # of CBOR and of keys raise much besides the errors that they name.
        raise _refused() from None
    return passkey.subject_id


def _verified(
    house: House,
    site: Site,
    challenges: Challenges,
    answer: bytes,
    *,
    subject_id: str,
    label: str,
) -> Passkey:
    try:
        fields = _read(answer)
        challenge = _challenge(challenges, fields, "add", subject_id=subject_id)
        verified: VerifiedRegistration = webauthn.verify_registration_response(
            credential=fields,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except LikenessError:
        raise
    except Exception:
        # As for signing in.
        raise Refused("The passkey that the browser made does not hold.", "Try it again.") from None
    return Passkey(
        credential_id=_hashed(verified.credential_id),
        subject_id=subject_id,
        raw_id=verified.credential_id,
        public_key=verified.credential_public_key,
        site=site.host,
        label=tidy_label(label),
        sign_count=verified.sign_count,
        created_at=house.clock(),
    )


def _keep(house: House, connection: Connection, made: Passkey) -> None:
    if credentials.subject_of_passkey(connection, made.credential_id) is not None:
        raise Refused("This passkey is known already.", "Use it to sign in.")
    credentials.insert_passkey(connection, made, key=house.keyring.key(made.subject_id))
    audit_way_in(house, connection, made.subject_id, did="add_passkey")


def _known(house: House, connection: Connection, raw_id: bytes) -> Passkey:
    credential_id = _hashed(raw_id)
    subject_id = credentials.subject_of_passkey(connection, credential_id)
    if subject_id is None:
        raise _refused()
    key = require_somebody(house, connection, subject_id)
    kept = credentials.passkeys_of(connection, subject_id, key=key)
    return next(one for one in kept if one.credential_id == credential_id)


def _read(answer: bytes) -> dict[str, Any]:
    if len(answer) > LONGEST_ANSWER:
        raise _refused()
    fields = json.loads(answer)
    if not isinstance(fields, dict) or not isinstance(fields.get("response"), dict):
        raise _refused()
    return fields


def _challenge(
    challenges: Challenges, fields: Mapping[str, Any], ceremony: Ceremony, *, subject_id: str
) -> bytes:
    """The challenge that an answer says it signed, used up; that it did is still to be checked."""
    client = parse_client_data_json(base64url_to_bytes(fields["response"]["clientDataJSON"]))
    return challenges.take(client.challenge, ceremony, subject_id=subject_id)


def _hashed(raw_id: bytes) -> str:
    return hashlib.sha256(raw_id).hexdigest()


def _refused() -> NotSignedIn:
    return NotSignedIn("This passkey does not sign anybody in here.", "Try another way.")
