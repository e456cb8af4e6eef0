"""Training pipeline: split, augment, fit, calibrate and evaluate an ensemble.

Windows that a split holds out are used neither for training nor for calibration, and the ensemble
that is returned is the one that was tested: it is not trained again on the test windows.
"""

from __future__ import annotations

import platform
import time
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, NamedTuple

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import LabelError
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.training.calibration import calibrate
from napari_stem_defects.training.checkpointing import CheckpointLog, describe_stop
from napari_stem_defects.training.column_contrast import measure_contrast
from napari_stem_defects.training.early_exit import early_exit_threshold
from napari_stem_defects.training.evaluate import (
    EvaluationReport,
    SplitEvaluation,
    evaluate_ensemble,
    predict_logits_at_sites,
)
from napari_stem_defects.training.image_lattices import ImageLattices
from napari_stem_defects.training.label_extent import defect_label_extent
from napari_stem_defects.training.lattice_geometry import measure_geometry
from napari_stem_defects.training.recipes import (
    TrainingOptions,
    TrainingRecipe,
    recipe_for,
    select_usable_sites,
)
from napari_stem_defects.training.sampling import augmented_samples, plain_samples
from napari_stem_defects.training.schedule import Schedule
from napari_stem_defects.training.splits import MEANING, Split, SplitKind, split

if TYPE_CHECKING:
    from napari_stem_defects.lattice.geometry import LatticeGeometry
    from napari_stem_defects.training.checkpointing import CheckpointStore
    from napari_stem_defects.training.dataset import TrainingSet
    from napari_stem_defects.training.sampling import Samples

CALIBRATION_SHARE = 0.15
# Every class keeps at least this share of its training labels when windows are held out for
# calibration.
MIN_SHARE_LEFT = 0.5
# Total of the progress over all steps of a run.
PROGRESS_TOTAL = 1000
REPEAT_PROGRESS_S = 0.2
"""Interval in s at which the progress is repeated within an epoch, so that it can be cancelled."""


def train(
    data: TrainingSet,
    options: TrainingOptions | None = None,
    *,
    device: str = "auto",
    report: ProgressCallback = silent,
    checkpoints: CheckpointStore | None = None,
) -> EvaluationReport:
    """Train, calibrate and evaluate an ensemble.

    Parameters
    ----------
    data : TrainingSet
    options : TrainingOptions, optional
    device : {"auto", "cpu", "cuda", "mps"}
    report : callable
        Receives the progress after every view and epoch, on one scale for the whole run, with the
        losses of an epoch as `EpochProgress`. An exception that it raises ends the run, except
        for `StopAndKeep` during the fit: then the best epochs so far are calibrated and evaluated
        (early stopping).
    checkpoints : CheckpointStore, optional
        Saves every epoch, so that another run can continue this one, and for `StopAndKeep`.

    Returns
    -------
    EvaluationReport
        With one evaluation per split of the options.

    Raises
    ------
    LabelError
        If a class has no labels, or none are left to train on.
    """
    from napari_stem_defects.inference.predict import pick_device

    started = time.perf_counter()
    options = options or TrainingOptions()
    device = pick_device(device)
    usable, remarks = select_usable_sites(data, options)
    recipe = recipe_for(usable, options)
    parts = _equal_parts(report, len(options.splits))
    trials = [
        _train_on_split(
            usable, kind, recipe, options, device, part, CheckpointLog(checkpoints, kind)
        )
        for kind, part in zip(options.splits, parts, strict=True)
    ]
    first = trials[0]
    notes = (*filter(None, [describe_stop(first.ensemble.spec)]), *data.notes, *remarks)
    lattices = ImageLattices(data.images)
    training = {
        "label_set_sha256": data.sha256(),
        "choices": options.to_dict(),
        "protocol": recipe.to_dict(),
        "device": device,
        "column_contrast": measure_contrast(usable, lattices),
        "notes": list(notes),
    }
    evaluations = tuple(trial.evaluation for trial in trials)
    geometry = measure_geometry(data, lattices)
    ensemble = _described(first.ensemble, evaluations, recipe, training, geometry)
    seconds = time.perf_counter() - started
    return EvaluationReport(ensemble, evaluations, first.history, notes, seconds)


