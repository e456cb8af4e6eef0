"""The general model, which has learned from simulated crystals alone, on the public micrographs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.base.defaults import GENERAL_MODEL

if TYPE_CHECKING:
    from pathlib import Path

REACH_PX = {"CdTe": 12, "STO": 12}


@pytest.mark.parametrize(
    ("image", "name", "share"),
    [
        ("CdTe_vacancies.tif", "Missing", 1.0),
        ("CdTe_interstitials.tif", "Added", 0.8),
        ("STO_extra.tif", "Added", 0.8),
        ("STO_missing.tif", "Missing", 0.8),
    ],
)
def test_point_defects_are_found_without_a_label(
    data_dir: Path, image: str, name: str, share: float
) -> None:
    truth = json.loads((data_dir / "images" / "point_defects.json").read_text())[image]
    detection = sd.detect(sd.read(data_dir / "images" / image), GENERAL_MODEL, device="cpu")
    points = [r for r in detection.regions if r.kind == "point" and r.class_name != "Core"]
    at = np.array([(r.y_px, r.x_px) for r in points if r.class_name == name])
    away = np.hypot(*(np.array(truth["points_yx"])[:, None] - at).transpose(2, 0, 1))
    assert (away.min(axis=1) <= REACH_PX[image.split("_")[0]]).mean() >= share
    assert len(points) <= 1.4 * len(truth["points_yx"])


def test_planar_faults_are_found_without_a_label(data_dir: Path) -> None:
    micrograph = sd.read(data_dir / "images" / "CdTe_Training_Image.tif")
    detection = sd.detect(micrograph, GENERAL_MODEL, device="cpu")
    planes = np.zeros(micrograph.frame_shape, bool)
    for region_class, mask in zip(detection.mask_names, detection.masks, strict=True):
        if region_class in ("Fault", "Boundary"):
            planes |= mask.astype(bool)
    # On the double fault, on the twin boundary, and somewhere along the single fault.
    for rows, columns in (
        ((287, 304), (145, 162)),
        ((712, 729), (130, 147)),
        ((0, 320), (327, 344)),
    ):
        assert planes[slice(*rows), slice(*columns)].any()
    assert planes.mean() < 0.1


def test_a_perfect_crystal_has_no_defect(data_dir: Path) -> None:
    micrograph = sd.read(data_dir / "other" / "Si110_clean.png")
    assert not sd.detect(micrograph, GENERAL_MODEL, device="cpu").regions
