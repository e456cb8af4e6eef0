"""Ground truth of the images of a manifest, from files that are as listed."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.csv_cells import read_text
from napari_stem_defects.io.csv_tables import open_table
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.json_file import read_json
from napari_stem_defects.io.scoring.mask_file import read_mask
from napari_stem_defects.scoring.image_score import GroundTruth

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.io.scoring.manifest import ListedFile, ListedImage, Manifest

_ADVICE = "fetch the file again, or correct the manifest"
# Centres of columns at the border may lie beside it.
_BESIDE_PX = 2.0


def file_faults(image: ListedImage, folder: Path) -> list[str]:
    """Return one line for each file of an image that is missing or altered.

    Parameters
    ----------
    image : ListedImage
    folder : Path
        Folder of the data.

    Returns
    -------
    list of str
        Each line names the file, its source and its checksum in full.
    """
    faults = (_fault(each, folder) for each in image.files())
    return [fault for fault in faults if fault]


def _fault(listed: ListedFile, folder: Path) -> str:
    path = folder / listed.path
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest() if listed.sha256 else ""
    except OSError:
        fault = "is missing" if not path.exists() else "cannot be read"
    else:
        if found == listed.sha256:
            return ""
        fault = "is not as listed"
        if not listed.url:
            return f"{listed.path}: {fault}; its sha256 is {found}: correct it in the manifest"
    if not listed.url:
        return f"{listed.path}: {fault}; put it into {folder.resolve()}, or correct the manifest"
    checksum = f" (sha256 {listed.sha256})" if listed.sha256 else ""
    return f"{listed.path}: {fault}; fetch it from {listed.url}{checksum}"


def read_ground_truth(manifest: Manifest, image: ListedImage, folder: Path) -> GroundTruth:
    """Read the ground truth of an image.

    Parameters
    ----------
    manifest : Manifest
    image : ListedImage
        One of its images.
    folder : Path
        Folder of the data.

    Returns
    -------
    GroundTruth

    Raises
    ------
    InputError
        A file lacks a column, a number or a geometry, or has another size; one line.
    """
    kinds = {name: manifest.classes[name].kind for name in image.classes}
    only = next((name for name, kind in kinds.items() if kind == "point"), "")
    points = dict[str, "NDArray[np.float64]"]()
    if image.points is not None:
        points |= _read_points(folder / image.points.path, image, manifest, only)
    lines = {} if image.lines is None else _read_lines(folder / image.lines.path)
    masks = {name: read_mask(folder / each.path, image.shape) for name, each in image.masks.items()}
    unknown = (name for name in kinds if not (image.known and manifest.classes[name].known))
    return GroundTruth(
        shape=image.shape,
        tolerance_px=image.tolerance_nm / image.pixel_size_nm,
        kinds=kinds,
        points={name: points[name] for name in kinds if name in points},
        lines={name: lines[name] for name in kinds if name in lines},
        masks=masks,
        unknown=frozenset(unknown),
        labelled_part=image.labelled_part,
        is_foreign=not image.known,
    )


def _read_points(
    path: Path, image: ListedImage, manifest: Manifest, only: str
) -> Mapping[str, NDArray[np.float64]]:
    """Read a table of points; without a column of classes all are of the class ``only``."""
    grouped: dict[str, list[tuple[float, float]]] = defaultdict(list)
    try:
        wanted = [image.y_column, image.x_column]
        wanted += [] if image.class_column is None else [image.class_column]
        with open_table(path, wanted) as table:
            _check_columns(path, table.columns, wanted)
            for _, row in table.rows():
                place = table.number(row[image.y_column]), table.number(row[image.x_column])
                name = only
                if image.class_column is not None:
                    name = read_text((row[image.class_column] or "").strip())
                grouped[name].append(place)
    except (OSError, ValueError, TypeError, csv.Error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(one_line(path, f"is no table of points ({error})", _ADVICE)) from None
    found = {name: np.array(each, np.float64) for name, each in grouped.items()}
    if found and not set(found) & set(manifest.classes):
        fault = f"holds no row of a listed class, but {min(map(str, found))!r}"
        raise InputError(one_line(path, fault, "name classes as the manifest does"))
    for places in found.values():
        _check_places(path, image, places)
    return found


def _check_columns(path: Path, columns: Sequence[str], wanted: Sequence[str]) -> None:
    if not columns:
        raise InputError(one_line(path, "is empty, without names of columns", _ADVICE))
    missing = [name for name in wanted if name not in columns]
    if missing:
        fault = f"has no column {missing[0]!r}, but {', '.join(map(repr, columns))}"
        advice = "rename it, or name yours in the manifest (y_column, x_column, class_column)"
        raise InputError(one_line(path, fault, advice))


def _check_places(path: Path, image: ListedImage, places: NDArray[np.float64]) -> None:
    """Refuse positions outside of the image: they are of another image, or in another unit."""
    if not np.isfinite(places).all():
        raise InputError(one_line(path, "holds a position that is not finite", _ADVICE))
    beyond = (places < -_BESIDE_PX) | (places > np.array(image.shape) - 1 + _BESIDE_PX)
    if beyond.any():
        y, x = places[beyond.any(axis=1)][0]
        height, width = image.shape
        fault = f"holds y {y:g}, x {x:g}, outside of the {height} x {width} px of {image.name!r}"
        raise InputError(one_line(path, fault, "give positions in px, y downwards from 0"))


def _read_lines(path: Path) -> Mapping[str, tuple[NDArray[np.float64], ...]]:
    """Read GeoJSON lines; ``class`` in the properties, x and y in px, as in ``lines.geojson``."""
    grouped: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    try:
        for feature in read_json(path)["features"]:
            geometry = feature["geometry"]
            if geometry["type"] != "LineString":
                raise ValueError(f"holds a {geometry['type']}, not a LineString")
            places = np.array(geometry["coordinates"], np.float64)[:, :2]
            if len(places) < 2 or not np.isfinite(places).all():
                raise ValueError("holds a line of fewer than two finite points")
            grouped[str(feature["properties"]["class"])].append(places[:, ::-1])
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise InputError(one_line(path, f"is no GeoJSON of lines ({error})", _ADVICE)) from None
    return {name: tuple(each) for name, each in grouped.items()}
