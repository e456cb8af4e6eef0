from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("zarr", reason="zarr is not installed")

import zarr
from reader_contract import IMAGE, assert_refused
from zarr_samples import write_abtem, write_ome_zarr

from napari_stem_defects.io.images.read import list_signals, read
from napari_stem_defects.io.images.zarr_arrays import is_zarr

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize(("array", "axes"), [(IMAGE, "yx"), (STACK, "tyx"), (STACK, "zyx")])
def test_the_full_resolution_is_read_with_its_scale(
    tmp_path: Path, array: NDArray[Any], axes: str, version: str
) -> None:
    path = write_ome_zarr(tmp_path / "a.ome.zarr", array, axes, version)
    assert is_zarr(path)
    micrograph = read(path)
    np.testing.assert_array_equal(micrograph.pixels, array)
    assert (micrograph.name, micrograph.pixel_size_nm) == ("a", pytest.approx(0.02))


def test_channels_are_signals(tmp_path: Path) -> None:
    path = write_ome_zarr(
        tmp_path / "a.zarr", np.stack([STACK[:2], STACK[:2] // 4])[:, :, None], "tczyx"
    )
    assert [signal.title for signal in list_signals(path)] == ["ABF", "HAADF"]
    np.testing.assert_array_equal(read(path).pixels, [STACK[1], STACK[1] // 4])
    np.testing.assert_array_equal(read(path, signal="ABF").pixels, [STACK[0], STACK[0] // 4])


def test_the_hash_is_that_of_all_files(tmp_path: Path) -> None:
    one, same = (write_ome_zarr(tmp_path / f"{name}.zarr", IMAGE, "yx") for name in "ab")
    other = write_ome_zarr(tmp_path / "c.zarr", IMAGE // 2, "yx")
    assert read(one).sha256 == read(same).sha256 != read(other).sha256


def test_a_group_without_an_image_is_refused(tmp_path: Path) -> None:
    zarr.create_group(tmp_path / "a.zarr")
    assert_refused(tmp_path / "a.zarr", "without an image of OME-Zarr")


def test_an_unknown_unit_is_stated(tmp_path: Path) -> None:
    micrograph = read(write_ome_zarr(tmp_path / "a.zarr", IMAGE, "yx", unit="furlong"))
    assert micrograph.pixel_size_nm is None
    assert "'furlong'" in micrograph.notes[0]


def test_a_size_without_a_unit_is_stated(tmp_path: Path) -> None:
    micrograph = read(write_ome_zarr(tmp_path / "a.zarr", IMAGE, "yx", unit=""))
    assert micrograph.pixel_size_nm is None
    assert micrograph.notes == (
        "Its pixel size of 0.02 x 0.02 has no unit and was ignored; give it in nm.",
    )


def test_a_damaged_folder_is_one_line(tmp_path: Path) -> None:
    path = write_ome_zarr(tmp_path / "a.zarr", IMAGE, "yx")
    (path / "0" / "zarr.json").write_text("{")
    assert_refused(path)


@pytest.mark.parametrize("array", [IMAGE, STACK])
@pytest.mark.parametrize("version", ["1.0.0", "1.0.5", "1.0.11"])
def test_images_of_abtem_have_their_rows_down(
    tmp_path: Path, array: NDArray[Any], version: str
) -> None:
    micrograph = read(write_abtem(tmp_path / "a.zarr", array, version))
    np.testing.assert_array_equal(micrograph.pixels, array)
    assert micrograph.pixel_size_nm == pytest.approx(0.02)


def test_diffraction_patterns_of_abtem_are_refused(tmp_path: Path) -> None:
    axes = {f"axis_{i}": {"label": f"k{n}", "units": "1/Å"} for i, n in enumerate("xy")}
    group = zarr.create_group(tmp_path / "a.zarr", attributes={"metadata0": {"axes": axes}})
    group.create_array("array0", shape=IMAGE.shape, dtype="f4")[...] = IMAGE
    assert_refused(tmp_path / "a.zarr", "diffraction")
    for version in ("1.0.0", "1.0.5"):
        path = write_abtem(tmp_path / f"{version}.zarr", IMAGE, version, "DiffractionPatterns")
        assert_refused(path, "diffraction")


def test_the_scale_of_an_unknown_type_of_abtem_is_stated_and_not_used(tmp_path: Path) -> None:
    micrograph = read(write_abtem(tmp_path / "a.zarr", IMAGE, "1.0.5", "Spectra"))
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert micrograph.pixel_size_nm is None
    assert "0.2 x 0.2 has no unit" in micrograph.notes[0]
