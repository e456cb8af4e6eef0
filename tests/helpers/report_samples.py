"""A small evaluation report."""

from __future__ import annotations

from typing import Any

import numpy as np
from learning_samples import striped_patches

from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.training.evaluate import EvaluationReport, SplitEvaluation
from napari_stem_defects.training.metrics import compute_metrics

CLASSES = ("Bulk", "SF1")
HISTORY = [
    {"class": name, "seed": 0, "epoch": epoch, "loss": 0.5 / epoch, "validation_loss": validation}
    for name, validation in (("", 0.4), ("Bulk", None), ("SF1", 0.3))
    for epoch in (1, 2)
]


def evaluated(split: str, **described: Any) -> SplitEvaluation:
    """Return an evaluation with one wrong prediction, that of the first window."""
    data = striped_patches(10)
    probabilities = np.where(data.targets == 1, 0.9, 0.1).astype(np.float32)
    probabilities[0] = 0.2, 0.3
    metrics = compute_metrics(CLASSES, data.labels, data.targets, probabilities)
    return SplitEvaluation(split, f"meaning of {split}", metrics, data, probabilities, **described)


def report(history: list[dict[str, Any]] = HISTORY) -> EvaluationReport:
    """Return a report on a grouped and a random split."""
    spec = EnsembleSpec("striped", CLASSES)
    counts = {"training": {"Bulk": 30, "SF1": 40}, "test": {"Bulk": 10, "SF1": 10}}
    own = evaluated("site", counts=counts, untestable={"SF1": "all labels are of one defect"})
    other = evaluated("random", notes=("A note.",))
    ensemble = Ensemble(spec, {}, "ab" * 32)
    return EvaluationReport(ensemble, (own, other), history, ("A remark.",), 12.5)
