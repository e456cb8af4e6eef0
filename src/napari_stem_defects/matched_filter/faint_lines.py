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
from napari_stem_defects.anomaly.score import EXTENDED_POOL, highest_of_noise, local_rms
from napari_stem_defects.matched_filter.along_lines import beside_lines
from napari_stem_defects.matched_filter.chance import is_faint, with_random_phases
from napari_stem_defects.matched_filter.extended_classes import (
    anomaly_similarity,
    extended_probability,
)
from napari_stem_defects.matched_filter.similarity import best_similarity
from napari_stem_defects.matched_filter.usual_power import without_strong

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.along_lines import Repeated
    from napari_stem_defects.matched_filter.examples import Examples
    from napari_stem_defects.matched_filter.model import ClassFilter
    from napari_stem_defects.matched_filter.templates import Aligned

_ALLOWED = 0.001
"""Share of noise that may be taken for lines."""
_SHOWN = 0.15
"""Share of the lines of images that noise shows from which they are noise."""
_STEP, _HIGHEST = 0.05, 1.2


def visible_line(
    item: ClassFilter,
    aligned: Aligned,
    noise: float,
    repeated: Sequence[Repeated],
    examples: Examples,
) -> ClassFilter | None:
    """Return a line that noise does not show.

    Parameters
    ----------
    item : ClassFilter
        Of the kind "line", with templates.
    aligned : Aligned
        Its clicks.
    noise : float
        Weighted mean square of the residual where the lattice is perfect.
    repeated : sequence of Repeated
        What the clicks repeat along it; empty where that is not known.
    examples : Examples
        The clicks.

    Returns
    -------
    ClassFilter or None
        As it is unless it is faint; None where noise is as similar to it as the line itself.
    """
    if not is_faint(aligned, noise):
        return item
    rng, samples = np.random.default_rng(0), examples.samples
    of_noise = []
    for image in examples.images():
        lines = [each.line for each in repeated if each.image is image]
        of_noise.append(
            with_random_phases(beside_lines(without_strong(image, samples), lines, samples), rng)
        )
    return above_noise(item, of_noise, samples)


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
        raised = replace(item, threshold=float(threshold), template_threshold=float(threshold))
        found = [extended_probability(raised, each, samples / edge) >= 0.5 for each in cells]
        if np.mean([float(each.mean()) for each in found]) <= _ALLOWED:
            return raised
    return None


def noise_shows(item: ClassFilter, images: Sequence[NDArray[np.float32]], samples: float) -> bool:
    """Return whether noise shows a good part of the lines that images show.

    Parameters
    ----------
    item : ClassFilter
        Of the kind "line", recognised by being unusual.
    images : sequence of ndarray of float32, shape (Y, X)
        Lattice residuals.
    samples : float
        Samples per length unit.

    Returns
    -------
    bool
    """
    rng, edge, shares = np.random.default_rng(0), cell_edge(samples), []
    for image in images:
        noise = local_rms(with_random_phases(image, rng), EXTENDED_POOL * samples)
        limit = highest_of_noise(noise, 1.0)
        for scores in local_rms(image, EXTENDED_POOL * samples), noise:
            similar = pool_cells(anomaly_similarity(scores, item, limit), edge)
            found = extended_probability(item, similar, samples / edge) >= 0.5
            shares.append(float(found.mean()))
    return sum(shares[1::2]) > _SHOWN * sum(shares[::2])
