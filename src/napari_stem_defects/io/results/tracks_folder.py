"""``tracks/`` in the result folder of a movie: drift, tracks, histories, hops, counts, chart."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.csv_cells import TableWriter, read_text
from napari_stem_defects.io.results.json_file import read_json_or_empty, read_or_report, write_json
from napari_stem_defects.io.results.picture_file import write_picture
from napari_stem_defects.reporting.count_chart import count_chart
from napari_stem_defects.reporting.undrawn import draw_or_state
from napari_stem_defects.tracking.linking import Spot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.statistics.rates import Estimate
    from napari_stem_defects.tracking.drift import Drift
    from napari_stem_defects.tracking.histories import ClassDynamics, FrameCount, History, Hop

FOLDER = "tracks"
SUMMARY, DRIFT, TRACKS = "tracking.json", "drift.csv", "tracks.csv"
HISTORIES, HOPS, COUNTS, CHART = "histories.csv", "hops.csv", "counts.csv", "counts.png"

_TRACK_COLUMNS = (
    *("track", "frame", "class", "region", "y_px", "x_px", "y_fixed_px", "x_fixed_px"),
    *("y_fixed_nm", "x_fixed_nm", "drift_y_px", "drift_x_px", "hop"),
)


@dataclass(frozen=True)
class Tracks:
    """All that is known about the defects of a movie over time.

    Attributes
    ----------
    drift : Drift
    spots : sequence of Spot
    hops : sequence of Hop
    histories : sequence of History
    dynamics : sequence of ClassDynamics
    counts : sequence of FrameCount
    """

    drift: Drift
    spots: Sequence[Spot]
    hops: Sequence[Hop]
    histories: Sequence[History]
    dynamics: Sequence[ClassDynamics]
    counts: Sequence[FrameCount]

    def __repr__(self) -> str:
        return f"Tracks({len(self.histories)} tracks, {len(self.hops)} hops)"


def write_tracks(
    result: Path,
    tracks: Tracks,
    about: Mapping[str, Any],
    colours: Mapping[str, str],
) -> tuple[Path, tuple[str, ...]]:
    """Write the tables, the chart and, last, the summary.

    Parameters
    ----------
    result : Path
        The result folder.
    tracks : Tracks
    about : mapping
        JSON-safe: ``image``, ``pixel_size_nm``, ``frame_time_s``, ``fingerprint`` of the result and
        the parameters of the tracking.
    colours : mapping of str to str
        Colour of each class.

    Returns
    -------
    folder : Path
    notes : tuple of str
        What could not be drawn.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    folder, nm = result / FOLDER, about["pixel_size_nm"]
    drift = dict(zip(tracks.drift.frames, tracks.drift.shift_px.tolist(), strict=True))
    _write(folder / DRIFT, *_drift_table(tracks.drift, nm))
    landed = {(hop.track, hop.to_frame) for hop in tracks.hops}
    _write(
        folder / TRACKS,
        _TRACK_COLUMNS,
        (
            (
                *(spot.track, spot.frame, spot.class_name, spot.region, spot.y_px, spot.x_px),
                *(spot.y_fixed_px, spot.x_fixed_px),
                *(_times(spot.y_fixed_px, nm), _times(spot.x_fixed_px, nm)),
                *drift[spot.frame],
                int((spot.track, spot.frame) in landed),
            )
            for spot in tracks.spots
        ),
    )
    _write(folder / HISTORIES, *_history_table(tracks.histories, nm, about["frame_time_s"]))
    _write(folder / HOPS, *_hop_table(tracks.hops, nm))
    _write(folder / COUNTS, *_count_table(tracks.counts))
    chart = partial(count_chart, tracks.counts, colours, about["image"], about["frame_time_s"])
    picture, fault = draw_or_state(chart, "The chart of counts")
    write_picture(folder / CHART, picture)
    classes = [_rates(each, about["frame_time_s"]) for each in tracks.dynamics]
    notes = (fault,) if fault else ()
    write_json(folder / SUMMARY, {**about, "classes": classes, "notes": list(notes)})
    return folder, notes


def read_track_points(result: Path, fingerprint: str) -> list[Spot]:
    """Read the tracks of a result.

    Parameters
    ----------
    result : Path
        The result folder.
    fingerprint : str
        Of the result as it is now.

    Returns
    -------
    list of Spot
        Empty if there are none, or if they belong to results that have been replaced since.

    Raises
    ------
    ReadError
        The table is missing or damaged.
    """
    summary = read_json_or_empty(result / FOLDER / SUMMARY)
    if not summary or summary.get("fingerprint") != fingerprint:
        return []
    return read_or_report(_read_spots, result / FOLDER / TRACKS)


