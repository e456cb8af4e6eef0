"""Evaluation of an ensemble on labelled windows: predictions, metrics and evaluation report."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import colours_of
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.training.metrics import Metrics, compute_metrics
from napari_stem_defects.training.sampling import Samples, averaging_positions, plain_samples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.training.dataset import TrainingSet

BATCH = 512

# Entries of the ensemble's description that a report repeats.
_DESCRIBED = (
    *("training", "calibration", "preprocessing", "architecture", "pixel_size_nm"),
    *("seeds", "versions"),
)
UNKNOWN_ORIGIN = (
    "test windows are all labels given; whether the model was trained on some is not known here"
)
OWN_LABELS = "test windows are the labels the model was made from, so this tests memory"


@dataclass(frozen=True, eq=False)
class SplitEvaluation:
    """Predictions of an ensemble for labelled windows, and their metrics.

    Attributes
    ----------
    split : str
        Train/test split that held the windows out: "random", "site", "region", "image"; "" for
        windows of other origin.
    meaning : str
        What the split tests, in one sentence.
    metrics : Metrics
    data : TrainingSet
        The n windows, with the ensemble's C classes.
    probabilities : ndarray of float32, shape (n, C)
    untestable : mapping of str to str
        Classes that cannot be tested on these windows, each with the reason.
    counts : mapping of str to mapping of str to int
        Labels per class of each part: "training", "calibration", "test".
    notes : tuple of str
        Remarks for the reader, one sentence each.
    """

    split: str
    meaning: str
    metrics: Metrics
    data: TrainingSet
    probabilities: NDArray[np.float32]
    untestable: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"SplitEvaluation({self.split!r}, {len(self.probabilities)} windows)"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe values without the single predictions."""
        return {
            "split": self.split,
            "meaning": self.meaning,
            "counts": {part: dict(counts) for part, counts in self.counts.items()},
            "untestable": dict(self.untestable),
            "notes": list(self.notes),
            "colours": colours_of(self.data.class_data),
            **self.metrics.to_dict(),
        }


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """An ensemble with its evaluations and the history of its training.

    Attributes
    ----------
    ensemble : Ensemble
    evaluations : tuple of SplitEvaluation
        One per split; that of the ensemble itself first.
    history : list of dict
        One entry per epoch: class ("" for the shared pretraining), seed, epoch, loss, and
        validation_loss on the windows used for calibration (None without them). Empty if nothing
        was trained.
    notes : tuple of str
        Remarks for the user, one sentence each.
    seconds : float
        Duration of the training or evaluation.

    Examples
    --------
    >>> report = sd.evaluate(sd.DEFAULT_MODEL, ["patches"])  # doctest: +SKIP
    >>> report.evaluations[0].metrics.classes["SF1"].recall.value  # doctest: +SKIP
    0.98
    """

    ensemble: Ensemble
    evaluations: tuple[SplitEvaluation, ...]
    history: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    def __repr__(self) -> str:
        splits = ", ".join(each.split or "none" for each in self.evaluations)
        return f"EvaluationReport({self.ensemble!r}, splits: {splits})"

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe values: the first evaluation at the top level, the others beside it."""
        spec = self.ensemble.spec
        first, *others = (each.to_dict() for each in self.evaluations)
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


def predict_logits(
    ensemble: Ensemble, samples: Samples, *, device: str = "cpu", report: ProgressCallback = silent
) -> NDArray[np.float32]:
    """Predict the mean logits of the members for windows.

    Parameters
    ----------
    ensemble : Ensemble
    samples : Samples
        n windows.
    device : str
        A torch device name.
    report : callable
        Receives the progress after every batch.

    Returns
    -------
    ndarray of float32, shape (n, C)
    """
    # Imported here so that reports can be read and written without loading torch.
    from napari_stem_defects.networks.ensemble import EnsembleNetwork

    network = EnsembleNetwork(ensemble, device)
    logits = [np.zeros((0, len(ensemble.spec.classes)), np.float32)]
    for start in range(0, len(samples), BATCH):
        batch = {name: array[start : start + BATCH] for name, array in samples.features.items()}
        logits.append(network.logits(batch).mean(0))
        report(Progress("testing", min(start + BATCH, len(samples)), len(samples)))
    return np.concatenate(logits)


def predict_logits_at_sites(
    ensemble: Ensemble,
    sites: TrainingSet,
    *,
    device: str = "cpu",
    report: ProgressCallback = silent,
) -> NDArray[np.float32]:
    """Predict logits at sites with the spatial averaging that the ensemble uses in detection.

    Parameters
    ----------
    ensemble : Ensemble
    sites : TrainingSet
        n sites.
    device : str
        A torch device name.
    report : callable
        Receives the progress after every batch.

    Returns
    -------
    ndarray of float32, shape (n, C)
    """
    spec = ensemble.spec
    mean = np.zeros((len(sites), len(spec.classes)), np.float32)
    for shifted, weight in averaging_positions(sites, spec.inference.averaging_px):
        samples = plain_samples(shifted, spec.preprocessing)
        logits = predict_logits(ensemble, samples, device=device, report=report)
        mean += np.float32(weight) * logits
    return mean


def evaluate_ensemble(
    ensemble: Ensemble, data: TrainingSet, *, device: str = "cpu", report: ProgressCallback = silent
) -> SplitEvaluation:
    """Evaluate an ensemble on labelled windows.

    Parameters
    ----------
    ensemble : Ensemble
    data : TrainingSet
        At the ensemble's pixel size. Its classes may differ: classes that the ensemble lacks are
        rows of the confusion matrix, classes that the data lacks count as absent everywhere.
    device : str
        A torch device name.
    report : callable
        Receives the progress after every batch.

    Returns
    -------
    SplitEvaluation
        Without a split.
    """
    spec = ensemble.spec
    test = _with_classes_of(data, spec)
    logits = predict_logits_at_sites(ensemble, test, device=device, report=report)
    probabilities = spec.calibrated_probabilities(logits)
    counts = {name: data.labels.count(name) for name in (*spec.classes, *data.classes)}
    is_own = spec.training.get("label_set_sha256") == data.sha256()
    return SplitEvaluation(
        split="",
        meaning=OWN_LABELS if is_own else UNKNOWN_ORIGIN,
        metrics=compute_metrics(
            spec.classes, test.labels, test.targets, probabilities, spec.thresholds
        ),
        data=test,
        probabilities=probabilities,
        untestable={
            name: "the data has no label of this class" for name in spec.classes if not counts[name]
        },
        counts={"test": counts},
        notes=_notes(data, spec),
    )


def _with_classes_of(data: TrainingSet, spec: EnsembleSpec) -> TrainingSet:
    """Return the data with the ensemble's classes, in its order."""
    targets = np.zeros((len(data), len(spec.classes)), np.float32)
    for column, name in enumerate(spec.classes):
        if name in data.classes:
            targets[:, column] = data.targets[:, data.classes.index(name)]
    return replace(data, classes=spec.classes, targets=targets)


def _notes(data: TrainingSet, spec: EnsembleSpec) -> tuple[str, ...]:
    patches = int((data.extent_px == 0).sum())
    if not patches or spec.preprocessing.window == "none":
        return ()
    return (
        f"{patches} test windows are whole patches with the defect anywhere inside; this model"
        " classifies the centre of a window and may rightly miss defects near the border.",
    )
