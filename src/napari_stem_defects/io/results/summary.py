"""Content of ``summary.json``: image, model, parameters, counts and versions of a result."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.base.search_area import searched_px
from napari_stem_defects.base.version import __version__
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.results.fitting_frames import FittingFrames
from napari_stem_defects.postprocessing.regions import totals
from napari_stem_defects.postprocessing.result_totals import ResultTotals

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.postprocessing.results import Region

CORRECTIONS = "corrections"
"""Key of the regions corrected by hand, in the parameters of a frame and in the summary."""

ABOUT_THE_MODEL = ("model_choice", "recognition", "warnings", "lattice")
"""Parameters of a typical frame that the summary repeats: why this model, and what it fits."""

_PLANAR_FIELDS = (
    *("frame", "class_name", "region", "length_nm", "direction_deg"),
    *("geometry", "looks_like", "geometry_note", "misorientation_deg"),
    *(
        "shift_y_nm",
        "shift_x_nm",
        "shift_error_nm",
        "shift_a",
        "shift_b",
        "shifted_layers",
        "plane",
    ),
)
"""What the summary repeats of each planar defect: the geometry of the crystal on both sides."""

_LIBRARIES = ("numpy", "scipy", "scikit-image", "torch")


def sum_results(frames: Sequence[Mapping[str, Any]], regions: Iterable[Region]) -> ResultTotals:
    """Add up the results of all frames.

    Parameters
    ----------
    frames : sequence of mapping
        Metadata of each frame; see `frame_file.read_frame_metadata`.
    regions : iterable of Region
        The regions of all frames.

    Returns
    -------
    ResultTotals
        Totals per class, area fractions and the fraction of valid windows.
    """
    names = frames[0]["mask_names"]
    pixels = np.prod(frames[0]["frame_shape"], dtype=np.int64) * len(frames)
    shares = np.sum([frame["mask_px"] for frame in frames], axis=0) / pixels
    size = frames[0]["pixel_size_nm"]
    left_out = FittingFrames.of(frames).left_out
    searched = sum(_searched_px(frame) for frame in frames if frame["frame"] not in left_out)
    return ResultTotals(
        totals=totals(regions, names),
        fractions=dict(zip(names, map(float, shares), strict=True)),
        valid_fraction=float(np.mean([frame["called"] for frame in frames])),
        pixel_size_source=str(frames[0]["parameters"].get("pixel_size_source", "")),
        frames=len(frames),
        searched_nm2=None if size is None else searched * float(size) ** 2,
    )


def make_summary(
    frames: Sequence[Mapping[str, Any]],
    result_totals: ResultTotals,
    micrograph: Micrograph,
    model: Mapping[str, Any],
    not_drawn: str = "",
) -> dict[str, Any]:
    """Return the content of ``summary.json``, without checksums.

    Parameters
    ----------
    frames : sequence of mapping
        Metadata of each frame; see `frame_file.read_frame_metadata`.
    result_totals : ResultTotals
        Sums over all frames.
    micrograph : Micrograph
        The image or stack.
    model : mapping
        ``name``, ``sha256`` and more about the model.
    not_drawn : str
        Which picture could not be drawn, and why; it is added to the warnings.

    Returns
    -------
    dict
        JSON-safe.
    """
    fitting = FittingFrames.of(frames)
    first = frames[fitting.typical]
    about = {name: first["parameters"].get(name) for name in ABOUT_THE_MODEL}
    about["recognition"] = fitting.statement or about["recognition"]
    if not_drawn:
        about["warnings"] = [*(about["warnings"] or ()), not_drawn]
    return {
        "image": {
            "name": micrograph.name,
            "path": None if micrograph.path is None else str(micrograph.path),
            "sha256": micrograph.sha256,
            "frame_shape": list(micrograph.frame_shape),
            "frame_count": micrograph.frame_count,
            "signal": micrograph.signal,
            "pixel_size_nm": first["pixel_size_nm"],
            "pixel_size_source": result_totals.pixel_size_source or micrograph.pixel_size_source,
            "notes": list(micrograph.notes),
        },
        "model": plain(model),
        **about,
        "recognised": fitting.recognised,
        "fitting_frames": fitting.count,
        "parameters": first["parameters"],
        CORRECTIONS: [
            each for frame in frames for each in frame["parameters"].get(CORRECTIONS, ())
        ],
        "planes": first["mask_names"],
        "classes": [asdict(each) for each in first["class_data"]],
        "counts": {name: total.count for name, total in result_totals.totals.items()},
        "lengths_nm": {name: total.length_nm for name, total in result_totals.totals.items()},
        "areas_nm2": {name: total.area_nm2 for name, total in result_totals.totals.items()},
        "area_fractions": {
            name: share for name, share in result_totals.fractions.items() if name != UNKNOWN
        },
        "planar_defects": _planar_defects(frames),
        "searched_nm2": result_totals.searched_nm2,
        "densities_per_nm2": densities(
            {name: total.count for name, total in result_totals.totals.items()},
            result_totals.searched_nm2,
        ),
        "lengths_per_area_per_nm": _line_densities(first["class_data"], result_totals),
        "unknown_fraction": result_totals.fractions[UNKNOWN],
        "recognised_fraction": _recognised_fraction(frames, result_totals, fitting.left_out),
        "called_fraction": result_totals.valid_fraction,
        "frames": _frame_summaries(frames, first["parameters"], fitting.left_out),
        "seconds": sum(frame["seconds"] for frame in frames),
        "versions": library_versions(),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _planar_defects(frames: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: getattr(region, name) for name in _PLANAR_FIELDS}
        for frame in frames
        for region in frame["regions"]
        if region.geometry
    ]


def _valid_px(frame: Mapping[str, Any]) -> float:
    height, width = frame["frame_shape"]
    return searched_px((height, width), frame["parameters"].get("area_px"), frame["called"])


def _searched_px(frame: Mapping[str, Any]) -> float:
    """Return the valid area but for what lies outside of the crystal, as `searched_nm2` does.

    Frames of earlier versions do not state the share that was searched.
    """
    return _valid_px(frame) * float(frame.get("searched", 1.0))


def densities(counts: Mapping[str, int], area_nm2: float | None) -> dict[str, float | None]:
    """Return how many defects there are per nm².

    Parameters
    ----------
    counts : mapping of str to int
        Number of each class or kind.
    area_nm2 : float or None
        The area they were searched in, nm².

    Returns
    -------
    dict of str to float or None
        Density of each; None if the area is not known.
    """
    return {name: count / area_nm2 if area_nm2 else None for name, count in counts.items()}


def _line_densities(classes: Sequence[DefectClass], found: ResultTotals) -> dict[str, float | None]:
    """Return the length of the lines of each class per area, 1/nm; None without a pixel size."""
    area = found.searched_nm2
    return {
        each.name: None if not area or total.length_nm is None else total.length_nm / area
        for each in classes
        if each.kind == "line" and (total := found.totals.get(each.name)) is not None
    }


def _recognised_fraction(
    frames: Sequence[Mapping[str, Any]], found: ResultTotals, left_out: Container[int]
) -> float | None:
    """Return the share of the area searched that belongs to a class, Bulk included."""
    searched = sum(_searched_px(frame) for frame in frames if frame["frame"] not in left_out)
    valid = sum(map(_valid_px, frames))
    pixels = float(np.prod(frames[0]["frame_shape"], dtype=np.int64)) * found.frames
    # What was not searched is unknown as well.
    known = valid - found.fractions[UNKNOWN] * pixels
    return min(1.0, max(0.0, known / searched)) if searched else None


def mask_provenance(
    frame: Mapping[str, Any], micrograph: Micrograph, model: Mapping[str, Any]
) -> dict[str, str]:
    """Return the provenance of the masks for the annotation of their file.

    Parameters
    ----------
    frame : mapping
        Metadata of a frame; see `frame_file.read_frame_metadata`.
    micrograph : Micrograph
        The image or stack.
    model : mapping
        ``name`` and ``sha256`` of the model.

    Returns
    -------
    dict of str to str
        Model, image, parameters (as JSON) and version.
    """
    return {
        "model": str(model.get("name", "")),
        "model_sha256": str(model.get("sha256", "")),
        "image": micrograph.path.name if micrograph.path else micrograph.name,
        "image_sha256": micrograph.sha256,
        "parameters": json.dumps(frame["parameters"]),
        "version": __version__,
    }


def _frame_summaries(
    frames: Sequence[Mapping[str, Any]], common: Mapping[str, Any], left_out: Container[int]
) -> list[dict[str, Any]]:
    return [_frame_summary(each, common, each["frame"] not in left_out) for each in frames]


def _frame_summary(
    frame: Mapping[str, Any], common: Mapping[str, Any], is_searched: bool
) -> dict[str, Any]:
    """Return the counts of a frame, and how its parameters differ from the common ones."""
    names = [region.class_name for region in frame["regions"]]
    found = {name: names.count(name) for name in frame["mask_names"] if name != UNKNOWN}
    size = frame["pixel_size_nm"]
    area = _searched_px(frame) * float(size) ** 2 if is_searched and size is not None else None
    return {
        "frame": frame["frame"],
        "seconds": frame["seconds"],
        "counts": found,
        "densities_per_nm2": densities(found, area),
        "parameters": {
            "different": {
                name: value
                for name, value in frame["parameters"].items()
                if name not in common or common[name] != value
            },
            "absent": [name for name in common if name not in frame["parameters"]],
        },
    }


def library_versions() -> dict[str, str | None]:
    """Return versions from the metadata of installed packages, without importing them.

    Returns
    -------
    dict of str to str or None
        None where a package is not installed.
    """
    found: dict[str, str | None] = {"napari-stem-defects": __version__}
    found["python"] = platform.python_version()
    for library in _LIBRARIES:
        try:
            found[library] = metadata.version(library)
        except metadata.PackageNotFoundError:
            found[library] = None
    return found
