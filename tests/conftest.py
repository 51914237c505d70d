"""What all tests share: real portraits, the evaluation photos, and a guarded environment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from numpy.typing import NDArray
from PIL import Image

REPOSITORY = Path(__file__).resolve().parent.parent

settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("local", deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "local"))


class Portraits(NamedTuple):
    """The two public-domain portraits that come inside packages: uint8 (H, W, 3) RGB, read-only."""

    collins: NDArray[np.uint8]
    hopper: NDArray[np.uint8]


def _package_photo(package: str, path: str) -> NDArray[np.uint8]:
    # Found without importing the package: scikit-image and matplotlib take a second to import.
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None, f"{package} is not installed"
    with Image.open(Path(spec.origin).parent / path) as image:
        pixels = np.array(image.convert("RGB"))
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def portraits() -> Portraits:
    """Eileen Collins (``skimage.data.astronaut()``) and Grace Hopper (matplotlib's sample)."""
    return Portraits(
        collins=_package_photo("skimage", "data/astronaut.png"),
        hopper=_package_photo("matplotlib", "mpl-data/sample_data/grace_hopper.jpg"),
    )


@pytest.fixture(scope="session")
def eval_photos() -> Path:
    """Where the evaluation photos are: ``LIKENESS_EVAL``, else ``../shared/eval``."""
    folder = Path(os.environ.get("LIKENESS_EVAL") or REPOSITORY.parent / "shared" / "eval")
    if not folder.is_dir():
        pytest.skip("no evaluation photos: set LIKENESS_EVAL to the folder that holds them")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _guarded_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test off the user's own libraries and keys; models are built once for all runs."""
    with pytest.MonkeyPatch.context() as patch:
        if not os.environ.get("LIKENESS_CACHE"):
            patch.setenv("LIKENESS_CACHE", str(REPOSITORY / ".cache" / "likeness"))
        patch.setenv("LIKENESS_KEYRINGS", str(tmp_path_factory.mktemp("keyrings")))
        # Whatever matplotlib and the like would write into the user's folders goes here as well.
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        for name in ("LIKENESS_LIBRARY", "LIKENESS_ACCOUNT", "LIKENESS_MASTER_KEY_FILE"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(autouse=True)
def _own_keyrings(_guarded_session: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a keyring folder of its own, under its ``tmp_path``.

    A fixture of a wider scope that makes a library gets the session's folder, and passes it on,
    since the variable names another folder by the time that a test opens that library.
    """
    monkeypatch.setenv("LIKENESS_KEYRINGS", str(tmp_path / "keyrings"))
