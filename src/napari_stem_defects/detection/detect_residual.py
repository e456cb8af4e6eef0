"""Detection in one frame with networks that see the lattice residual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.contrast import bright_residual, is_clear
from napari_stem_defects.anomaly.contrast_of_defects import sign_map
from napari_stem_defects.anomaly.residual import image_residual
from napari_stem_defects.base.progress import silent
from napari_stem_defects.detection.decided_sites import SearchedImage, decide_sites
from napari_stem_defects.detection.detect_matched import scale_of, searched_residual
from napari_stem_defects.detection.drawn_masks import site_separation_px
from napari_stem_defects.detection.named_sites import named_sites, with_single_cores
from napari_stem_defects.detection.places_alone import PlaceNames, named_near
from napari_stem_defects.detection.pooled_lines import with_pooled_lines
from napari_stem_defects.detection.repeated_columns import without_rows
from napari_stem_defects.detection.residual_windows import map_in_image, nothing_recognised
from napari_stem_defects.detection.survey_evidence import survey_evidence
from napari_stem_defects.detection.surveyed_lines import with_surveyed_lines
from napari_stem_defects.detection.teacher_evidence import TeacherEvidence
from napari_stem_defects.inference.spatial_averaging import average_logits
from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.preprocessing.windows import window_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.progress import ProgressCallback
    from napari_stem_defects.detection.contrast import SettledContrast
    from napari_stem_defects.detection.survey_evidence import SurveyEvidence
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
    contrast: SettledContrast,
    report: ProgressCallback,
    watch: PartialCallback | None,
) -> tuple[ProbabilityMap, SettledContrast]:
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
    contrast : SettledContrast
        Of the image.
    report, watch : callable
        See `inference.predict.predict`.

    Returns
    -------
    map : ProbabilityMap
        With window centres in px of the micrograph; without a lattice all windows are valid and
        no class has a probability.
    contrast : SettledContrast
        With the sign of most columns, as defects show it where the crystal itself does not.
    """
    spec = ensemble.spec
    if lattice.cell is None:
        return nothing_recognised(micrograph, spec), contrast
    residual = image_residual(micrograph, lattice.cells, scale_of(ensemble), scan_rows)
    survey, signs = None, np.full(residual.shape, contrast.sign, np.int8)
    if spec.lattice_geometry is not None and spec.lattice_geometry.is_general:
        survey = survey_evidence(residual)
        if contrast.choice == "auto" and not is_clear(micrograph.pixels, lattice.cells):
            signs = sign_map(residual.sampled, survey.points, contrast.sign)
            contrast = replace(contrast, sign=1 if signs.mean() >= 0 else -1)
        residual = survey.residual if survey.crowd is None else survey.crowd.rest
    scan = _Scan(micrograph, ensemble, stride, device, mode, signs, report, watch)
    bright, found = scan.of(residual)
    teacher = None
    if spec.teacher is not None:
        shown = searched_residual(residual, lattice.cells[0], ensemble, micrograph)
        teacher = TeacherEvidence(shown)
        found = teacher.averaged(found)
    image = SearchedImage(
        micrograph.pixels if contrast.sign > 0 else -micrograph.pixels,
        lattice.cells,
        bright,
        residual.sampled.factor,
        site_separation_px(spec) / float(np.sqrt(np.prod(residual.sampled.factor))),
        teacher,
        survey,
    )
    if survey is None:
        return decide_sites(found, image, ensemble, thresholds, device), contrast
    decided = _decided(found, image, survey, ensemble, thresholds, device)
    decided = _with_places(decided, survey, scan, thresholds)
    settled = _settled(decided, image, thresholds, lattice_period(lattice.cell))
    lines = [survey.residual.sampled.to_image(line) for line in survey.lines]
    return with_surveyed_lines(settled, lines, thresholds, lattice_period(lattice.cell)), contrast


def _settled(
    found: ProbabilityMap, image: SearchedImage, thresholds: Mapping[str, float], period_px: float
) -> ProbabilityMap:
    """Return the generic names without repetitions of points, and with lines seen as a whole."""
    found = with_single_cores(found, thresholds, image.separation_px, period_px)
    rows = without_rows(found, image.pixels, image.cells, thresholds, image.separation_px)
    return with_pooled_lines(rows.map, thresholds, period_px)


def _decided(
    found: ProbabilityMap,
    image: SearchedImage,
    survey: SurveyEvidence,
    ensemble: Ensemble,
    thresholds: Mapping[str, float],
    device: str,
) -> ProbabilityMap:
    """Decide point defects where a survey sees something, or would without the defects."""
    if survey.is_doubtful:
        anywhere = replace(image, survey=None)
        named = decide_sites(found, anywhere, ensemble, thresholds, device)
        sites = named_sites(named, thresholds, image.separation_px)
        image = replace(image, survey=survey.explained_by(sites))
    return decide_sites(found, image, ensemble, thresholds, device)


def _with_places(
    found: ProbabilityMap, survey: SurveyEvidence, scan: _Scan, thresholds: Mapping[str, float]
) -> ProbabilityMap:
    """Return a map with the names of places that are seen as if each were alone.

    Where points do not crowd, those that have a name keep it, and of lines and areas near points
    only what is seen without these.
    """
    if survey.crowd is not None:
        names = PlaceNames(survey.crowd, scan.sign, scan.ensemble, scan.device)
        return names.added_to(found, thresholds)
    near = named_near(found, survey.places, survey.residual.sampled, thresholds)
    if not near.any():
        return found
    alone = survey.alone()
    # What was shown while it was searched stays.
    _, without = replace(scan, report=silent, watch=None).of(alone.rest)
    kinds = [each.kind for each in found.class_data]
    extended = np.array([kind in ("line", "area") for kind in kinds])[:, None, None]
    found = replace(found, probability=np.where(extended, without.probability, found.probability))
    names = PlaceNames(alone, scan.sign, scan.ensemble, scan.device)
    return names.added_to(found, thresholds, near.unnamed)


@dataclass(frozen=True)
class _Scan:
    """A scan of residuals of an image with networks; see `residual_map`.

    ``sign`` is 1 where columns are bright, -1 where they are dark.
    """

    micrograph: Micrograph
    ensemble: Ensemble
    stride: int
    device: str
    mode: InferenceMode
    sign: NDArray[np.int8]
    report: ProgressCallback
    watch: PartialCallback | None

    def of(self, residual: LatticeResidual) -> tuple[NDArray[np.float32], ProbabilityMap]:
        """Return a residual with bright columns, and the probabilities of its windows."""
        from napari_stem_defects.inference.predict import predict

        spec = self.ensemble.spec
        grid = window_grid(residual.shape, self.stride)
        bright = bright_residual(residual, self.sign)
        probability = predict(
            bright,
            self.ensemble,
            grid,
            device=self.device,
            mode=self.mode,
            report=self.report,
            watch=self.watch,
        )
        probability = average_logits(probability, grid, spec.inference.averaging_px)
        y, x = grid.y.astype(np.float64), grid.x.astype(np.float64)
        return bright, map_in_image(probability, y, x, residual, self.micrograph, spec)
