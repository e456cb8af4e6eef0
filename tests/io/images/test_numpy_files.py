from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray
from reader_contract import IMAGE, ReaderContract, assert_refused

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images import limits
from napari_stem_defects.io.images.read import list_signals, read

Image = NDArray[np.uint8]
RGB = np.stack([IMAGE] * 3, axis=-1)
RGBA = np.dstack([RGB, np.full(IMAGE.shape, 255, np.uint8)])


class TestNpy(ReaderContract):
    suffix = ".npy"
    pixel_nm: ClassVar[float | None] = None

    def write(self, path: Path, image: Image) -> None:
        np.save(path, image.astype(">f8"))


def test_npy_with_objects_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.array([[1, "a"]], dtype=object), allow_pickle=True)
    assert_refused(path)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.arange(5), "single row"),
        (np.array(5.0), "single row"),
        (np.zeros((0, 5)), "no pixels"),
        (np.array([["a", "b"]]), "instead of numbers"),
        (np.zeros((8, 8), dtype=[("a", "f4"), ("b", "f4")]), "instead of numbers"),
    ],
)
def test_npy_without_an_image_is_refused(tmp_path: Path, array: NDArray[Any], words: str) -> None:
    np.save(tmp_path / "a.npy", array)
    assert_refused(tmp_path / "a.npy", words)


def test_npy_in_colour_and_in_fortran_order(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", RGBA)
    np.save(tmp_path / "b.npy", np.asfortranarray(IMAGE))
    for name in ("a.npy", "b.npy"):
        np.testing.assert_array_equal(read(tmp_path / name).pixels, IMAGE)


@pytest.mark.parametrize(
    "shape", [(1, *IMAGE.shape, 1), (1, 1, *IMAGE.shape), (3, *IMAGE.shape, 1)]
)
def test_axes_of_length_one_are_left_out(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Networks take images as (N, 1, Y, X) or (N, Y, X, 1)."""
    frames = max(shape[0], shape[1] if shape[1] != IMAGE.shape[0] else 1)
    np.save(tmp_path / "a.npy", np.stack([IMAGE.astype(np.float32)] * frames).reshape(shape))
    micrograph = read(tmp_path / "a.npy")
    assert micrograph.frame_count == frames
    np.testing.assert_array_equal(micrograph.frame(0).pixels, IMAGE)


def test_more_axes_than_a_stack_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2, 3, 8, 9)))
    assert_refused(tmp_path / "a.npy", "4 axes (2 x 3 x 8 x 9)", "one stack of frames")


@pytest.mark.parametrize("shape", [(70, 80, 3), (70, 80, 12), (200, 300, 20)])
def test_a_few_numbers_per_place_are_no_frames(tmp_path: Path, shape: tuple[int, ...]) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random(shape, np.float32))
    assert_refused(tmp_path / "a.npy", f"{shape[2]} per place rather than frames")


def test_what_is_taken_for_frames_is_stated(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((5, 40, 300), np.float32))
    micrograph = read(tmp_path / "a.npy")
    assert micrograph.pixels.shape == (5, 40, 300)
    assert micrograph.notes == ("The first of its axes (5 x 40 x 300) was taken for frames.",)


def test_arrays_of_an_archive_are_signals(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, survey=IMAGE[:30, :40], lattice=IMAGE, counts=np.arange(5))
    assert [signal.title for signal in list_signals(path)] == ["survey", "lattice", "counts"]
    np.testing.assert_array_equal(read(path).pixels, IMAGE)
    np.testing.assert_array_equal(read(path, signal="survey").pixels, IMAGE[:30, :40])
    assert_refused_signal(path, "counts", "single row")


def assert_refused_signal(path: Path, signal: str, words: str) -> None:
    with pytest.raises(ReadError, match=words):
        read(path, signal=signal)


def test_an_archive_without_arrays_or_with_objects_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("readme.txt", "nothing")
    assert_refused(tmp_path / "a.npz", "holds no array")
    np.savez(tmp_path / "b.npz", a=np.array([[1, "a"]], dtype=object))
    assert_refused(tmp_path / "b.npz")


def test_an_archive_that_unpacks_to_more_than_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "a.npz", a=np.zeros((1000, 1000)))
    monkeypatch.setattr(limits, "memory_limit", lambda: 10**6)
    assert_refused(tmp_path / "a.npz", "of memory")


def test_a_fourier_transform_is_refused_and_a_wave_is_not(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((64, 96))
    np.save(tmp_path / "fft.npy", np.fft.fftshift(np.fft.fft2(image)))
    np.save(tmp_path / "wave.npy", np.exp(1j * image))
    assert_refused(tmp_path / "fft.npy", "Fourier transform")
    assert read(tmp_path / "wave.npy").pixels.shape == (64, 96)


@pytest.mark.parametrize("shape", [(5896, 3), (72, 2), (32, 1)])
def test_a_table_of_positions_is_refused(tmp_path: Path, shape: tuple[int, int]) -> None:
    np.save(tmp_path / "points.npy", np.zeros(shape))
    assert_refused(tmp_path / "points.npy", f"a table of {shape[0]} rows and {shape[1]} columns")
