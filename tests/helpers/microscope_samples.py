"""Smallest files of the microscope formats, written byte by byte or by RosettaSciIO."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

_DM_TYPES = {"float32": 2, "uint8": 6, "int32": 7, "uint16": 10, "uint32": 11}
_DM_ELEMENTS = {"float32": 6, "uint8": 10, "int32": 3, "uint16": 4, "uint32": 5}


class _Dm:
    """Encode nested dicts as DigitalMicrograph tags, version 3 or 4."""

    def __init__(self, version: int) -> None:
        self.version = version
        self._count = ">q" if version == 4 else ">i"

    def file(self, tags: Mapping[str, Any]) -> bytes:
        body = struct.pack(">BB", 1, 0) + self._group_items(tags)
        return struct.pack(">i", self.version) + self._n(len(body)) + struct.pack(">i", 1) + body

    def _n(self, number: int) -> bytes:
        return struct.pack(self._count, number)

    def _group_items(self, tags: Mapping[str, Any]) -> bytes:
        return self._n(len(tags)) + b"".join(self._tag(name, tags[name]) for name in tags)

    def _tag(self, name: str, value: Any) -> bytes:
        # Names that start with "#" stand for the nameless entries of lists.
        plain = b"" if name.startswith("#") else name.encode()
        kind = 20 if isinstance(value, Mapping) else 21
        head = struct.pack(">BH", kind, len(plain)) + plain
        if isinstance(value, Mapping):
            payload = struct.pack(">BB", 1, 0) + self._group_items(value)
        else:
            payload = b"%%%%" + self._data(value)
        return head + (self._n(len(payload)) if self.version == 4 else b"") + payload

    def _data(self, value: Any) -> bytes:
        if isinstance(value, float):
            return self._n(1) + self._n(7) + struct.pack("<d", value)
        if isinstance(value, int):
            return self._n(1) + self._n(5) + struct.pack("<I", value)
        if isinstance(value, str):
            text = value.encode("utf-16-le")
            return self._n(3) + self._n(20) + self._n(4) + self._n(len(value)) + text
        element, items = _DM_ELEMENTS[value.dtype.name], value.size
        numbers = value.astype(value.dtype.newbyteorder("<")).tobytes()
        return self._n(3) + self._n(20) + self._n(element) + self._n(items) + numbers


def dm_bytes(
    array: NDArray[Any],
    *,
    version: int = 4,
    scale: float = 0.02,
    units: Sequence[str] = ("nm", "nm"),
    signal: str = "",
) -> bytes:
    """Return a DM3 or DM4 file that holds one image or stack; ``units`` in order x, y, z."""
    image = {
        "ImageData": {
            "Calibrations": {
                "Brightness": {"Origin": 0.0, "Scale": 1.0, "Units": ""},
                "Dimension": {
                    f"#{i}": {"Origin": 0.0, "Scale": scale, "Units": unit}
                    for i, unit in enumerate(units)
                },
            },
            "Data": array,
            "DataType": _DM_TYPES[array.dtype.name],
            "Dimensions": {f"#{i}": length for i, length in enumerate(array.shape[::-1])},
            "PixelDepth": array.dtype.itemsize,
        },
        "ImageTags": {"Meta Data": {"Signal": signal}},
        "Name": "HAADF",
    }
    return _Dm(version).file({"ImageList": {"#0": image}})


def ser_bytes(array: NDArray[np.uint16], scale_m: float = 2e-11) -> bytes:
    """Return a TIA series of an image or stack; TIA stores rows from the bottom up."""
    frames = array[np.newaxis] if array.ndim == 2 else array
    count, height, width = frames.shape
    dimension = struct.pack("<IddIII", count, 0.0, 1.0, 0, 0, 0)
    start = 30 + len(dimension)
    calibration = struct.pack("<ddI", 0.0, scale_m, 0)
    head = calibration * 2 + struct.pack("<HII", 2, width, height)
    elements = [head + frame[::-1].astype("<u2").tobytes() for frame in frames]
    data_at, size = start + 8 * count, len(elements[0])
    header = struct.pack("<HHHIIII", 0x4949, 0x0197, 0x0210, 0x4122, 0x4152, count, count)
    header += struct.pack("<II", start, 1) + dimension
    places = [data_at + number * size for number in range(count)]
    tags = [data_at + count * size] * count
    offsets = struct.pack(f"<{2 * count}I", *places, *tags)
    return header + offsets + b"".join(elements) + struct.pack("<HHI", 0x4152, 0, 0)


def mrc_bytes(array: NDArray[np.float32], pixel_angstrom: float = 0.2) -> bytes:
    """Return an MRC file of 32-bit numbers, (Y, X) or (T, Y, X)."""
    frames = array[np.newaxis] if array.ndim == 2 else array
    depth, height, width = frames.shape
    header = bytearray(1024)
    struct.pack_into("<4i", header, 0, width, height, depth, 2)
    struct.pack_into("<3i", header, 28, width, height, depth)
    cell = (width * pixel_angstrom, height * pixel_angstrom, depth * pixel_angstrom)
    struct.pack_into("<3f", header, 40, *cell)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    header[208:216] = b"MAP \x44\x44\0\0"
    return bytes(header) + frames.astype("<f4").tobytes()


def signal_dict(
    data: NDArray[Any],
    *,
    scale: float = 0.02,
    units: str = "nm",
    signal_dimensions: int = 2,
    signal_type: str = "",
    title: str = "HAADF",
) -> dict[str, Any]:
    """Return a signal as RosettaSciIO's writers take it."""
    names = ("t", "y", "x") if data.ndim <= 3 else ("sy", "sx", "y", "x")
    axes = [
        {
            "_type": "UniformDataAxis",
            "name": name,
            "size": size,
            "index_in_array": i,
            "scale": scale,
            "offset": 0.0,
            "units": units,
            "navigate": i < data.ndim - signal_dimensions,
            "is_binned": False,
        }
        for i, (size, name) in enumerate(zip(data.shape, names[-data.ndim :], strict=True))
    ]
    return {
        "data": data,
        "axes": axes,
        "metadata": {
            "General": {"title": title},
            "Signal": {"signal_type": signal_type},
            "_HyperSpy": {},
        },
        "original_metadata": {},
        "learning_results": {},
        "models": {},
        "tmp_parameters": {},
        "package_info": {"package": "", "package_version": ""},
        "attributes": {"_lazy": False, "ragged": False},
    }


