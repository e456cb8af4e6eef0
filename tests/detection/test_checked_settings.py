"""Settings of a detection that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from small_ensemble import small_ensemble

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.checked_settings import (
    all_thresholds,
    check_size,
    checked_stride,
    stride_statement,
)
from napari_stem_defects.errors import InputError
from napari_stem_defects.inference.dense import quicker_stride


def test_a_stack_and_a_small_image_are_refused() -> None:
    stack = Micrograph(np.zeros((2, 80, 80), np.float32), "movie")
    with pytest.raises(InputError, match="movie: a stack; detect its frames one by one"):
        check_size(stack)
    with pytest.raises(InputError, match=r"tiny: 80 x 63 px.* is smaller than one window"):
        check_size(Micrograph(np.zeros((63, 80), np.float32), "tiny"))
    check_size(stack.frame(0))


def test_a_stride_that_leaves_gaps_is_refused() -> None:
    spec = small_ensemble().spec
    width = spec.preprocessing.patch_px
    assert checked_stride(None, spec) == spec.inference.stride_px
    assert checked_stride(width, spec) == width
    with pytest.raises(InputError, match="leaves gaps between windows"):
        checked_stride(width + 1, spec)


def test_only_classes_of_the_model_have_thresholds() -> None:
    spec = small_ensemble().spec
    name = spec.classes[1]
    limits = all_thresholds({name: 0.25}, spec)
    assert limits[name] == 0.25
    assert set(limits) == set(spec.classes)
    with pytest.raises(InputError, match="threshold for Nothing: the model knows only"):
        all_thresholds({"Nothing": 0.5}, spec)


def test_a_fine_step_that_takes_longer_is_stated() -> None:
    spec = small_ensemble().spec
    found = {stride: stride_statement(stride, spec) for stride in range(1, 17)}
    assert found[8] == found[16] == {}
    stated = [each for each in found.values() if each]
    assert all("multiples of" in each["stride_statement"] for each in stated)
    assert len(stated) == sum(quicker_stride(spec, stride) is not None for stride in found)
