"""``lines.geojson``: the centre lines of the regions of line classes.

A GeoJSON FeatureCollection (RFC 7946) with a LineString per region. Coordinates are x, y in px of
the image, not longitude and latitude: pixel centres are at integers and y points downwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.errors import ReadError
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results.json_file import read_json, write_json_list

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_stem_defects.postprocessing.results import Region

Line = tuple[tuple[float, float], ...]


def write_lines(path: Path, regions: Iterable[Region]) -> None:
    """Write the centre lines of regions; those without one are left out.

    Parameters
    ----------
    path : Path
        ``lines.geojson``.
    regions : iterable of Region
        Regions of all frames of an image.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    about = "x, y in px; pixel centres at integers; y points downwards"
    write_json_list(
        path,
        {"type": "FeatureCollection", "coordinate_system": about},
        "features",
        (_feature(region) for region in regions if region.centre_line),
    )


def read_lines(path: Path) -> dict[tuple[int, str, int], Line]:
    """Read the file of `write_lines`.

    Parameters
    ----------
    path : Path
        ``lines.geojson``.

    Returns
    -------
    dict of (int, str, int) to tuple of (float, float)
        Centre lines, points (y, x) in px, by frame, class and number of the region.

    Raises
    ------
    ReadError
        The file is missing or damaged.
    """
    stored = read_json(path)
    try:
        return {
            (about["frame"], about["class"], about["region"]): tuple(
                (float(y), float(x)) for x, y in feature["geometry"]["coordinates"]
            )
            for feature in stored["features"]
            for about in [feature["properties"]]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise ReadError(
            one_line(path, f"is damaged ({error})", "run the detection again")
        ) from None


def _feature(region: Region) -> dict[str, Any]:
    length = region.length_px or 0.0
    return {
        "type": "Feature",
        "properties": {
            "class": region.class_name,
            "region": region.region,
            "frame": region.frame,
            "length_px": round(length, 2),
            "length_nm": region.length_nm,
            "width_px": round(region.area_px / max(length, 1.0), 2),
            "width_nm": region.width_nm,
            "direction_deg": region.direction_deg,
        },
        "geometry": {
            "type": "LineString",
            "coordinates": [[x, y] for y, x in region.centre_line],
        },
    }
