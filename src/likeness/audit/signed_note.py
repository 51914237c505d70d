"""Signed notes: a text and Ed25519 signatures over it, in one file that people can read.

Source: C2SP signed-note (c2sp.org/signed-note), as used by Go's checksum database; Ed25519 is RFC
8032. A note is a text that ends in a line feed, a blank line, and one line a signature: an em dash,
a space, the key's name, a space, and base64 of four bytes of key hash and the signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from likeness.errors import BadInput, NotVerified, UsageError

MAX_NOTE_BYTES = 1_000_000
"""The largest note that is read, in bytes."""

_MAX_SIGNATURES = 100
_ED25519 = b"\x01"
_PUBLIC_KEY_BYTES = 32
_SIGNATURE_BYTES = 64
_KEY_HASH_BYTES = 4
_SIGNATURE_START = "\u2014 "


@dataclass(frozen=True, kw_only=True)
class VerifierKey:
    """A named Ed25519 public key.

    Attributes
    ----------
    name : str
        The signer's name, such as ``"likeness/5f1c"``: no plus sign, no space, no control
        character.
    public : bytes
        The public key, 32 bytes.
    """

    name: str
    public: bytes

    def __post_init__(self) -> None:
        """Refuse a name or key that no note could carry.

        Raises
        ------
        UsageError
            The name or the length of the key is off.
        """
        if not _is_name(self.name):
            raise UsageError(
                "The name of a signer is empty or holds a plus sign, space or control character."
            )
        if len(self.public) != _PUBLIC_KEY_BYTES:
            raise UsageError(f"An Ed25519 public key has {_PUBLIC_KEY_BYTES} bytes.")

    @classmethod
    def of(cls, name: str, private_key: Ed25519PrivateKey) -> VerifierKey:
        """Return the verifier key that belongs to a private key."""
        return cls(name=name, public=private_key.public_key().public_bytes_raw())

    @property
    def key_hash(self) -> bytes:
        """Four bytes that tell keys of one name apart: SHA-256(name, 0x0A, 0x01, key), cut off."""
        data = self.name.encode() + b"\n" + _ED25519 + self.public
        return hashlib.sha256(data).digest()[:_KEY_HASH_BYTES]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the public key, in hex: what two people compare aloud."""
        return hashlib.sha256(self.public).hexdigest()

    @property
    def text(self) -> str:
        """The key as text: ``name+8 hex digits of key hash+base64(0x01, key)``."""
        encoded = base64.b64encode(_ED25519 + self.public).decode("ascii")
        return f"{self.name}+{self.key_hash.hex()}+{encoded}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read the text form.

        Raises
        ------
        BadInput
            The text is not a verifier key, or its key hash is not that of its key.
        """
        fix = "A verifier key reads NAME+HASH+KEY; copy all of it from 'likeness audit checkpoint'."
        name, _, rest = text.partition("+")
        _, _, encoded = rest.partition("+")
        try:
            decoded = _strict_base64(encoded)
            key = cls(name=name, public=decoded[1:])
        except (ValueError, UsageError) as error:
            raise BadInput("The text is not a verifier key.", fix) from error
        if decoded[:1] != _ED25519 or key.text != text:
            raise BadInput("The verifier key is damaged, or not an Ed25519 key.", fix)
        return key


@dataclass(frozen=True, kw_only=True)
class NoteSignature:
    """One signature line of a note, not checked.

    Attributes
    ----------
    name : str
    key_hash : bytes
        Four bytes.
    signature : bytes
        64 bytes for Ed25519; other algorithms have other lengths.
    """

    name: str
    key_hash: bytes
    signature: bytes


@dataclass(frozen=True, kw_only=True)
class SignedNote:
    """A note taken apart, not checked.

    Attributes
    ----------
    text : str
        What was signed, its last line feed included.
    signatures : tuple of NoteSignature
    """

    text: str
    signatures: tuple[NoteSignature, ...]


def sign_note(text: str, *, name: str, private_key: Ed25519PrivateKey) -> str:
    """Return ``text`` as a note with one signature. The same inputs give the same note.

    Raises
    ------
    UsageError
        The text is not one that a note can hold: it must end in a line feed and hold no blank line
        at its end and no control character; or the name is not a key's.
    """
    if not _is_text(text):
        raise UsageError("The text of a note is empty, has no last line feed or holds controls.")
    key = VerifierKey.of(name, private_key)
    signed = base64.b64encode(key.key_hash + private_key.sign(text.encode())).decode("ascii")
    return f"{text}\n{_SIGNATURE_START}{name} {signed}\n"


def parse_note(note: str) -> SignedNote:
    """Take a note apart without checking any signature.

    Raises
    ------
    NotVerified
        It is not in the form of a signed note.
    """
    if len(note) > MAX_NOTE_BYTES:
        raise NotVerified(f"The signed note is larger than {MAX_NOTE_BYTES} bytes.")
    text, blank, tail = note.rpartition("\n\n")
    text += "\n"
    if not blank or not _is_text(text):
        raise NotVerified("The signed note is malformed: there is no text and blank line.")
    if not tail.endswith("\n"):
        raise NotVerified("The signed note is malformed: its last line has no end.")
    lines = tail[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise NotVerified(f"The signed note has more than {_MAX_SIGNATURES} signatures.")
    return SignedNote(text=text, signatures=tuple(_parse_signature(line) for line in lines))


def open_note(note: str, *, key: VerifierKey) -> str:
    """Check a note against one key and return its text. Signatures by other keys are passed over.

    Raises
    ------
    NotVerified
        The note is malformed, the key has not signed it, or a signature in the key's name is wrong.
    """
    parsed = parse_note(note)
    by_key = [
        signature.signature
        for signature in parsed.signatures
        if (signature.name, signature.key_hash) == (key.name, key.key_hash)
    ]
    if not by_key:
        raise NotVerified(f"The note is not signed by {key.text}.")
    try:
        public = Ed25519PublicKey.from_public_bytes(key.public)
        for signature in by_key:
            public.verify(signature, parsed.text.encode())
    except (InvalidSignature, ValueError) as error:
        raise NotVerified(f"The signature of {key.name} does not fit the note's text.") from error
    return parsed.text


def _parse_signature(line: str) -> NoteSignature:
    name, _, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
    try:
        decoded = _strict_base64(encoded)
    except ValueError as error:
        raise NotVerified("The signed note is malformed: a signature is not base64.") from error
    if (
        not line.startswith(_SIGNATURE_START)
        or not _is_name(name)
        or len(decoded) <= _KEY_HASH_BYTES
    ):
        raise NotVerified("The signed note is malformed: a line is not a signature.")
    return NoteSignature(
        name=name, key_hash=decoded[:_KEY_HASH_BYTES], signature=decoded[_KEY_HASH_BYTES:]
    )


def _is_name(name: str) -> bool:
    return (
        bool(name)
        and "+" not in name
        and not any(letter.isspace() or ord(letter) < 0x20 for letter in name)
        and _is_unicode(name)
    )


def _is_text(text: str) -> bool:
    """Whether a note can hold the text: a blank line at its very end would move the split."""
    controls = any(letter < " " and letter != "\n" for letter in text)
    return text.endswith("\n") and text != "\n" and not controls and _is_unicode(text)


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _strict_base64(text: str) -> bytes:
    """Decode standard base64 in its one canonical form; anything else is a ValueError."""
    try:
        decoded = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise ValueError("not base64") from error
    if base64.b64encode(decoded).decode("ascii") != text:
        raise ValueError("not canonical base64")
    return decoded
