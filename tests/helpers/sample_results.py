"""Results of a small detection with a known fault and junction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_stem_defects import __version__
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.io.models.library import ModelEntry
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.postprocessing.results import ProbabilityMap

CLASSES = ("Bulk", "SF1", "LC")
SHAPE = (96, 80)
PROVENANCE = {
    "model": {"name": "small", "sha256": "abc"},
    "image": {"name": "CdTe", "path": "CdTe.tif", "sha256": "def"},
    "version": __version__,
}


def probability_map() -> ProbabilityMap:
    """Return a map with a fault along the left and a junction at the right."""
    y, x = np.arange(0, 96, 8, dtype=np.float32), np.arange(0, 80, 8, dtype=np.float32)
    values = np.zeros((3, len(y), len(x)), np.float32)
    values[0] = 0.9
    values[:, :, 2] = np.array([0.1, 0.8, 0.0])[:, None]
    values[:, 6, 7] = [0.1, 0.0, 0.6]
    return ProbabilityMap(values, y, x, CLASSES, np.ones(values.shape[1:], bool))


def result(frame: int = 0, pixel_size_nm: float | None = 0.03, **thresholds: float) -> FrameResult:
    """Return the masks and regions of the map at thresholds of 0.5, or those given."""
    micrograph = Micrograph(np.zeros(SHAPE, np.float32), "CdTe", pixel_size_nm)
    limits = dict.fromkeys(CLASSES, 0.5) | thresholds
    found = FrameResult.from_probability(
        probability_map(), micrograph, frame, {"thresholds": limits}
    )
    return replace(found, provenance=PROVENANCE)


def model_entry() -> ModelEntry:
    """Return an entry of the library without a file."""
    spec = EnsembleSpec(name="small", classes=CLASSES, pixel_size_nm=0.03)
    return ModelEntry("small", Path("small.safetensors"), "user", spec)
