"""Planar defects as lines: fragments joined, ends at borders and crossings, one name."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from probability_maps import blank_map

from napari_stem_defects.postprocessing import planar_lines, region_shapes
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

SIZE = 400
LIMITS = {"SF1": 0.5, "SF2": 0.5}


def line_map(
    lines: list[tuple[int, tuple[float, float], tuple[float, float]]],
    stride: int = 8,
    gaps: NDArray[np.float64] | None = None,
) -> ProbabilityMap:
    """Return a map of straight defects: class, start and end in px; none near the gaps (n, 2)."""
    found = blank_map("SF1", "SF2", shape=(SIZE, SIZE), stride=stride)
    y, x = np.meshgrid(found.y, found.x, indexing="ij")
    for number, start, end in lines:
        first, along = np.array(start), np.array(end) - np.array(start)
        t = ((y - first[0]) * along[0] + (x - first[1]) * along[1]) / (along @ along)
        t = np.clip(t, 0, 1)
        away = np.hypot(y - first[0] - t * along[0], x - first[1] - t * along[1])
        value = np.clip(1.3 - away / 12, 0, 0.98)
        found.probability[number] = np.maximum(found.probability[number], value)
    for gap in np.zeros((0, 2)) if gaps is None else gaps:
        found.probability[:, np.hypot(y - gap[0], x - gap[1]) < 18] = 0
    return found


def lines_of(found: ProbabilityMap, rows: NDArray[np.float64] | None = None) -> tuple[Region, ...]:
    masks = masks_from_probability(found, (SIZE, SIZE), LIMITS, rows=rows)
    return measure_regions(found, masks, image="a", pixel_size_nm=1.0)


@settings(deadline=None, max_examples=40)
@given(
    stride=st.integers(2, 16),
    angle=st.floats(-60, 60),
    start=st.floats(150, 250),
    gap=st.floats(100, 300),
)
@example(stride=16, angle=19.5, start=200.0, gap=200.0)
def test_a_broken_line_is_one_and_reaches_both_borders(
    stride: int, angle: float, start: float, gap: float
) -> None:
    slope = np.tan(np.radians(angle))
    y0, y1 = start - slope * 200, start + slope * 199
    found = line_map([(0, (y0, 0), (y1, SIZE - 1))], stride, np.array([[y0 + slope * gap, gap]]))
    (region,) = lines_of(found)
    inside = np.array([(start + slope * (x - 200), x) for x in np.arange(-0.5, SIZE - 0.4, 0.1)])
    inside = inside[(inside[:, 0] >= -0.5) & (inside[:, 0] <= SIZE - 0.5)]
    expected = float(np.hypot(*(inside[-1] - inside[0])))
    assert region.class_name == "SF1"
    assert region.length_nm == pytest.approx(expected, rel=0.02)
    ends = np.array(region.centre_line)
    assert (np.minimum(ends, SIZE - 1 - ends).min(axis=1) <= 0).all()


@pytest.mark.parametrize("transform", ["same", "mirrored", "turned"])
def test_faults_end_in_their_crossing(transform: str) -> None:
    """The first stops short of the crossing, the second runs beyond it."""
    found = line_map([(0, (0, 200), (170, 200)), (1, (110, 0), (208, 210))])
    if transform == "mirrored":
        found = replace(found, probability=found.probability[:, :, ::-1], x=399 - found.x[::-1])
    if transform == "turned":
        found = replace(found, probability=found.probability.transpose(0, 2, 1))
    by_name = {region.class_name: region for region in lines_of(found)}
    crossing_y = 110 + 98 * 200 / 210
    assert set(by_name) == {"SF1", "SF2"}
    assert by_name["SF1"].length_nm == pytest.approx(crossing_y + 0.5, rel=0.02)
    assert by_name["SF2"].length_nm == pytest.approx(np.hypot(crossing_y - 110, 200), rel=0.02)


def test_a_short_fragment_on_a_longer_line_has_its_name() -> None:
    """Windows at the border show the end of a defect as one of another class."""
    found = line_map([(0, (200, 0), (200, 340)), (1, (200, 362), (200, 399))])
    (region,) = lines_of(found)
    assert region.class_name == "SF1"
    assert region.length_nm == pytest.approx(SIZE, rel=0.01)


def test_a_short_fragment_beside_a_longer_line_is_no_defect() -> None:
    found = line_map([(0, (200, 0), (200, 399)), (0, (230, 100), (230, 125))])
    found.probability[0][(found.y > 210) & (found.y < 222)] = 0
    (region,) = lines_of(found)
    assert region.centre_line[0][0] == pytest.approx(200, abs=4)


def test_two_names_side_by_side_are_one_defect() -> None:
    """Windows that pass by one class are named by a vote for another, which they do not show."""
    found = line_map([(0, (200, 0), (200, 399)), (1, (222, 0), (222, 380))])
    lines = lines_of(found)
    assert [each.class_name for each in lines] == ["SF1"]


def test_two_parallel_faults_are_two() -> None:
    found = line_map([(0, (150, 0), (150, 399)), (0, (230, 0), (230, 399))])
    assert [round(region.length_nm or 0) for region in lines_of(found)] == [400, 400]


def test_a_fault_that_ends_in_the_crystal_keeps_its_end() -> None:
    found = line_map([(0, (200, 0), (200, 250))])
    (region,) = lines_of(found)
    assert region.length_nm == pytest.approx(250, abs=12)


def test_a_line_of_a_coarse_scan_goes_to_its_plane_though_its_mask_is_wide() -> None:
    """The mask of a smeared fault is wider by up to a step where the windows are few."""
    found = blank_map("SF1", "SF2", shape=(SIZE, SIZE), stride=16)
    y, _ = np.meshgrid(found.y, found.x, indexing="ij")
    found.probability[0] = np.clip(0.5 + (30.0 - np.abs(y - 201)) / 40, 0, 0.98)

    places = []
    for down in (0.0, 6.0):

        def moved(
            lines: Sequence[NDArray[np.float64]], _: object, away: float = down
        ) -> list[NDArray[np.float64]]:
            return [line + np.array([away, 0.0]) for line in lines]

        masks = masks_from_probability(found, (SIZE, SIZE), LIMITS, place=moved)
        (region,) = measure_regions(found, masks, image="a", pixel_size_nm=1.0)
        places.append(np.array(region.centre_line)[:, 0])
    np.testing.assert_allclose(places[1] - places[0], 6.0, atol=0.5)


def test_a_line_nearly_along_a_lattice_row_takes_its_direction() -> None:
    row = np.array([[np.sin(np.radians(20.0)), np.cos(np.radians(20.0))]])
    found = line_map([(0, (120, 0), (120 + 399 * np.tan(np.radians(18.5)), 399))])
    (free,), (along_row,) = lines_of(found), lines_of(found, row)
    assert free.direction_deg == pytest.approx(180 - 18.5, abs=0.5)
    assert along_row.direction_deg == pytest.approx(160.0, abs=0.05)


def test_a_bent_boundary_keeps_its_shape() -> None:
    angles = np.radians(np.arange(0, 181, 10))
    arc = [(250 - 120 * np.sin(a), 200 - 120 * np.cos(a)) for a in angles]
    found = line_map([(0, first, last) for first, last in pairwise(arc)])
    (region,) = lines_of(found)
    assert len(region.centre_line) > 4
    assert region.length_nm == pytest.approx(np.pi * 120, rel=0.08)


def test_what_keeps_its_pixels_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    bend = [(0, (120, 60), (200, 200)), (0, (200, 200), (120, 340))]
    found = line_map([*bend, (1, (300, 100), (300, 300))])
    masks = masks_from_probability(found, (SIZE, SIZE), LIMITS)
    expected = measure_regions(found, replace(masks, shapes={}), image="a", pixel_size_nm=1.0)
    assert sorted(len(each.centre_line) > 2 for each in expected) == [False, True]

    def never(_: NDArray[np.bool_]) -> NDArray[np.float64]:
        raise AssertionError

    monkeypatch.setattr(region_shapes, "centre_line", never)
    again = measure_regions(found, masks, image="a", pixel_size_nm=1.0)
    assert again == expected


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**31))
def test_only_near_lines_need_to_be_compared(seed: int) -> None:
    """Many broken lines of two classes: the masks are those of comparing all with all."""
    rng = np.random.default_rng(seed)
    ends = rng.uniform(0, SIZE, (6, 2, 2))
    lines = [(n % 2, tuple(start), tuple(end)) for n, (start, end) in enumerate(ends.tolist())]
    found = line_map(lines, 8, rng.uniform(0, SIZE, (12, 2)))
    near = masks_from_probability(found, (SIZE, SIZE), LIMITS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planar_lines._Lines, "near", lambda lines, _: list(range(len(lines))))
        every = masks_from_probability(found, (SIZE, SIZE), LIMITS)
    assert near.centre_lines == every.centre_lines
    np.testing.assert_array_equal(near.masks(), every.masks())
