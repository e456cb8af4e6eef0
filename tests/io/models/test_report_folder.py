from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from learning_samples import striped_patches
from PIL import Image

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.models.report_folder import write_report
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec, PlattCalibration
from napari_stem_defects.reporting.markdown import short_text
from napari_stem_defects.training.evaluate import EvaluationReport, SplitEvaluation
from napari_stem_defects.training.metrics import compute_metrics

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("Bulk", "SF1")
HISTORY = [
    {"class": name, "seed": 0, "epoch": epoch, "loss": 0.5 / epoch, "validation_loss": validation}
    for name, validation in (("", 0.4), ("Bulk", None), ("SF1", 0.3))
    for epoch in (1, 2)
]


def measured(split: str, **described: object) -> SplitEvaluation:
    """Return answers that are right but for the first window."""
    data = striped_patches(10)
    answers = np.where(data.targets == 1, 0.9, 0.1).astype(np.float32)
    answers[0] = 0.2, 0.3
    figures = compute_metrics(CLASSES, data.labels, data.targets, answers)
    return SplitEvaluation(split, f"meaning of {split}", figures, data, answers, **described)


@pytest.fixture
def assessment() -> EvaluationReport:
    spec = EnsembleSpec("striped", CLASSES, calibration={"SF1": PlattCalibration(0.5, -0.1)})
    counts = {"training": {"Bulk": 30, "SF1": 40}, "test": {"Bulk": 10, "SF1": 10}}
    own = measured("site", counts=counts, untestable={"SF1": "all labels are of one defect"})
    other = measured("random", notes=("A note.",))
    return EvaluationReport(
        Ensemble(spec, {}, "ab" * 32), (own, other), HISTORY, ("A remark.",), 12.5
    )


def test_all_four_files_appear(assessment: EvaluationReport, tmp_path: Path) -> None:
    write_report(tmp_path / "striped.report", assessment)
    names = {path.name for path in (tmp_path / "striped.report").iterdir()}
    assert names == {"report.json", "report.md", "report.png", "predictions.csv"}


def test_json_holds_every_figure_once_per_split(
    assessment: EvaluationReport, tmp_path: Path
) -> None:
    write_report(tmp_path, assessment)
    values = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert values["model"] == "striped"
    assert values["weights_sha256"] == "ab" * 32
    assert values["split"] == "site"
    assert [each["split"] for each in values["beside"]] == ["random"]
    bulk = values["classes"]["Bulk"]
    assert (bulk["tn"], bulk["fp"], bulk["fn"], bulk["tp"]) == (10, 0, 1, 9)
    assert bulk["errors_per_1140"] == 57
    assert values["confusion"] == [[9, 0, 1], [0, 10, 0]]
    assert values["untestable"] == {"SF1": "all labels are of one defect"}
    assert values["history"] == HISTORY
    assert values["calibration"] == {"SF1": {"scale": 0.5, "shift": -0.1}}
    assert values["seeds"] == [0]
    assert values["preprocessing"]["patch_px"] == 64


def test_the_text_says_what_the_figures_mean(assessment: EvaluationReport, tmp_path: Path) -> None:
    write_report(tmp_path, assessment)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "What this means: meaning of site." in text
    assert "SF1 cannot be tested: all labels are of one defect." in text
    assert "0.900 (0.596-0.982)" in text  # recall of Bulk
    assert "3 errors in 1140" in text
    assert "A remark." in text
    assert "A note." in text
    assert text.index("Held-out defects") < text.index("Random split")
    assert "| pretraining, seed 0 |" in text


def test_the_short_text_fits_a_terminal(assessment: EvaluationReport) -> None:
    text = short_text(assessment)
    assert max(map(len, text.splitlines())) <= 120
    assert "cannot be tested" in text
    (row,) = (line for line in text.splitlines()[:12] if line.startswith("| Bulk"))
    assert [cell.strip() for cell in row.split("|")[1:9]] == "Bulk 30 10 10 0 1 9 1".split()


def test_every_test_window_is_listed_with_its_answers(
    assessment: EvaluationReport, tmp_path: Path
) -> None:
    write_report(tmp_path, assessment)
    with (tmp_path / "predictions.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 40
    assert rows[0] == {
        "split": "site",
        "image": "Bulk_0.tif",
        "y_px": "32.0",
        "x_px": "32.0",
        "label": "Bulk",
        "p(Bulk)": "0.2000",
        "p(SF1)": "0.3000",
    }


def test_the_picture_is_drawn_whatever_is_missing(
    assessment: EvaluationReport, tmp_path: Path
) -> None:
    def size(*, splits: int, history: bool) -> tuple[int, int]:
        told = HISTORY if history else []
        write_report(
            tmp_path, EvaluationReport(assessment.ensemble, assessment.evaluations[:splits], told)
        )
        with Image.open(tmp_path / "report.png") as picture:
            assert np.ptp(np.asarray(picture)) > 200
            return picture.size

    assert size(splits=2, history=True)[1] > size(splits=1, history=False)[1]


def test_names_no_font_can_draw_do_no_harm(tmp_path: Path) -> None:
    classes = ("Bulk", "欠陥")
    data = striped_patches(3)
    answers = data.targets
    figures = compute_metrics(classes, data.labels, data.targets, answers)
    measurement = SplitEvaluation("", "meaning", figures, data, answers)
    write_report(
        tmp_path, EvaluationReport(Ensemble(EnsembleSpec("模型", classes), {}), (measurement,))
    )
    assert "欠陥" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_nothing_tested_is_still_a_report(tmp_path: Path) -> None:
    data = striped_patches(2)
    none = data.subset(np.zeros(len(data), bool))
    answers = np.zeros((0, 2), np.float32)
    figures = compute_metrics(CLASSES, (), none.targets, answers)
    measurement = SplitEvaluation("site", "meaning", figures, none, answers)
    assessment = EvaluationReport(Ensemble(EnsembleSpec("x", CLASSES), {}), (measurement,))
    write_report(tmp_path, assessment)
    assert "| Bulk" in short_text(assessment)


def test_a_folder_that_cannot_be_made_is_one_line(
    assessment: EvaluationReport, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError) as caught:
        write_report(tmp_path / "taken", assessment)
    assert "\n" not in str(caught.value)
