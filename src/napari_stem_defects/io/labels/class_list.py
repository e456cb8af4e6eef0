"""List of the classes in a folder of patches: names, kinds, titles and colours (CSV)."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, cast

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.csv_cells import TableWriter, read_text
from napari_stem_defects.io.csv_tables import open_table
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.io.csv_tables import Cells

CLASSES = "classes.csv"
"""Name of the list in a folder of patches."""

_COLUMNS = ("class", "kind", "title", "colour")


def write_classes(path: Path, classes: Iterable[DefectClass]) -> None:
    """Write a list of classes.

    Parameters
    ----------
    path : Path
        The CSV file.
    classes : iterable of DefectClass
        One row each.

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        table = TableWriter(file)
        table.writerow(_COLUMNS)
        table.writerows((each.name, each.kind, each.title, each.colour) for each in classes)


def read_classes(path: Path) -> tuple[DefectClass, ...]:
    """Read a list of classes.

    Parameters
    ----------
    path : Path
        A CSV file with the columns ``class`` and ``kind``, and optionally ``title`` and
        ``colour``; it need not exist.

    Returns
    -------
    tuple of DefectClass
        One per row; empty if there is no such file.

    Raises
    ------
    LabelError
        The file is no such table or a row is invalid; the message names the line.
    """
    if not path.is_file():
        return ()
    try:
        with open_table(path, _COLUMNS) as table:
            if not {"class", "kind"} <= set(table.columns):
                raise LabelError(one_line(path, "has no column class or kind", "add it"))
            return tuple(_parse_row(path, line, row) for line, row in table.rows())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise LabelError(one_line(path, fault, "give a CSV table")) from error


def _parse_row(path: Path, line: int, row: Cells) -> DefectClass:
    name, kind, title, colour = (read_text((row.get(column) or "").strip()) for column in _COLUMNS)
    try:
        return DefectClass(name, cast("Kind", kind), title, colour)
    except LabelError as error:
        raise LabelError(one_line(path, f"line {line}: {error}", "correct or remove it")) from error
