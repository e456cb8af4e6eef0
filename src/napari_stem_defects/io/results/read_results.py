"""Reading of the results in a result folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import DefectClass, complete_classes
from napari_stem_defects.detection.placed_lines import PLACED_LINES
from napari_stem_defects.detection.planar_checks import PLANAR_CHECKS
from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.folder_kinds import SUMMARY
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results import formats
from napari_stem_defects.io.results.json_file import read_json
from napari_stem_defects.io.results.lines import read_lines
from napari_stem_defects.io.results.result_folder import LINES, MASKS, PROBABILITY, REGIONS
from napari_stem_defects.io.results.summary import CORRECTIONS
from napari_stem_defects.postprocessing.results import Detection

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_stem_defects.postprocessing.results import Region


def read_results(path: Path) -> tuple[Detection, ...]:
    """Read the results in a folder.

    Parameters
    ----------
    path : Path
        A result folder.

    Returns
    -------
    tuple of Detection
        One per frame.

    Raises
    ------
    ReadError
        A file is missing or damaged.
    """
    summary = read_summary(path)
    classes = tuple(DefectClass(**each) for each in summary.get("classes", ()))
    maps = tuple(
        replace(found, class_data=complete_classes(found.classes, classes))
        for found in formats.read_probability(path / PROBABILITY)
    )
    names = tuple(summary["planes"])
    height, width = summary["image"]["frame_shape"]
    frames = formats.read_masks(path / MASKS, names, len(maps), (height, width))
    regions = read_regions_with_lines(path, summary)
    return tuple(
        Detection(
            image=summary["image"]["name"],
            frame=frame["frame"],
            map=probability_map,
            mask_stack=mask_stack,
            regions=tuple(region for region in regions if region.frame == frame["frame"]),
            pixel_size_nm=summary["image"]["pixel_size_nm"],
            parameters=frame_parameters(summary, frame),
            seconds=frame["seconds"],
        )
        for frame, probability_map, mask_stack in zip(summary["frames"], maps, frames, strict=True)
    )


def frame_parameters(summary: Mapping[str, Any], frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of one frame.

    Parameters
    ----------
    summary : mapping
        Content of ``summary.json``.
    frame : mapping
        The entry of the frame in its ``frames``.

    Returns
    -------
    dict
        Those of the summary, with what differs in this one. Summaries written before frames
        had an entry of their own give later frames no checks of planar defects.
    """
    parameters = dict(summary["parameters"])
    if "parameters" in frame:
        own: dict[str, Any] = frame["parameters"]
        for name in own["absent"]:
            parameters.pop(name, None)
        parameters.update(own["different"])
        return parameters
    if frame["frame"] != summary["frames"][0]["frame"]:
        parameters.pop(PLANAR_CHECKS, None)
        parameters.pop(PLACED_LINES, None)
        parameters.pop(CORRECTIONS, None)
        mine = [each for each in summary.get(CORRECTIONS, ()) if each["frame"] == frame["frame"]]
        if mine:
            parameters[CORRECTIONS] = mine
    return parameters


def read_regions_with_lines(path: Path, summary: Mapping[str, Any]) -> tuple[Region, ...]:
    """Read the regions in a result folder, with their centre lines.

    Parameters
    ----------
    path : Path
        A result folder.
    summary : mapping
        Its ``summary.json``.

    Returns
    -------
    tuple of Region
        The regions of all frames.

    Raises
    ------
    ReadError
        A file is missing or damaged.
    """
    # Results written before classes had kinds have no centre lines.
    lines = read_lines(path / LINES) if "classes" in summary else {}
    regions = formats.read_regions(path / REGIONS)
    line_of = [lines.get((each.frame, each.class_name, each.region), ()) for each in regions]
    return tuple(
        replace(region, centre_line=line) if line else region
        for region, line in zip(regions, line_of, strict=True)
    )


def read_summary(path: Path) -> dict[str, Any]:
    """Read ``summary.json`` of a result folder.

    Parameters
    ----------
    path : Path
        A result folder.

    Returns
    -------
    dict
        Image, model, parameters, counts, versions and checksums.

    Raises
    ------
    ReadError
        The file is missing, damaged or not a summary of this package.
    """
    summary = read_json(path / SUMMARY)
    if "fingerprint" not in summary:
        raise ReadError(
            one_line(path / SUMMARY, "is not a result summary", "choose a result folder")
        )
    return summary
