"""Results with numbered regions: conversion, other thresholds, corrected masks."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frame_samples import MODEL_PX_NM, detect, micrograph, noise
from sample_results import CLASSES, SHAPE, probability_map, result
from scipy.ndimage import gaussian_filter

from napari_stem_defects import __version__
from napari_stem_defects.detection.frame_result import FrameResult, provenance_of
from napari_stem_defects.postprocessing.mask_stack import MaskStack

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.windows import Grid


def test_masks_hold_the_numbers_of_their_regions() -> None:
    found = result()
    assert found.names == ("SF1", "LC", "unknown")
    assert found.numbered.shape == (3, *SHAPE)
    assert [(region.class_name, region.region) for region in found.regions] == [
        ("SF1", 1),
        ("LC", 1),
    ]
    for region in found.regions:
        numbered = found.numbered[found.names.index(region.class_name)]
        assert np.count_nonzero(numbered == region.region) == region.area_px


def test_a_detection_is_converted_to_a_result_and_back(ensemble: Ensemble) -> None:
    detection = detect(micrograph(noise(80, 96)), ensemble, thresholds={"SF1": 0.4}, frame=2)
    found = FrameResult.of(detection, None)
    again = found.detection()
    assert (again.image, again.frame, again.regions) == ("image", 2, detection.regions)
    assert (again.pixel_size_nm, again.parameters) == (MODEL_PX_NM, detection.parameters)
    assert again.map is detection.map
    assert again.mask_names == detection.mask_names
    np.testing.assert_array_equal(again.masks, detection.masks)


def test_numbers_are_stored_in_the_smallest_type() -> None:
    assert result().numbered.dtype == np.uint8
    many = np.zeros((3, *SHAPE), np.uint8)
    many[0, ::3, ::3] = 1
    found = result().with_masks(MaskStack.from_array(result().names, many))
    assert found.numbered.max() == 32 * 27
    assert found.numbered.dtype == np.uint16


def test_thresholds_are_replaced_for_the_given_classes_only() -> None:
    found = result()
    higher = found.with_thresholds({"SF1": 0.9})
    assert higher.thresholds == {"Bulk": 0.5, "SF1": 0.9, "LC": 0.5}
    assert found.thresholds == dict.fromkeys(CLASSES, 0.5)
    assert [region.class_name for region in higher.regions] == ["LC"]
    assert not higher.numbered[0].any()
    np.testing.assert_array_equal(higher.numbered[1], found.numbered[1])
    assert higher.provenance == found.provenance


def test_thresholds_changed_there_and_back_change_nothing(
    predict_with: Callable[[Any], None], ensemble: Ensemble
) -> None:
    """The minimum length holds at the pixel size of the model, in detection and afterwards."""

    def random(filtered: np.ndarray, grid: Grid) -> np.ndarray:
        values = np.random.default_rng(0).random((3, len(grid.y), len(grid.x)))
        smooth = gaussian_filter(values, (0, 4, 4))
        return (smooth - smooth.min()) / np.ptp(smooth)

    predict_with(random)
    image = micrograph(noise(160, 160), pixel_size_nm=0.09)
    detection = detect(image, ensemble, stride=2, thresholds={"SF1": 0.7})
    assert detection.parameters["resampling_factor"] == pytest.approx(0.09 / MODEL_PX_NM)
    lengths = [region.length_nm or 0 for region in detection.regions if region.class_name == "SF1"]
    assert min(lengths) < 16 * 0.09
    found = FrameResult.of(detection, None)
    again = found.with_thresholds({"SF1": 0.5}).with_thresholds({"SF1": 0.7})
    np.testing.assert_array_equal(again.numbered, found.numbered)


def test_invalid_pixels_stay_excluded_at_other_thresholds() -> None:
    invalid = np.zeros(SHAPE, bool)
    invalid[40:60] = True
    found = replace(result(), invalid=invalid).with_thresholds({"SF1": 0.0})
    assert not found.numbered[:, invalid].any()
    assert (found.numbered[0, :40] > 0).all()


def test_replaced_masks_are_measured_and_extend_the_parameters() -> None:
    masks = np.zeros((3, *SHAPE), np.uint8)
    masks[1, 10:20, 30:50] = 1
    found = result().with_masks(MaskStack.from_array(result().names, masks), corrections=[1])
    (region,) = found.regions
    assert (region.class_name, region.region, region.area_px) == ("LC", 1, 200)
    assert region.area_nm2 == pytest.approx(200 * 0.03**2)
    assert found.parameters["corrections"] == [1]
    assert found.thresholds == result().thresholds


def test_a_result_is_finished_unless_its_parameters_state_otherwise() -> None:
    found = result()
    assert found.finished
    assert not replace(found, parameters={**found.parameters, "finished": False}).finished


def test_an_empty_map_gives_an_empty_result() -> None:
    nothing = replace(probability_map(), probability=np.zeros((3, 12, 10), np.float32))
    nothing.valid[:] = False
    image = micrograph(np.zeros(SHAPE, np.float32))
    limits = {"thresholds": dict.fromkeys(CLASSES, 0.5)}
    found = FrameResult.from_probability(nothing, image, 3, limits)
    assert (found.image, found.frame, found.regions) == ("image", 3, ())
    assert found.names == ("SF1", "LC", "unknown")
    assert not found.numbered.any()


def test_provenance_names_model_image_and_version(ensemble: Ensemble) -> None:
    image = replace(micrograph(noise(64, 64)), path=Path("folder") / "image.tif", sha256="ab")
    provenance = provenance_of(image, replace(ensemble, sha256="cd"))
    assert provenance == {
        "model": {"name": "small", "sha256": "cd"},
        "image": {"name": "image", "path": str(Path("folder") / "image.tif"), "sha256": "ab"},
        "version": __version__,
    }
    assert json.loads(json.dumps(provenance)) == provenance
    assert provenance_of(replace(image, path=None), ensemble)["image"]["path"] is None
