"""Detections with known defects, for tests of reports and exports."""

from __future__ import annotations

import numpy as np

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap

CLASSES = ("Bulk", "SF1", "Vacancy_CdTe", "interstitial")
MODEL = {"name": "cdte-110", "sha256": "cd" * 32}


def micrograph(
    name: str = "lamella",
    *,
    frames: int | None = None,
    shape: tuple[int, int] = (96, 128),
    seed: int = 0,
) -> Micrograph:
    """Return noise, calibrated with 0.05 nm per px; without ``frames`` a single image."""
    size = shape if frames is None else (frames, *shape)
    pixels = np.random.default_rng(seed).random(size).astype(np.float32)
    return Micrograph(pixels, name, 0.05, "file", sha256=f"{seed:064x}")


def detection(
    of: Micrograph,
    frame: int = 0,
    *,
    empty: bool = False,
    nm: float | None = 0.05,
    threshold: float = 0.5,
    classes: tuple[DefectClass, ...] = (),
) -> Detection:
    """Return a vertical fault, two vacancies and an unknown corner, or no defect at all."""
    y, x = (np.arange(3, size, 8, dtype=np.float32) for size in of.frame_shape)
    probability = np.zeros((len(CLASSES), y.size, x.size), np.float32)
    probability[0] = 0.9
    if not empty:
        probability[:, :, 4:6] = np.array([0.1, 0.8 + frame / 100, 0.1, 0.0])[:, None, None]
        probability[:, 3, [8, 12]] = np.array([0.1, 0.0, 0.9, 0.2])[:, None]
        probability[:, -3:, -3:] = 0.1
    prediction = ProbabilityMap(
        probability, y, x, CLASSES, np.ones((y.size, x.size), bool), classes
    )
    limits = dict.fromkeys(CLASSES, threshold)
    stack = masks_from_probability(prediction, of.frame_shape, limits)
    return Detection(
        image=of.name,
        frame=frame,
        map=prediction,
        mask_stack=stack,
        regions=measure_regions(prediction, stack, image=of.name, frame=frame, pixel_size_nm=nm),
        pixel_size_nm=nm,
        parameters={"stride_px": 8, "thresholds": limits, "pixel_size_source": "file"},
        seconds=0.25,
    )
