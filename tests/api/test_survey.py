"""The verb ``survey``."""

from __future__ import annotations

import numpy as np
import pytest
from crystal_images import crystal_image

import napari_stem_defects as sd
from napari_stem_defects.errors import InputError


def test_a_frame_of_a_stack_is_surveyed() -> None:
    image = crystal_image(missing=6)
    stack = sd.Micrograph(np.stack([np.zeros_like(image.pixels), image.pixels]), "movie")
    survey = sd.survey(stack, frame=1)
    assert survey.frame == 1
    assert len(survey.candidates) >= 6
    assert sd.survey(stack).candidates == ()


def test_a_frame_that_does_not_exist_is_named() -> None:
    with pytest.raises(InputError, match="there is no frame 3"):
        sd.survey(sd.Micrograph(np.zeros((96, 96), np.float32), "image"), frame=3)
