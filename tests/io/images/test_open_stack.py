"""Stacks that are opened have the frames, notes and identity that they have when they are read."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from microscope_samples import (
    dm_bytes,
    mrc_bytes,
    ser_bytes,
    signal_dict,
    write_emd,
    write_hspy,
    write_velox,
)
from nion_samples import properties, write_hdf5, write_ndata
from nsid_samples import FRAMES, IMAGE_DIMENSIONS, write_nsid
from zarr_samples import write_abtem, write_ome_zarr, write_zspy

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images import formats, frames_on_disk, limits
from napari_stem_defects.io.images.open_stack import (
    OpenedStack,
    file_state,
    open_frames,
    open_micrograph,
    read_stack_frame,
)
from napari_stem_defects.io.images.read import read

STACK = np.random.default_rng(0).integers(0, 4000, (6, 40, 56)).astype(np.uint16)
FLOATS = STACK.astype(np.float32) / 7

Writer = Callable[[Path], object]


def write_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def write_tiff(array: np.ndarray[Any, Any], path: Path, **options: Any) -> None:
    tifffile.imwrite(path, array, **{"photometric": "minisblack", **options})


CHANNELS = np.stack([STACK, STACK // 2], axis=1)
WRITERS: dict[str, Writer] = {
    "unpacked.tif": partial(write_tiff, STACK),
    "big_endian.tif": partial(write_tiff, STACK, byteorder=">"),
    "packed.tif": partial(write_tiff, STACK, compression="zlib"),
    "pages.tif": partial(write_tiff, STACK, metadata=None, contiguous=False),
    "imagej.tif": partial(write_tiff, STACK, imagej=True, metadata={"axes": "TYX"}),
    "imagej_channels.tif": partial(write_tiff, CHANNELS, imagej=True, metadata={"axes": "TCYX"}),
    "channels.ome.tif": partial(
        write_tiff, CHANNELS, compression="zlib", metadata={"axes": "TCYX"}
    ),
    "channels_first.ome.tif": partial(
        write_tiff, np.moveaxis(CHANNELS, 1, 0), metadata={"axes": "CTYX"}
    ),
    "whites.tif": partial(write_tiff, STACK, photometric="miniswhite"),
    "stack.npy": lambda path: np.save(path, STACK),
    "big.npy": lambda path: np.save(path, FLOATS.astype(">f8")),
    "waves.npy": lambda path: np.save(path, FLOATS * np.exp(1j * FLOATS)),
    "stack.mrc": partial(write_bytes, mrc_bytes(FLOATS)),
    "stack.dm3": partial(write_bytes, dm_bytes(FLOATS, version=3, units=("nm", "nm", "s"))),
    "stack.dm4": partial(write_bytes, dm_bytes(FLOATS, units=("nm", "nm", "s"))),
    "stack.ser": partial(write_bytes, ser_bytes(STACK)),
    "stack.hspy": lambda path: write_hspy(path, signal_dict(FLOATS)),
    "berkeley.emd": lambda path: write_emd(path, signal_dict(FLOATS)),
    "velox.emd": lambda path: write_velox(path, {"HAADF": STACK, "BF": STACK // 3}),
    "stack.ndata": lambda path: write_ndata(path, FLOATS, properties(FLOATS)),
    "stack.h5": lambda path: write_hdf5(path, FLOATS, FLOATS[:, :20, :20], in_group=True),
    "stack.hf5": lambda path: write_nsid(path, STACK.T, [*IMAGE_DIMENSIONS, FRAMES]),
    "stack.zarr": lambda path: write_ome_zarr(path, STACK, "tyx"),
    "abtem.zarr": lambda path: write_abtem(path, STACK),
    "stack.zspy": lambda path: write_zspy(path, STACK, navigation=1),
    "channels.zarr": lambda path: write_ome_zarr(path, CHANNELS[:, :, None], "tczyx"),
}


def opened(path: Path, signal: str | int | None = None) -> OpenedStack:
    """Open a stack of any size."""
    found = open_micrograph(path, signal, whole_bytes=0)
    assert isinstance(found, OpenedStack), "it was read"
    return found


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_frames_opened_and_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    for signal in (None, 0, 1) if "channels" in name or "velox" in name else (None,):
        whole, stack = read(path, signal=signal), opened(path, signal)
        assert stack.count == whole.frame_count == 6
        frames = open_frames(path, signal)
        for number in (0, 3, 5, 1):
            frame = read_stack_frame(path, frames, number, stack.conversion)
            np.testing.assert_array_equal(frame.pixels, whole.pixels[number])
            assert frame.pixels.dtype == np.float32
            assert frame.invalid is None
        about = stack.micrograph
        assert about.frame_shape == whole.frame_shape
        assert (about.notes, about.signal, about.sha256) == (
            whole.notes,
            whole.signal,
            whole.sha256,
        )
        assert about.pixel_size_nm == whole.pixel_size_nm
        assert about.metadata["stored"]["shape"] == whole.metadata["stored"]["shape"]


def test_every_format_that_holds_stacks_can_be_opened() -> None:
    whole = {kind.title for kind in formats.FORMATS if kind.by_frame is None}
    assert whole == {"PNG", "JPEG", "BMP", "packed MRC"}


def test_small_stacks_images_and_colours_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", STACK)
    found = open_micrograph(tmp_path / "a.npy")
    assert not isinstance(found, OpenedStack)
    np.testing.assert_array_equal(found.pixels, STACK)
    np.save(tmp_path / "b.npy", STACK[0])
    write_tiff(
        np.repeat(STACK[..., None] % 256, 3, -1).astype(np.uint8),
        tmp_path / "c.tif",
        photometric="rgb",
    )
    np.savez(tmp_path / "d.npz", STACK)
    for name in ("b.npy", "c.tif", "d.npz"):
        found = open_micrograph(tmp_path / name, whole_bytes=0)
        assert not isinstance(found, OpenedStack)
        np.testing.assert_array_equal(found.pixels, read(tmp_path / name).pixels)


@pytest.mark.parametrize("name", [name for name in WRITERS if name not in {"big.npy", "waves.npy"}])
def test_a_stack_that_memory_cannot_hold_can_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    monkeypatch.setattr(limits, "memory_limit", lambda: STACK.nbytes)
    with pytest.raises(ReadError, match=r"needs .* of memory"):
        read(path)
    assert opened(path).count == 6


def test_a_file_that_its_library_cannot_open_is_read(tmp_path: Path) -> None:
    path = write_velox(tmp_path / "a.emd", {"HAADF": STACK}, chunked=False)
    found = open_micrograph(path, whole_bytes=0)
    assert not isinstance(found, OpenedStack)
    np.testing.assert_array_equal(found.pixels, STACK)


def test_frames_are_read_one_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.save(tmp_path / "a.npy", STACK)
    stack = opened(tmp_path / "a.npy")
    sizes: list[int] = []
    fromfile = np.fromfile

    def noted(path: Path, dtype: Any, count: int, offset: int) -> Any:
        sizes.append(count)
        return fromfile(path, dtype, count, offset=offset)

    monkeypatch.setattr(frames_on_disk.np, "fromfile", noted)
    frames = open_frames(tmp_path / "a.npy")
    assert sizes == []
    read_stack_frame(tmp_path / "a.npy", frames, 4, stack.conversion)
    assert sizes == [40 * 56]


def test_a_stack_that_is_cut_short_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, STACK)
    stack = opened(path)
    frames = open_frames(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ReadError, match=r"^a\.npy: .*it ends within frame 5") as caught:
        read_stack_frame(path, frames, 5, stack.conversion)
    assert "\n" not in str(caught.value)
    assert file_state(path) != stack.state
