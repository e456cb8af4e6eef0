"""The model library: ensembles that come with the package and the user's own."""

from __future__ import annotations

import filecmp
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from platformdirs import user_data_path

from napari_stem_defects.errors import ModelError, OutputError
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.models.model_file import SUFFIX, load_model, read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.networks.spec import EnsembleSpec

Source = Literal["bundled", "user"]

_CARD = ".md"
BUNDLED = Path(__file__).parents[2] / "pretrained"


@dataclass(frozen=True)
class ModelEntry:
    """One ensemble of the library; ``name`` is that of its file, without the ending."""

    name: str
    path: Path
    source: Source
    spec: EnsembleSpec


def user_folder() -> Path:
    """Return where the user's own models live (created when something is put there)."""
    return user_data_path("napari-stem-defects", appauthor=False) / "models"


def list_models() -> list[ModelEntry]:
    """List readable models, the user's first: by name they shadow bundled ones."""
    return [*_entries("user", user_folder()), *_entries("bundled", BUNDLED)]


def _entries(source: Source, folder: Path) -> Iterator[ModelEntry]:
    for path in sorted(folder.glob(f"[!.]*{SUFFIX}")):
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
    if path.suffix == SUFFIX:
        if path.is_file():
            return path
        raise ModelError(one_line(path, "there is no such model file", "check the path"))
    if path.name == str(name_or_path):
        for folder in (user_folder(), BUNDLED):
            candidate = folder / f"{path.name}{SUFFIX}"
            if candidate.is_file():
                return candidate
    names = ", ".join(entry.name for entry in list_models()) or "none yet"
    raise ModelError(one_line(path, "no such model", f"give a {SUFFIX} file or one of: {names}"))


def import_model(path: str | Path) -> ModelEntry:
    """Copy a model file into the user's library after proving that it works.

    Raises
    ------
    ModelError
        Where the file is no sound model, or the library holds another model of that name.
    OutputError
        Where the library cannot be written to.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ModelError(one_line(path, f"model files end in {SUFFIX}", "rename the file"))
    spec = load_model(path).spec
    target = user_folder() / path.name
    if not target.exists():
        _copy_with_card(path, target)
    elif not filecmp.cmp(path, target, shallow=False):
        fault = "the library has another model of this name"
        raise ModelError(one_line(path, fault, "rename the file"))
    return ModelEntry(path.stem, target, "user", spec)


def export_model(path: Path, target: Path) -> Path:
    """Copy a model file, and the card beside it, to another place; what is there is replaced.

    Raises
    ------
    ModelError
        Where the model is gone, or the name would hide what it is.
    OutputError
        Where nothing can be written.
    """
    if target.suffix != SUFFIX:
        target = target.with_name(f"{target.name}{SUFFIX}")
    if not path.is_file():
        raise ModelError(one_line(path, "there is no such model any more", "choose another one"))
    if target.resolve() != path.resolve():
        _copy_with_card(path, target)
    return target


def remove_model(path: Path) -> None:
    """Remove one of the user's own models, its card and its report.

    Raises
    ------
    ModelError
        Where it is not one of the user's own.
    OutputError
        Where it cannot be removed.
    """
    if path.parent.resolve() != user_folder().resolve():
        raise ModelError(one_line(path, "only models of your own can be removed", "keep it"))
    try:
        path.unlink(missing_ok=True)
        path.with_suffix(_CARD).unlink(missing_ok=True)
    except OSError as error:
        fault = f"cannot be removed ({error.strerror or error})"
        raise OutputError(one_line(path, fault, "close it elsewhere and try again")) from error
    shutil.rmtree(path.with_suffix(".report"), ignore_errors=True)


def _copy_with_card(path: Path, target: Path) -> None:
    for source, copy in ((path, target), (path.with_suffix(_CARD), target.with_suffix(_CARD))):
        if source.is_file():
            with replacing(copy) as temporary:
                shutil.copyfile(source, temporary)
