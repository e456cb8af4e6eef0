"""Ensembles are loaded by the name in the library or by their file."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_model import write_small_model

import napari_stem_defects as sd


def test_a_pretrained_ensemble_is_loaded_by_its_name() -> None:
    assert sd.load_model(sd.DEFAULT_MODEL).spec.name == sd.DEFAULT_MODEL


def test_a_file_is_loaded_by_its_path(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    assert sd.load_model(path).spec.name == "small"
    assert sd.load_model(str(path)).sha256 == sd.load_model(path).sha256


def test_a_name_that_is_not_there_lists_those_that_are() -> None:
    with pytest.raises(sd.InputError, match=r"no such model.*cdte-110"):
        sd.load_model("cdte-111")
