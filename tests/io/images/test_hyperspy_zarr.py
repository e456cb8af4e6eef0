from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("zarr", reason="zarr is not installed")

import zarr
from reader_contract import IMAGE, assert_refused
from zarr_samples import write_zspy

from napari_stem_defects.io.images.find import find_images
from napari_stem_defects.io.images.read import list_signals, read

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("array", "navigation"), [(IMAGE, 0), (STACK, 1), (STACK, 0)])
def test_images_and_stacks_are_read_with_their_scale(
    tmp_path: Path, array: Any, navigation: int, packed: bool
) -> None:
    path = write_zspy(tmp_path / "a.zspy", array, navigation=navigation, packed=packed)
    assert find_images([tmp_path]) == [path]
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, array)
    assert (micrograph.name, micrograph.pixel_size_nm) == ("a", pytest.approx(0.02))


def test_signals_are_listed_by_title(tmp_path: Path) -> None:
    path = write_zspy(tmp_path / "a.zspy", IMAGE, title="HAADF")
    (signal,) = list_signals(path)
    assert (signal.title, signal.shape) == ("HAADF", IMAGE.shape)


def test_spectra_and_diffraction_are_refused(tmp_path: Path) -> None:
    spectra = write_zspy(tmp_path / "a.zspy", STACK, navigation=2)
    assert_refused(spectra, "spectrum")
    assert_refused(write_zspy(tmp_path / "b.zspy", IMAGE, kind="EELS"), "spectrum")
    rings = write_zspy(tmp_path / "c.zspy", IMAGE, kind="electron_diffraction")
    assert_refused(rings, "diffraction")
    transform = np.fft.fftshift(np.fft.fft2(IMAGE))
    path = write_zspy(tmp_path / "d.zspy", transform)
    for place in (0, 1):
        axis = zarr.open_group(path, mode="a")[f"Experiments/__unnamed__/axis-{place}"]
        axis.attrs.update({"units": "_None_"})
    assert_refused(path, "Fourier transform")


def test_what_is_no_signal_is_one_line(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "a.zspy", zarr_format=2)
    assert_refused(tmp_path / "a.zspy", "without an image of OME-Zarr, abTEM or HyperSpy")
    (tmp_path / "b.zspy").write_bytes(b"PK\x03\x04 cut short")
    assert_refused(tmp_path / "b.zspy")
