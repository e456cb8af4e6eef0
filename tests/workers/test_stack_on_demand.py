"""Large stacks are micrographs whose frames are read when they are used."""

from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.errors import InputError, ReadError
from napari_stem_defects.io.images.read import read
from napari_stem_defects.workers import isolated_read, stack_on_demand
from napari_stem_defects.workers.isolated_read import FrameArguments
from napari_stem_defects.workers.stack_on_demand import is_on_demand, open_micrograph


@pytest.fixture(autouse=True)
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Open stacks of more than 4 kB."""
    monkeypatch.setattr(isolated_read, "WHOLE_BYTES", 4096)


@pytest.fixture
def stack() -> np.ndarray:
    made = np.random.default_rng(0).normal(100, 10, (9, 30, 40)).astype(np.float32)
    made[4, 3, 5] = np.nan
    return made


@pytest.fixture
def path(tmp_path: Path, stack: np.ndarray) -> Path:
    np.save(tmp_path / "movie.npy", stack)
    return tmp_path / "movie.npy"


def test_a_large_stack_is_opened_and_a_small_one_read(tmp_path: Path, path: Path) -> None:
    assert is_on_demand(open_micrograph(path))
    np.save(tmp_path / "small.npy", np.zeros((3, 8, 9)))
    assert not is_on_demand(open_micrograph(tmp_path / "small.npy"))


def test_it_is_the_micrograph_that_is_read(path: Path) -> None:
    opened, whole = open_micrograph(path), read(path)
    assert (opened.frame_count, opened.frame_shape) == (whole.frame_count, whole.frame_shape)
    assert (opened.notes, opened.sha256, opened.name) == (whole.notes, whole.sha256, whole.name)
    assert (
        opened.with_pixel_size(0.02, "user").valid_nm2
        == whole.with_pixel_size(0.02, "user").valid_nm2
    )
    for number in (0, 4, 8):
        one, other = opened.frame(number), whole.frame(number)
        assert one.invalid is not None
        np.testing.assert_array_equal(one.pixels, other.pixels)
        np.testing.assert_array_equal(one.invalid, other.invalid)
    with pytest.raises(InputError, match="there is no frame 9"):
        opened.frame(9)


def test_it_is_indexed_as_an_array(path: Path) -> None:
    pixels, whole = open_micrograph(path).pixels, read(path).pixels
    assert (pixels.shape, pixels.dtype, pixels.ndim) == (whole.shape, whole.dtype, 3)
    assert (len(pixels), pixels.size, pixels.nbytes) == (9, whole.size, whole.nbytes)
    for key in (
        2,
        -1,
        np.int64(3),
        slice(2, 7, 2),
        slice(5, 5),
        (4, slice(3), 7),
        (slice(1, 3), 5),
        (..., 3, 4),
        [1, 3],
        (..., 2, slice(3), slice(4)),
    ):
        np.testing.assert_array_equal(pixels[key], whole[key])
    np.testing.assert_array_equal(np.asarray(pixels), whole)
    np.testing.assert_array_equal(np.stack(list(pixels)), whole)
    with pytest.raises(IndexError):
        pixels[9]


def test_only_frames_that_are_used_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    read_frame = stack_on_demand.read_frame

    def noted(arguments: FrameArguments) -> object:
        used.append(arguments.frame)
        return read_frame(arguments)

    monkeypatch.setattr(stack_on_demand, "read_frame", noted)
    opened = open_micrograph(path)
    assert used == []
    opened.frame(3)  # pixels and mask together
    opened.frame(7)
    assert used == [3, 7]


def test_threads_get_their_own_frames(path: Path) -> None:
    opened, whole = open_micrograph(path), read(path)
    with ThreadPoolExecutor(4) as pool:
        frames: list[Micrograph] = list(pool.map(opened.frame, [*range(9)] * 3))
    for number, frame in enumerate(frames):
        np.testing.assert_array_equal(frame.pixels, whole.pixels[number % 9])


def test_it_is_small_when_it_is_sent_to_another_process(path: Path) -> None:
    opened = open_micrograph(path)
    opened.pixels[1]
    sent = pickle.dumps(opened)
    assert len(sent) < 3000
    np.testing.assert_array_equal(pickle.loads(sent).pixels[5], read(path).pixels[5])


def test_a_file_that_changes_meanwhile_is_one_line(path: Path, stack: np.ndarray) -> None:
    opened = open_micrograph(path)
    opened.pixels[0]
    np.save(path, stack[:, ::-1])
    os.utime(path, ns=(1, 1))
    with pytest.raises(ReadError, match=r"^movie\.npy: has changed while it was searched; run"):
        opened.pixels[1]
    path.unlink()
    with pytest.raises(ReadError, match=r"^movie\.npy: does not exist"):
        opened.pixels[1]


def test_all_frames_are_read_only_where_memory_holds_them(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = open_micrograph(path)
    monkeypatch.setattr("napari_stem_defects.io.images.limits.memory_limit", lambda: 10_000)
    with pytest.raises(ReadError, match="of memory, more than the"):
        np.asarray(opened.pixels)


def test_a_file_read_ahead_is_opened_once(path: Path) -> None:
    isolated_read.read_ahead(path)
    assert is_on_demand(open_micrograph(path))
    isolated_read.read_ahead(path)
    assert not is_on_demand(isolated_read.read_micrograph(path))
