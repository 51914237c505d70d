"""An authenticator in software: makes passkeys and signs with them as a phone or a key would.

What it sends is what the WebAuthn standard describes, byte for byte, with ES256 keys and the
attestation "none". A test can make it lie.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from webauthn.helpers import encode_cbor

PRESENT, VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40


def to_text(data: bytes) -> str:
    """Bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def to_bytes(text: str) -> bytes:
    """The inverse of :func:`to_text`."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class HeldKey:
    """One passkey inside the authenticator."""

    raw_id: bytes
    private: ec.EllipticCurvePrivateKey
    host: str
    user_handle: bytes
    count: int = 0


@dataclass
class SoftAuthenticator:
    """One device with its passkeys. ``counts`` is off for those that sync, as most phones' do."""

    origin: str = "http://localhost"
    counts: bool = True
    keys: list[HeldKey] = field(default_factory=list)

    def make(self, options: Mapping[str, Any], **lies: Any) -> bytes:
        """Answer ``navigator.credentials.create``: the JSON that a browser sends."""
        host = lies.get("host", options["rp"]["id"])
        held = HeldKey(
            raw_id=lies.get("raw_id", os.urandom(32)),
            private=ec.generate_private_key(ec.SECP256R1()),
            host=host,
            user_handle=to_bytes(options["user"]["id"]),
        )
        self.keys.append(held)
        public = held.private.public_key().public_numbers()
        cose = encode_cbor(
            {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)}
        )
        attested = bytes(16) + len(held.raw_id).to_bytes(2) + held.raw_id + cose
        flags = lies.get("flags", PRESENT | VERIFIED) | HAS_CREDENTIAL
        data = self._data(held, flags, lies) + attested
        attestation = encode_cbor({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options, lies)
        return _answer(held, {"clientDataJSON": client, "attestationObject": attestation})

    def sign(self, options: Mapping[str, Any], **lies: Any) -> bytes:
        """Answer ``navigator.credentials.get`` with the newest passkey for the site."""
        held = next(key for key in reversed(self.keys) if key.host == options["rpId"])
        held.count += self.counts
        data = self._data(held, lies.get("flags", PRESENT | VERIFIED), lies)
        client = self._client("webauthn.get", options, lies)
        signed = data + hashlib.sha256(client).digest()
        private = lies.get("private", held.private)
        return _answer(
            held,
            {
                "clientDataJSON": client,
                "authenticatorData": data,
                "signature": private.sign(signed, ec.ECDSA(SHA256())),
                "userHandle": lies.get("user_handle", held.user_handle),
            },
        )

    def _data(self, held: HeldKey, flags: int, lies: Mapping[str, Any]) -> bytes:
        host = hashlib.sha256(str(lies.get("host", held.host)).encode()).digest()
        return host + bytes([flags]) + int(lies.get("count", held.count)).to_bytes(4)

    def _client(self, kind: str, options: Mapping[str, Any], lies: Mapping[str, Any]) -> bytes:
        fields = {
            "type": lies.get("type", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(fields).encode()


def _answer(held: HeldKey, response: Mapping[str, bytes]) -> bytes:
    raw_id = to_text(held.raw_id)
    fields = {name: to_text(value) for name, value in response.items()}
    return json.dumps(
        {"id": raw_id, "rawId": raw_id, "type": "public-key", "response": fields}
    ).encode()
