"""The geometry of a training set is that of its images, if they show one crystal."""

from __future__ import annotations

import numpy as np
import pytest
from lattice_images import lattice_image

from napari_stem_defects.training.dataset import TrainingSet
from napari_stem_defects.training.lattice_geometry import measure_geometry


def data_of(*images: np.ndarray, pixel_size_nm: float | None = None) -> TrainingSet:
    """Return a training set with one Bulk site in each image."""
    count = len(images)
    middle = np.full(count, 64.0)
    return TrainingSet(
        images=images,
        classes=("Bulk",),
        labels=("Bulk",) * count,
        image=np.arange(count),
        y=middle,
        x=middle,
        targets=np.ones((count, 1), np.float32),
        source=np.arange(count),
        source_y=middle,
        source_x=middle,
        extent_px=np.full(count, 8.0),
        pixel_size_nm=pixel_size_nm,
    )


def hexagonal(turn: float) -> np.ndarray:
    return lattice_image(12, 1, 60, turn, size=160, dose=30)


def test_the_images_give_angle_ratio_and_spacing() -> None:
    geometry = measure_geometry(data_of(*map(hexagonal, (0, 20, 40)), pixel_size_nm=0.02))
    assert geometry is not None
    assert geometry.angle_deg == pytest.approx(60, abs=0.5)
    assert geometry.ratio == pytest.approx(1, abs=0.01)
    assert geometry.spacing_nm == pytest.approx(12 * np.sqrt(0.75) * 0.02, rel=0.01)
    uncalibrated = measure_geometry(data_of(hexagonal(5)))
    assert uncalibrated is not None
    assert uncalibrated.spacing_nm is None


def test_images_without_sites_do_not_count() -> None:
    data = data_of(hexagonal(0), lattice_image(12, size=160))
    geometry = measure_geometry(data.subset(np.array([True, False])))
    assert geometry is not None
    assert geometry.angle_deg == pytest.approx(60, abs=0.5)


def test_no_lattice_or_several_crystals_have_no_geometry() -> None:
    noise = np.random.default_rng(0).normal(size=(160, 160)).astype(np.float32)
    assert measure_geometry(data_of(noise)) is None
    two = [hexagonal(0), lattice_image(12, 1.4, size=160)]
    assert measure_geometry(data_of(*two)) is None
