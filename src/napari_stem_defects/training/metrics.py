"""How good answers are: counted per class and between classes, with intervals.

Works on labels and probabilities alone, so that any model and any data are measured alike.
Windows of which nobody knows whether a class is there (NaN) do not count for that class.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from napari_stem_defects.base.defect_classes import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Array = NDArray[np.float64]

# Marvin et al.: 974 + 163 of 1140 test windows right.
REFERENCE_WINDOWS, REFERENCE_ERRORS = 1140, 3
BINS = 10
_Z = float(ndtri(0.975))


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval; None throughout where there was nothing to count.

    The interval takes windows for independent. Windows of one defect are not, so it is a lower
    bound of the true uncertainty.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Bin:
    """The windows whose probability lies between ``low`` and ``high``.

    ``probability`` is their mean, ``share`` how many of them really are of the class; both are
    None in an empty bin.
    """

    low: float
    high: float
    count: int
    probability: float | None
    share: float | None


@dataclass(frozen=True)
class ClassFigures:
    """One class against all others.

    Attributes
    ----------
    tn, fp, fn, tp : int
        Windows rightly not claimed, wrongly claimed, missed, rightly claimed.
    errors : int
        ``fp + fn``.
    errors_per_1140 : float or None
        The same scaled to the abstract's number of test windows, of which it had 3 wrong.
    precision, recall, f1 : Rate
    auroc : float or None
        Chance that a window of the class gets a higher probability than another one.
    calibration_error : float or None
        Mean distance between probability and share over the bins, weighted by their counts
        (expected calibration error; Guo et al. 2017).
    reliability : tuple of Bin
    """

    tn: int
    fp: int
    fn: int
    tp: int
    errors: int
    errors_per_1140: float | None
    precision: Rate
    recall: Rate
    f1: Rate
    auroc: float | None
    calibration_error: float | None
    reliability: tuple[Bin, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values; a rate becomes its value and ``<name>_interval``."""
        values = asdict(self)
        for name in ("precision", "recall", "f1"):
            rate: Rate = getattr(self, name)
            values[name] = rate.value
            values[f"{name}_interval"] = None if rate.value is None else [rate.low, rate.high]
        return values


@dataclass(frozen=True)
class Evaluation:
    """Figures of an ensemble's answers to n labelled windows.

    Attributes
    ----------
    windows : int
        n.
    classes : dict of str to ClassFigures
    rows : tuple of str
        The labels there are, the ensemble's classes first.
    columns : tuple of str
        The ensemble's classes, and "unknown" for windows no class claims.
    confusion : tuple of tuple of int
        Windows by label (row) and by the most probable of the classes that claim it (column).
    accuracy : Rate
        Share of the windows labelled with one of the ensemble's classes that were given it.
    unknown : Rate
        Share of the labelled windows that no class claims.
    """

    windows: int
    classes: dict[str, ClassFigures]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    accuracy: Rate
    unknown: Rate

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        figures = {name: figures.to_dict() for name, figures in self.classes.items()}
        return asdict(self) | {"classes": figures}


def evaluate(
    classes: Sequence[str],
    labels: Sequence[str],
    targets: NDArray[np.float32],
    probabilities: NDArray[np.float32],
    thresholds: Mapping[str, float] | None = None,
) -> Evaluation:
    """Compare answers with labels.

    Parameters
    ----------
    classes : sequence of str
        The C classes of the ensemble.
    labels : sequence of str, length n
        What each window was labelled; "" for windows that only say what is not there, which are
        left out of the confusion between classes.
    targets : ndarray of float32, shape (n, C)
        1 where the class is there, 0 where it is not, NaN where nobody knows.
    probabilities : ndarray of float32, shape (n, C)
    thresholds : mapping of str to float, optional
        Probability from which a class claims a window; 0.5 where not given.
    """
    limits = np.array([(thresholds or {}).get(name, 0.5) for name in classes], np.float32)
    claims = probabilities >= limits
    figures = {}
    for column, name in enumerate(classes):
        known = ~np.isnan(targets[:, column])
        figures[name] = _class_figures(
            targets[known, column] > 0.5,
            claims[known, column],
            probabilities[known, column].astype(np.float64),
        )
    rows, columns = _ordered(labels, classes), (*classes, UNKNOWN)
    confusion = _confusion(labels, rows, np.where(claims, probabilities, -1))
    own = sum(
        count for name, row in zip(rows, confusion, strict=True) for count in row if name in classes
    )
    right = sum(confusion[i][columns.index(name)] for i, name in enumerate(rows) if name in classes)
    return Evaluation(
        windows=len(labels),
        classes=figures,
        rows=rows,
        columns=columns,
        confusion=confusion,
        accuracy=wilson(right, own),
        unknown=wilson(sum(row[-1] for row in confusion), sum(map(sum, confusion))),
    )


