"""The study of how many places a survey lists, in miniature, and its sections of the page."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import survey_counts
from few_clicks_page import page
from survey_counts import LATTICES, Image, counts_of, image_of

import napari_stem_defects as sd


@pytest.mark.parametrize("lattice", LATTICES, ids=lambda lattice: lattice.name)
def test_an_image_has_its_columns_and_one_less(lattice: survey_counts.Lattice) -> None:
    perfect, one = (image_of(lattice, 8, None, 1, one=one) for one in (False, True))
    assert not len(perfect.missing)
    (place,) = one.missing
    assert np.abs(place - 4 * lattice.period).max() < 1.2 * lattice.period
    lost = perfect.micrograph.pixels - one.micrograph.pixels
    at = np.unravel_index(lost.argmax(), lost.shape)
    assert np.hypot(*(at - place)) < 0.1 * lattice.period
    first, second = lattice.crystal().base
    assert abs(np.linalg.det([first, second])) == pytest.approx(lattice.period**2)


def test_a_share_of_a_site_is_missing() -> None:
    image = image_of(LATTICES[1], 30, 4000, 1, share=0.2)
    assert 0.15 < len(image.missing) / 36**2 < 0.25


def test_places_are_counted() -> None:
    lattice = LATTICES[0]
    image = image_of(lattice, 11, 20_000, 0, one=True)
    counts = counts_of(image, lattice.period)
    assert (counts["missing"], counts["found"]) == (1, 1)
    elsewhere = Image(image.micrograph, image.missing + 2 * lattice.period)
    other = counts_of(elsewhere, lattice.period)
    assert (other["found"], other["other"]) == (0, counts["other"] + 1)
    empty = Image(sd.Micrograph(np.zeros((90, 90), np.float32), "empty"), np.zeros((0, 2)))
    assert counts_of(empty, lattice.period) == {"missing": 0, "found": 0, "other": 0}


def test_the_page_states_the_figures() -> None:
    figures = json.loads(survey_counts.FIGURES.read_text())
    shown = page([], few_periods=figures["few_periods"], crowds=figures["crowds"])
    assert "## Surveys of few periods" in shown
    crowd = [each for each in figures["crowds"] if each["share"] == 0.1 and not each["remaining"]]
    mine = [each for each in crowd if each["group"] == "report"]
    found, missing = (sum(each[name] for each in mine) for name in ("found", "missing"))
    cells = " ".join(shown.split())
    assert f"| report | 10 % | 0 | {found} of {missing} |" in cells
