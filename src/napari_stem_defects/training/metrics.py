"""Classification metrics with confidence intervals.

Confusion matrix, precision, recall, F1, AUROC (area under the ROC curve) and expected calibration
error, per class and between classes. The functions take labels and probabilities only, so that
any model and any data are evaluated alike. Windows of which it is unknown whether a class is
present (NaN) do not count for that class.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy
from numpy.typing import NDArray

from napari_stem_defects.base.defect_classes import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[np.float64]

# Marvin et al.: 974 + 163 of 1140 test windows right.
REFERENCE_WINDOWS, REFERENCE_ERRORS = 1140, 3
FEW_WINDOWS = REFERENCE_WINDOWS // REFERENCE_ERRORS
"""Windows below which the reference would be expected to have no error: nothing to compare."""
# Bins of probability for the reliability diagram.
BINS = 10


@dataclass(frozen=True)
class Proportion:
    """A proportion with its 95 % confidence interval; None if there was nothing to count.

    The interval treats windows as independent. Windows of one defect are not, so it is a lower
    bound of the uncertainty.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ReliabilityBin:
    """The windows with a probability between ``low`` and ``high``.

    ``probability`` is their mean probability, ``share`` the fraction of them that is of the class;
    both are None in an empty bin.
    """

    low: float
    high: float
    count: int
    probability: float | None
    share: float | None


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class against all others.

    Attributes
    ----------
    tn, fp, fn, tp : int
        True negative, false positive, false negative and true positive windows.
    errors : int
        ``fp + fn``.
    errors_per_1140 : float or None
        The errors scaled to the 1140 test windows of the abstract, which has 3 errors.
    precision, recall, f1 : Proportion
        Precision and F1 only where windows with and without the class were tested.
    auroc : float or None
        Area under the ROC curve (see `auroc`).
    calibration_error : float or None
        Expected calibration error (Guo et al. 2017): mean difference between the probability and
        the share of the class in the bins, weighted by their counts.
    reliability : tuple of ReliabilityBin
        Bins of the reliability diagram.
    """

    tn: int
    fp: int
    fn: int
    tp: int
    errors: int
    errors_per_1140: float | None
    precision: Proportion
    recall: Proportion
    f1: Proportion
    auroc: float | None
    calibration_error: float | None
    reliability: tuple[ReliabilityBin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe values; a proportion becomes its value and ``<name>_interval``."""
        values = asdict(self)
        for name in ("precision", "recall", "f1"):
            found: Proportion = getattr(self, name)
            values[name] = found.value
            values[f"{name}_interval"] = None if found.value is None else [found.low, found.high]
        return values


