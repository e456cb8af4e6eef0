"""Masks of a frame from its probabilities and the parameters of its detection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.detection.placed_lines import PLACED_LINES, known_planes
from napari_stem_defects.lattice.rows import dense_rows_of
from napari_stem_defects.lattice.scale import SAMPLES_PER_UNIT
from napari_stem_defects.postprocessing.masks import MIN_PLANAR_LENGTH_PX, masks_from_probability
from napari_stem_defects.postprocessing.point_sites import SEPARATION_PX

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.planar_lines import LinePlacer
    from napari_stem_defects.postprocessing.results import ProbabilityMap

_TEMPLATE_SHARE = 1.1
"""A quarter of the width of a template of lines, in length units."""
_SEPARATION = 0.7
"""Least distance of two point defects, in length units, for models of the lattice residual."""


def site_separation_px(spec: EnsembleSpec) -> float:
    """Return the least distance of two point defects of a class, the size of a column.

    Parameters
    ----------
    spec : EnsembleSpec
        A model.

    Returns
    -------
    float
        In px at the pixel size of the model: twice the label extent, within which windows show a
        defect, where that is known; for models of the lattice residual 0.7 length units.
    """
    if spec.is_quick:
        return _SEPARATION * float(spec.matched_filters.samples)
    extent = spec.inference.label_extent_px
    if extent is not None and extent > 0:
        return 2 * extent
    if spec.preprocessing.is_residual:
        return _SEPARATION * SAMPLES_PER_UNIT
    return SEPARATION_PX


def least_line_px(spec: EnsembleSpec) -> float:
    """Return the least length of a planar defect, by which its ends and gaps are judged, too.

    Parameters
    ----------
    spec : EnsembleSpec
        A model.

    Returns
    -------
    float
        In px at the pixel size of the model: a quarter of a window of networks; of quick models,
        whose templates are as wide as 4.4 length units, the same share.
    """
    if spec.is_quick:
        return _TEMPLATE_SHARE * float(spec.matched_filters.samples)
    return MIN_PLANAR_LENGTH_PX


def drawing_parameters(spec: EnsembleSpec, factor: float) -> dict[str, Any]:
    """Return what the masks of a model depend on besides its thresholds.

    Parameters
    ----------
    spec : EnsembleSpec
        A model.
    factor : float
        Resampling from px of the image to those of the model.

    Returns
    -------
    dict
        ``separation_px``, of quick models ``least_line_px``, and of these and networks that one
        has taught ``areas_where_found``; see `draw_masks`.
    """
    found: dict[str, Any] = {"separation_px": round(site_separation_px(spec) / factor, 3)}
    if spec.is_quick:
        found["least_line_px"] = round(least_line_px(spec) / factor, 3)
    of_clicks = spec.is_quick or spec.teacher is not None
    return found | ({"areas_where_found": True} if of_clicks else {})


def draw_masks(
    map: ProbabilityMap,
    shape: tuple[int, int],
    parameters: Mapping[str, Any],
    invalid: NDArray[np.bool_] | None,
    place: LinePlacer | None = None,
) -> MaskStack:
    """Draw the masks of a frame.

    Parameters
    ----------
    map : ProbabilityMap
        Probabilities of all windows.
    shape : (Y, X)
        Size of the image in px.
    parameters : mapping
        Of the detection. ``thresholds`` for all classes of the map are required;
        ``resampling_factor`` scales the lengths, which hold at the pixel size of the model;
        ``separation_px`` is the least distance of point defects in px of the image,
        ``least_line_px`` the least length of a planar one, ``lattice``
        the measured lattice, and ``placed_lines`` where the image shows planar defects;
        ``areas_where_found`` is true where areas end where they are found. What earlier results do
        not state has a default, by which they are drawn as before.
    invalid : ndarray of bool, shape (Y, X), optional
        Pixels without a value.
    place : callable, optional
        Moves straight planar defects to where the image shows them; by default, to where
        ``placed_lines`` states.

    Returns
    -------
    MaskStack
    """
    if place is None and (placed := parameters.get(PLACED_LINES)):
        place = known_planes(placed)
    factor = float(parameters.get("resampling_factor", 1.0))
    return masks_from_probability(
        map,
        shape,
        parameters["thresholds"],
        invalid,
        min_length_px=float(parameters.get("least_line_px", MIN_PLANAR_LENGTH_PX / factor)),
        separation_px=float(parameters.get("separation_px", SEPARATION_PX / factor)),
        rows=dense_rows_of(parameters.get("lattice")),
        place=place,
        areas_where_found=bool(parameters.get("areas_where_found", False)),
    )
