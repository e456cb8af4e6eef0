"""Asking an ensemble about labelled windows and comparing its answers with the labels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.progress import Progress, Report, silent
from napari_stem_defects.training.metrics import Evaluation, evaluate
from napari_stem_defects.training.sampling import (
    Samples,
    around,
    plain_samples,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.training.dataset import TrainingSet

BATCH = 512

# What a report repeats of the ensemble's description.
_DESCRIBED = (
    *("training", "calibration", "preprocessing", "architecture", "pixel_size_nm"),
    *("seeds", "versions"),
)
UNKNOWN_ORIGIN = (
    "test windows are all labels given; whether the model was trained on some is not known here"
)
OWN_LABELS = "test windows are the labels the model was made from, so this tests memory"


@dataclass(frozen=True)
class SplitEvaluation:
    """An ensemble's answers to labelled windows, and what they are worth.

    Attributes
    ----------
    split : str
        What was held out from training: "random", "site", "region", "image"; "" where the
        windows come from elsewhere.
    meaning : str
        What that tests, in one sentence.
    evaluation : Evaluation
    data : TrainingSet
        The n windows, with the ensemble's C classes.
    probabilities : ndarray of float32, shape (n, C)
    untestable : mapping of str to str
        Classes these windows cannot test, each with the reason.
    counts : mapping of str to mapping of str to int
        Labels per class of each part: "training", "calibration", "test".
    notes : tuple of str
        What a reader should know, one sentence each.
    """

    split: str
    meaning: str
    evaluation: Evaluation
    data: TrainingSet
    probabilities: NDArray[np.float32]
    untestable: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, without the single answers."""
        return {
            "split": self.split,
            "meaning": self.meaning,
            "counts": {part: dict(counts) for part, counts in self.counts.items()},
            "untestable": dict(self.untestable),
            "notes": list(self.notes),
            **self.evaluation.to_dict(),
        }


@dataclass(frozen=True)
class EvaluationReport:
    """An ensemble and how good it is: all a report says.

    Attributes
    ----------
    ensemble : Ensemble
    measurements : tuple of Measurement
        One per split; where it was trained here, the ensemble's own first.
    history : list of dict
        Per epoch of the ensemble: class ("" for the common start), seed, epoch, loss, and
        validation_loss on the windows it was calibrated on (None without). Empty where nothing
        was trained.
    notes : tuple of str
        What the user should know, one sentence each.
    seconds : float
    """

    ensemble: Ensemble
    measurements: tuple[SplitEvaluation, ...]
    history: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: the first measurement's at the top, the others beside."""
        spec = self.ensemble.spec
        first, *others = (each.to_dict() for each in self.measurements)
        described = spec.to_dict()
        return {
            "model": spec.name,
            "weights_sha256": self.ensemble.sha256,
            **first,
            "beside": others,
            "history": self.history,
            "remarks": list(self.notes),
            **{name: described[name] for name in _DESCRIBED},
            "thresholds": {name: spec.threshold(name) for name in spec.classes},
            "seconds": self.seconds,
        }


def logits_of(
    ensemble: Ensemble, samples: Samples, *, device: str = "cpu", report: Report = silent
) -> NDArray[np.float32]:
    """Return the members' mean logits (n, C) of windows, batch by batch."""
    # Imported here so that figures can be read and written without loading torch.
    from napari_stem_defects.networks.ensemble import EnsembleNetwork

    network = EnsembleNetwork(ensemble, device)
    answers = [np.zeros((0, len(ensemble.spec.classes)), np.float32)]
    for start in range(0, len(samples), BATCH):
        batch = {name: array[start : start + BATCH] for name, array in samples.features.items()}
        answers.append(network.logits(batch).mean(0))
        report(Progress("testing", min(start + BATCH, len(samples)), len(samples)))
    return np.concatenate(answers)


def answers_at(
    ensemble: Ensemble, sites: TrainingSet, *, device: str = "cpu", report: Report = silent
) -> NDArray[np.float32]:
    """Return the mean logits (n, C) that a scan has for sites: averaged as the ensemble's are."""
    spec = ensemble.spec
    mean = np.zeros((len(sites), len(spec.classes)), np.float32)
    for moved, weight in around(sites, spec.spread_px):
        samples = plain_samples(moved, spec.preprocessing)
        mean += np.float32(weight) * logits_of(ensemble, samples, device=device, report=report)
    return mean


def measure(
    ensemble: Ensemble, data: TrainingSet, *, device: str = "cpu", report: Report = silent
) -> SplitEvaluation:
    """Test an ensemble on labelled windows.

    Parameters
    ----------
    ensemble : Ensemble
    data : TrainingSet
        Brought to the ensemble's pixel size. Its classes may differ: those the ensemble lacks
        appear in the confusion as rows, those the data lacks count as absent everywhere.
    device : str
        A torch device name.
    report : callable
        Told after every batch.
    """
    spec = ensemble.spec
    asked = _asked(data, spec)
    probabilities = spec.calibrated(answers_at(ensemble, asked, device=device, report=report))
    counts = {name: data.labels.count(name) for name in (*spec.classes, *data.classes)}
    own = spec.training.get("label_set_sha256") == data.sha256()
    return SplitEvaluation(
        split="",
        meaning=OWN_LABELS if own else UNKNOWN_ORIGIN,
        evaluation=evaluate(
            spec.classes, asked.labels, asked.targets, probabilities, spec.thresholds
        ),
        data=asked,
        probabilities=probabilities,
        untestable={
            name: "the data has no label of this class" for name in spec.classes if not counts[name]
        },
        counts={"test": counts},
        notes=_notes(data, spec),
    )


def _asked(data: TrainingSet, spec: EnsembleSpec) -> TrainingSet:
    """Give the data the ensemble's classes, in its order."""
    targets = np.zeros((len(data), len(spec.classes)), np.float32)
    for column, name in enumerate(spec.classes):
        if name in data.classes:
            targets[:, column] = data.targets[:, data.classes.index(name)]
    return replace(data, classes=spec.classes, targets=targets)


def _notes(data: TrainingSet, spec: EnsembleSpec) -> tuple[str, ...]:
    patches = int((data.radius_px == 0).sum())
    if not patches or spec.preprocessing.window == "none":
        return ()
    return (
        f"{patches} test windows are whole patches with the defect anywhere inside; this model"
        " answers for a window's centre and may rightly deny defects near the border.",
    )
