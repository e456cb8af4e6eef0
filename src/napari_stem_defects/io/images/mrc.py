"""MRC files (MRC2014, and what cameras and simulations write), read without other packages."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.images.axes import DIFFRACTION, Axis, arrange
from napari_stem_defects.io.images.convert import RawImage
from napari_stem_defects.io.images.frames_on_disk import UnpackedFrames
from napari_stem_defects.io.images.limits import check_memory, memory_limit
from napari_stem_defects.io.images.pixel_size import FileScale, file_scale
from napari_stem_defects.io.images.signals import SignalInfo, StoredSignal
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_HEADER = 1024
_BIG_ENDIAN = b"\x11\x11"
_MODES = {0: "i1", 1: "i2", 2: "f4", 3: "i2", 4: "c8", 6: "u2", 12: "f2"}
_IMOD = 1146047817
# Extended headers of ThermoFisher: bytes of metadata per frame, place of the pixel size in metres.
_FEI_PIXEL = {b"FEI1": 156, b"FEI2": 156}
_FEI_OLD_RECORD, _FEI_OLD_PIXEL = 128, 44
# Diffraction patterns have reciprocal metres in the same place, 1e6 and more.
_LONGEST_M = 1.0
_PACKED = 101
_BLOCK_BYTES = 2**24
_ADVICE = "it is cut short or damaged; copy it again"


@dataclass(frozen=True)
class _Header:
    """What is used of the header."""

    raw: bytes
    order: str

    def ints(self, place: int, count: int) -> tuple[int, ...]:
        return struct.unpack_from(f"{self.order}{count}i", self.raw, place)

    def floats(self, place: int, count: int) -> tuple[float, ...]:
        return struct.unpack_from(f"{self.order}{count}f", self.raw, place)

    @property
    def shape(self) -> tuple[int, int, int]:
        columns, rows, sections = self.ints(0, 3)
        return sections, rows, columns

    @property
    def mode(self) -> int:
        return self.ints(12, 1)[0]

    @property
    def extended(self) -> int:
        return self.ints(92, 1)[0]


def list_mrc(path: Path) -> list[StoredSignal]:
    """List the one image or stack of an MRC file.

    Bytes (mode 0) are signed since MRC2014 and in files that state it; in older ones the range in
    the header decides. Programs without a pixel size write a cell of zero, a negative one, or of
    exactly 1 Å per pixel; these are no sizes.

    Parameters
    ----------
    path : Path
        A file ``.mrc``, or one packed with gzip, ``.mrc.gz``.

    Returns
    -------
    list of StoredSignal
        One.

    Raises
    ------
    ReadError
        The file is cut short, too big, or of a mode that holds no image.
    """
    return _list(path, by_frame=False)


def open_mrc(path: Path) -> list[StoredSignal]:
    """List the signals as `list_mrc` does; the frames of stacks stay in the file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    list of StoredSignal

    Raises
    ------
    ReadError
        As of `list_mrc`.
    Exception
        Any error of the reader for a damaged file.
    """
    return _list(path, by_frame=True)


def _list(path: Path, *, by_frame: bool) -> list[StoredSignal]:
    data = _unpacked(path)
    header = _header(path, data, whole=not by_frame)
    dtype, note = _type(path, header, data)
    frames, rows, columns = header.shape
    start = _HEADER + header.extended
    scale = _scale(header, data)
    is_stack = frames > 1
    axes = [Axis(rows, "y"), Axis(columns, "x")]
    arrangement = arrange([Axis(frames, "frames"), *axes] if is_stack else axes)
    is_frequencies = header.mode in (3, 4) or scale.is_reciprocal
    fault = DIFFRACTION if is_frequencies else arrangement.fault
    shape = header.shape if is_stack else header.shape[1:]

    def load() -> RawImage:
        size = math.prod(shape)
        notes = tuple(text for text in (note, scale.note) if text)
        if by_frame and is_stack and header.mode != _PACKED:
            frames = UnpackedFrames(path, dtype, shape, start)
            return RawImage(frames, False, scale.pixel_nm, _metadata(header), notes)
        if header.mode == _PACKED:
            array = _nibbles(data[start:], header.shape).reshape(shape)
        else:
            end = start + size * dtype.itemsize
            array = data[start:end].view(dtype).reshape(shape)
        return RawImage(array, False, scale.pixel_nm, _metadata(header), notes)

    info = SignalInfo("image", shape, str(dtype), scale.pixel_nm, fault)
    return [StoredSignal(info, load)]


def _unpacked(path: Path) -> NDArray[np.uint8]:
    """Map the bytes of the file; a packed one is unpacked as far as memory allows."""
    if path.suffix.lower() != ".gz":
        return np.memmap(path, np.uint8, "r")
    most = memory_limit() // 2
    try:
        with gzip.open(path) as file:
            data = np.frombuffer(file.read(most + 1), np.uint8)
    except (OSError, EOFError, zlib.error) as error:
        raise ReadError(one_line(path, f"cannot be unpacked ({error})", "copy it again")) from None
    if len(data) > most:
        raise ReadError(one_line(path, "does not fit into memory", "cut it into smaller stacks"))
    return data


def _header(path: Path, data: NDArray[np.uint8], *, whole: bool) -> _Header:
    """Return the header; refuse sizes that the file, or if ``whole`` memory, does not hold."""
    if len(data) < _HEADER:
        raise ReadError(one_line(path, "is shorter than the header of an MRC file", _ADVICE))
    header = _Header(data[:_HEADER].tobytes(), ">" if _is_big_endian(data) else "<")
    bits = 4 if header.mode == _PACKED else 8 * np.dtype(_MODES.get(header.mode, "i1")).itemsize
    bits *= 2 if header.mode == 3 else 1
    frames, rows, columns = header.shape
    width = columns + columns % 2 if header.mode == _PACKED else columns
    declared = frames * rows * width * bits // 8
    held = len(data) - _HEADER - header.extended
    if min(header.shape) < 1 or header.extended < 0 or declared > held:
        size = " x ".join(map(str, header.shape))
        raise ReadError(one_line(path, f"declares {size} px, which it does not hold", _ADVICE))
    if whole or frames == 1 or header.mode == _PACKED:
        check_memory(path, declared, 4 * frames * rows * columns)
    return header


def _is_big_endian(data: NDArray[np.uint8]) -> bool:
    """Return whether the machine stamp, or else the mode, is of a big-endian machine."""
    if data[212:214].tobytes() == _BIG_ENDIAN:
        return True
    little, big = (struct.unpack_from(f"{order}i", data[:16].tobytes(), 12)[0] for order in "<>")
    return little not in (*_MODES, _PACKED) and big in (*_MODES, _PACKED)


def _type(path: Path, header: _Header, data: NDArray[np.uint8]) -> tuple[np.dtype[Any], str]:
    """Return the type of a number, and what was assumed about its sign."""
    if header.mode not in (*_MODES, _PACKED):
        known = ", ".join(map(str, (*_MODES, _PACKED)))
        fault = f"is an MRC file of mode {header.mode}, not of {known}"
        raise ReadError(one_line(path, fault, "export it as TIFF"))
    if header.mode == _PACKED:
        return np.dtype("u1"), ""
    if header.mode != 0:
        return np.dtype(header.order + _MODES[header.mode]), ""
    stamp, flags = header.ints(152, 2)
    if stamp == _IMOD:
        return np.dtype("i1" if flags & 1 else "u1"), ""
    if header.ints(108, 1)[0] // 10 == 2014:
        return np.dtype("i1"), ""
    lowest, highest = header.floats(76, 2)
    if lowest < 0:
        return np.dtype("i1"), ""
    if highest > 127:
        return np.dtype("u1"), ""
    numbers = data[_HEADER + header.extended :]
    blocks = (numbers[at : at + _BLOCK_BYTES] for at in range(0, len(numbers), _BLOCK_BYTES))
    if not any((block > 127).any() for block in blocks):
        return np.dtype("u1"), ""
    note = "Its bytes were taken as signed, the rule since MRC2014; the file does not state it."
    return np.dtype("i1"), note


def _nibbles(data: NDArray[np.uint8], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return numbers of four bits, the lower half of a byte first; rows end with whole bytes."""
    frames, rows, columns = shape
    width = (columns + 1) // 2
    packed = data[: frames * rows * width].reshape(frames, rows, width)
    both = np.stack([packed & 15, packed >> 4], axis=-1)
    return np.ascontiguousarray(both.reshape(frames, rows, 2 * width)[..., :columns])


