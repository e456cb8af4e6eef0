"""Columns at an interface or of a larger cell are no point defects."""

from __future__ import annotations

import numpy as np
import pytest
from tests.helpers.crystal_images import square_cell

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.repeated_columns import without_rows
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.postprocessing.results import ProbabilityMap

PERIOD, SIZE = 20.0, 320


def interface(missing: tuple[int, int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of two perovskites, the upper one dark, and the place of a missing column."""
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.where(y < SIZE / 2, 0.1, 0.25)
    for offset, bright in ((0.0, 1.0), (0.5, 0.45)):
        for i in range(-1, 17):
            for j in range(-1, 17):
                row, column = (i + offset) * PERIOD + 8, (j + offset) * PERIOD + 8
                if missing == (i, j) and not offset:
                    continue
                height = bright * (0.35 if row < SIZE / 2 else 1.0)
                apart = (y - row) ** 2 + (x - column) ** 2
                image = image + height * np.exp(-apart / (2 * 2.8**2))
    counts = np.random.default_rng(3).poisson(60 * image).astype(np.float32)
    return counts, np.array(missing or (0, 0)) * PERIOD + 8


def a_map(sites: list[tuple[float, float]], image: np.ndarray) -> ProbabilityMap:
    y, x = (np.arange(4, length, 8, dtype=np.float32) for length in image.shape)
    probability = np.zeros((2, len(y), len(x)), np.float32)
    for row, column in sites:
        near = (np.abs(y[:, None] - row) <= 6) & (np.abs(x - column) <= 6)
        probability[1][near] = 0.9
    return ProbabilityMap(probability, y, x, ("Bulk", "Vac"), np.ones((len(y), len(x)), bool))


def test_only_places_that_repeat_lose_their_name() -> None:
    image, at = interface(missing=(12, 8))
    row = [(148.0, 8 + PERIOD * j) for j in range(4, 12)]
    found = a_map([*row, tuple(at)], image)
    limits = {"Bulk": 0.5, "Vac": 0.7}
    kept = without_rows(found, image, measure_lattices(image).cells, limits, 16.0)
    assert kept.places == len(row)
    assert "8 places got no name" in kept.statement
    left = kept.map.probability[1]
    assert (left[found.y < 170] < 0.1).all()
    np.testing.assert_array_equal(left[found.y > 170], found.probability[1][found.y > 170])
    assert found.probability.max() == np.float32(0.9)  # what was given is not changed


def test_columns_that_every_second_cell_has_lose_their_name() -> None:
    y, x = np.mgrid[:SIZE, :SIZE]
    image = np.full((SIZE, SIZE), 0.1)
    for i in range(16):
        for j in range(16):
            for offset, bright in ((0.0, 0.5 if (i + j) % 2 else 1.0), (0.5, 0.45)):
                apart = np.square(y - (i + offset) * PERIOD - 8)
                apart = apart + np.square(x - (j + offset) * PERIOD - 8)
                image += (0 if (i, j, offset) == (9, 9, 0) else bright) * np.exp(-apart / 15.7)
    cells = (square_cell(PERIOD),)
    sites = [(8 + PERIOD * i, 8 + PERIOD * j) for i, j in ((5, 6), (9, 9), (11, 4))]
    pixels = np.random.default_rng(3).poisson(60 * image).astype(np.float32)
    kept = without_rows(a_map(sites, pixels), pixels, cells, {"Bulk": 0.5, "Vac": 0.7}, 16.0)
    assert (kept.places, kept.ordered) == (0, 2)
    assert kept.statement.startswith("2 places got no name: every second or third cell")
    named = kept.map.centres_of(np.argwhere(kept.map.probability[1] > 0.7))
    assert len(named)
    assert np.abs(named - (8 + 9 * PERIOD)).max() <= 6


def test_without_such_places_nothing_changes() -> None:
    image, at = interface(missing=(12, 8))
    found = a_map([tuple(at)], image)
    kept = without_rows(
        found, image, measure_lattices(image).cells, {"Bulk": 0.5, "Vac": 0.7}, 16.0
    )
    assert (kept.places, kept.statement) == (0, "")
    np.testing.assert_array_equal(kept.map.probability, found.probability)


@pytest.mark.parametrize("missing", [None, (12, 8)])
def test_a_model_of_one_crystal_names_no_interface(missing: tuple[int, int] | None) -> None:
    image, at = interface(missing)
    ensemble = load_model(find_model("sto-001"))
    found = detect_frame(Micrograph(image, "interface", 0.3905 / PERIOD), ensemble)
    points = [each for each in found.regions if each.kind == "point"]
    assert len(points) == (missing is not None)
    if missing is not None:
        assert np.hypot(points[0].y_px - at[0], points[0].x_px - at[1]) < 0.4 * PERIOD
    stated = [each for each in found.parameters["warnings"] if "got no name" in each]
    assert len(stated) == 1
