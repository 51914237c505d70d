"""Checkpoints: the size and root of the audit log, signed.

Source: C2SP tlog-checkpoint (c2sp.org/tlog-checkpoint). The body is the log's origin, its size in
decimal and its root in base64, a line each; further lines may follow and are kept.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from likeness.audit.signed_note import VerifierKey, open_note, sign_note
from likeness.audit.tree import HASH_BYTES
from likeness.errors import NotVerified, UsageError

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of a log at one moment.

    Attributes
    ----------
    origin : str
        Name of the log, which is the name of the key that signs it: ``likeness/<library id>``.
    size : int
        Number of leaves.
    root : bytes
        Root of the tree, 32 bytes.
    extensions : tuple of str
        Further lines of the body; Likeness writes none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what has no body.

        Raises
        ------
        UsageError
            A part is not of the form described above.
        """
        if not self.origin or "\n" in self.origin:
            raise UsageError("The origin of a checkpoint is empty or holds a line feed.")
        if not 0 <= self.size < 2**63 or len(self.root) != HASH_BYTES:
            raise UsageError("The size or the root of a checkpoint is not one.")
        if any(not line or "\n" in line for line in self.extensions):
            raise UsageError("A further line of a checkpoint is empty or holds a line feed.")

    def body(self) -> str:
        """Return the text that is signed."""
        root = base64.b64encode(self.root).decode("ascii")
        return "".join(
            f"{line}\n" for line in (self.origin, str(self.size), root, *self.extensions)
        )

    def sign(self, private_key: Ed25519PrivateKey) -> str:
        """Return the signed note; the key's name is the origin. The same inputs give the same note.

        Raises
        ------
        UsageError
            The origin is not a name that a key can have.
        """
        return sign_note(self.body(), name=self.origin, private_key=private_key)

    @classmethod
    def parse(cls, body: str) -> Checkpoint:
        """Read a body, with no check of who signed it.

        Raises
        ------
        NotVerified
            The text is not the body of a checkpoint.
        """
        try:
            origin, size, root, *extensions, _ = body.split("\n")
            checkpoint = cls(
                origin=origin,
                size=int(size) if _SIZE.fullmatch(size) else -1,
                root=base64.b64decode(root, validate=True),
                extensions=tuple(extensions),
            )
        except (ValueError, UsageError) as error:
            raise NotVerified("The text is not a checkpoint.") from error
        if checkpoint.body() != body:
            raise NotVerified("The text is not a checkpoint.")
        return checkpoint

    @classmethod
    def verify(cls, note: str, *, key: VerifierKey) -> Checkpoint:
        """Check the signature on a checkpoint and return it.

        Raises
        ------
        NotVerified
            The key has not signed the note, the note is no checkpoint, or it is another log's.
        """
        checkpoint = cls.parse(open_note(note, key=key))
        if checkpoint.origin != key.name:
            raise NotVerified(f"The checkpoint is of the log {checkpoint.origin}, not {key.name}.")
        return checkpoint
