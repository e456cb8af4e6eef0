"""Score and unusual places of a residual, by what noise does not reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.candidates import (
    Candidate,
    cell_edge,
    find_candidates,
    only_lines,
    pool_cells,
)
from napari_stem_defects.anomaly.score import score_blocks
from napari_stem_defects.base.freed_memory import give_back_freed_memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.anomaly.survey_limits import SurveyLimits

_STRONG = 1.5
"""Level of a column above which it is no evidence for a line through it."""


def score_of(
    residual: LatticeResidual, values: NDArray[np.float32], limits: SurveyLimits
) -> NDArray[np.float32]:
    """Return the anomaly score of an image, as `unusual_places` does.

    Parameters
    ----------
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X)
        The whole residual.
    limits : SurveyLimits

    Returns
    -------
    ndarray of float32, shape (Y, X)
    """
    (block,) = score_blocks(residual, 1 + _STRONG * (limits.point - 1), values)
    return limits.score(limits.levels(block, residual.shape[0], residual.sampled.samples))


def unusual_places(
    residual: LatticeResidual,
    values: NDArray[np.float32] | None,
    limits: SurveyLimits,
    blocked: NDArray[np.bool_],
) -> tuple[NDArray[np.float32], tuple[Candidate, ...]]:
    """Return the anomaly score of an image and what is unusual in it.

    Parameters
    ----------
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X), optional
        The whole residual, where it is known.
    limits : SurveyLimits
    blocked : ndarray of bool, shape (Y, X)
        Where nothing is unusual.

    Returns
    -------
    score : ndarray of float32, shape (Y, X)
    candidates : tuple of Candidate
        With lengths in samples.
    """
    samples = residual.sampled.samples
    edge = cell_edge(samples, residual.shape[0] * residual.shape[1])
    score, level, deficit = _cells(residual, values, limits, blocked, edge)
    give_back_freed_memory()
    return score, find_candidates(level, score, deficit, samples, edge)


def _cells(
    residual: LatticeResidual,
    values: NDArray[np.float32] | None,
    limits: SurveyLimits,
    blocked: NDArray[np.bool_],
    edge: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Return the score of all samples, and level and deficit of cells, block by block."""
    samples, shape = residual.sampled.samples, residual.shape
    score = np.empty(shape, np.float32)
    levels: list[NDArray[np.float32]] = []
    lines: list[NDArray[np.float32]] = []
    deficits: list[NDArray[np.bool_]] = []
    for block in score_blocks(residual, 1 + _STRONG * (limits.point - 1), values):
        found = limits.levels(block, shape[0], samples)
        score[block.rows] = limits.score(found)
        for level, pooled in (
            (limits.unusual(found), levels),
            (found.line, lines),
        ):
            level[blocked[block.rows]] = 0
            pooled.append(pool_cells(level, edge))
        deficits.append(pool_cells(-block.mean, edge) > pool_cells(block.mean, edge))
    line = only_lines(np.concatenate(lines), samples / edge)
    return score, np.maximum(np.concatenate(levels), line), np.concatenate(deficits)
