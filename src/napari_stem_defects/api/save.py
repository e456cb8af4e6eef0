"""Results of scripts as the folders that the commands write."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.anomaly.survey_frame import Survey
from napari_stem_defects.api.arguments import whole_of
from napari_stem_defects.api.survey_fallback import survey_nameless
from napari_stem_defects.errors import InputError, OverwriteError
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.available_folder import available_folder
from napari_stem_defects.io.results.image_copy import kept_image
from napari_stem_defects.io.results.image_file import is_image_file
from napari_stem_defects.io.results.json_file import read_json_or_empty
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.io.results.survey_folder import folder_of_survey, write_survey
from napari_stem_defects.postprocessing.results import Detection
from napari_stem_defects.workers.stack_on_demand import open_micrograph

if TYPE_CHECKING:
    from napari_stem_defects.base.micrograph import Micrograph

_UNKNOWN_MODEL = {"name": "unknown", "sha256": ""}


def save(
    found: Detection | Survey | Iterable[Detection] | Iterable[Survey],
    out: str | Path,
    micrograph: Micrograph,
    *,
    overwrite: bool = False,
) -> Path:
    """Write results as the commands ``detect`` and ``survey`` do, into a folder of the image.

    The folder opens in napari, and `export`, `report` and `track` take it. An image that is no
    file, or has been changed since it was read, as a cropped one or a frame of a stack, is kept in
    the folder.

    Parameters
    ----------
    found : Detection, Survey or iterable of one of them
        Results of an image, or of the frames of a stack that are to be stored together.
    out : str or Path
        Parent folder.
    micrograph : Micrograph
        The image or stack that was searched.
    overwrite : bool, default: False
        Whether to replace results that were edited by hand, or that contain other frames.

    Returns
    -------
    Path
        The folder of the results, ``out/<name>``; ``out/<name>_2`` where another image of this name
        has the first.

    Raises
    ------
    InputError
        The results are of another image, or would replace others; the disk is full, or the folder
        cannot be written.

    Examples
    --------
    >>> micrograph = sd.simulate(size=192, defects=["SF1"], seed=1).micrograph
    >>> folder = sd.detect(micrograph, device="cpu").save("results", micrograph)
    >>> sorted(path.name for path in folder.iterdir())[:3]
    ['lines.geojson', 'masks.ome.tif', 'overview.png']
    >>> stack = sd.Micrograph(micrograph.pixels[None], "movie", pixel_size_nm=0.027)
    >>> frames = [sd.survey(stack, frame=each) for each in range(stack.frame_count)]
    >>> sd.save(frames, "surveys", stack).name
    'movie'
    """
    image = whole_of(micrograph)
    results: list[Any] = list(found) if isinstance(found, Iterable) else [found]
    if results and all(isinstance(each, Detection) for each in results):
        place, write = available_folder, partial(_write_detections, results, overwrite=overwrite)
    elif results and all(isinstance(each, Survey) for each in results):
        place, write = folder_of_survey, partial(_write_surveys, results)
    else:
        given = ", ".join(sorted({type(each).__name__ for each in results})) or "nothing"
        raise InputError(f"{given} cannot be saved; give detections, or surveys, of one image")
    for each in results:
        _check(each, image)
    frames = [each.frame for each in results]
    if len(set(frames)) < len(frames):
        raise InputError(f"{image.name}: two results of one frame; give one of each")
    find_folder = partial(place, Path(out).resolve())
    with kept_image(_own_or_of_file(image), find_folder) as kept:
        if not overwrite:
            _refuse_other_frames(find_folder(kept), frames)
        return write(Path(out).resolve(), kept)


def _write_detections(
    detections: Sequence[Detection], out: Path, micrograph: Micrograph, *, overwrite: bool
) -> Path:
    frames = [each.frame for each in detections]
    return write_results(
        out,
        micrograph,
        detections,
        detections[0].model or _UNKNOWN_MODEL,
        overwrite=overwrite,
        then=lambda folder: survey_nameless(folder, frames, lambda: micrograph, renew=True),
    )


def _write_surveys(surveys: Sequence[Survey], out: Path, micrograph: Micrograph) -> Path:
    return write_survey(out, micrograph, surveys, len(surveys))


def _check(found: Detection | Survey, micrograph: Micrograph) -> None:
    """Refuse results of another image."""
    shape = found.mask_stack.shape if isinstance(found, Detection) else found.anomaly.shape
    same = found.image == micrograph.name and found.frame < micrograph.frame_count
    if same and tuple(shape) == micrograph.frame_shape:
        return
    of, given = (
        "frame {} of {}, {} x {} px".format(*each)
        for each in (
            (found.frame, found.image, *shape),
            (micrograph.frame_count - 1, micrograph.name, *micrograph.frame_shape),
        )
    )
    raise InputError(f"the result is of {of}, the image ends with {given}; give the image searched")


def _own_or_of_file(micrograph: Micrograph) -> Micrograph:
    """Return the micrograph; where it is not what its file holds, without the file."""
    if _is_as_in_file(micrograph):
        return micrograph
    pixels = hashlib.sha256(np.ascontiguousarray(micrograph.pixels).data).hexdigest()
    return replace(micrograph, path=None, sha256=pixels)


def _is_as_in_file(micrograph: Micrograph) -> bool:
    path = micrograph.path
    if path is None or not is_image_file(path):
        return False
    try:
        stored = open_micrograph(path, micrograph.signal or None)
    except InputError:
        return False
    if stored.sha256 != micrograph.sha256 or stored.pixels.shape != micrograph.pixels.shape:
        return False
    return all(
        np.array_equal(stored.frame(each).pixels, micrograph.frame(each).pixels)
        for each in range(micrograph.frame_count)
    )


def _refuse_other_frames(folder: Path, frames: Sequence[int]) -> None:
    """Refuse to replace results with other frames, as of a loop that saves one after another."""
    summary = read_json_or_empty(folder / SUMMARY)
    others = {each.get("frame") for each in summary.get("frames", ())} - set(frames)
    if others:
        fault = f"holds results of other frames, such as {min(others)}"
        advice = "save all frames in one call, choose another folder, or give overwrite=True"
        raise OverwriteError(one_line(folder, fault, advice))
