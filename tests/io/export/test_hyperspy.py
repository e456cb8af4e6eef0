"""Signals with markers, read back with RosettaSciIO, and with HyperSpy where it is installed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from export_samples import FAULT_X, NM, SITE

import napari_stem_defects as sd

hspy = pytest.importorskip("rsciio.hspy")


def test_the_signal_is_the_calibrated_image(result: Path, tmp_path: Path) -> None:
    (path,) = sd.export(result, "hyperspy", tmp_path / "out").files
    (signal,) = hspy.file_reader(str(path))
    np.testing.assert_array_equal(signal["data"], sd.read(tmp_path / "lamella.ome.tif").pixels)
    assert [(axis["name"], axis["units"], axis["scale"]) for axis in signal["axes"]] == [
        ("y", "nm", NM),
        ("x", "nm", NM),
    ]
    assert signal["metadata"]["General"]["title"] == "lamella"


def test_markers_are_in_nm_from_the_centre_of_the_first_pixel(result: Path, tmp_path: Path) -> None:
    (signal,) = hspy.file_reader(str(sd.export(result, "hyperspy", tmp_path / "out").files[0]))
    markers = signal["metadata"]["Markers"]
    assert sorted(markers) == ["Ppt lines", "SF1 lines", "Vac points"]
    points = markers["Vac points"]["kwargs"]
    np.testing.assert_allclose(points["offsets"][0], np.array(SITE[::-1]) * NM)
    assert points["edgecolor"] == "#d55e00"
    np.testing.assert_allclose(
        markers["SF1 lines"]["kwargs"]["segments"][:, :, 0], FAULT_X * NM, atol=0.5 * NM
    )
    outline = markers["Ppt lines"]["kwargs"]["segments"]
    assert outline.shape == (8, 2, 2)  # shell and hole
    low, high = outline.min(axis=(0, 1)), outline.max(axis=(0, 1))
    np.testing.assert_allclose(low, np.array([99.5, 39.5]) * NM)
    np.testing.assert_allclose(high, np.array([129.5, 63.5]) * NM)


def test_each_frame_of_a_stack_has_its_markers(series: Path, tmp_path: Path) -> None:
    (signal,) = hspy.file_reader(str(sd.export(series, "hyperspy", tmp_path / "out").files[0]))
    assert [axis["navigate"] for axis in signal["axes"]] == [True, False, False]
    offsets = signal["metadata"]["Markers"]["Vac points"]["kwargs"]["offsets"]
    assert len(offsets) == 3
    for frame, found in enumerate(offsets):
        np.testing.assert_allclose(found[0] / NM, (SITE[1] + 3 * frame, SITE[0]))


def test_hyperspy_plots_the_markers(series: Path, tmp_path: Path) -> None:
    hyperspy = pytest.importorskip("hyperspy.api", reason="HyperSpy is not installed")
    signal = hyperspy.load(str(sd.export(series, "hyperspy", tmp_path / "out").files[0]))
    signal.plot(navigator=None)
    signal.axes_manager.indices = (2,)
    marker = signal.metadata.Markers["Vac points"]
    np.testing.assert_allclose(
        marker.get_current_kwargs()["offsets"][0] / NM, (SITE[1] + 6, SITE[0])
    )
