"""The steps that the docstring of the package lists exist under these names."""

from __future__ import annotations

import importlib
import inspect
import re

import pytest

import napari_stem_defects
from napari_stem_defects import detection

STEPS = re.findall(r"`(\w+(?:\.\w+)+)`", inspect.getdoc(detection) or "")


def test_the_docstring_lists_the_nine_steps_in_order() -> None:
    numbered = re.findall(r"^(\d)\. `(\w+)\.", inspect.getdoc(detection) or "", re.MULTILINE)
    assert [int(number) for number, _ in numbered] == list(range(1, 10))
    packages = list(dict.fromkeys(package for _, package in numbered))
    assert packages == ["lattice", "preprocessing", "inference", "detection", "postprocessing"]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_the_docstring_is_a_function(step: str) -> None:
    module, name = step.rsplit(".", 1)
    imported = importlib.import_module(f"{napari_stem_defects.__name__}.{module}")
    assert inspect.isfunction(getattr(imported, name))
