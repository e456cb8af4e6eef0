"""Frames that stay in their file."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.io.images import frames_on_disk
from napari_stem_defects.io.images.frames_on_disk import (
    PackedFrames,
    UnpackedFrames,
    frames_of,
    in_memory,
    is_on_disk,
)

STACK = np.arange(7 * 4 * 5, dtype=np.uint16).reshape(7, 4, 5)


class Library:
    """A library that unpacks several frames at once, and notes which."""

    def __init__(self) -> None:
        self.read_blocks: list[tuple[int, int]] = []

    def read(self, start: int, stop: int) -> np.ndarray:
        self.read_blocks.append((start, stop))
        return STACK[start:stop]


def test_frames_at_a_distance_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.raw"
    path.write_bytes(b"header" + np.stack([STACK, STACK + 1], axis=1).tobytes())
    offset = 6 + STACK[0].nbytes
    second_channel = UnpackedFrames(path, STACK.dtype, STACK.shape, offset, step=2)
    np.testing.assert_array_equal(in_memory(second_channel), STACK + 1)
    np.testing.assert_array_equal(second_channel[6], STACK[6] + 1)
    path.rename(tmp_path / "b.raw")  # it is not kept open


def test_a_block_is_unpacked_once_for_its_frames() -> None:
    library = Library()
    frames = PackedFrames(library.read, STACK.dtype, STACK.shape, [0, 3, 5])
    np.testing.assert_array_equal(np.stack([frames[n] for n in range(7)]), STACK)
    assert library.read_blocks == [(0, 3), (3, 5), (5, 7)]
    np.testing.assert_array_equal(frames[1], STACK[1])


def test_of_blocks_beyond_the_limit_parts_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames_on_disk, "_MOST_BLOCK_BYTES", 2 * STACK[0].nbytes)
    library = Library()
    frames = PackedFrames(library.read, STACK.dtype, STACK.shape, [0, 5])
    np.testing.assert_array_equal(np.stack([frames[n] for n in range(7)]), STACK)
    assert library.read_blocks == [(0, 2), (2, 4), (4, 5), (5, 7)]


def test_frames_of_an_array_of_dask() -> None:
    array = pytest.importorskip("dask.array").from_array(STACK, chunks=(3, 2, 5))
    frames = frames_of(array)
    np.testing.assert_array_equal(in_memory(frames), STACK)
    assert (frames.shape, frames.dtype) == (STACK.shape, STACK.dtype)
    assert is_on_disk(frames)


def test_arrays_in_memory_are_left_alone() -> None:
    assert in_memory(STACK) is STACK
    assert not is_on_disk(STACK)


def test_threads_that_ask_for_frames_of_a_block_unpack_it_once() -> None:
    reads: list[int] = []

    def read(start: int, stop: int) -> np.ndarray:
        reads.append(start)
        time.sleep(0.05)
        return np.arange(start, stop, dtype=np.float32)[:, None, None] * np.ones((1, 4, 4))

    frames = PackedFrames(read, np.dtype(np.float32), (8, 4, 4), [0, 4])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: frames[number][0, 0], range(4)))
    assert found == [0, 1, 2, 3]
    assert reads == [0]
