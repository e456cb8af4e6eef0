"""Writing and reading of the result files: masks, probabilities, regions and JSON.

Frames of a stack are passed one at a time by iterators, so that a movie of any length needs the
memory of one frame. A new export format is a pair of functions here; `result_folder` calls them.
"""

from __future__ import annotations

import csv
import zipfile
import zlib
from dataclasses import fields
from itertools import chain, islice, repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
import tifffile

from napari_stem_defects.base.defect_classes import default_kind
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.csv_cells import TableWriter, read_text
from napari_stem_defects.io.results.json_file import read_or_report
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

# Every field of a region is a column, in their order; new ones come last, so that earlier tables
# can be read.
_COLUMN_FIELDS = [field for field in fields(Region) if field.name != "centre_line"]
REGION_FIELDS = [field.name for field in _COLUMN_FIELDS]
REGION_COLUMNS = ["class" if name == "class_name" else name for name in REGION_FIELDS]
_REGION_VALUES = attrgetter(*REGION_FIELDS)
_REGION_DEFAULTS = {field.name: field.default for field in fields(Region)}
REGION_TEXTS = tuple(field.name for field in _COLUMN_FIELDS if field.type == "str")
REGION_WHOLE_NUMBERS = tuple(
    field.name for field in _COLUMN_FIELDS if str(field.type).startswith("int")
)
# Tables written before classes had kinds end here, others at a later column.
_FEWEST_COLUMNS = REGION_COLUMNS.index("kind")
_CLASSIC_TIFF_BYTES = 2**31


def write_masks(
    path: Path,
    frames: Iterator[MaskStack],
    count: int | None,
    pixel_size_nm: float | None,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Write 0/1 masks as a compressed OME-TIFF with channel names and physical pixel size.

    Parameters
    ----------
    path : Path
        ``masks.ome.tif``.
    frames : iterator of MaskStack
        The frames, of one shape and with the same mask names, which become channel names.
    count : int or None
        Number of frames of a stack; None for a single image, written without a frame axis.
    pixel_size_nm : float or None
        Edge of a pixel in nm.
    provenance : mapping of str to str, optional
        Model, image and parameters; stored as a map annotation.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    first = next(frames)
    shape = (*(() if count is None else (count,)), len(first.names), *first.shape)
    metadata: dict[str, Any] = {
        "axes": "TCYX"[-len(shape) :],
        "Channel": {"Name": list(first.names)},
    }
    if provenance:
        metadata["MapAnnotation"] = annotation(provenance)
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
            rowsperstrip=first.row_slices[0].stop,
            metadata=metadata,
        )


def _tiff_strips(frames: Iterable[MaskStack]) -> Iterator[bytes]:
    """Yield compressed strips mask by mask, so that no mask is unpacked as a whole."""
    for masks in frames:
        for name in masks.names:
            for _, mask in masks.blocks_of(name):
                yield zlib.compress(mask.tobytes())


def annotation(provenance: Mapping[str, str]) -> dict[str, str]:
    """Return an OME map annotation in the namespace of this package.

    Parameters
    ----------
    provenance : mapping of str to str
        Names and values of the annotation.

    Returns
    -------
    dict of str to str
        For the ``MapAnnotation`` of tifffile.
    """
    return {"Namespace": "napari-stem-defects", **provenance}


def read_masks(
    path: Path, names: tuple[str, ...], count: int, shape: tuple[int, int]
) -> list[MaskStack]:
    """Read the file of `write_masks`.

    Parameters
    ----------
    path : Path
        ``masks.ome.tif``.
    names : tuple of str
        Names of the masks of a frame.
    count : int
        Number of frames.
    shape : (int, int)
        Height and width of a mask in px.

    Returns
    -------
    list of MaskStack
        One per frame.

    Raises
    ------
    ReadError
        The file is missing, damaged or of another shape.
    """

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
                MaskStack.from_masks(names, (plane(page) for page in frame)) for frame in frames
            ]

    return read_or_report(load, path)


