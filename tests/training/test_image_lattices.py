"""Lattices of the images of a training set are measured once."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.training import image_lattices
from napari_stem_defects.training.image_lattices import ImageLattices, images_with_sites


def waves(period: float) -> np.ndarray:
    y, x = np.mgrid[:96, :96]
    return (np.cos(2 * np.pi * y / period) + np.cos(2 * np.pi * x / period)).astype(np.float32)


def test_each_image_is_measured_once_when_it_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = []

    def counted(pixels: np.ndarray) -> object:
        measured.append(pixels)
        return measure_lattices(pixels)

    monkeypatch.setattr(image_lattices, "measure_lattices", counted)
    images = [waves(8), waves(11), waves(14)]
    lattices = ImageLattices(images)
    assert not measured
    for _ in range(2):
        for index in (2, 0):
            assert lattices[index].cell.period_px == pytest.approx((8, 11, 14)[index], abs=0.1)
    assert [id(each) for each in measured] == [id(images[2]), id(images[0])]


def test_images_with_sites_are_chosen_evenly() -> None:
    data = SimpleNamespace(image=np.repeat(np.arange(3, 14), 2))
    assert images_with_sites(data, 20).tolist() == list(range(3, 14))
    assert images_with_sites(data, 3).tolist() == [3, 8, 13]
