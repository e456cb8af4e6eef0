"""Births, deaths, hops and residence times."""

from __future__ import annotations

import numpy as np
import pytest
from simulated_movies import found_regions, region, simulate_movie

from napari_stem_defects.tracking.histories import (
    class_dynamics,
    count_frames,
    find_hops,
    make_histories,
)
from napari_stem_defects.tracking.linking import Spot, link_defects, search_range_px

VECTORS = np.array([[0.0, 14.0], [14.0, 0.0]])


def spots(track: int, *places: tuple[int, float, float]) -> list[Spot]:
    return [Spot(track, frame, "Vac", 1, y, x, y, x) for frame, y, x in places]


def test_a_hop_is_a_jump_to_another_site_and_back() -> None:
    points = spots(
        1, (0, 50, 50), (1, 50.8, 49.5), (2, 49.5, 64), (4, 50, 63.5), (5, 50, 50), (6, 50, 50)
    )
    hops = find_hops(points, VECTORS)[1]
    assert [(hop.from_frame, hop.to_frame) for hop in hops] == [(1, 2), (4, 5)]
    assert hops[0].steps_a == pytest.approx(1, abs=0.05)
    assert hops[0].steps_b == pytest.approx(0, abs=0.1)
    assert hops[1].dx_px == pytest.approx(-13.75)
    assert hops[1].length_px == pytest.approx(13.75, abs=0.01)


def test_a_slow_creep_within_a_site_is_no_hop() -> None:
    points = spots(1, *((frame, 50 + 0.3 * np.sin(frame), 50.0) for frame in range(30)))
    assert find_hops(points, VECTORS) == {}
    assert find_hops(points, None) == {}


def test_births_and_deaths_at_the_edges_are_arrivals_and_departures() -> None:
    points = [
        *spots(1, (0, 50, 50), (3, 50, 50)),
        *spots(2, (1, 60, 60), (2, 60, 60)),
        *spots(3, (1, 4, 50), (2, 60, 97)),
    ]
    frames = [0, 1, 2, 3]
    found = make_histories(sorted(points, key=lambda s: s.frame), {}, frames, (100, 100), 8)
    assert [(each.birth, each.death) for each in found] == [
        ("start", "end"),
        ("born", "died"),
        ("entered", "left"),
    ]
    assert [(each.seen, each.lived) for each in found] == [(2, 4), (2, 2), (2, 2)]


def test_frames_that_were_not_searched_are_no_time() -> None:
    (found,) = make_histories(spots(1, (0, 50, 50), (40, 50, 50)), {}, [0, 20, 40], (100, 100), 8)
    assert found.lived == 3


def test_rates_and_residence_times_of_a_simulated_movie() -> None:
    rate = 0.05
    movie = simulate_movie(
        120, 256, hop_probability=rate, death_probability=0.0, speed_px=(0, 0), seed=8
    )
    regions, _ = found_regions(movie)
    drift = dict(enumerate(movie.drift_px))
    linked = link_defects(regions, drift, search_range_px(movie.vectors_px))
    hops = find_hops(linked, movie.vectors_px)
    assert sum(map(len, hops.values())) == pytest.approx(movie.hops, rel=0.1)
    frames = range(120)
    (found,) = class_dynamics(make_histories(linked, hops, frames, (256, 256), 8), 120)
    assert found.hop_rate.low is not None
    assert found.hop_rate.high is not None
    assert found.hop_rate.low < rate < found.hop_rate.high
    assert found.hop_rate.value == pytest.approx(movie.hops / found.exposure, rel=0.1)
    assert found.residence.value == pytest.approx(1 / found.hop_rate.value)
    assert found.residence.low is not None
    assert found.residence.high is not None
    assert found.residence.low < 1 / rate < found.residence.high
    assert found.exposure == pytest.approx(14 * 119, rel=0.1)


def test_birth_rates_and_lifetimes_have_intervals_that_hold_the_truth() -> None:
    rng = np.random.default_rng(3)
    births, deaths, frames = 0.5, 0.04, 200
    points, track = list[Spot](), 0
    for start in range(frames):
        for _ in range(8 if start == 0 else int(rng.poisson(births))):
            track += 1
            end = start + int(rng.geometric(deaths)) - 1
            place = rng.uniform(20, 80, 2)
            points += spots(track, *((n, *place) for n in range(start, min(end + 1, frames))))
    histories = make_histories(
        sorted(points, key=lambda s: s.frame), {}, range(frames), (100, 100), 8
    )
    (found,) = class_dynamics(histories, frames)
    for estimate, truth in (
        (found.birth_rate, births),
        (found.death_rate, deaths),
        (found.lifetime, 1 / deaths),
    ):
        assert estimate.value == pytest.approx(truth, rel=0.25)
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < truth < estimate.high
    assert found.birth_rate.value == pytest.approx(found.births / (frames - 1))


def test_without_hops_the_residence_time_has_only_a_lower_end() -> None:
    points = spots(1, *((frame, 50, 50) for frame in range(11)))
    (found,) = class_dynamics(make_histories(points, {}, range(11), (100, 100), 8), 11)
    assert found.exposure == 10
    assert found.hop_rate.value == 0
    assert found.residence.value is None
    assert found.residence.high is None
    assert found.residence.low == pytest.approx(10 / 3.0, rel=0.3)  # mid-p: 3.0 of 95 %
    assert found.deaths == 0
    assert (found.lifetime.value, found.lifetime.low) == (None, found.residence.low)
    assert (found.birth_rate.value, found.birth_rate.low) == (0, 0)


def test_counts_have_intervals_births_and_deaths() -> None:
    points = [*spots(1, (0, 50, 50), (1, 50, 50)), *spots(2, (2, 60, 60))]
    histories = make_histories(points, {}, [0, 1, 2], (100, 100), 8)
    counts = {frame: {"Vac": n, "SF1": 4} for frame, n in ((0, 1), (1, 1), (2, 1))}
    found = count_frames(counts, histories)
    vacancies = [each for each in found if each.class_name == "Vac"]
    assert [(each.births, each.deaths) for each in vacancies] == [(0, 0), (0, 0), (1, 1)]
    fault = next(each for each in found if each.class_name == "SF1")
    assert fault.count.value == 4
    # The mid-p interval of a Poisson count of 4.
    assert fault.count.low == pytest.approx(1.3, abs=0.15)
    assert fault.count.high == pytest.approx(9.6, abs=0.4)
    assert region(0, 1, 2, 3).kind == "point"
