from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from learning_samples import striped_patches
from PIL import Image

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.models import report_folder as module
from napari_stem_defects.io.models.report_folder import read_report, report_folder, write_report
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


def evaluation_of(split: str, **described: object) -> SplitEvaluation:
    """Return probabilities that are correct except for the first window."""
    data = striped_patches(10)
    probabilities = np.where(data.targets == 1, 0.9, 0.1).astype(np.float32)
    probabilities[0] = 0.2, 0.3
    figures = compute_metrics(CLASSES, data.labels, data.targets, probabilities)
    return SplitEvaluation(split, f"meaning of {split}", figures, data, probabilities, **described)


@pytest.fixture
def report() -> EvaluationReport:
    spec = EnsembleSpec("striped", CLASSES, calibration={"SF1": PlattCalibration(0.5, -0.1)})
    counts = {"training": {"Bulk": 30, "SF1": 40}, "test": {"Bulk": 10, "SF1": 10}}
    own = evaluation_of("site", counts=counts, untestable={"SF1": "all labels are of one defect"})
    other = evaluation_of("random", notes=("A note.",))
    return EvaluationReport(
        Ensemble(spec, {}, "ab" * 32), (own, other), HISTORY, ("A remark.",), 12.5
    )


def test_all_four_files_appear(report: EvaluationReport, tmp_path: Path) -> None:
    write_report(tmp_path / "striped.report", report)
    names = {path.name for path in (tmp_path / "striped.report").iterdir()}
    assert names == {"report.json", "report.md", "report.png", "predictions.csv"}


def test_json_holds_every_figure_once_per_split(report: EvaluationReport, tmp_path: Path) -> None:
    write_report(tmp_path, report)
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


def test_the_text_explains_the_figures(report: EvaluationReport, tmp_path: Path) -> None:
    write_report(tmp_path, report)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "What this means: meaning of site." in text
    assert "SF1 cannot be tested: all labels are of one defect." in text
    assert "0.900 (0.596-0.982)" in text  # recall of Bulk
    assert "3 errors in 1140" not in text  # two dozen windows are too few to compare
    assert "A remark." in text
    assert "A note." in text
    assert text.index("Held-out defects") < text.index("Random split")
    assert "| pretraining, seed 0 |" in text


def test_the_short_text_fits_a_terminal(report: EvaluationReport) -> None:
    text = short_text(report)
    assert max(map(len, text.splitlines())) <= 120
    assert "cannot be tested" in text
    (row,) = (line for line in text.splitlines()[:12] if line.startswith("| Bulk"))
    assert [cell.strip() for cell in row.split("|")[1:9]] == "Bulk 30 10 10 0 1 9 1".split()


def test_every_test_window_is_listed_with_its_probabilities(
    report: EvaluationReport, tmp_path: Path
) -> None:
    write_report(tmp_path, report)
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


def test_the_picture_is_drawn_whatever_is_missing(report: EvaluationReport, tmp_path: Path) -> None:
    def size(*, splits: int, history: bool) -> tuple[int, int]:
        losses = HISTORY if history else []
        write_report(
            tmp_path, EvaluationReport(report.ensemble, report.evaluations[:splits], losses)
        )
        with Image.open(tmp_path / "report.png") as picture:
            assert np.ptp(np.asarray(picture)) > 200
            return picture.size

    assert size(splits=2, history=True)[1] > size(splits=1, history=False)[1]


def test_names_without_glyphs_are_accepted(tmp_path: Path) -> None:
    classes = ("Bulk", "欠陥")
    data = striped_patches(3)
    probabilities = data.targets
    figures = compute_metrics(classes, data.labels, data.targets, probabilities)
    evaluation = SplitEvaluation("", "meaning", figures, data, probabilities)
    write_report(
        tmp_path, EvaluationReport(Ensemble(EnsembleSpec("模型", classes), {}), (evaluation,))
    )
    assert "欠陥" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_report_without_test_windows_is_written(tmp_path: Path) -> None:
    data = striped_patches(2)
    none = data.subset(np.zeros(len(data), bool))
    probabilities = np.zeros((0, 2), np.float32)
    figures = compute_metrics(CLASSES, (), none.targets, probabilities)
    evaluation = SplitEvaluation("site", "meaning", figures, none, probabilities)
    report = EvaluationReport(Ensemble(EnsembleSpec("x", CLASSES), {}), (evaluation,))
    write_report(tmp_path, report)
    assert "| Bulk" in short_text(report)


def test_a_folder_that_cannot_be_created_is_one_line(
    report: EvaluationReport, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError) as caught:
        write_report(tmp_path / "taken", report)
    assert "\n" not in str(caught.value)


def test_a_report_is_read_back_from_the_folder_of_its_model(
    report: EvaluationReport, tmp_path: Path
) -> None:
    model = tmp_path / "striped.safetensors"
    assert report_folder(model) == tmp_path / "striped.report"
    assert read_report(model) is None
    write_report(report_folder(model), report)
    assert read_report(model) == json.loads(json.dumps(report.to_dict()))


@pytest.mark.parametrize("content", ["", "[1, 2]", "{}", '{"model": "x"}', "{"])
def test_an_incomplete_report_is_not_read(tmp_path: Path, content: str) -> None:
    model = tmp_path / "striped.safetensors"
    report_folder(model).mkdir()
    (report_folder(model) / "report.json").write_text(content, encoding="utf-8")
    assert read_report(model) is None


def test_charts_that_fail_do_not_cost_the_report(
    report: EvaluationReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> Image.Image:
        raise ValueError("no charts")

    monkeypatch.setattr(module, "report_picture", fail)
    model = tmp_path / "m.safetensors"
    write_report(report_folder(model), report)
    stored = read_report(model)
    assert stored is not None
    note = "The page of charts could not be drawn (ValueError: no charts); no data are missing."
    assert stored["remarks"] == ["A remark.", note]
    assert note in (tmp_path / "m.report" / "report.md").read_text(encoding="utf-8")
    with Image.open(tmp_path / "m.report" / "report.png") as page:
        assert page.width == 1000
