"""Evaluation report as Markdown, CSV, JSON and PNG (``MODEL.report/``).

::

    report.json      all metrics, splits, seeds, parameters and versions
    report.md        tables for reading
    report.png       confusion matrix, losses and reliability
    predictions.csv  every test window with its label and probabilities
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.atomic import replacing, write_bytes
from napari_stem_defects.io.csv_cells import TableWriter
from napari_stem_defects.networks.model_card import (
    describe_input,
    describe_lattice,
    describe_scale,
)
from napari_stem_defects.reporting.markdown import report_text
from napari_stem_defects.reporting.report_page import report_picture
from napari_stem_defects.reporting.undrawn import draw_or_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.training.evaluate import EvaluationReport, SplitEvaluation

# Keys that the training panel shows.
_REQUIRED_KEYS = frozenset(
    {"model", "split", "meaning", "classes", "confusion", "beside", "history", "remarks"}
)


def write_report(folder: Path, report: EvaluationReport) -> EvaluationReport:
    """Write the four files of a report, each in one atomic step.

    Parameters
    ----------
    folder : Path
        Created if necessary; see `report_folder`.
    report : EvaluationReport
        The evaluation of an ensemble.

    Returns
    -------
    EvaluationReport
        The same; with a note where the charts could not be drawn.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    spec, evaluations = report.ensemble.spec, report.evaluations
    picture, fault = draw_or_state(
        lambda: report_picture(spec.name, evaluations, report.history), "The page of charts"
    )
    if fault:
        report = replace(report, notes=(*report.notes, fault))
    values = json.dumps(report.to_dict(), indent=2, allow_nan=False)
    text = report_text(report, _facts(spec))
    write_bytes(folder / "report.md", text.encode())
    with replacing(folder / "report.png") as temporary:
        picture.save(temporary, format="PNG")
    with (
        replacing(folder / "predictions.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        TableWriter(file).writerows(_predictions(spec.classes, evaluations))
    # Last: if it exists, the other files are complete.
    write_bytes(folder / "report.json", values.encode())
    return report


def report_folder(model: Path) -> Path:
    """Return the report folder of a model file.

    Parameters
    ----------
    model : Path
        The model file.

    Returns
    -------
    Path
        ``MODEL.report`` in the same folder.
    """
    return model.with_suffix(".report")


def read_report(model: Path) -> dict[str, Any] | None:
    """Read ``report.json`` of a model.

    Parameters
    ----------
    model : Path
        The model file.

    Returns
    -------
    dict or None
        The report; None if it is missing or incomplete.
    """
    try:
        text = (report_folder(model) / "report.json").read_text(encoding="utf-8")
        report = json.loads(text)
        return report if report.keys() >= _REQUIRED_KEYS else None
    except (OSError, ValueError, AttributeError):
        return None


def _facts(spec: EnsembleSpec) -> dict[str, str]:
    settings = spec.preprocessing.to_dict()
    training = spec.training
    known = {
        "classes": ", ".join(f"{each.name} ({each.kind})" for each in spec.class_data),
        "seeds": ", ".join(map(str, spec.seeds)),
        "recipe": training.get("protocol", {}).get("name"),
        "epochs": _join(training.get("schedule", {}).get("epochs")),
        "windows seen per epoch": training.get("windows"),
        "input": describe_input(spec) if spec.sees_residual else None,
        "preprocessing": None if spec.is_quick else _join(settings),
        "network": _join(spec.to_dict()["architecture"]),
        "pixel size": describe_scale(spec),
        "lattice": describe_lattice(spec) if spec.lattice_geometry is not None else None,
        "columns of the images": spec.column_contrast,
        "labels, sha256": training.get("label_set_sha256"),
        "versions": _join(spec.versions),
    }
    return {name: str(fact) for name, fact in known.items() if fact}


def _join(values: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (values or {}).items())


def _predictions(
    classes: Sequence[str], evaluations: Sequence[SplitEvaluation]
) -> Iterator[Sequence[object]]:
    yield ["split", "image", "y_px", "x_px", "label", *(f"p({name})" for name in classes)]
    for evaluation in evaluations:
        data = evaluation.data
        for site, probabilities in enumerate(evaluation.probabilities):
            image = int(data.image[site])
            yield [
                evaluation.split,
                (data.names[image] if data.names else "") or image,
                f"{data.y[site]:.1f}",
                f"{data.x[site]:.1f}",
                data.labels[site],
                *(f"{probability:.4f}" for probability in probabilities),
            ]
