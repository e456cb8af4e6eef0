"""The stages of preprocessing for scripts."""

from __future__ import annotations

import numpy as np

import napari_stem_defects as sd


def test_a_micrograph_is_taken_as_its_pixels_are() -> None:
    micrograph = sd.simulate(size=96).micrograph
    stack = sd.Micrograph(np.stack([micrograph.pixels[::-1], micrograph.pixels]), "stack")
    expected = sd.preprocess(micrograph.pixels, sd.PreprocessingSettings())
    for found in (sd.preprocess(micrograph), sd.preprocess(stack, frame=1)):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other)
