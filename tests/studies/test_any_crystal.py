"""Training of the general model in miniature, and the page of its figures."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.simulation.any_lattice import MotifColumn, make_crystal
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))
sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import any_crystal_detection as detection
import any_crystal_page
import any_crystal_scenes as scenes
import generic_lines
import perfect_crystals

SQUARE = frozenset({("square", 1)})
LATTICES = ("hexagonal", "square", "rectangular", "centred", "oblique")
ALL = frozenset(itertools.product(LATTICES, (1, 2, 3)))


def test_scenes_are_of_the_families_asked_for() -> None:
    drawn = {scenes.family_of(scenes.draw_scene(seed, SQUARE).crystal) for seed in range(5)}
    assert drawn == SQUARE
    assert {scenes.family_of(scenes.draw_scene(seed, ALL).crystal)[0] for seed in range(40)} == set(
        LATTICES
    )


PAIR = (MotifColumn(0.0, 0.0, 1.0), MotifColumn(0.3, 0.35, 0.5))


@pytest.mark.parametrize(
    ("lattice", "motif", "expected"),
    [
        ("square", PAIR, scenes.FAULT),
        ("oblique", PAIR[:1], scenes.BOUNDARY),
        # The mirror along a side changes nothing here, so another one is simulated.
        ("square", PAIR[:1], scenes.BOUNDARY),
    ],
)
def test_a_twin_is_a_boundary_where_the_mirrored_lattice_is_another(
    lattice, motif, expected
) -> None:
    crystal = make_crystal(lattice, 12.0, angle_deg=75.0, motif=motif)
    defect = LatticeDefect("twin", "twin", direction=(1, 0))
    assert scenes.class_of(defect, crystal) == expected


def test_targets_are_present_on_defects_and_absent_far_away() -> None:
    for seed in range(30):
        scene = scenes.make_scene(seed, SQUARE)
        if scene is not None and "missing" in scene.simulation.points:
            break
    at = scene.sampled.to_samples(scene.simulation.points["missing"])
    y, x = np.clip(np.rint(at).astype(int), 0, np.array(scene.residual.shape) - 1).T
    assert (scene.targets[scenes.MISSING, y, x] == 1).mean() > 0.9
    assert (scene.targets[scenes.BULK, y, x] == 0).all()
    bulk = scene.targets[scenes.BULK] == 1
    assert not scene.targets[1:, bulk].any(axis=0).all()


def test_windows_keep_their_centre_when_they_are_turned() -> None:
    window = np.arange(33 * 33, dtype=np.float32).reshape(33, 33)
    for number in range(8):
        view = scenes._turned(window, number)
        assert view.shape == (32, 32)
        assert view[16, 16] == window[16, 16]


def test_names_are_judged_against_the_ground_truth() -> None:
    general = sd.load_model(GENERAL_MODEL)
    judged = detection._judged_scene(general, 3, SQUARE)
    assert {each.class_name for each in judged} == set(scenes.CLASSES[1:])
    assert all(min(each.right, each.wrong, each.found, each.missed) >= 0 for each in judged)


def test_the_threshold_is_the_lowest_with_enough_right_names() -> None:
    judged = [
        detection.Judged("Core", level, right, 10 - right, right, 0)
        for level, right in zip(detection.LEVELS, (4, 5, 7, 7, 8, 9, 10, 10, 10), strict=True)
    ]
    assert detection.thresholds_for(judged)["Core"] == 0.7
    assert detection.shares(judged, dict.fromkeys(scenes.CLASSES, 0.7))["Core"]["right"] == 8
    unsure = [each for each in judged if each.level <= 0.5]
    assert detection.thresholds_for(unsure)["Core"] == 0.5


def test_the_page_states_every_name() -> None:
    each = {"threshold": 0.7, "right": 9, "wrong": 1, "precision": 0.9, "found": 0.5}
    held_out = {
        "families": {"measured": [["square", 2]], "calibration": [["hexagonal", 2]]},
        "regions": {
            "Core": {**each, "precision_interval": [0.8, 0.95]},
            "Other": {**each, "precision": None, "precision_interval": [None, None]},
        },
    }
    draw = {"f1": 0.8, "hits": 8, "false": 2, "search_s": 0.5}
    run = {"group": "public", "kind": "point", "title": "vacancies", "draws": [draw]}
    perfect = [{"generic": True, "named": 0.0}, {"generic": False, "named": 0.004}]
    counts = {"right": 9, "wrong": 1, "found": 30, "missed": 70}
    lines = {
        "scenes": 12,
        "names": {"Fault look": {**counts, "wrong": 9}, "Fault geometry": counts},
    }
    text = any_crystal_page.page({"held_out": held_out}, [run], perfect, lines)
    assert "12 simulated crystals" in text
    rows = [line for line in text.splitlines() if line.startswith("| Fault")]
    assert ["0.50 (" in rows[0], "0.90 (" in rows[1], "0.30" in rows[1]] == [True] * 3
    assert "cover 0.200 % of the area" in text
    assert "1 images" in text
    assert "0.90 (0.80 to 0.95)" in text
    assert "F1 0.80" in text
    assert "square with 2" in text


def test_a_perfect_crystal_is_judged_by_the_area_that_gets_a_name() -> None:
    figures = perfect_crystals.named_area(4)
    assert 0 <= figures["named"] < 0.01


def test_lines_are_judged_by_their_look_and_by_the_geometry() -> None:
    """The same scene, under the names that the model gave and those of the crystal around."""
    model = sd.load_model(GENERAL_MODEL)
    judged = (list(generic_lines.judged(model, seed)) for seed in range(7_700_000, 7_700_040))
    found = next(filter(None, judged))
    assert [how for how, _ in found] == ["look", "look", "geometry", "geometry"]
    assert {each.class_name for _, each in found} == {"Fault", "Boundary"}
    assert sum(each.found + each.missed for _, each in found) > 0
