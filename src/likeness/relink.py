"""Use another model pack: pack checked -> references made anew -> changed over -> photos relinked.

Until the change over the library works with its former pack, and from then on with the other alone:
templates of two packs never meet. Killed at any point and run again, it goes on where it was; going
back is the same with the former pack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from likeness.config import note_pack
from likeness.faces.packs import Pack, load_manifest, read_verified
from likeness.founding import lasting_name
from likeness.house import ChosenPack, EngineSource, House, ProgressListener, no_progress
from likeness.reembed import change_over, stage_references
from likeness.rescan import RescanReport, rescan
from likeness.store.packs import PackInUse, drop_staged, pack_in_use, set_pack_in_use
from likeness.store.redetected import count_unread, wait_again
from likeness.turns import taking_turns

FEW = 64
"""References that are made within the transaction that changes over, while others wait."""

Reopened = Callable[[ChosenPack, EngineSource], House]
"""Gives the library's parts with another pack, and lets go of the former ones."""


@dataclass(frozen=True, kw_only=True)
class PackUsed:
    """What using a pack did.

    Attributes
    ----------
    pack : Pack
    changed : bool
        Whether the library used another one before.
    references : int
        Made anew.
    rescan : RescanReport
        Photos that were relinked.
    unread : int
        Photos whose file could not be read: their faces are as a former pack found them, and
        compared by their crops.
    """

    pack: Pack
    changed: bool
    references: int
    rescan: RescanReport
    unread: int


def use_pack(
    house: House,
    name_or_path: str,
    *,
    reopened: Reopened,
    progress: ProgressListener = no_progress,
) -> PackUsed:
    """Change a library over to a model pack, or go on with a change that was interrupted.

    Photos whose file could not be read the last time are tried again.

    Parameters
    ----------
    name_or_path : str
        The name of a pack, or the path of a manifest that ends in ``.toml``.
    reopened : callable

    Raises
    ------
    UsageError
        There is no such pack.
    ModelFileInvalid
        The manifest or a file of the pack is missing, damaged or not what its checksum says.
    PackMismatch
        Where another process changes the pack meanwhile.
    """
    # (1) The pack is here and whole, and its networks load.
    chosen, engines = _ready(house, name_or_path)
    pack = chosen.require()
    with taking_turns(house, "pack"):
        with house.store.snapshot() as connection:
            before = pack_in_use(connection)
        # (2) References are made anew beside those in use, then (3) take their place all at once.
        references = (
            _changed(house, chosen, engines, progress)
            if before.fingerprint != pack.fingerprint
            else _kept(house, chosen)
        )
    note_pack(house.settings.path, chosen.in_use.name)
    # (4) This process goes on with the pack.
    house = reopened(chosen, engines)
    # (5) The faces of every photo are found, compared and linked anew.
    relinked = rescan(house, progress=progress)
    with house.store.snapshot() as connection:
        unread = count_unread(connection, pack.fingerprint)
    return PackUsed(
        pack=pack,
        changed=before.fingerprint != pack.fingerprint,
        references=references,
        rescan=relinked,
        unread=unread,
    )


def _ready(house: House, name_or_path: str) -> tuple[ChosenPack, EngineSource]:
    pack = load_manifest(name_or_path)
    for file in pack.files:
        read_verified(pack, file)
    in_use = PackInUse(name=lasting_name(name_or_path), fingerprint=pack.fingerprint)
    chosen = ChosenPack(in_use=in_use, manifest=pack)
    engines = house.engines.of(chosen)
    engines.get()
    return chosen, engines


def _changed(
    house: House, chosen: ChosenPack, engines: EngineSource, progress: ProgressListener
) -> int:
    engine = engines.get()
    stage_references(house, engine, progress=progress)
    references = change_over(house, engine, chosen, most=FEW)
    if references is None:
        # Many enrolled meanwhile: most of their references are made before others have to wait.
        stage_references(house, engine, progress=progress)
        references = change_over(house, engine, chosen, most=None)
    return references or 0


def _kept(house: House, chosen: ChosenPack) -> int:
    """Nothing changes but where the manifest is, and that unread photos are tried again.

    A change to another pack that was interrupted before it came to anything is given up.
    """
    with house.store.transaction() as connection:
        set_pack_in_use(connection, chosen.in_use)
        drop_staged(connection)
        wait_again(connection, chosen.in_use.fingerprint)
    return 0
