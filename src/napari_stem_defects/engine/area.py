"""Detection in a part of a frame: the windows inside a rectangle, seen with their surroundings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.core.detection import SMALLEST_PX, detect_frame, match_scale
from napari_stem_defects.core.progress import Report, silent
from napari_stem_defects.engine.frame_result import FrameResult
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.core.detection_result import ProbabilityMap
    from napari_stem_defects.core.ensemble import Ensemble, EnsembleSpec
    from napari_stem_defects.core.micrograph import Micrograph


class Area(NamedTuple):
    """A rectangle of whole pixels: first row and column, and those after the last ones."""

    top: int
    left: int
    bottom: int
    right: int

    def within(self, shape: tuple[int, int]) -> Area:
        """Return the part of the rectangle that lies in an image.

        Raises
        ------
        InputError
            Where that is nothing.
        """
        rows = np.clip((self.top, self.bottom), 0, shape[0])
        columns = np.clip((self.left, self.right), 0, shape[1])
        if rows[0] >= rows[1] or columns[0] >= columns[1]:
            raise InputError(
                f"area {tuple(self)}: no pixel of the image lies in it; choose another"
            )
        return Area(int(rows[0]), int(columns[0]), int(rows[1]), int(columns[1]))


@dataclass(frozen=True)
class Cutout:
    """The part of a micrograph that is searched.

    Attributes
    ----------
    part : Micrograph
        The rectangle with a margin, so that windows at its border see what is beyond.
    whole : Micrograph
        The frame it is from; what lies outside the rectangle counts as invalid.
    top, left : int
        Where ``part`` begins.
    """

    part: Micrograph
    whole: Micrograph
    top: int
    left: int

    @classmethod
    def of(cls, micrograph: Micrograph, area: Area, spec: EnsembleSpec) -> Cutout:
        """Cut a rectangle out of a frame, calibrated as the whole frame is."""
        scale = match_scale(micrograph, spec)
        height, width = micrograph.frame_shape
        area = area.within((height, width))
        margin = max(SMALLEST_PX, math.ceil(spec.preprocessing.patch_px / scale.factor))
        rows = slice(max(0, area.top - margin), min(height, area.bottom + margin))
        columns = slice(max(0, area.left - margin), min(width, area.right + margin))
        known = scale.micrograph
        invalid = None if known.invalid is None else known.invalid[rows, columns]
        part = replace(known, pixels=known.pixels[rows, columns], invalid=invalid)
        whole = replace(known, invalid=_outside(known, area))
        return cls(part, whole, rows.start, columns.start)

    def in_whole(self, found: ProbabilityMap) -> ProbabilityMap:
        """Return a map of the part in px of the whole frame."""
        y, x = found.y + np.float32(self.top), found.x + np.float32(self.left)
        return replace(found, y=y, x=x)


def _outside(micrograph: Micrograph, area: Area) -> NDArray[np.bool_]:
    outside = np.ones(micrograph.frame_shape, bool)
    outside[area.top : area.bottom, area.left : area.right] = False
    return outside if micrograph.invalid is None else outside | micrograph.invalid


def detect_area(
    micrograph: Micrograph,
    ensemble: Ensemble,
    area: Area,
    *,
    stride: int = 8,
    thresholds: Mapping[str, float] | None = None,
    device: str = "auto",
    frame: int = 0,
    report: Report = silent,
) -> FrameResult:
    """Find the defects in a part of a single-frame micrograph, in px of the whole frame.

    Parameters
    ----------
    area : Area
        The rectangle; the other parameters are those of `core.detection.detect_frame`.

    Raises
    ------
    InputError
        Where nothing of the image lies in the area, or as in `detect_frame`.
    """
    cutout = Cutout.of(micrograph, area, ensemble.spec)
    found = detect_frame(
        cutout.part,
        ensemble,
        stride=stride,
        thresholds=thresholds,
        device=device,
        frame=frame,
        report=report,
    )
    parameters: dict[str, Any] = {**found.parameters, "area_px": list(area)}
    result = FrameResult.fused(cutout.in_whole(found.map), cutout.whole, frame, parameters)
    return replace(result, seconds=found.seconds)
