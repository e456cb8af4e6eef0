"""Opens microscope files, label projects and patch folders in napari.

napari waits for a reader, so all parsing happens in the quick worker under a time limit: a file
that crashes or hangs its library costs an error message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.app.label_layers import label_project_layers, patch_folder_layers
from napari_stem_defects.app.layers import image_layer
from napari_stem_defects.engine.jobs import Job
from napari_stem_defects.engine.pool import quick
from napari_stem_defects.files.label_project import is_label_project
from napari_stem_defects.files.patch_folder import is_patch_folder

if TYPE_CHECKING:
    from napari_stem_defects.core.micrograph import Micrograph

LayerData = tuple[Any, dict[str, Any], str]
Reader = Callable[[str | Sequence[str]], list[LayerData]]

SUFFIXES = frozenset({".dm3", ".dm4", ".emd", ".ser", ".mrc", ".hspy"})
"""What this reader claims; TIFF, PNG and the like stay with napari."""
TIME_LIMIT_S = 60.0


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a function that opens the path, or None where it is not ours; never raises."""
    paths = _paths(path)
    try:
        if all(each.is_dir() for each in paths):
            ours = all(is_label_project(each) or is_patch_folder(each) for each in paths)
        else:
            ours = all(each.suffix.lower() in SUFFIXES for each in paths)
    except OSError:
        return None
    return read if ours and paths else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Open files and folders as layers, one image layer per micrograph.

    Raises
    ------
    InputError
        One line that says what is wrong with the file.
    """
    return [layer for each in _paths(path) for layer in _read_one(each)]


def _read_one(path: Path) -> list[LayerData]:
    if not path.is_dir():
        return [image_layer(read_micrograph(path))]
    if is_label_project(path):
        return label_project_layers(path)
    return patch_folder_layers(_in_worker("read_patches", path))


def read_micrograph(path: Path) -> Micrograph:
    """Read a micrograph in the quick worker and wait for it.

    Raises
    ------
    InputError
        One line that says what is wrong with the file.
    """
    micrograph: Micrograph = _in_worker("read_micrograph", path)
    return micrograph


def _in_worker(task: str, path: Path) -> Any:
    return quick().run(
        Job(
            f"napari_stem_defects.engine.tasks:{task}",
            {"path": path},
            subject=path.name,
            time_limit_s=TIME_LIMIT_S,
        )
    )


def _paths(path: str | Sequence[str]) -> list[Path]:
    return [Path(path)] if isinstance(path, str) else [Path(each) for each in path]
