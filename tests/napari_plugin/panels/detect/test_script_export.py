"""Settings of a detection as Python script and as command."""

from __future__ import annotations

import ast
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.cli.main import build_parser
from napari_stem_defects.napari_plugin.panels.detect.script_export import DetectScript

CHOSEN = DetectScript(
    Path("my images/a.dm4"),
    0.031234567890123,
    "cdte-110",
    4,
    "cpu",
    frames=(2,),
    area=SearchArea.rectangle(0, 10, 100, 200),
    thresholds={"SF1": 0.1 + 0.2},
    corrections=1,
)
PLAIN = DetectScript(None, None, "cdte-110", 8, "auto")


@pytest.mark.parametrize("script", [CHOSEN, PLAIN])
def test_the_python_script_is_valid(script: DetectScript) -> None:
    ast.parse(script.python())


def test_the_python_script_contains_settings_that_differ_from_the_defaults() -> None:
    text = CHOSEN.python()
    assert "pixel_size_nm=0.031234567890123" in text
    assert "frame=2, stride=4, device='cpu', area=[0, 10, 100, 200]" in text
    assert "thresholds={'SF1': 0.30000000000000004}" in text
    assert "1 regions were corrected by hand; not repeated here" in text
    assert "thresholds" not in PLAIN.python()


def test_the_command_line_parses_the_command() -> None:
    words = shlex.split(CHOSEN.command(), comments=True)
    options = build_parser().parse_args(words[1:])
    assert options.stride == 4
    assert options.pixel_size == 0.031234567890123
    assert options.device == "cpu"
    assert (options.frames, options.area) == ((2,), CHOSEN.area)
    assert options.thresholds == {"SF1": 0.1 + 0.2}


def test_outlines_are_written_in_full() -> None:
    area = SearchArea(
        (((-3.5, 1.0), (40.1, 2.0), (20.0, 60.7)), ((1.0, 1.0), (1.0, 9.0), (9.0, 1.0)))
    )
    script = replace(CHOSEN, area=area)
    words = shlex.split(script.command(), comments=True)
    assert build_parser().parse_args(words[1:]).area == area
    assert f"area={area.to_json()}" in script.python()


def test_frames_of_a_stack_become_a_loop() -> None:
    script = DetectScript(Path("a.tif"), None, "cdte-110", 8, "auto", frames=(0, 1, 2))
    assert "results = [sd.detect(micrograph, 'cdte-110', frame=frame," in script.python()


def test_a_contrast_that_was_chosen_is_repeated() -> None:
    script = DetectScript(Path("a.tif"), None, "auto", 8, "auto", contrast="dark")
    assert "contrast='dark'" in script.python()
    assert "--contrast dark" in script.command()
    plain = DetectScript(Path("a.tif"), None, "auto", 8, "auto")
    assert "contrast" not in plain.python() + plain.command()
