"""``grains.geojson``: the outlines of the grains of an image.

A GeoJSON FeatureCollection (RFC 7946) with a Polygon per grain. Coordinates are x, y in px of the
image, not longitude and latitude: pixel centres are at integers and y points downwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.results.json_file import write_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.anomaly.survey_frame import Survey
    from napari_stem_defects.lattice.grains import Grain


def write_grains(path: Path, surveys: Sequence[Survey]) -> None:
    """Write the outlines of the grains of all frames.

    Parameters
    ----------
    path : Path
        ``grains.geojson``.
    surveys : sequence of Survey
        One per frame.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    features = [
        _feature(grain, survey.frame, survey.pixel_size_nm)
        for survey in surveys
        for grain in survey.grain_map.grains
    ]
    about = "x, y in px; pixel centres at integers; y points downwards"
    write_json(
        path, {"type": "FeatureCollection", "coordinate_system": about, "features": features}
    )


def grain_to_json(grain: Grain, pixel_size_nm: float | None = None) -> dict[str, Any]:
    """Return a grain without its outline as JSON-safe values.

    Parameters
    ----------
    grain : Grain
    pixel_size_nm : float, optional
        Edge of a pixel in nm; without it, ``area_nm2`` and ``vectors_nm`` are None.

    Returns
    -------
    dict
        ``grain`` (its number), ``y_px``, ``x_px``, ``area_px``, ``area_nm2``, ``area_fraction``,
        ``orientation_deg``, ``vectors_px``, ``vectors_nm`` and ``neighbours``.
    """
    vectors = np.array(grain.vectors_px)
    size = pixel_size_nm
    return {
        "grain": grain.number,
        "y_px": round(grain.y, 2),
        "x_px": round(grain.x, 2),
        "area_px": round(grain.area_px, 1),
        "area_nm2": None if size is None else round(grain.area_px * size**2, 4),
        "area_fraction": round(grain.area_fraction, 5),
        "orientation_deg": round(grain.orientation_deg, 2),
        "vectors_px": vectors.round(4).tolist(),
        "vectors_nm": None if size is None else (vectors * size).round(6).tolist(),
        "neighbours": [
            {
                "grain": other.number,
                "misorientation_deg": (
                    None if other.misorientation_deg is None else round(other.misorientation_deg, 2)
                ),
                "mirrored": other.mirrored,
            }
            for other in grain.neighbours
        ],
    }


def _feature(grain: Grain, frame: int, pixel_size_nm: float | None) -> dict[str, Any]:
    rings = [[[x, y] for y, x in ring] for ring in (grain.outline, *grain.holes)]
    return {
        "type": "Feature",
        "properties": {"frame": frame, **grain_to_json(grain, pixel_size_nm)},
        "geometry": {"type": "Polygon", "coordinates": rings},
    }
