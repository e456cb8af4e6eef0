"""`score_clicks`: F1 by the number of clicks, of this and of other programs."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from scored_images import write_crystals

import napari_stem_defects as sd

HEAD = ["clicked_image", "clicks", "image", "class", "y_px", "x_px"]


def point(scores: sd.ClickScores, place: str, clicks: int) -> dict[str, Any]:
    each: dict[str, Any] = scores.figures["curves"][place][str(clicks)]["points"]["Vac"]
    return each


def counts(each: dict[str, Any]) -> tuple[int, int, int]:
    return each["hits"], each["false"], each["missed"]


def test_the_quick_recipe_finds_the_rest_after_three_clicks(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    scores = sd.score_clicks(write_crystals(tmp_path), [3], out=out)
    assert json.loads(out.read_text("utf-8")) == scores.figures
    assert scores.faults == ()
    assert scores.figures["refused"] == {}
    same, other = (point(scores, place, 3) for place in ("same_image", "other_group"))
    assert (same["ground_truth"], other["ground_truth"]) == (2 * (9 - 3), 2 * 9)
    assert same["f1"]["value"] > 0.9
    assert other["f1"]["value"] > 0.9
    assert same["f1"]["low"] < same["f1"]["value"]


def test_another_program_gets_the_clicks_and_is_scored_with_its_answers(tmp_path: Path) -> None:
    manifest, clicks = write_crystals(tmp_path), tmp_path / "clicks.csv"
    assert sd.write_clicks(manifest, [1, 3], clicks) == ()
    with clicks.open(encoding="utf-8", newline="") as file:
        given = list(csv.DictReader(file))
    assert [(row["image"], row["clicks"], row["also_search"]) for row in given] == [
        *[("a", "1", "b"), *[("a", "3", "b")] * 3],
        *[("b", "1", "a"), *[("b", "3", "a")] * 3],
    ]
    # This program knows the truth, but finds it only in the image that was clicked three times;
    # of one click it makes nothing.
    rows = []
    for name in "ab":
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows += [
                [name, 3, name, "Vac", row["y_px"], row["x_px"]] for row in csv.DictReader(file)
            ]
    rows.append(["a", 3, "b", "Vac", 1, 1])
    with (tmp_path / "found.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEAD, *rows])
    scores = sd.score_clicks(manifest, [1, 3], tmp_path / "found.csv")
    assert scores.figures["predictions"].endswith("found.csv")
    assert counts(point(scores, "same_image", 3)) == (2 * 6, 0, 0)
    assert counts(point(scores, "other_group", 3)) == (0, 1, 2 * 9)
    assert counts(point(scores, "same_image", 1)) == (0, 0, 2 * 8)


def test_what_cannot_be_learned_counts_as_missed_and_is_stated(tmp_path: Path) -> None:
    scores = sd.score_clicks(write_crystals(tmp_path, empty=True), [3])
    assert counts(point(scores, "same_image", 3)) == (0, 0, 12)
    ((reason, draws),) = scores.figures["refused"].items()
    assert "the image is empty: all pixels are equal" in reason
    assert draws == scores.figures["draws"] == 2
    assert scores.faults == ()


def test_missing_files_are_stated_and_the_rest_is_scored(tmp_path: Path) -> None:
    manifest = write_crystals(tmp_path)
    (tmp_path / "b.tif").unlink()
    table = tmp_path / "found.csv"
    table.write_text(",".join(HEAD) + "\n", "utf-8")
    scores = sd.score_clicks(manifest, [3], table)
    (fault,) = scores.faults
    assert fault.startswith("b.tif: is missing; fetch it from")
    assert scores.figures["curves"]["other_group"] == {}
    assert counts(point(scores, "same_image", 3)) == (0, 0, 6)


@pytest.mark.slow
def test_networks_from_few_labels_learn_from_the_clicks(tmp_path: Path) -> None:
    manifest = write_crystals(tmp_path)
    (tmp_path / "b.tif").unlink()
    scores = sd.score_clicks(manifest, [3], recipe="few")
    assert scores.figures["predictions"].endswith("recipe few")
    assert point(scores, "same_image", 3)["f1"]["value"] > 0.7
