"""What is in or beside the lines and areas of a survey, where points belong to them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.draw import polygon

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.candidates import Candidate, CandidateKind
    from napari_stem_defects.anomaly.shapes import Line

_BESIDE = 0.75
"""Distance from the edge of a line or an area in periods up to which what is unusual belongs to
it."""
_ROW = 8.0
"""Length in periods up to which a line may be places that are in a row by chance."""


def beside_features(
    candidates: Sequence[Candidate],
    kinds: Sequence[CandidateKind],
    shape: tuple[int, int],
    samples: float,
) -> NDArray[np.bool_]:
    """Return what is in or near areas, and lines that are no rows of places.

    Parameters
    ----------
    candidates : sequence of Candidate
        Of a survey, in samples.
    kinds : sequence of str
        Those that count.
    shape : (int, int)
        Of the sampled image.
    samples : float
        Samples per lattice period.

    Returns
    -------
    ndarray of bool, shape ``shape``
    """
    near = np.zeros(shape, bool)
    for each in candidates:
        if each.kind not in kinds or (each.kind == "line" and each.length_px < _ROW * samples):
            continue
        half = 0.0
        rows: list[NDArray[np.intp]] = []
        columns: list[NDArray[np.intp]] = []
        for outline in each.shape:
            if each.kind == "area":
                corners = np.array(outline)
                y, x = polygon(corners[:, 0], corners[:, 1], shape)
            else:
                half = each.area_px / max(each.length_px, 1.0) / 2
                y, x = _along(outline, shape)
            rows.append(y)
            columns.append(x)
        if rows:
            _mark_near(
                near, np.concatenate(rows), np.concatenate(columns), half + _BESIDE * samples
            )
    return near


def _mark_near(
    near: NDArray[np.bool_], y: NDArray[np.intp], x: NDArray[np.intp], radius: float
) -> None:
    """Mark what is within a radius of some samples."""
    if not len(y):
        return
    margin = int(radius) + 2
    top, left = max(0, int(y.min()) - margin), max(0, int(x.min()) - margin)
    part = near[top : int(y.max()) + margin + 1, left : int(x.max()) + margin + 1]
    away = np.ones(part.shape, bool)
    away[y - top, x - left] = False
    part |= ndimage.distance_transform_edt(away) <= radius + 0.5  # as `base.disc` has it


def _along(points: Line, shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the samples along a line."""
    steps = [
        np.linspace(start, end, 2 + int(np.hypot(*np.subtract(end, start))))
        for start, end in pairwise(points)
    ]
    y, x = np.rint(np.concatenate(steps or [np.array(points)])).astype(int).T
    return np.clip(y, 0, shape[0] - 1), np.clip(x, 0, shape[1] - 1)
