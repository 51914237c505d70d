"""Which sidecar of a Google Photos folder belongs to which photo: by names and titles alone.

A sidecar counts only where its title and its file name agree. A photo gets one only where nothing
else fits: what is left open is named, as the wrong sidecar could hand over somebody else's photo.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from likeness.records.photo_formats import PHOTO_SUFFIXES
from likeness.sources.exports.google_claims import (
    MEDIA_ENDINGS,
    VIDEO_ENDINGS,
    Claim,
    Key,
    claim_of,
)
from likeness.sources.exports.google_names import (
    LONGEST_NAME,
    folded,
    length_of,
    numbered,
    split_ending,
    with_number,
)

Rule = Literal["exact", "cut", "numbered", "edited", "live"]
"""By what a photo got its sidecar: its whole name, a name cut short, a name with ``(n)``, as the
edited version of the photo that the sidecar is for, or as the moving half of a live photo."""

RULES: tuple[Rule, ...] = ("exact", "cut", "numbered", "edited", "live")

EDITED = (
    *("-edited", "-effects", "-smile", "-mix", "-bearbeitet", "-modifié", "-editado", "-editada"),
    *("-ha editado", "-editat", "-modificato", "-bewerkt", "-edytowane", "-redigerad"),
    *("-redigeret", "-redigert", "-muokattu", "-upraveno", "-upravené", "-szerkesztett"),
    *("-düzenlendi", "-изменено", "-измененный", "-відредаговано", "-diedit", "-đã chỉnh sửa"),
    *("-編集済み", "-수정됨", "-편집됨", "-已编辑", "-已修改", "-已編輯"),
)
"""What stands behind the name of an edited version, by language (composed, NFC)."""

NO_SIDECAR = "no sidecar says whose it is"
SEVERAL_FIT = "several photos or sidecars fit by name"
NOT_ALL_HERE = "several photos have this name, and not all of them are here"
CUT_ALIKE = "several photos have the name that this one was cut to"

_SHORTEST_EDITED = 3


@dataclass(frozen=True, kw_only=True)
class Match:
    """A photo's sidecar.

    Attributes
    ----------
    sidecar : int
        Its place among those given.
    rule : Rule
    """

    sidecar: int
    rule: Rule


def match_folder(
    media: Iterable[str], sidecars: Sequence[tuple[str, str]]
) -> dict[str, Match | str]:
    """Give each photo or video of one folder its sidecar, or the reason why it has none.

    Parameters
    ----------
    media : iterable of str
        File names, each once.
    sidecars : sequence of (str, str)
        The file name and the title of each.

    Returns
    -------
    dict of str to Match or str
        For each of ``media``. A sidecar may be matched several times: an edited version and the
        moving half of a live photo take that of the still.
    """
    return _Folder(tuple(media), sidecars).matches()


def agree(name: str, title: str) -> bool:
    """Whether a sidecar's file name can have been made from its title."""
    return claim_of(name, title) is not None


