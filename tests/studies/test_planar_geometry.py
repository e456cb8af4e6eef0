"""The study of planar geometry measures its own cost."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
from planar_geometry import cost


def test_what_lines_cost_is_a_part_of_the_path() -> None:
    found = cost(size=320, runs=2)
    assert found["lines"] > 0
    assert found["place_s"] > 0 < found["check_s"]
    assert found["place_s"] + found["check_s"] < found["whole_s"]
