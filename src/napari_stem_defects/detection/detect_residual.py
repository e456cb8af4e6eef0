"""Detection in one frame with networks that see the lattice residual."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.contrast import bright_residual
from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.detection.decided_sites import SearchedImage, decide_sites
from napari_stem_defects.detection.detect_matched import scale_of, searched_residual
from napari_stem_defects.detection.drawn_masks import site_separation_px
from napari_stem_defects.detection.residual_windows import map_in_image, nothing_recognised
from napari_stem_defects.detection.teacher_evidence import TeacherEvidence
from napari_stem_defects.inference.spatial_averaging import average_logits
from napari_stem_defects.preprocessing.windows import window_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.inference.predict import PartialCallback
    from napari_stem_defects.inference.strategy import InferenceMode
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.results import ProbabilityMap
    from napari_stem_defects.preprocessing.scan_rows import ScanRows


def residual_map(
    micrograph: Micrograph,
    lattice: LatticeMeasurement,
    ensemble: Ensemble,
    scan_rows: ScanRows | None = None,
    *,
    thresholds: Mapping[str, float],
    stride: int,
    device: str,
    mode: InferenceMode,
    sign: int,
    report: ProgressCallback,
    watch: PartialCallback | None,
) -> ProbabilityMap:
    """Return the probabilities of networks that see the lattice residual of an image.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    lattice : LatticeMeasurement
        Of the frame.
    ensemble : Ensemble
        With the representation "residual".
    scan_rows : ScanRows, optional
        See `anomaly.residual.image_residual`.
    thresholds : mapping of str to float
        Of all classes.
    stride : int
        Step between windows in samples, of which a length unit has 7.
    device : {"cpu", "cuda", "mps"}
    mode : {"fast", "exact"}
    sign : int
        1 for bright columns, -1 for dark ones.
    report, watch : callable
        See `inference.predict.predict`.

    Returns
    -------
    ProbabilityMap
        With window centres in px of the micrograph; without a lattice all windows are valid and
        no class has a probability.
    """
    from napari_stem_defects.inference.predict import predict

    spec = ensemble.spec
    if lattice.cell is None:
        return nothing_recognised(micrograph, spec)
    residual = image_residual(micrograph, lattice.cells, scale_of(ensemble), scan_rows)
    grid = window_grid(residual.shape, stride)
    bright = bright_residual(residual, sign)
    probability = predict(
        bright,
        ensemble,
        grid,
        device=device,
        mode=mode,
        report=report,
        watch=watch,
    )
    probability = average_logits(probability, grid, spec.inference.averaging_px)
    y, x = grid.y.astype(np.float64), grid.x.astype(np.float64)
    found = map_in_image(probability, y, x, residual, micrograph, spec)
    teacher = None
    if spec.teacher is not None:
        shown = searched_residual(residual, lattice.cells[0], ensemble, micrograph)
        teacher = TeacherEvidence(shown)
        found = teacher.averaged(found)
    image = SearchedImage(
        micrograph.pixels if sign > 0 else -micrograph.pixels,
        lattice.cells,
        bright,
        residual.sampled.factor,
        site_separation_px(spec) / float(np.sqrt(np.prod(residual.sampled.factor))),
        teacher,
    )
    return decide_sites(found, image, ensemble, thresholds, device)
