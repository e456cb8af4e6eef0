"""Detection in one frame: match the scale, filter, predict, draw masks, measure regions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.base.progress import ProgressCallback, silent
from napari_stem_defects.detection.checked_settings import (
    all_thresholds,
    check_size,
    checked_stride,
    stride_statement,
)
from napari_stem_defects.detection.contrast import (
    ContrastChoice,
    SettledContrast,
    settle_contrast,
)
from napari_stem_defects.detection.crystal_around import only_in_crystal
from napari_stem_defects.detection.decided_sites import SearchedImage, decide_sites
from napari_stem_defects.detection.drawn_masks import (
    draw_masks,
    drawing_parameters,
    least_line_px,
    site_separation_px,
)
from napari_stem_defects.detection.measured_points import measure_points
from napari_stem_defects.detection.model_choice import (
    given_statement,
    misfit_warning,
    unscaled_warning,
)
from napari_stem_defects.detection.placed_lines import PLACED_LINES, PlaneFinder
from napari_stem_defects.detection.planar_checks import PLANAR_CHECKS, apply_checks, check_regions
from napari_stem_defects.detection.recognition import (
    Recognition,
    recognise,
    recognise_lattice,
    recognise_spots,
    without_names,
)
from napari_stem_defects.detection.repeated_columns import REPEATED_COLUMNS, without_rows
from napari_stem_defects.detection.unexplained import (
    about_search,
    search_statements,
    unexplained_statement,
)
from napari_stem_defects.detection.window_probabilities import window_probabilities
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.plausible_scale import implausible_scale
from napari_stem_defects.lattice.scale import match_scale
from napari_stem_defects.lattice.scan_distortion import measure_scan_distortion
from napari_stem_defects.networks.architecture import finds_spots
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap
from napari_stem_defects.preprocessing.scan_rows import scan_rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.inference.predict import PartialCallback
    from napari_stem_defects.inference.strategy import InferenceMode
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.lattice.scale import ScaleMatch
    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.preprocessing.scan_rows import ScanRows
    from napari_stem_defects.preprocessing.tiled import FilteredImage


@one_blas_thread()
def detect_frame(
    micrograph: Micrograph,
    ensemble: Ensemble,
    *,
    stride: int | None = None,
    thresholds: Mapping[str, float] | None = None,
    device: str = "auto",
    mode: InferenceMode = "fast",
    frame: int = 0,
    choice: str = "",
    contrast: ContrastChoice = "auto",
    report: ProgressCallback = silent,
    watch: PartialCallback | None = None,
) -> Detection:
    """Find the defects of a single-frame micrograph.

    Parameters
    ----------
    micrograph : Micrograph
        One frame of at least 64x64 px.
    ensemble : Ensemble
    stride : int, optional
        Step between windows in px at the pixel size of the ensemble; by default that of the
        ensemble, at most 8.
    thresholds : mapping of str to float, optional
        Replaces the thresholds of the ensemble for the classes named.
    device : {"auto", "cpu", "cuda", "mps"}
    mode : {"fast", "exact"}
        Whether an early exit and half precision are allowed; see `inference.predict`.
    frame : int
        Index of the frame in its stack, for the result.
    choice : str
        Why the ensemble was chosen automatically; "" if it was given. Only a given one names
        defects in an image that it does not recognise.
    contrast : {"auto", "bright", "dark"}
        Whether columns are bright or dark; see `contrast.settle_contrast`.
    report : callable
        Gets the progress after every batch of windows.
    watch : callable, optional
        Gets the probabilities so far; see `inference.predict.predict`.

    Returns
    -------
    Detection
        Probabilities, masks and regions in px of the micrograph.

    Raises
    ------
    InputError
        The micrograph is a stack or too small, its scale does not suit the ensemble, or the
        stride, a threshold or the device is not possible.
    """
    started, spec = time.perf_counter(), ensemble.spec
    check_size(micrograph)
    measured = measure_lattices(micrograph.pixels, micrograph.pixel_size_nm)
    scan_rows = scan_rows_of(micrograph, measured.cells if spec.sees_residual else ())
    settled = settle_contrast(scan_rows.mended(micrograph), measured, spec, contrast)
    micrograph, limits = settled.micrograph, all_thresholds(thresholds or {}, spec)
    parameters: dict[str, Any] = {"scan_rows": scan_rows.statement, "thresholds": limits}
    if spec.is_quick:
        found, scale = _matched_filter_map(micrograph, measured, ensemble, scan_rows, report)
        parameters |= _about_the_model(settled, measured, scale, spec, choice)
        return _measured(found, settled, measured, scale, spec, frame, parameters, started)
    # Imported here so that panels and quick models can use the package without loading torch.
    from napari_stem_defects.inference.predict import pick_device

    device, stride = pick_device(device), checked_stride(stride, spec)
    scale = match_scale(micrograph, spec.target_scale)
    parameters |= {"stride_px": stride, "device": device, "mode": mode}
    parameters |= stride_statement(stride, spec)
    recognition = None
    if spec.preprocessing.is_residual:
        from napari_stem_defects.detection.detect_residual import residual_map

        found, settled = residual_map(
            micrograph,
            measured,
            ensemble,
            scan_rows,
            thresholds=limits,
            stride=stride,
            device=device,
            mode=mode,
            contrast=settled,
            report=report,
            watch=watch,
        )
    else:
        found, filtered = window_probabilities(scale, ensemble, stride, device, mode, report, watch)
        recognition = recognise(found, limits, spec.name, measured)
        if choice and not recognition.recognised:
            found = without_names(found)
        else:
            searched = _searched_image(settled, measured, filtered, scale, spec)
            decided = _decided(found, searched, ensemble, limits, device, recognition.recognised)
            found, parameters[REPEATED_COLUMNS] = decided
    parameters |= _about_the_model(settled, measured, scale, spec, choice, recognition)
    return _measured(found, settled, measured, scale, spec, frame, parameters, started)


def _about_the_model(
    settled: SettledContrast,
    measured: LatticeMeasurement,
    scale: ScaleMatch,
    spec: EnsembleSpec,
    choice: str,
    recognition: Recognition | None = None,
) -> dict[str, Any]:
    """Return lattice, contrast, choice of the model, recognition and warnings for the result.

    Models of the lattice residual, quick ones among them, have no recognition of their own: they
    need a lattice and no more, and those of spots an image that suits their window. A general
    model recognises no crystal, so where it was chosen because no special one fits, that is stated.
    """
    if recognition is None and finds_spots(spec.architecture):
        recognition = recognise_spots(settled.micrograph, spec)
    if recognition is None:
        recognition = recognise_lattice(measured)
        general = spec.lattice_geometry is not None and spec.lattice_geometry.is_general
        if choice and general and recognition.recognised:
            recognition = Recognition(False, choice)
    size = settled.micrograph.pixel_size_nm
    is_general = spec.lattice_geometry is not None and spec.lattice_geometry.is_general
    by_shape = bool(choice) and size is None and not is_general
    unscaled = by_shape or scale.micrograph.pixel_size_source == "lattice"
    warnings = (
        implausible_scale(measured.cell, size),
        "" if choice else misfit_warning(measured, spec, size),
        unscaled_warning(spec) if unscaled and recognition.recognised else "",
        settled.statement,
    )
    return {
        "lattice": measured.to_json(scale.micrograph.pixel_size_nm),
        "model_choice": choice or given_statement(spec.name),
        "recognised": recognition.recognised,
        "recognition": recognition.statement,
        "contrast": settled.choice,
        "inverted": settled.is_inverted,
        "columns": settled.columns,
        "scan_distortion": measure_scan_distortion(
            settled.micrograph.pixels, measured, spec.lattice_geometry
        ).to_json(),
        "warnings": [each for each in warnings if each],
    }


def _matched_filter_map(
    micrograph: Micrograph,
    measured: LatticeMeasurement,
    ensemble: Ensemble,
    scan_rows: ScanRows,
    report: ProgressCallback,
) -> tuple[ProbabilityMap, ScaleMatch]:
    # Each kind of model imports what it needs, so that commands start quickly.
    from napari_stem_defects.detection.detect_matched import matched_filter_map

    return matched_filter_map(micrograph, measured, ensemble, scan_rows, report=report)


def _decided(
    found: ProbabilityMap,
    searched: SearchedImage,
    ensemble: Ensemble,
    limits: Mapping[str, float],
    device: str,
    recognised: bool,
) -> tuple[ProbabilityMap, str]:
    """Decide point defects at their sites, and keep defects of the crystal; with a statement.

    Of another crystal all are kept: a model that was given for it names what it finds.
    """
    spec = ensemble.spec
    found = decide_sites(found, searched, ensemble, limits, device)
    if searched.cells and not recognised:
        return found, ""
    found = only_in_crystal(found, spec.preprocessing.patch_px / searched.factor[0])
    # A class of a user's model may be just that: the columns of an interface.
    if spec.lattice_geometry is None or not spec.lattice_geometry.crystal:
        return found, ""
    kept = without_rows(found, searched.pixels, searched.cells, limits, searched.separation_px)
    return kept.map, kept.statement


def _searched_image(
    settled: SettledContrast,
    measured: LatticeMeasurement,
    filtered: FilteredImage,
    scale: ScaleMatch,
    spec: EnsembleSpec,
) -> SearchedImage:
    """Return the frame in the forms that its point defects are decided with."""
    return SearchedImage(
        settled.bright_pixels(),
        measured.cells,
        filtered,
        (scale.factor, scale.factor),
        site_separation_px(spec) / scale.factor,
    )


def _measured(
    found: ProbabilityMap,
    settled: SettledContrast,
    measured: LatticeMeasurement,
    scale: ScaleMatch,
    spec: EnsembleSpec,
    frame: int,
    parameters: Mapping[str, Any],
    started: float,
) -> Detection:
    """Turn probabilities into masks and measured regions."""
    image = scale.micrograph
    complete = {
        **parameters,
        **about_search(measured, spec),
        "resampling_factor": scale.factor,
        **drawing_parameters(spec, scale.factor),
        "pixel_size_source": image.pixel_size_source,
        "scale_statement": scale.statement,
        "preprocessing": spec.preprocessing.to_dict(),
    }
    least = least_line_px(spec) / scale.factor
    finder = PlaneFinder(settled.micrograph.pixels, measured, image.invalid, least)
    mask_stack = draw_masks(found, image.frame_shape, complete, image.invalid, finder.place)
    complete[PLACED_LINES] = finder.placed
    size = image.pixel_size_nm
    regions = measure_regions(found, mask_stack, image=image.name, frame=frame, pixel_size_nm=size)
    regions = measure_points(regions, settled.bright_pixels(), measured.cells)
    geometry = spec.lattice_geometry
    checks = check_regions(
        regions,
        settled.micrograph.pixels,
        measured,
        image.invalid,
        size,
        is_general=geometry is not None and geometry.is_general,
    )
    complete[PLANAR_CHECKS] = checks
    mask_stack, regions = apply_checks(found, mask_stack, regions, checks, size)
    spots = finds_spots(spec.architecture)
    unsuited = spots and not complete["recognised"]
    stated = [] if unsuited else search_statements(found, measured, spec)
    if spec.sees_residual and measured.cell is not None and not spots:
        stated.append(unexplained_statement(found, complete["thresholds"], regions))
    stated += [complete["scan_rows"], complete.get(REPEATED_COLUMNS, "")]
    complete["warnings"] = [*complete["warnings"], *filter(None, stated)]
    return Detection(
        image=image.name,
        frame=frame,
        map=found,
        mask_stack=mask_stack,
        regions=regions,
        pixel_size_nm=size,
        parameters=complete,
        seconds=time.perf_counter() - started,
    )
