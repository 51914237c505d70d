"""Google Photos, as Google Takeout gives it: a JSON sidecar beside each photo.

Only what a sidecar shows to be the holder's own, and neither deleted, archived nor locked away, is
taken. The names of people in a sidecar are never read. What holds of numbers behind equal names
holds for a whole export: add all its parts together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from likeness.records.sighting import LinkConfidence, PageLink
from likeness.sources.base import SkippedEntry, item_of
from likeness.sources.exports.formats import Posted
from likeness.sources.exports.google_claims import MEDIA_ENDINGS
from likeness.sources.exports.google_names import (
    SIDECAR_ENDING,
    SIDECAR_MARK,
    numbered,
    split_ending,
)
from likeness.sources.exports.google_places import ROOTS, kept_apart
from likeness.sources.exports.google_records import PROFILE, Sidecar, read_sidecar
from likeness.sources.exports.google_sidecars import Match, match_folder
from likeness.sources.exports.tree import ExportTree

PHOTO_NOT_HERE = "a record of a photo that is not here: add all parts of the export together"

_MAX_SIDECARS = 200_000
_LOOKED_INTO = 5
_LONG = 30
_MAX_DEPTH = 100


@dataclass(frozen=True, kw_only=True)
class _Names:
    media: list[str] = field(default_factory=list)
    records: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Folder:
    path: str
    sidecars: list[Sidecar]
    matches: dict[str, Match | str]
    problems: list[SkippedEntry]


class GooglePhotos:
    """See `ExportFormat`."""

    name = "Google Photos"
    slug = "google-photos"

    def recognises(self, tree: ExportTree) -> bool:
        """Whether there is a folder of Takeout's, in any language, or a photo with its sidecar."""
        folders = _listed(tree)
        if any(_known_root(path) for path in folders):
            return True
        looked_into = 0
        for path, names in folders.items():
            record = _record_of_a_photo(names)
            if record:
                looked_into += 1
                if isinstance(_read(tree, path, record), Sidecar):
                    return True
                if looked_into == _LOOKED_INTO:
                    break
        return False

    def account(self, tree: ExportTree) -> str:
        """Return nothing: these exports do not say whose they are."""
        return ""

    def posts(self, tree: ExportTree) -> Iterator[Posted | SkippedEntry]:
        """Every photo and video with the page that its sidecar names (see `ExportFormat.posts`)."""
        for folder in _matched(tree):
            yield from folder.problems
            for name, match in folder.matches.items():
                path = _below(folder.path, name)
                found = match if isinstance(match, str) else folder.sidecars[match.sidecar]
                rule = "" if isinstance(match, str) else match.rule
                yield _told(tree, path, kept_apart(folder.path), found, rule)
            yield from _alone(folder)

    def reason_for(self, name: str) -> str:
        """Why a file outside the folders of Google Photos is not taken."""
        return "not of Google Photos"


FORMAT = GooglePhotos()


def _alone(folder: _Folder) -> Iterator[SkippedEntry]:
    """The sidecars whose photo is nowhere in the folder."""
    used = {match.sidecar for match in folder.matches.values() if isinstance(match, Match)}
    for place, sidecar in enumerate(folder.sidecars):
        if place not in used:
            item = item_of(_below(folder.path, sidecar.name))
            yield SkippedEntry(item=item, reason=PHOTO_NOT_HERE)


def _told(
    tree: ExportTree, path: str, apart: str, found: Sidecar | str, rule: str
) -> Posted | SkippedEntry:
    item = item_of(path)
    if apart:
        return SkippedEntry(item=item, reason=apart, ends=True)
    if isinstance(found, str):
        return SkippedEntry(item=item, reason=found)
    if found.ends:
        return SkippedEntry(item=item, reason=found.ends, ends=True)
    member = tree.find(path)
    if member is None:
        return SkippedEntry(item=item, reason="gone")
    confidence: LinkConfidence = "exact" if found.page_url else "profile-only"
    link = PageLink(
        page_url=found.page_url or PROFILE,
        media_url="",
        taken_at=found.taken_at,
        text=found.text,
        confidence=confidence,
        link_from="export",
    )
    return Posted(member=member, link=link, matched_by=rule)


def _matched(tree: ExportTree) -> Iterator[_Folder]:
    folders = _listed(tree)
    roots = _roots(folders)
    for path, names in folders.items():
        if not _is_below(path, roots):
            continue
        sidecars, problems = [], []
        for record in names.records[:_MAX_SIDECARS]:
            found = _read(tree, path, record)
            if isinstance(found, Sidecar):
                sidecars.append(found)
            elif found is not None:
                problems.append(found)
        for record in names.records[_MAX_SIDECARS:]:
            item = item_of(_below(path, record))
            problems.append(SkippedEntry(item=item, reason="too many sidecars in one folder"))
        yield _Folder(
            path=path,
            sidecars=sidecars,
            matches=match_folder(names.media, [(each.name, each.title) for each in sidecars]),
            problems=problems,
        )


def _listed(tree: ExportTree) -> dict[str, _Names]:
    folders: dict[str, _Names] = {}
    for member in tree.members():
        path, _, name = member.name.rpartition("/")
        ending = split_ending(name, MEDIA_ENDINGS)[1]
        if ending:
            folders.setdefault(path, _Names()).media.append(name)
        elif name.lower().endswith(SIDECAR_ENDING):
            folders.setdefault(path, _Names()).records.append(name)
    return folders


def _roots(folders: dict[str, _Names]) -> frozenset[str]:
    """Find the folders that hold years and albums, by their names or by the sidecars below."""
    roots = set()
    for path, names in folders.items():
        known = _known_root(path)
        if known:
            roots.add(known)
        elif _record_of_a_photo(names):
            above = path.rpartition("/")[0]
            roots.add(path if above.rpartition("/")[2].casefold() == "takeout" else above)
    return frozenset(roots)


def _is_below(path: str, roots: frozenset[str]) -> bool:
    for _ in range(_MAX_DEPTH):
        if path in roots:
            return True
        if not path:
            return False
        path = path.rpartition("/")[0]
    return False


def _known_root(path: str) -> str:
    parts = path.split("/")
    for place in range(1, min(len(parts), 4)):
        if parts[place - 1].casefold() == "takeout" and parts[place].casefold() in ROOTS:
            return "/".join(parts[: place + 1])
    return ""


def _record_of_a_photo(names: _Names) -> str:
    """Return a JSON file that is named after a photo beside it, or nothing."""
    stems = {name.rpartition(".")[0] + "." for name in names.media}
    media = stems.union(names.media)
    long = frozenset(name[:_LONG] for name in names.media if len(name) >= _LONG)
    for record in names.records:
        body = numbered(record[: -len(SIDECAR_ENDING)])[0]
        named = {body, body.rpartition(".")[0], body.removesuffix(SIDECAR_MARK) + "."}
        if named & media or body[:_LONG] in long:
            return record
    return ""


def _read(tree: ExportTree, path: str, name: str) -> Sidecar | SkippedEntry | None:
    member = tree.find(_below(path, name))
    return None if member is None else read_sidecar(tree, member)


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
