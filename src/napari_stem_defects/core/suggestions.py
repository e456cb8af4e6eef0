"""Which windows to label next: those an ensemble is least sure of, or disagrees on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from skimage.transform import resize

from napari_stem_defects.core.detection import match_scale
from napari_stem_defects.core.preprocessing import features, flatten
from napari_stem_defects.core.progress import Progress, Report, silent
from napari_stem_defects.core.windows import cut, pad_for_windows, window_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.core.ensemble import Ensemble
    from napari_stem_defects.core.micrograph import Micrograph

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
    scale = match_scale(micrograph, ensemble.spec)
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
    from napari_stem_defects.core.inference import pick_device
    from napari_stem_defects.core.network import Network

    settings, spec = ensemble.spec.preprocessing, ensemble.spec
    network = Network(ensemble, pick_device(device))
    shape = tuple(max(1, round(length * factor)) for length in micrograph.frame_shape)
    pixels = micrograph.pixels
    if factor != 1:
        pixels = resize(pixels, shape, order=3, anti_aliasing=factor < 1, preserve_range=True)
    padded = pad_for_windows(flatten(pixels.astype(np.float32), settings), settings.patch_px)
    grid = window_grid((shape[0], shape[1]), stride, spec.margin_px)
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
        (rows + 0.5) / factor - 0.5,
        (columns + 0.5) / factor - 0.5,
    )
