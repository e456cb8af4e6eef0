"""Cutout: the part of a frame around a search area, and its results in px of the frame.

Pixel i reaches from i - 0.5 to i + 0.5; it belongs to an area where its centre does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter

from napari_stem_defects.detection.checked_settings import SMALLEST_PX
from napari_stem_defects.detection.frame_result import SAME_PLACE_PX, FrameResult
from napari_stem_defects.detection.measured_points import keep_measurements, shifted_sites
from napari_stem_defects.detection.placed_lines import PLACED_LINES, shifted_planes
from napari_stem_defects.detection.planar_checks import PLANAR_CHECKS, shifted_checks
from napari_stem_defects.lattice.scale import match_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.search_area import SearchArea
    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap


@dataclass(frozen=True)
class Cutout:
    """The part of a frame in which defects are detected; all of it without a search area.

    Attributes
    ----------
    part : Micrograph
        The bounding box of the area with a margin, so that windows at its border are complete.
    whole : Micrograph
        The frame; pixels outside the area count as invalid.
    top, left : int
        First row and column of ``part``.
    area : SearchArea or None
        None if the whole frame is searched.
    """

    part: Micrograph
    whole: Micrograph
    top: int = 0
    left: int = 0
    area: SearchArea | None = None

    @classmethod
    def of(cls, micrograph: Micrograph, area: SearchArea | None, spec: EnsembleSpec) -> Cutout:
        """Cut an area out of a frame.

        Parameters
        ----------
        micrograph : Micrograph
            One frame.
        area : SearchArea or None
            In px of the frame; None for all of it.
        spec : EnsembleSpec
            Its window size determines the margin.

        Returns
        -------
        Cutout
            The pixel size is that of the whole frame, also if it comes from the lattice.

        Raises
        ------
        InputError
            The area contains no pixel of the image.
        """
        if area is None:
            return cls(micrograph, micrograph)
        scale = match_scale(micrograph, spec.target_scale)
        known, shape = scale.micrograph, micrograph.frame_shape
        box = area.bounding_box(shape)
        margin = max(SMALLEST_PX, math.ceil(spec.preprocessing.patch_px / scale.factor))
        rows = slice(max(0, box.top - margin), min(shape[0], box.bottom + margin))
        columns = slice(max(0, box.left - margin), min(shape[1], box.right + margin))
        invalid = None if known.invalid is None else known.invalid[rows, columns]
        outside = ~area.mask(shape)
        if known.invalid is not None:
            outside |= known.invalid
        part = replace(known, pixels=known.pixels[rows, columns], invalid=invalid)
        return cls(part, replace(known, invalid=outside), rows.start, columns.start, area)

    def in_whole(self, found: ProbabilityMap) -> ProbabilityMap:
        """Return the probability map of the part in px of the frame.

        Parameters
        ----------
        found : ProbabilityMap
            In px of ``part``.

        Returns
        -------
        ProbabilityMap
            Windows outside the area are not valid and have probability 0.
        """
        if self.area is None:
            return found
        near = self._near(found)
        return replace(
            found,
            y=found.y + np.float32(self.top),
            x=found.x + np.float32(self.left),
            valid=found.valid & near,
            probability=found.probability * near,
        )

    def result(self, found: Detection) -> FrameResult:
        """Return the detection in the part as a result of the whole frame.

        Parameters
        ----------
        found : Detection
            In px of ``part``.

        Returns
        -------
        FrameResult
            Its masks have the shape of the frame and are empty outside the area; its parameters
            contain the area as ``area_px``.
        """
        if self.area is None:
            return FrameResult.of(found, self.whole.invalid)
        parameters = {**found.parameters, "area_px": self.area.to_json()}
        if PLACED_LINES in parameters:
            placed = shifted_planes(parameters[PLACED_LINES], self.top, self.left)
            parameters[PLACED_LINES] = placed
        if PLANAR_CHECKS in parameters:
            checks = shifted_checks(parameters[PLANAR_CHECKS], self.top, self.left)
            parameters[PLANAR_CHECKS] = checks
        result = FrameResult.from_probability(
            self.in_whole(found.map), self.whole, found.frame, parameters
        )
        earlier = shifted_sites(found.regions, self.top, self.left)
        regions = keep_measurements(result.regions, earlier, SAME_PLACE_PX)
        return replace(result, seconds=found.seconds, regions=regions)

    def _near(self, found: ProbabilityMap) -> NDArray[np.bool_]:
        """Return which windows are nearest to a pixel of the area: those within a stride of one."""
        if self.whole.invalid is None:
            return found.valid
        height, width = self.part.frame_shape
        rows, columns = slice(self.top, self.top + height), slice(self.left, self.left + width)
        steps = [np.diff(at).max(initial=1) for at in (found.y, found.x)]
        reach = [2 * math.ceil(step) + 1 for step in steps]
        near = maximum_filter(~self.whole.invalid[rows, columns], reach)
        y, x = (
            np.clip(np.rint(at).astype(int), 0, length - 1)
            for at, length in ((found.y, height), (found.x, width))
        )
        nearest: NDArray[np.bool_] = near[np.ix_(y, x)]
        return nearest
