"""Finding defects in one frame: calibrate, resample, flatten, scan, fuse, measure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import uniform_filter
from skimage.transform import resize

from napari_stem_defects.core.detection_result import Detection, ProbabilityMap
from napari_stem_defects.core.fusion import SPECK_PX, masks_from_map
from napari_stem_defects.core.lattice import measure_lattice, pixel_size_from_lattice
from napari_stem_defects.core.preprocessing import flatten
from napari_stem_defects.core.progress import Report, silent
from napari_stem_defects.core.regions import measure_regions
from napari_stem_defects.core.windows import Grid, window_grid
from napari_stem_defects.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.core.ensemble import Ensemble, EnsembleSpec
    from napari_stem_defects.core.micrograph import Micrograph

# Scales this near to the model's are used as they are: resampling would cost more than it gives.
CLOSE_ENOUGH = 0.02
# Magnifications beyond these leave nothing of the pattern the members know.
SCALE_LIMITS = (0.1, 10.0)
SMALLEST_PX = 64
# A window with less local contrast than this shows nothing; flattened images have 1.
BLANK_CONTRAST = 0.02
MOST_INVALID = 0.05


@dataclass(frozen=True)
class Scale:
    """How an image is brought to the ensemble's pixel size.

    Attributes
    ----------
    micrograph : Micrograph
        The image, calibrated where that was possible.
    factor : float
        Magnification applied before scanning; 1 where none is needed or known.
    statement : str
        What was done and why, in one sentence for the user.
    """

    micrograph: Micrograph
    factor: float
    statement: str


def match_scale(micrograph: Micrograph, spec: EnsembleSpec) -> Scale:
    """Decide how a single-frame micrograph is resampled to an ensemble's pixel size.

    The pixel size comes from the micrograph, or, where it has none, from the lattice in its
    power spectrum and the crystal the ensemble was trained on.

    Raises
    ------
    InputError
        Where the two pixel sizes are too far apart to be the same kind of image.
    """
    if spec.pixel_size_nm is None:
        return Scale(micrograph, 1.0, "The model has no pixel size; the image is used as it is.")
    if micrograph.pixel_size_nm is None:
        micrograph = _calibrated_by_lattice(micrograph, spec)
    size = micrograph.pixel_size_nm
    if size is None:
        return Scale(
            micrograph, 1.0, "No pixel size and no lattice found; the image is used as it is."
        )
    factor = size / spec.pixel_size_nm
    if not SCALE_LIMITS[0] <= factor <= SCALE_LIMITS[1]:
        raise InputError(
            f"{micrograph.name}: {size:.4g} nm per px is too far from the model's"
            f" {spec.pixel_size_nm:.4g}; check the calibration or give --pixel-size"
        )
    origin = {"lattice": "from the lattice", "user": "as given"}.get(
        micrograph.pixel_size_source, "from the file"
    )
    if abs(factor - 1) <= CLOSE_ENOUGH:
        return Scale(
            micrograph, 1.0, f"{size:.4f} nm per px ({origin}) is the model's; used as is."
        )
    return Scale(
        micrograph,
        factor,
        f"Resampled {factor:.3f} times, from {size:.4f} nm per px ({origin}) to the model's"
        f" {spec.pixel_size_nm:.4f}.",
    )


def _calibrated_by_lattice(micrograph: Micrograph, spec: EnsembleSpec) -> Micrograph:
    lattice = None if spec.lattice_nm is None else measure_lattice(micrograph.pixels)
    if lattice is None or spec.lattice_nm is None:
        return micrograph
    return micrograph.with_pixel_size(pixel_size_from_lattice(lattice, spec.lattice_nm), "lattice")


def detect_frame(
    micrograph: Micrograph,
    ensemble: Ensemble,
    *,
    stride: int = 8,
    thresholds: Mapping[str, float] | None = None,
    device: str = "auto",
    frame: int = 0,
    report: Report = silent,
) -> Detection:
    """Find the defects of a single-frame micrograph.

    Parameters
    ----------
    micrograph : Micrograph
        One frame of at least 64x64 px.
    ensemble : Ensemble
    stride : int
        Step between windows, in px at the ensemble's pixel size.
    thresholds : mapping of str to float, optional
        Replaces the ensemble's thresholds for the classes named.
    device : {"auto", "cpu", "cuda", "mps"}
    frame : int
        Index the results carry.
    report : callable
        Told after every batch of windows.

    Returns
    -------
    Detection

    Raises
    ------
    InputError
        Where the image is too small or its scale cannot fit the ensemble.
    """
    # Imported here so that windows can use `match_scale` without loading torch.
    from napari_stem_defects.core.inference import pick_device, predict

    started = time.perf_counter()
    _check_size(micrograph)
    spec = ensemble.spec
    chosen = pick_device(device)
    limits = {name: spec.threshold(name) for name in spec.classes} | _known(thresholds, spec)
    scale = match_scale(micrograph, spec)
    flattened = flatten(_resampled(micrograph.pixels, scale.factor), spec.preprocessing)
    grid = window_grid(_shape(flattened), stride)
    probability = predict(flattened, ensemble, grid, device=chosen, report=report)
    called = _called(flattened, micrograph.invalid, grid, spec.preprocessing.patch_px)
    found = _in_image_px(probability * called, called, grid, spec, micrograph, flattened)
    names, masks = masks_from_map(
        found,
        micrograph.frame_shape,
        limits,
        micrograph.invalid,
        speck_px=SPECK_PX / scale.factor,
    )
    size = scale.micrograph.pixel_size_nm
    regions = measure_regions(
        found, names, masks, image=micrograph.name, frame=frame, pixel_size_nm=size
    )
    return Detection(
        image=micrograph.name,
        frame=frame,
        map=found,
        mask_names=names,
        masks=masks,
        regions=regions,
        pixel_size_nm=size,
        parameters={
            "stride_px": stride,
            "thresholds": limits,
            "device": chosen,
            "resampling_factor": scale.factor,
            "pixel_size_source": scale.micrograph.pixel_size_source,
            "scale_statement": scale.statement,
            "preprocessing": spec.preprocessing.to_dict(),
        },
        seconds=time.perf_counter() - started,
    )


def _check_size(micrograph: Micrograph) -> None:
    if micrograph.is_stack:
        raise InputError(f"{micrograph.name}: a stack; detect its frames one by one")
    height, width = micrograph.frame_shape
    if min(height, width) < SMALLEST_PX:
        raise InputError(
            f"{micrograph.name}: {height}x{width} px is smaller than one window;"
            f" give an image of at least {SMALLEST_PX}x{SMALLEST_PX} px"
        )


def _known(thresholds: Mapping[str, float] | None, spec: EnsembleSpec) -> dict[str, Any]:
    odd = sorted(set(thresholds or {}) - set(spec.classes))
    if odd:
        raise InputError(f"threshold for {odd[0]}: the model knows only {', '.join(spec.classes)}")
    return dict(thresholds or {})


def _shape(image: NDArray[np.generic]) -> tuple[int, int]:
    height, width = image.shape
    return height, width


def _resampled(pixels: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    if factor == 1:
        return pixels
    shape = tuple(max(1, round(length * factor)) for length in pixels.shape)
    result: NDArray[np.float32] = resize(
        pixels, shape, order=3, mode="reflect", anti_aliasing=factor < 1, preserve_range=True
    )
    return result.astype(np.float32)


def _called(
    flattened: NDArray[np.float32],
    invalid: NDArray[np.bool_] | None,
    grid: Grid,
    patch_px: int,
) -> NDArray[np.bool_]:
    """Say which windows show anything: their middle has contrast and valid pixels."""
    at_centres = np.ix_(grid.y, grid.x)
    half = patch_px // 2
    contrast = np.sqrt(uniform_filter(flattened**2, half, mode="reflect")[at_centres])
    called: NDArray[np.bool_] = contrast > BLANK_CONTRAST
    if invalid is not None:
        share = resize(invalid.astype(np.float32), flattened.shape, order=1)
        called &= uniform_filter(share, half, mode="reflect")[at_centres] <= MOST_INVALID
    return called


def _in_image_px(
    probability: NDArray[np.float32],
    called: NDArray[np.bool_],
    grid: Grid,
    spec: EnsembleSpec,
    micrograph: Micrograph,
    flattened: NDArray[np.float32],
) -> ProbabilityMap:
    """Express a map of the resampled image in px of the input image."""
    (height, width), (rows, columns) = micrograph.frame_shape, flattened.shape
    return ProbabilityMap(
        probability=np.ascontiguousarray(probability, np.float32),
        y=_rescaled(grid.y, height / rows),
        x=_rescaled(grid.x, width / columns),
        classes=spec.classes,
        called=called,
    )


def _rescaled(centres: NDArray[np.int64], step: float) -> NDArray[np.float32]:
    # Pixel i covers i-0.5 to i+0.5, so edges, not centres, scale.
    return ((centres + 0.5) * step - 0.5).astype(np.float32)
