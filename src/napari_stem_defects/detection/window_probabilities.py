"""Probabilities of all windows of a frame, as the networks of an ensemble see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.progress import ProgressCallback, silent
from napari_stem_defects.detection.valid_windows import valid_windows
from napari_stem_defects.inference.spatial_averaging import average_logits
from napari_stem_defects.lattice.scale import resample, scale_positions
from napari_stem_defects.postprocessing.results import ProbabilityMap
from napari_stem_defects.preprocessing.pipeline import filter_lazily
from napari_stem_defects.preprocessing.windows import window_grid

if TYPE_CHECKING:
    from napari_stem_defects.inference.predict import PartialCallback
    from napari_stem_defects.inference.strategy import InferenceMode
    from napari_stem_defects.lattice.scale import ScaleMatch
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.tiled import FilteredImage


def window_probabilities(
    scale: ScaleMatch,
    ensemble: Ensemble,
    stride: int,
    device: str = "cpu",
    mode: InferenceMode = "fast",
    report: ProgressCallback = silent,
    watch: PartialCallback | None = None,
) -> tuple[ProbabilityMap, FilteredImage]:
    """Return the probabilities of all windows, and the filtered image.

    Parameters
    ----------
    scale : ScaleMatch
        One frame, and how it is resampled for the ensemble.
    ensemble : Ensemble
        Of patches.
    stride : int
        Step between windows in px at the pixel size of the ensemble.
    device : {"cpu", "cuda", "mps"}
    mode : {"fast", "exact"}
        See `inference.predict.predict`.
    report : callable
        Gets the progress after every batch of windows.
    watch : callable, optional
        Gets the probabilities so far.

    Returns
    -------
    found : ProbabilityMap
        Centres of windows are in px of the micrograph.
    filtered : FilteredImage
        At the pixel size of the ensemble.
    """
    # Imported here so that panels and quick models can use the package without loading torch.
    from napari_stem_defects.inference.predict import predict

    spec, image = ensemble.spec, scale.micrograph
    filtered = filter_lazily(resample(image.pixels, scale.factor), spec.preprocessing)
    rows, columns = filtered.shape
    grid = window_grid((rows, columns), stride, spec.inference.margin_px)
    probability = predict(
        filtered, ensemble, grid, device=device, mode=mode, report=report, watch=watch
    )
    probability = average_logits(probability, grid, spec.inference.averaging_px)
    valid = valid_windows(filtered, image.invalid, grid, spec.preprocessing)
    probability *= valid
    height, width = image.frame_shape
    y = scale_positions(grid.y, height / rows).astype(np.float32)
    x = scale_positions(grid.x, width / columns).astype(np.float32)
    return ProbabilityMap(probability, y, x, spec.classes, valid, spec.class_data), filtered
