"""Odd columns get odd neighbours, of the same sublattice and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from napari_stem_defects.core.crowding import FEWEST, crowded, with_crowded
from napari_stem_defects.core.label_radius import label_radius
from napari_stem_defects.core.training_set import Clicks, TrainingSet, from_clicks

STEP = 16.0
HEIGHT = {"heavy": 1.0, "light": 0.6, "empty": 0.2}


def lattice(empty: int, seed: int = 0) -> tuple[TrainingSet, np.ndarray]:
    """Return all columns of a lattice of two sublattices clicked, and which are the light ones."""
    rng = np.random.default_rng(seed)
    corners = np.stack(np.meshgrid(*[np.arange(24, 280, STEP)] * 2, indexing="ij"), -1)
    heavy = corners.reshape(-1, 2)
    light = heavy + STEP / 2
    odd = rng.permutation(len(light))[:empty]
    image = np.zeros((304, 304), np.float32)
    image[tuple(heavy.astype(int).T)] = HEIGHT["heavy"]
    image[tuple(light.astype(int).T)] = HEIGHT["light"]
    image[tuple(light[odd].astype(int).T)] = HEIGHT["empty"]
    image = 30 * gaussian_filter(image, 2.0) + rng.normal(0, 0.005, image.shape)
    labels = np.array(["Bulk"] * (len(heavy) + len(light)), dtype=object)
    labels[len(heavy) + odd] = "Mis"
    y, x = np.concatenate([heavy, light]).T
    data = from_clicks([Clicks(image.astype(np.float32), y, x, tuple(labels))])
    clicked = np.array([bool(name) for name in data.labels])
    data = data.only(clicked)
    return data, np.arange(len(data)) >= len(heavy)


def test_neighbours_of_odd_columns_become_odd_and_look_it() -> None:
    data, light = lattice(16)
    made = crowded(data, seed=0)
    names, before = np.array(made.labels), np.array(data.labels)
    new = names != before
    assert new.sum() >= 16
    assert set(names[new]) == {"Mis"}
    assert light[new].all()
    points = np.column_stack([data.y, data.x])
    odd = points[names == "Mis"]
    assert cKDTree(odd).query(points[new], k=2)[0][:, 1].max() <= 1.5 * STEP
    at = tuple(points.astype(int).T)
    seen = made.images[0][at]
    assert np.median(seen[new]) == pytest.approx(np.median(seen[before == "Mis"]), rel=0.15)
    np.testing.assert_allclose(seen[~light], data.images[0][at][~light], rtol=0.15)


def test_labels_follow_and_the_original_stays() -> None:
    data, _ = lattice(16)
    pixels, targets = data.images[0].copy(), data.targets.copy()
    made = crowded(data, seed=0)
    np.testing.assert_array_equal(data.images[0], pixels)
    np.testing.assert_array_equal(data.targets, targets)
    for site, name in enumerate(made.labels):
        wanted = [name == each for each in made.classes]
        np.testing.assert_array_equal(made.targets[site], wanted)
    assert label_radius(made) == label_radius(data)
    # Windows on bulk keep off the new defects.
    names = np.array(made.labels)
    odd = np.column_stack([made.y, made.x])[names == "Mis"]
    bulk = names == "Bulk"
    apart = cKDTree(odd).query(np.column_stack([made.y, made.x])[bulk])[0]
    assert (apart - made.radius_px[bulk] > label_radius(data)).all()


def test_few_odd_columns_stay_alone() -> None:
    data, _ = lattice(FEWEST - 1)
    made = crowded(data, seed=0)
    assert made.labels == data.labels
    np.testing.assert_array_equal(made.images[0], data.images[0])


def test_seeds_differ_and_repeat() -> None:
    data, _ = lattice(16)
    one, again, other = (crowded(data, seed=seed) for seed in (1, 1, 2))
    assert one.labels == again.labels != other.labels
    np.testing.assert_array_equal(one.images[0], again.images[0])


def test_copies_are_further_images_of_the_same_place() -> None:
    data, _ = lattice(16)
    more = with_crowded(data, 2, seed=0)
    assert len(more.images) == 3
    assert len(more) == 3 * len(data)
    assert more.classes == data.classes
    assert set(more.canvas) == set(data.canvas)
    assert with_crowded(data, 0, seed=0) is data
