"""napari reader for microscope files, results, label projects and patch folders.

napari waits for a reader, so files are parsed in the worker for quick work, with limits on time
and memory: a file that crashes or hangs its parser results in an error message.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.images.zarr_arrays import is_zarr
from napari_stem_defects.io.labels.patch_folder import is_patch_folder
from napari_stem_defects.io.labels.project import is_label_project
from napari_stem_defects.jobs.opened_folder import stored_kind
from napari_stem_defects.napari_plugin.layers.convert import (
    LayerData,
    image_layer,
    layer_name,
)
from napari_stem_defects.napari_plugin.layers.label_style import (
    label_project_layers,
    patch_folder_layers,
)
from napari_stem_defects.napari_plugin.layers.stored_layers import stored_layers
from napari_stem_defects.napari_plugin.layers.stored_survey_layers import stored_survey_layers
from napari_stem_defects.napari_plugin.panels.common.docking import show_detect_panel
from napari_stem_defects.napari_plugin.panels.common.plain_text import show_warning
from napari_stem_defects.workers.isolated_read import read_all, read_patches

Reader = Callable[[str | Sequence[str]], list[LayerData]]

SUFFIXES = (
    *(".dm3", ".dm4", ".emd", ".ser", ".mrc", ".mrcs", ".mrc.gz", ".zarr.zip", ".ozx"),
    *(".hspy", ".zspy", ".h5", ".hdf5", ".hf5", ".nxs", ".ndata", ".nhdf"),
)
"""File name extensions of this reader; napari opens TIFF, PNG and similar files itself."""


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return the function that opens a path.

    Parameters
    ----------
    path : str or sequence of str
        A file or folder, or several.

    Returns
    -------
    callable or None
        `read`; None if this reader does not support the path. Never raises.
    """
    paths = _paths(path)
    try:
        if all(each.is_dir() for each in paths):
            is_ours = all(_is_our_folder(each) for each in paths)
        elif all(each.name == SUMMARY for each in paths):
            is_ours = all(stored_kind(each) != "" for each in paths)
        else:
            is_ours = all(each.name.lower().endswith(SUFFIXES) for each in paths)
    except OSError:
        return None
    return read if is_ours and paths else None


def read(path: str | Sequence[str]) -> list[LayerData]:
    """Open files and folders as layers, one image layer per micrograph of a file.

    Parameters
    ----------
    path : str or sequence of str
        A file or folder, or several.

    Returns
    -------
    list of (data, keywords, kind)
        napari layer data.

    Raises
    ------
    InputError
        If a file or folder cannot be read; the message is one line.
    """
    return [layer for each in _paths(path) for layer in _read_one(each)]


def _is_our_folder(path: Path) -> bool:
    is_data = is_label_project(path) or stored_kind(path) != ""
    return is_data or _is_image_folder(path) or is_patch_folder(path)


def _is_image_folder(path: Path) -> bool:
    """Return whether a folder is one image of HyperSpy; OME-Zarr has readers of its own."""
    return path.name.lower().endswith(SUFFIXES) and is_zarr(path)


def _read_one(path: Path) -> list[LayerData]:
    if path.is_dir() or path.name == SUMMARY:
        kind = stored_kind(path)
        if path.name == SUMMARY or kind:
            open_layers = stored_survey_layers if kind == "survey" else stored_layers
            layers = open_layers(path, show_warning)
            show_detect_panel()
            return layers
    if not path.is_dir() or _is_image_folder(path):
        return _image_layers(path)
    if is_label_project(path):
        return label_project_layers(path)
    return patch_folder_layers(read_patches(path))


def _image_layers(path: Path) -> list[LayerData]:
    """Return a layer per image of the file; the one that is read by default on top, alone visible.

    Which image is searched is chosen by selecting its layer.
    """
    micrographs, default = read_all(path)
    order = [*(number for number in range(len(micrographs)) if number != default), default]
    layers = []
    for number in order:
        data, keywords, kind = image_layer(micrographs[number])
        if number != default:
            name = layer_name(micrographs[number].name, micrographs[number].signal)
            keywords = {**keywords, "name": name, "visible": False}
        layers.append((data, keywords, kind))
    return layers


def _paths(path: str | Sequence[str]) -> list[Path]:
    return [Path(path)] if isinstance(path, str) else [Path(each) for each in path]
