"""One measured run on the public patches: data set, method, split and seed in, figures out."""

from __future__ import annotations

import platform
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from baselines import BASELINES
from patch_places import showing_their_defect
from peers import PEERS

from napari_stem_defects.training.metrics import Metrics, compute_metrics
from napari_stem_defects.training.pipeline import train
from napari_stem_defects.training.recipes import RecipeName, TrainingOptions
from napari_stem_defects.training.splits import split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.settings import Representation
    from napari_stem_defects.training.dataset import TrainingSet
    from napari_stem_defects.training.splits import SplitKind


class Run(NamedTuple):
    """What is measured."""

    data: str
    method: str
    split: SplitKind
    seed: int

    @property
    def name(self) -> str:
        """Return the name of its file."""
        return f"{self.data}.{self.method}.{self.split}.{self.seed}.json"


class Outcome(NamedTuple):
    """Predictions of a method on its test windows, and what it was trained on."""

    test: TrainingSet
    probabilities: NDArray[np.float32]
    metrics: Metrics
    counts: Mapping[str, Mapping[str, int]]
    untestable: Mapping[str, str]
    protocol: Mapping[str, Any]


# Method: recipe and representation; None leaves it to the recipe.
NETWORKS: dict[str, tuple[RecipeName, Representation | None]] = {
    "suited": ("suited", None),
    "abstract": ("abstract", None),
    "suited-fft": ("suited", "fft"),
    "suited-fft+real": ("suited", "fft+real"),
    "suited-shown": ("suited", None),
}
# Trained and tested without the patches whose defect lies outside of them.
SHOWN = "suited-shown"


def measured(run: Run, data: TrainingSet, epochs: int | None = None) -> dict[str, Any]:
    """Train and test a run's method; ``epochs`` limits the epochs of every member."""
    started = time.process_time()
    if run.method == SHOWN:
        data = showing_their_defect(data, run.data)
    if run.method in NETWORKS:
        outcome = _networks(run, data, epochs)
    else:
        outcome = _baseline(run, data)
    return {
        **run._asdict(),
        **_figures(outcome),
        "processor_seconds": round(time.process_time() - started, 1),
        "label_set_sha256": data.sha256(),
        "protocol": dict(outcome.protocol),
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "numpy", "scipy")},
        },
    }


def _networks(run: Run, data: TrainingSet, epochs: int | None) -> Outcome:
    recipe, representation = NETWORKS[run.method]
    choices = TrainingOptions(
        name=run.name,
        epochs={} if epochs is None else dict.fromkeys(data.classes, epochs),
        splits=(run.split,),
        recipe=recipe,
        representation=representation,
        seed=run.seed,
    )
    made = train(data, choices, device="cpu")
    (found,) = made.evaluations
    return Outcome(
        found.data,
        found.probabilities,
        found.metrics,
        found.counts,
        found.untestable,
        made.ensemble.spec.training["protocol"],
    )


def _baseline(run: Run, data: TrainingSet) -> Outcome:
    """Give a baseline all of the training side; nothing is held out for calibration."""
    sides = split(data, run.split, seed=run.seed)
    learned, test = data.subset(sides.train), data.subset(sides.test)
    method = {**BASELINES, **PEERS}[run.method]
    probabilities = method(learned, test)
    metrics = compute_metrics(data.classes, test.labels, test.targets, probabilities)
    counts = {"training": learned.counts(), "test": test.counts()}
    protocol = {"name": run.method, "description": (method.__doc__ or "").splitlines()[0]}
    return Outcome(test, probabilities, metrics, counts, sides.untestable, protocol)


def _figures(outcome: Outcome) -> dict[str, Any]:
    """Return counts per class, what cannot be tested, and the patches that were misjudged."""
    figures = outcome.metrics.classes
    kept = ("tn", "fp", "fn", "tp", "auroc", "calibration_error")
    return {
        "counts": {part: dict(counts) for part, counts in outcome.counts.items()},
        "untestable": dict(outcome.untestable),
        "windows": outcome.metrics.windows,
        "classes": {
            name: {key: getattr(each, key) for key in kept} for name, each in figures.items()
        },
        "wrong": {name: _wrong(outcome, column) for column, name in enumerate(figures)},
    }


def _wrong(outcome: Outcome, column: int) -> list[str]:
    test, positive = outcome.test, outcome.probabilities[:, column] >= 0.5
    wrong = np.flatnonzero(positive != (test.targets[:, column] > 0.5))
    return sorted(test.names[int(test.image[site])] for site in wrong)
