"""Numbers as text."""

from __future__ import annotations

import math

import pytest

from napari_stem_defects.reporting.results_page.numbers import (
    interval,
    number,
    p_value,
    percent,
    share,
    with_interval,
)
from napari_stem_defects.statistics.rates import Estimate


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (math.nan, "–"),
        (0.0, "0"),
        (0.0234567, "0.0235"),
        (12345.6, "12346"),
        (1.234e-7, "1.23 × 10⁻⁷"),
        (-2.5, "-2.5"),
    ],
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_intervals_state_what_has_no_limit() -> None:
    assert interval(Estimate(1.0, 0.5, 2.0)) == "0.5 to 2"
    assert interval(Estimate(1.0, 0.5, None)) == "0.5 to no upper limit"
    assert interval(Estimate(1.0, 1e-9, 2.0)) == "0 to 2"
    assert interval(Estimate(1.0, None, None)) == "–"
    assert interval(None) == "–"
    assert with_interval(Estimate(1.0, 0.5, 2.0)) == "1 (0.5 to 2)"
    assert with_interval(Estimate(3.0, None, None)) == "3"


def test_shares_and_p_values() -> None:
    assert (share(0.9), share(math.nan)) == ("0.900", "–")
    assert (p_value(0.00004), p_value(0.0421)) == ("< 0.001", "0.042")


@pytest.mark.parametrize(
    ("share", "text"),
    [(0, "0.0 %"), (1e-4, "under 0.1 %"), (0.042, "4.2 %"), (0.998, "99.8 %"), (1, "100.0 %")],
)
def test_percentages_are_plain_numbers(share: float, text: str) -> None:
    assert percent(share) == text
