"""The summary contains how a result was made and what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from result_samples import MODEL, detection, micrograph

from napari_stem_defects.io.results import result_folder
from napari_stem_defects.io.results.read_results import read_summary
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.postprocessing.searched_share import NO_PROBABILITY, NOT_SEARCHED

if TYPE_CHECKING:
    pass

HEADER = (
    "image,frame,class,region,y_px,x_px,y_nm,x_nm,area_px,area_nm2,length_nm"
    ",mean_probability,max_probability"
)


@pytest.fixture(autouse=True)
def quick_overview(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw nothing: test_overview.py looks at the picture."""
    monkeypatch.setattr(result_folder, "draw_overview", lambda *_: Image.new("RGB", (8, 8)))


def test_the_summary_contains_model_image_and_counts(tmp_path: Path) -> None:
    image = micrograph()
    summary = read_summary(write_results(tmp_path, image, [detection(image)], MODEL))
    assert summary["model"] == MODEL
    assert summary["image"]["sha256"] == image.sha256
    assert summary["image"]["pixel_size_nm"] == 0.05
    assert summary["image"]["pixel_size_source"] == "file"
    assert summary["parameters"]["thresholds"]["SF1"] == 0.5
    assert summary["counts"] == {"SF1": 1, "Vacancy_CdTe": 2, "interstitial": 0}
    masks = detection(image).masks
    assert summary["area_fractions"]["SF1"] == pytest.approx(masks[0].mean())
    assert summary["unknown_fraction"] == pytest.approx(masks[-1].mean())
    assert summary["seconds"] == 0.25
    valid = summary["called_fraction"]
    area = masks[0].size * valid * 0.05**2
    assert summary["searched_nm2"] == pytest.approx(area)
    assert summary["densities_per_nm2"]["Vacancy_CdTe"] == pytest.approx(2 / area)
    assert summary["lengths_per_area_per_nm"] == {
        "SF1": pytest.approx(summary["lengths_nm"]["SF1"] / area)
    }
    assert summary["recognised_fraction"] == pytest.approx(1 - masks[-1].mean() / valid)
    assert {"python", "numpy", "scipy", "torch", "napari-stem-defects"} <= set(summary["versions"])


def test_densities_count_the_area_that_was_searched(tmp_path: Path) -> None:
    image = micrograph()
    found = detection(image)
    object.__setattr__(found, "parameters", {**found.parameters, "area_px": [0, 0, 10, 20]})
    summary = read_summary(write_results(tmp_path, image, [found], MODEL))
    assert summary["searched_nm2"] == pytest.approx(200 * 0.05**2)
    assert summary["densities_per_nm2"]["Vacancy_CdTe"] == pytest.approx(2 / (200 * 0.05**2))


def test_what_is_outside_of_the_crystal_counts_no_more_than_in_the_detection(
    tmp_path: Path,
) -> None:
    image = micrograph()
    for area in (None, [0, 0, 96, 64]):
        found = detection(image)
        found.map.probability[:, -5:] = 0
        parameters = found.parameters if area is None else {**found.parameters, "area_px": area}
        object.__setattr__(found, "parameters", parameters)
        assert found.searched_nm2 == pytest.approx(
            (0.5 if area else 1) * 96 * 128 * 0.05**2 * 7 / 12
        )
        summary = read_summary(write_results(tmp_path, image, [found], MODEL, overwrite=True))
        assert summary["searched_nm2"] == pytest.approx(found.searched_nm2)
        density = summary["densities_per_nm2"]["Vacancy_CdTe"]
        assert density == pytest.approx(2 / found.searched_nm2)
        assert summary["frames"][0]["densities_per_nm2"]["Vacancy_CdTe"] == density
        assert 0 < summary["recognised_fraction"] <= 1


def test_where_nothing_was_searched_there_is_no_density(tmp_path: Path) -> None:
    image = micrograph()
    found = detection(image, empty=True)
    found.map.probability[:] = 0
    parameters = {**found.parameters, NO_PROBABILITY: NOT_SEARCHED}
    object.__setattr__(found, "parameters", parameters)
    summary = read_summary(write_results(tmp_path, image, [found], MODEL))
    assert found.searched_nm2 == summary["searched_nm2"] == 0
    assert set(summary["densities_per_nm2"].values()) == {None}
    assert summary["recognised_fraction"] is None


def test_without_a_pixel_size_there_is_no_density(tmp_path: Path) -> None:
    image = micrograph()
    summary = read_summary(write_results(tmp_path, image, [detection(image, nm=None)], MODEL))
    assert summary["searched_nm2"] is None
    assert set(summary["densities_per_nm2"].values()) == {None}


def test_odd_parameters_still_make_json(tmp_path: Path) -> None:
    image = micrograph()
    found = detection(image)
    odd = {"limit": np.float32(0.5), "path": Path("a"), "worst": float("nan"), "all": np.arange(3)}
    object.__setattr__(found, "parameters", odd)
    summary = read_summary(write_results(tmp_path, image, [found], MODEL))
    assert summary["parameters"] == {"limit": 0.5, "path": "a", "worst": None, "all": [0, 1, 2]}
