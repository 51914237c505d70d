"""QR codes as drawings inside a page: no image is fetched for them, and no style is set."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_code(text: str, *, label: str) -> Markup:
    """A QR code that a phone's camera reads from a screen, in an element of class ``qr``.

    Parameters
    ----------
    text : str
        What it holds.
    label : str
        What a screen reader says of it.
    """
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        border=2, omitsize=True, svgclass=None, lineclass=None
    )
    return Markup('<div class="qr" role="img" aria-label="{}">{}</div>').format(
        label, Markup(drawn)
    )
