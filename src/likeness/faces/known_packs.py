"""All packs that this machine knows: those that come with Likeness, and one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from likeness.errors import ModelFileInvalid, NotFound
from likeness.faces.install_record import installed_packs
from likeness.faces.licences import to_accept
from likeness.faces.pack_store import own_manifests
from likeness.faces.packs import Pack, PackFile, load_manifest, locate, shipped_manifests

Use = Literal["private", "commercial"]

SUITS: Mapping[Use, str] = MappingProxyType({"private": "edgeface-xs", "commercial": "opencv"})
"""Of the packs that come with Likeness, the one to begin with; docs/guides/model-packs.md says why.
"""


@dataclass(frozen=True, kw_only=True)
class KnownPack:
    """A pack, and how it stands on this machine.

    Attributes
    ----------
    pack : Pack
    built_in : bool
        Whether its manifest comes with Likeness.
    missing : tuple of PackFile
        Its files that are not here, or are of another size. Whether they are the right ones is for
        ``install.verify`` to say.
    to_accept : tuple of str
        Licences that have to be accepted by name before it is installed.
    """

    pack: Pack
    built_in: bool
    missing: tuple[PackFile, ...]
    to_accept: tuple[str, ...]

    @property
    def installed(self) -> bool:
        """Whether all of its files are here."""
        return not self.missing

    @property
    def needs_download(self) -> bool:
        """Whether any of its files comes otherwise than with a Python package."""
        return any(not file.package for file in self.pack.files)

    @property
    def download(self) -> int | None:
        """Bytes still to fetch; None where a manifest does not say."""
        sizes = [file.size for file in self.missing if not file.package]
        return None if None in sizes else sum(size or 0 for size in sizes)

    @property
    def suits(self) -> tuple[Use, ...]:
        """Which uses it is the one to begin with for."""
        return tuple(use for use, name in SUITS.items() if name == self.pack.name and self.built_in)


@dataclass(frozen=True, kw_only=True)
class UnusablePack:
    """An installed manifest of one's own that cannot be used any more."""

    name: str
    problem: str
    fix: str


def known_packs() -> tuple[list[KnownPack], list[UnusablePack]]:
    """Every pack, those that come with Likeness first; and manifests that cannot be used.

    Raises
    ------
    StorageError
        The record of what was installed is damaged.
    """
    found, unusable = [], []
    shipped = shipped_manifests()
    for name in dict.fromkeys((*shipped, *own_manifests())):
        try:
            found.append(known_pack(name))
        except ModelFileInvalid as error:
            unusable.append(UnusablePack(name=name, problem=error.what, fix=error.fix))
    return found, unusable


def known_pack(name: str) -> KnownPack:
    """One pack by its name.

    Raises
    ------
    NotFound
        There is none.
    ModelFileInvalid
        Its manifest cannot be used.
    StorageError
        The record of what was installed is damaged.
    """
    shipped, own = shipped_manifests(), own_manifests()
    if name not in shipped and name not in own:
        raise NotFound(
            f"There is no model pack {name!r}.", "See which there are: likeness models list"
        )
    pack = load_manifest(name)
    accepted = installed_packs().get(name)
    return KnownPack(
        pack=pack,
        built_in=name in shipped,
        missing=tuple(file for file in pack.files if not _is_here(pack, file)),
        to_accept=terms(pack, frozenset(accepted.accepted) if accepted else frozenset()),
    )


def terms(pack: Pack, accepted: frozenset[str]) -> tuple[str, ...]:
    """The licences of a pack and of its files that are neither permissive nor accepted yet."""
    texts = dict.fromkeys([pack.licence, *(file.licence for file in pack.files if file.licence)])
    left = [licence for text in texts for licence in to_accept(text, accepted)]
    return tuple(dict.fromkeys(left))


def _is_here(pack: Pack, file: PackFile) -> bool:
    try:
        held = locate(pack, file).stat().st_size
    except (ModelFileInvalid, OSError):
        return False
    return held == (file.size or held)
