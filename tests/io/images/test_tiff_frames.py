"""Which TIFF files have frames that can be read one by one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from napari_stem_defects.io.images.frames_on_disk import PackedFrames, UnpackedFrames, in_memory
from napari_stem_defects.io.images.tiff_frames import open_frames

STACK = np.arange(5 * 24 * 32, dtype=np.uint16).reshape(5, 24, 32)


def frames_in(path: Path, array: np.ndarray, channel: int = 0, **options: Any) -> object:
    """Write a file and open its frames."""
    tifffile.imwrite(path, array, **{"photometric": "minisblack", **options})
    with tifffile.TiffFile(path) as tif:
        return open_frames(path, tif, 0, channel)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({}, UnpackedFrames),
        ({"byteorder": ">"}, UnpackedFrames),
        ({"bigtiff": True}, UnpackedFrames),
        ({"compression": "zlib"}, PackedFrames),
        ({"compression": "zlib", "predictor": True}, PackedFrames),
        ({"tile": (16, 16)}, PackedFrames),
    ],
)
def test_frames_of_grey_stacks(tmp_path: Path, options: dict[str, Any], kind: type) -> None:
    frames = frames_in(tmp_path / "a.tif", STACK, **options)
    assert isinstance(frames, kind)
    np.testing.assert_array_equal(in_memory(frames), STACK)  # type: ignore[arg-type]


@pytest.mark.parametrize("axes", ["TCYX", "CTYX"])
@pytest.mark.parametrize("packing", [None, "zlib"])
def test_frames_of_a_channel(tmp_path: Path, axes: str, packing: str | None) -> None:
    both = np.stack([STACK, STACK + 1], axis=axes.index("C"))
    options = {"metadata": {"axes": axes}, "compression": packing}
    for channel in (0, 1):
        frames = frames_in(tmp_path / "a.ome.tif", both, channel, **options)
        np.testing.assert_array_equal(in_memory(frames), STACK + channel)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("array", "options"),
    [
        (STACK[0], {}),
        (np.repeat(STACK[..., None], 3, -1), {"photometric": "rgb"}),
        (np.stack([STACK, STACK]), {"metadata": {"axes": "TZYX"}, "ome": True}),
    ],
)
def test_what_is_no_grey_stack_is_read_as_a_whole(
    tmp_path: Path, array: np.ndarray, options: dict[str, Any]
) -> None:
    assert frames_in(tmp_path / "a.tif", array, **options) is None
