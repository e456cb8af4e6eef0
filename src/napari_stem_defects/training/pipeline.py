"""From labels to an ensemble that says how good it is: split, augment, fit, calibrate, test.

What a split holds out is neither trained nor calibrated on, and the ensemble returned is the
very one that was tested: nothing is retrained on the test windows afterwards.
"""

from __future__ import annotations

import platform
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.progress import Progress, Report, silent
from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import LabelError
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.training.best_so_far import stop_note
from napari_stem_defects.training.calibration import calibrate
from napari_stem_defects.training.checkpointing import CheckpointLog
from napari_stem_defects.training.early_exit import bulk_clears_from
from napari_stem_defects.training.evaluate import (
    EvaluationReport,
    SplitEvaluation,
    answers_at,
    measure,
)
from napari_stem_defects.training.label_extent import label_radius
from napari_stem_defects.training.recipes import (
    TrainingOptions,
    TrainingRecipe,
    recipe_for,
    usable_data,
)
from napari_stem_defects.training.sampling import augmented_samples, plain_samples
from napari_stem_defects.training.splits import MEANING, Split, SplitKind, split

if TYPE_CHECKING:
    from napari_stem_defects.training.checkpointing import Store
    from napari_stem_defects.training.dataset import TrainingSet
    from napari_stem_defects.training.sampling import Samples

CALIBRATION_SHARE = 0.15
# Holding out windows to calibrate on must leave every class this share of its training labels.
LEAST_LEFT = 0.5
# Progress runs to this number over all steps of a run.
WHOLE = 1000
PULSE_S = 0.2
"""How often a run that fits networks asks whether it should go on."""


def train(
    data: TrainingSet,
    choices: TrainingOptions | None = None,
    *,
    device: str = "auto",
    report: Report = silent,
    checkpoints: Store | None = None,
) -> EvaluationReport:
    """Train, calibrate and test an ensemble.

    Parameters
    ----------
    data : TrainingSet
    choices : Choices, optional
    device : {"auto", "cpu", "cuda", "mps"}
    report : callable
        Told after every view and epoch, on one scale for the whole run; an epoch's ``detail``
        is its entry in the history. What it raises ends the run, but `Enough`, raised while
        networks are fitted: their best epochs so far are calibrated and tested.
    checkpoints : Store, optional
        Keeps every epoch, for a run that goes on where this one was ended, and for `Enough`.

    Raises
    ------
    LabelError
        Where a class is not there, or nothing is left to learn it from.
    """
    from napari_stem_defects.inference.predict import pick_device

    started = time.perf_counter()
    choices = choices or TrainingOptions()
    chosen = pick_device(device)
    usable, remarks = usable_data(data, choices)
    notes = (*data.notes, *remarks)
    protocol = recipe_for(usable, choices)
    parts = _parts(report, len(choices.splits))
    trials = [
        _trial(usable, kind, protocol, choices, chosen, part, CheckpointLog(checkpoints, kind))
        for kind, part in zip(choices.splits, parts, strict=True)
    ]
    first = trials[0]
    notes = (*filter(None, [stop_note(first.ensemble.spec)]), *notes)
    training = {
        "label_set_sha256": data.sha256(),
        "choices": choices.to_dict(),
        "protocol": protocol.to_dict(),
        "device": chosen,
        "notes": list(notes),
        **first.ensemble.spec.training,
    }
    measurements = tuple(trial.measurement for trial in trials)
    spec = _described(first.ensemble.spec, measurements, protocol, training)
    ensemble = replace(first.ensemble, spec=spec)
    return EvaluationReport(
        ensemble, measurements, first.history, notes, time.perf_counter() - started
    )


def _described(
    spec: EnsembleSpec,
    measurements: tuple[SplitEvaluation, ...],
    protocol: TrainingRecipe,
    training: dict[str, Any],
) -> EnsembleSpec:
    """Say in the model what it was trained on and how it did."""
    first = measurements[0]
    return replace(
        spec,
        figures={each.split: each.to_dict() for each in measurements},
        training=training,
        versions=_versions(),
        description=(
            f"Learned from {sum(first.counts['training'].values())} labelled"
            f" {protocol.name}; measured where {first.meaning}."
        ),
    )


class _Trial(NamedTuple):
    ensemble: Ensemble
    measurement: SplitEvaluation
    history: list[dict[str, Any]]


def _trial(
    data: TrainingSet,
    kind: SplitKind,
    protocol: TrainingRecipe,
    choices: TrainingOptions,
    device: str,
    report: Report,
    memory: CheckpointLog,
) -> _Trial:
    """Train and calibrate on one side of a split, measure on the other."""
    settings, classes = protocol.preprocessing, choices.of(data)
    # Split before restricting: other classes belong into the test as well, to be denied.
    sides = split(data, kind, seed=choices.seed, patch_px=settings.patch_px)
    test = data.only(sides.test).restricted(classes)
    train_side = data.only(sides.train)
    parts = _training_parts(train_side, kind, protocol, choices)
    learned = train_side.only(parts.train).restricted(classes)
    checked = train_side.only(parts.test).restricted(classes)
    _check_learnable(learned, kind)
    check = plain_samples(checked, settings) if len(checked) else None
    ensemble, history = _fitted(learned, check, protocol, choices, device, report, memory)
    kept = ensemble.spec.classes  # fewer where it was ended early
    if check is not None:
        logits = answers_at(ensemble, checked, device=device)
        columns = [classes.index(name) for name in kept]
        fitted = calibrate(kept, logits, check.targets[:, columns])
        ensemble = replace(ensemble, spec=replace(ensemble.spec, calibration=fitted))
    if BULK in kept:
        safe = bulk_clears_from(ensemble, checked, device=device)
        training = {**ensemble.spec.training, "bulk_clears_from": safe}
        ensemble = replace(ensemble, spec=replace(ensemble.spec, training=training))
    measurement = replace(
        measure(ensemble, test, device=device, report=_part(report, 0.95, 1.0)),
        split=kind,
        meaning=MEANING[kind],
        untestable={name: why for name, why in sides.untestable.items() if name in kept},
        counts={
            "training": learned.counts(),
            "calibration": checked.counts(),
            "test": test.counts(),
        },
        notes=_calibration_notes(ensemble.spec, len(checked), parts.kind, kind),
    )
    report(Progress("testing", WHOLE, WHOLE))
    return _Trial(ensemble, measurement, history)


