"""The image of a stored folder as a layer, and the place of what lies over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image
from written_results import write_image, write_result
from written_surveys import write_crystal, write_surveys

from napari_stem_defects.io.images.read import read
from napari_stem_defects.jobs.opened_folder import open_folder
from napari_stem_defects.napari_plugin.layers.convert import pixel_size_nm, source_path
from napari_stem_defects.napari_plugin.layers.opened_image import opened_image_layer, placing_layer
from napari_stem_defects.napari_plugin.layers.stored_layers import result_of

if TYPE_CHECKING:
    from pathlib import Path


def test_the_image_of_results_and_of_a_survey(tmp_path: Path) -> None:
    result = write_result(write_image(tmp_path / "a.tif"), tmp_path / "found")
    survey, _ = write_surveys(write_crystal(tmp_path / "b.npy"), tmp_path / "unusual")
    for folder, file, size in ((result, "a.tif", 0.05), (survey, "b.npy", 0.02)):
        opened = open_folder(folder)
        data = opened_image_layer(opened)
        assert data is not None
        layer = Image(data[0], **data[1])
        np.testing.assert_array_equal(layer.data, read(tmp_path / file).pixels)
        assert pixel_size_nm(layer) == size
        assert result_of(layer) == folder
        assert source_path(layer) == tmp_path / file
        placing = placing_layer(opened, data)
        assert placing.name == layer.name
        assert tuple(placing.scale) == tuple(layer.scale)
        assert placing.units == layer.units


def test_the_images_of_a_batch_are_read_when_they_are_shown(tmp_path: Path) -> None:
    for number in range(3):
        write_surveys(write_crystal(tmp_path / f"{number}.npy", seed=number), tmp_path / "out")
    (tmp_path / "1.npy").unlink()
    data = opened_image_layer(opened := open_folder(tmp_path / "out"))
    assert data is not None
    layer = Image(data[0], **data[1])
    assert layer.data.shape == (3, 200, 200)
    np.testing.assert_array_equal(layer.data[2], read(tmp_path / "2.npy").pixels)
    assert not layer.data[1].any()
    assert pixel_size_nm(layer) == 0.02
    assert placing_layer(opened, data).ndim == 3


def test_without_the_image_its_place_is_known(tmp_path: Path) -> None:
    image = write_crystal(tmp_path / "a.npy", 2)
    folder, _ = write_surveys(image, tmp_path / "out")
    image.unlink()
    opened = open_folder(folder)
    assert opened_image_layer(opened) is None
    placing = placing_layer(opened, None)
    assert (placing.name, placing.ndim, pixel_size_nm(placing)) == ("a", 3, 0.02)
