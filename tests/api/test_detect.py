"""Detection for scripts: the documented example, models, areas and bad input."""

from __future__ import annotations

import doctest
from typing import Any

import numpy as np
import pytest
from lattice_images import lattice_image

import napari_stem_defects as sd
from napari_stem_defects.api import detect as module
from napari_stem_defects.base.progress import Cancelled, Progress


def test_the_example_of_the_docstring() -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_positions_of_an_area_refer_to_the_whole_frame() -> None:
    micrograph = sd.simulate(size=256).micrograph
    found = sd.detect(micrograph, stride=16, device="cpu", area=(128, 128, 256, 256))
    assert all(min(region.y_px, region.x_px) >= 128 for region in found.regions)


@pytest.mark.parametrize(
    "area", [(0, 0, 5), (0.5, 0, 5, 5), [[(0, 0), (1, 1)]], [1, [2, 3]], "0,0,5,5"]
)
def test_values_that_are_no_area_are_rejected(area: Any) -> None:
    with pytest.raises(sd.InputError, match="give"):
        sd.detect(sd.simulate(size=128).micrograph, area=area)


def test_a_missing_frame_is_refused() -> None:
    micrograph = sd.simulate(size=128).micrograph
    with pytest.raises(sd.InputError):
        sd.detect(micrograph, frame=3, device="cpu")


def test_an_unknown_model_is_refused() -> None:
    micrograph = sd.simulate(size=128).micrograph
    with pytest.raises(sd.InputError, match="no-such-model"):
        sd.detect(micrograph, "no-such-model", device="cpu")


def test_the_callback_ends_the_detection() -> None:
    def cancel(progress: Progress) -> None:
        raise Cancelled

    micrograph = sd.simulate(size=256).micrograph
    with pytest.raises(Cancelled):
        sd.detect(micrograph, stride=16, device="cpu", report=cancel)


def test_a_threshold_above_all_probabilities_leaves_no_region() -> None:
    micrograph = sd.simulate(size=256).micrograph
    classes = sd.detect(micrograph, stride=16, device="cpu").regions
    assert classes
    thresholds = dict.fromkeys(np.unique([region.class_name for region in classes]).tolist(), 1.0)
    found = sd.detect(micrograph, stride=16, device="cpu", thresholds=thresholds)
    assert len(found.regions) < len(classes)


def test_no_name_of_zincblende_is_given_to_a_metal_with_its_lattice() -> None:
    """A close-packed metal along [110] has the same geometry, but one column per cell."""
    pixels = lattice_image(15, 1, 70.53, 12, size=256, dose=30)
    found = sd.detect(sd.Micrograph(pixels, "metal"), device="cpu")
    assert found.parameters["model_choice"].startswith("generic names: the lattice is")
    assert "is Bulk to the model cdte-110" in found.parameters["model_choice"]
    assert found.parameters["recognised"] is False
    assert not found.regions
    assert not found.masks[:-1].any()


def test_a_lattice_that_no_special_model_knows_gets_generic_names_at_most() -> None:
    found = sd.detect(sd.Micrograph(lattice_image(15, 1.35, size=192), "other"), device="cpu")
    assert "SF1" not in found.mask_names
    assert not found.regions
    assert found.parameters["recognised"] is False
    assert "rectangular" in found.parameters["recognition"]


def test_an_image_without_a_lattice_has_no_names() -> None:
    noise = np.random.default_rng(0).normal(size=(128, 128)).astype(np.float32)
    found = sd.detect(sd.Micrograph(noise, "noise"), device="cpu")
    assert found.mask_names == ("unknown",)
    assert "no lattice" in found.parameters["recognition"]
