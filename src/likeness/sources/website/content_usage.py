"""Preferences on the use of content: ``Content-Usage`` and ``Content-Signal``, read to the letter.

``Content-Usage`` is of draft-ietf-aipref-attach and draft-ietf-aipref-vocab (a structured field
dictionary, ``train-ai=n``), in headers and, after a path, in robots.txt. ``Content-Signal`` is
Cloudflare's (contentsignals.org, ``search=yes, ai-train=no``). The names of the uses differ between
drafts and still change: all, bots, search, ai-use, ai-input, train-ai, ai-train, train-genai...

Face search trains no model, but it is automated processing of images to find people in them, and
none of the drafts has a word for that. So the reading is the widest: a no to any use, whatever it
is called, refuses. So does what is neither a clear yes nor a clear no, and a yes to another use
does not undo it.
"""

from __future__ import annotations

import re

_LONGEST = 10_000
_YES = frozenset({"y", "yes", "?1", "allow", "allowed", "true", "1"})
_NAME = re.compile(r"[a-z*][a-z0-9_.*-]{0,63}")


def refused_uses(value: str) -> tuple[str, ...]:
    """Return the names of the uses that a value says no to, in its order; empty where none.

    Parameters
    ----------
    value : str
        Such as ``"train-ai=n, search=y"``. An empty one states no preference.

    Returns
    -------
    tuple of str
        A name that is not one as the drafts write it is given as ``"a use that cannot be read"``:
        it refuses too, and what the site wrote is not repeated.
    """
    if len(value) > _LONGEST:
        return ("a use that cannot be read",)
    refused = []
    for member in re.split(r"[,\n]", value):
        if not member.strip():
            continue
        # What follows a semicolon are parameters, which narrow no refusal.
        name, _, stated = member.split(";", 1)[0].partition("=")
        name, stated = name.strip().lower(), stated.strip().strip('"').strip().lower()
        if not _NAME.fullmatch(name):
            refused.append("a use that cannot be read")
        elif stated not in _YES:
            refused.append(name)
    return tuple(dict.fromkeys(refused))
