"""Pixel sizes that no crystal has are stated with what the planes would be."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.lattice.plausible_scale import implausible_scale
from napari_stem_defects.lattice.unit_cell import UnitCell, unit_cell


def cell(period_px: float = 20.0) -> UnitCell:
    return unit_cell(np.eye(2) / period_px, np.zeros((2, 2)), 1.0)


@pytest.mark.parametrize("size", [0.01, 0.02, 0.2])
def test_lattices_of_crystals_are_not_mentioned(size: float) -> None:
    assert implausible_scale(cell(), size) == ""


@pytest.mark.parametrize(("size", "spacing"), [(50.0, "1e+03 nm"), (0.001, "0.02 nm")])
def test_value_spacing_and_remedy_are_named(size: float, spacing: str) -> None:
    text = implausible_scale(cell(), size)
    assert f"{size:.4g} nm per px" in text
    assert f"{spacing} apart" in text
    assert "check the pixel size and its unit" in text
    assert "\n" not in text


def test_without_lattice_or_size_there_is_nothing_to_say() -> None:
    assert implausible_scale(None, 50.0) == implausible_scale(cell(), None) == ""
