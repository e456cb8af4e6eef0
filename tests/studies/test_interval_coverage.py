"""The study of the intervals: its figures are there, hold, and come from the script."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
from interval_coverage import KINDS, SCENES, TARGET, coverage


def test_a_few_scenes_of_each_kind_run() -> None:
    for scene in KINDS.values():
        assert 0.75 <= coverage(scene, 40) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_cover_as_often_as_they_state(kind: str) -> None:
    figures = json.loads(TARGET.read_text(encoding="utf-8"))
    assert figures["scenes"] == SCENES
    # Those of lengths are wider by design: few lines tell little about how unequal lengths are.
    assert 0.93 <= figures["covered"][kind] <= (0.98 if "lengths" in kind else 0.97)


def test_the_page_states_these_figures() -> None:
    page = (Path(__file__).parents[2] / "docs" / "method.md").read_text(encoding="utf-8")
    for share in json.loads(TARGET.read_text(encoding="utf-8"))["covered"].values():
        assert f"{100 * share:.1f} %" in page
