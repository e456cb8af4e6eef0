"""A model recognises its crystal in some part of an image, and no other crystal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lattice_images import lattice_image

import napari_stem_defects as sd
from napari_stem_defects.detection import recognised_part
from napari_stem_defects.detection.recognised_part import recognise_part
from napari_stem_defects.errors import InputError
from napari_stem_defects.lattice.measurement import measure_lattices

if TYPE_CHECKING:
    from napari_stem_defects.detection.recognition import Recognition


def recognised(pixels: np.ndarray, model: str) -> Recognition:
    micrograph = sd.Micrograph(pixels, "a")
    return recognise_part(micrograph, sd.load_model(model), measure_lattices(pixels))


@pytest.mark.parametrize("crystal", ["cdte-110", "sto-001"])
def test_a_model_recognises_its_crystal_without_a_pixel_size(crystal: str) -> None:
    pixels = sd.simulate(crystal, size=256, seed=4).micrograph.pixels
    assert recognised(pixels, crystal).recognised


def test_a_metal_with_the_same_geometry_is_another_crystal() -> None:
    found = recognised(lattice_image(15, 1, 70.53, 12, size=256, dose=30), "cdte-110")
    assert not found.recognised
    assert "is Bulk to the model cdte-110" in found.reason


def test_one_part_of_a_large_image_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """The middle shows a film; the crystal is in one corner."""
    monkeypatch.setattr(recognised_part, "_WHOLE_PX", 256)
    monkeypatch.setattr(recognised_part, "_PART_PX", 128)
    crystal = sd.simulate("sto-001", size=384, seed=4).micrograph.pixels
    film = np.random.default_rng(0).normal(crystal.mean(), crystal.std(), crystal.shape)
    pixels = np.where(np.add.outer(np.arange(384), np.arange(384)) < 330, crystal, film)
    assert recognised(pixels.astype(np.float32), "sto-001").recognised


def test_an_image_smaller_than_a_window_is_refused() -> None:
    with pytest.raises(InputError, match="small"):
        recognised(lattice_image(8, 1, 90, size=48), "sto-001")
