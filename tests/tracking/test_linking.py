"""Links between the defects of successive frames."""

from __future__ import annotations

import itertools
import sys
from dataclasses import replace

import numpy as np
import pytest
from simulated_movies import Movie, found_regions, region, simulate_movie

from napari_stem_defects.errors import InputError
from napari_stem_defects.tracking.drift import measure_drift
from napari_stem_defects.tracking.histories import by_track
from napari_stem_defects.tracking.linking import Spot, link_defects, position_px, search_range_px

NO_DRIFT = {frame: np.zeros(2) for frame in range(100)}


def links(spots: list[Spot], truth: dict[tuple[int, int], int]) -> tuple[int, int, int]:
    """Return how many links are right, how many there are, and how many there should be."""
    right = made = 0
    for points in by_track(spots).values():
        for a, b in itertools.pairwise(points):
            made += 1
            right += truth[a.frame, a.region] == truth[b.frame, b.region]
    times: dict[int, list[int]] = {}
    for frame, number in sorted(truth):
        times.setdefault(truth[frame, number], []).append(frame)
    there = sum(b - a <= 2 for each in times.values() for a, b in itertools.pairwise(each))
    return right, made, there


def linked(movie: Movie) -> tuple[list[Spot], dict[tuple[int, int], int]]:
    regions, truth = found_regions(movie)
    frames = range(len(movie.frames))
    drift = measure_drift(lambda frame: movie.frames[frame], frames, movie.vectors_px)
    moved = dict(zip(drift.frames, drift.shift_px, strict=True))
    return link_defects(regions, moved, search_range_px(movie.vectors_px)), truth


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nearly_all_links_are_right(seed: int) -> None:
    movie = simulate_movie(40, hop_probability=0.06, angle_deg=90 if seed else 60, seed=seed)
    assert movie.hops > 20
    right, made, there = links(*linked(movie))
    assert right / made >= 0.98
    assert right / there >= 0.98


def test_drift_is_taken_out_first() -> None:
    """A movie that drifts by more than half a period per frame mixes up neighbours otherwise."""
    movie = simulate_movie(20, speed_px=(6.0, 3.0), vacancies=25, size=288, seed=4)
    right, made, there = links(*linked(movie))
    assert min(right / made, right / there) >= 0.98
    regions, truth = found_regions(movie)
    spots = link_defects(
        regions, {f: np.zeros(2) for f in regions}, 0.5 * search_range_px(movie.vectors_px)
    )
    right, _, there = links(spots, truth)
    assert right / there < 0.95


def test_a_missed_frame_does_not_end_a_track() -> None:
    regions = {0: (region(0, 1, 20, 20),), 1: (), 2: (region(2, 1, 20.4, 20),)}
    (first, second) = link_defects(regions, NO_DRIFT, 10)
    assert first.track == second.track == 1
    without = link_defects(regions, NO_DRIFT, 10, memory=0)
    assert [spot.track for spot in without] == [1, 2]


def test_classes_and_kinds_are_not_mixed() -> None:
    regions = {
        0: (region(0, 1, 20, 20), region(0, 1, 60, 60, "Add")),
        3: (region(3, 1, 20, 20, "Add"), replace(region(3, 1, 60, 60, "SF1"), kind="line")),
    }
    spots = link_defects(regions, NO_DRIFT, 10)
    assert [(spot.frame, spot.class_name, spot.track) for spot in spots] == [
        (0, "Add", 1),
        (0, "Vac", 3),
        (3, "Add", 2),
    ]


def test_positions_are_measured_sites_where_there_are_some() -> None:
    measured = region(0, 1, 20.25, 30.75)
    assert position_px(measured) == (20.25, 30.75)
    bare = replace(measured, site_y_px=None, site_x_px=None)
    assert position_px(bare) == (20, 31)
    (spot,) = link_defects({0: (measured,)}, {0: np.array([5.0, -5.0])}, 10)
    assert (spot.y_px, spot.x_px) == (20.25, 30.75)
    assert (spot.y_fixed_px, spot.x_fixed_px) == (15.25, 35.75)


def test_the_range_follows_the_lattice() -> None:
    assert search_range_px(np.array([[0, 10.0], [20.0, 0]])) == pytest.approx(24)
    assert search_range_px(None) == 16
    assert link_defects({0: (), 1: ()}, NO_DRIFT, 10) == []


def test_crowded_frames_are_linked_with_a_smaller_range() -> None:
    rng = np.random.default_rng(0)
    places = rng.random((300, 2)) * 100  # 300 in reach of each other
    regions = {
        frame: tuple(region(frame, n, *at) for n, at in enumerate(places, 1)) for frame in range(3)
    }
    spots = link_defects(regions, NO_DRIFT, 16)
    assert len({spot.track for spot in spots}) == 300


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "trackpy", None)
    monkeypatch.setitem(sys.modules, "trackpy.linking", None)
    with pytest.raises(InputError, match="needs the package trackpy: pip install trackpy"):
        link_defects({0: (region(0, 1, 2, 3),)}, NO_DRIFT, 10)
