from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.simulation.any_lattice_random import (
    random_lattice_defect,
    random_lattice_imaging,
    random_lattice_scene,
    random_planar_crystal,
)
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice
from napari_stem_defects.simulation.any_lattice_specimen import FORMS, Form

RNG = np.random.default_rng


def test_random_crystals_differ_and_stay_in_range() -> None:
    crystals = [random_planar_crystal(RNG(seed)) for seed in range(60)]
    assert {len(crystal.motif) for crystal in crystals} == {1, 2, 3}
    # In an oblique lattice a diagonal can be shorter than the first base vector.
    assert all(4.5 < crystal.period_px <= 40 for crystal in crystals)
    assert random_planar_crystal(RNG(1), 15.0).period_px <= 15.0001


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_drawn_simulated_and_has_ground_truth(form: Form) -> None:
    # An anti-phase boundary needs columns of two kinds; other crystals are drawn without a defect.
    scenes = [
        random_lattice_scene(RNG(seed), (256, 256), period_px=12.0, forms=(form,))
        for seed in range(30)
    ]
    drawn_scenes = [drawn for drawn in scenes if drawn.defects][:3]
    assert len(drawn_scenes) == 3
    for seed, drawn in enumerate(drawn_scenes):
        made = simulate_lattice(drawn, seed)
        assert made.kinds == {form: drawn.defects[0].kind}
        assert np.isfinite(made.distance(form)).all()
        assert np.isfinite(made.pixels).all()


def test_scenes_are_repeatable() -> None:
    assert random_lattice_scene(RNG(7)) == random_lattice_scene(RNG(7))


def test_imaging_conditions_vary_with_both_contrasts() -> None:
    drawn = [random_lattice_imaging(RNG(seed), 10.0) for seed in range(40)]
    assert {each.contrast for each in drawn} == {"bright", "dark"}
    doses = [each.dose for each in drawn]
    assert max(doses) > 20 * min(doses)


def test_burgers_vectors_are_short() -> None:
    for seed in range(20):
        crystal = random_planar_crystal(RNG(seed), 12.0)
        core = random_lattice_defect("core", crystal, RNG(seed))
        length = np.hypot(*(np.array(core.direction) @ crystal.base))
        assert length <= 1.25 * crystal.period_px
        assert core.class_name == "core"
