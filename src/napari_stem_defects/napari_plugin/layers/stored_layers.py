"""Layers of a result folder: the image and one labels layer per defect class.

They look as they did in the panel Detect defects, whose table, thresholds and corrections
continue with them (`RESULT_KEY` in their metadata leads it to the folder).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image

from napari_stem_defects.base.defect_classes import class_table
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.results.available_folder import SUMMARY
from napari_stem_defects.io.results.stored_result import folder_of
from napari_stem_defects.io.results.tracks_folder import read_track_points, track_array
from napari_stem_defects.jobs.opened_result import OpenedResult, open_result, result_folders
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    RESULT_KEY,
    LayerData,
    calibration_keywords,
    class_layer,
    image_layer,
    layer_name,
    region_features,
    spatial_keywords,
)
from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray
from napari_stem_defects.napari_plugin.layers.result_layers import opacity_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Layer
    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.detection.frame_result import FrameResult

_TAIL_FRAMES = 20
"""Frames of a track that are drawn behind a defect."""


def stored_layers(path: Path, warn: Callable[[str], None]) -> list[LayerData]:
    """Return results as napari layer data, the image first, if it is found.

    Parameters
    ----------
    path : Path
        A result folder, its ``summary.json``, or a folder of result folders, which opens as one
        stack.
    warn : callable
        Called with one line if a frame cannot be read when it is shown, or an image is not found.

    Returns
    -------
    list of (data, keywords, kind)
        Frames of stacks are read when they are shown.

    Raises
    ------
    ReadError
        There is no finished result, a file is damaged, or the images of a batch do not fit into
        one stack; one line.
    """
    opened = reopen(path)
    for line in opened.notes():
        warn(line)
    image = _image_layer(opened)
    keywords = {} if image is None else {k: v for k, v in image[1].items() if k != "metadata"}
    blank = np.broadcast_to(np.uint8(0), (*((1,) if opened.is_stack else ()), *opened.frame_shape))
    ndim = blank.ndim
    place = keywords or {"name": opened.name, **calibration_keywords(opened.pixel_size_nm, ndim)}
    source = Image(blank, contrast_limits=(0, 1), **_placing(place))
    table = class_table(opened.classes)
    labels = [_class_layer(opened, table[name], source, warn) for name in opened.names]
    return [*([] if image is None else [image]), *labels, *_tracks_layer(opened, source, warn)]


def reopen(path: Path) -> OpenedResult:
    """Open results; those that were opened already are the same object until they change.

    Parameters
    ----------
    path : Path
        As in `stored_layers`.

    Returns
    -------
    OpenedResult

    Raises
    ------
    ReadError
        As `stored_layers`.
    """
    folder = folder_of(path).resolve()
    inner = [folder] if (folder / SUMMARY).is_file() else result_folders(folder)
    return _open(folder, tuple(_modified(each / SUMMARY) for each in inner))


def _modified(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0  # reading the file states what is wrong


def result_of(layer: Layer) -> Path | None:
    """Return the result folder that a layer was opened from; None for other layers."""
    folder = layer.metadata.get(METADATA_KEY, {}).get(RESULT_KEY)
    return None if folder is None else Path(folder)


@lru_cache(maxsize=2)
def _open(path: Path, modified: tuple[int, ...]) -> OpenedResult:
    """Open results once; ``modified`` makes results that were written again be opened again."""
    return open_result(path)


def _image_layer(opened: OpenedResult) -> LayerData | None:
    """Return the image of one result, or the images of a batch as a stack that is read lazily."""
    if len(opened.members) == 1:
        micrograph = opened.micrograph(0)
        if micrograph is None:
            return None
        pixels, keywords, kind = image_layer(micrograph)
        about = keywords["metadata"][METADATA_KEY]
        about |= {RESULT_KEY: str(opened.folder), "path": str(micrograph.path)}
        return pixels, keywords, kind
    first = next((i for i in opened.frames if opened.micrograph(i) is not None), None)
    if first is None:
        return None
    pixels = _pixels(opened, first)
    low, high = float(pixels.min()), float(pixels.max())
    shape = (opened.frame_count, *opened.frame_shape)
    names = [member.name for member in opened.members]
    size = opened.pixel_size_nm
    origin = {
        RESULT_KEY: str(opened.folder),
        "pixel_size_nm": size,
        "pixel_size_source": "unknown" if size is None else "file",
        "images": names,
    }
    keywords = calibration_keywords(size, 3) | {
        "name": opened.name,
        "contrast_limits": (low, high if high > low else low + 1),
        "metadata": {METADATA_KEY: origin},
    }
    return FrameArray(lambda index: _pixels(opened, index), shape, np.float32), keywords, "image"


def _tracks_layer(
    opened: OpenedResult, source: Image, warn: Callable[[str], None]
) -> list[LayerData]:
    """Return the tracks of a movie, if it was tracked since it was searched."""
    member = opened.members[0]
    if len(opened.members) > 1 or not member.is_stack:
        return []
    try:
        spots = read_track_points(member.folder, str(member.summary["fingerprint"]))
    except InputError as error:
        warn(str(error))
        return []
    if not spots:
        return []
    data, features = track_array(spots)
    keywords = spatial_keywords(source, 3) | {
        "name": layer_name(source.name, "tracks"),
        "features": features,
        "tail_length": _TAIL_FRAMES,
        "metadata": {METADATA_KEY: {"made": "tracking", RESULT_KEY: str(opened.folder)}},
    }
    # The Tracks layer has an axis of tracks in its data, but not among its dimensions.
    return [(data, keywords, "tracks")]


def _pixels(opened: OpenedResult, frame: int) -> NDArray[np.float32]:
    """Return a frame of a batch; zeros where its image is not found."""
    micrograph = opened.micrograph(frame)
    if micrograph is None:
        return np.zeros(opened.frame_shape, np.float32)
    return micrograph.frame(opened.place(frame).frame).pixels


def _class_layer(
    opened: OpenedResult, entry: DefectClass, source: Image, warn: Callable[[str], None]
) -> LayerData:
    first = opened.frame_result(opened.frames[0])
    data: Any = _numbers(first, entry.name)
    if opened.is_stack:
        shape = (opened.frame_count, *opened.frame_shape)
        searched = frozenset(opened.frames)

        def load(index: int) -> NDArray[Any]:
            try:
                if index in searched:
                    return _numbers(opened.frame_result(index), entry.name)
            except InputError as error:
                warn(str(error))
            return np.zeros(opened.frame_shape, np.uint16)

        data = FrameArray(load, shape, np.uint16)
    regions = [each for each in first.regions if each.class_name == entry.name]
    data, keywords, kind = class_layer(entry, data, source, region_features(regions))
    keywords["opacity"] = opacity_of(entry.name, keywords["opacity"])
    keywords["metadata"][METADATA_KEY] |= {
        RESULT_KEY: str(opened.folder),
        **first.provenance,
        "frames": {first.frame: plain(first.parameters)},
    }
    return data, keywords, kind


def _numbers(result: FrameResult, class_name: str) -> NDArray[np.uint16]:
    numbered = result.numbered[result.names.index(class_name)]
    limited: NDArray[np.uint16] = np.minimum(numbered, np.uint32(np.iinfo(np.uint16).max)).astype(
        np.uint16
    )
    return limited


def _placing(keywords: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "scale", "units", "axis_labels", "translate")
    return {name: value for name, value in keywords.items() if name in names}
