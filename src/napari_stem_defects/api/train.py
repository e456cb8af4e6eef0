"""Training and evaluation of ensembles on labelled files, for scripts and the command line."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.api.models import load_model
from napari_stem_defects.base.blas_threads import one_blas_thread
from napari_stem_defects.base.defaults import GENERAL_MODEL
from napari_stem_defects.base.paths import to_path, to_paths
from napari_stem_defects.base.progress import Cancelled, Progress, ProgressCallback, silent
from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import InputError, LabelError, ModelError, OutputError
from napari_stem_defects.io.labels.load_clicks import read_clicks
from napari_stem_defects.io.labels.load_dataset import read_training_data
from napari_stem_defects.io.labels.project import is_label_project
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.models.checkpoint_store import CheckpointFolder
from napari_stem_defects.io.models.model_file import SUFFIX, save_model
from napari_stem_defects.io.models.report_folder import report_folder, write_report
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.training.evaluate import EvaluationReport, evaluate_ensemble
from napari_stem_defects.training.few_label_evaluation import evaluate_on_clicks
from napari_stem_defects.training.few_label_training import are_few, train_from_few
from napari_stem_defects.training.pipeline import train as train_ensemble
from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.quick_evaluation import evaluate_quick_model
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.workers.isolated_read import read_patches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.training.dataset import TrainingSet
    from napari_stem_defects.training.quick_images import LabelledImage


def train(
    sources: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    options: TrainingOptions | None = None,
    *,
    device: str = "auto",
    signal: str | int | None = None,
    report: ProgressCallback | None = None,
) -> EvaluationReport:
    """Train an ensemble and write its model file and its report.

    The model file and the report folder ``<model>.report`` appear when the training is complete;
    an earlier model of that name stays until then. Meanwhile ``<model>.checkpoint`` keeps every
    epoch: after an interruption, Ctrl-C included, the same call resumes there. Cancelling removes
    the checkpoints. Two trainings into one model file exclude each other.

    Parameters
    ----------
    sources : str, Path or sequence of them
        Patch folders and label projects.
    out : str or Path, optional
        Model file, which ends in ``.safetensors``. By default nothing is written.
    options : TrainingOptions, optional
        Classes, epochs, splits and so on. By default all classes, evaluated on whole defects that
        are held out; the model takes the name of ``out``.
    device : {"auto", "cpu", "cuda", "mps"}, default: "auto"
        Processor that trains the networks; "auto" uses a GPU if there is one.
    signal : str or int, optional
        Of patch files with several signals, the name or number of the one to read. Label projects
        hold the signals that were chosen when their images were added.
    report : callable, optional
        Function that is called with a `Progress` after every augmented view and every epoch.
        Exceptions that it raises end the training, and no model is written. By default progress
        is ignored.

    Returns
    -------
    EvaluationReport
        The trained ensemble and its evaluation on each split.

    Raises
    ------
    InputError
        The labels cannot be used for training, another training writes the model file, or the
        files cannot be written.

    Examples
    --------
    >>> import napari_stem_defects as sd
    >>> sd.train([], "model.pt")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.ModelError: model.pt: model files end in .safetensors
    """
    sources = to_paths(sources)
    target = None if out is None else to_path(out)
    if not isinstance(options, TrainingOptions | None):
        raise InputError(
            f"options {options!r}: give sd.TrainingOptions, as TrainingOptions(recipe='quick')"
        )
    options = options or (
        TrainingOptions() if target is None else TrainingOptions(name=target.stem)
    )
    report = report or silent
    with nullcontext() if target is None else training_lock(target):
        return train_into(target, sources, options, device=device, signal=signal, report=report)


def training_lock(target: Path) -> WriteLock:
    """Return the lock that a training holds on its model file from start to end.

    Parameters
    ----------
    target : Path
        The model file.

    Returns
    -------
    WriteLock
        Not yet taken.

    Raises
    ------
    ModelError
        The name is not that of a model file.
    OutputError
        The folder cannot be written.
    """
    return WriteLock(_checked_target(target), "training", "file")


@one_blas_thread()
def train_into(
    target: Path | None,
    sources: Sequence[str | Path],
    options: TrainingOptions,
    *,
    device: str,
    signal: str | int | None = None,
    report: ProgressCallback,
) -> EvaluationReport:
    """Train as `train` does, for a caller that holds the `training_lock`.

    Parameters
    ----------
    target : Path or None
        The model file, whose folder exists; None to write nothing.
    sources : str, Path or sequence of them
        Patch folders and label projects.
    options : TrainingOptions
    device : {"auto", "cpu", "cuda", "mps"}
    signal : str, int or None
    report : callable

    Returns
    -------
    EvaluationReport

    Raises
    ------
    InputError
        The labels cannot be used for training, or the files cannot be written.
    """
    report(Progress("reading labels", 0, 1))
    _check_signal(sources, signal)
    if options.recipe == "quick":
        return _train_quick(sources, target, options, report)
    if few := _few_clicks(sources, options):
        return _train_few(*few, target, options, device, report)
    reader = partial(read_patches, signal=signal)
    data = read_training_data(sources, kinds=options.kinds, read_patches=reader)
    if target is None:
        return train_ensemble(data, options, device=device, report=report)
    checkpoints = CheckpointFolder(checkpoint_folder(target), _fingerprint(data, options, device))
    try:
        found = train_ensemble(data, options, device=device, report=report, checkpoints=checkpoints)
        assessment = replace(found, ensemble=save_model(found.ensemble, target))
        assessment = write_report(report_folder(target), assessment)
    except Cancelled:
        checkpoints.remove()
        raise
    checkpoints.remove()
    return assessment


def _train_quick(
    sources: Sequence[str | Path],
    target: Path | None,
    options: TrainingOptions,
    report: ProgressCallback,
) -> EvaluationReport:
    """Make a quick model of label projects and write its file and report."""
    images, classes = read_clicks(sources, options.kinds)
    return _written(train_quick(images, classes, options, report=report), target)


def _few_clicks(
    sources: Sequence[str | Path], options: TrainingOptions
) -> tuple[list[LabelledImage], tuple[DefectClass, ...]] | None:
    """Return the clicks to learn from if the recipe for few labels suits them or was chosen."""
    if options.recipe == "few":
        return read_clicks(sources, options.kinds)
    if options.recipe != "suited" or not all(is_label_project(Path(path)) for path in sources):
        return None
    try:
        images, classes = read_clicks(sources, options.kinds)
    except LabelError:  # imported patches alone
        return None
    if not are_few(images, options):
        return None
    measured = (measure_lattices(image.micrograph.pixels) for image in images)
    return (images, classes) if all(each.cell is not None for each in measured) else None


def _train_few(
    images: list[LabelledImage],
    classes: tuple[DefectClass, ...],
    target: Path | None,
    options: TrainingOptions,
    device: str,
    report: ProgressCallback,
) -> EvaluationReport:
    """Train networks that start from the general model; write their file and report."""
    from napari_stem_defects.inference.predict import pick_device

    encoder = load_model(GENERAL_MODEL)
    found = train_from_few(
        images, classes, encoder, options, device=pick_device(device), report=report
    )
    return _written(found, target)


def _written(found: EvaluationReport, target: Path | None) -> EvaluationReport:
    """Write the model file and the report, if there is a target."""
    if target is None:
        return found
    assessment = replace(found, ensemble=save_model(found.ensemble, target))
    return write_report(report_folder(target), assessment)


def evaluate(
    model: Ensemble | str | Path,
    sources: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    device: str = "auto",
    signal: str | int | None = None,
    report: ProgressCallback | None = None,
) -> EvaluationReport:
    """Evaluate a model on labelled data.

    Parameters
    ----------
    model : Ensemble, str or Path
        Loaded ensemble, its name in the model library, or its file.
    sources : str, Path or sequence of them
        Patch folders and label projects. Micrographs are resampled to the pixel size of the model
        where both pixel sizes are known, as in detection.
    out : str or Path, optional
        Folder for the report. By default no report is written.
    device : {"auto", "cpu", "cuda", "mps"}, default: "auto"
        Processor that evaluates the networks; "auto" uses a GPU if there is one.
    signal : str or int, optional
        Of patch files with several signals, the name or number of the one to read.
    report : callable, optional
        Function that is called with a `Progress` after every batch. Exceptions that it raises end
        the evaluation. By default progress is ignored.

    Returns
    -------
    EvaluationReport
        The ensemble and its evaluation on the labels.

    Raises
    ------
    InputError
        The model or the labels cannot be used, or the report cannot be written.

    Examples
    --------
    >>> import napari_stem_defects as sd
    >>> sd.evaluate("missing.safetensors", ["labels"])  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.ModelError: missing.safetensors: ...
    """
    sources = to_paths(sources)
    if not sources:
        raise LabelError("no labelled data is given; give a patch folder or label project")
    started, report = time.perf_counter(), report or silent
    ensemble = model if isinstance(model, Ensemble) else load_model(model)
    notes: tuple[str, ...] = ()
    report(Progress("reading labels", 0, 1))
    _check_signal(sources, signal)
    if ensemble.spec.is_quick:
        measurement = evaluate_quick_model(ensemble, read_clicks(sources)[0])
    elif ensemble.spec.preprocessing.is_residual:
        from napari_stem_defects.inference.predict import pick_device

        images = read_clicks(sources)[0]
        measurement = evaluate_on_clicks(ensemble, images, device=pick_device(device))
    else:
        from napari_stem_defects.inference.predict import pick_device

        chosen = pick_device(device)
        reader = partial(read_patches, signal=signal)
        data = read_training_data(sources, scale_of=ensemble.spec, read_patches=reader)
        measurement = evaluate_ensemble(ensemble, data, device=chosen, report=report)
        notes = data.notes
    seconds = time.perf_counter() - started
    assessment = EvaluationReport(ensemble, (measurement,), notes=notes, seconds=seconds)
    return assessment if out is None else write_report(Path(out), assessment)


def _check_signal(sources: Sequence[str | Path], signal: str | int | None) -> None:
    """Refuse the choice of a signal in label projects, which hold pixels of one."""
    for path in map(Path, sources):
        if signal is not None and is_label_project(path):
            fault = "is a label project, which holds the signals that its images were added with"
            raise LabelError(one_line(path, fault, "leave out --signal, or import again with it"))


def checkpoint_folder(model: Path) -> Path:
    """Return where the checkpoints of an unfinished training lie."""
    return model.with_suffix(".checkpoint")


def _fingerprint(data: TrainingSet, options: TrainingOptions, device: str) -> str:
    """Name all that shapes a training."""
    versions = [version(name) for name in ("torch", "numpy")]
    kinds = [(each.name, each.kind) for each in data.class_data]
    parts = [data.sha256(), kinds, options.to_dict(), device, __version__, *versions]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _checked_target(out: Path) -> Path:
    """Find out now, not after the training, whether the model can be written."""
    if out.suffix != SUFFIX:
        raise ModelError(one_line(out, f"model files end in {SUFFIX}", "rename the output"))
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out.parent):
            pass
    except OSError as error:
        fault = f"nothing can be written there ({error.strerror or error})"
        raise OutputError(one_line(out.parent, fault, "choose another folder")) from None
    return out
