from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.io.images.find import find_images
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.patch_folder import is_patch_folder, read_patch_folder

FOLDERS = ("images", "wse2", "other")
# Height and width in px and the pixel size in nm of some of them.
KNOWN = {
    "CdTe_Training_Image.tif": ((768, 768), None),
    "STO_Training_Image.jpg": ((512, 512), None),
    "frame_02.dm4": ((512, 512), 0.0398794),
    "STO_Ge_3044px.jpg": ((3044, 3042), None),
    "Si110_clean.png": ((512, 512), None),
}
CLASSES = {
    "DataSet_CdTe": {"Bulk", "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial"},
    "DataSet_STO": {"Bulk", "Extra", "IExtra", "Mis"},
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_image_is_read(data_dir: Path, folder: str) -> None:
    pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
    for path in find_images([data_dir / folder]):
        micrograph = read(path)
        assert micrograph.pixels.ndim == 2, path.name
        assert micrograph.pixels.dtype == np.float32, path.name
        assert micrograph.pixels.std() > 1, path.name
        assert micrograph.invalid is None, path.name
        assert (micrograph.pixel_size_nm is not None) == (path.suffix == ".dm4"), path.name
        json.dumps(micrograph.metadata, allow_nan=False)


@pytest.mark.parametrize("name", KNOWN)
def test_known_image(data_dir: Path, name: str) -> None:
    (path,) = [found for folder in FOLDERS for found in (data_dir / folder).glob(name)]
    if path.suffix == ".dm4":
        pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
    shape, pixel_nm = KNOWN[name]
    micrograph = read(path)
    assert micrograph.pixels.shape == shape
    assert micrograph.pixel_size_nm == (None if pixel_nm is None else pytest.approx(pixel_nm, 1e-5))


def test_training_image_becomes_grey_without_change(data_dir: Path) -> None:
    import tifffile

    path = data_dir / "images" / "CdTe_Training_Image.tif"
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, tifffile.imread(path)[..., 0])
    assert "Three equal colour channels were read as grey." in micrograph.notes


def test_microscope_metadata_is_kept(data_dir: Path) -> None:
    pytest.importorskip("rsciio", reason="RosettaSciIO is not installed")
    text = json.dumps(read(data_dir / "wse2" / "frame_02.dm4").metadata)
    assert '"Voltage": 80000.0' in text
    assert "DigiScan" in text


@pytest.mark.parametrize("name", CLASSES)
def test_every_patch(data_dir: Path, name: str) -> None:
    folder = data_dir / "patches" / name
    assert is_patch_folder(folder)
    found = read_patch_folder(folder)
    assert set(found.classes) == CLASSES[name]
    assert found.patches.shape == (len(list(folder.glob("*.tif"))), 64, 64)
    assert np.ptp(found.patches, axis=(1, 2)).min() > 10


@pytest.mark.parametrize("name", [".", "images", "wse2", "other", "patches"])
def test_other_folders_are_no_patch_folders(data_dir: Path, name: str) -> None:
    assert not is_patch_folder(data_dir / name)
