"""``watch.csv``: one table of all images of a watched folder, to which rows are appended.

An image has a row for each of its classes; one without a named defect, or with a fault, has one.
The rows of an image are written at once. Where an image has several sets of rows, it was recorded
again under its name, and the last set counts.
"""

from __future__ import annotations

import csv
import io
import os
from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.atomic import output_error
from napari_stem_defects.io.csv_cells import TableWriter, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

WATCH_TABLE = "watch.csv"
COLUMNS = (
    *("image", "size_bytes", "modified_ns", "folder", "written", "frames", "pixel_size_nm"),
    *("searched_nm2", "model", "recognised", "unknown_fraction"),
    *("class", "count", "per_nm2", "length_nm", "area_nm2", "area_fraction", "fault"),
)


def result_rows(
    image: str, stamp: tuple[int, int], folder: str, summary: Mapping[str, Any]
) -> list[dict[str, object]]:
    """Return the rows of a finished image.

    Parameters
    ----------
    image : str
        File name.
    stamp : (int, int)
        Size in bytes and time of change in ns of the file.
    folder : str
        Name of its result folder.
    summary : mapping
        Content of its ``summary.json``.

    Returns
    -------
    list of dict
        One per class, by column.
    """
    about = summary["image"]
    common: dict[str, object] = {
        "image": image,
        "size_bytes": stamp[0],
        "modified_ns": stamp[1],
        "folder": folder,
        "written": summary["written"],
        "frames": len(summary["frames"]),
        "pixel_size_nm": about["pixel_size_nm"],
        "searched_nm2": summary["searched_nm2"],
        "model": summary["model"]["name"],
        "recognised": int(bool(summary["recognised"])),
        "unknown_fraction": summary["unknown_fraction"],
    }
    classes = [
        {
            **common,
            "class": name,
            "count": count,
            "per_nm2": summary["densities_per_nm2"].get(name),
            "length_nm": summary["lengths_nm"].get(name),
            "area_nm2": summary["areas_nm2"].get(name),
            "area_fraction": summary["area_fractions"].get(name),
        }
        for name, count in summary["counts"].items()
    ]
    return classes or [common]


def fault_row(image: str, stamp: tuple[int, int], fault: str) -> dict[str, object]:
    """Return the row of an image that cannot be used.

    Parameters
    ----------
    image : str
        File name.
    stamp : (int, int)
        Size in bytes and time of change in ns of the file.
    fault : str
        What is wrong, in one line.

    Returns
    -------
    dict
        By column.
    """
    return {"image": image, "size_bytes": stamp[0], "modified_ns": stamp[1], "fault": fault}


def append_rows(out: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Append rows to the table; the table is created with its first row.

    Parameters
    ----------
    out : Path
        Folder of the table.
    rows : sequence of mapping
        Values by column; those that are missing are empty.

    Raises
    ------
    OutputError
        The disk is full, or the folder is away or not writable.
    """
    path = out / WATCH_TABLE
    try:
        is_new = not path.exists() or path.stat().st_size == 0
        text = io.StringIO(newline="")
        table = TableWriter(text)
        if is_new:
            table.writerow(COLUMNS)
        table.writerows([_cell(row.get(name)) for name in COLUMNS] for row in rows)
        with path.open("ab") as file:
            file.write(text.getvalue().encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise output_error(path, error, "close it elsewhere, or check the drive") from error


def remove_torn_row(out: Path) -> None:
    """Remove an incomplete last row, which a power failure may leave.

    Parameters
    ----------
    out : Path
        Folder of the table.

    Raises
    ------
    OutputError
        The table cannot be written.
    """
    path = out / WATCH_TABLE
    try:
        if not path.exists():
            return
        with path.open("rb+") as file:
            content = file.read()
            whole = content.rfind(b"\n") + 1
            if whole < len(content):
                file.truncate(whole)
    except OSError as error:
        raise output_error(path, error, "close it elsewhere, or check the drive") from error


def finished_images(out: Path) -> dict[str, tuple[tuple[int, int], str]]:
    """Return the images in the table that have results.

    Parameters
    ----------
    out : Path
        Folder of the table.

    Returns
    -------
    dict of str to ((int, int), str)
        Size in bytes and time of change in ns, and the name of the result folder, by file name.
        Images with a fault are left out, so that they are tried again, and so are images whose
        result folder is gone.
    """
    found: dict[str, tuple[tuple[int, int], str]] = {}
    for row in _rows(out / WATCH_TABLE):
        name, folder = read_text(row["image"]), read_text(row["folder"])
        if folder and (out / folder).is_dir():
            found[name] = (int(row["size_bytes"]), int(row["modified_ns"])), folder
    return found


def _rows(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row.get("fault") is not None and row["size_bytes"].isdecimal():
                    yield row
    except (OSError, csv.Error, KeyError, UnicodeDecodeError):
        return


def _cell(value: object) -> object:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else value
