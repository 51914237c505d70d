"""One frame of a video as an entry of the source that the video belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field

from likeness.errors import PhotoUnreadable
from likeness.records.photo import EmbeddedMetadata
from likeness.records.sighting import PageLink, Span
from likeness.sources.base import SourceEntry, VideoEntry
from likeness.sources.media_fragments import with_moment


@dataclass(frozen=True, kw_only=True)
class FrameEntry(SourceEntry):
    """A frame that stands for a span of a video.

    ``size``, ``modified_ns`` and ``link_mark`` are those of the video.

    Attributes
    ----------
    item : str
        That of the video and the span, as `with_moment` writes it.
    video : VideoEntry
    span : Span
    """

    video: VideoEntry
    span: Span
    jpeg: bytes = field(repr=False)

    def read(self, max_bytes: int) -> bytes:
        """Return the frame as a JPEG, which is at hand."""
        if len(self.jpeg) > max_bytes:
            raise PhotoUnreadable(
                f"The photo {self.item} cannot be read: too large.",
                "Raise the limit on the size of a photo.",
                reason="too large",
            )
        return self.jpeg

    def link(self, embedded: EmbeddedMetadata | None) -> PageLink:
        """Return the video's way back to this moment; a frame says nothing of itself."""
        return self.video.link(self.span)


def frame_entry(video: VideoEntry, span: Span, jpeg: bytes) -> FrameEntry:
    """Make the entry of one frame."""
    return FrameEntry(
        item=with_moment(video.item, span),
        size=video.size,
        modified_ns=video.modified_ns,
        link_mark=video.link_mark,
        video=video,
        span=span,
        jpeg=jpeg,
    )
