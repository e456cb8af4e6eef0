"""Which windows to label next: those an ensemble is least sure of, or disagrees on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.base.progress import Progress, Report, silent
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
    """A window worth a label.

    Attributes
    ----------
    y, x : float
        Its centre in px of the image.
    class_name : str
        The most probable class.
    probability : float
        Of that class.
    why : str
        What makes the window worth looking at, for the user.
    """

    y: float
    x: float
    class_name: str
    probability: float
    why: str


@dataclass(frozen=True)
class _Answers:
    """Probability (N, C) of N windows, and its spread over the members, and where they are."""

    probability: NDArray[np.float32]
    spread: NDArray[np.float32]
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
    report: Report = silent,
) -> list[Suggestion]:
    """Choose windows to be labelled by a person, the most telling one first.

    A window tells the more, the smaller the margin between its two most probable classes
    (Scheffer et al. 2001) and the more the members differ about one. Windows keep half a patch
    from each other and from labels.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    ensemble : Ensemble
    taken : sequence of (y, x)
        Labels there are, px.
    count : int
        How many windows to return at most.
    stride : int
        Step between the windows asked about, px at the ensemble's pixel size.
    """
    scale = match_scale(micrograph, ensemble.spec.target_scale)
    answers = _ask(scale.micrograph, ensemble, scale.factor, stride, device, report)
    best = np.sort(answers.probability, axis=1)[:, ::-1]
    second = best[:, 1] if best.shape[1] > 1 else 0.0
    doubt, quarrel = 1 - (best[:, 0] - second), 2 * answers.spread.max(axis=1)
    apart = ensemble.spec.preprocessing.patch_px / (2 * scale.factor)
    chosen: list[Suggestion] = []
    places = list(taken)
    for index in np.argsort(-(doubt + quarrel), kind="stable"):
        place = float(answers.y[index]), float(answers.x[index])
        if len(chosen) == count:
            break
        if all(np.hypot(place[0] - y, place[1] - x) >= apart for y, x in places):
            places.append(place)
            chosen.append(_suggestion(answers, int(index), ensemble, quarrel[index] > doubt[index]))
    return chosen


def _suggestion(answers: _Answers, index: int, ensemble: Ensemble, quarrel: bool) -> Suggestion:
    probability = answers.probability[index]
    first = int(probability.argmax())
    names = ensemble.spec.classes
    if quarrel:
        why = f"members disagree on {names[int(answers.spread[index].argmax())]}"
    elif probability[first] < 0.5:
        why = "no class claims it"
    else:
        why = f"{names[int(np.argsort(probability)[-2])]} is likely too" if len(names) > 1 else ""
    y, x = float(answers.y[index]), float(answers.x[index])
    return Suggestion(y, x, names[first], float(probability[first]), why)


def _ask(
    micrograph: Micrograph,
    ensemble: Ensemble,
    factor: float,
    stride: int,
    device: str,
    report: Report,
) -> _Answers:
    # Imported here so that the quick worker never pays for torch.
    from napari_stem_defects.inference.predict import pick_device
    from napari_stem_defects.networks.ensemble import EnsembleNetwork

    settings, spec = ensemble.spec.preprocessing, ensemble.spec
    network = EnsembleNetwork(ensemble, pick_device(device))
    pixels = resample(micrograph.pixels, factor)
    padded = pad_for_windows(filter_image(pixels, settings), settings.patch_px)
    height, width = pixels.shape
    grid = window_grid((height, width), stride, spec.margin_px)
    rows, columns = (axis.ravel() for axis in np.meshgrid(grid.y, grid.x, indexing="ij"))
    means, spreads = [], []
    for start in range(0, len(rows), BATCH):
        part = slice(start, start + BATCH)
        patches = cut(padded, rows[part], columns[part], settings.patch_px)
        logits = network.logits(features(patches, settings))
        means.append(spec.calibrated(logits.mean(0)))
        spreads.append(np.stack([spec.calibrated(each) for each in logits]).std(0))
        report(Progress("looking for windows", min(start + BATCH, len(rows)), len(rows)))
    return _Answers(
        np.concatenate(means),
        np.concatenate(spreads),
        scale_positions(rows, 1 / factor),
        scale_positions(columns, 1 / factor),
    )
