"""The bundled ensembles on the public micrographs."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.postprocessing.results import Detection

# (y, x) on the centre line of each planar defect of the training micrograph.
FAULTS = {"SF1": (160, 335), "SF2": (295, 153), "Twin_Bound": (720, 138)}


BORDER_PX = 16


def found(data_dir: Path, name: str, stride: int = 8, model: str = "cdte-110") -> Detection:
    return sd.detect(sd.read(data_dir / name), model, stride=stride)


def test_every_defect_of_the_training_micrograph_has_its_name(data_dir: Path) -> None:
    """The map of the abstract: one fault of each kind, their junction, one twin boundary."""
    detection = found(data_dir, "images/CdTe_Training_Image.tif")
    names = [region.class_name for region in detection.regions]
    assert sorted(names) == ["LC", "SF1", "SF2", "Twin_Bound"]
    planes = dict(zip(detection.mask_names, detection.masks, strict=True))
    assert all(planes[name][at] for name, at in FAULTS.items())
    lengths = {region.class_name: region.length_nm for region in detection.regions}
    assert lengths["SF1"] == pytest.approx(9.5, abs=1)
    assert lengths["SF2"] == pytest.approx(9.8, abs=1)
    # It leaves the image at a flat angle: 6.6 nm of its 7.8 are further than 16 px from the border.
    assert 6.5 < lengths["Twin_Bound"] < 8.8
    assert detection.masks.any(axis=0).mean() < 0.1


@pytest.mark.parametrize("name", ["CdTe_vacancies.tif", "CdTe_interstitials.tif"])
def test_every_point_defect_is_found_where_it_is(data_dir: Path, name: str) -> None:
    truth = json.loads((data_dir / "images" / "point_defects.json").read_text())[name]
    regions = found(data_dir, f"images/{name}").regions
    at = np.array([(r.y_px, r.x_px) for r in regions if r.class_name == truth["class"]])
    away = np.hypot(*(np.array(truth["points_yx"])[:, None] - at).transpose(2, 0, 1))
    assert (away.min(axis=1) <= 12).all()
    assert (away.min(axis=0) <= 12).all()
    others = Counter(r.class_name for r in regions) - Counter({truth["class"]: len(at)})
    assert others == {"LC": 1, "SF1": 1, "SF2": 1, "Twin_Bound": 1}


def test_a_perfect_crystal_of_another_kind_has_no_defect(data_dir: Path) -> None:
    detection = found(data_dir, "other/Si110_clean.png", stride=12)
    assert not detection.regions


@pytest.mark.parametrize("name", ["STO_extra.tif", "STO_iextra.tif", "STO_missing.tif"])
def test_odd_columns_of_srtio3_are_found_where_they_are(data_dir: Path, name: str) -> None:
    truth = json.loads((data_dir / "images" / "point_defects.json").read_text())[name]
    detection = found(data_dir, f"images/{name}", model="sto-001")
    regions = detection.regions
    at = np.array([(r.y_px, r.x_px) for r in regions if r.class_name == truth["class"]])
    points = np.array(truth["points_yx"])
    away = np.hypot(*(points[:, None] - at).transpose(2, 0, 1))
    # A column missing at the very border looks like the border.
    edge = np.minimum(points, np.array(detection.masks.shape[1:]) - 1 - points).min(axis=1)
    assert (away.min(axis=1)[edge > BORDER_PX] <= 12).all()
    assert (away.min(axis=0) <= 12).all()
    assert len(regions) - len(at) <= 1


def test_srtio3_without_defects_has_none_and_cdte_is_unknown_to_its_model(data_dir: Path) -> None:
    assert not found(data_dir, "images/STO_Training_Image.jpg", model="sto-001").regions
    other = found(data_dir, "images/CdTe_Training_Image.tif", 24, "sto-001")
    assert other.masks[other.mask_names.index("unknown")].mean() > 0.99


def test_every_micrograph_goes_through(data_dir: Path, tmp_path: Path) -> None:
    suffixes = {".tif", ".jpg", ".png", ".dm4"}
    files = [
        path
        for folder in ("images", "other", "wse2")
        for path in sorted((data_dir / folder).iterdir())
        if path.suffix in suffixes
    ]
    command = ["detect", *map(str, files), "--out", str(tmp_path), "--stride", "32"]
    assert main(command) == 0
    for path in files:
        assert (tmp_path / path.stem / "overview.png").is_file()
