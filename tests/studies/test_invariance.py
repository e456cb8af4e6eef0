"""The comparison of two results counts what both show, and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
from invariance import Change, Found, against_truth, compare

SHAPE = (200, 300)
WHOLE = Change("whole")
CROPPED = Change("cropped", crop=(20, 0, 0, 0))


def found(*places: tuple[float, float], name: str = "A") -> Found:
    return Found([(name, np.array(place)) for place in places], [])


def test_a_pair_counts_once_however_its_places_lie_to_the_edge_of_a_crop() -> None:
    """36 px from the border is the edge of what is compared in the crop."""
    row = compare(found((35.0, 50.0)), found((36.5, 50.0)), CROPPED, SHAPE)
    assert row["points_same"]
    assert row["points_apart_px"] == [1.5]


def test_what_one_result_lacks_is_a_difference_unless_it_is_beside_the_crop() -> None:
    base = found((100.0, 50.0), (30.0, 50.0))
    assert compare(base, found((100.0, 50.0)), CROPPED, SHAPE)["points_same"]
    assert not compare(base, found((100.0, 50.0)), WHOLE, SHAPE)["points_same"]
    assert not compare(base, found((30.0, 50.0)), CROPPED, SHAPE)["points_same"]


def test_other_names_and_far_places_are_no_pairs() -> None:
    base = found((100.0, 50.0))
    for other in (found((100.0, 50.0), name="B"), found((100.0, 80.0))):
        row = compare(base, other, WHOLE, SHAPE)
        assert row["points_apart_px"] == []
        assert row["points_same"] == (other.points[0][0] == "A")


@pytest.mark.parametrize("gap", [3.0, 11.0])
def test_pairs_are_the_nearest_ones(gap: float) -> None:
    base = found((100.0, 50.0), (100.0, 50.0 + gap))
    other = found((100.0, 51.0 + gap), (100.0, 51.0))
    assert compare(base, other, WHOLE, SHAPE)["points_apart_px"] == [1.0, 1.0]


def test_lengths_are_compared_with_those_of_the_simulation_in_the_image() -> None:
    truth = [
        ("A", np.array([[100.0, -50.0], [100.0, 350.0]])),
        ("B", np.array([[0.0, 9], [99, 9]])),
    ]
    seen = [("A", np.array([[101.0, 0.0], [101.0, 285.0]]))]
    row = against_truth(Found([], seen), truth, SHAPE)
    assert row["lines"] == 2
    assert row["length_errors"] == pytest.approx([0.05], abs=1e-3)
