"""The example of docs/own-material.md: WSe2, labelled through the ordinary route."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.io.labels.exchange import labels_import
from napari_stem_defects.io.labels.load_dataset import read_training_data
from napari_stem_defects.training.label_extent import defect_label_extent
from napari_stem_defects.training.recipes import TrainingOptions, recipe_for

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("example", ROOT / "examples/wse2_vacancies.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_detection_answers_for_one_vacancy_within_5_px(example: ModuleType) -> None:
    truth = np.array([(100.0, 100.0), (100.0, 104.0), (200.0, 200.0)])
    found = np.array([(100.0, 102.0), (205.1, 200.0), (50.0, 50.0)])
    figures = example.compare(found, truth)
    assert (figures["hits"], figures["false"], figures["missed"]) == (1, 2, 2)
    assert figures["f1"] == pytest.approx(1 / 3, abs=1e-3)
    assert example.compare(np.zeros((0, 2)), truth)["f1"] == 0


def test_the_labels_decide_scale_radius_and_views(
    example: ModuleType, data_dir: Path, tmp_path: Path
) -> None:
    example.label(tmp_path / "wse2.labels", data_dir / "wse2")
    data = read_training_data([tmp_path / "wse2.labels"])
    assert data.counts() == {"Bulk": 7562, "Se_vacancy": 141, "Ti_dopant": 5}
    assert data.pixel_size_nm == pytest.approx(0.01994, abs=1e-5)
    assert defect_label_extent(data.extent_px) == pytest.approx(3.2, abs=0.3)
    plan = recipe_for(data, TrainingOptions(classes=("Bulk", "Se_vacancy")))
    assert plan.views * 141 > 3000  # of 4,000 windows without magnification and thinning: 564


def test_the_interval_widens_with_fewer_places(example: ModuleType) -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 512, (400, 2))
    found = np.concatenate([truth[:300], rng.uniform(0, 512, (30, 2)) + 600])
    lowest, highest = example.interval(found, truth, truth[:300])
    assert lowest < example.compare(found, truth)["f1"] < highest
    few = example.interval(found[290:310], truth[290:310], truth[290:300])
    assert few[1] - few[0] > 2 * (highest - lowest)


def test_the_page_states_what_was_measured(example: ModuleType) -> None:
    page = (ROOT / "docs" / "own-material.md").read_text(encoding="utf-8")
    figures = json.loads((ROOT / "examples" / "wse2_vacancies.json").read_text())
    assert example.table(figures) in page


def test_labels_of_ordinary_columns_take_no_vacancy_away(
    example: ModuleType, data_dir: Path, tmp_path: Path
) -> None:
    """Twenty vacancies of a frame and 40 of its perfect columns, searched in the other frame."""
    frames = data_dir / "wse2"
    columns = (frames / "frame_11_columns.csv").read_text().splitlines()
    vacancies = [row for row in columns if row.endswith("Se_vacancy")][::18]
    perfect = [row for row in columns if row.endswith((",W", ",Se2"))][::190]
    (tmp_path / "columns.csv").write_text("\n".join([columns[0], *vacancies, *perfect]))
    project, model = tmp_path / "wse2.labels", tmp_path / "wse2.safetensors"
    labels_import(project, [tmp_path / "columns.csv"], [frames / "frame_11.dm4"])
    with sd.LabelProject.open(project) as labels:
        labels.add_class("Bulk")
        labels.merge_classes(["W", "Se2"], into="Bulk")
    sd.train([project], model, sd.TrainingOptions(recipe="quick"))
    found = sd.detect(sd.read(frames / "frame_02.dm4"), model).regions
    labelled = example.points(frames / "frame_02_columns.csv", "column")
    figures = example.compare(np.array([(each.y_px, each.x_px) for each in found]), labelled)
    assert figures["recall"] > 0.8
    assert figures["f1"] > 0.75  # a rim without labels counts as false here


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_most_vacancies_of_another_frame_are_found(
    example: ModuleType, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`python3 run.py test -m long tests/real/test_own_material.py`: some minutes of two cores.

    0.82 to 0.86 were measured, the goal of 0.90 missed; docs/own-material.md says why.
    """
    monkeypatch.setattr(example, "DATA", data_dir)
    (figures,) = example.main(["--out", str(tmp_path)])
    assert figures["f1"] >= 0.78
