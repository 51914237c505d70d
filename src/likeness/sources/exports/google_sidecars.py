"""Which sidecar of a Google Photos folder belongs to which photo: by names and titles alone.

A sidecar counts only where its title and its file name agree. A photo gets one only where nothing
else fits: what is left open is named, as the wrong sidecar could hand over somebody else's photo.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from likeness.sources.exports.google_claims import MEDIA_ENDINGS, Claim, Key, claim_of
from likeness.sources.exports.google_names import folded, numbered, split_ending, with_number
from likeness.sources.exports.google_versions import Rule, Still, stem_of, stills_of

NO_SIDECAR = "no sidecar says whose it is"
SEVERAL_FIT = "several photos or sidecars fit by name"
NOT_ALL_HERE = "several photos have this name, and not all of them are here"
CUT_ALIKE = "several photos have the name that this one was cut to"

_MOST = 64
_LOOSE = -1


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
    """One folder. What is asked of a name or key is kept, as a folder may hold very many alike."""

    def __init__(self, media: tuple[str, ...], sidecars: Sequence[tuple[str, str]]) -> None:
        self._media = media
        self._claims = [claim_of(name, title) for name, title in sidecars]
        self._by_key: dict[Key, list[int]] = defaultdict(list)
        self._at: dict[tuple[Key, int], list[int]] = defaultdict(list)
        self._any_ending: dict[str, int] = defaultdict(int)
        self._by_stem: dict[str, set[int]] = defaultdict(set)
        bodies: dict[str, set[int]] = defaultdict(set)
        for place, claim in enumerate(self._claims):
            if claim is not None:
                bodies[claim.body].add(claim.number)
                for key in claim.keys:
                    self._by_key[key].append(place)
                    self._at[key, _LOOSE if claim.loose else claim.number].append(place)
                    self._by_stem[key[0]].add(place)
                    self._any_ending[key[0]] += not key[1]
        self._first_missing = {body: _first_missing(held) for body, held in bodies.items()}
        self._numbers: dict[Key, set[int]] = defaultdict(set)
        self._readers: dict[tuple[Key, int], list[str]] = defaultdict(list)
        for name in media:
            for (stem, ending), number in _readings(name):
                for key in ((stem, ending), (stem, "")):
                    self._numbers[key].add(number)
                    self._readers[key, number].append(name)
        self._doubts: dict[Key, str] = {}
        self._together: dict[tuple[Key, Key], bool] = {}

    def matches(self) -> dict[str, Match | str]:
        return {name: self._match(name) for name in self._media}

    def _match(self, name: str) -> Match | str:
        places, crowded = self._fits(name)
        if not places:
            return CUT_ALIKE if crowded else self._derived(name)
        if len(places) > 1:
            loose = any(self._of(place).loose for place in places)
            unsure = len(places) > _MOST or any(
                self._any_ending[key[0]] for key, _ in _readings(name)
            )
            places = [place for place in places if self._of(place).name == name and not unsure]
            if len(places) != 1:
                return CUT_ALIKE if loose else SEVERAL_FIT
        claim = self._of(places[0])
        if claim.name != name and self._wanted_by(claim, 2) != {name}:
            return SEVERAL_FIT
        doubt = self._loose_doubt(places[0], claim) if claim.loose else self._doubt(claim)
        if doubt:
            return doubt
        if claim.number and not claim.loose:
            return Match(sidecar=places[0], rule="numbered")
        return Match(sidecar=places[0], rule="exact" if claim.whole else "cut")

    def _fits(self, name: str) -> tuple[list[int], bool]:
        """Which sidecars fit, and whether one would but for a number behind a name cut short.

        Of very many that fit only some are given: more than `_MOST`.
        """
        found: dict[int, None] = {}
        crowded = False
        for key, number in _readings(name):
            for each in (key, (key[0], "")):
                loose = self._at.get((each, _LOOSE), [])
                crowded = crowded or bool(loose and number)
                for places in (self._at.get((each, number), []), [] if number else loose):
                    found.update(dict.fromkeys(islice(places, _MOST + 1)))
        return list(found), crowded

    def _wanted_by(self, claim: Claim, most: int) -> set[str]:
        """The photos that a sidecar fits, or as many of them."""
        number = 0 if claim.loose else claim.number
        found: set[str] = set()
        for key in claim.keys:
            found.update(islice(self._readers.get((key, number), []), most))
        return found

    def _loose_doubt(self, place: int, claim: Claim) -> str:
        # What tells such photos apart is the order in which Google met them. Only one that is alone
        # is certain: those that its sidecar was numbered behind are of other names.
        alone = all(self._by_key[key] == [place] for key in claim.keys)
        plain = all(self._numbers.get(key, {0}) == {0} for key in claim.keys)
        first = claim.number <= self._first_missing[claim.body]
        known = not any(self._any_ending[stem] for stem, _ in claim.keys)
        return "" if alone and plain and first and known else CUT_ALIKE

    def _doubt(self, claim: Claim) -> str:
        """Say why the sidecar that fits may be another photo's, in a few words; else empty."""
        for key in claim.keys:
            if key not in self._doubts:
                self._doubts[key] = self._doubt_of(key)
            if self._doubts[key]:
                return self._doubts[key]
        return ""

    def _doubt_of(self, key: Key) -> str:
        # A title without an ending, where another photo has that name: either could be meant.
        if self._any_ending[key[0]] and len(self._by_stem[key[0]]) > 1:
            return SEVERAL_FIT
        if self._at.get((key, _LOOSE)):
            return CUT_ALIKE
        # Numbers go with photos only while each has its sidecar, and each sidecar its photo: one
        # that was not exported, or a moving half, which has none, may have moved them.
        twins = self._by_key[key]
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
        found = {self._still(still): still.rule for still in stills_of(name)}
        found.pop("", None)
        if len(found) > 1:
            return SEVERAL_FIT
        for place, rule in found.items():
            return Match(sidecar=place, rule=rule) if isinstance(place, int) else place
        return NO_SIDECAR

    def _still(self, still: Still) -> int | str:
        """Return the place of the one sidecar that is for the still; else why there is none."""
        held = [key for key in still.keys if self._by_key.get(key)]
        if not held:
            return ""
        if len(held) > 1 or self._by_key.get(still.own):
            return SEVERAL_FIT
        if self._at.get((held[0], _LOOSE)):
            return CUT_ALIKE
        places = self._at.get((held[0], still.number), [])
        if len(places) != 1 or not self._go_together(still.own, held[0]):
            return NOT_ALL_HERE
        claim = self._of(places[0])
        named = {claim.name, *self._wanted_by(claim, _MOST)}
        same = any(stem_of(name) == with_number(still.stem, still.number) for name in named)
        return places[0] if same else SEVERAL_FIT

    def _go_together(self, own: Key, key: Key) -> bool:
        """Whether the numbers of versions or halves are those of their stills.

        Of several photos with one name, it is not known which were edited or move: numbers go
        together only where all of them did, or where there is but one.
        """
        if (own, key) not in self._together:
            places = self._by_key[key]
            numbers = {self._of(place).number for place in places}
            same = self._numbers[own] == numbers == self._numbers[key]
            alone = self._numbers[own] == numbers == {0} and self._numbers[key] <= {0}
            plain = not any(self._holds_titles_with_numbers(each) for each in (own, key))
            self._together[own, key] = len(numbers) == len(places) and plain and (same or alone)
        return self._together[own, key]

    def _holds_titles_with_numbers(self, key: Key) -> bool:
        """Whether a number behind a name may stand in a title, whatever its ending."""
        numbers = (number for number in self._numbers.get(key, ()) if number)
        return any(self._by_stem.get(with_number(key[0], number)) for number in numbers)

    def _of(self, place: int) -> Claim:
        claim = self._claims[place]
        assert claim is not None
        return claim


def _first_missing(numbers: set[int]) -> int:
    return next(number for number in range(len(numbers) + 1) if number not in numbers)


def _readings(name: str) -> Iterator[tuple[Key, int]]:
    """The ways to read a photo's name: as it stands, and with a number that Google added."""
    stem, ending = split_ending(name, MEDIA_ENDINGS)
    yield (folded(stem), ending), 0
    plain, number = numbered(stem)
    if number:
        yield (folded(plain), ending), number
