"""The model library: ensembles that come with the package and the user's own."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from platformdirs import user_data_path

from napari_stem_defects.errors import ModelError
from napari_stem_defects.files.atomic import replacing
from napari_stem_defects.files.model_file import load_model, read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.core.ensemble import EnsembleSpec

BUNDLED = Path(__file__).parents[1] / "models"


@dataclass(frozen=True)
class ModelEntry:
    """One ensemble of the library."""

    name: str
    path: Path
    source: Literal["bundled", "user"]
    spec: EnsembleSpec


def user_folder() -> Path:
    """Return where the user's own models live (created when something is put there)."""
    return user_data_path("napari-stem-defects", appauthor=False) / "models"


def list_models() -> list[ModelEntry]:
    """List readable models, the user's first so that they shadow bundled ones of that name."""
    return list(_entries())


def _entries() -> Iterator[ModelEntry]:
    sources: tuple[tuple[Literal["user", "bundled"], Path], ...] = (
        ("user", user_folder()),
        ("bundled", BUNDLED),
    )
    for source, folder in sources:
        for path in sorted(folder.glob("*.safetensors")):
            try:
                spec, _ = read_spec(path)
            except ModelError:
                continue  # a listing shows what can be used; `models verify` says why not
            yield ModelEntry(path.stem, path, source, spec)


def find_model(name_or_path: str | Path) -> Path:
    """Return the file of a model given by library name or by path.

    Raises
    ------
    ModelError
        Names the models there are.
    """
    path = Path(name_or_path)
    if path.suffix == ".safetensors":
        if path.is_file():
            return path
        raise ModelError(f"{path}: there is no such model file; check the path")
    for folder in (user_folder(), BUNDLED):
        candidate = folder / f"{path.name}.safetensors"
        if path.name == str(name_or_path) and candidate.is_file():
            return candidate
    names = ", ".join(entry.name for entry in list_models()) or "none yet"
    raise ModelError(f"{name_or_path}: no such model; give a .safetensors file or one of: {names}")


def import_model(path: str | Path) -> ModelEntry:
    """Copy a model file into the user's library after proving that it works.

    Raises
    ------
    ModelError
        Where the file is no sound model, or the library holds another model of that name.
    """
    path = Path(path)
    ensemble = load_model(path)
    target = user_folder() / path.name
    if target.exists():
        if read_spec(target)[1] == ensemble.sha256:
            return ModelEntry(path.stem, target, "user", ensemble.spec)
        raise ModelError(f"{path}: the library has another model of this name; rename the file")
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        shutil.copyfile(path, temporary)
    return ModelEntry(path.stem, target, "user", ensemble.spec)
