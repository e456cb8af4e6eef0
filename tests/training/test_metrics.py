"""Metrics: confusion matrix, intervals, AUROC and calibration error."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtri

from napari_stem_defects.training.metrics import (
    Proportion,
    auroc,
    compute_metrics,
    wilson_interval,
)

CLASSES = ("Bulk", "SF1")


def columns(*values: float) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


def class_metrics(targets: np.ndarray, probabilities: np.ndarray, **thresholds: float):
    labels = ["SF1" if target == 1 else "other" for target in targets[:, 0]]
    return compute_metrics(("SF1",), labels, targets, probabilities, thresholds).classes["SF1"]


def test_the_table_of_the_abstract_is_reproduced() -> None:
    targets = columns(*[0.0] * 975, *[1.0] * 165)
    predictions = columns(*[0.1] * 974, 0.9, *[0.9] * 163, 0.1, 0.1)
    figures = class_metrics(targets, predictions)
    assert (figures.tn, figures.fp, figures.fn, figures.tp) == (974, 1, 2, 163)
    assert figures.errors == 3
    assert figures.errors_per_1140 == pytest.approx(3)
    assert figures.precision.value == pytest.approx(163 / 164)
    assert figures.recall.value == pytest.approx(163 / 165)
    assert figures.f1.value == pytest.approx(2 * 163 / (2 * 163 + 3))


def test_intervals_are_wilson_intervals() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263.
    rate = wilson_interval(81, 263)
    assert (rate.low, rate.high) == (
        pytest.approx(0.2553, abs=1e-4),
        pytest.approx(0.3662, abs=1e-4),
    )
    assert wilson_interval(0, 20).low == 0
    assert wilson_interval(20, 20).high == 1
    assert wilson_interval(0, 0) == Proportion()


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_f1_lies_in_its_interval(tp: int, fp: int, fn: int) -> None:
    targets = columns(*[1.0] * (tp + fn), *[0.0] * (fp + 1))
    predictions = columns(*[0.9] * tp, *[0.1] * fn, *[0.9] * fp, 0.1)
    f1 = class_metrics(targets, predictions).f1
    if tp + fn == 0:
        assert f1 == Proportion()
    else:
        assert f1.value == pytest.approx(2 * tp / (2 * tp + fp + fn))
        assert 0 <= f1.low <= f1.value <= f1.high <= 1


def test_unknown_targets_do_not_count() -> None:
    figures = class_metrics(columns(1, 0, np.nan, np.nan), columns(0.9, 0.1, 0.9, 0.1))
    assert (figures.tn, figures.fp, figures.fn, figures.tp) == (1, 0, 0, 1)
    assert sum(each.count for each in figures.reliability) == 2


def test_thresholds_decide_what_is_predicted() -> None:
    targets, predictions = columns(1, 0), columns(0.6, 0.55)
    assert class_metrics(targets, predictions).fp == 1
    assert class_metrics(targets, predictions, SF1=0.6).fp == 0


def test_auroc_counts_pairs_in_order() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random(60) < 0.4
    predictions = np.round(rng.random(60) + 0.3 * truth, 1).clip(0, 1)
    mine, others = predictions[truth][:, None], predictions[~truth][None]
    pairs = ((mine > others) + 0.5 * (mine == others)).mean()
    figures = class_metrics(columns(*truth), columns(*predictions))
    assert figures.auroc == pytest.approx(pairs)


def test_expected_calibration_error_is_the_weighted_mean_difference() -> None:
    # Ten windows at 0.75, of which five are of the class; ten at 0.05, of which none is.
    targets = columns(*[1.0] * 5, *[0.0] * 15)
    predictions = columns(*[0.75] * 10, *[0.05] * 10)
    figures = class_metrics(targets, predictions)
    assert figures.calibration_error == pytest.approx((0.25 + 0.05) / 2, abs=1e-6)
    filled = [each for each in figures.reliability if each.count]
    assert [(each.low, each.count, each.share) for each in filled] == [
        (0.0, 10, 0.0),
        (0.7, 10, 0.5),
    ]


def test_the_confusion_matrix_has_foreign_labels_and_unknown() -> None:
    labels = ["Bulk", "SF1", "SF1", "Mis", ""]
    targets = np.array([[1, 0], [0, 1], [0, 1], [0, 0], [np.nan, 0]], np.float32)
    predictions = np.array([[0.9, 0.8], [0.7, 0.8], [0.1, 0.2], [0.2, 0.6], [0.9, 0.9]], np.float32)
    found = compute_metrics(CLASSES, labels, targets, predictions)
    assert found.rows == ("Bulk", "SF1", "Mis")
    assert found.columns == ("Bulk", "SF1", "unknown")
    assert found.confusion == ((1, 0, 0), (0, 1, 1), (0, 1, 0))
    assert found.accuracy.value == pytest.approx(2 / 3)  # of the windows it could name
    assert found.unknown.value == pytest.approx(1 / 4)


def test_a_class_without_windows_has_counts_only() -> None:
    figures = class_metrics(columns(0, 0, 0), columns(0.9, 0.1, 0.2))
    assert (figures.fp, figures.tn) == (1, 2)
    assert figures.precision == figures.recall == figures.f1 == Proportion()
    assert figures.auroc is None


def test_without_a_window_of_another_class_precision_states_nothing() -> None:
    figures = class_metrics(columns(1, 1, 1), columns(0.9, 0.9, 0.1))
    assert (figures.tp, figures.fn) == (2, 1)
    assert figures.precision == figures.f1 == Proportion()
    assert figures.recall.value == pytest.approx(2 / 3)


def test_no_windows_give_empty_metrics() -> None:
    none = np.zeros((0, 2), np.float32)
    found = compute_metrics(CLASSES, [], none, none)
    assert found.accuracy == found.unknown == Proportion()
    assert found.classes["SF1"].errors_per_1140 is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_figures_become_json() -> None:
    targets = np.array([[1, 0], [0, 1], [0, np.nan]], np.float32)
    predictions = np.array([[0.9, 0.8], [0.7, 0.8], [0.1, 0.2]], np.float32)
    found = compute_metrics(CLASSES, ["Bulk", "SF1", "SF1"], targets, predictions)
    values = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    bulk = values["classes"]["Bulk"]
    assert bulk["precision"] == 0.5
    low, high = bulk["precision_interval"]
    assert low < 0.5 < high
    assert bulk["errors"] == 1


@given(st.integers(1, 2000), st.data())
def test_the_interval_is_the_closed_formula(count: int, data: st.DataObject) -> None:
    """Wilson (1927), equation written out."""
    hits = data.draw(st.integers(0, count))
    z, share = float(ndtri(0.975)), hits / count
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    found = wilson_interval(hits, count)
    assert found.value == share
    assert found.low == pytest.approx(max(0, centre - half), abs=1e-12)
    assert found.high == pytest.approx(min(1, centre + half), abs=1e-12)
    assert found.low <= share <= found.high


@pytest.mark.parametrize("decimals", [0, 1, 2, 6])
def test_auroc_is_the_share_of_ordered_pairs(decimals: int) -> None:
    """Ties count half; few decimals give many of them."""
    rng = np.random.default_rng(decimals)
    present, score = rng.random(200) < 0.3, np.round(rng.random(200), decimals)
    positive, negative = score[present][:, None], score[~present][None]
    pairs = (positive > negative) + 0.5 * (positive == negative)
    assert auroc(present, score) == pytest.approx(pairs.mean(), abs=1e-12)
    assert auroc(~present, score) == pytest.approx(1 - pairs.mean(), abs=1e-12)


def test_auroc_needs_both_kinds_of_windows() -> None:
    score = np.array([0.1, 0.9])
    assert auroc(np.ones(2, bool), score) is None
    assert auroc(np.zeros(2, bool), score) is None
    assert auroc(np.zeros(0, bool), np.zeros(0)) is None
