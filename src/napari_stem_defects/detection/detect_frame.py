"""Finding defects in one frame: calibrate, resample, flatten, scan, fuse, measure."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import uniform_filter
from skimage.transform import resize

from napari_stem_defects.base.progress import Report, silent
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference.spatial_averaging import average_logits
from napari_stem_defects.lattice.scale import ScaleMatch, match_scale, resample, scale_positions
from napari_stem_defects.postprocessing.mask_stack import row_blocks
from napari_stem_defects.postprocessing.masks import MIN_PLANAR_LENGTH_PX, masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap
from napari_stem_defects.preprocessing.pipeline import filter_lazily
from napari_stem_defects.preprocessing.windows import Grid, window_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.inference.predict import PartialCallback
    from napari_stem_defects.inference.strategy import (
        InferenceMode,
    )
    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.preprocessing.settings import (
        PreprocessingSettings,
    )
    from napari_stem_defects.preprocessing.tiled import FilteredImage

SMALLEST_PX = 64
# A window whose middle has less than this share of the image's contrast shows nothing.
BLANK_CONTRAST = 0.02
# Nor does one of which more than this share of the middle is invalid.
MOST_INVALID = 0.05


def detect_frame(
    micrograph: Micrograph,
    ensemble: Ensemble,
    *,
    stride: int | None = None,
    thresholds: Mapping[str, float] | None = None,
    device: str = "auto",
    mode: InferenceMode = "fast",
    frame: int = 0,
    report: Report = silent,
    watch: PartialCallback | None = None,
) -> Detection:
    """Find the defects of a single-frame micrograph.

    Parameters
    ----------
    micrograph : Micrograph
        One frame of at least 64x64 px.
    ensemble : Ensemble
    stride : int, optional
        Step between windows, in px at the ensemble's pixel size; what suits the ensemble, at
        most 8, by default.
    thresholds : mapping of str to float, optional
        Replaces the ensemble's thresholds for the classes named.
    device : {"auto", "cpu", "cuda", "mps"}
    mode : {"fast", "exact"}
        Whether windows of which the Bulk member is sure are spared the other members; see
        `inference.predict`.
    frame : int
        Index the results carry.
    report : callable
        Told after every batch of windows.
    watch : callable, optional
        Shown the answers so far; see `inference.predict.predict`.

    Raises
    ------
    InputError
        Where the image is too small or its scale cannot fit the ensemble.
    """
    # Imported here so that windows can use `match_scale` without loading torch.
    from napari_stem_defects.inference.predict import pick_device

    started = time.perf_counter()
    _check_size(micrograph)
    chosen = pick_device(device)
    limits = _limits(thresholds or {}, ensemble.spec)
    stride = _step(stride, ensemble.spec)
    scale = match_scale(micrograph, ensemble.spec.target_scale)
    found = _scanned(micrograph, ensemble, scale.factor, stride, chosen, mode, report, watch)
    parameters = {
        "stride_px": stride,
        "thresholds": limits,
        "device": chosen,
        "mode": mode,
        **_stated(scale),
        "preprocessing": ensemble.spec.preprocessing.to_dict(),
    }
    detection = _measured(found, scale, limits, frame, parameters)
    return replace(detection, seconds=time.perf_counter() - started)


def _step(stride: int | None, spec: EnsembleSpec) -> int:
    """Return the px between windows, at most a window's width: no place goes unseen."""
    width = spec.preprocessing.patch_px
    if stride is not None and stride > width:
        raise InputError(
            f"stride {stride} px leaves gaps between windows of {width} px; give {width} or less"
        )
    return spec.stride_px if stride is None else stride


def _stated(scale: ScaleMatch) -> dict[str, Any]:
    return {
        "resampling_factor": scale.factor,
        "pixel_size_source": scale.micrograph.pixel_size_source,
        "scale_statement": scale.statement,
    }


def _check_size(micrograph: Micrograph) -> None:
    if micrograph.is_stack:
        raise InputError(f"{micrograph.name}: a stack; detect its frames one by one")
    height, width = micrograph.frame_shape
    if min(height, width) < SMALLEST_PX:
        raise InputError(
            f"{micrograph.name}: {height}x{width} px is smaller than one window;"
            f" give an image of at least {SMALLEST_PX}x{SMALLEST_PX} px"
        )


