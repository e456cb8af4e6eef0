"""Sums over images as shares with intervals."""

from __future__ import annotations

import json

import pytest

from napari_stem_defects.scoring.image_score import (
    ImageScore,
    MaskCounts,
    NamedCounts,
    PointCounts,
)
from napari_stem_defects.scoring.totals import totals


def image(points: PointCounts, masks: MaskCounts) -> ImageScore:
    return ImageScore({"A": points}, {"SF": masks}, 3, 4, (0.9,), (0.1, 0.2), ())


def test_counts_of_images_are_added() -> None:
    scores = [
        image(PointCounts(8, 2, 0), MaskCounts(10, 10, 0, 100)),
        image(PointCounts(0, 0, 2), MaskCounts(30, 10, 4, 100)),
    ]
    figures = totals(scores)
    json.dumps(figures, allow_nan=False)
    point = figures["points"]["A"]
    assert (point["ground_truth"], point["hits"], point["false"], point["missed"]) == (10, 8, 2, 2)
    for share in ("precision", "recall", "f1"):
        assert point[share]["value"] == pytest.approx(0.8)
        assert point[share]["low"] < 0.8 < point[share]["high"]
    assert figures["masks"]["SF"] == {"ground_truth_px": 40, "found": 0.5, "false_area": 0.02}
    assert figures["names"]["value"] == 0.75
    assert figures["unknown"] == {"auroc": 1.0, "at_unknown": 2, "at_known": 4}


def test_no_image_has_no_figures() -> None:
    figures = totals([])
    assert (figures["images"], figures["points"], figures["masks"]) == (0, {}, {})
    assert figures["names"]["value"] is None
    assert figures["unknown"]["auroc"] is None


def test_names_in_foreign_images_are_added() -> None:
    one = ImageScore({}, {}, 0, 0, (), (), (), NamedCounts(3, 10, 100))
    without_masks = ImageScore({}, {}, 0, 0, (), (), (), NamedCounts(2, None, 100))
    known = ImageScore({}, {}, 0, 0, (), (), ())
    assert totals([one, without_masks, known])["foreign"] == {
        "images": 2,
        "named_points": 5,
        "named_area": 0.1,
    }
    assert totals([without_masks])["foreign"]["named_area"] is None
    assert totals([known])["foreign"] == {"images": 0, "named_points": 0, "named_area": None}
