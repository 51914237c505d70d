"""Every export that is recognised."""

from __future__ import annotations

from likeness.sources.exports import facebook, google_photos, instagram, linkedin, venmo, x, youtube
from likeness.sources.exports.formats import ExportFormat
from likeness.sources.exports.tree import ExportTree

FORMATS: tuple[ExportFormat, ...] = (
    x.FORMAT,
    facebook.FORMAT,
    instagram.FORMAT,
    google_photos.FORMAT,
    youtube.FORMAT,
    linkedin.FORMAT,
    venmo.FORMAT,
)


def recognise(tree: ExportTree) -> list[ExportFormat]:
    """Say which exports the files are: several for a Takeout of several products, none otherwise.

    Raises
    ------
    SourceUnreadable
        As `ExportTree.members`.
    """
    return [each for each in FORMATS if each.recognises(tree)]