def _described(
    ensemble: Ensemble,
    evaluations: tuple[SplitEvaluation, ...],
    recipe: TrainingRecipe,
    training: dict[str, Any],
    geometry: LatticeGeometry | None,
) -> Ensemble:
    """Add to the model's description how it was trained and evaluated."""
    first = evaluations[0]
    spec = replace(
        ensemble.spec,
        figures={each.split: each.to_dict() for each in evaluations},
        training={**training, **ensemble.spec.training},
        versions=software_versions(),
        lattice_geometry=geometry,
        description=(
            f"Learned from {sum(first.counts['training'].values())} labelled"
            f" {recipe.name}; measured where {first.meaning}."
        ),
    )
    return replace(ensemble, spec=spec)


class _Trial(NamedTuple):
    """Result of training and evaluating on one split."""

    ensemble: Ensemble
    evaluation: SplitEvaluation
    history: list[dict[str, Any]]


def _train_on_split(
    data: TrainingSet,
    kind: SplitKind,
    recipe: TrainingRecipe,
    options: TrainingOptions,
    device: str,
    report: ProgressCallback,
    log: CheckpointLog,
) -> _Trial:
    """Train and calibrate on the training side of a split, evaluate on the test side."""
    classes = options.classes_in(data)
    # Split before the classes are selected: the test includes the other classes as negatives.
    sides = split(data, kind, seed=options.seed, patch_px=recipe.preprocessing.patch_px)
    test = data.subset(sides.test).with_classes(classes)
    train_side = data.subset(sides.train)
    parts = _split_for_calibration(train_side, kind, recipe, options)
    learned = train_side.subset(parts.train).with_classes(classes)
    kept_out = train_side.subset(parts.test).with_classes(classes)
    _check_learnable(learned, kind)
    validation = plain_samples(kept_out, recipe.preprocessing) if len(kept_out) else None
    ensemble, history = _fit(learned, validation, recipe, options, device, report, log)
    if validation is not None:
        ensemble = _calibrated(ensemble, kept_out, device)
    kept = ensemble.spec.classes  # fewer if the training was stopped early
    if BULK in kept:
        threshold = early_exit_threshold(ensemble, kept_out, device=device)
        training = {**ensemble.spec.training, "bulk_clears_from": threshold}
        ensemble = replace(ensemble, spec=replace(ensemble.spec, training=training))
    evaluation = replace(
        evaluate_ensemble(ensemble, test, device=device, report=_part(report, 0.95, 1.0)),
        split=kind,
        meaning=MEANING[kind],
        untestable={name: why for name, why in sides.untestable.items() if name in kept},
        counts={
            "training": learned.counts(),
            "calibration": kept_out.counts(),
            "test": test.counts(),
        },
        notes=_calibration_notes(ensemble.spec, len(kept_out), parts.kind, kind),
    )
    report(Progress("testing", PROGRESS_TOTAL, PROGRESS_TOTAL))
    return _Trial(ensemble, evaluation, history)


