"""Ground truth of the images of a manifest, from files that are as listed."""

from __future__ import annotations

import csv
import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.json_file import read_json
from napari_stem_defects.io.scoring.mask_file import read_mask
from napari_stem_defects.scoring.image_score import GroundTruth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.io.scoring.manifest import ListedFile, ListedImage, Manifest

_ADVICE = "fetch the file again, or correct the manifest"


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
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        fault = "is missing" if not path.exists() else "cannot be read"
    else:
        if found == listed.sha256:
            return ""
        fault = "is not as listed"
    return f"{listed.path}: {fault}; fetch it from {listed.url} (sha256 {listed.sha256})"


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
    points = {} if image.points is None else _read_points(folder / image.points.path, image, only)
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


def _read_points(path: Path, image: ListedImage, only: str) -> Mapping[str, NDArray[np.float64]]:
    """Read a table of points; without a column of classes all are of the class ``only``."""
    grouped: dict[str, list[tuple[float, float]]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                place = float(row[image.y_column]), float(row[image.x_column])
                name = only if image.class_column is None else row[image.class_column]
                grouped[name].append(place)
    except KeyError as error:
        raise InputError(one_line(path, f"has no column {error.args[0]!r}", _ADVICE)) from None
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise InputError(one_line(path, f"is no table of points ({error})", _ADVICE)) from None
    found = {name: np.array(each, np.float64) for name, each in grouped.items()}
    if not all(np.isfinite(each).all() for each in found.values()):
        raise InputError(one_line(path, "holds a position that is not finite", _ADVICE))
    return found


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
