"""Tables of labelled points in one micrograph (CSV)."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, NamedTuple

from napari_stem_defects.base.defect_classes import check_class_name
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_POSITION = ("y_px", "x_px")


class PointRow(NamedTuple):
    """One row of a table: position in px, class, and index of the frame."""

    y: float
    x: float
    class_name: str
    frame: int


def read_point_table(table: Path, class_column: str | None = None) -> list[PointRow]:
    """Read a table of points.

    Parameters
    ----------
    table : Path
        CSV file with the columns ``y_px`` and ``x_px``, a column of classes, and optionally
        ``frame``.
    class_column : str, optional
        Name of the column of classes; by default the only other column, or ``class``.

    Returns
    -------
    list of PointRow
        The rows of the table.

    Raises
    ------
    LabelError
        The file is not a CSV table, a column is missing, or a row is invalid; the message names
        the line.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            column = _find_class_column(table, reader.fieldnames or (), class_column)
            return [_parse_row(table, reader.line_num, row, column) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise LabelError(one_line(table, fault, "give a CSV table")) from error


def _find_class_column(table: Path, columns: Sequence[str], wanted: str | None) -> str:
    others = [name for name in columns if name not in (*_POSITION, "frame")]
    if wanted is None:
        wanted = others[0] if len(others) == 1 else "class"
    if missing := [name for name in (*_POSITION, wanted) if name not in columns]:
        fault = f"has no column {', '.join(missing)}"
        raise LabelError(one_line(table, fault, "it needs y_px, x_px and one with the class"))
    return wanted


def _parse_row(table: Path, line: int, row: dict[str, str | None], column: str) -> PointRow:
    try:
        y, x = (float(row[name] or "") for name in _POSITION)
        if not (math.isfinite(y) and math.isfinite(x)):
            raise ValueError(f"position {y}, {x} is not finite")
        name = check_class_name((row[column] or "").strip())
        return PointRow(y, x, name, int(row.get("frame") or 0))
    except (TypeError, ValueError, LabelError) as error:
        fault = f"line {line}: {error}"
        raise LabelError(one_line(table, fault, "correct or remove it")) from error
