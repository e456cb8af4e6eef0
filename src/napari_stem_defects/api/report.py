"""One page with the statistics of some results, for scripts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from napari_stem_defects.base.paths import to_path, to_paths
from napari_stem_defects.io.results.report_files import write_report
from napari_stem_defects.io.results.report_sources import read_sources
from napari_stem_defects.reporting.results_page.page import result_figures, results_page

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class ResultsReport(NamedTuple):
    """A report that was written.

    Attributes
    ----------
    page : Path
        ``report.html``.
    files : tuple of Path
        All files, the page first.
    faults : tuple of str
        One line for each folder that could not be read.
    notes : tuple of str
        One sentence for each chart that could not be drawn; the tables hold its figures.

    Examples
    --------
    >>> sd.ResultsReport._fields
    ('page', 'files', 'faults', 'notes')
    """

    page: Path
    files: tuple[Path, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        count = f"{len(self.files)} files, {len(self.faults)} faults"
        return f"ResultsReport({str(self.page)!r}, {count})"


def report(
    folders: str | Path | Sequence[str | Path], out: str | Path, *, independent_frames: bool = False
) -> ResultsReport:
    """Write one page with the statistics of results, and their tables.

    Densities and lengths per area with intervals, nearest-neighbour distances and pair correlation
    of point defects, a comparison of images or of folders, pictures, and a methods paragraph.

    Parameters
    ----------
    folders : str, Path or sequence of them
        Result folders of `detect` or `survey` on the command line, or folders that contain some.
        Several are compared with the first; of one, its images are.
    out : str or Path
        Folder of ``report.html`` and its tables as CSV, and as Parquet where pyarrow is installed.
    independent_frames : bool, default: False
        Whether the frames of stacks show different places, so that their areas add up. By default
        they show one place again and again.

    Returns
    -------
    ResultsReport
        The files written, and what could not be read.

    Raises
    ------
    InputError
        No folder holds a result, or the output folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     sd.report([folder], folder)
    Traceback (most recent call last):
    ...
    napari_stem_defects.errors.InputError: ...
    """
    results = read_sources(to_paths(folders), independent_frames=independent_frames)
    figures = result_figures(results)
    written = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = results_page(results, figures, written)
    files = write_report(to_path(out), page.html, results, figures)
    return ResultsReport(files[0], tuple(files), results.faults, page.notes)