def _read_spots(path: Path) -> list[Spot]:
    with path.open(newline="", encoding="utf-8") as file:
        return [
            Spot(
                int(row["track"]),
                int(row["frame"]),
                read_text(row["class"]),
                int(row["region"]),
                *(float(row[name]) for name in ("y_px", "x_px", "y_fixed_px", "x_fixed_px")),
            )
            for row in csv.DictReader(file)
        ]


_Table = tuple[tuple[str, ...], "Iterable[tuple[object, ...]]"]


def _drift_table(drift: Drift, nm: float | None) -> _Table:
    columns = ("frame", "drift_y_px", "drift_x_px", "drift_y_nm", "drift_x_nm", "correlation")
    found = zip(drift.frames, drift.shift_px.tolist(), drift.correlation.tolist(), strict=True)
    return columns, ((f, y, x, _times(y, nm), _times(x, nm), c) for f, (y, x), c in found)


def _history_table(
    histories: Sequence[History], nm: float | None, frame_time_s: float | None
) -> _Table:
    columns = (
        *("track", "class", "first_frame", "last_frame", "frames_seen", "frames_lived", "lived_s"),
        *("birth", "death", "hops", "net_px", "net_nm"),
    )
    return columns, (
        (
            *(h.track, h.class_name, h.first_frame, h.last_frame, h.seen, h.lived),
            *(_times(h.lived, frame_time_s), h.birth, h.death, h.hops),
            *(h.net_px, _times(h.net_px, nm)),
        )
        for h in histories
    )


def _hop_table(hops: Sequence[Hop], nm: float | None) -> _Table:
    columns = (
        *("track", "class", "from_frame", "to_frame", "dy_px", "dx_px", "length_px", "length_nm"),
        *("steps_a", "steps_b"),
    )
    return columns, (
        (
            *(h.track, h.class_name, h.from_frame, h.to_frame, h.dy_px, h.dx_px),
            *(h.length_px, _times(h.length_px, nm), h.steps_a, h.steps_b),
        )
        for h in hops
    )


def _count_table(counts: Sequence[FrameCount]) -> _Table:
    columns = ("frame", "class", "count", "low", "high", "births", "deaths")
    return columns, (
        (
            c.frame,
            c.class_name,
            int(c.count.value or 0),
            c.count.low,
            c.count.high,
            c.births,
            c.deaths,
        )
        for c in counts
    )


def _rates(dynamics: ClassDynamics, frame_time_s: float | None) -> dict[str, Any]:
    found = asdict(dynamics)
    if frame_time_s is not None:
        for name, estimate in (
            ("birth_rate_per_s", _scaled(dynamics.birth_rate, 1 / frame_time_s)),
            ("death_rate_per_s", _scaled(dynamics.death_rate, 1 / frame_time_s)),
            ("hop_rate_per_s", _scaled(dynamics.hop_rate, 1 / frame_time_s)),
            ("lifetime_s", _scaled(dynamics.lifetime, frame_time_s)),
            ("residence_s", _scaled(dynamics.residence, frame_time_s)),
        ):
            found[name] = estimate
    return found


def _scaled(estimate: Estimate, factor: float) -> dict[str, float | None]:
    return {name: _times(value, factor) for name, value in asdict(estimate).items()}


def _times(value: float | None, factor: float | None) -> float | None:
    return None if value is None or factor is None else value * factor


def _write(path: Path, columns: Sequence[str], rows: Iterable[tuple[object, ...]]) -> None:
    with replacing(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        table = TableWriter(file)
        table.writerow(columns)
        table.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value


def track_array(spots: Sequence[Spot]) -> tuple[np.ndarray, dict[str, list[object]]]:
    """Return tracks as napari takes them.

    Parameters
    ----------
    spots : sequence of Spot

    Returns
    -------
    data : ndarray of float64, shape (N, 4)
        Track, frame, y and x in px of the frame, sorted by track and frame.
    features : dict of str to list
        ``class`` and ``track`` of each row.
    """
    ordered = sorted(spots, key=lambda spot: (spot.track, spot.frame))
    data = np.array([(s.track, s.frame, s.y_px, s.x_px) for s in ordered], float).reshape(-1, 4)
    features: dict[str, list[object]] = defaultdict(list)
    for spot in ordered:
        features["class"].append(spot.class_name)
        features["track"].append(spot.track)
    return data, dict(features)
