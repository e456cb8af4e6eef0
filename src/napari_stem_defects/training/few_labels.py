"""Training of networks from few labels: they start from an ensemble that knows any crystal.

The members of the encoder distinguish generic defects from the crystal in the lattice residual.
Each new class starts from the member that separates its clicks from Bulk best, and learns from the
clicks and from the places of which a quick model made of the same clicks, their teacher, is sure.
The ensemble keeps its teacher, whose evidence counts beside that of the networks; see
`detection.teacher_evidence`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.base.progress import ProgressCallback, silent
from napari_stem_defects.matched_filter.storage import to_arrays
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.networks.weight_names import TEACHER
from napari_stem_defects.training.calibration import calibrate
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.few_label_windows import (
    LabelledPlaces,
    draw_windows,
    labelled_places,
    plain_windows,
)
from napari_stem_defects.training.quick import template_sizes
from napari_stem_defects.training.quick_images import model_from_clicks
from napari_stem_defects.training.sampling import join_samples
from napari_stem_defects.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.matched_filter.examples import Click
    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.training.quick_images import PreparedImage

WINDOWS_PER_CLICK = 64
WINDOWS = (256, 4096)
"""Windows of each class: so many per click, within these limits."""
EPOCHS = 3
CALIBRATION_WINDOWS = 4000
LABEL_RADIUS_PERIODS = 0.35
_LEARNING_RATE = 4e-3
_BATCH = 64
_COMPARED_WINDOWS = 300


class Learned(NamedTuple):
    """What the clicks taught.

    Attributes
    ----------
    ensemble : Ensemble
        Networks with their teacher.
    history : list of dict
        Losses of every epoch; see `training.fit.fit`.
    """

    ensemble: Ensemble
    history: list[dict[str, Any]]


def learn_from_few(
    prepared: Sequence[PreparedImage],
    clicks: Sequence[Click],
    classes: Sequence[DefectClass],
    encoder: Ensemble,
    *,
    name: str = "ensemble",
    members: int = 1,
    seed: int = 0,
    device: str = "cpu",
    report: ProgressCallback = silent,
) -> Learned:
    """Train networks on the clicks of some images.

    Parameters
    ----------
    prepared : sequence of PreparedImage
        At the samples per length unit of the encoder.
    clicks : sequence of Click
    classes : sequence of DefectClass
        Bulk, then the classes to learn, by name.
    encoder : Ensemble
        Networks that see the lattice residual.
    name : str
        Of the new ensemble.
    members : int
        Networks per class.
    seed : int
    device : str
        A torch device name.
    report : callable
        Receives the progress after every epoch.

    Returns
    -------
    Learned
    """
    from napari_stem_defects.training.fit import fit

    rng = np.random.default_rng(seed)
    patch_px = encoder.spec.preprocessing.patch_px
    quick = model_from_clicks(prepared, clicks, classes)
    images = [
        labelled_places(ready, [c for c in clicks if c.image == number], quick, patch_px)
        for number, ready in enumerate(prepared)
    ]
    count = int(np.clip(WINDOWS_PER_CLICK * len(clicks) / len(classes), *WINDOWS))
    samples = draw_windows(images, count, patch_px, rng)
    names = tuple(each.name for each in classes)
    schedule = Schedule(
        epochs=dict.fromkeys(names, EPOCHS),
        batch=_BATCH,
        learning_rate=_LEARNING_RATE,
        seeds=tuple(range(seed, seed + members)),
    )
    spec = EnsembleSpec(
        name=name,
        classes=names,
        seeds=schedule.seeds,
        preprocessing=encoder.spec.preprocessing,
        architecture=encoder.spec.architecture,
        class_data=tuple(classes),
        training={
            "recipe": "few labels",
            "encoder": {"name": encoder.spec.name, "sha256": encoder.sha256},
            "schedule": schedule.to_dict(),
            "windows": len(samples),
            "label_radius_px": LABEL_RADIUS_PERIODS * quick.samples,
        },
    )
    start = _started(spec, encoder, images, patch_px)
    ensemble, history = fit(
        spec, samples, None, schedule, initial=start, device=device, report=report
    )
    return Learned(_with_teacher(_calibrated(ensemble, images, patch_px, rng), quick), history)


def _with_teacher(ensemble: Ensemble, quick: MatchedFilterModel) -> Ensemble:
    arrays = {TEACHER + name: array for name, array in to_arrays(quick).items()}
    spec = replace(ensemble.spec, teacher=template_sizes(quick))
    return replace(ensemble, spec=spec, weights={**ensemble.weights, **arrays})


def _started(
    spec: EnsembleSpec, encoder: Ensemble, images: Sequence[LabelledPlaces], patch_px: int
) -> Ensemble:
    """Return members that start from those of the encoder that suit each class best."""
    logits, targets = _at_clicks(encoder, images, patch_px)
    weights: dict[str, NDArray[Any]] = {}
    of_encoder = len(encoder.spec.seeds)
    for column in range(len(spec.classes)):
        best = _best_member(logits, targets[:, column])
        for place in range(len(spec.seeds)):
            prefix = f"{best}.{place % of_encoder}."
            weights |= {
                f"{column}.{place}.{key.removeprefix(prefix)}": array
                for key, array in encoder.weights.items()
                if key.startswith(prefix)
            }
    return Ensemble(spec, weights)


def _at_clicks(
    encoder: Ensemble, images: Sequence[LabelledPlaces], patch_px: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the encoder's logits for clicked and other places, and the targets there."""
    rng = np.random.default_rng(0)
    clicked = [each.part(each.clicked) for each in images if each.clicked.any()]
    samples = join_samples(
        [plain_windows(part, _COMPARED_WINDOWS, patch_px, rng) for part in (images, clicked)]
    )
    return predict_logits(encoder, samples), samples.targets


def _best_member(logits: NDArray[np.float32], targets: NDArray[np.float32]) -> int:
    """Return the column of the logits that separates present from absent best."""
    present, absent = logits[targets == 1], logits[targets == 0]
    if not len(present) or not len(absent):
        return 0
    apart = present.mean(axis=0) - absent.mean(axis=0)
    spread = np.sqrt(present.var(axis=0) + absent.var(axis=0)) + 1e-3
    return int(np.argmax(apart / spread))


def _calibrated(
    ensemble: Ensemble, images: Sequence[LabelledPlaces], patch_px: int, rng: np.random.Generator
) -> Ensemble:
    """Calibrate on windows drawn evenly: training sees far more defects than an image holds."""
    windows = plain_windows(images, CALIBRATION_WINDOWS, patch_px, rng)
    logits = predict_logits(ensemble, windows)
    fitted = calibrate(ensemble.spec.classes, logits, windows.targets)
    return replace(ensemble, spec=replace(ensemble.spec, calibration=fitted))
