"""An image that no model fits is unknown as a whole, and its result states why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from lattice_images import lattice_image

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.nothing_fits import nothing_fits
from napari_stem_defects.io.results.read_results import read_results, read_summary
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.lattice.measurement import measure_lattices

if TYPE_CHECKING:
    from pathlib import Path

PIXELS = lattice_image(12.0, 1.0, 60.0, size=130)


def test_all_valid_pixels_are_unknown() -> None:
    invalid = np.zeros(PIXELS.shape, bool)
    invalid[:40] = True
    found = nothing_fits(
        Micrograph(PIXELS, "a", invalid=invalid), measure_lattices(PIXELS), "not recognised: x", 3
    )
    assert found.frame == 3
    assert found.mask_names == ("unknown",)
    assert not found.regions
    assert found.masks[0][60:].all()
    assert not found.masks[0][:39].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 4), (5, 5), (8, 17)])
def test_images_of_a_few_pixels_have_a_result(shape: tuple[int, int]) -> None:
    pixels = np.zeros(shape, np.float32)
    found = nothing_fits(Micrograph(pixels, "a"), measure_lattices(pixels), "not recognised: x")
    assert found.masks.shape == (1, *shape)
    assert found.masks.all()


def test_the_result_files_state_the_reason_and_can_be_read(tmp_path: Path) -> None:
    micrograph = Micrograph(PIXELS, "a", 0.02, "file", sha256="0" * 64)
    found = nothing_fits(micrograph, measure_lattices(PIXELS), "not recognised: x")
    folder = write_results(tmp_path, micrograph, [found], {"name": "none", "sha256": ""})
    summary = read_summary(folder)
    assert summary["recognised"] is False
    assert summary["model_choice"] == summary["recognition"] == "not recognised: x"
    assert summary["lattice"]["symmetry"] == "hexagonal"
    assert summary["counts"] == {}
    assert summary["unknown_fraction"] == 1
    assert summary["recognised_fraction"] == 0
    assert not read_results(folder)[0].regions
