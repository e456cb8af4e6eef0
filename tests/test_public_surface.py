"""The public verbs: there, lazy, and usable as the README says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_model import write_small_model

import napari_stem_defects as sd
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.model_file import load_model

if TYPE_CHECKING:
    from pathlib import Path


def test_all_verbs_are_there() -> None:
    for name in sd.__all__:
        assert getattr(sd, name) is not None
    assert set(sd.__all__) <= set(dir(sd))


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'infer'"):
        _ = sd.infer


def test_models_are_taken_by_file_and_loaded(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    micrograph = sd.simulate(size=128).micrograph
    by_file = sd.detect(micrograph, path, stride=32, device="cpu")
    loaded = sd.detect(micrograph, load_model(path), stride=32, device="cpu")
    np.testing.assert_array_equal(by_file.map.probability, loaded.map.probability)
    assert by_file.pixel_size_nm == micrograph.pixel_size_nm


def test_a_missing_frame_is_an_input_error(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    with pytest.raises(InputError, match="there is no frame 1"):
        sd.detect(sd.simulate(size=128).micrograph, path, frame=1)
