"""Layers of a result folder: the image and one labels layer per defect class.

They look as they did in the panel Detect defects, whose table, thresholds and corrections
continue with them (`RESULT_KEY` in their metadata leads it to the folder).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import class_table
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.results.stored_image import folder_of
from napari_stem_defects.io.results.stored_survey import has_added_survey
from napari_stem_defects.io.results.tracks_folder import read_track_points, track_array
from napari_stem_defects.jobs.opened_result import OpenedResult, open_result, result_folders
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    RESULT_KEY,
    LayerData,
    class_layer,
    layer_name,
    spatial_keywords,
)
from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray
from napari_stem_defects.napari_plugin.layers.opened_image import opened_image_layer, placing_layer
from napari_stem_defects.napari_plugin.layers.region_features import region_features
from napari_stem_defects.napari_plugin.layers.result_layers import opacity_of
from napari_stem_defects.napari_plugin.layers.stored_survey_layers import (
    reopen_survey,
    survey_overlay,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari.layers import Image, Layer
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
    image = opened_image_layer(opened)
    source = placing_layer(opened, image)
    table = class_table(opened.classes)
    labels = [_class_layer(opened, table[name], source, warn) for name in opened.names]
    overlay = _survey_layers(opened, source, warn)
    tracks = _tracks_layer(opened, source, warn)
    return [*([] if image is None else [image]), *overlay[:1], *labels, *overlay[1:], *tracks]


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


def _survey_layers(
    opened: OpenedResult, source: Image, warn: Callable[[str], None]
) -> list[LayerData]:
    """Return the survey in the results of one image; it is seen where there are no regions."""
    if len(opened.members) > 1 or not has_added_survey(opened.folder):
        return []
    has_regions = any(opened.regions(frame) for frame in opened.frames)
    try:
        survey = reopen_survey(opened.folder)
        return survey_overlay(survey, source, warn, visible=not has_regions)
    except InputError as error:
        warn(str(error))
        return []


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
