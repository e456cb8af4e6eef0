"""Labels layers as calibrated OME-TIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.layers import Labels

from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.napari_plugin.writer import write_labels

if TYPE_CHECKING:
    from pathlib import Path


def saved(layer: Labels, path: Path) -> np.ndarray:
    data, meta, _ = layer.as_layer_data_tuple()
    assert write_labels(str(path), data, meta) == [str(path)]
    return tifffile.imread(path)


@pytest.mark.parametrize(("highest", "dtype"), [(3, np.uint8), (300, np.uint16)])
def test_numbers_and_pixel_size_come_back(tmp_path: Path, highest: int, dtype: type) -> None:
    numbered = np.zeros((64, 80), int)
    numbered[2:5, 3:9] = highest
    layer = Labels(numbered, name="SF1 - CdTe", scale=(30, 30), units=("pm", "pm"))
    written = saved(layer, tmp_path / "a.ome.tif")
    assert written.dtype == dtype
    np.testing.assert_array_equal(written, numbered)
    assert read(tmp_path / "a.ome.tif").pixel_size_nm == pytest.approx(0.03)


def test_stack_without_calibration(tmp_path: Path) -> None:
    written = saved(Labels(np.ones((2, 64, 80), np.uint16)), tmp_path / "a.ome.tif")
    assert written.shape == (2, 64, 80)
    assert read(tmp_path / "a.ome.tif").pixel_size_nm is None


def test_classes_of_the_regions_are_in_the_file(tmp_path: Path) -> None:
    layer = Labels(np.eye(64, dtype=int), features={"index": [0, 1], "class": ["", "SF1"]})
    saved(layer, tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert "SF1" in str(file.ome_metadata)


def test_the_file_records_model_and_parameters(tmp_path: Path) -> None:
    layer = Labels(np.eye(64, dtype=int), metadata={"stem_defects": {"made": "detection"}})
    frames = {0: {"thresholds": {"SF1": np.float64(0.37)}}}
    origin = {"model": {"name": "cdte-110", "sha256": "0a1b"}, "version": "1", "frames": frames}
    layer.metadata["stem_defects"].update(origin)
    saved(layer, tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        metadata = str(file.ome_metadata)
    for word in ("napari-stem-defects", "cdte-110", "0a1b", "SF1", "0.37"):
        assert word in metadata


def test_more_axes_are_refused(tmp_path: Path) -> None:
    data, meta, _ = Labels(np.zeros((2, 2, 2, 2), int)).as_layer_data_tuple()
    with pytest.raises(OutputError, match="4 axes"):
        write_labels(str(tmp_path / "a.ome.tif"), data, meta)
    assert not list(tmp_path.glob("*.tif"))
