"""Folder with the results of one micrograph, ``OUT/<name>/``: resume, merge, write and read.

Each finished frame is saved as ``OUT/<name>/.partial/<fingerprint>/frame_00012.npz``. When all
frames are finished they are merged into the result files, ``summary.json`` last, and the
partial folder is removed. The fingerprint is a hash of the image, the model, the parameters and
the version of this package: a rerun with the same fingerprint skips finished frames; any other
run starts again and replaces the results, unless they were edited by hand (`checksums`). The
files are written to a temporary folder and moved together, so a full disk leaves earlier results
unchanged. A second image of the same name gets the folder ``<name>_2``; images are distinguished
by their hash. One process must open a folder; then many processes, on any machine with access to
the folder, may write frames.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import OutputError, OverwriteError, ReadError
from napari_stem_defects.io.folder_kinds import PARTIAL, SUMMARY
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.io.results import formats
from napari_stem_defects.io.results.available_folder import available_folder
from napari_stem_defects.io.results.checksums import find_edited_file, refuse_edited, with_checksums
from napari_stem_defects.io.results.frame_file import read_frame, write_frame
from napari_stem_defects.io.results.frame_pages import (
    DEFAULT_PICTURES,
    PICTURES_DRAWN,
    Pictures,
    are_drawn,
    describe_pictures,
    frames_with_page,
    page_names,
    write_pages,
)
from napari_stem_defects.io.results.json_file import read_json_or_empty, write_json
from napari_stem_defects.io.results.lines import write_lines
from napari_stem_defects.io.results.picture_file import write_picture
from napari_stem_defects.io.results.publishing import publish, remove_damaged, remove_result
from napari_stem_defects.io.results.stored_frames import StoredFrames
from napari_stem_defects.io.results.summary import (
    CORRECTIONS,
    make_summary,
    mask_provenance,
    sum_results,
)
from napari_stem_defects.io.results.unfinished_folder import (
    begin_frames,
    frame_name,
    frames_folder,
    stored_frames,
)
from napari_stem_defects.io.write_lock import WriteLock
from napari_stem_defects.reporting.overview import draw_overview
from napari_stem_defects.reporting.shown_frames import frames_to_show
from napari_stem_defects.reporting.undrawn import draw_or_state

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.postprocessing.results import Detection

MASKS, PROBABILITY, REGIONS = "masks.ome.tif", "probability.npz", "regions.csv"
LINES, OVERVIEW = "lines.geojson", "overview.png"
RESULT_FILES = (MASKS, PROBABILITY, REGIONS, LINES, OVERVIEW, SUMMARY)

_MERGED = "merged"
_EACH = "of each frame"


@dataclass(frozen=True)
class ResultFolder:
    """The folder with the results of one micrograph; can be sent to worker processes.

    Attributes
    ----------
    path : Path
        The folder.
    fingerprint : str
        Hash of image, model, parameters, frames and version.
    frames : tuple of int
        Indices of the frames in the results.
    overwrite : bool
        Whether results that were edited by hand may be replaced.
    has_corrections : bool
        Whether these results contain corrected regions; they may then replace corrected results.
    pictures : {"all", "summary", "none"}
        Which pictures are drawn; see `frame_pages`.
    """

    path: Path
    fingerprint: str
    frames: tuple[int, ...]
    overwrite: bool = False
    has_corrections: bool = False
    pictures: Pictures = DEFAULT_PICTURES

    @property
    def finished(self) -> bool:
        """Whether the merged files with this fingerprint exist, with the pictures wanted."""
        summary = read_json_or_empty(self.path / SUMMARY)
        if summary.get("fingerprint") != self.fingerprint or not are_drawn(summary, self.pictures):
            return False
        names = (*_data_files(self.pictures), *page_names(summary))
        return all((self.path / name).is_file() for name in names)

    def finished_frames(self) -> frozenset[int]:
        """Return the indices of the finished frames."""
        if self.finished:
            return frozenset(self.frames)
        return stored_frames(self.path, self.fingerprint, self.frames)

    def write_frame(self, detection: Detection) -> None:
        """Save a finished frame; a frame may be written twice.

        Parameters
        ----------
        detection : Detection
            The result of one frame.

        Raises
        ------
        OutputError
            The disk is full or the folder is not writable.
        """
        write_frame(self._frame_path(detection.frame), detection)

    def merge(self, micrograph: Micrograph, model: Mapping[str, Any]) -> Path:
        """Merge the finished frames into the result files and remove the frame files.

        Parameters
        ----------
        micrograph : Micrograph
            The image or stack, for the overview.
        model : mapping
            ``name``, ``sha256`` and more about the model, for the summary.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        OutputError
            A frame is missing or damaged, the disk is full or the folder is not writable.
        OverwriteError
            Earlier results in the folder were edited by hand.
        """
        missing = set(self.frames) - self.finished_frames()
        if missing:
            raise OutputError(f"{self.path}: frame {min(missing)} is not finished; run again")
        paths = [self._frame_path(frame) for frame in self.frames]
        try:
            stored = StoredFrames.read(paths)
            self._write_arrays(stored, micrograph, model)
            names = self._write_texts(stored, micrograph, model)
        except ReadError as error:
            remove_damaged(paths)
            raise OutputError(str(error)) from error
        if not self.overwrite:
            self.refuse_edited()
        publish(self._merge_folder, self.path, names, optional=(OVERVIEW,))
        shutil.rmtree(self.path / PARTIAL, ignore_errors=True)
        return self.path

    def refuse_edited(self) -> None:
        """Refuse to overwrite results that were edited or corrected by hand.

        Raises
        ------
        OverwriteError
            A result file was edited, or regions were corrected before export.
        """
        summary = read_json_or_empty(self.path / SUMMARY)
        refuse_edited(summary, SUMMARY, self.path)
        if summary.get(CORRECTIONS) and not self.has_corrections:
            fault = f"holds {len(summary[CORRECTIONS])} regions corrected by hand"
            advice = "choose another folder, or lose them with --overwrite"
            raise OverwriteError(one_line(self.path, fault, advice))

    @property
    def _merge_folder(self) -> Path:
        """Temporary folder in which the files are written before they are moved."""
        return frames_folder(self.path, self.fingerprint) / _MERGED

    def _frame_path(self, frame: int) -> Path:
        return frames_folder(self.path, self.fingerprint) / frame_name(frame)

    def _write_arrays(
        self, stored: StoredFrames, micrograph: Micrograph, model: Mapping[str, Any]
    ) -> None:
        count, first = len(stored.paths) if micrograph.is_stack else None, stored.facts[0]
        formats.write_masks(
            self._merge_folder / MASKS,
            stored.masks(),
            count,
            first["pixel_size_nm"],
            mask_provenance(first, micrograph, model),
        )
        formats.write_probability(self._merge_folder / PROBABILITY, stored.maps(), count)

    def _write_texts(
        self, stored: StoredFrames, micrograph: Micrograph, model: Mapping[str, Any]
    ) -> tuple[str, ...]:
        """Write tables, pictures and summary; return the names of all files, the summary last."""
        folder, is_stack, chosen = self._merge_folder, micrograph.is_stack, self.pictures
        fault = ""
        formats.write_regions(folder / REGIONS, stored.regions())
        write_lines(folder / LINES, stored.regions())
        result_totals = sum_results(stored.facts, stored.regions())
        if chosen != "none":
            shown = [read_frame(stored.paths[n]) for n in frames_to_show(len(stored.paths))]
            page = partial(draw_overview, micrograph, shown, result_totals, str(model["name"]))
            picture, fault = draw_or_state(page, "The overview")
            write_picture(folder / OVERVIEW, picture)
        places = frames_with_page(stored.facts, chosen, is_stack=is_stack)
        pages, page_fault = write_pages(folder, stored, places, micrograph, str(model["name"]))
        fault = fault or page_fault
        summary = make_summary(stored.facts, result_totals, micrograph, model, fault)
        summary[PICTURES_DRAWN] = describe_pictures(stored.facts, places, chosen, is_stack=is_stack)
        summary["fingerprint"] = self.fingerprint
        names = (*_data_files(chosen), *pages)  # all but the summary, which holds their checksums
        write_json(folder / SUMMARY, with_checksums(summary, SUMMARY, folder, names))
        return (*names, SUMMARY)


def _data_files(pictures: Pictures) -> tuple[str, ...]:
    """Return the names of the files that are always written, the summary aside."""
    return tuple(
        name
        for name in RESULT_FILES
        if name != SUMMARY and (name != OVERVIEW or pictures != "none")
    )


def open_results(
    out: Path,
    micrograph: Micrograph,
    model: Mapping[str, Any],
    parameters: Mapping[str, Any],
    frames: Sequence[int] | None = None,
    *,
    overwrite: bool = False,
    pictures: Pictures = DEFAULT_PICTURES,
    lock: Callable[[Path], object] = lambda _: None,
) -> ResultFolder:
    """Open the folder for the results of a micrograph; create it if necessary.

    Unfinished frames of other runs are removed.

    Parameters
    ----------
    out : Path
        Parent folder.
    micrograph : Micrograph
        Its ``name`` gives the folder name; its ``sha256`` distinguishes images of one name.
    model : mapping
        Its ``sha256`` is part of the fingerprint.
    parameters : mapping
        All parameters of the result that are known beforehand.
    frames : sequence of int, optional
        Indices of the frames to be searched; all by default.
    overwrite : bool
        Whether to repeat and replace results that were edited by hand.
    pictures : {"all", "summary", "none"}
        Which pictures are drawn; see `frame_pages`.
    lock : callable
        Called with the path of the folder before anything in it changes; it takes the `WriteLock`
        of the folder, or raises `InUseError`. Finished results need no lock. By default the caller
        is the only one who writes.

    Returns
    -------
    ResultFolder
        The folder.

    Raises
    ------
    InUseError
        Another program is writing the folder.
    OutputError
        The folder is not writable.
    OverwriteError
        The folder holds results of another run that were edited by hand.
    """
    chosen = tuple(range(micrograph.frame_count) if frames is None else frames)
    folder = ResultFolder(
        path=available_folder(out, micrograph),
        fingerprint=_make_fingerprint(micrograph.sha256, str(model["sha256"]), parameters, chosen),
        frames=chosen,
        overwrite=overwrite,
        has_corrections=any(CORRECTIONS in each for each in parameters.get(_EACH, ())),
        pictures=pictures,
    )
    if folder.finished and not (overwrite and _was_edited(folder)):
        return folder
    lock(folder.path)
    if available_folder(out, micrograph) != folder.path:
        # Taken for another image of the same name between the two looks.
        folder = replace(folder, path=available_folder(out, micrograph))
        lock(folder.path)
    if not overwrite:
        folder.refuse_edited()
    begin_frames(folder.path, folder.fingerprint, micrograph.sha256)
    if folder.finished:
        remove_result(folder.path / SUMMARY)
    return folder


def _was_edited(folder: ResultFolder) -> bool:
    return (
        find_edited_file(read_json_or_empty(folder.path / SUMMARY), SUMMARY, folder.path)
        is not None
    )


def write_results(
    out: Path,
    micrograph: Micrograph,
    detections: Sequence[Detection],
    model: Mapping[str, Any],
    *,
    overwrite: bool = False,
    pictures: Pictures = DEFAULT_PICTURES,
    then: Callable[[Path], object] = lambda _: None,
) -> Path:
    """Write the results of an image, or of frames of a stack.

    Parameters
    ----------
    out : Path
        Parent folder.
    micrograph : Micrograph
        The image or stack.
    detections : sequence of Detection
        One per frame.
    model : mapping
        ``name``, ``sha256`` and more about the model.
    overwrite : bool
        Whether to replace results that were edited by hand.
    pictures : {"all", "summary", "none"}
        Which pictures are drawn; see `frame_pages`.
    then : callable
        Called with the folder once new results are written, before another program may write.

    Returns
    -------
    Path
        The folder with `RESULT_FILES`, ``overview.png`` only if pictures are drawn.

    Raises
    ------
    InUseError
        Another program is writing the folder.
    OutputError
        The disk is full or the folder is not writable.
    OverwriteError
        Earlier results were edited by hand.
    """
    frames = [detection.frame for detection in detections]
    shaping = {_EACH: [detection.parameters for detection in detections]}
    with ExitStack() as stack:
        folder = open_results(
            out,
            micrograph,
            model,
            shaping,
            frames,
            overwrite=overwrite,
            pictures=pictures,
            lock=lambda path: stack.enter_context(WriteLock(path, "export")),
        )
        if folder.finished:
            return folder.path
        for detection in detections:
            folder.write_frame(detection)
        folder.merge(micrograph, model)
        then(folder.path)
        return folder.path


def _make_fingerprint(
    image_sha256: str, model_sha256: str, parameters: Mapping[str, Any], frames: Sequence[int]
) -> str:
    parts = [image_sha256, model_sha256, plain(parameters), list(frames), __version__]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
