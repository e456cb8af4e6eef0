"""Searching a part of a frame, and results that a person corrects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sample_results import result

from napari_stem_defects.core.crystals import LAYER_NM
from napari_stem_defects.core.micrograph import Micrograph
from napari_stem_defects.engine.area import Area, Cutout, detect_area
from napari_stem_defects.engine.corrections import Correction, corrected, pixels_of
from napari_stem_defects.engine.detection import detect
from napari_stem_defects.engine.frame_result import FrameResult
from napari_stem_defects.errors import InputError
from napari_stem_defects.files.model_file import load_model
from small_model import write_small_model


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> object:
    path = tmp_path_factory.mktemp("model") / "small.safetensors"
    return load_model(write_small_model(path, lattice_nm=LAYER_NM))


def micrograph(size: int = 256, pixel_size_nm: float | None = 0.027) -> Micrograph:
    pixels = np.random.default_rng(0).random((size, size), np.float32)
    return Micrograph(pixels, "noise", pixel_size_nm)


AREA = Area(64, 100, 192, 200)


def test_nothing_is_said_outside_the_area(ensemble: object) -> None:
    found = detect(micrograph(), ensemble, area=AREA, thresholds={"SF1": 0.01})
    assert found.masks.shape == (2, 256, 256)
    inside = found.masks[:, 64:192, 100:200].any(axis=0)
    assert inside.mean() > 0.5
    assert found.masks.any(axis=0).sum() == inside.sum()
    assert found.parameters["area_px"] == list(AREA)


@pytest.mark.parametrize("pixel_size_nm", [0.027, 0.035])
def test_windows_at_the_border_see_beyond_it(ensemble: object, pixel_size_nm: float) -> None:
    image = micrograph(pixel_size_nm=pixel_size_nm)
    cutout = Cutout.of(image, AREA, ensemble.spec)
    assert (cutout.top, cutout.left) == (0, 36)
    assert cutout.part.pixels.shape == (256, 220)
    found = detect_area(image, ensemble, AREA)
    assert found.map.y[0] == pytest.approx(0, abs=1)
    assert found.map.x[0] == pytest.approx(36, abs=1)


def test_an_area_beside_the_image_is_refused(ensemble: object) -> None:
    with pytest.raises(InputError, match="no pixel of the image lies in it"):
        detect(micrograph(), ensemble, area=(300, 0, 400, 100))


def test_an_area_is_searched_again_with_other_thresholds(ensemble: object) -> None:
    found = detect_area(micrograph(), ensemble, AREA, thresholds={"SF1": 1.0})
    assert not found.numbered.any() or found.names[-1] == "unknown"
    again = found.fused_again({"SF1": 0.01})
    inside = again.numbered[0, 64:192, 100:200]
    assert inside.any()
    assert np.count_nonzero(again.numbered[0]) == np.count_nonzero(inside)


def test_thresholds_moved_there_and_back_change_nothing(ensemble: object) -> None:
    # A speck is measured at the model's pixel size, in detection and in fusing again.
    image = micrograph(pixel_size_nm=0.09)
    found = FrameResult.of(detect(image, ensemble, stride=2, thresholds={"SF1": 0.6}), None)
    again = found.fused_again({"SF1": 0.3}).fused_again({"SF1": 0.6})
    np.testing.assert_array_equal(again.numbered, found.numbered)


def test_a_region_becomes_one_of_another_class() -> None:
    found = result()
    fault = next(region for region in found.regions if region.class_name == "SF1")
    where = pixels_of(found, fault)
    y, x = np.argwhere(where)[0]
    mended = corrected(found, [Correction(0, int(y), int(x), "SF1", "LC")])
    names = [region.class_name for region in mended.regions]
    assert names.count("SF1") == 0
    assert names.count("LC") == 2
    assert (mended.numbered[mended.names.index("LC")][where] > 0).all()
    assert mended.parameters["corrections"][0]["right"] == "LC"


def test_no_defect_and_corrections_of_other_frames() -> None:
    found = result()
    junction = next(region for region in found.regions if region.class_name == "LC")
    y, x = np.argwhere(pixels_of(found, junction))[0]
    gone = corrected(found, [Correction(0, int(y), int(x), "LC", "Bulk")])
    assert [region.class_name for region in gone.regions] == ["SF1"]
    other = corrected(found, [Correction(1, int(y), int(x), "LC", "Bulk")])
    assert other is found
    missed = corrected(found, [Correction(0, 95, 79, "LC", "Bulk")])
    assert len(missed.regions) == len(found.regions)


def test_the_command_line_searches_parts_and_frames(tmp_path: Path) -> None:
    import tifffile

    from napari_stem_defects.cli import main
    from napari_stem_defects.files.result_files import read_results

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
    assert main([*words, "--frames", "3"]) == 2
    with pytest.raises(SystemExit):
        main([*words, "--area", "1,2,3"])
