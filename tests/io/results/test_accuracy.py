"""Precision and recall that a model file, or a file beside it, states."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from small_model import write_small_model

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.io.models.library import BUNDLED
from napari_stem_defects.io.models.model_file import read_spec
from napari_stem_defects.io.results.accuracy import ACCURACY, find_accuracy, model_accuracy


def counts(tp: int, fp: int, fn: int) -> dict[str, int]:
    return {"tp": tp, "fp": fp, "fn": fn, "tn": 100}


def test_the_strictest_split_that_has_the_class_is_taken(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    spec, sha256 = read_spec(path)
    kinds = ("bulk", "point", "line")
    names = ("Bulk", "Vacancy", "Fault")
    classes = tuple(DefectClass(n, k) for n, k in zip(names, kinds, strict=True))
    spec = replace(spec, classes=names, class_data=classes, thresholds={}, calibration={})
    figures = {
        "random": {"classes": {"Vacancy": counts(50, 0, 0), "Fault": counts(9, 1, 1)}},
        "site": {"classes": {"Vacancy": counts(20, 5, 10)}},
        "region": {"classes": {"Vacancy": counts(0, 0, 0)}},
    }
    found = model_accuracy(path, replace(spec, figures=figures), sha256)
    assert list(found) == ["Vacancy"]
    assert (found["Vacancy"].precision, found["Vacancy"].recall) == (0.8, 2 / 3)
    assert "site" in found["Vacancy"].source


def test_whole_defects_are_taken_before_windows(tmp_path: Path) -> None:
    path = write_small_model(tmp_path / "small.safetensors")
    spec, sha256 = read_spec(path)
    numbers = {"true_positives": 8, "false_positives": 2, "false_negatives": 0}
    beside = path.with_name(f"small{ACCURACY}")
    stored = {"sha256": sha256, "measured_on": "40 scenes", "classes": {"SF1": numbers}}
    beside.write_text(json.dumps(stored), encoding="utf-8")
    found = model_accuracy(path, spec, sha256)
    assert list(found) == ["SF1"]
    assert (found["SF1"].precision, found["SF1"].source) == (0.8, "40 scenes")
    beside.write_text(json.dumps(stored | {"sha256": "other"}), encoding="utf-8")
    assert "SF1" not in model_accuracy(path, spec, sha256)


def test_the_pretrained_models_have_measured_point_defects() -> None:
    _, sha256 = read_spec(BUNDLED / "cdte-110.safetensors")
    found = find_accuracy(sha256)
    assert found["Vacancy_CdTe"].recall > 0.9
    assert find_accuracy("no such model") == {}


def test_clicks_on_defects_alone_measure_no_precision(tmp_path: Path) -> None:
    """No rate is corrected with the precision of a model that was never shown perfect crystal."""
    path = write_small_model(tmp_path / "small.safetensors")
    spec, sha256 = read_spec(path)
    classes = (DefectClass("Bulk", "bulk"), DefectClass("Vacancy", "point"))
    spec = replace(
        spec, classes=("Bulk", "Vacancy"), class_data=classes, thresholds={}, calibration={}
    )
    for bulk in (0, 9):
        tested = {"test": {"Bulk": bulk, "Vacancy": 7}}
        figures = {"site": {"counts": tested, "classes": {"Vacancy": counts(7, 0, 0)}}}
        found = model_accuracy(path, replace(spec, figures=figures), sha256)
        assert bool(found) == bool(bulk)