def write_probability(path: Path, maps: Iterator[ProbabilityMap], count: int | None) -> None:
    """Write probability maps on one grid as ``.npz``.

    The arrays are ``probability`` float32 (C, gy, gx), ``called`` bool (gy, gx, True for valid
    windows), ``y`` and ``x`` float32 in px of the image, and ``classes`` as text. They load
    without ``allow_pickle``.

    Parameters
    ----------
    path : Path
        ``probability.npz``.
    maps : iterator of ProbabilityMap
        The maps of the frames, on the same grid.
    count : int or None
        Number of frames of a stack; None for a single image, written without a frame axis.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    first = next(maps)
    lead = () if count is None else (count,)
    with (
        replacing(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as file,
    ):
        valid = [first.valid]
        with _npy(file, "probability", (*lead, *first.probability.shape), np.float32) as stream:
            stream.write(first.probability.astype(np.float32).tobytes())
            for each in maps:
                stream.write(each.probability.astype(np.float32).tobytes())
                valid.append(each.valid)
        small = {
            "called": np.stack(valid).reshape(*lead, *first.valid.shape),
            "y": first.y,
            "x": first.x,
            "classes": np.array(first.classes),
        }
        for name, values in small.items():
            with _npy(file, name, values.shape, values.dtype) as stream:
                stream.write(np.ascontiguousarray(values).tobytes())


def read_probability(path: Path) -> Iterator[ProbabilityMap]:
    """Read the file of `write_probability`.

    Parameters
    ----------
    path : Path
        ``probability.npz``.

    Yields
    ------
    ProbabilityMap
        The map of each frame.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    stored = read_arrays(path)
    probability, valid = stored["probability"], stored["called"]
    if probability.ndim == 3:
        probability, valid = probability[None], valid[None]
    classes = tuple(str(name) for name in stored["classes"])
    for values, mask in zip(probability, valid, strict=True):
        yield ProbabilityMap(values, stored["y"], stored["x"], classes, mask)


def write_regions(path: Path, regions: Iterable[Region]) -> None:
    """Write regions as CSV: six significant digits, empty cells for unknown values.

    Parameters
    ----------
    path : Path
        ``regions.csv``.
    regions : iterable of Region
        One row each.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        table = TableWriter(file)
        table.writerow(REGION_COLUMNS)
        for region in regions:
            table.writerow([_format_cell(value) for value in region_values(region)])


def region_values(region: Region) -> tuple[Any, ...]:
    """Return the values of a region in the order of `REGION_COLUMNS`.

    Parameters
    ----------
    region : Region

    Returns
    -------
    tuple
        None for unknown values.
    """
    values: tuple[Any, ...] = _REGION_VALUES(region)
    return values


def read_regions(path: Path) -> tuple[Region, ...]:
    """Read the file of `write_regions`.

    Parameters
    ----------
    path : Path
        ``regions.csv``.

    Returns
    -------
    tuple of Region
        One per row, without centre lines. In tables written before classes had kinds, the kind is
        the default of the class.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """

    def load(path: Path) -> tuple[Region, ...]:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.reader(file)
            columns = next(table, [])
            is_known = columns == REGION_COLUMNS[: len(columns)]
            if not is_known or len(columns) < _FEWEST_COLUMNS:
                raise ValueError("no region table")
            return _parse_regions(list(table), REGION_FIELDS[: len(columns)])

    return read_or_report(load, path)


def _npy(file: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: Any) -> BinaryIO:
    """Open an array in an ``.npz`` file for writing its raw bytes."""
    stream: BinaryIO = file.open(f"{name}.npy", "w", force_zip64=True)  # type: ignore[assignment]
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(stream, header)
    return stream


def read_arrays(path: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Read arrays of an ``.npz`` file.

    Parameters
    ----------
    path : Path
        The file.
    *names : str
        Names of the arrays; all if none is given.

    Returns
    -------
    dict of str to ndarray
        By name.

    Raises
    ------
    ReadError
        The file is missing or damaged, or an array is missing.
    """

    def load(path: Path) -> dict[str, NDArray[Any]]:
        # Opened here, because np.load does not close a damaged file.
        with path.open("rb") as file, np.load(file) as stored:
            return {name: stored[name] for name in names or stored.files}

    return read_or_report(load, path)


def _format_cell(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value


def _parse_regions(rows: list[list[str]], names: list[str]) -> tuple[Region, ...]:
    """Return the regions of a table, read column by column."""
    if not rows:
        return ()
    cells = dict(zip(names, zip(*rows, strict=True), strict=True))
    values: dict[str, Sequence[Any]] = {}
    for name, column in cells.items():
        if name in REGION_TEXTS:
            values[name] = [read_text(cell) for cell in column]
        elif name == "kind":
            values[name] = column
        else:
            kind = int if name in REGION_WHOLE_NUMBERS else float
            values[name] = [kind(cell) if cell else None for cell in column]
    values.setdefault("kind", [default_kind(name) for name in values["class_name"]])
    columns = [values.get(name) or repeat(default) for name, default in _REGION_DEFAULTS.items()]
    return tuple(map(Region, *columns))
