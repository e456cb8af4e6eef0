"""Patches are found in the micrographs that they were cut from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Progress
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.patch_positions import find_patch_centres

PIXELS = np.random.default_rng(0).random((3, 100, 120), np.float32)
IMAGE = Micrograph(PIXELS[0], "parent", sha256="ab" * 32)


def test_the_centre_of_a_crop_is_exact() -> None:
    (centre,) = find_patch_centres(PIXELS[:1, 20:84, 31:95], ["SF1_0"], [IMAGE])
    assert centre.micrograph is IMAGE
    assert (centre.y, centre.x, centre.frame) == (20 + 31.5, 31 + 31.5, 0)


def test_brightness_and_contrast_do_not_matter() -> None:
    (centre,) = find_patch_centres(5 * PIXELS[:1, 20:84, 31:95] - 2, ["SF1_0"], [IMAGE])
    assert (centre.y, centre.x) == (51.5, 62.5)


def test_the_frame_of_a_stack_is_found() -> None:
    stack = replace(IMAGE, pixels=PIXELS)
    (centre,) = find_patch_centres(PIXELS[2:, :64, :64], ["SF1_0"], [stack])
    assert (centre.y, centre.x, centre.frame) == (31.5, 31.5, 2)


def test_a_patch_of_another_image_is_an_image_of_its_own() -> None:
    other = np.random.default_rng(1).random((1, 64, 64), np.float32)
    (centre,) = find_patch_centres(other, ["folder/SF1_7.tif"], [IMAGE])
    assert centre.micrograph.name == "SF1_7"
    np.testing.assert_array_equal(centre.micrograph.pixels, other[0])
    assert (centre.y, centre.x) == (31.5, 31.5)


def test_a_lower_correlation_accepts_an_edited_patch() -> None:
    edited = PIXELS[:1, 20:84, 31:95].copy()
    edited[0, 30:36, 30:36] = 0.5
    names = ["SF1_0"]
    assert find_patch_centres(edited, names, [IMAGE])[0].micrograph is not IMAGE
    (centre,) = find_patch_centres(edited, names, [IMAGE], min_correlation=0.95)
    assert (centre.y, centre.x) == (51.5, 62.5)


def test_progress_is_reported_after_every_patch() -> None:
    steps: list[Progress] = []
    find_patch_centres(PIXELS[:, :64, :64], ["a", "b", "c"], [], report=steps.append)
    assert [(step.done, step.total) for step in steps] == [(1, 3), (2, 3), (3, 3)]


def test_an_image_smaller_than_the_patches_is_refused() -> None:
    with pytest.raises(LabelError, match="parent: smaller than the patches"):
        find_patch_centres(np.zeros((1, 64, 128), np.float32), ["SF1_0"], [IMAGE])
