"""The files of a result, each written and read: masks, probabilities, regions, summary, frames.

Arrays of stacks come as iterators, one frame at a time, so that a movie of any length needs the
memory of one frame. Nothing here knows which folder a result belongs in.
"""

from __future__ import annotations

import csv
import json
import zipfile
import zlib
from dataclasses import asdict, fields
from itertools import chain, islice, pairwise
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import numpy as np
import tifffile

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.atomic import replacing, write_bytes
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap, Region

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

REGION_COLUMNS = (
    "image,frame,class,region,y_px,x_px,y_nm,x_nm,area_px,area_nm2,length_nm"
    ",mean_probability,max_probability"
).split(",")
_REGION_FIELDS = [field.name for field in fields(Region)]
_CLASSIC_TIFF_BYTES = 2**31
# tifffile's own error is a ValueError.
_SIMPLE_ERRORS = (OSError, ValueError, KeyError, TypeError, EOFError)
_LIBRARY_ERRORS = (*_SIMPLE_ERRORS, zlib.error, zipfile.BadZipFile)
_T = TypeVar("_T")


def write_masks(
    path: Path,
    frames: Iterator[MaskStack],
    count: int | None,
    pixel_size_nm: float | None,
    origin: Mapping[str, str] | None = None,
) -> None:
    """Write 0/1 planes as a compressed OME-TIFF with channel names and physical pixel size.

    Parameters
    ----------
    frames : iterator of Planes
        The frames, of one shape and with the same names, which become those of the channels.
    count : int or None
        How many frames make a leading axis; None is a single image.
    pixel_size_nm : float or None
    origin : mapping of str to str, optional
        What the planes were made of and with; goes into the file as a map annotation.
    """
    first = next(frames)
    shape = (*(() if count is None else (count,)), len(first.names), *first.shape)
    metadata: dict[str, Any] = {
        "axes": "TCYX"[-len(shape) :],
        "Channel": {"Name": list(first.names)},
    }
    if origin:
        metadata["MapAnnotation"] = annotation(origin)
    if pixel_size_nm is not None:
        for axis in "XY":
            metadata[f"PhysicalSize{axis}"] = pixel_size_nm
            metadata[f"PhysicalSize{axis}Unit"] = "nm"
    big = np.prod(shape, dtype=np.int64) > _CLASSIC_TIFF_BYTES
    with (
        replacing(path) as temporary,
        tifffile.TiffWriter(temporary, ome=True, bigtiff=bool(big)) as file,
    ):
        file.write(
            _tiff_strips(chain([first], frames)),
            shape=shape,
            dtype=np.uint8,
            photometric="minisblack",
            compression="zlib",
            rowsperstrip=first.strips[0].stop,
            metadata=metadata,
        )


def _tiff_strips(frames: Iterable[MaskStack]) -> Iterator[bytes]:
    """Yield compressed strips plane by plane, so that no plane is unpacked as a whole."""
    for planes in frames:
        for name in planes.names:
            for _, mask in planes.parts_of(name):
                yield zlib.compress(mask.tobytes())


def annotation(origin: Mapping[str, str]) -> dict[str, str]:
    """Return an OME map annotation that is known as ours."""
    return {"Namespace": "napari-stem-defects", **origin}


def read_masks(
    path: Path, names: tuple[str, ...], count: int, shape: tuple[int, int]
) -> list[MaskStack]:
    """Read the planes (Y, X) of so many frames of what `write_masks` wrote, one at a time."""

    def plane(page: tifffile.TiffPage | tifffile.TiffFrame | None) -> NDArray[np.uint8]:
        if page is None or page.shape != shape:
            raise ValueError(f"a plane is not of {shape[0]}x{shape[1]} px")
        return page.asarray()

    def load(path: Path) -> list[MaskStack]:
        with tifffile.TiffFile(path) as file:
            pages = iter(file.series[0].pages)
            if len(file.series[0].pages) != count * len(names):
                raise ValueError(f"{len(file.series[0].pages)} planes, not {count * len(names)}")
            frames = (islice(pages, len(names)) for _ in range(count))
            return [
                MaskStack.one_by_one(names, (plane(page) for page in frame)) for frame in frames
            ]

    return _reading(load, path)


def write_probability(path: Path, maps: Iterator[ProbabilityMap], count: int | None) -> None:
    """Write maps of one grid; ``count`` frames make a leading axis, None is a single image.

    Arrays: ``probability`` float32 (C, gy, gx), ``called`` bool (gy, gx), ``y`` and ``x``
    float32 in px of the image, ``classes`` as text; loads without ``allow_pickle``.
    """
    first = next(maps)
    lead = () if count is None else (count,)
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        called = [first.called]
        with _npy(file, "probability", (*lead, *first.probability.shape), np.float32) as stream:
            stream.write(first.probability.astype(np.float32).tobytes())
            for each in maps:
                stream.write(each.probability.astype(np.float32).tobytes())
                called.append(each.called)
        small = {
            "called": np.stack(called).reshape(*lead, *first.called.shape),
            "y": first.y,
            "x": first.x,
            "classes": np.array(first.classes),
        }
        for name, values in small.items():
            with _npy(file, name, values.shape, values.dtype) as stream:
                stream.write(np.ascontiguousarray(values).tobytes())


