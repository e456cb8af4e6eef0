"""``MODEL.report/``: how good an ensemble is, for people, spreadsheets and programs.

::

    report.json      every figure, split, seed, parameter and version
    report.md        the tables a person reads
    report.png       confusion, losses and reliability
    predictions.csv  every test window with its label and probabilities
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.atomic import replacing, write_bytes
from napari_stem_defects.reporting.figures import draw_report
from napari_stem_defects.reporting.markdown import report_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.training.evaluate import EvaluationReport, SplitEvaluation

# What a window shows of a report.
_READ = {"model", "split", "meaning", "classes", "confusion", "beside", "history", "remarks"}


def write_report(folder: Path, assessment: EvaluationReport) -> None:
    """Write the four files, each whole or not at all."""
    spec, evaluations = assessment.ensemble.spec, assessment.evaluations
    values = json.dumps(assessment.to_dict(), indent=2, allow_nan=False)
    text = report_text(assessment, _facts(spec))
    picture = draw_report(spec.name, evaluations, assessment.history)
    write_bytes(folder / "report.md", text.encode())
    with replacing(folder / "report.png") as temporary:
        picture.savefig(temporary, format="png")
    with (
        replacing(folder / "predictions.csv") as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        csv.writer(file).writerows(_predictions(spec.classes, evaluations))
    # Last: where it is, the others are.
    write_bytes(folder / "report.json", values.encode())


def report_folder(model: Path) -> Path:
    """Return where the report of a model file lies."""
    return model.with_suffix(".report")


def read_report(model: Path) -> dict[str, Any] | None:
    """Return what ``report.json`` tells about a model file; None where there is no whole report."""
    try:
        text = (report_folder(model) / "report.json").read_text(encoding="utf-8")
        report = json.loads(text)
        return report if _READ <= report.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _facts(spec: EnsembleSpec) -> dict[str, str]:
    settings = spec.preprocessing.to_dict()
    training = spec.training
    known = {
        "classes": ", ".join(spec.classes),
        "seeds": ", ".join(map(str, spec.seeds)),
        "protocol": training.get("protocol", {}).get("name"),
        "epochs": _listed(training.get("schedule", {}).get("epochs")),
        "windows seen per epoch": training.get("windows"),
        "preprocessing": _listed(settings),
        "network": _listed(spec.to_dict()["architecture"]),
        "pixel size": f"{spec.pixel_size_nm} nm" if spec.pixel_size_nm else "unknown",
        "labels, sha256": training.get("label_set_sha256"),
        "versions": _listed(spec.versions),
    }
    return {name: str(fact) for name, fact in known.items() if fact}


def _listed(values: Mapping[str, Any] | None) -> str:
    return ", ".join(f"{name} {value}" for name, value in (values or {}).items())


def _predictions(
    classes: Sequence[str], evaluations: Sequence[SplitEvaluation]
) -> Iterator[Sequence[object]]:
    yield ["split", "image", "y_px", "x_px", "label", *(f"p({name})" for name in classes)]
    for measurement in evaluations:
        data = measurement.data
        for site, answers in enumerate(measurement.probabilities):
            image = int(data.image[site])
            yield [
                measurement.split,
                (data.names[image] if data.names else "") or image,
                f"{data.y[site]:.1f}",
                f"{data.x[site]:.1f}",
                data.labels[site],
                *(f"{answer:.4f}" for answer in answers),
            ]
