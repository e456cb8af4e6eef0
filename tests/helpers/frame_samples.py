"""Noise images, a small ensemble and predictions for tests of detection in one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.member import collect_weights, new_member
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from napari_stem_defects.postprocessing.results import Detection
    from napari_stem_defects.preprocessing.windows import Grid

MODEL_PX_NM = 0.027
SPEC = EnsembleSpec(
    "small",
    ("Bulk", "SF1", "Vacancy_CdTe"),
    preprocessing=PreprocessingSettings(),
    architecture=Architecture(channels=(4, 8), hidden=8),
    pixel_size_nm=MODEL_PX_NM,
    lattice_nm=0.3742,
)


def ensemble_of(spec: EnsembleSpec = SPEC) -> Ensemble:
    """Return an ensemble with random weights."""
    torch.manual_seed(0)
    return Ensemble(spec, collect_weights([[new_member(spec).eval()] for _ in spec.classes]))


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Return an image of uniform noise."""
    return np.random.default_rng(seed).random((height, width), dtype=np.float32)


def micrograph(
    pixels: np.ndarray, pixel_size_nm: float | None = MODEL_PX_NM, **more: Any
) -> Micrograph:
    """Return pixels as a micrograph whose pixel size, if any, comes from its file."""
    source = "unknown" if pixel_size_nm is None else "file"
    return Micrograph(pixels, "image", pixel_size_nm, source, **more)


def detect(image: Micrograph, ensemble: Ensemble, **more: Any) -> Detection:
    """Detect on the CPU in the exact mode."""
    return detect_frame(image, ensemble, **{"device": "cpu", "mode": "exact", **more})


def certain(name: str) -> Any:
    """Return a prediction that assigns every window to one class."""

    def predicted(filtered: np.ndarray, grid: Grid) -> np.ndarray:
        probability = np.zeros((3, len(grid.y), len(grid.x)))
        probability[SPEC.classes.index(name)] = 1
        return probability

    return predicted


def matched(filtered: np.ndarray, grid: Grid) -> np.ndarray:
    """Predict like a matched filter: a vacancy where a bright blob is, Bulk elsewhere."""
    response = gaussian_filter(filtered, 2, mode="constant")[np.ix_(grid.y, grid.x)]
    probability = np.zeros((3, *response.shape))
    probability[2] = np.clip(response / response.max(), 0, 1)
    probability[0] = 1 - probability[2]
    return probability