def _limits(thresholds: Mapping[str, float], spec: EnsembleSpec) -> dict[str, float]:
    """Return every class's threshold, the ones given instead of the ensemble's."""
    odd = sorted(set(thresholds) - set(spec.classes))
    if odd:
        raise InputError(f"threshold for {odd[0]}: the model knows only {', '.join(spec.classes)}")
    return {name: thresholds.get(name, spec.threshold(name)) for name in spec.classes}


def _scanned(
    micrograph: Micrograph,
    ensemble: Ensemble,
    factor: float,
    stride: int,
    device: str,
    mode: InferenceMode,
    report: Report,
    watch: PartialCallback | None,
) -> ProbabilityMap:
    """Ask the ensemble about every window; the map is in px of the micrograph."""
    from napari_stem_defects.inference.predict import predict

    settings = ensemble.spec.preprocessing
    filtered = filter_lazily(resample(micrograph.pixels, factor), settings)
    rows, columns = filtered.shape
    grid = window_grid((rows, columns), stride, ensemble.spec.margin_px)
    probability = predict(
        filtered, ensemble, grid, device=device, mode=mode, report=report, watch=watch
    )
    probability = average_logits(probability, grid, ensemble.spec.spread_px)
    called = _called(filtered, micrograph.invalid, grid, settings)
    probability *= called
    height, width = micrograph.frame_shape
    return ProbabilityMap(
        probability=probability,
        y=scale_positions(grid.y, height / rows).astype(np.float32),
        x=scale_positions(grid.x, width / columns).astype(np.float32),
        classes=ensemble.spec.classes,
        called=called,
    )


def _measured(
    found: ProbabilityMap,
    scale: ScaleMatch,
    limits: Mapping[str, float],
    frame: int,
    parameters: Mapping[str, Any],
) -> Detection:
    """Turn probabilities into masks and measured regions."""
    image = scale.micrograph
    min_length_px = MIN_PLANAR_LENGTH_PX / scale.factor
    planes = masks_from_probability(
        found, image.frame_shape, limits, image.invalid, min_length_px=min_length_px
    )
    size = image.pixel_size_nm
    regions = measure_regions(found, planes, image=image.name, frame=frame, pixel_size_nm=size)
    return Detection(
        image=image.name,
        frame=frame,
        map=found,
        planes=planes,
        regions=regions,
        pixel_size_nm=size,
        parameters=parameters,
    )


def _called(
    filtered: FilteredImage,
    invalid: NDArray[np.bool_] | None,
    grid: Grid,
    settings: PreprocessingSettings,
) -> NDArray[np.bool_]:
    """Say which windows show anything: their middle has contrast and valid pixels."""
    middle = settings.patch_px // 2
    # Where local contrast was evened out, 1 is the contrast of any place that has some.
    usual = 1.0 if settings.contrast_px > 0 else _mean_square(filtered)
    local = _means_around(filtered, grid, middle, np.square)
    called: NDArray[np.bool_] = local > BLANK_CONTRAST**2 * usual
    if invalid is not None:
        share = resize(invalid.astype(np.float32), filtered.shape, order=1)
        called &= _means_around(share, grid, middle, np.asarray) <= MOST_INVALID
    return called


def _mean_square(image: FilteredImage) -> float:
    total = 0.0
    for rows in row_blocks(image.shape):
        total += float(np.square(image[rows, slice(None)]).sum(dtype=np.float64))
    return total / float(np.prod(image.shape))


def _means_around(
    image: FilteredImage,
    grid: Grid,
    width_px: int,
    of: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Return the mean of a function of the pixels in a square around each centre; (gy, gx)."""
    means = np.zeros((len(grid.y), len(grid.x)), np.float32)
    for rows in row_blocks(image.shape):
        inside = (grid.y >= rows.start) & (grid.y < rows.stop)
        top = max(0, rows.start - width_px)
        values = of(image[slice(top, rows.stop + width_px), slice(None)])
        local = uniform_filter(values, width_px, mode="reflect")
        means[inside] = local[np.ix_(grid.y[inside] - top, grid.x)]
    return means
