"""A window's settings as Python and as a command."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from napari_stem_defects.app.models.script import DetectScript
from napari_stem_defects.cli import build_parser

CHOSEN = DetectScript(Path("my images/a.dm4"), 0.0312, "cdte-110", 4, "cpu", 2, {"SF1": 0.25})
PLAIN = DetectScript(None, None, "cdte-110", 8, "auto")


@pytest.mark.parametrize("script", [CHOSEN, PLAIN])
def test_python_runs_as_it_stands(script: DetectScript) -> None:
    ast.parse(script.python())


def test_python_names_what_differs() -> None:
    text = CHOSEN.python()
    assert "pixel_size_nm=0.0312" in text
    assert "frame=2, stride=4, device='cpu', thresholds={'SF1': 0.25}" in text
    assert "thresholds" not in PLAIN.python()


def test_the_command_is_understood_by_the_command_line() -> None:
    import shlex

    options = build_parser().parse_args(shlex.split(CHOSEN.command())[1:])
    assert options.stride == 4
    assert options.pixel_size == 0.0312
    assert options.device == "cpu"
