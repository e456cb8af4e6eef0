"""Layers of a stored survey: the image, anomaly map, ranked places and outlines of grains.

They look as they do after *Find unusual places*; the panel Detect defects lists the places
(`RESULT_KEY` in their metadata leads it to the folder).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.results.stored_image import folder_of
from napari_stem_defects.io.results.stored_survey import is_survey
from napari_stem_defects.io.results.survey_folder import ADDED_SUMMARY
from napari_stem_defects.jobs.opened_images import inner_folders
from napari_stem_defects.jobs.opened_survey import OpenedSurvey, open_survey
from napari_stem_defects.napari_plugin.layers.convert import (
    METADATA_KEY,
    RESULT_KEY,
    LayerData,
    spatial_keywords,
)
from napari_stem_defects.napari_plugin.layers.frame_array import FrameArray
from napari_stem_defects.napari_plugin.layers.opened_image import opened_image_layer, placing_layer
from napari_stem_defects.napari_plugin.layers.survey_layer_data import (
    MOST_SHOWN,
    grains_layer,
    map_layer,
    places_layer,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from napari.layers import Image
    from numpy.typing import NDArray


def stored_survey_layers(path: Path, warn: Callable[[str], None]) -> list[LayerData]:
    """Return a stored survey as napari layer data, the image first, if it is found.

    Parameters
    ----------
    path : Path
        A folder of ``stem-defects survey``, its ``summary.json``, or a folder of several, which
        opens as one stack.
    warn : callable
        Called with one line if a map cannot be read when it is shown, or an image is not found.

    Returns
    -------
    list of (data, keywords, kind)
        Maps of stacks are read when they are shown.

    Raises
    ------
    ReadError
        There is no survey, a file is damaged, or the images do not fit into one stack; one line.
    """
    opened = reopen_survey(path)
    for line in opened.notes():
        warn(line)
    image = opened_image_layer(opened)
    overlay = survey_overlay(opened, placing_layer(opened, image), warn)
    return [*([] if image is None else [image]), *overlay]


def reopen_survey(path: Path) -> OpenedSurvey:
    """Open a survey; one that was opened already is the same object until it changes.

    Parameters
    ----------
    path : Path
        As `open_survey` takes it.

    Returns
    -------
    OpenedSurvey

    Raises
    ------
    ReadError
        As `open_survey`.
    """
    folder = folder_of(path).resolve()
    inner = [folder] if (folder / SUMMARY).is_file() else inner_folders(folder, is_survey)
    files = [each / name for each in inner for name in (SUMMARY, ADDED_SUMMARY)]
    return _open(folder, tuple(each.stat().st_mtime_ns for each in files if each.is_file()))


def survey_overlay(
    opened: OpenedSurvey, source: Image, warn: Callable[[str], None], *, visible: bool = True
) -> list[LayerData]:
    """Return what lies over the image of a survey as napari layer data.

    Parameters
    ----------
    opened : OpenedSurvey
    source : Image
        A layer with the name and the place of the image.
    warn : callable
        Called with one line if the map of a frame cannot be read when it is shown.
    visible : bool
        Whether the layers are seen at once.

    Returns
    -------
    list of (data, keywords, kind)
        Map, places and grains; places and grains only where there are any.

    Raises
    ------
    ReadError
        The map of a single image is damaged; one line.
    """
    ndim = 3 if opened.is_stack else 2
    placement = spatial_keywords(source, ndim) | {"visible": visible}
    layers = [map_layer(_maps(opened, warn), source.name, opened.threshold, placement)]
    frames = [((float(frame),)[: ndim - 2], frame) for frame in opened.frames]
    places = [
        (lead, place) for lead, frame in frames for place in opened.places(frame)[:MOST_SHOWN]
    ]
    if places:
        layers.append(places_layer(places, source.name, opened.unit_px, placement))
    grains = [(lead, grain) for lead, frame in frames for grain in opened.grains(frame).outlined]
    if grains:
        layers.append(grains_layer(grains, source.name, opened.frame_shape, placement))
    for _, keywords, _ in layers:
        keywords["metadata"][METADATA_KEY][RESULT_KEY] = str(opened.folder)
    return layers


@lru_cache(maxsize=2)
def _open(path: Path, modified: tuple[int, ...]) -> OpenedSurvey:
    """Open a survey once; ``modified`` makes one that was written again be opened again."""
    return open_survey(path)


def _maps(opened: OpenedSurvey, warn: Callable[[str], None]) -> Any:
    if not opened.is_stack:
        return opened.anomaly(0)
    surveyed = frozenset(opened.frames)

    def load(index: int) -> NDArray[np.float32]:
        try:
            if index in surveyed:
                return opened.anomaly(index)
        except InputError as error:
            warn(str(error))
        return np.zeros(opened.frame_shape, np.float32)

    return FrameArray(load, (opened.frame_count, *opened.frame_shape), np.float32)
