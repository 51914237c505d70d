"""The words that a person is shown before they say yes, with a version and a hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from likeness.errors import NotFound

_ENGLISH = """\
What you are asked
We hold photos in the collection named above. If you say yes, a computer makes a set of numbers from
photos of your face that you choose, and compares it with the faces in that collection. Nobody has
to say yes, and nothing is switched on unless you choose it.

What you can choose, each on its own
- Find me: you, and only you, see the photos of you.
- Be found: the accounts named on your consent may find you with a photo, and see your name and the
photos.
- Publish: your face may be shown when photos are made public.

What is kept
Your name, your age, your reference photos and the numbers made from them are kept encrypted under
a key that belongs to you alone. Photos of people who did not say yes are never turned into numbers
that stay.

How long
Until the date on your consent, until you withdraw it, or, where a guardian said yes for you, until
you turn 18. Thirty days after it ends, everything above is erased.

How to stop
Say so at any time; no reason is needed. Before we answer you, nobody can find you any more, your
key is destroyed, and you get a signed receipt that anybody can check.
"""


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One wording of the notice.

    Attributes
    ----------
    version, language, text : str
    """

    version: str
    language: str
    text: str

    @property
    def sha256(self) -> str:
        """SHA-256 of the text in UTF-8, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()


NOTICES: tuple[Notice, ...] = (Notice(version="1", language="en", text=_ENGLISH),)


def current_notice(language: str = "en") -> Notice:
    """The newest wording in a language.

    Raises
    ------
    NotFound
        Where there is no wording in that language.

    >>> current_notice().version
    '1'
    """
    for notice in reversed(NOTICES):
        if notice.language == language:
            return notice
    raise NotFound(f"There is no notice in the language {language!r}.", "Use one of: en.")
