"""The pixel size of a TIFF file, which napari drops, in the panels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import tifffile
from panels import crystal, docked, press, wait_for

from napari_stem_defects.napari_plugin.layers import convert
from napari_stem_defects.napari_plugin.panels.detect.panel import DetectDefectsWidget
from napari_stem_defects.napari_plugin.panels.label.panel import LabelPatchesWidget

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.gui


def write(path: Path, pixels: np.ndarray, nm: float | None) -> Path:
    known: dict[str, Any] = {"resolution": (1 / nm, 1 / nm)} if nm else {}
    unit = {"unit": "nm"} if nm else {}
    axes = "TYX" if pixels.ndim == 3 else "YX"
    tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes, **unit}, **known)
    return path


@pytest.mark.parametrize("frames", [1, 3])
def test_all_panels_use_the_pixel_size_of_the_file(
    viewer: Any, tmp_path: Path, frames: int
) -> None:
    viewer.layers.clear()
    pixels = crystal(96)
    stack = pixels if frames == 1 else np.stack([pixels] * frames)
    (layer,) = viewer.open(str(write(tmp_path / "a.tif", stack, 0.025)), plugin="napari")
    widget, labels = docked(viewer, DetectDefectsWidget), docked(viewer, LabelPatchesWidget)
    size = widget.setup.size_row
    wait_for(lambda: size.spin.value() == pytest.approx(0.025))
    assert tuple(layer.scale[-2:]) == (1, 1)  # layers of the user may lie on it
    assert size.statement.text().startswith("Read from the file")
    assert convert.frame_input(layer, 0).pixel_size_source == "file"
    wait_for(lambda: labels.view_model.image.pixel_size_nm == pytest.approx(0.025))

    press(widget, "calibrate")
    assert tuple(layer.scale[-2:]) == pytest.approx((0.025, 0.025))
    assert convert.frame_input(layer, 0).pixel_size_source == "file"
    wait_for(lambda: not size.calibrate.isVisible())
    assert "Read from the file" not in size.statement.text()


def test_a_file_without_pixel_size_is_asked_once(viewer: Any, tmp_path: Path) -> None:
    viewer.layers.clear()
    (layer,) = viewer.open(str(write(tmp_path / "a.tif", crystal(96), None)), plugin="napari")
    widget = docked(viewer, DetectDefectsWidget)
    wait_for(lambda: "pixel_size_nm" in layer.metadata.get(convert.METADATA_KEY, {}))
    assert convert.pixel_size_nm(layer) is None
    assert widget.setup.size_row.spin.text() == "unknown"


def test_another_image_than_that_of_the_file_gets_none(viewer: Any, tmp_path: Path) -> None:
    """A layer that was cropped has another pixel size for all that is known."""
    viewer.layers.clear()
    (layer,) = viewer.open(str(write(tmp_path / "a.tif", crystal(96), 0.025)), plugin="napari")
    layer.data = layer.data[::2, ::2]
    docked(viewer, DetectDefectsWidget)
    wait_for(lambda: "pixel_size_nm" in layer.metadata.get(convert.METADATA_KEY, {}))
    assert convert.pixel_size_nm(layer) is None
