"""Training and evaluation for scripts: documented examples and places of files."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import napari_stem_defects as sd
from napari_stem_defects.api import train as module


def test_the_examples_of_the_docstrings() -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0


def test_checkpoints_lie_beside_the_model() -> None:
    folder = module.checkpoint_folder(Path("models") / "mine.safetensors")
    assert folder == Path("models") / "mine.checkpoint"


def test_a_loaded_ensemble_is_evaluated_as_its_name_is() -> None:
    for model in ("cdte-110", sd.load_model("cdte-110")):
        with pytest.raises(sd.InputError, match="nowhere"):
            sd.evaluate(model, ["nowhere.labels"])
