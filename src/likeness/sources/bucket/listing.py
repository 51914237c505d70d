"""All objects below a prefix in a stable order, around the names that obstore cannot hold.

A store may hold names that obstore refuses: with an empty part (``a//b``), with ``.`` or ``..`` as
a part, or with control characters. One of them makes it fail for the whole page of a listing. Then
the listing goes on folder by folder, so that as little as can be is hidden by it, and that is told.
A local folder is always listed so, because obstore gives its files in no order.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from likeness.errors import LikenessError
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.bucket.handle import Bucket
from likeness.sources.bucket.opening import raised
from likeness.sources.bucket.problems import source_problem, unreadable_names
from likeness.sources.file_kinds import folder_reason

if TYPE_CHECKING:
    from obstore import ObjectMeta

    Found = ObjectMeta | SkippedEntry
    Steps = list[ObjectMeta | str]

_HIDING = "a name in it has an empty part, '.', '..' or a control character: rename that"
_MAX_DEPTH = 500


class Listing:
    """One pass over a bucket."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self._top = bucket.address.prefix if bucket.address.remote else ""
        self._last = ""
        self._rising = True
        self._by_folder = False
        self._hidden_at_top = False

    @property
    def whole(self) -> bool:
        """Whether all was told that is there, or the folders named that could not be seen."""
        # Where obstore has cut a leading slash off a name, the order no longer says how far the
        # listing had come.
        return not self._hidden_at_top and (self._rising or not self._by_folder)

    def objects(self) -> Iterator[Found]:
        """List the objects, and what keeps others from being listed.

        Raises
        ------
        SourceUnreadable
            If the bucket cannot be listed, or one name hides everything.
        SourceBlocked, NotAuthorised
            As `Bucket.require_allowed`.
        """
        pending: Steps = [self._top]
        while pending:
            step = pending.pop()
            if not isinstance(step, str):
                self._last = step["path"]
                yield step
            elif self._bucket.address.remote:
                if (yield from self._stream(step, self._last)):
                    self._by_folder = True
                    pending.extend(reversed((yield from self._folder(step))))
            else:
                pending.extend(reversed((yield from self._folder(step))))

    def item(self, path: str) -> str:
        """Return the item of an object or folder by its path in the bucket."""
        return item_of(path.removeprefix(self._top + "/") if self._top else path)

    def _stream(self, prefix: str, after: str) -> Generator[ObjectMeta, None, bool]:
        """List all below a folder; whether it broke off at a name that obstore refuses."""
        from obstore.exceptions import InvalidPathError

        pages = self._bucket.pages(prefix, after)
        while True:
            problem: LikenessError | None = None
            try:
                page = next(pages, None)
            except InvalidPathError:
                if not self._bucket.ordered:
                    problem = unreadable_names(self._bucket.address)
                else:
                    return True
            except raised() as error:
                problem = source_problem(self._bucket.address, error)
            if problem is not None:
                raise problem
            if page is None:
                return False
            for found in page:
                self._rising &= found["path"] > self._last
                self._last = found["path"]
                yield found

    def _folder(self, folder: str) -> Generator[Found, None, Steps]:
        """List one folder alone; what is to be listed next, in order."""
        from obstore.exceptions import InvalidPathError

        problem = None
        try:
            objects, folders = self._bucket.folder(folder)
        except InvalidPathError:
            return (yield from self._around(folder))
        except raised() as error:
            problem = source_problem(self._bucket.address, error)
        if problem is not None:
            if self._bucket.address.remote or folder == self._top:
                raise problem
            yield SkippedEntry(item=self.item(folder), reason="could not be read", hides=True)
            return []
        below = f"{folder}/" if folder else ""
        if "" in folders:  # what obstore makes of the folder that a leading slash stands for
            self._hidden_at_top = True
            yield SkippedEntry(item=".", reason="names that begin with a slash", hides=True)
        folders = [each for each in folders if each and each.startswith(below)]
        # A folder's objects lie behind its name and a slash, whose next character is "0".
        found: list[tuple[str, ObjectMeta | str]] = [
            (self.item(each["path"]), each) for each in objects if each["path"] > self._last
        ]
        found += [(self.item(each) + "/", each) for each in folders if each + "0" > self._last]
        found.sort(key=lambda pair: pair[0])
        if self._bucket.address.remote:
            return [step for _, step in found]
        return (yield from self._followed(found))

    def _around(self, folder: str) -> Generator[Found, None, Steps]:
        """Tell that a folder cannot be seen whole, and list what can be of it."""
        if not self._bucket.address.remote:
            if folder == self._top:
                raise unreadable_names(self._bucket.address)
            yield SkippedEntry(item=self.item(folder), reason=_HIDING, hides=True)
            return []
        at_top = folder == self._top
        self._hidden_at_top |= at_top
        # No item is ".": nothing can be named so.
        yield SkippedEntry(item="." if at_top else self.item(folder), reason=_HIDING, hides=True)
        # Of such names most come early in their folder: the empty part, dots, control characters.
        behind = f"{folder}/0" if folder else "0"
        yield from self._stream(folder, max(self._last, behind))
        return []

    def _followed(
        self, found: list[tuple[str, ObjectMeta | str]]
    ) -> Generator[SkippedEntry, None, Steps]:
        """Of what a local folder holds, return what is no link, pipe or hidden folder."""
        steps: Steps = []
        for item, step in found:
            path = step if isinstance(step, str) else step["path"]
            reason = self._bucket.local_reason(path)
            if not reason and isinstance(step, str):
                reason = folder_reason(path.rpartition("/")[2])
                if not reason and path.count("/") >= _MAX_DEPTH:
                    reason = f"more than {_MAX_DEPTH} folders deep"
            if not reason:
                steps.append(step)
            elif reason != "gone":
                hides = reason == "could not be read" or reason.startswith("more than")
                yield SkippedEntry(item=item.removesuffix("/"), reason=reason, hides=hides)
        return steps
