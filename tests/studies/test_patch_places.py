"""Where patches were cut, and which of them do not show their defect."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "studies"))

from patch_places import depth_px, outside

CENTRES = [(40.0, 50.0), (100.0, 20.0)]


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (140, 140)).astype(np.float32)


@pytest.mark.parametrize(("corner", "depth"), [((20, 30), 11), ((41, 44), -1), ((60, 60), -20)])
def test_the_depth_is_that_of_the_nearest_defect(image, corner, depth):
    patch = image[corner[0] : corner[0] + 32, corner[1] : corner[1] + 32]
    assert depth_px(patch, image, CENTRES) == depth


def test_a_patch_of_another_image_is_refused(image):
    with pytest.raises(ValueError, match="no crop of the image"):
        depth_px(np.random.default_rng(1).normal(size=(32, 32)).astype(np.float32), image, CENTRES)


def test_patches_that_miss_their_defect_are_listed(image, tmp_path):
    folder, images = tmp_path / "patches" / "DataSet_STO", tmp_path / "images"
    folder.mkdir(parents=True)
    images.mkdir()
    tifffile.imwrite(images / "made.tif", image.astype(np.uint8))
    known = {"made.tif": {"class": "Mis", "points_yx": CENTRES}}
    (images / "point_defects.json").write_text(json.dumps(known))
    for number, (y, x) in enumerate([(20, 30), (41, 44)]):
        tifffile.imwrite(
            folder / f"Mis_{number}.tif", image[y : y + 32, x : x + 32].astype(np.uint8)
        )
    assert outside(tmp_path, "STO") == {"Mis": {"patches": 2, "outside": {"Mis_1.tif": -1.0}}}