class _Folder:
    def __init__(self, media: tuple[str, ...], sidecars: Sequence[tuple[str, str]]) -> None:
        self._media = media
        self._claims = [claim_of(name, title) for name, title in sidecars]
        self._by_key: dict[Key, list[int]] = defaultdict(list)
        self._by_stem: dict[str, set[int]] = defaultdict(set)
        self._bodies: dict[str, set[int]] = defaultdict(set)
        for place, claim in enumerate(self._claims):
            if claim is not None:
                self._bodies[claim.body].add(claim.number)
                for key in claim.keys:
                    self._by_key[key].append(place)
                    self._by_stem[key[0]].add(place)
        self._numbers: dict[Key, set[int]] = defaultdict(set)
        for name in media:
            for (stem, ending), number in _readings(name):
                self._numbers[stem, ending].add(number)
                self._numbers[stem, ""].add(number)
        self._fitting = {name: self._fits(name) for name in media}
        self._wanted_by: dict[int, list[str]] = defaultdict(list)
        for name, (places, _) in self._fitting.items():
            for place in places:
                self._wanted_by[place].append(name)

    def matches(self) -> dict[str, Match | str]:
        return {name: self._match(name) for name in self._media}

    def _fits(self, name: str) -> tuple[list[int], bool]:
        """Which sidecars fit, and whether one would but for a number behind a name cut short."""
        places, crowded = [], False
        for key, number in _readings(name):
            for place in (*self._by_key.get(key, ()), *self._by_key.get((key[0], ""), ())):
                claim = self._of(place)
                if (claim.number == number and not claim.loose) or (claim.loose and number == 0):
                    places.append(place)
                elif claim.loose:
                    crowded = True
        return list(dict.fromkeys(places)), crowded

    def _match(self, name: str) -> Match | str:
        places, crowded = self._fitting[name]
        if not places:
            return CUT_ALIKE if crowded else self._derived(name)
        if len(places) > 1 and not any(self._any_ending(place) for place in places):
            places = [place for place in places if self._of(place).name == name]
        if len(places) != 1:
            return SEVERAL_FIT
        claim = self._of(places[0])
        if len(self._wanted_by[places[0]]) > 1 and claim.name != name:
            return SEVERAL_FIT
        reason = self._doubt(places[0], claim)
        if reason:
            return reason
        if claim.number and not claim.loose:
            return Match(sidecar=places[0], rule="numbered")
        return Match(sidecar=places[0], rule="exact" if claim.whole else "cut")

    def _doubt(self, place: int, claim: Claim) -> str:
        """Say why the sidecar that fits may be another photo's, in a few words; else empty."""
        if claim.loose:
            # What tells such photos apart is the order in which Google met them. Only one that is
            # alone is certain: those that its sidecar was numbered behind are of other names.
            keys = [key for key in claim.keys if key in self._numbers]
            alone = all(self._by_key[key] == [place] for key in claim.keys)
            plain = all(self._numbers[key] == {0} for key in keys)
            first = self._bodies[claim.body] >= set(range(claim.number))
            known = not self._any_ending(place)
            return "" if alone and plain and first and known else CUT_ALIKE
        for key in claim.keys:
            # A title without an ending, where another photo has that name: either could be meant.
            alike = self._by_stem[key[0]]
            if len(alike) > 1 and any(self._any_ending(twin) for twin in alike):
                return SEVERAL_FIT
            twins = self._by_key[key]
            if any(self._of(twin).loose for twin in twins):
                return CUT_ALIKE
            # Numbers go with photos only while each has its sidecar, and each sidecar its photo:
            # one that was not exported, or a moving half, which has none, may have moved them.
            if {self._of(twin).number for twin in twins} != self._counted(key):
                return NOT_ALL_HERE if len(twins) > 1 else SEVERAL_FIT
        return ""

    def _counted(self, key: Key) -> set[int]:
        """The numbers behind a name, without photos whose own title ends in one."""
        stem, ending = key
        return {
            number
            for number in self._numbers[key]
            if not number or not self._balanced((with_number(stem, number), ending))
        }

    def _balanced(self, key: Key) -> bool:
        numbers = {self._of(twin).number for twin in self._by_key.get(key, ())}
        return bool(numbers) and numbers == self._numbers[key]

    def _derived(self, name: str) -> Match | str:
        """Match an edited version, or the moving half of a live photo, by its still."""
        found = {self._still(own, keys): rule for rule, own, keys in _stills_of(name)}
        found.pop("", None)
        if len(found) > 1:
            return SEVERAL_FIT
        for still, rule in found.items():
            return Match(sidecar=still, rule=rule) if isinstance(still, int) else still
        return NO_SIDECAR

    def _still(self, own: tuple[Key, int], keys: list[Key]) -> int | str:
        """Return the place of the one sidecar that is for the still; else why there is none."""
        held = [key for key in keys if self._by_key.get(key)]
        if not held:
            return ""
        if len(held) > 1 or self._by_key.get(own[0]):
            return SEVERAL_FIT
        twins = self._by_key[held[0]]
        claims = [self._of(place) for place in twins]
        numbers = {claim.number for claim in claims}
        if any(claim.loose for claim in claims) or len(numbers) < len(claims):
            return CUT_ALIKE
        # Of several photos with that name, it is not known which ones were edited or move: numbers
        # go together only where all of them did, or where there is but one.
        key, number = own
        together = self._numbers[key] == numbers == self._numbers[held[0]]
        alone = numbers == {0} and number == 0 and self._numbers[held[0]] <= {0}
        if not (together or alone) or number not in numbers:
            return NOT_ALL_HERE
        return next(place for place in twins if self._of(place).number == number)

    def _any_ending(self, place: int) -> bool:
        return any(not ending for _, ending in self._of(place).keys)

    def _of(self, place: int) -> Claim:
        claim = self._claims[place]
        assert claim is not None
        return claim


def _readings(name: str) -> Iterator[tuple[Key, int]]:
    """The ways to read a photo's name: as it stands, and with a number that Google added."""
    stem, ending = split_ending(name, MEDIA_ENDINGS)
    yield (folded(stem), ending), 0
    plain, number = numbered(stem)
    if number:
        yield (folded(plain), ending), number


def _stills_of(name: str) -> Iterator[tuple[Rule, tuple[Key, int], list[Key]]]:
    """Yield the rule, how the name reads, and the keys that its still may have."""
    stem, ending = split_ending(unicodedata.normalize("NFC", name), MEDIA_ENDINGS)
    plain, number = numbered(stem)
    own = (folded(plain), ending), number
    photos = sorted({suffix for low in PHOTO_SUFFIXES for suffix in (low, low.upper())})
    others = [each for each in (*photos, "") if each != ending]
    for original in _unedited(plain, ending):
        key = folded(original)
        yield "edited", own, [(key, ending)]
        yield "edited", own, [(key, each) for each in others]
    if ending.lower() in VIDEO_ENDINGS:
        still = folded(plain + ending if ending.lower() == ".mp" else plain)
        yield "live", own, [(still, each) for each in others]


def _unedited(stem: str, ending: str) -> Iterator[str]:
    at_limit = length_of(stem + ending) >= LONGEST_NAME
    for added in EDITED:
        shortest = _SHORTEST_EDITED if at_limit else len(added)
        for length in range(len(added), shortest - 1, -1):
            if stem.endswith(added[:length]) and len(stem) > length:
                yield stem[:-length]
                break
