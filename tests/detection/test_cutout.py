"""A part of a frame is searched; results are in px of the whole frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import maximum_filter
from small_model import write_small_model

from napari_stem_defects.api.detect import detect
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.search_area import SearchArea
from napari_stem_defects.detection.cutout import Cutout
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.detection.frame_result import FrameResult
from napari_stem_defects.errors import InputError
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.simulation.crystals import LAYER_NM


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> object:
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    return load_model(write_small_model(path, lattice_nm=LAYER_NM))


def micrograph(size: int = 256, pixel_size_nm: float | None = 0.027) -> Micrograph:
    pixels = np.random.default_rng(0).random((size, size), np.float32)
    return Micrograph(pixels, "noise", pixel_size_nm)


BOX = (64, 100, 192, 200)
AREA = SearchArea.rectangle(*BOX)
TRIANGLE = ((20.0, 30.0), (20.0, 230.5), (220.25, 30.0))


def searched(image: Micrograph, ensemble: Any, area: SearchArea, **how: Any) -> FrameResult:
    cutout = Cutout.of(image, area, ensemble.spec)
    return cutout.result(detect_frame(cutout.part, ensemble, **how))


def test_masks_are_empty_outside_the_area(ensemble: object) -> None:
    found = detect(micrograph(), ensemble, area=BOX, thresholds={"SF1": 0.01})
    assert found.masks.shape == (2, 256, 256)
    inside = found.masks[:, 64:192, 100:200].any(axis=0)
    assert inside.mean() > 0.5
    assert found.masks.any(axis=0).sum() == inside.sum()
    assert found.parameters["area_px"] == list(BOX)


@pytest.mark.parametrize("pixel_size_nm", [0.027, 0.035])
def test_windows_at_the_border_of_an_area_are_complete(
    ensemble: object, pixel_size_nm: float
) -> None:
    image = micrograph(pixel_size_nm=pixel_size_nm)
    cutout = Cutout.of(image, AREA, ensemble.spec)
    assert (cutout.top, cutout.left) == (0, 36)
    assert cutout.part.pixels.shape == (256, 220)
    found = searched(image, ensemble, AREA)
    assert 0 <= found.map.y[0] <= 5  # half a step of 8 px of the model, at most
    assert 36 <= found.map.x[0] <= 41


def test_only_pixels_inside_the_outlines_are_searched(ensemble: object) -> None:
    two = SearchArea.from_value([TRIANGLE, ((200, 200), (200, 240), (240, 240), (240, 200))])
    found = searched(micrograph(), ensemble, two, thresholds={"SF1": 0.01, "Bulk": 1.0})
    inside = two.mask((256, 256))
    assert inside[[21, 219, 220], [229, 31, 220]].all()
    assert not inside[[215, 199, 120], [45, 220, 145]].any()
    assert not found.numbered[:, ~inside].any()
    assert (found.numbered[:, inside] > 0).any(axis=0).mean() > 0.95
    assert sum(region.area_px for region in found.regions) <= inside.sum()
    assert found.parameters["area_px"] == two.to_json()

    y, x = np.rint(found.map.y).astype(int), np.rint(found.map.x).astype(int)
    far = ~maximum_filter(inside, 2 * 9 + 1)[np.ix_(y, x)]
    assert far.any()
    assert not found.map.valid[far].any()
    assert not found.map.probability[:, far].any()


def test_an_area_beside_the_image_is_rejected(ensemble: object) -> None:
    with pytest.raises(InputError, match="no pixel of the image is inside"):
        detect(micrograph(), ensemble, area=(300, 0, 400, 100))


def test_other_thresholds_apply_to_the_area_only(ensemble: object) -> None:
    found = searched(micrograph(), ensemble, AREA, thresholds={"SF1": 1.0})
    assert not found.numbered.any() or found.names[-1] == "unknown"
    again = found.with_thresholds({"SF1": 0.01})
    inside = again.numbered[0, 64:192, 100:200]
    assert inside.any()
    assert np.count_nonzero(again.numbered[0]) == np.count_nonzero(inside)
