"""Model library: the bundled ensembles and those of the user."""

from __future__ import annotations

import filecmp
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from platformdirs import user_data_path

from napari_stem_defects.base.paths import to_path
from napari_stem_defects.errors import ModelError, OutputError
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.io.models.exported.package_file import PACKAGE_SUFFIX, read_package
from napari_stem_defects.io.models.model_file import SUFFIX, load_model, read_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_stem_defects.networks.spec import EnsembleSpec

Source = Literal["bundled", "user"]

_CARD = ".md"
BUNDLED = Path(__file__).parents[2] / "pretrained"


@dataclass(frozen=True)
class ModelEntry:
    """One ensemble of the library.

    Attributes
    ----------
    name : str
        File name without suffix.
    path : Path
        The model file.
    source : {"bundled", "user"}
        Where it is stored.
    spec : EnsembleSpec
        Its description.
    """

    name: str
    path: Path
    source: Source
    spec: EnsembleSpec


def user_folder() -> Path:
    """Return the folder of the user's models; it is created with the first model."""
    return user_data_path("napari-stem-defects", appauthor=False) / "models"


def list_models() -> list[ModelEntry]:
    """List the readable models.

    Returns
    -------
    list of ModelEntry
        The user's models first; they take precedence over bundled models of the same name.
    """
    return [*_entries("user", user_folder()), *_entries("bundled", BUNDLED)]


def _entries(source: Source, folder: Path) -> Iterator[ModelEntry]:
    for path in sorted(folder.glob(f"[!.]*{SUFFIX}")):
        try:
            spec, _ = read_spec(path)
        except ModelError:
            continue  # the list shows usable models only; `models verify` reports the fault
        yield ModelEntry(path.stem, path, source, spec)


def find_model(name_or_path: str | Path) -> Path:
    """Find the file of a model.

    Parameters
    ----------
    name_or_path : str or Path
        Name in the library, or path of a ``.safetensors`` file.

    Returns
    -------
    Path
        The model file.

    Raises
    ------
    ModelError
        There is no such model; the message lists the available ones.
    """
    if not isinstance(name_or_path, str | os.PathLike):
        kind = type(name_or_path).__name__
        raise ModelError(f"{kind} is no model; give a loaded one, a name in the library or a file")
    path = to_path(name_or_path) if name_or_path else Path()
    if path.suffix == SUFFIX:
        if path.is_file():
            return path
        raise ModelError(missing_file(path, "there is no such model file", "check the path"))
    if path.name == str(name_or_path):
        for folder in (user_folder(), BUNDLED):
            candidate = folder / f"{path.name}{SUFFIX}"
            if candidate.is_file():
                return candidate
    names = ", ".join(entry.name for entry in list_models()) or "none yet"
    raise ModelError(one_line(path, "no such model", f"give a {SUFFIX} file or one of: {names}"))


def import_model(path: str | Path) -> ModelEntry:
    """Verify a model file and copy it into the user's library.

    Parameters
    ----------
    path : str or Path
        The model file; a model card (``.md``) in the same folder is copied, too. Or a package of
        bioimage.io (``.zip``) that holds one.

    Returns
    -------
    ModelEntry
        The model in the library.

    Raises
    ------
    ModelError
        The file is not a valid model, or the library holds another model of that name.
    OutputError
        The library is not writable.
    """
    path = Path(path)
    if path.is_dir():
        raise ModelError(
            one_line(path, "is a folder", f"give a model file, which ends in {SUFFIX}")
        )
    if path.suffix == PACKAGE_SUFFIX:
        name, data = read_package(path)
        with TemporaryDirectory() as folder:
            unpacked = Path(folder) / name
            unpacked.write_bytes(data)
            return import_model(unpacked)
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
    """Copy a model file and its model card; existing files are replaced.

    Parameters
    ----------
    path : Path
        The model file.
    target : Path
        Where to copy it; ``.safetensors`` is appended if missing.

    Returns
    -------
    Path
        The copy.

    Raises
    ------
    ModelError
        The model file does not exist.
    OutputError
        The target is not writable.
    """
    if target.suffix != SUFFIX:
        target = target.with_name(f"{target.name}{SUFFIX}")
    if not path.is_file():
        raise ModelError(one_line(path, "this model no longer exists", "choose another one"))
    if target.resolve() != path.resolve():
        _copy_with_card(path, target)
    return target


def remove_model(path: Path) -> None:
    """Remove a model of the user with its model card and evaluation report.

    Parameters
    ----------
    path : Path
        A model file in `user_folder`.

    Raises
    ------
    ModelError
        The model is not in the user's library.
    OutputError
        The file cannot be removed.
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
