"""Tables of labelled points in one micrograph (CSV)."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, NamedTuple, cast

from napari_stem_defects.base.defect_classes import Kind, check_class_name, check_kind
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.csv_cells import read_text
from napari_stem_defects.io.csv_tables import open_table
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.io.csv_tables import Cells, OpenTable

_POSITION = ("y_px", "x_px")
_NAMES = (*_POSITION, "class", "frame", "kind")
# napari stores points in px of the layer, whatever its scale; its "index" numbers the points.
_NAPARI = {"axis-0": "y_px", "axis-1": "x_px"}
_NAPARI_STACK = {"axis-0": "frame", "axis-1": "y_px", "axis-2": "x_px"}
_MOST_NAMES = 6


class PointRow(NamedTuple):
    """One row of a table: position in px, class, index of the frame, and kind of the class."""

    y: float
    x: float
    class_name: str
    frame: int
    kind: Kind | None = None


def read_point_table(table: Path) -> list[PointRow]:
    """Read a table of points.

    Parameters
    ----------
    table : Path
        CSV file with the columns ``y_px`` and ``x_px``, a column of classes, and optionally
        ``frame`` and ``kind`` (the kind of the class: point, line or area). The classes are in the
        only other column, or in ``class``. Cells are separated by commas, or by semicolons or tabs
        with decimal points or commas. Capitals and spaces in these names do not matter, lines
        before the header that begin with ``#`` are skipped, and points that napari has stored are
        read.

    Returns
    -------
    list of PointRow
        The rows of the table.

    Raises
    ------
    LabelError
        The file is not a CSV table, a column is missing, or a row is invalid or gives a class
        another kind than an earlier one; the message names the line.
    """
    try:
        with open_table(table, _NAMES, required=_POSITION) as opened:
            opened.columns = _napari_names(opened.columns)
            column = _find_class_column(table, opened.columns)
            rows, kinds = [], dict[str, Kind]()
            for line, cells in opened.rows():
                row = _parse_row(table, line, opened, cells, column)
                if row.kind and kinds.setdefault(row.class_name, row.kind) != row.kind:
                    fault = f"line {line}: {row.class_name} is {row.kind} here"
                    advice = f"it is {kinds[row.class_name]} above; give each class one kind"
                    raise LabelError(one_line(table, fault, advice))
                rows.append(row)
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        encoded = isinstance(error, UnicodeDecodeError)
        advice = "save it as CSV in UTF-8" if encoded else "give a CSV table"
        raise LabelError(one_line(table, fault, advice)) from error


def _napari_names(columns: list[str]) -> list[str]:
    """Return the names of the columns, those of points that napari has stored in our words."""
    axes = {name for name in columns if name.startswith("axis-")}
    for own in (_NAPARI, _NAPARI_STACK):
        if axes == own.keys():
            return [own.get(name, "" if name == "index" else name) for name in columns]
    return columns


def _find_class_column(table: Path, columns: Sequence[str]) -> str:
    others = [name for name in columns if name and name not in (*_POSITION, "frame")]
    others = [name for name in others if name != "kind"] or others
    wanted = others[0] if len(others) == 1 else "class"
    if missing := [name for name in (*_POSITION, wanted) if name not in columns]:
        fault = f"has no column {', '.join(missing)}"
        if named := [name for name in columns if name]:
            fault += f" but {', '.join(named[:_MOST_NAMES])}{', ...' * (len(named) > _MOST_NAMES)}"
        advice = "it needs y_px, x_px and one with the class, positions in px"
        raise LabelError(one_line(table, fault, advice))
    return wanted


def _parse_row(table: Path, line: int, opened: OpenTable, row: Cells, column: str) -> PointRow:
    try:
        y, x = (opened.number(row[name]) for name in _POSITION)
        if not (math.isfinite(y) and math.isfinite(x)):
            raise ValueError(f"position {y}, {x} is not finite")
        name = check_class_name(read_text((row[column] or "").strip()))
        kind = None if column == "kind" else _parse_kind(name, row)
        return PointRow(y, x, name, _parse_frame(opened, row.get("frame")), kind)
    except (TypeError, ValueError, LabelError) as error:
        fault = f"line {line}: {error}"
        raise LabelError(one_line(table, fault, "correct or remove it")) from error


def _parse_frame(opened: OpenTable, cell: str | None) -> int:
    """Return the index of a frame, which napari stores as a decimal number."""
    number = opened.number(cell or "0")
    if not number.is_integer():
        raise ValueError(f"frame {cell} is not a whole number")
    return int(number)


def _parse_kind(name: str, row: Cells) -> Kind | None:
    """Return the kind in a row; None where the table gives none."""
    kind = (row.get("kind") or "").strip()
    if not kind:
        return None
    check_kind(name, kind)
    return cast("Kind", kind)
