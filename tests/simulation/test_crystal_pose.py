"""A pose maps the crystal to the image and back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.simulation.crystal_pose import CrystalPose


def test_to_crystal_inverts_to_image() -> None:
    pose = CrystalPose.rotated(33.0, 0.02, (40.0, 50.0), (0.02, -0.01, 0.015))
    position = np.random.default_rng(0).normal(0, 3, (20, 2))
    np.testing.assert_allclose(pose.to_crystal(pose.to_image(position)), position, atol=1e-12)


def test_an_unrotated_crystal_has_x_to_the_right_and_y_up() -> None:
    pose = CrystalPose.rotated(0.0, 0.02, (40.0, 50.0))
    image = pose.to_image(np.array([[0.0, 0.0], [0.2, 0.0], [0.0, 0.2]]))
    np.testing.assert_allclose(image, [[40, 50], [40, 60], [30, 50]], atol=1e-9)


def test_rotation_is_counter_clockwise() -> None:
    pose = CrystalPose.rotated(90.0, 0.02, (0.0, 0.0))
    np.testing.assert_allclose(pose.to_image(np.array([[0.2, 0.0]])), [[-10, 0]], atol=1e-9)


@pytest.mark.parametrize("rotation_deg", [0.0, 17.0, 271.0])
def test_nm_per_px_is_the_pixel_size_of_an_unstrained_crystal(rotation_deg: float) -> None:
    assert CrystalPose.rotated(rotation_deg, 0.027, (5, 5)).nm_per_px() == pytest.approx(0.027)


def test_strain_stretches_the_crystal_along_its_own_axis() -> None:
    pose = CrystalPose.rotated(90.0, 0.01, (0.0, 0.0), (0.1, 0.0, 0.0))
    np.testing.assert_allclose(pose.to_image(np.array([[1.0, 0.0]])), [[-110, 0]], atol=1e-9)
    assert pose.nm_per_px() == pytest.approx(0.01 / np.sqrt(1.1))
