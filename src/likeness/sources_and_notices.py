"""What a library does about where photos come from, and how that stops: a part of `Library`."""

from __future__ import annotations

import os
from collections.abc import Callable

from likeness import authorise as authorising
from likeness import ingest, notices, removal, status
from likeness.account import IngestReport, ItemListener, no_items, together
from likeness.house import House, ProgressListener, no_progress
from likeness.recognise import recognised
from likeness.records.authorisation import Authorisation
from likeness.records.collection import SourceRecord
from likeness.records.notice import NoticeKind
from likeness.store import collections as collection_rows


def _no_words(_words: str) -> None:
    """Say nothing."""


class SourcesAndNotices:
    """Methods of :class:`likeness.library.Library` about sources and notices."""

    _house: House

    def ingest(
        self,
        path: str | os.PathLike[str],
        *,
        collection: str,
        progress: ProgressListener = no_progress,
        items: ItemListener = no_items,
        told: Callable[[str], None] = _no_words,
    ) -> IngestReport:
        """Take photos into a collection, from wherever they are; see :mod:`likeness.ingest`.

        Parameters
        ----------
        path : str or path
            A folder, a photo, a video, an account's export, a site, a manifest or a bucket; see
            :mod:`likeness.recognise`.
        collection : str
        progress : callable
        items : callable
            Hears what became of each item, once that is durable.
        told : callable
            Hears what it was recognised as, before anything is read.
        """
        with self._house.store.snapshot() as connection:
            into = collection_rows.collection_named(connection, collection)
        with recognised(self._house, os.fspath(path), collection=into) as sources:
            for source in sources:
                told(source.recognised())
            return together(
                [
                    ingest.ingest(
                        self._house, source, collection=into, progress=progress, items=items
                    )
                    for source in sources
                ]
            )

    def sources(self) -> list[SourceRecord]:
        """Every source, in the order in which they were added."""
        return status.sources(self._house)

    def remove(
        self, source_id: str, *, progress: ProgressListener = no_progress
    ) -> removal.Removed:
        """Take a source out; see :func:`likeness.removal.remove_source`."""
        return removal.remove_source(self._house, source_id, progress=progress)

    def authorise(self, place: str, *, days: int = authorising.DAYS) -> authorising.Asked:
        """Make the token by which a site's owner says yes; see :mod:`likeness.authorise`."""
        return authorising.ask(self._house, place, days=days)

    def check_authorisation(self, place: str) -> authorising.Seen:
        """Look whether a site's owner says yes; see :func:`likeness.authorise.check`."""
        return authorising.check(self._house, place)

    def end_authorisation(self, place: str) -> None:
        """Forget that a site's owner said yes; see :func:`likeness.authorise.end`."""
        authorising.end(self._house, place)

    def authorisations(self) -> list[Authorisation]:
        """Sites and buckets whose owner was asked, by name."""
        return authorising.every(self._house)

    def dry_run_notice(self, *, kind: NoticeKind, about: str) -> dict[str, int]:
        """What a notice would take; see :func:`likeness.notices.dry_run`."""
        return notices.dry_run(self._house, kind=kind, about=about)

    def give_notice(
        self,
        *,
        kind: NoticeKind,
        about: str,
        given_by: str,
        reason: str,
        progress: ProgressListener = no_progress,
        begun: Callable[[str, str], None] = notices.unheard,
    ) -> notices.GivenNotice:
        """Stop, take out, and give a receipt; see :func:`likeness.notices.give_notice`."""
        return notices.give_notice(
            self._house,
            kind=kind,
            about=about,
            given_by=given_by,
            reason=reason,
            progress=progress,
            begun=begun,
        )

    def notices(self) -> list[notices.KnownNotice]:
        """Every notice, newest first."""
        return notices.known_notices(self._house)

    def lift_notice(self, notice_id: str, *, code: str) -> None:
        """Undo a notice's block; see :func:`likeness.notices.lift_notice`."""
        notices.lift_notice(self._house, notice_id, code=code)
