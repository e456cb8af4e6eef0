"""The place of a line or an area that is labelled shows it alone."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.anomaly.candidates import Candidate, CandidateKind
from napari_stem_defects.anomaly.example_places import example_places
from napari_stem_defects.anomaly.shapes import Line


def candidate(kind: CandidateKind, *shape: Line, at: tuple[float, float] = (0, 0)) -> Candidate:
    """Return a candidate whose position is the mean of its points, as a centroid is."""
    y, x = np.mean([point for ring in shape for point in ring], axis=0) if shape else at
    return Candidate(1, kind, float(y), float(x), 9.0, "", 0.0, 0.0, shape)


def square(y: float, x: float, half: float) -> Line:
    corners = ((-half, -half), (-half, half), (half, half), (half, -half), (-half, -half))
    return tuple((y + a, x + b) for a, b in corners)


LINE = candidate("line", ((50.0, 0.0), (50.0, 200.0)))


def test_alone_a_line_is_shown_in_its_middle_and_a_point_at_its_position() -> None:
    point = candidate("point", at=(3.0, 190.0))
    (y, x), at = example_places([LINE, point])
    assert (y, x) == pytest.approx((50, 95), abs=12)
    assert at == (3.0, 190.0)


def test_a_line_is_shown_outside_of_an_area_that_covers_its_middle() -> None:
    area = candidate("area", square(50, 100, 40))
    (y, x), inside = example_places([LINE, area])
    assert y == pytest.approx(50)
    assert x == pytest.approx(30, abs=4) or x == pytest.approx(170, abs=4)
    assert abs(inside[0] - 50) > 10  # the line crosses the area in its middle
    assert max(abs(inside[0] - 50), abs(inside[1] - 100)) < 40


def test_a_line_is_shown_away_from_points_and_crossings() -> None:
    crossing = candidate("line", ((0.0, 100.0), (99.0, 100.0)))
    point = candidate("point", at=(50.0, 40.0))
    y, x = example_places([LINE], [crossing, point])[0]
    assert y == pytest.approx(50)
    assert x == pytest.approx(150, abs=4)


def test_a_crescent_and_a_ring_are_shown_inside() -> None:
    angle = np.linspace(0.2, 2 * np.pi - 0.2, 50)
    outer, inner = (
        [(radius * np.sin(t), radius * np.cos(t)) for t in angle] for radius in (60.0, 40.0)
    )
    crescent = candidate("area", tuple((100 + y, 100 + x) for y, x in [*outer, *inner[::-1]]))
    ring = candidate("area", square(100, 100, 60), square(100, 100, 40))
    for each in (crescent, ring):
        y, x = example_places([each])[0]
        assert 40 < max(abs(y - 100), abs(x - 100), np.hypot(y - 100, x - 100)) < 85
        assert np.hypot(y - 100, x - 100) > 40


def test_what_is_nowhere_alone_is_shown_near_its_centroid() -> None:
    everywhere = candidate("area", square(50, 100, 300))
    y, x = example_places([LINE], [everywhere])[0]
    assert (y, x) == pytest.approx((LINE.y, LINE.x), abs=2)


def test_hundreds_of_places_take_little_time() -> None:
    rng = np.random.default_rng(0)
    lines = [
        candidate("line", tuple((float(y), float(x)) for y, x in rng.uniform(0, 2000, (60, 2))))
        for _ in range(40)
    ]
    points = [
        candidate("point", at=(float(y), float(x))) for y, x in rng.uniform(0, 2000, (460, 2))
    ]
    assert len(example_places([*lines, *points])) == 500