def _scale(header: _Header, data: NDArray[np.uint8]) -> FileScale:
    """Return the pixel size of the extended header, else that of the cell."""
    metres = _fei_pixel(header, data)
    if metres is not None and min(metres) > _LONGEST_M:
        return FileScale(is_reciprocal=True)
    if metres is not None:
        return file_scale((metres[1], metres[0]), ("m", "m"))
    grid, cell = header.ints(28, 2), header.floats(40, 2)
    sizes = [length / count if count else 0.0 for length, count in zip(cell, grid, strict=True)]
    if min(grid) <= 0 or not all(math.isfinite(size) and size > 0 for size in sizes):
        shown = " x ".join(f"{length:g}" for length in cell)
        note = f"The file gives no pixel size: its cell is {shown} Å for {grid[0]} x {grid[1]} px."
        return FileScale(note=note)
    if np.allclose(sizes, 1.0, rtol=1e-6):
        note = "Its pixel size of 1 Å is the default of MRC writers and was ignored."
        return FileScale(note=note)
    return file_scale((sizes[1], sizes[0]), ("Å", "Å"))


def _fei_pixel(header: _Header, data: NDArray[np.uint8]) -> tuple[float, float] | None:
    """Return width and height of a pixel in m from the metadata of the first frame."""
    kind = header.raw[104:108]
    if kind in _FEI_PIXEL and header.extended >= _FEI_PIXEL[kind] + 16:
        at = _HEADER + _FEI_PIXEL[kind]
        width, height = struct.unpack(f"{header.order}2d", data[at : at + 16].tobytes())
    elif header.extended == _FEI_OLD_RECORD * 1024:
        at = _HEADER + _FEI_OLD_PIXEL
        (width,) = struct.unpack(f"{header.order}f", data[at : at + 4].tobytes())
        height = width
    else:
        return None
    is_size = all(math.isfinite(size) and size > 0 for size in (width, height))
    return (width, height) if is_size else None


def _metadata(header: _Header) -> dict[str, Any]:
    count = max(0, min(10, header.ints(220, 1)[0]))
    texts = [header.raw[224 + 80 * i : 304 + 80 * i] for i in range(count)]
    return {
        "mode": header.mode,
        "grid": header.ints(28, 3),
        "cell_angstrom": header.floats(40, 3),
        "extended_header": header.raw[104:108].decode("latin-1").strip("\0 "),
        "labels": [text.decode("latin-1").strip("\0 ") for text in texts],
    }