@dataclass(frozen=True)
class Metrics:
    """Metrics of an ensemble's predictions for n labelled windows.

    Attributes
    ----------
    windows : int
        Number of windows n.
    classes : dict of str to ClassMetrics
    rows : tuple of str
        Labels of the windows, the ensemble's classes first.
    columns : tuple of str
        The ensemble's classes, and "unknown" for windows without a predicted class.
    confusion : tuple of tuple of int
        Confusion matrix: number of windows by label (row) and by the most probable predicted
        class (column).
    accuracy : Proportion
        Share of the windows with a label of the ensemble's classes that are predicted correctly.
    unknown : Proportion
        Share of the labelled windows without a predicted class.
    """

    windows: int
    classes: dict[str, ClassMetrics]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: Proportion
    unknown: Proportion

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe values."""
        classes = {name: of_class.to_dict() for name, of_class in self.classes.items()}
        return asdict(self) | {"classes": classes}


def compute_metrics(
    classes: Sequence[str],
    labels: Sequence[str],
    targets: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    thresholds: Mapping[str, float] | None = None,
) -> Metrics:
    """Compare predictions with labels.

    Parameters
    ----------
    classes : sequence of str
        The C classes of the ensemble.
    labels : sequence of str, length n
        Label of each window; "" for windows that only rule classes out, which are left out of the
        confusion matrix.
    targets : ndarray of float32, shape (n, C)
        1 where the class is present, 0 where it is absent, NaN where unknown.
    probabilities : ndarray of float32, shape (n, C)
    thresholds : mapping of str to float, optional
        Probability from which a class is predicted; 0.5 by default.

    Returns
    -------
    Metrics
    """
    limits = np.array([(thresholds or {}).get(name, 0.5) for name in classes], np.float32)
    predicted = probabilities >= limits
    of_classes = {}
    for column, name in enumerate(classes):
        known = ~np.isnan(targets[:, column])
        of_classes[name] = _class_metrics(
            targets[known, column] > 0.5,
            predicted[known, column],
            probabilities[known, column].astype(np.float64),
        )
    rows, columns = _ordered(labels, classes), (*classes, UNKNOWN)
    confusion = _confusion_matrix(labels, rows, np.where(predicted, probabilities, -1))
    counted = dict(zip(rows, confusion, strict=True))
    own = sum(sum(counts) for name, counts in counted.items() if name in classes)
    right = sum(counts[columns.index(name)] for name, counts in counted.items() if name in classes)
    return Metrics(
        windows=len(labels),
        classes=of_classes,
        rows=rows,
        columns=columns,
        confusion=confusion,
        accuracy=wilson_interval(right, own),
        unknown=wilson_interval(sum(row[-1] for row in confusion), sum(map(sum, confusion))),
    )


def wilson_interval(hits: int, count: int) -> Proportion:
    """Compute a proportion with its 95 % confidence interval (Wilson 1927).

    Parameters
    ----------
    hits, count : int
        Number of hits, and number of trials.

    Returns
    -------
    Proportion
        All None if there were no trials.
    """
    if count == 0:
        return Proportion()
    share = hits / count
    found = scipy.stats.binomtest(hits, count).proportion_ci(0.95, method="wilson")
    # Rounding must not put the share itself outside.
    return Proportion(share, min(share, float(found.low)), max(share, float(found.high)))


def _class_metrics(
    present: NDArray[np.bool_], predicted: NDArray[np.bool_], probability: Array
) -> ClassMetrics:
    tn, fp, fn, tp = (
        int(np.sum((present == is_present) & (predicted == is_predicted)))
        for is_present in (False, True)
        for is_predicted in (False, True)
    )
    bins = _reliability(present, probability)
    is_both = bool(tp + fn and tn + fp)
    return ClassMetrics(
        tn=tn,
        fp=fp,
        fn=fn,
        tp=tp,
        errors=fp + fn,
        errors_per_1140=REFERENCE_WINDOWS * (fp + fn) / len(present) if len(present) else None,
        # Without a window of the class every prediction of it is wrong, without one of another
        # class none can be: precision and F1 would state nothing.
        precision=wilson_interval(tp, tp + fp) if is_both else Proportion(),
        recall=wilson_interval(tp, tp + fn),
        f1=_f1(tp, fp + fn) if is_both else Proportion(),
        auroc=auroc(present, probability),
        calibration_error=_expected_calibration_error(bins),
        reliability=bins,
    )


def _f1(tp: int, errors: int) -> Proportion:
    """Return F1 = 2J / (1 + J), J the proportion tp / (tp + fp + fn) (Hand et al. 2021)."""
    overlap = wilson_interval(tp, tp + errors)
    return Proportion(*(None if j is None else 2 * j / (1 + j) for j in vars(overlap).values()))


def auroc(present: NDArray[np.bool_], score: Array) -> float | None:
    """Compute the area under the ROC curve of a score.

    Parameters
    ----------
    present : ndarray of bool, shape (n,)
        Whether the class is present.
    score : ndarray of float, shape (n,)
        Probability or any other score.

    Returns
    -------
    float or None
        Probability that a window of the class has a higher score than another window, which is
        the Mann-Whitney U statistic divided by the number of pairs; ties count half. None if there
        are no windows of either kind.
    """
    positives = int(np.count_nonzero(present))
    negatives = len(present) - positives
    if not (positives and negatives):
        return None
    rank_sum = float(scipy.stats.rankdata(score)[present].sum())
    return (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)


def _reliability(present: NDArray[np.bool_], probability: Array) -> tuple[ReliabilityBin, ...]:
    number = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    bins = []
    for index in range(BINS):
        in_bin = number == index
        count = int(in_bin.sum())
        mean = float(probability[in_bin].mean()) if count else None
        share = float(present[in_bin].mean()) if count else None
        bins.append(ReliabilityBin(index / BINS, (index + 1) / BINS, count, mean, share))
    return tuple(bins)


def _expected_calibration_error(bins: tuple[ReliabilityBin, ...]) -> float | None:
    total = sum(each.count for each in bins)
    difference = sum(
        each.count * abs(each.probability - each.share)
        for each in bins
        if each.probability is not None and each.share is not None
    )
    return difference / total if total else None


def _ordered(labels: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
    """Return the labels that occur, those of the classes first, the others by name."""
    present = {name for name in labels if name}
    own = [name for name in classes if name in present]
    return (*own, *sorted(present - set(own)))


def _confusion_matrix(
    labels: Sequence[str], rows: tuple[str, ...], probabilities: NDArray[np.float32]
) -> tuple[tuple[int, ...], ...]:
    """Count windows; ``probabilities`` (n, C) are -1 for classes below their threshold."""
    count = probabilities.shape[1]
    is_unknown = probabilities.max(1, initial=-1) < 0
    predictions = np.where(is_unknown, count, probabilities.argmax(1))
    names = np.array(labels)
    return tuple(
        tuple(np.bincount(predictions[names == name], minlength=count + 1).tolist())
        for name in rows
    )