def _fit(
    data: TrainingSet,
    validation: Samples | None,
    recipe: TrainingRecipe,
    options: TrainingOptions,
    device: str,
    report: ProgressCallback,
    log: CheckpointLog,
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Augment the sites and fit the members."""
    # Imported here so that widgets and listings can describe a training without loading torch.
    from napari_stem_defects.training.fit import fit

    samples = augmented_samples(
        data,
        recipe.preprocessing,
        recipe.augmentation,
        views=recipe.views,
        seed=options.seed,
        max_per_class=recipe.max_sites_per_view,
        report=_part(report, 0.0, 0.1),
    )
    schedule = Schedule(
        epochs=recipe.epochs,
        pretraining_epochs=recipe.pretraining_epochs,
        batch=recipe.batch,
        seeds=tuple(range(options.seed, options.seed + options.members)),
    )
    epochs = {name: schedule.epochs_for(name) for name in data.classes}
    spec = EnsembleSpec(
        name=options.name,
        classes=data.classes,
        preprocessing=recipe.preprocessing,
        architecture=recipe.architecture,
        pixel_size_nm=data.pixel_size_nm,
        class_data=data.class_data,
        training={
            "schedule": replace(schedule, epochs=epochs).to_dict(),
            "windows": len(samples),
            "label_radius_px": defect_label_extent(data.extent_px),
            "spread_px": recipe.averaging_px,
        },
    )
    repeated = _RepeatedProgress(_part(report, 0.1, 0.95))
    return fit(
        spec,
        samples,
        validation,
        schedule,
        device=device,
        report=repeated,
        checkpoints=log,
        after_batch=repeated.repeat,
    )


def _calibrated(ensemble: Ensemble, kept_out: TrainingSet, device: str) -> Ensemble:
    """Calibrate the probabilities on sites that were not trained on."""
    spec = ensemble.spec
    logits = predict_logits_at_sites(ensemble, kept_out, device=device)
    columns = [kept_out.classes.index(name) for name in spec.classes]
    fitted = calibrate(spec.classes, logits, kept_out.targets[:, columns])
    return replace(ensemble, spec=replace(spec, calibration=fitted))


def _split_for_calibration(
    data: TrainingSet, kind: SplitKind, recipe: TrainingRecipe, options: TrainingOptions
) -> Split:
    """Split the training side into sites to train on and sites to calibrate on.

    The kind of split is that of the test, so that probabilities are calibrated at sites that were
    not trained on. It is random if that would cost a class too many of its labels.
    """
    attempts: tuple[SplitKind, ...] = (kind, "random")
    for attempt in attempts:
        parts = split(
            data,
            attempt,
            seed=options.seed + 1,
            patch_px=recipe.preprocessing.patch_px,
            share=CALIBRATION_SHARE,
        )
        if _enough_left(data.subset(parts.train), data):
            break
    return parts


def _enough_left(learned: TrainingSet, data: TrainingSet) -> bool:
    left = learned.counts()
    return all(left[name] >= MIN_SHARE_LEFT * count for name, count in data.counts().items())


def _check_learnable(data: TrainingSet, kind: SplitKind) -> None:
    """Raise `LabelError` for classes without positive or without negative sites."""
    for column, name in enumerate(data.classes):
        if not (data.targets[:, column] == 1).any():
            raise LabelError(
                f"{name}: the {kind} split leaves no label of it to train on; choose another"
                " split, add labels or leave the class out"
            )
        if not (data.targets[:, column] == 0).any():
            raise LabelError(f"{name}: there are no labels of other classes; label Bulk as well")


def _calibration_notes(
    spec: EnsembleSpec, windows: int, used: SplitKind, kind: SplitKind
) -> tuple[str, ...]:
    if windows == 0:
        return ("Probabilities are not calibrated: there were too few labels.",)
    kept = f"Probabilities were calibrated on {windows} windows kept out of training"
    if used != kind:
        kept += " randomly, because there were too few groups to keep out"
    bare = [name for name in spec.classes if name not in spec.calibration]
    without = f"; not calibrated (too few labels): {', '.join(bare)}" if bare else ""
    return (f"{kept}{without}.",)


def _equal_parts(report: ProgressCallback, count: int) -> list[ProgressCallback]:
    """Return a callback for each of ``count`` equal parts of the whole run."""
    return [_part(report, i / count, (i + 1) / count) for i in range(count)]


def _part(report: ProgressCallback, first: float, last: float) -> ProgressCallback:
    """Return a callback that maps the progress of a step to a part of the whole run."""

    def report_part(step: Progress) -> None:
        share = first + (last - first) * step.done / max(step.total, 1)
        report(replace(step, done=round(PROGRESS_TOTAL * share), total=PROGRESS_TOTAL))

    return report_part


class _RepeatedProgress:
    """Callback that repeats the last progress at intervals, so that it can cancel the work."""

    def __init__(self, report: ProgressCallback) -> None:
        self._report = report
        self._last = Progress("training", 0, 1)
        self._time = 0.0

    def __call__(self, step: Progress) -> None:
        self._last = Progress(step.stage, step.done, step.total, step.saving)  # without losses
        self._time = time.monotonic()
        self._report(step)

    def repeat(self) -> None:
        """Repeat the last progress if it is older than `REPEAT_PROGRESS_S`."""
        if time.monotonic() - self._time > REPEAT_PROGRESS_S:
            self(self._last)


def software_versions() -> dict[str, str]:
    """Return the versions of the software that a model is trained with."""
    libraries = {name: version(name) for name in ("torch", "numpy", "scipy")}
    return {
        "napari-stem-defects": __version__,
        "python": platform.python_version(),
        **libraries,
    }
