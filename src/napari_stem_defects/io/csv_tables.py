"""CSV tables as spreadsheets and other programs write them."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    Cells = Mapping[str, str | None]

# Excel writes semicolons, and commas in numbers, in many countries, and tabs in UTF-16.
_SEPARATORS = ",;\t"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class OpenTable:
    """A table that is being read; see `open_table`.

    Parameters
    ----------
    lines : iterable of str
        Lines of the file.
    names : sequence of str
        Names of the columns that the caller reads.
    required : sequence of str
        Those of them by which a header is recognised that is written as a comment.
    """

    def __init__(self, lines: Iterable[str], names: Sequence[str], required: Sequence[str]) -> None:
        lines = iter(lines)
        header, self._skipped = _find_header(lines, required)
        self._separator = max(_SEPARATORS, key=header.count)
        self._reader = csv.DictReader(
            chain([header], lines), strict=True, delimiter=self._separator
        )
        self.columns: list[str] = _known_names(self._reader.fieldnames or (), names)
        """Names of the columns, those that are read in the caller's spelling; may be replaced."""

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """Yield the number of the line and the cells by column; None for cells that are missing.

        Yields
        ------
        (int, mapping of str to (str or None))
        """
        self._reader.fieldnames = self.columns
        for cells in self._reader:
            yield self._reader.line_num + self._skipped, cells

    def number(self, cell: str | None) -> float:
        """Return the number in a cell; where commas do not separate cells, they may be decimal.

        Parameters
        ----------
        cell : str or None

        Returns
        -------
        float

        Raises
        ------
        ValueError
            There is no number in it.
        """
        text = cell or ""
        return float(text if self._separator == "," else text.replace(",", "."))


@contextmanager
def open_table(
    path: Path, names: Sequence[str], *, required: Sequence[str] = ()
) -> Iterator[OpenTable]:
    """Open a table whose cells are separated by commas, semicolons or tabs.

    Lines before the header that begin with ``#`` are skipped; capitals of the names that are read
    and spaces around names do not matter. Text is UTF-8, or UTF-16 with a byte order mark.

    Parameters
    ----------
    path : Path
        A CSV file.
    names : sequence of str
        Names of the columns that the caller reads.
    required : sequence of str
        Names by which a header that is a comment is recognised (default: all).

    Yields
    ------
    OpenTable

    Raises
    ------
    OSError, UnicodeDecodeError, csv.Error
        The file cannot be read, or is no such table.
    """
    with path.open(newline="", encoding=_encoding(path)) as file:
        yield OpenTable(file, names, required or names)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in _UTF_16 else "utf-8-sig"


def _find_header(lines: Iterable[str], required: Sequence[str]) -> tuple[str, int]:
    """Return the first line that is no comment, and how many were before it.

    NumPy writes the header itself as a comment.
    """
    skipped = 0
    for line in lines:
        bare = line.lstrip("# ")
        if all(name.casefold() in bare.casefold() for name in required):
            return bare, skipped
        if line.strip() and not line.startswith("#"):
            return line, skipped
        skipped += 1
    return "", skipped


def _known_names(columns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the names of the columns, those that are read in their usual spelling."""
    found = [name.strip() for name in columns]
    usual = {name.casefold(): name for name in names if name not in found}
    return [name if name in names else usual.get(name.casefold(), name) for name in found]
