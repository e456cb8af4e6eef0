"""Searching a part of a frame, and results that a person corrects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_results import result
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
from napari_stem_defects.jobs.corrections import Correction, apply_corrections, pixels_of
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


def test_nothing_is_said_outside_the_area(ensemble: object) -> None:
    found = detect(micrograph(), ensemble, area=BOX, thresholds={"SF1": 0.01})
    assert found.masks.shape == (2, 256, 256)
    inside = found.masks[:, 64:192, 100:200].any(axis=0)
    assert inside.mean() > 0.5
    assert found.masks.any(axis=0).sum() == inside.sum()
    assert found.parameters["area_px"] == list(BOX)


@pytest.mark.parametrize("pixel_size_nm", [0.027, 0.035])
def test_windows_at_the_border_see_beyond_it(ensemble: object, pixel_size_nm: float) -> None:
    image = micrograph(pixel_size_nm=pixel_size_nm)
    cutout = Cutout.of(image, AREA, ensemble.spec)
    assert (cutout.top, cutout.left) == (0, 36)
    assert cutout.part.pixels.shape == (256, 220)
    found = searched(image, ensemble, AREA)
    assert 0 <= found.map.y[0] <= 5  # half a step of 8 px of the model, at most
    assert 36 <= found.map.x[0] <= 41


def test_only_what_outlines_enclose_is_searched(ensemble: object) -> None:
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


def test_what_python_gives_is_checked(ensemble: object) -> None:
    for area in ((0, 0, 5), (0.5, 0, 5, 5), [[(0, 0), (1, 1)]], [1, [2, 3]], "0,0,5,5"):
        with pytest.raises(InputError, match="give"):
            detect(micrograph(), ensemble, area=area)


def test_an_area_beside_the_image_is_refused(ensemble: object) -> None:
    with pytest.raises(InputError, match="no pixel of the image is inside"):
        detect(micrograph(), ensemble, area=(300, 0, 400, 100))


def test_an_area_is_searched_again_with_other_thresholds(ensemble: object) -> None:
    found = searched(micrograph(), ensemble, AREA, thresholds={"SF1": 1.0})
    assert not found.numbered.any() or found.names[-1] == "unknown"
    again = found.with_thresholds({"SF1": 0.01})
    inside = again.numbered[0, 64:192, 100:200]
    assert inside.any()
    assert np.count_nonzero(again.numbered[0]) == np.count_nonzero(inside)


def test_thresholds_moved_there_and_back_change_nothing(ensemble: object) -> None:
    # A speck is measured at the model's pixel size, in detection and in fusing again.
    image = micrograph(pixel_size_nm=0.09)
    found = FrameResult.of(detect(image, ensemble, stride=2, thresholds={"SF1": 0.6}), None)
    again = found.with_thresholds({"SF1": 0.3}).with_thresholds({"SF1": 0.6})
    np.testing.assert_array_equal(again.numbered, found.numbered)


def test_a_region_becomes_one_of_another_class() -> None:
    found = result()
    fault = next(region for region in found.regions if region.class_name == "SF1")
    where = pixels_of(found, fault)
    y, x = np.argwhere(where)[0]
    mended = apply_corrections(found, [Correction(0, int(y), int(x), "SF1", "LC")])
    names = [region.class_name for region in mended.regions]
    assert names.count("SF1") == 0
    assert names.count("LC") == 2
    assert (mended.numbered[mended.names.index("LC")][where] > 0).all()
    assert mended.parameters["corrections"][0]["right"] == "LC"


def test_no_defect_and_corrections_of_other_frames() -> None:
    found = result()
    junction = next(region for region in found.regions if region.class_name == "LC")
    y, x = np.argwhere(pixels_of(found, junction))[0]
    gone = apply_corrections(found, [Correction(0, int(y), int(x), "LC", "Bulk")])
    assert [region.class_name for region in gone.regions] == ["SF1"]
    other = apply_corrections(found, [Correction(1, int(y), int(x), "LC", "Bulk")])
    assert other is found
    missed = apply_corrections(found, [Correction(0, 95, 79, "LC", "Bulk")])
    assert len(missed.regions) == len(found.regions)


def test_the_command_line_searches_parts_and_frames(tmp_path: Path) -> None:
    import tifffile

    from napari_stem_defects.cli.main import main
    from napari_stem_defects.io.results.read_results import read_results

    model = write_small_model(tmp_path / "small.safetensors")
    stack = np.random.default_rng(0).integers(0, 255, (3, 128, 128), np.uint8)
    tifffile.imwrite(tmp_path / "movie.tif", stack, photometric="minisblack")
    words = ["detect", str(tmp_path / "movie.tif"), "--out", str(tmp_path), "--model", str(model)]
    choices = ["--pixel-size", "0.027", "--frames", "2", "--area", "0,0,64,128"]
    assert main([*words, *choices, "--thresholds", "SF1=0.01"]) == 0
    (found,) = read_results(tmp_path / "movie")
    assert found.frame == 2
    assert found.parameters["area_px"] == [0, 0, 64, 128]
    assert found.parameters["thresholds"]["SF1"] == 0.01
    assert not found.masks[:, 64:].any()
    outline = SearchArea.from_value([((-5.0, -5.0), (-5.0, 90.2), (70.0, -5.0))])
    choices[-1] = f"--area={outline.to_text()}"
    choices.remove("--area")
    assert main([*words, *choices, "--thresholds", "SF1=0.01"]) == 0
    (found,) = read_results(tmp_path / "movie")
    assert found.parameters["area_px"] == outline.to_json()
    assert not found.masks[:, ~outline.mask((128, 128))].any()
    assert main([*words, "--frames", "3"]) == 2
    with pytest.raises(SystemExit):
        main([*words, "--area", "1,2,3"])