def write_hspy(path: Path, *signals: dict[str, Any]) -> Path:
    """Write signals of different titles into one HyperSpy file."""
    from rsciio import hspy

    hspy.file_writer(str(path), signals[0], show_progressbar=False)
    for signal in signals[1:]:
        other = path.with_name(f"other-{path.name}")
        hspy.file_writer(str(other), signal, show_progressbar=False)
        group = f"Experiments/{signal['metadata']['General']['title']}"
        with h5py.File(other, "r") as source, h5py.File(path, "a") as target:
            source.copy(group, target["Experiments"])
        other.unlink()
    return path


def write_emd(path: Path, signal: dict[str, Any]) -> Path:
    """Write a signal as an EMD file of the Berkeley (NCEM) kind."""
    from rsciio import emd

    emd.file_writer(str(path), signal)
    return path


def write_velox(
    path: Path,
    images: Mapping[str, NDArray[Any]],
    pixel_m: float = 2e-11,
    *,
    eds: bool = False,
    chunked: bool = True,
) -> Path:
    """Write an EMD file of Velox with one image or stack per detector name.

    With ``eds`` it also holds an empty stream of X-ray counts, as recorded beside the images.
    """
    version = json.dumps({"format": "Velox", "version": "11"}).encode()
    with h5py.File(path, "w") as file:
        file["Version"] = np.array([version], dtype=h5py.string_dtype())
        for number, (detector, array) in enumerate(images.items()):
            frames = array[np.newaxis] if array.ndim == 2 else array
            metadata = {
                "BinaryResult": {
                    "PixelSize": {"width": str(pixel_m), "height": str(pixel_m)},
                    "PixelUnitX": "m",
                    "PixelUnitY": "m",
                    "Detector": detector,
                    "DetectorIndex": "0",
                },
                "Scan": {"FrameTime": "0.5"},
                "Detectors": {"Detector-0": {"DetectorName": detector}},
                "Acquisition": {"AcquisitionStartDatetime": {"DateTime": "1600000000"}},
                "CustomProperties": {},
            }
            group = file.create_group(f"Data/Image/{number:032x}")
            # Velox stores each frame as a chunk.
            chunks = (*frames.shape[1:], 1) if chunked else None
            group.create_dataset("Data", data=np.moveaxis(frames, 0, -1), chunks=chunks)
            text = np.frombuffer(json.dumps(metadata).encode(), dtype=np.uint8)
            group["Metadata"] = np.pad(text, (0, 100))[:, np.newaxis]
        if eds:
            _add_eds(file)
    return path


def _add_eds(file: h5py.File) -> None:
    text = h5py.string_dtype()
    settings = json.dumps({"bincount": "4096", "StreamEncoding": "uint16"}).encode()
    stream = file.create_group("Data/SpectrumStream/0")
    stream["Data"] = np.full((16, 1), 65535, np.uint16)
    stream["AcquisitionSettings"] = np.array([settings], dtype=text)
    cube = file.create_group("Data/SpectrumImage/0")
    cube["SpectrumImageSettings"] = np.array([b"{}"], dtype=text)
    display = file.create_group("Displays/ImageDisplay")
    display["0"] = np.array([json.dumps({"id": "HAADF"}).encode()], dtype=text)
