"""Predictions of any program: a table of points, result folders of this one, or masks."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.csv_cells import read_text
from napari_stem_defects.io.csv_tables import open_table
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.io.results.report_sources import find_summaries
from napari_stem_defects.io.results.stored_result import StoredResult
from napari_stem_defects.io.scoring.mask_file import SUFFIXES, read_mask
from napari_stem_defects.scoring.image_score import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.io.csv_tables import Cells, OpenTable
    from napari_stem_defects.io.scoring.manifest import ListedImage, Manifest
    from napari_stem_defects.postprocessing.results import Detection, Region

_COLUMNS = ("image", "class", "y_px", "x_px")
_Row = tuple[str, float, float, float]


class Predictions:
    """The predictions for the images of a manifest.

    Parameters
    ----------
    path : Path
        CSV file with the columns ``image``, ``class``, ``y_px``, ``x_px`` and perhaps ``score``, or
        a folder with result folders of this program, or with a folder of masks for each image
        (``IMAGE/CLASS.tif`` or ``.png``).
    manifest : Manifest

    Raises
    ------
    InputError
        There is no such file or folder, or the table is not as described; one line.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self._path, self._manifest = path, manifest
        self._rows: Mapping[str, list[_Row]] | None = None
        self._results: Mapping[str, Path] = {}
        if path.is_dir():
            self._results = _results_by_image(path, manifest)
        elif path.is_file():
            self._rows = _read_table(path, manifest)
        else:
            raise InputError(missing_file(path, "there are no predictions"))

    def of(self, image: ListedImage) -> Prediction | None:
        """Return the predictions for an image.

        Parameters
        ----------
        image : ListedImage

        Returns
        -------
        Prediction or None
            None where a folder holds nothing for the image; an image without a row in a table has
            no defect.

        Raises
        ------
        InputError
            A file is damaged or has another size.
        """
        if self._rows is not None:
            return _of_points(self._manifest, self._rows.get(image.name, ()), None)
        if image.name in self._results:
            stored = StoredResult(self._results[image.name])
            try:
                if stored.frame_shape != image.shape:
                    fault = f"was made of an image of {stored.frame_shape} px, not {image.shape}"
                    raise InputError(one_line(stored.folder, fault, "search the listed image"))
                return of_detection(self._manifest, stored.detection(stored.frames[0]))
            finally:
                stored.close()
        folder = self._path / image.name
        return _of_masks(self._manifest, image, folder) if folder.is_dir() else None


def of_detection(manifest: Manifest, detection: Detection) -> Prediction:
    """Return a detection of this program as predictions.

    Parameters
    ----------
    manifest : Manifest
    detection : Detection

    Returns
    -------
    Prediction
        Point defects at their measured sites, where there are some, else at their centroids.
    """
    masks = dict[str, "NDArray[np.bool_]"]()
    for name, mask in zip(detection.mask_names, detection.masks, strict=True):
        _join(masks, manifest.own_name(name), mask != 0)
    rows = [_row(each) for each in detection.regions if each.kind == "point"]
    return _of_points(manifest, rows, masks)


def _row(region: Region) -> _Row:
    y, x = region.site_y_px, region.site_x_px
    if y is None or x is None:
        y, x = region.y_px, region.x_px
    return region.class_name, y, x, region.mean_probability


def _of_points(
    manifest: Manifest, rows: Sequence[_Row], masks: Mapping[str, NDArray[np.bool_]] | None
) -> Prediction:
    names = tuple(manifest.own_name(row[0]) for row in rows)
    numbers = np.array([row[1:] for row in rows], np.float64).reshape(-1, 3)
    return Prediction(names, numbers[:, :2], numbers[:, 2], masks)


def _join(masks: dict[str, NDArray[np.bool_]], name: str, mask: NDArray[np.bool_]) -> None:
    masks[name] = masks[name] | mask if name in masks else mask


def _read_table(path: Path, manifest: Manifest) -> Mapping[str, list[_Row]]:
    images = {each.name for each in manifest.images}
    grouped: dict[str, list[_Row]] = defaultdict(list)
    advice = f"write the columns {', '.join(_COLUMNS)} and perhaps score"
    try:
        with open_table(path, (*_COLUMNS, "score"), required=_COLUMNS) as table:
            missing = [name for name in _COLUMNS if name not in table.columns]
            if missing:
                raise InputError(one_line(path, f"has no column {missing[0]!r}", advice))
            for line, row in table.rows():
                image = read_text((row["image"] or "").strip())
                if image not in images:
                    fault = f"row {line} names the image {image!r}, which is not listed"
                    raise InputError(one_line(path, fault, "name images as the manifest does"))
                grouped[image].append(_table_row(path, line, table, row, advice))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(one_line(path, f"cannot be read ({error})", advice)) from None
    return grouped


def _table_row(path: Path, line: int, table: OpenTable, row: Cells, advice: str) -> _Row:
    try:
        y, x = table.number(row["y_px"]), table.number(row["x_px"])
        score = table.number((row.get("score") or "").strip() or "nan")
    except ValueError:
        fault = f"row {line} holds a text where a number belongs"
        raise InputError(one_line(path, fault, advice)) from None
    if not (math.isfinite(y) and math.isfinite(x)) or not (math.isnan(score) or 0 <= score <= 1):
        fault = f"row {line} holds a position that is not finite, or a score outside 0 to 1"
        raise InputError(one_line(path, fault, advice))
    return read_text((row["class"] or "").strip()), y, x, score


def _results_by_image(folder: Path, manifest: Manifest) -> Mapping[str, Path]:
    """Return the result folder of each image, by the stem of its file or by its name."""
    stems = {
        each.image.path.replace("\\", "/").rpartition("/")[2]: each for each in manifest.images
    }
    by_stem = {name.rpartition(".")[0] or name: each.name for name, each in stems.items()}
    names = {each.name for each in manifest.images}
    found: dict[str, Path] = {}
    for summary in find_summaries(folder):
        own = StoredResult(summary).name
        name = own if own in names else by_stem.get(own, own)
        if name in found:
            fault = f"holds two results of the image {name!r}"
            raise InputError(one_line(folder, fault, "give a folder with one"))
        found[name] = summary.parent
    return found


def _of_masks(manifest: Manifest, image: ListedImage, folder: Path) -> Prediction:
    """Return masks as predictions; each region of a class of points is one point."""
    masks = dict[str, "NDArray[np.bool_]"]()
    files: Iterable[Path] = sorted(folder.iterdir())
    for path in files:
        if path.suffix.lower() in SUFFIXES:
            name = manifest.own_name(path.stem)
            _join(masks, name, read_mask(path, image.shape))
    rows = list[_Row]()
    for name, mask in masks.items():
        listed = manifest.classes.get(name)
        if listed is None or listed.kind == "point":
            label, count = ndimage.label(mask, np.ones((3, 3)))
            centres = ndimage.center_of_mass(mask, label, range(1, count + 1))
            rows += [(name, float(y), float(x), math.nan) for y, x in centres]
    return _of_points(manifest, rows, masks)
