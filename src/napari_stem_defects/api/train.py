"""Labelled files in, a model file and a report out: what the command line and the window do."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.base.progress import Cancelled, Progress, ProgressCallback, silent
from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import ModelError, OutputError
from napari_stem_defects.io.labels.load_dataset import read_training_data
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.models.checkpoint_store import CheckpointFolder
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import SUFFIX, load_model, save_model
from napari_stem_defects.io.models.report_folder import report_folder, write_report
from napari_stem_defects.training.evaluate import EvaluationReport, evaluate_ensemble
from napari_stem_defects.training.pipeline import train
from napari_stem_defects.training.recipes import TrainingOptions
from napari_stem_defects.workers.isolated_read import read_patches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_stem_defects.training.dataset import TrainingSet


def train_files(
    sources: Sequence[str | Path],
    out: str | Path | None = None,
    choices: TrainingOptions | None = None,
    *,
    device: str = "auto",
    report: ProgressCallback = silent,
) -> EvaluationReport:
    """Train an ensemble, write its file and beside it the folder ``<model>.report``.

    Parameters
    ----------
    sources : sequence of path
        Patch folders and label projects.
    out : path, optional
        Ends in ``.safetensors``. It, and the report, appear only when all work is done; an
        earlier model of that name stays until then. Until then ``<model>.checkpoint`` keeps
        every epoch: whatever ends the run, Ctrl-C included, the same call goes on from there.
        Cancelling removes it. Without ``out`` nothing is written.
    choices : Choices, optional
        Classes, epochs, splits and so on; all classes, and whole defects held out, by default.
    device : {"auto", "cpu", "cuda", "mps"}
    report : callable
        Told after every view and epoch; what it raises ends the run and nothing is written.

    Raises
    ------
    InputError
        One line: data that cannot be learned from, or files that cannot be written.
    """
    target = None if out is None else _checked_target(Path(out))
    choices = choices or (
        TrainingOptions() if target is None else TrainingOptions(name=target.stem)
    )
    report(Progress("reading labels", 0, 1))
    data = read_training_data(sources, read_patches=read_patches)
    if target is None:
        return train(data, choices, device=device, report=report)
    checkpoints = CheckpointFolder(checkpoint_folder(target), _fingerprint(data, choices, device))
    try:
        found = train(data, choices, device=device, report=report, checkpoints=checkpoints)
        assessment = replace(found, ensemble=save_model(found.ensemble, target))
        write_report(report_folder(target), assessment)
    except Cancelled:
        checkpoints.remove()
        raise
    checkpoints.remove()
    return assessment


def evaluate_files(
    model: str | Path,
    sources: Sequence[str | Path],
    out: str | Path | None = None,
    *,
    device: str = "auto",
    report: ProgressCallback = silent,
) -> EvaluationReport:
    """Measure a model on labelled data.

    Parameters
    ----------
    model : str or path
        A name in the library, or a file.
    sources : sequence of path
        Patch folders and label projects. Micrographs are brought to the model's pixel size
        where both are known, as in detection.
    out : path, optional
        Folder for the report.
    device : {"auto", "cpu", "cuda", "mps"}
    report : callable
        Told after every batch.

    Raises
    ------
    InputError
        One line: a model or data that cannot be used, or files that cannot be written.
    """
    from napari_stem_defects.inference.predict import pick_device

    started = time.perf_counter()
    chosen, ensemble = pick_device(device), load_model(find_model(model))
    report(Progress("reading labels", 0, 1))
    data = read_training_data(sources, scale_of=ensemble.spec, read_patches=read_patches)
    measurement = evaluate_ensemble(ensemble, data, device=chosen, report=report)
    seconds = time.perf_counter() - started
    assessment = EvaluationReport(ensemble, (measurement,), notes=data.notes, seconds=seconds)
    if out is not None:
        write_report(Path(out), assessment)
    return assessment


def checkpoint_folder(model: Path) -> Path:
    """Return where the checkpoints of an unfinished training lie."""
    return model.with_suffix(".checkpoint")


def _fingerprint(data: TrainingSet, choices: TrainingOptions, device: str) -> str:
    """Name all that shapes a training."""
    versions = [version(name) for name in ("torch", "numpy")]
    parts = [data.sha256(), choices.to_dict(), device, __version__, *versions]
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
