"""Public micrographs have bright columns; inverted, they have dark ones."""

from __future__ import annotations

from pathlib import Path

import pytest

import napari_stem_defects as sd
from napari_stem_defects.anomaly.contrast import column_contrast
from napari_stem_defects.lattice.measurement import measure_lattices

NAMES = (
    "images/CdTe_Training_Image.tif",
    "images/CdTe_interstitials.tif",
    "images/STO_Training_Image.jpg",
    "images/STO_missing.tif",
    "other/Si110_clean.png",
    "wse2/frame_02.dm4",
)


@pytest.mark.parametrize("name", NAMES)
def test_real_images_are_not_inverted_by_mistake(data_dir: Path, name: str) -> None:
    pixels = sd.read(data_dir / name).pixels
    cells = measure_lattices(pixels).cells
    assert cells
    assert column_contrast(pixels, cells) != "dark"
    assert column_contrast(-pixels, cells) == "dark"
