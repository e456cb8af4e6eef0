"""Tables of few clicks: the clicks that a program is given, and what it found with them."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.errors import InputError
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.csv_cells import TableWriter, read_text
from napari_stem_defects.io.csv_tables import open_table
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.scoring.image_score import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from napari_stem_defects.io.scoring.manifest import Manifest
    from napari_stem_defects.scoring.few_clicks import Clicks

_CLICKS = ("image", "clicks", "class", "y_px", "x_px", "also_search")
_FOUND = ("clicked_image", "clicks", "image", "class", "y_px", "x_px")
_Key = tuple[str, int, str]


def write_clicks(path: Path, drawn: Iterable[tuple[str, Clicks, str]]) -> None:
    """Write the clicks for another program.

    Parameters
    ----------
    path : Path
        CSV file.
    drawn : iterable of (str, Clicks, str)
        Image that is clicked, the clicks, and the other image that is searched, too; "" if none.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    text = io.StringIO(newline="")
    table = TableWriter(text)
    table.writerow(_CLICKS)
    for image, clicks, other in drawn:
        for name, places in clicks.places.items():
            for y, x in places:
                table.writerow([image, clicks.count, name, f"{y:.2f}", f"{x:.2f}", other])
    write_bytes(path, text.getvalue().encode())


def read_found(path: Path, manifest: Manifest) -> Mapping[_Key, Prediction]:
    """Read what a program found with the clicks that it was given.

    Parameters
    ----------
    path : Path
        CSV file with the columns ``clicked_image``, ``clicks``, ``image``, ``class``, ``y_px`` and
        ``x_px``.
    manifest : Manifest

    Returns
    -------
    mapping of (str, int, str) to Prediction
        By the image that was clicked, the number of clicks, and the image that was searched. Where
        a table has no row, nothing was found.

    Raises
    ------
    InputError
        The table is missing or not as described; one line.
    """
    if not path.is_file():
        raise InputError(missing_file(path, "there are no predictions"))
    advice = f"write the columns {', '.join(_FOUND)}"
    rows: dict[_Key, list[tuple[str, float, float]]] = defaultdict(list)
    try:
        with open_table(path, _FOUND) as table:
            missing = [name for name in _FOUND if name not in table.columns]
            if missing:
                raise InputError(one_line(path, f"has no column {missing[0]!r}", advice))
            for _, row in table.rows():
                clicked, count, image, name = (
                    read_text((row[column] or "").strip()) for column in _FOUND[:4]
                )
                place = table.number(row["y_px"]), table.number(row["x_px"])
                rows[clicked, int(count), image].append((manifest.own_name(name), *place))
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise InputError(one_line(path, f"is no table of points ({error})", advice)) from None
    found = {}
    for key, each in rows.items():
        points = np.array([place for _, *place in each], np.float64)
        if not np.isfinite(points).all():
            raise InputError(one_line(path, "holds a position that is not finite", advice))
        names = tuple(name for name, *_ in each)
        found[key] = Prediction(names, points, np.full(len(names), np.nan))
    return found
