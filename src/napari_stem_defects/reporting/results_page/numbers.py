"""Numbers of a page of results as text: significant digits, intervals, units."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_stem_defects.reporting.results_page.tables import RateRow
    from napari_stem_defects.statistics.rates import Accuracy, Estimate

NONE = "–"
_NEGLIGIBLE = 1e-3
UNITS = {"number": "nm⁻²", "length": "nm⁻¹"}
"""Unit of a rate by its quantity."""


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with significant digits, without an exponent where it is short.

    Parameters
    ----------
    value : float or None
    digits : int

    Returns
    -------
    str
        "–" for None.
    """
    if value is None or value != value:
        return NONE
    if value == 0:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        text = f"{value:.{digits}g}"
        return text if "e" not in text else f"{value:.0f}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    raised = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{mantissa} × 10{raised}"


def interval(estimate: Estimate | None, digits: int = 2) -> str:
    """Return the interval of an estimate.

    Parameters
    ----------
    estimate : Estimate or None
    digits : int
        Significant digits.

    Returns
    -------
    str
        Such as "0.012 to 0.031"; "no upper limit" where there is none, "–" without an interval.
    """
    if estimate is None or (estimate.low is None and estimate.high is None):
        return NONE
    low = estimate.low or 0.0
    if estimate.value is not None and low < _NEGLIGIBLE * estimate.value:
        low = 0.0
    high = "no upper limit" if estimate.high is None else number(estimate.high, digits)
    return f"{number(low, digits)} to {high}"


def with_interval(estimate: Estimate | None) -> str:
    """Return an estimate with its interval in brackets.

    Parameters
    ----------
    estimate : Estimate or None

    Returns
    -------
    str
        Such as "0.020 (0.012 to 0.031)".
    """
    if estimate is None:
        return NONE
    text = interval(estimate)
    return number(estimate.value) if text == NONE else f"{number(estimate.value)} ({text})"


def share(value: float) -> str:
    """Return a share with three decimals; "–" where it is not defined."""
    return NONE if value != value else f"{value:.3f}"


def percent(value: float) -> str:
    """Return a share in percent with one decimal; a share that is not 0 is not stated as 0."""
    return "under 0.1 %" if 0 < value < 0.0005 else f"{100 * value:.1f} %"


def count(row: RateRow) -> str:
    """Return what was counted: the number of defects, or their length; of a movie per frame."""
    mean = " per frame" if row.frame_means == "all" else ""
    if row.quantity == "length":
        return f"{number(row.total, 4)} nm{mean}"
    return (f"{row.count:g}" if row.count == round(row.count) else f"{row.count:.1f}") + mean


def accuracy(found: Accuracy | None) -> str:
    """Return precision and recall as text; "–" where they were not measured."""
    return NONE if found is None else f"{share(found.precision)}, {share(found.recall)}"


def p_value(value: float) -> str:
    """Return a p-value."""
    return "< 0.001" if value < 0.001 else f"{value:.2g}"
