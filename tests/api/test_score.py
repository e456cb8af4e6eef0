"""`score`: figures of predictions on the images of a manifest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from scored_images import POINTS, listed, write_manifest, write_table
from small_model import write_small_model

import napari_stem_defects as sd
from napari_stem_defects.cli.main import main

PERFECT = [(name, "Vac", y, x) for name, points in POINTS.items() for y, x in points]


def counts(scores: sd.Scores) -> tuple[int, int, int]:
    each = scores.figures["all"]["points"]["Vac"]
    return each["hits"], each["false"], each["missed"]


def shifted(by: float) -> list[tuple[str, str, float, float]]:
    return [(image, name, y + by, x) for image, name, y, x in PERFECT]


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (PERFECT, (4, 0, 0)),
        (shifted(2.9), (4, 0, 0)),
        (shifted(3.1), (0, 4, 4)),
        ([(image, "Other", y, x) for image, _, y, x in PERFECT], (0, 0, 4)),
        (PERFECT + PERFECT, (4, 4, 0)),
        ([], (0, 0, 4)),
    ],
)
def test_predictions_of_any_program(tmp_path: Path, rows: Any, expected: Any) -> None:
    scores = sd.score(write_manifest(tmp_path), write_table(tmp_path / "p.csv", rows))
    assert counts(scores) == expected
    assert scores.faults == ()
    assert scores.figures["all"]["not_scored"] == ["SF"]
    assert set(scores.figures["groups"]) == {"specimen a", "specimen b"}


def test_a_missing_file_is_stated_and_the_rest_is_scored(tmp_path: Path) -> None:
    manifest, table = write_manifest(tmp_path), write_table(tmp_path / "p.csv", PERFECT)
    (tmp_path / "a.tif").write_bytes(b"altered")
    scores = sd.score(manifest, table, tmp_path / "figures.json")
    assert counts(scores) == (1, 0, 0)
    (fault,) = scores.faults
    assert "a.tif: is not as listed; fetch it from https://example.org/a.tif (sha256 " in fault
    assert json.loads((tmp_path / "figures.json").read_text("utf-8")) == scores.figures


def test_an_image_without_predictions_counts_as_missed(tmp_path: Path) -> None:
    (tmp_path / "masks").mkdir()
    scores = sd.score(write_manifest(tmp_path), tmp_path / "masks")
    assert counts(scores) == (0, 0, 4)
    assert scores.figures["all"]["masks"]["SF"]["found"] == 0
    assert len(scores.faults) == 2


def test_a_result_folder_scores_as_the_search_itself(tmp_path: Path) -> None:
    made = sd.simulate(size=128)
    manifest = write_manifest(tmp_path)
    content = json.loads(manifest.read_text("utf-8"))
    tifffile.imwrite(tmp_path / "b.tif", made.micrograph.pixels.astype(np.float32))
    size = made.micrograph.pixel_size_nm
    entry = content["images"][1]
    entry |= {"height_px": 128, "width_px": 128, "pixel_size_nm": size}
    entry["image"] = listed(tmp_path / "b.tif")
    manifest.write_text(json.dumps({**content, "images": [entry]}), "utf-8")
    model = write_small_model(tmp_path / "small.safetensors")
    words = ["--model", str(model), "--pixel-size", str(size), "--device", "cpu"]
    assert main(["detect", str(tmp_path / "b.tif"), "--out", str(tmp_path / "out"), *words]) == 0
    stored = sd.score(manifest, tmp_path / "out").figures
    searched = sd.score(manifest, model=model).figures
    assert stored["all"] == searched["all"]
