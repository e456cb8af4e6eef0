"""Scenes become images with ground truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.simulation import extended_defects
from napari_stem_defects.simulation.crystal_pose import CrystalPose
from napari_stem_defects.simulation.crystals import zincblende
from napari_stem_defects.simulation.extended_defects import Junction
from napari_stem_defects.simulation.ground_truth import GroundTruthPoint
from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.scene import Dot, Scene, acquire_image, image_points

SIZE, PX = 96, 0.027
SHAPE = (SIZE, SIZE)
CLEAN = Imaging(dose=1e6, background=0.0, jitter_px=0.0, noise_blur_px=0.0, position_jitter_nm=0.0)


def perfect() -> Scene:
    pose = CrystalPose.rotated(0.0, PX, (SIZE / 2, SIZE / 2))
    return Scene(zincblende(3.0), pose, ((48,), (52,)))


def image(scene: Scene, imaging: Imaging = CLEAN) -> np.ndarray:
    return acquire_image(scene, SHAPE, imaging, PX, np.random.default_rng(0), "s").micrograph.pixels


def with_junction() -> Scene:
    faults = (
        extended_defects.make_fault("SF1", -1, [[0]]),
        extended_defects.make_fault("SF2", 1, [[0, 1]]),
    )
    return replace(
        perfect(),
        junctions=(Junction(faults, (1, 1), extended_defects.crossing(*faults)),),
    )


def test_a_perfect_crystal_has_no_ground_truth() -> None:
    made = acquire_image(perfect(), SHAPE, CLEAN, PX, np.random.default_rng(0), "perfect")
    assert made.micrograph.name == "perfect"
    assert made.micrograph.pixel_size_nm == PX
    assert made.points == made.lines == ()
    assert made.masks == {}
    assert (made.crystal == 1).all()
    assert np.isinf(made.distance("SF1")).all()


def test_the_image_shows_bright_columns_at_their_positions() -> None:
    scene = perfect()
    points, brightness = image_points(scene, SHAPE, CLEAN, np.random.default_rng(0))
    pixels = image(scene)
    inside = np.all((points > 2) & (points < SIZE - 3), axis=1)
    rows, columns = np.rint(points[inside]).astype(int).T
    assert pixels[rows, columns].mean() > 2 * pixels.mean()
    assert brightness.max() == pytest.approx(1)


def test_slices_share_the_brightness() -> None:
    whole = image_points(perfect(), SHAPE, CLEAN, np.random.default_rng(0))
    scene = replace(perfect(), slice_fractions=(0.25, 0.75))
    sliced = image_points(scene, SHAPE, CLEAN, np.random.default_rng(0))
    assert len(sliced[0]) == 2 * len(whole[0])
    assert sliced[1].sum() == pytest.approx(whole[1].sum())


def test_an_envelope_ends_the_crystal() -> None:
    envelope = np.ones(SHAPE)
    envelope[:, : SIZE // 2] = 0
    made = acquire_image(
        replace(perfect(), envelope=envelope), SHAPE, CLEAN, PX, np.random.default_rng(0), "e"
    )
    pixels = made.micrograph.pixels
    assert pixels[:, :30].mean() < 0.2 * pixels[:, 60:].mean()
    np.testing.assert_array_equal(made.crystal, envelope)


def test_filling_adds_points_beside_the_crystal() -> None:
    filling = np.array([[10.0, 12.0, 0.5]])
    scene = replace(perfect(), filling=filling)
    points, brightness = image_points(scene, SHAPE, CLEAN, np.random.default_rng(0))
    assert points[-1].tolist() == [10.0, 12.0]
    assert brightness[-1] == 0.5


@pytest.mark.parametrize("flatness", [1, 2])
def test_dots_are_added_at_their_positions(flatness: int) -> None:
    dot = Dot(40.0, 41.0, 3.0, 2.0, flatness)
    change = image(replace(perfect(), dots=(dot,))) - image(perfect())
    assert np.unravel_index(change[30:50, 30:52].argmax(), (20, 22)) == pytest.approx(
        (10, 11), abs=2
    )


def test_a_junction_has_a_core_and_two_lines() -> None:
    made = acquire_image(with_junction(), SHAPE, CLEAN, PX, np.random.default_rng(0), "j")
    assert [point.class_name for point in made.points] == ["LC"]
    assert [line.class_name for line in made.lines] == ["SF1", "SF2"]
    assert set(made.masks) == {"LC", "SF1", "SF2"}
    core = made.points[0]
    for name in ("SF1", "SF2"):
        assert made.distance(name)[round(core.y_px), round(core.x_px)] < 2


def test_displacement_sums_all_extended_defects() -> None:
    fault = extended_defects.make_fault("SF1", 1, [[0]])
    position = perfect().columns.position
    one = replace(perfect(), faults=(fault,)).displacement(position, 0)
    two = replace(perfect(), faults=(fault, fault)).displacement(position, 0)
    assert one.any()
    np.testing.assert_allclose(two, 2 * one)
    assert not perfect().displacement(position, 0).any()


def test_lines_far_from_the_image_are_left_out() -> None:
    far = extended_defects.make_fault("SF1", 1, [[200]])
    made = acquire_image(
        replace(perfect(), faults=(far,)), SHAPE, CLEAN, PX, np.random.default_rng(0), "far"
    )
    assert made.lines == ()
    assert made.masks == {}


def test_points_follow_the_shift_of_their_row() -> None:
    scene = replace(perfect(), points=(GroundTruthPoint("Vacancy_CdTe", 30.2, 50.0),))
    jittery = replace(CLEAN, jitter_px=1.0)
    made = acquire_image(scene, SHAPE, jittery, PX, np.random.default_rng(0), "p")
    assert made.points[0].y_px == 30.2
    assert made.points[0].x_px == pytest.approx(50.0 + made.row_shift[30])
