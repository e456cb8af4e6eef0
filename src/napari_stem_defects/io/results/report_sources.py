"""Reading of result folders for a page of results; damaged ones become one line each."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from napari_stem_defects.base.defect_classes import UNKNOWN, DefectClass, complete_classes
from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.io.results import formats
from napari_stem_defects.io.results.accuracy import find_accuracy
from napari_stem_defects.io.results.json_file import read_json
from napari_stem_defects.io.results.read_results import read_regions_with_lines
from napari_stem_defects.io.results.result_folder import MASKS, OVERVIEW, PROBABILITY
from napari_stem_defects.io.results.survey_folder import SURVEY
from napari_stem_defects.reporting.results_page.data import (
    ReportedFrame,
    ReportedImage,
    ReportedResults,
    ReportedSurvey,
)
from napari_stem_defects.statistics.point_pattern import LARGEST_MASK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

_PICTURE_PX, _QUALITY = 1500, 85
_DEEPEST = 4


def read_sources(folders: Sequence[Path], *, independent_frames: bool = False) -> ReportedResults:
    """Read all results in some folders.

    Parameters
    ----------
    folders : sequence of Path
        Result folders, or folders that contain some; the results in one form a group.
    independent_frames : bool
        Whether the frames of stacks show different places.

    Returns
    -------
    ReportedResults
        With a line for every folder that could not be read.

    Raises
    ------
    InputError
        None of the folders holds a result.
    """
    images, surveys, faults = list[ReportedImage](), list[ReportedSurvey](), list[str]()
    seen: set[Path] = set()
    for folder, group in zip(folders, _group_names(folders), strict=True):
        found = [path for path in find_summaries(folder) if path.resolve() not in seen]
        seen.update(path.resolve() for path in found)
        if not found:
            faults.append(_no_result(folder))
        for path in found:
            try:
                summary = read_json(path)
                if summary.get("result") == SURVEY:
                    surveys.append(_read_survey(path.parent, group, summary))
                else:
                    images.append(_read_image(path.parent, group, summary, independent_frames))
            except InputError as error:
                faults.append(str(error))
    if not images and not surveys:
        raise InputError(faults[0] if faults else "no folder given; name a folder of results")
    return ReportedResults(tuple(images), tuple(surveys), tuple(faults))


def _no_result(folder: Path) -> str:
    if not folder.is_dir():
        return missing_file(folder, "there is no such folder", "check the path")
    advice = "give a folder that `stem-defects detect` or `survey` wrote"
    return one_line(folder, "holds no result", advice)


def _group_names(folders: Sequence[Path]) -> Iterator[str]:
    """Yield a name for each folder: its own, with a number where two have the same."""
    names: dict[str, int] = {}
    for folder in folders:
        name = folder.resolve().name or str(folder)
        names[name] = names.get(name, 0) + 1
        yield name if names[name] == 1 else f"{name} ({names[name]})"


def find_summaries(folder: Path) -> Iterator[Path]:
    """Yield the summaries in a folder and the folders in it, in the order of their names.

    Parameters
    ----------
    folder : Path
        A result folder, or one that contains some.

    Yields
    ------
    Path
        Each ``summary.json``.
    """
    pending = [(folder, 0)]
    while pending:
        here, depth = pending.pop(0)
        if (here / SUMMARY).is_file():
            yield here / SUMMARY
            continue
        if depth < _DEEPEST and here.is_dir():
            inside = sorted(path for path in here.iterdir() if path.is_dir())
            pending += [(path, depth + 1) for path in inside if not path.name.startswith(".")]


def _read_survey(folder: Path, group: str, summary: dict[str, Any]) -> ReportedSurvey:
    try:
        counts: dict[str, int] = {}
        for frame in summary["frames"]:
            for kind, count in frame["counts"].items():
                counts[str(kind)] = counts.get(str(kind), 0) + int(count)
        name, statement = str(summary["image"]["name"]), str(summary["statement"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder / SUMMARY, error) from error
    return ReportedSurvey(name, group, statement, counts, _picture(folder / OVERVIEW))


def _read_image(
    folder: Path, group: str, summary: dict[str, Any], independent_frames: bool
) -> ReportedImage:
    if "fingerprint" not in summary:
        fault = "is not a result summary"
        raise ReadError(one_line(folder / SUMMARY, fault, "choose a result folder"))
    try:
        names = tuple(map(str, summary["planes"]))
        height, width = map(int, summary["image"]["frame_shape"])
        given = tuple(DefectClass(**each) for each in summary.get("classes", ()))
        indices = [int(frame["frame"]) for frame in summary["frames"]]
        size = summary["image"]["pixel_size_nm"]
        size = None if size is None else float(size)
        area = summary["parameters"].get("area_px")
        inside = None if area is None else SearchArea.from_value(area).mask((height, width))
        sha256 = str(summary["model"]["sha256"])
        name = str(summary["image"]["name"])
        len(summary["counts"]), str(summary["model"]["name"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder / SUMMARY, error) from error
    regions = read_regions_with_lines(folder, summary)
    maps = formats.read_probability(folder / PROBABILITY)
    masks = formats.read_masks(folder / MASKS, names, len(indices), (height, width))
    frames = tuple(
        _frame(index, regions, found, mask, inside)
        for index, found, mask in zip(indices, maps, masks, strict=True)
    )
    return ReportedImage(
        name=name,
        group=group,
        folder=folder.resolve().name,
        summary=summary,
        frames=frames,
        classes=complete_classes([each for each in names if each != UNKNOWN], given),
        pixel_size_nm=size,
        accuracy=find_accuracy(sha256),
        picture=_picture(folder / OVERVIEW),
        independent_frames=independent_frames,
    )


def _frame(
    index: int,
    regions: Iterable[Region],
    found: ProbabilityMap,
    masks: MaskStack,
    inside: NDArray[np.bool_] | None,
) -> ReportedFrame:
    """Return what was searched in a frame; row blocks keep large images in little memory."""
    height, width = masks.shape
    step = -(-max(height, width) // LARGEST_MASK)
    down, across = _nearest(found.y, height), _nearest(found.x, width)
    # Where no class has a probability, outside of the crystal, nothing was searched.
    windows = found.valid & found.probability.any(axis=0)
    sampled, count = np.zeros((len(range(step // 2, height, step)), width), bool), 0
    for rows, unknown in masks.blocks_of(UNKNOWN):
        searched = windows[down[rows]][:, across] & (unknown == 0)
        if inside is not None:
            searched &= inside[rows]
        count += int(searched.sum())
        lines = np.arange(rows.start, rows.start + len(searched))
        chosen = lines % step == step // 2
        sampled[lines[chosen] // step] = searched[chosen]
    here = tuple(region for region in regions if region.frame == index)
    return ReportedFrame(index, here, count, sampled[:, step // 2 :: step], step)


def _nearest(centres: NDArray[np.float32], size: int) -> NDArray[np.intp]:
    """Return the index of the nearest window centre of each row or column of pixels."""
    middles = (centres[1:] + centres[:-1]) / 2
    return np.searchsorted(middles, np.arange(size))


def _picture(path: Path) -> bytes:
    """Return a picture as JPEG of moderate size; nothing where it cannot be read."""
    try:
        with Image.open(path) as picture:
            picture.thumbnail((_PICTURE_PX, _PICTURE_PX))
            buffer = io.BytesIO()
            picture.convert("RGB").save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    except (OSError, ValueError, Image.DecompressionBombError):
        return b""
    return buffer.getvalue()


def _damaged(path: Path, error: Exception) -> ReadError:
    return ReadError(one_line(path, f"is damaged ({error})", "run the detection again"))
