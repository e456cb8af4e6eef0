"""NeXus files, and HDF5 files of scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("h5py", reason="h5py is not installed")

import h5py
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.io.images.open_stack import open_frames
from napari_stem_defects.io.images.read import list_signals, read

STACK = np.stack([IMAGE, IMAGE // 2, IMAGE // 3])


def write_nexus(
    path: Path, array: NDArray[Any], names: list[str], *, group: str = "data", unit: str = "nm"
) -> Path:
    """Add an NXdata group with an array, and with the positions of the axes that have names."""
    with h5py.File(path, "a") as file:
        entry = file.require_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group(group)
        data.attrs.update({"NX_class": np.bytes_("NXdata"), "signal": "counts"})
        data.attrs["axes"] = np.array(names, dtype="S")
        data["counts"] = array
        for name, size in zip(names, array.shape, strict=True):
            if name != ".":
                data[name] = 0.02 * np.arange(size) + 3
                data[name].attrs["units"] = unit
    return path


class TestNexus(ReaderContract):
    suffix = ".nxs"
    may_crash = True

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        write_nexus(path, image, ["y", "x"])


class TestPlainArray(ReaderContract):
    suffix = ".h5"
    pixel_nm = None
    may_crash = True

    def write(self, path: Path, image: NDArray[np.uint8]) -> None:
        with h5py.File(path, "w") as file:
            file["scan/image"] = image
            file["scan/times"] = np.arange(9.0)
            file["comment"] = "night shift"


def test_axes_with_names_are_believed(tmp_path: Path) -> None:
    turned = write_nexus(tmp_path / "a.nxs", np.ascontiguousarray(IMAGE.T), ["x", "y"])
    np.testing.assert_array_equal(read(turned).pixels, IMAGE)
    wide = write_nexus(tmp_path / "b.nxs", IMAGE, ["y", "x"], unit="angstrom")
    assert read(wide).pixel_size_nm == pytest.approx(0.002)
    assert read(wide).notes == ()


def test_positions_without_equal_steps_give_no_size(tmp_path: Path) -> None:
    path = write_nexus(tmp_path / "a.nxs", IMAGE, ["y", "x"])
    with h5py.File(path, "a") as file:
        file["entry/data/x"][...] = np.arange(IMAGE.shape[1]) ** 2
    assert read(path).pixel_size_nm is None


@pytest.mark.parametrize("axes", ["y:x", "[y,x]", b"y:x"])
def test_older_nexus_marks_the_array(tmp_path: Path, axes: str | bytes) -> None:
    path = write_nexus(tmp_path / "a.nxs", IMAGE, ["y", "x"])
    with h5py.File(path, "a") as file:
        data = file["entry/data"]
        del data.attrs["axes"], data.attrs["signal"]
        data["counts"].attrs.update({"signal": "1", "axes": axes})
    assert read(path).pixel_size_nm == pytest.approx(0.02)


@pytest.mark.parametrize("count", [2, 3])
def test_several_groups_of_data_are_signals(tmp_path: Path, count: int) -> None:
    path = tmp_path / "a.nxs"
    for number in range(count):
        write_nexus(path, IMAGE + number, ["y", "x"], group=f"detector_{number}")
    with h5py.File(path, "a") as file:
        file["entry/mask"] = np.ones((200, 200))  # no data: NeXus has described its own
    titles = [signal.title for signal in list_signals(path)]
    assert titles == [f"entry/detector_{number}/counts" for number in range(count)]
    np.testing.assert_array_equal(read(path, signal="detector_1").pixels, IMAGE + 1)


def test_stacks_stay_in_their_file(tmp_path: Path) -> None:
    path = write_nexus(tmp_path / "a.nxs", STACK, [".", "y", "x"])
    np.testing.assert_array_equal(read(path).pixels, STACK)
    np.testing.assert_array_equal(open_frames(path)[1], STACK[1])


def test_what_a_plain_array_is_taken_for_is_stated(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["scan/haadf"] = IMAGE
        file["scan/positions"] = np.zeros((30, 2))
    micrograph = read(tmp_path / "a.h5")
    np.testing.assert_array_equal(micrograph.pixels, IMAGE)
    assert any("is not known: its array 'scan/haadf'" in note for note in micrograph.notes)
    assert any("not scan/positions" in note for note in micrograph.notes)


def test_scales_of_dimensions_give_the_pixel_size(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["image"] = IMAGE
        for place, size in enumerate(IMAGE.shape):
            name = "yx"[place]
            file[name] = 0.2 * np.arange(size)
            file[name].attrs["units"] = "Angstrom"
            file[name].make_scale(name)
            file["image"].dims[place].attach_scale(file[name])
    assert read(tmp_path / "a.h5").pixel_size_nm == pytest.approx(0.02)


def test_files_without_images_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["comment"], file["times"] = "night shift", np.arange(100.0)
    assert_refused(tmp_path / "a.h5", "without an array", "TIFF")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["scan"] = np.zeros((4, 5, 16, 16))
    assert_refused(tmp_path / "b.h5", "4D-STEM")


def test_links_to_other_files_are_refused(tmp_path: Path) -> None:
    path = write_nexus(tmp_path / "a.nxs", IMAGE, ["y", "x"])
    with h5py.File(path, "a") as file:
        file["entry/data/other"] = h5py.ExternalLink("b.h5", "/data")
    assert_refused(path, "links to another file")
