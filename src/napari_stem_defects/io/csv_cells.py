"""CSV tables whose text cells no spreadsheet takes for a formula.

Names of images and classes are free text, and a spreadsheet computes a cell that begins with
``=``, ``+``, ``-`` or ``@`` when a table is opened. Such a cell is written with an apostrophe
before it, which the readers of this package remove. Numbers stay as they are.
"""

from __future__ import annotations

import csv
import re
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# With any number of apostrophes before it, so that reading restores every text.
_MARKS = frozenset("'=+-@\t")
_FORMULA = re.compile(r"'*[=+\-@\t]")
_NUMBER = re.compile(r"'*[+-](\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


class TableWriter:
    """Writes rows of a CSV table, one line each.

    Parameters
    ----------
    file : text file
        Opened with ``newline=""``.
    """

    def __init__(self, file: IO[str]) -> None:
        self._table = csv.writer(file, lineterminator="\n")

    def writerow(self, row: Iterable[object]) -> None:
        """Write one row; text that a spreadsheet would compute is protected."""
        self._table.writerow(
            [_protect(c) if isinstance(c, str) and c[:1] in _MARKS else c for c in row]
        )

    def writerows(self, rows: Iterable[Iterable[object]]) -> None:
        """Write several rows."""
        for row in rows:
            self.writerow(row)


def read_text(cell: str) -> str:
    """Return the text of a cell that `TableWriter` wrote.

    Parameters
    ----------
    cell : str
        A cell; one that was written by other programs stays as it is unless it is protected.

    Returns
    -------
    str
        Without the apostrophe that protects it.
    """
    return cell[1:] if cell.startswith("'") and _is_formula(cell) else cell


def _protect(text: str) -> str:
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    return bool(_FORMULA.match(text)) and not _NUMBER.fullmatch(text)
