"""Another program for `stem-defects score --clicks`: plain template matching with scikit-image.

    stem-defects score MANIFEST --data DATA --clicks 1,3,7 --write-clicks clicks.csv
    python benchmarks/template_from_clicks.py MANIFEST DATA clicks.csv found.csv
    stem-defects score MANIFEST --data DATA --clicks 1,3,7 --predictions found.csv

The template of a class is the mean of the smoothed windows at its clicks; found are places that are
as similar to it as half of the clicks are.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.feature import match_template, peak_local_max

import napari_stem_defects as sd

SIGMA_NM, REACH_NM, APART_NM, HIGHEST = 0.04, 0.25, 0.15, 0.85


def main() -> None:
    """Search every image with the templates of its clicks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("manifest", "data", "clicks", "found"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    content = json.loads(options.manifest.read_text(encoding="utf-8"))
    images = {each["name"]: _smooth(options.data, each) for each in content["images"]}
    with options.clicks.open(newline="", encoding="utf-8") as file:
        clicks = list(csv.DictReader(file))
    with options.found.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["clicked_image", "clicks", "image", "class", "y_px", "x_px"])
        by = ("image", "clicks", "class", "also_search")
        for key, rows in itertools.groupby(clicks, lambda row: tuple(row[name] for name in by)):
            clicked, count, class_name, other = key
            places = np.array([(float(row["y_px"]), float(row["x_px"])) for row in rows])
            template, least = _template(*images[clicked], places)
            for name in filter(None, (clicked, other)):
                for y, x in _found(*images[name], template, least):
                    table.writerow([clicked, count, name, class_name, y, x])


def _smooth(data: Path, entry: dict[str, Any]) -> tuple[NDArray[Any], float]:
    size = entry["pixel_size_nm"]
    pixels = sd.read(data / entry["image"]["path"], pixel_size_nm=size).pixels
    return gaussian_filter(pixels, SIGMA_NM / size), size


def _template(image: NDArray[Any], size: float, places: NDArray[Any]) -> tuple[NDArray[Any], float]:
    reach = round(REACH_NM / size)
    padded = np.pad(image, reach, mode="reflect")
    windows = [
        padded[y : y + 2 * reach + 1, x : x + 2 * reach + 1] for y, x in np.rint(places).astype(int)
    ]
    template = np.mean(windows, axis=0)
    similar = [np.corrcoef(each.ravel(), template.ravel())[0, 1] for each in windows]
    return template, min(HIGHEST, float(np.median(similar)))


def _found(
    image: NDArray[Any], size: float, template: NDArray[Any], least: float
) -> NDArray[np.intp]:
    similarity = match_template(image, template, pad_input=True, mode="reflect")
    places: NDArray[np.intp] = peak_local_max(
        similarity, min_distance=round(APART_NM / size), threshold_abs=least, exclude_border=False
    )
    return places


if __name__ == "__main__":
    main()
