"""Tables of labelled points in one micrograph (CSV)."""

from __future__ import annotations

import csv
import math
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, cast

from napari_stem_defects.base.defect_classes import Kind, check_class_name, check_kind
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.csv_cells import read_text
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_POSITION = ("y_px", "x_px")
_NAMES = (*_POSITION, "class", "frame", "kind")
# napari stores points in px of the layer, whatever its scale; its "index" numbers the points.
_NAPARI = {"axis-0": "y_px", "axis-1": "x_px"}
_NAPARI_STACK = {"axis-0": "frame", "axis-1": "y_px", "axis-2": "x_px"}
_MOST_NAMES = 6
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
        with table.open(newline="", encoding=_encoding(table)) as file:
            header, skipped = _find_header(file)
            separator = _separator(header)
            reader = csv.DictReader(chain([header], file), strict=True, delimiter=separator)
            names = reader.fieldnames = _known_names(reader.fieldnames or ())
            column = _find_class_column(table, names)
            rows, kinds = [], dict[str, Kind]()
            for cells in reader:
                line = reader.line_num + skipped
                if separator != ",":
                    cells |= {name: (cells[name] or "").replace(",", ".") for name in _POSITION}
                row = _parse_row(table, line, cells, column)
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


def _encoding(table: Path) -> str:
    with table.open("rb") as file:
        return "utf-16" if file.read(2) in _UTF_16 else "utf-8-sig"


def _find_header(lines: Iterable[str]) -> tuple[str, int]:
    """Return the first line that is no comment, and how many were before it.

    NumPy writes the header itself as a comment.
    """
    skipped = 0
    for line in lines:
        bare = line.lstrip("# ")
        if all(name in bare.casefold() for name in _POSITION):
            return bare, skipped
        if line.strip() and not line.startswith("#"):
            return line, skipped
        skipped += 1
    return "", skipped


def _known_names(columns: Sequence[str]) -> list[str]:
    """Return the names of the columns, those that are read in their usual spelling."""
    found = [name.strip() for name in columns]
    usual = [
        name.casefold() if name.casefold() in _NAMES and name.casefold() not in found else name
        for name in found
    ]
    axes = {name for name in usual if name.startswith("axis-")}
    for own in (_NAPARI, _NAPARI_STACK):
        if axes == own.keys():
            return [own.get(name, "" if name == "index" else name) for name in usual]
    return usual


def _separator(header: str) -> str:
    return max(_SEPARATORS, key=header.count)


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


def _parse_row(table: Path, line: int, row: dict[str, str | None], column: str) -> PointRow:
    try:
        y, x = (float(row[name] or "") for name in _POSITION)
        if not (math.isfinite(y) and math.isfinite(x)):
            raise ValueError(f"position {y}, {x} is not finite")
        name = check_class_name(read_text((row[column] or "").strip()))
        kind = None if column == "kind" else _parse_kind(name, row)
        return PointRow(y, x, name, _parse_frame(row.get("frame")), kind)
    except (TypeError, ValueError, LabelError) as error:
        fault = f"line {line}: {error}"
        raise LabelError(one_line(table, fault, "correct or remove it")) from error


def _parse_frame(cell: str | None) -> int:
    """Return the index of a frame, which napari stores as a decimal number."""
    number = float(cell or 0)
    if not number.is_integer():
        raise ValueError(f"frame {cell} is not a whole number")
    return int(number)


def _parse_kind(name: str, row: dict[str, str | None]) -> Kind | None:
    """Return the kind in a row; None where the table gives none."""
    kind = (row.get("kind") or "").strip()
    if not kind:
        return None
    check_kind(name, kind)
    return cast("Kind", kind)