def wilson(hits: int, count: int) -> Rate:
    """Return hits / count with its 95 % interval (Wilson 1927)."""
    if count == 0:
        return Rate()
    share = hits / count
    shrink = 1 + _Z**2 / count
    centre = (share + _Z**2 / (2 * count)) / shrink
    half = _Z / shrink * math.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2))
    # Rounding must not put the share itself outside.
    return Rate(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)))


def _class_figures(
    there: NDArray[np.bool_], claimed: NDArray[np.bool_], probability: Array
) -> ClassFigures:
    tn, fp, fn, tp = (
        int(np.sum((there == is_there) & (claimed == is_claimed)))
        for is_there in (False, True)
        for is_claimed in (False, True)
    )
    bins = _reliability(there, probability)
    return ClassFigures(
        tn=tn,
        fp=fp,
        fn=fn,
        tp=tp,
        errors=fp + fn,
        errors_per_1140=REFERENCE_WINDOWS * (fp + fn) / len(there) if len(there) else None,
        # Without a window of the class every claim is wrong, which says nothing about precision.
        precision=wilson(tp, tp + fp) if tp + fn else Rate(),
        recall=wilson(tp, tp + fn),
        f1=_f1(tp, fp + fn) if tp + fn else Rate(),
        auroc=auroc(there, probability),
        calibration_error=_calibration_error(bins),
        reliability=bins,
    )


def _f1(tp: int, errors: int) -> Rate:
    """Return F1 = 2J / (1 + J), J the proportion tp / (tp + fp + fn) (Hand et al. 2021)."""
    overlap = wilson(tp, tp + errors)
    return Rate(*(None if j is None else 2 * j / (1 + j) for j in vars(overlap).values()))


def auroc(there: NDArray[np.bool_], probability: Array) -> float | None:
    """Return how well a score tells what is there from what is not.

    Parameters
    ----------
    there : ndarray of bool, shape (n,)
    probability : ndarray of float, shape (n,)
        Any score.

    Returns
    -------
    float or None
        The chance that something there scores higher than something that is not (the
        Mann-Whitney statistic as a share); ties count half. None where either is missing.
    """
    others = np.sort(probability[~there])
    mine = probability[there]
    if not (len(others) and len(mine)):
        return None
    below = np.searchsorted(others, mine, "left") + np.searchsorted(others, mine, "right")
    return float(below.sum() / (2 * len(others) * len(mine)))


def _reliability(there: NDArray[np.bool_], probability: Array) -> tuple[Bin, ...]:
    number = np.minimum((probability * BINS).astype(np.int64), BINS - 1)
    bins = []
    for index in range(BINS):
        here = number == index
        count = int(here.sum())
        mean = float(probability[here].mean()) if count else None
        share = float(there[here].mean()) if count else None
        bins.append(Bin(index / BINS, (index + 1) / BINS, count, mean, share))
    return tuple(bins)


def _calibration_error(bins: tuple[Bin, ...]) -> float | None:
    total = sum(each.count for each in bins)
    apart = sum(
        each.count * abs(each.probability - each.share)
        for each in bins
        if each.probability is not None and each.share is not None
    )
    return apart / total if total else None


def _ordered(labels: Sequence[str], classes: Sequence[str]) -> tuple[str, ...]:
    there = {name for name in labels if name}
    own = [name for name in classes if name in there]
    return (*own, *sorted(there - set(own)))


def _confusion(
    labels: Sequence[str], rows: tuple[str, ...], claimed: NDArray[np.float32]
) -> tuple[tuple[int, ...], ...]:
    """Count windows; ``claimed`` holds probabilities, -1 where a class makes no claim."""
    answers = np.where(claimed.max(1, initial=-1) < 0, claimed.shape[1], claimed.argmax(1))
    names = np.array(labels)
    return tuple(
        tuple(np.bincount(answers[names == name], minlength=claimed.shape[1] + 1).tolist())
        for name in rows
    )
