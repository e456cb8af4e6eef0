"""Active learning: suggest windows to label next.

Windows are ranked by uncertainty sampling (a small margin between the two most probable classes)
and query by committee (members that disagree about a class).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.lattice.scale import (
    match_scale,
    resample,
    scale_positions,
)
from napari_stem_defects.preprocessing.pipeline import features, filter_image
from napari_stem_defects.preprocessing.windows import cut, pad_for_windows, window_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.networks.spec import Ensemble

BATCH = 256


class Suggestion(NamedTuple):
    """A window to label, with the prediction of the ensemble.

    Attributes
    ----------
    y, x : float
        Centre of the window in px of the image.
    class_name : str
        The most probable class.
    probability : float
        Probability of that class.
    why : str
        Reason for the suggestion, for the user.
    """

    y: float
    x: float
    class_name: str
    probability: float
    why: str


@dataclass(frozen=True)
class _Predictions:
    """Probability of N windows, its standard deviation over the members, and the positions."""

    probability: NDArray[np.float32]  # (N, C)
    disagreement: NDArray[np.float32]  # (N, C)
    y: NDArray[np.floating[Any]]
    x: NDArray[np.floating[Any]]


def suggest(
    micrograph: Micrograph,
    ensemble: Ensemble,
    *,
    taken: Sequence[tuple[float, float]] = (),
    count: int = 30,
    stride: int = 16,
    device: str = "cpu",
    report: ProgressCallback = silent,
) -> list[Suggestion]:
    """Suggest windows to label, the most informative one first.

    A window is the more informative, the smaller the margin between its two most probable classes
    (Scheffer et al. 2001) and the more the members disagree about one class (query by committee,
    Seung et al. 1992). Windows are at least half a patch apart from each other and from labels.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    ensemble : Ensemble
    taken : sequence of (y, x)
        Positions of the existing labels in px.
    count : int
        Largest number of windows.
    stride : int
        Step between the windows in px at the ensemble's pixel size.
    device : {"auto", "cpu", "cuda", "mps"}
    report : callable
        Receives the progress after every batch.

    Returns
    -------
    list of Suggestion
    """
    scale = match_scale(micrograph, ensemble.spec.target_scale)
    predictions = _predict(scale.micrograph, ensemble, scale.factor, stride, device, report)
    best = np.sort(predictions.probability, axis=1)[:, ::-1]
    second = best[:, 1] if best.shape[1] > 1 else 0.0
    uncertainty = 1 - (best[:, 0] - second)
    disagreement = 2 * predictions.disagreement.max(axis=1)
    min_distance = ensemble.spec.preprocessing.patch_px / (2 * scale.factor)
    chosen: list[Suggestion] = []
    occupied = list(taken)
    for index in np.argsort(-(uncertainty + disagreement), kind="stable"):
        y, x = float(predictions.y[index]), float(predictions.x[index])
        if len(chosen) == count:
            break
        if all(np.hypot(y - other[0], x - other[1]) >= min_distance for other in occupied):
            occupied.append((y, x))
            by_committee = bool(disagreement[index] > uncertainty[index])
            chosen.append(_suggestion(predictions, int(index), ensemble, by_committee))
    return chosen


def _suggestion(
    predictions: _Predictions, index: int, ensemble: Ensemble, by_committee: bool
) -> Suggestion:
    probability = predictions.probability[index]
    first = int(probability.argmax())
    names = ensemble.spec.classes
    if by_committee:
        why = f"members disagree on {names[int(predictions.disagreement[index].argmax())]}"
    elif probability[first] < 0.5:
        why = "no class is probable"
    else:
        why = f"{names[int(np.argsort(probability)[-2])]} is likely too" if len(names) > 1 else ""
    y, x = float(predictions.y[index]), float(predictions.x[index])
    return Suggestion(y, x, names[first], float(probability[first]), why)


def _predict(
    micrograph: Micrograph,
    ensemble: Ensemble,
    factor: float,
    stride: int,
    device: str,
    report: ProgressCallback,
) -> _Predictions:
    """Predict every window of a grid; ``factor`` is the magnification of the pixels."""
    # Imported here so that quick tasks do not load torch.
    from napari_stem_defects.inference.predict import pick_device
    from napari_stem_defects.networks.ensemble import EnsembleNetwork

    settings, spec = ensemble.spec.preprocessing, ensemble.spec
    network = EnsembleNetwork(ensemble, pick_device(device))
    pixels = resample(micrograph.pixels, factor)
    padded = pad_for_windows(filter_image(pixels, settings), settings.patch_px)
    height, width = pixels.shape
    grid = window_grid((height, width), stride, spec.inference.margin_px)
    rows, columns = (axis.ravel() for axis in np.meshgrid(grid.y, grid.x, indexing="ij"))
    means, deviations = [], []
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        patches = cut(padded, rows[part], columns[part], settings.patch_px)
        logits = network.logits(features(patches, settings))
        means.append(spec.calibrated_probabilities(logits.mean(0)))
        deviations.append(np.stack([spec.calibrated_probabilities(each) for each in logits]).std(0))
        report(Progress("looking for windows", min(start + BATCH, len(rows)), len(rows)))
    return _Predictions(
        np.concatenate(means),
        np.concatenate(deviations),
        scale_positions(rows, 1 / factor),
        scale_positions(columns, 1 / factor),
    )
