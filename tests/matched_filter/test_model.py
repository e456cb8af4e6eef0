"""The matched-filter model is a value."""

from __future__ import annotations

import dataclasses

import pytest
from quick_models import quick_filters


def test_a_model_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        quick_filters().samples = 8.0  # type: ignore[misc]


def test_the_lattice_is_in_lattice_periods():
    (y0, x0), (y1, x1) = quick_filters().lattice
    assert abs(y0 * x1 - y1 * x0) == pytest.approx(1)
