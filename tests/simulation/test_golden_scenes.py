"""Scenes keep the pixels and the ground truth that models were trained on.

``golden_scenes.json`` holds numbers of an earlier version: four pixels and the sum of the image,
points, lines, and the sizes of the masks and of the crystal.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_stem_defects.simulation.random_scenes import (
    FAMILIES,
    NEGATIVE_FAMILIES,
    OUT_OF_DISTRIBUTION_FAMILIES,
)
from napari_stem_defects.simulation.simulate import (
    CRYSTALS,
    Simulation,
    available_defects,
    random_scene,
    simulate,
)
from napari_stem_defects.simulation.synthetic_edits import add_synthetic_defects

GOLDEN: dict[str, Any] = json.loads(
    Path(__file__).with_name("golden_scenes.json").read_text(encoding="utf-8")
)
FEATURES = [
    (crystal, defects)
    for crystal in CRYSTALS
    for defects in ("showcase", "perfect", *available_defects(crystal))
]
SCENES = [
    (crystal, family)
    for crystal in CRYSTALS
    for family in (*FAMILIES[crystal], *NEGATIVE_FAMILIES, *OUT_OF_DISTRIBUTION_FAMILIES)
]


def check(made: Simulation, golden: dict[str, Any]) -> None:
    """Compare a simulation with its golden numbers."""
    pixels = made.micrograph.pixels
    found = [float(pixels[at]) for at in ((0, 0), (5, 7), (33, 60), (-1, -9))]
    assert found == pytest.approx(golden["pixels"], rel=1e-4, abs=1e-4)
    assert pixels.sum(dtype=np.float64) == pytest.approx(golden["pixel_sum"], rel=1e-6)
    assert [point[0] for point in made.points] == [point[0] for point in golden["points"]]
    for point, expected in zip(made.points, golden["points"], strict=True):
        assert point[1:] == pytest.approx(expected[1:], abs=1e-3)
    assert [line.class_name for line in made.lines] == [line[0] for line in golden["lines"]]
    for line, expected in zip(made.lines, golden["lines"], strict=True):
        numbers = (*line.start, *line.end, line.half_width_px)
        assert numbers == pytest.approx(expected[1:], abs=2e-3)
    masks = {name: int(mask.sum()) for name, mask in made.masks.items()}
    assert masks == pytest.approx(golden["mask_sums"], abs=2)
    assert made.crystal.sum(dtype=np.float64) == pytest.approx(golden["crystal_sum"], rel=1e-5)


@pytest.mark.parametrize(("crystal", "defects"), FEATURES)
def test_simulated_images_keep_their_numbers(crystal: str, defects: str) -> None:
    names = {"showcase": None, "perfect": ()}.get(defects, (defects,))
    made = simulate(crystal, defects=names, size=96, seed=5)
    check(made, GOLDEN[f"simulate {crystal} {defects} 5"])


@pytest.mark.parametrize(("crystal", "family"), SCENES)
def test_random_scenes_keep_their_numbers(crystal: str, family: str) -> None:
    made = random_scene(np.random.default_rng(3), crystal=crystal, family=family, size=96)
    check(made, GOLDEN[f"random {crystal} {family} 3"])


def test_synthetic_defects_keep_their_numbers() -> None:
    image = simulate(defects=[], size=160, seed=2).micrograph
    made = add_synthetic_defects(
        image, np.ones((160, 160), bool), vacancies=3, interstitials=2, seed=4
    )
    golden = GOLDEN["edits"]
    assert made.vacancies == tuple(map(tuple, golden["vacancies"]))
    assert made.interstitials == tuple(map(tuple, golden["interstitials"]))
    assert made.pixels.sum(dtype=np.float64) == pytest.approx(golden["pixel_sum"], rel=1e-6)
    at = [float(made.pixels[int(y), int(x)]) for y, x in (*made.vacancies, *made.interstitials)]
    assert at == pytest.approx(golden["at"], rel=1e-4)


def test_every_golden_number_is_used() -> None:
    keys = {f"simulate {crystal} {defects} 5" for crystal, defects in FEATURES}
    keys |= {f"random {crystal} {family} 3" for crystal, family in SCENES}
    assert keys | {"edits"} == set(GOLDEN)
