"""HyperSpy: each image as a calibrated signal with permanent markers, in an ``.hspy`` file.

``hyperspy.api.load`` reads it, and ``plot`` shows points, centre lines and outlines in the colours
of their classes; the frames of a stack are its navigation axis. Positions are x, y in the units of
the axes, with the centre of the first pixel at 0. Outlines are written as the segments of their
lines: HyperSpy plots polygons that change from frame to frame, but cannot store them.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.base.version import __version__
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.export.options import alone, name_files
from napari_stem_defects.io.export.shapes import CORNER, shapes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.export.exported_results import ExportedImage
    from napari_stem_defects.io.export.options import ExportOptions
    from napari_stem_defects.io.export.shapes import ExportedShape

_POINT_SIZE = 12
_LINE_WIDTH = 1.5


def write(images: Sequence[ExportedImage], out: Path, options: ExportOptions) -> list[Path]:
    """Write ``NAME.hspy`` for each image; see `api.export.export`."""
    load_package("h5py", "h5py", "export for HyperSpy")
    hspy = load_package("rsciio.hspy", "rosettasciio", "export for HyperSpy")
    written = []
    for image, path in name_files(images, out, ".hspy"):
        with options.leaving_out(image):
            micrograph = image.read_image(options.read_image, options.images)
            signal = _signal(image, micrograph, outlines=options.outlines)
            with alone(path), _FileInMemory(path) as file:
                hspy.file_writer(file, signal, show_progressbar=False)
                write_bytes(path, file.getvalue())
            written.append(path)
    return written


class _FileInMemory(io.BytesIO):
    """A file with a path that is written in memory: on a full disk, HDF5 ends the process."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def __fspath__(self) -> str:
        return str(self._path)


def _signal(image: ExportedImage, micrograph: Micrograph, *, outlines: bool) -> dict[str, Any]:
    """Return the image as the dictionary that describes a signal of HyperSpy."""
    size = image.pixel_size_nm
    names = [*(["frame"] if micrograph.is_stack else []), "y", "x"]
    axes = [
        {
            "_type": "UniformDataAxis",
            "name": name,
            "units": "" if name == "frame" else "px" if size is None else "nm",
            "navigate": name == "frame",
            "is_binned": False,
            "size": length,
            "scale": 1.0 if name == "frame" or size is None else size,
            "offset": 0.0,
        }
        for name, length in zip(names, micrograph.pixels.shape, strict=True)
    ]
    markers = _markers(image, micrograph, outlines=outlines)
    about = {"result": image.folder.name, "model": str(image.summary["model"]["name"])}
    return {
        "data": np.asarray(micrograph.pixels),
        "axes": axes,
        "metadata": {
            "General": {"title": image.name, "original_filename": image.file_name},
            "Signal": {"signal_type": ""},
            "Defects": {**about, "version": __version__},
            "Markers": markers,
            "_HyperSpy": {},
        },
        "original_metadata": {},
        "learning_results": {},
        "models": {},
        "attributes": {"_lazy": False, "ragged": False},
        # The package of the signal's class: none but HyperSpy itself, which reads no version here.
        "package_info": {"package": "", "package_version": ""},
        "tmp_parameters": {},
    }


def _markers(
    image: ExportedImage, micrograph: Micrograph, *, outlines: bool
) -> dict[str, dict[str, Any]]:
    """Return the markers of each class: points, and segments of lines and outlines."""
    scale = image.pixel_size_nm or 1.0
    points: dict[str, dict[int, list[Any]]] = {name: {} for name in image.mask_names}
    segments: dict[str, dict[int, list[Any]]] = {name: {} for name in image.mask_names}
    for frame in image.frames():
        for shape in shapes(image, frame, outlines=outlines):
            name = shape.region.class_name
            if shape.point is not None:
                points[name].setdefault(frame.index, []).append(np.array([shape.point]))
            else:
                segments[name].setdefault(frame.index, []).append(_segments(shape))
    count = micrograph.frame_count if micrograph.is_stack else None
    found = {}
    for name in image.mask_names:
        colour = image.classes[name].colour
        if points[name]:
            offsets = _by_frame(points[name], count, (2,), scale)
            found[f"{name} points"] = _point_marker(name, offsets, colour)
        if segments[name]:
            lines = _by_frame(segments[name], count, (2, 2), scale)
            found[f"{name} lines"] = _line_marker(name, lines, colour)
    return found


def _segments(shape: ExportedShape) -> NDArray[np.float64]:
    """Return the segments (start and end, each y, x in px) of a line or of outlines."""
    line = np.array(shape.line).reshape(-1, 2)
    found = [np.stack([line[:-1], line[1:]], axis=1)]
    for polygon in shape.polygons:
        for ring in (polygon.shell, *polygon.holes):
            closed = np.concatenate([ring, ring[:1]]) - CORNER
            found.append(np.stack([closed[:-1], closed[1:]], axis=1))
    return np.concatenate(found)


def _by_frame(
    found: dict[int, list[Any]], count: int | None, shape: tuple[int, ...], scale: float
) -> NDArray[Any]:
    """Return positions (x, y) in the units of the axes; of a stack an array for each frame."""

    def positions(values: Sequence[Any]) -> NDArray[np.float64]:
        array = np.concatenate([np.zeros((0, *shape)), *values])
        return np.ascontiguousarray(array[..., ::-1]) * scale

    if count is None:
        return positions(found[0])
    each_frame = np.empty(count, object)
    for index in range(count):
        each_frame[index] = positions(found.get(index, ()))
    return each_frame


def _point_marker(name: str, offsets: NDArray[Any], colour: str) -> dict[str, Any]:
    return {
        "class": "Points",
        "name": f"{name} points",
        "plot_on_signal": True,
        "offset_transform": "data",
        "transform": "display",
        "kwargs": {
            "offsets": offsets,
            "sizes": (_POINT_SIZE,),
            "units": "points",
            "facecolor": "none",
            "edgecolor": colour,
            "linewidth": _LINE_WIDTH,
        },
        "ScalarMappable_array": None,
    }


def _line_marker(name: str, segments: NDArray[Any], colour: str) -> dict[str, Any]:
    return {
        "class": "Lines",
        "name": f"{name} lines",
        "plot_on_signal": True,
        "offset_transform": "display",
        "transform": "data",
        "kwargs": {"segments": segments, "color": colour, "linewidth": _LINE_WIDTH},
        "ScalarMappable_array": None,
    }
