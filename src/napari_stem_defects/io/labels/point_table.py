"""Tables of labelled points in one micrograph (CSV)."""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING, NamedTuple, cast

from napari_stem_defects.base.defect_classes import Kind, check_class_name, check_kind
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.csv_cells import read_text
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_POSITION = ("y_px", "x_px")
# Excel writes semicolons, and commas in numbers, in many countries, and tabs in UTF-16.
_SEPARATORS = ",;\t"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


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
        with decimal points or commas.

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
        with table.open(newline="", encoding=_encoding(table)) as file:
            separator = _separator(file.readline())
            file.seek(0)
            reader = csv.DictReader(file, strict=True, delimiter=separator)
            column = _find_class_column(table, reader.fieldnames or ())
            rows, kinds = [], dict[str, Kind]()
            for cells in reader:
                if separator != ",":
                    cells |= {name: (cells[name] or "").replace(",", ".") for name in _POSITION}
                row = _parse_row(table, reader.line_num, cells, column)
                if row.kind and kinds.setdefault(row.class_name, row.kind) != row.kind:
                    fault = f"line {reader.line_num}: {row.class_name} is {row.kind} here"
                    advice = f"it is {kinds[row.class_name]} above; give each class one kind"
                    raise LabelError(one_line(table, fault, advice))
                rows.append(row)
            return rows
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise LabelError(one_line(table, fault, "give a CSV table")) from error


def _encoding(table: Path) -> str:
    with table.open("rb") as file:
        return "utf-16" if file.read(2) in _UTF_16 else "utf-8-sig"


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


def _find_class_column(table: Path, columns: Sequence[str]) -> str:
    others = [name for name in columns if name not in (*_POSITION, "frame")]
    others = [name for name in others if name != "kind"] or others
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
        name = check_class_name(read_text((row[column] or "").strip()))
        kind = None if column == "kind" else _parse_kind(name, row)
        return PointRow(y, x, name, int(row.get("frame") or 0), kind)
    except (TypeError, ValueError, LabelError) as error:
        fault = f"line {line}: {error}"
        raise LabelError(one_line(table, fault, "correct or remove it")) from error


def _parse_kind(name: str, row: dict[str, str | None]) -> Kind | None:
    """Return the kind in a row; None where the table gives none."""
    kind = (row.get("kind") or "").strip()
    if not kind:
        return None
    check_kind(name, kind)
    return cast("Kind", kind)