def _fitted(
    data: TrainingSet,
    check: Samples | None,
    protocol: TrainingRecipe,
    choices: TrainingOptions,
    device: str,
    report: Report,
    memory: CheckpointLog,
) -> tuple[Ensemble, list[dict[str, Any]]]:
    # Imported here so that windows and listings can speak of training without loading torch.
    from napari_stem_defects.training.fit import Schedule, fit

    samples = augmented_samples(
        data,
        protocol.preprocessing,
        protocol.augmentation,
        views=protocol.views,
        seed=choices.seed,
        most_per_class=protocol.most_per_view,
        report=_part(report, 0.0, 0.1),
    )
    schedule = Schedule(
        epochs=protocol.epochs,
        common_epochs=protocol.common_epochs,
        batch=protocol.batch,
        seeds=tuple(range(choices.seed, choices.seed + choices.members)),
    )
    used = {name: schedule.epochs_of(name) for name in data.classes}
    spec = EnsembleSpec(
        name=choices.name,
        classes=data.classes,
        preprocessing=protocol.preprocessing,
        architecture=protocol.architecture,
        pixel_size_nm=data.pixel_size_nm,
        training={
            "schedule": asdict(replace(schedule, epochs=used)),
            "windows": len(samples),
            "label_radius_px": label_radius(data),
            "spread_px": protocol.spread_px,
        },
    )
    told = _Told(_part(report, 0.1, 0.95))
    return fit(
        spec,
        samples,
        check,
        schedule,
        device=device,
        report=told,
        memory=memory,
        pulse=told.again,
    )


def _training_parts(
    data: TrainingSet, kind: SplitKind, protocol: TrainingRecipe, choices: TrainingOptions
) -> Split:
    """Divide the training side into what is learned from and what is calibrated on.

    By the test's own kind of split, so that confidence is judged on places not learned from;
    by chance where that would cost a class too many of its labels.
    """
    attempts: tuple[SplitKind, ...] = (kind, "random")
    for attempt in attempts:
        parts = split(
            data,
            attempt,
            seed=choices.seed + 1,
            patch_px=protocol.preprocessing.patch_px,
            share=CALIBRATION_SHARE,
        )
        if _enough_left(data.only(parts.train), data):
            break
    return parts


def _enough_left(learned: TrainingSet, data: TrainingSet) -> bool:
    left = learned.counts()
    return all(left[name] >= LEAST_LEFT * count for name, count in data.counts().items())


def _check_learnable(data: TrainingSet, kind: SplitKind) -> None:
    """Refuse classes of which there are no examples, or nothing else."""
    for column, name in enumerate(data.classes):
        if not (data.targets[:, column] == 1).any():
            raise LabelError(
                f"{name}: the {kind} split leaves no label of it to train on; choose another"
                " split, add labels or leave the class out"
            )
        if not (data.targets[:, column] == 0).any():
            raise LabelError(f"{name}: there is nothing else to tell it from; label Bulk as well")


def _calibration_notes(
    spec: EnsembleSpec, windows: int, how: SplitKind, kind: SplitKind
) -> tuple[str, ...]:
    if windows == 0:
        return ("Probabilities are the networks' own: there were too few labels to calibrate on.",)
    kept = f"Probabilities were calibrated on {windows} windows kept out of training"
    if how != kind:
        kept += " by chance, because there were too few places to keep whole ones out"
    bare = [name for name in spec.classes if name not in spec.calibration]
    without = f"; not calibrated, for want of labels: {', '.join(bare)}" if bare else ""
    return (f"{kept}{without}.",)


def _parts(report: Report, count: int) -> list[Report]:
    """Cut the whole run's progress into equal stretches."""
    return [_part(report, i / count, (i + 1) / count) for i in range(count)]


def _part(report: Report, first: float, last: float) -> Report:
    """Show a step's own progress as a stretch of the whole run's."""

    def reporting(step: Progress) -> None:
        share = first + (last - first) * step.done / max(step.total, 1)
        report(replace(step, done=round(WHOLE * share), total=WHOLE))

    return reporting


class _Told:
    """Passes a report on, and repeats it now and then, so that its listener can end the work."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._last = Progress("training", 0, 1)
        self._at = 0.0

    def __call__(self, step: Progress) -> None:
        self._last, self._at = replace(step, detail={}), time.monotonic()
        self._report(step)

    def again(self) -> None:
        if time.monotonic() - self._at > PULSE_S:
            self(self._last)


def _versions() -> dict[str, str]:
    libraries = {name: version(name) for name in ("torch", "numpy", "scipy")}
    return {
        "napari-stem-defects": __version__,
        "python": platform.python_version(),
        **libraries,
    }
