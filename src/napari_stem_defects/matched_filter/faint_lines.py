"""Thresholds of lines that noise does not reach.

What few clicks on a faint line have in common is partly noise, and noise looks like it in many
places, here and there in a row. How similar such rows are is seen in noise with the spectrum of the
residual beside the clicked lines.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.anomaly.candidates import cell_edge, pool_cells
from napari_stem_defects.matched_filter.extended_classes import extended_probability
from napari_stem_defects.matched_filter.similarity import best_similarity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.model import ClassFilter

_ALLOWED = 0.001
"""Share of noise that may be taken for lines."""
_STEP, _HIGHEST = 0.05, 1.2


def above_noise(
    item: ClassFilter, noise: Sequence[NDArray[np.float32]], samples: float
) -> ClassFilter | None:
    """Return a line with a threshold from which noise shows no lines.

    Parameters
    ----------
    item : ClassFilter
        Of the kind "line", with templates.
    noise : sequence of ndarray of float32, shape (Y, X)
        With the spectrum of the residual of each image.
    samples : float
        Samples per length unit.

    Returns
    -------
    ClassFilter or None
        None where noise is as similar to the line as the line itself.
    """
    edge = cell_edge(samples)
    cells = [pool_cells(best_similarity(each, item.templates), edge) for each in noise]
    for threshold in np.arange(item.threshold, max(_HIGHEST, item.threshold) + 1e-6, _STEP):
        raised = replace(
            item, threshold=float(threshold), template_threshold=float(threshold)
        )
        found = [extended_probability(raised, each, samples / edge) >= 0.5 for each in cells]
        if np.mean([float(each.mean()) for each in found]) <= _ALLOWED:
            return raised
    return None
