"""Detection in one frame with a quick model: lattice, residual, matched filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.background import (
    background_residual,
    crystal_pixels,
    unsuited_window,
)
from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.anomaly.sampling import Scale
from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.detection.residual_windows import map_in_image, nothing_recognised
from napari_stem_defects.lattice.scale import SAMPLES_PER_UNIT, ScaleMatch, period_statement
from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.matched_filter.adaptation import adapted_to
from napari_stem_defects.matched_filter.choose_orientation import suited_orientation
from napari_stem_defects.matched_filter.class_maps import class_maps
from napari_stem_defects.matched_filter.model import Window
from napari_stem_defects.matched_filter.orientation import turned
from napari_stem_defects.matched_filter.storage import from_arrays
from napari_stem_defects.networks.weight_names import TEACHER

if TYPE_CHECKING:
    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.anomaly.score import Thresholds
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.matched_filter.orientation import Vectors
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import ProbabilityMap
    from napari_stem_defects.preprocessing.scan_rows import ScanRows


def matched_filter_map(
    micrograph: Micrograph,
    lattice: LatticeMeasurement,
    ensemble: Ensemble,
    scan_rows: ScanRows | None = None,
    *,
    report: ProgressCallback = silent,
) -> tuple[ProbabilityMap, ScaleMatch]:
    """Return the probabilities of a quick model for an image.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    lattice : LatticeMeasurement
        Of the frame.
    ensemble : Ensemble
        A quick model.
    scan_rows : ScanRows, optional
        See `anomaly.residual.image_residual`.
    report : callable
        Receives the progress after every step.

    Returns
    -------
    map : ProbabilityMap
        With window centres in px of the micrograph; without a lattice all windows are valid and
        no class has a probability.
    scale : ScaleMatch
        How the image was sampled.
    """
    report(Progress("scanning", 0, 2))
    model = quick_model(ensemble)
    if model.window is not None:
        return _spot_map(micrograph, lattice, model, ensemble, report)
    if lattice.cell is None:
        statement = f"No lattice, so nothing is recognised: {lattice.reason}."
        return nothing_recognised(micrograph, ensemble.spec), ScaleMatch(micrograph, 1.0, statement)
    residual = image_residual(micrograph, lattice.cells, model.scale, scan_rows)
    sampled = residual.sampled
    report(Progress("scanning", 1, 2))
    found = searched_residual(residual, lattice.cell, ensemble, micrograph)
    report(Progress("scanning", 2, 2))
    factor = float(np.sqrt(sampled.factor[0] * sampled.factor[1]))
    units, size = sampled.scale.units or 1.0, micrograph.pixel_size_nm
    statement = period_statement(lattice.cell, factor, size, units)
    return found, ScaleMatch(micrograph, factor, statement)


def _spot_map(
    micrograph: Micrograph,
    lattice: LatticeMeasurement,
    model: MatchedFilterModel,
    ensemble: Ensemble,
    report: ProgressCallback,
) -> tuple[ProbabilityMap, ScaleMatch]:
    """Return the probabilities of a model of spots; beside a crystal, where there is none."""
    size = micrograph.pixel_size_nm
    window = model.window.in_image(size) if model.window is not None else 0.0
    if fault := unsuited_window(micrograph, window):
        statement = f"Nothing is recognised: {fault}."
        return nothing_recognised(micrograph, ensemble.spec), ScaleMatch(micrograph, 1.0, statement)
    crystal = crystal_pixels(micrograph, lattice)
    residual = background_residual(micrograph, window, model.samples, crystal)
    report(Progress("scanning", 1, 2))
    found = map_of_residual(residual, model, None, ensemble, micrograph)
    report(Progress("scanning", 2, 2))
    factor = float(np.sqrt(residual.sampled.factor[0] * residual.sampled.factor[1]))
    assumed = model.window is not None and (model.window.nm is None or size is None)
    how = ", as many px as in the clicked image" if assumed else ""
    statement = (
        f"Spots are sought in a window of {both_units(round(window, 1), size)}{how}; the image was"
        f" resampled {factor:.3f} times, to the model's {model.samples:.1f} samples per window."
    )
    return found, ScaleMatch(micrograph, factor, statement)


def searched_residual(
    residual: LatticeResidual, cell: UnitCell, ensemble: Ensemble, micrograph: Micrograph
) -> ProbabilityMap:
    """Return the probabilities of a model in the orientation that an image shows.

    Parameters
    ----------
    residual : LatticeResidual
        Of the image, at the scale of the model.
    cell : UnitCell
        Of the image.
    ensemble : Ensemble
        A quick model, or networks with a teacher.
    micrograph : Micrograph
        The image.

    Returns
    -------
    ProbabilityMap
    """
    model = adapted_to(residual, quick_model(ensemble))
    maps = class_maps(residual, suited_orientation(residual, model, _in_units(cell, model)))
    return map_in_image(maps.probability, maps.y, maps.x, residual, micrograph, ensemble.spec)


def quick_model(ensemble: Ensemble) -> MatchedFilterModel:
    """Return the matched filters of a quick model, or of the teacher of networks.

    Parameters
    ----------
    ensemble : Ensemble
        A quick model, or networks with a teacher.

    Returns
    -------
    MatchedFilterModel

    Raises
    ------
    ModelError
        If the ensemble consists of networks without a teacher.
    """
    spec = ensemble.spec
    samples = spec.matched_filters.samples
    classes = [(each.name, each.kind) for each in spec.class_data[1:]]
    arrays = dict(ensemble.weights)
    if not spec.is_quick:
        of_teacher = [name for name in arrays if name.startswith(TEACHER)]
        arrays = {name.removeprefix(TEACHER): arrays[name] for name in of_teacher}
    sizes = spec.matched_filters
    window = None if sizes.window_px is None else Window(sizes.window_px, sizes.window_nm)
    return ensemble.cached("matched filters", lambda: from_arrays(arrays, samples, classes, window))


def scale_of(ensemble: Ensemble) -> Scale:
    """Return the scale at which networks see the lattice residual.

    Parameters
    ----------
    ensemble : Ensemble
        With the representation "residual".

    Returns
    -------
    Scale
        The length unit is that of the teacher; without one, what suits an image.
    """
    return Scale(SAMPLES_PER_UNIT, ensemble.spec.target_scale.units)


def map_of_residual(
    residual: LatticeResidual,
    model: MatchedFilterModel,
    cell: UnitCell | None,
    ensemble: Ensemble,
    micrograph: Micrograph,
    limits: Thresholds | None = None,
    shown: float | None = None,
) -> ProbabilityMap:
    """Return the probabilities of a model for an image whose residual is known.

    Parameters
    ----------
    residual : LatticeResidual
        At the scale of the model.
    model : MatchedFilterModel
    cell : UnitCell or None
        Of the image; the templates are turned as it is.
    ensemble : Ensemble
        The same model, for the data of its classes.
    micrograph : Micrograph
        The image.
    limits : Thresholds, optional
        Of the residual, where they are known.
    shown : float, optional
        Visibility of defects in the image, where it is known.

    Returns
    -------
    ProbabilityMap
    """
    maps = class_maps(residual, adapted_to(residual, turned_to(model, cell), shown), limits)
    return map_in_image(maps.probability, maps.y, maps.x, residual, micrograph, ensemble.spec)


def turned_to(model: MatchedFilterModel, cell: UnitCell | None) -> MatchedFilterModel:
    """Return a model with its templates turned as the lattice of an image is.

    Parameters
    ----------
    model : MatchedFilterModel
    cell : UnitCell or None
        Of the image; None for one without a lattice.

    Returns
    -------
    MatchedFilterModel
    """
    return model if cell is None else turned(model, _in_units(cell, model))


def _in_units(cell: UnitCell, model: MatchedFilterModel) -> Vectors:
    """Return the base vectors (y, x) of a cell in the length units of a model."""
    unit_px = lattice_period(cell) / (model.scale.units or 1.0)
    (y0, x0), (y1, x1) = (np.array(cell.vectors_px) / unit_px).tolist()
    return (y0, x0), (y1, x1)
