"""Masks and probabilities of single frames from the files of a finished result.

A stack may have thousands of frames, so a frame is read when it is needed.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, BinaryIO

import numpy as np
import tifffile

from napari_stem_defects.io.results.formats import read_arrays
from napari_stem_defects.io.results.json_file import read_or_report
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import ProbabilityMap

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass

# Windows replaces no file that a program holds open: there, each frame opens the file again.
_KEEPS_OPEN = os.name != "nt"


class StoredMasks:
    """The masks of ``masks.ome.tif``, frame by frame.

    Parameters
    ----------
    path : Path
        The file.
    names : tuple of str
        Names of the masks of a frame.
    shape : (int, int)
        Height and width of a frame in px.
    """

    def __init__(self, path: Path, names: tuple[str, ...], shape: tuple[int, int]) -> None:
        self._path, self._names, self._shape = path, names, shape
        self._file: tifffile.TiffFile | None = None

    def masks(self, position: int) -> MaskStack:
        """Return the masks of a frame.

        Parameters
        ----------
        position : int
            Which of the frames in the file, from 0.

        Returns
        -------
        MaskStack

        Raises
        ------
        ReadError
            The file is missing, damaged or of another shape.
        """
        return read_or_report(lambda path: self._load(path, position), self._path)

    def __del__(self) -> None:
        """Close the file with the last reference."""
        self.close()

    def close(self) -> None:
        """Close the file; the next frame opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _load(self, path: Path, position: int) -> MaskStack:
        if self._file is None:
            self._file = tifffile.TiffFile(path)
        count = len(self._names)
        planes = (
            self._plane(self._file, number)
            for number in range(position * count, (position + 1) * count)
        )
        try:
            return MaskStack.from_masks(self._names, planes)
        finally:
            if not _KEEPS_OPEN:
                self.close()

    def _plane(self, file: tifffile.TiffFile, number: int) -> NDArray[np.uint8]:
        try:
            page = file.pages[number]
        except IndexError:
            raise ValueError(f"plane {number} is missing") from None
        if page.shape != self._shape:
            raise ValueError(f"a plane is not of {self._shape[0]}x{self._shape[1]} px")
        plane: NDArray[np.uint8] = page.asarray()
        return plane


@dataclass(frozen=True)
class _Grid:
    """What all frames of ``probability.npz`` share, and the valid windows of each."""

    valid: NDArray[np.bool_]
    y: NDArray[np.float32]
    x: NDArray[np.float32]
    names: tuple[str, ...]
    frame_shape: tuple[int, ...]


class StoredMaps:
    """The probabilities of ``probability.npz``, frame by frame.

    The file is compressed as a whole, so a frame can only be read after those before it. They are
    kept in a temporary file, which costs disk space and no memory.

    Parameters
    ----------
    path : Path
        The file.
    classes : sequence of DefectClass
        Kinds, titles and colours of its classes; those that are not given get their defaults.
    """

    def __init__(self, path: Path, classes: Sequence[DefectClass] = ()) -> None:
        self._path, self._classes = path, tuple(classes)
        self._grid: _Grid | None = None
        self._unpacked: BinaryIO | None = None
        self._ready = 0

    def map(self, position: int) -> ProbabilityMap:
        """Return the probability map of a frame.

        Parameters
        ----------
        position : int
            Which of the frames in the file, from 0.

        Returns
        -------
        ProbabilityMap

        Raises
        ------
        ReadError
            The file is missing or damaged.
        """
        return read_or_report(lambda path: self._load(path, position), self._path)

    def __del__(self) -> None:
        """Remove the temporary file with the last reference."""
        self.close()

    def close(self) -> None:
        """Remove the temporary file; the next frame starts again."""
        if self._unpacked is not None:
            self._unpacked.close()
        self._unpacked, self._grid, self._ready = None, None, 0

    def _load(self, path: Path, position: int) -> ProbabilityMap:
        if self._grid is None:
            self._grid = _read_grid(path)
        grid = self._grid
        if position >= len(grid.valid):
            raise ValueError(f"frame {position} is missing")
        if self._unpacked is None:
            self._unpacked = tempfile.TemporaryFile()
        if position >= self._ready:
            self._unpack(path, position, grid, self._unpacked)
        values = np.empty(grid.frame_shape, np.float32)
        self._unpacked.seek(position * values.nbytes)
        values.ravel()[:] = np.frombuffer(self._unpacked.read(values.nbytes), np.float32)
        given = {each.name: each for each in self._classes}
        return ProbabilityMap(
            values,
            grid.y,
            grid.x,
            grid.names,
            grid.valid[position],
            tuple(given[name] for name in grid.names if name in given),
        )

    def _unpack(self, path: Path, position: int, grid: _Grid, target: BinaryIO) -> None:
        """Unpack all frames up to a position, twice as many as before to start over rarely."""
        until = min(len(grid.valid), max(position + 1, 2 * self._ready))
        size = int(np.prod(grid.frame_shape)) * np.dtype(np.float32).itemsize
        target.seek(0)
        with zipfile.ZipFile(path) as file, file.open("probability.npy") as stream:
            _read_header(stream)
            for _ in range(until):
                values = stream.read(size)
                if len(values) != size:
                    raise ValueError("probabilities are cut short")
                target.write(values)
        self._ready = until


def _read_grid(path: Path) -> _Grid:
    stored = read_arrays(path, "called", "y", "x", "classes")
    with zipfile.ZipFile(path) as file, file.open("probability.npy") as stream:
        shape = _read_header(stream)
    valid = stored["called"]
    return _Grid(
        valid=valid[None] if len(shape) == 3 else valid,
        y=stored["y"],
        x=stored["x"],
        names=tuple(str(name) for name in stored["classes"]),
        frame_shape=shape[-3:],
    )


def _read_header(stream: IO[bytes]) -> tuple[int, ...]:
    """Read the header of an array and return its shape; it must be as this package writes it."""
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }[np.lib.format.read_magic(stream)]
    shape, fortran_order, dtype = read_header(stream)
    if fortran_order or dtype != np.float32 or len(shape) not in (3, 4):
        raise ValueError("probabilities are of another form")
    return tuple(shape)
