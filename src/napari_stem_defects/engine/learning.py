"""Labelled files in, a model file and a report out: what the command line and the window do."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_stem_defects.core.learning import train
from napari_stem_defects.core.measurement import Assessment, measure
from napari_stem_defects.core.progress import Progress, Report, silent
from napari_stem_defects.errors import ModelError, OutputError
from napari_stem_defects.files.messages import one_line
from napari_stem_defects.files.model_file import SUFFIX, load_model, save_model
from napari_stem_defects.files.model_library import find_model
from napari_stem_defects.files.report_files import write_report
from napari_stem_defects.files.training_data import read_training_data

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.core.training_plan import Choices


def train_files(
    sources: Sequence[Path],
    out: Path,
    choices: Choices,
    *,
    device: str = "auto",
    report: Report = silent,
) -> Assessment:
    """Train an ensemble, write its file and beside it the folder ``<model>.report``.

    Parameters
    ----------
    sources : sequence of Path
        Patch folders and label projects.
    out : Path
        Ends in ``.safetensors``. It, and the report, appear only when all work is done; an
        earlier model of that name stays until then.
    choices : Choices
    device : {"auto", "cpu", "cuda", "mps"}
    report : callable
        Told after every view and epoch; what it raises ends the run and nothing is written.

    Raises
    ------
    InputError
        One line: data that cannot be learned from, or files that cannot be written.
    """
    _check_target(out)
    report(Progress("reading labels", 0, 1))
    trained = train(read_training_data(sources), choices, device=device, report=report)
    assessment = replace(trained, ensemble=save_model(trained.ensemble, out))
    write_report(report_folder(out), assessment)
    return assessment


def evaluate_files(
    model: str | Path,
    sources: Sequence[Path],
    out: Path,
    *,
    device: str = "auto",
    report: Report = silent,
) -> Assessment:
    """Measure a model, by library name or file, on labelled data and write the report to a folder.

    Micrographs are brought to the model's pixel size where both are known, as in detection.
    """
    from napari_stem_defects.core.inference import pick_device

    started = time.perf_counter()
    chosen, ensemble = pick_device(device), load_model(find_model(model))
    report(Progress("reading labels", 0, 1))
    data = read_training_data(sources, scale_of=ensemble.spec)
    measurement = measure(ensemble, data, device=chosen, report=report)
    assessment = Assessment(ensemble, (measurement,), seconds=time.perf_counter() - started)
    write_report(out, assessment)
    return assessment


def report_folder(model: Path) -> Path:
    """Return where the report of a model file goes."""
    return model.with_suffix(".report")


def _check_target(out: Path) -> None:
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
