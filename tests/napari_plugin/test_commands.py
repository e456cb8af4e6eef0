"""Menu commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile
from napari.layers import Image
from napari.layers._source import layer_source

from napari_stem_defects.napari_plugin import commands
from napari_stem_defects.napari_plugin.layers.convert import pixel_size_nm

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Layer


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    monkeypatch.setattr(commands, "show_info", found.append)
    monkeypatch.setattr(commands, "show_warning", found.append)
    return found


def opened(path: Path, **metadata: object) -> Layer:
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64), np.uint8)
    tifffile.imwrite(path, pixels, **metadata)
    with layer_source(path=str(path)):
        return Image(pixels, name=path.stem)


def test_the_pixel_size_is_read_from_the_file(tmp_path: Path, messages: list[str]) -> None:
    metadata = {"PhysicalSizeX": 0.03, "PhysicalSizeY": 0.03}
    metadata |= {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
    layer = opened(tmp_path / "a.ome.tif", ome=True, metadata=metadata)
    commands.set_pixel_size_from_file(layer)
    assert pixel_size_nm(layer) == pytest.approx(0.03)
    assert messages == [f"{layer.name}: 0.03 nm per pixel, read from its file"]


def test_a_file_without_pixel_size(tmp_path: Path, messages: list[str]) -> None:
    layer = opened(tmp_path / "a.tif")
    commands.set_pixel_size_from_file(layer)
    assert pixel_size_nm(layer) is None
    assert messages == ["a: the file contains no pixel size; type it instead"]


def test_a_layer_without_file(messages: list[str]) -> None:
    layer = Image(np.zeros((8, 8)), name="noise")
    commands.set_pixel_size_from_file(layer)
    assert messages == ["noise: not opened from a file; type the pixel size instead"]


def test_no_layer_is_selected(messages: list[str]) -> None:
    commands.set_pixel_size_from_file(None)  # type: ignore[arg-type]
    assert messages == ["no layer is selected; select the image to calibrate"]