def read_probability(path: Path) -> Iterator[ProbabilityMap]:
    """Yield the map of each frame of what `write_probability` wrote."""
    stored = _arrays(path)
    probability, called = stored["probability"], stored["called"]
    if probability.ndim == 3:
        probability, called = probability[None], called[None]
    classes = tuple(str(name) for name in stored["classes"])
    for values, mask in zip(probability, called, strict=True):
        yield ProbabilityMap(values, stored["y"], stored["x"], classes, mask)


def write_regions(path: Path, regions: Iterable[Region]) -> None:
    """Write one line per region, numbers with six digits, nothing where a value is unknown."""
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(REGION_COLUMNS)
        for region in regions:
            table.writerow([_cell(value) for value in asdict(region).values()])


def read_regions(path: Path) -> tuple[Region, ...]:
    """Read what `write_regions` wrote."""

    def load(path: Path) -> tuple[Region, ...]:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.reader(file)
            if next(table, None) != REGION_COLUMNS:
                raise ValueError("no region table")
            return tuple(_parsed(row) for row in table)

    return _reading(load, path)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write plain data, refusing NaN, which is not JSON."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    content = _reading(lambda file: json.loads(file.read_text(encoding="utf-8")), path)
    if not isinstance(content, dict):
        raise _damaged(path, "is not a JSON object")
    return content


def write_frame(path: Path, detection: Detection) -> None:
    """Write everything about one frame into one ``.npz``, its planes as they are packed."""
    planes = detection.planes
    about = {
        "image": detection.image,
        "frame": detection.frame,
        "classes": detection.map.classes,
        "mask_names": planes.names,
        "frame_shape": planes.shape,
        "mask_px": planes.areas_px(),
        "called": float(detection.map.called.mean()),
        "regions": [asdict(region) for region in detection.regions],
        "pixel_size_nm": detection.pixel_size_nm,
        "parameters": plain(detection.parameters),
        "seconds": detection.seconds,
    }
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(
            file,
            about=np.array(json.dumps(about)),
            planes=np.frombuffer(b"".join(chain(*planes.packed)), np.uint8),
            planes_bytes=np.array([[len(each) for each in part] for part in planes.packed]),
            planes_to=np.array([rows.stop for rows in planes.strips]),
            probability=detection.map.probability,
            called=detection.map.called,
            y=detection.map.y,
            x=detection.map.x,
        )


def read_frame_about(path: Path) -> dict[str, Any]:
    """Read what a frame file says besides its arrays."""
    about: dict[str, Any] = json.loads(str(_arrays(path, "about")["about"]))
    return about


def read_frame_planes(path: Path, about: Mapping[str, Any]) -> MaskStack:
    """Read the planes of a frame file; ``about`` is what `read_frame_about` returned."""
    stored = _arrays(path, "planes", "planes_bytes", "planes_to")
    lengths, stops = stored["planes_bytes"], stored["planes_to"].tolist()
    ends = np.cumsum(lengths.ravel())[:-1]
    pieces = iter(np.split(stored["planes"], ends))
    height, width = about["frame_shape"]
    return MaskStack(
        names=tuple(about["mask_names"]),
        shape=(height, width),
        strips=tuple(slice(start, stop) for start, stop in pairwise([0, *stops])),
        packed=tuple(tuple(next(pieces).tobytes() for _ in part) for part in lengths),
    )


def read_frame_map(path: Path, classes: Sequence[str]) -> ProbabilityMap:
    """Read the probabilities of a frame file; ``classes`` are those it tells."""
    stored = _arrays(path, "probability", "y", "x", "called")
    return ProbabilityMap(
        probability=stored["probability"],
        y=stored["y"],
        x=stored["x"],
        classes=tuple(classes),
        called=stored["called"],
    )


def read_frame(path: Path) -> Detection:
    """Read what `write_frame` wrote."""
    about = read_frame_about(path)
    return Detection(
        image=about["image"],
        frame=about["frame"],
        map=read_frame_map(path, about["classes"]),
        planes=read_frame_planes(path, about),
        regions=tuple(Region(**region) for region in about["regions"]),
        pixel_size_nm=about["pixel_size_nm"],
        parameters=about["parameters"],
        seconds=about["seconds"],
    )


def _npy(file: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: Any) -> BinaryIO:
    """Open an array inside an ``.npz`` for its raw bytes."""
    stream: BinaryIO = file.open(f"{name}.npy", "w", force_zip64=True)  # type: ignore[assignment]
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(stream, header)
    return stream


def _arrays(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Read the named arrays of an ``.npz``, all without names."""

    def load(path: Path) -> dict[str, NDArray[Any]]:
        # Opened here, because np.load leaves the file open where it is damaged.
        with path.open("rb") as file, np.load(file) as stored:
            return {name: stored[name] for name in names or stored.files}

    return _reading(load, path)


def _reading(load: Callable[[Path], _T], path: Path) -> _T:
    """Turn whatever a library raises over a damaged file into one line."""
    try:
        return load(path)
    except _LIBRARY_ERRORS as error:
        raise _damaged(path, str(error)) from error


def _damaged(path: Path, fault: str) -> ReadError:
    return ReadError(one_line(path, f"is damaged ({fault})", "run the detection again"))


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value


def _parsed(row: list[str]) -> Region:
    cells = dict(zip(_REGION_FIELDS, row, strict=True))
    values: dict[str, Any] = {"image": cells.pop("image"), "class_name": cells.pop("class_name")}
    for name, cell in cells.items():
        kind = int if name in ("frame", "region", "area_px") else float
        values[name] = kind(cell) if cell else None
    return Region(**values)
