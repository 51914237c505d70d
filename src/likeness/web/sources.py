"""Sources: where photos come from, what each run did, and whose owner said yes."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi.responses import Response

from likeness import source_runs
from likeness.errors import LikenessError, NotFound, Refused, UsageError
from likeness.removal import Removed
from likeness.web.access import OPERATORS, Pages
from likeness.web.errors import status_of
from likeness.web.forms import Filled, Form
from likeness.web.source_words import kind_in_words, page_of_run, run_in_words
from likeness.web.visit import Here, Visit

pages = Pages()

EVERY: Final = "every source, and what its runs did in numbers"
ONE: Final = "one source, and what its runs did in numbers"
SITES: Final = "sites and buckets whose owner was asked"


@pages.show("/sources", roles=OPERATORS, whose=EVERY)
def sources(visit: Here) -> Response:
    """Every source by collection, and a form to add one."""
    return _list(visit)


@pages.do("/sources", roles=OPERATORS, whose=EVERY)
def add_source(visit: Here, form: Filled) -> Response:
    """Take photos in from a folder, a site or a bucket, as a task."""
    library, what = visit.library, form.text("what")
    try:
        if not what:
            raise UsageError("Nothing was named.", "Write a folder, a site or a bucket.")
        into = next(
            (c.name for c in library.collections() if c.name == form.text("collection")), None
        )
        if into is None:
            raise NotFound("There is no such collection.", "Choose one of the list.")
    except LikenessError as error:
        return _list(visit, error=error, form=form)
    task = visit.parts.tasks.start(
        visit,
        title="Adding photos",
        work=lambda progress: library.ingest(what, collection=into, progress=progress),
        done=page_of_run,
    )
    return visit.see_other(f"/tasks/{task.task_id}")


@pages.show("/sources/sites", roles=OPERATORS, whose=SITES)
def sites(visit: Here) -> Response:
    """Sites and buckets whose owner was asked."""
    return _sites(visit)


@pages.do("/sources/sites", roles=OPERATORS, whose=SITES)
def ask_site(visit: Here, form: Filled) -> Response:
    """Make the line by which an owner says yes; it is shown on this page alone."""
    try:
        days = int(form.text("days", "365"))
        asked = visit.library.authorise(form.text("place"), days=days)
    except ValueError:
        error = UsageError("That is no number of days.", "Write it in digits, such as 365.")
        return _sites(visit, error=error, form=form)
    except LikenessError as error:
        return _sites(visit, error=error, form=form)
    return visit.page("site_asked", asked=asked, until=asked.expires_at - timedelta(microseconds=1))


@pages.do("/sources/sites/check", roles=OPERATORS, whose=SITES)
def check_site(visit: Here, form: Filled) -> Response:
    """Look whether an owner says yes, now."""
    try:
        visit.library.check_authorisation(form.text("place"))
    except (Refused, NotFound) as error:
        return _sites(visit, error=error)
    return visit.see_other("/sources/sites", said="The owner says yes: the line is there.")


@pages.do("/sources/sites/end", roles=OPERATORS, whose=SITES)
def end_site(visit: Here, form: Filled) -> Response:
    """Fetch nothing more from a place."""
    visit.library.end_authorisation(form.text("place"))
    return visit.see_other("/sources/sites", said="Nothing more is fetched from there.")


@pages.show("/sources/{source_id}", roles=OPERATORS, whose=ONE)
def source(visit: Here, source_id: str, receipt: str = "") -> Response:
    """One source with its latest runs; with the receipt where it was just removed."""
    seen = source_runs.view(visit.house, source_id)
    issued = {serial for serial, _, _ in visit.library.receipts()} if receipt else set()
    return visit.page(
        "source",
        seen=seen,
        receipt=receipt if receipt in issued else "",
        kind=kind_in_words(seen.source.kind),
        runs=[(one, run_in_words(one)) for one in seen.runs],
    )


@pages.do("/sources/{source_id}/run", roles=OPERATORS, whose=ONE)
def run_source(visit: Here, source_id: str) -> Response:
    """Take in what is new there, as a task."""
    house = visit.house
    source_runs.view(house, source_id)
    task = visit.parts.tasks.start(
        visit,
        title="Adding what is new",
        work=lambda progress: source_runs.run_again(house, source_id, progress=progress),
        done=page_of_run,
    )
    return visit.see_other(f"/tasks/{task.task_id}")


@pages.show("/sources/{source_id}/remove", roles=OPERATORS, whose=ONE)
def ask_remove(visit: Here, source_id: str) -> Response:
    """Say what would go, and ask."""
    seen = source_runs.view(visit.house, source_id)
    return visit.page("source_remove", seen=seen, kind=kind_in_words(seen.source.kind))


@pages.do("/sources/{source_id}/remove", roles=OPERATORS, whose=ONE)
def remove_source(visit: Here, source_id: str) -> Response:
    """Take a source out, as a task that ends at its receipt."""
    library = visit.library
    source_runs.view(visit.house, source_id)

    def done(removed: Removed) -> str:
        return f"/sources/{source_id}?receipt={removed.serial}"

    task = visit.parts.tasks.start(
        visit,
        title="Removing a source",
        work=lambda progress: library.remove(source_id, progress=progress),
        done=done,
    )
    return visit.see_other(f"/tasks/{task.task_id}")


def _list(
    visit: Visit, *, error: LikenessError | None = None, form: Form | None = None
) -> Response:
    seen = source_runs.views(visit.house)
    collections = visit.library.collections()
    grouped = [
        (c, [one for one in seen if one.collection.collection_id == c.collection_id])
        for c in collections
    ]
    return visit.page(
        "sources",
        status=status_of(error) if error else 200,
        error=error,
        form=form or Form(),
        grouped=[(c, own) for c, own in grouped if own],
        collections=collections,
        kind_in_words=kind_in_words,
        run_in_words=run_in_words,
    )


def _sites(
    visit: Visit, *, error: LikenessError | None = None, form: Form | None = None
) -> Response:
    return visit.page(
        "sites",
        status=status_of(error) if error else 200,
        error=error,
        form=form or Form(),
        asked=visit.library.authorisations(),
        now=visit.house.clock(),
    )
