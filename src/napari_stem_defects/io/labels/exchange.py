"""Import and export of labels: patch folders, tables of points and shapes of other programs.

The functions ``labels_...`` implement the command ``stem-defects labels`` and take paths; the
others take open projects.
"""

from __future__ import annotations

import math
import shutil
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_stem_defects.base.defect_classes import PATCH_PX, check_kind
from napari_stem_defects.base.lengths import list_in_both_units
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.class_list import CLASSES, write_classes
from napari_stem_defects.io.labels.drawn_shapes import rows_of
from napari_stem_defects.io.labels.import_summary import ImportSummary
from napari_stem_defects.io.labels.label_files import read_label_file
from napari_stem_defects.io.labels.label_formats import is_label_file
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.patch_positions import MIN_CORRELATION, find_patch_centres
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.labels.label import Label, NewLabel, is_on_pixel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass, Kind
    from napari_stem_defects.io.labels.drawn_shapes import DrawnShape
    from napari_stem_defects.io.labels.patch_folder import PatchFolder
    from napari_stem_defects.io.labels.point_table import PointRow

_MOST_NAMED = 3


def labels_import(
    project: Path,
    sources: Sequence[Path],
    images: Sequence[Path | Micrograph] = (),
    report: ProgressCallback = silent,
    *,
    kinds: Mapping[str, Kind] | None = None,
    read_image: Callable[[Path], Micrograph] = read,
    read_patches: Callable[[Path], PatchFolder] = read_patch_folder,
) -> ImportSummary:
    """Import patch folders, tables of points and shapes of other programs into a project.

    Parameters
    ----------
    project : Path
        A label project; it is created if it does not exist.
    sources : sequence of Path
        Patch folders, ``.csv`` tables and files of annotation programs; see `label_formats`.
    images : sequence of Path or Micrograph
        Micrographs that the patches or labels belong to; a table, ROIs and GeoJSON need one.
    report : callable
        Called with the progress after every patch.
    kinds : mapping of str to {"point", "line", "area"}, optional
        Kinds of classes; they hold before those in tables, and change those of the project.
    read_image, read_patches : callable
        Read the files; `workers.isolated_read` uses a separate process.

    Returns
    -------
    ImportSummary
        Numbers of labels.

    Raises
    ------
    InputError
        A source cannot be read, all its labels lie outside the image, or a kind does not suit its
        class; the labels of earlier sources are kept. Where some lie outside, the others are
        imported, and the result states it.
    """
    kinds = kinds or {}
    for name, kind in kinds.items():
        check_kind(name, kind)
    micrographs = [each if isinstance(each, Micrograph) else read_image(each) for each in images]
    # Files are read first, so that an invalid one does not leave an empty project.
    remarks = list[str]()
    given = remarks if len(sources) == 1 else None
    files = {
        path: read_label_file(path, micrographs, given) for path in sources if is_label_file(path)
    }
    is_new = not is_label_project(project)
    if is_new and len(files) == len(sources):
        every = (row for parts in files.values() for _, rows in parts for row in rows)
        _check_present(kinds, (row.class_name for row in every))
    opener = LabelProject.create if is_new else LabelProject.open
    done, existed = ImportSummary(remarks=tuple(remarks)), project.exists()
    try:
        with opener(project) as opened:
            opened.check_writable()
            for source in sources:
                for micrograph, shapes in files.get(source, ()):
                    done += _import_shapes(opened, micrograph, source, shapes, kinds)
                if source not in files:
                    done += import_patches(
                        opened, read_patches(source), micrographs, kinds=kinds, report=report
                    )
            _check_present(kinds, (entry.name for entry in opened.classes))
            _set_kinds(opened, kinds)
    except BaseException:
        if is_new and not existed:
            _remove_if_empty(project)
        raise
    return done


def _remove_if_empty(project: Path) -> None:
    """Remove a project of this import in which there is no label."""
    if not is_label_project(project):
        return
    with LabelProject.open(project, read_only=True) as opened:
        is_empty = not opened.labels()
    if is_empty:
        shutil.rmtree(project, ignore_errors=True)


def _check_present(kinds: Mapping[str, Kind], present: Iterable[str]) -> None:
    names = list(dict.fromkeys(present))
    if missing := [name for name in kinds if name not in names]:
        raise LabelError(f"kind of {missing[0]}: no such class; there are: {', '.join(names)}")


def _set_kinds(project: LabelProject, kinds: Mapping[str, Kind]) -> None:
    for name, kind in kinds.items():
        project.set_class(name, kind=kind)


def labels_export(project: Path, out: Path, report: ProgressCallback = silent) -> int:
    """Write the patches of a project to a folder; see `export_patches`.

    Parameters
    ----------
    project : Path
        A label project.
    out : Path
        A new or empty folder.
    report : callable
        Called with the progress after every patch.

    Returns
    -------
    int
        Number of files written.

    Raises
    ------
    LabelError
        The folder is not a label project, or an image is too small for a patch.
    OutputError
        The output folder is not empty or not writable.
    """
    with LabelProject.open(project, read_only=True) as opened:
        return export_patches(opened, out, report=report)


def import_patches(
    project: LabelProject,
    patches: PatchFolder,
    images: Sequence[Micrograph] = (),
    *,
    min_correlation: float = MIN_CORRELATION,
    kinds: Mapping[str, Kind] | None = None,
    report: ProgressCallback = silent,
) -> ImportSummary:
    """Import each patch as a weak label at its centre in the micrograph it was cut from.

    The labels are weak because a defect may lie anywhere in its patch: point defects of the
    public data sets lie a median of 22 to 26 px from the centres. A patch that no micrograph
    contains is stored as an image. Importing the same folder again adds nothing. The import is
    one step for undo; a cancelled import changes nothing.

    Parameters
    ----------
    project : LabelProject
        The project to add the labels to.
    patches : PatchFolder
        Patches with their classes.
    images : sequence of Micrograph
        Micrographs or stacks that the patches may come from; the first match is used.
    min_correlation : float
        Least correlation with a position, see `MIN_CORRELATION`.
    kinds : mapping of str to {"point", "line", "area"}, optional
        Kinds of classes; they hold before those that the folder gives.
    report : callable
        Called with the progress after every patch.

    Returns
    -------
    ImportSummary
        Numbers of labels.

    Raises
    ------
    LabelError
        An image is smaller than the patches, or the project is read-only.
    OutputError
        The disk is full or not writable.
    """
    centres = find_patch_centres(
        patches.patches, patches.names, images, min_correlation=min_correlation, report=report
    )
    for micrograph in {centre.micrograph.sha256: centre.micrograph for centre in centres}.values():
        project.add_image(micrograph)
    points = [
        NewLabel(centre.micrograph.sha256, centre.y, centre.x, class_name, centre.frame)
        for centre, class_name in zip(centres, patches.classes, strict=True)
    ]
    parent_names = {image.sha256 for image in images}
    own = {each.name: each.kind for each in patches.class_data} | dict(kinds or {})
    done = _add_new(project, points, parent_names, weak=True, kinds=own, classes=patches.class_data)
    return replace(done, left_out=patches.left_out)


def _import_shapes(
    project: LabelProject,
    image: Micrograph,
    table: Path,
    shapes: Sequence[DrawnShape | PointRow],
    kinds: Mapping[str, Kind] | None = None,
) -> ImportSummary:
    known = {entry.name: entry.kind for entry in project.classes} | dict(kinds or {})
    rows = rows_of(shapes, known, image.frame_shape)
    inside = [row for row in rows if _is_inside(row, image)]
    beside = [row for row in rows if not _is_inside(row, image)]
    # Where none is inside, positions are of another image or unit: adding them states the fault.
    rows = inside or rows
    remarks = (_left_out(table, beside),) if inside and beside else ()
    project.add_image(image)
    points = [NewLabel(image.sha256, row.y, row.x, row.class_name, row.frame) for row in rows]
    own = {row.class_name: row.kind for row in rows if row.kind is not None} | dict(kinds or {})
    try:
        done = _add_new(project, points, {image.sha256}, weak=False, kinds=own)
    except LabelError as error:
        raise LabelError(f"{table}: {error}") from None
    return replace(done, remarks=remarks)


def _is_inside(row: PointRow, image: Micrograph) -> bool:
    return 0 <= row.frame < image.frame_count and is_on_pixel(row.y, row.x, image.frame_shape)


def _left_out(table: Path, rows: Sequence[PointRow]) -> str:
    """Return how many labels are not in the image, and which are the first."""
    first = ", ".join(
        f"{row.class_name} at y {row.y:g}, x {row.x:g}"
        + (f" in frame {row.frame}" * bool(row.frame))
        for row in rows[:_MOST_NAMED]
    )
    more = ", ..." * (len(rows) > _MOST_NAMED)
    count = "1 label" if len(rows) == 1 else f"{len(rows)} labels"
    return f"{table.name}: {count} outside the image left out ({first}{more})"


def export_patches(project: LabelProject, out: Path, *, report: ProgressCallback = silent) -> int:
    """Write a patch of 64 x 64 px for every label, named as in the public data sets.

    For a label near an edge the patch is shifted into the image; nothing is padded. Integer
    intensities are written as uint8 or uint16, others as float32.

    Parameters
    ----------
    project : LabelProject
        An open project.
    out : Path
        A new or empty folder.
    report : callable
        Called with the progress after every patch.

    Returns
    -------
    int
        Number of files ``<class>_<n>.tif``; ``classes.csv`` holds kinds, titles and colours.

    Raises
    ------
    LabelError
        An image is too small for a patch.
    OutputError
        The folder is not empty or not writable.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(one_line(out, "exists and is not empty", "choose a new folder"))
    total, numbers = len(project.labels()), Counter[str]()
    for micrograph, labels in project.by_frame():
        pixels = _smallest_type(micrograph.pixels)
        for label in labels:
            patch = _cut_patch(pixels, label, micrograph)
            with replacing(out / f"{label.class_name}_{numbers[label.class_name]}.tif") as path:
                tifffile.imwrite(path, patch)
            numbers[label.class_name] += 1
            report(Progress("writing patches", numbers.total(), total))
    present = [entry.defect_class for entry in project.classes if numbers[entry.name]]
    write_classes(out / CLASSES, present)
    return numbers.total()


def _add_new(
    project: LabelProject,
    points: Iterable[NewLabel],
    parents: set[str],
    *,
    weak: bool,
    kinds: Mapping[str, Kind] | None = None,
    classes: Iterable[DefectClass] = (),
) -> ImportSummary:
    """Add the points that are not in the project yet, and their classes with their kinds."""
    existing = {NewLabel(e.image, e.y, e.x, e.class_name, e.frame) for e in project.labels()}
    wanted = list(points)
    new = [point for point in dict.fromkeys(wanted) if point not in existing]
    project.add_many(new, source="imported", weak=weak, kinds=kinds, classes=classes)
    known = {entry.name for entry in project.classes}
    # Those of classes without a new label; the others are set by now.
    _set_kinds(project, {name: kind for name, kind in (kinds or {}).items() if name in known})
    placed = sum(point.image in parents for point in new)
    return ImportSummary(placed, len(new) - placed, len(wanted) - len(new))


def _smallest_type(pixels: NDArray[np.float32]) -> NDArray[np.generic]:
    """Return pixels in the smallest type that represents them exactly."""
    for kind in (np.uint8, np.uint16):
        with np.errstate(invalid="ignore"):
            converted = pixels.astype(kind)
        if np.array_equal(converted, pixels):
            return converted
    return pixels


def _cut_patch(
    pixels: NDArray[np.generic], label: Label, micrograph: Micrograph
) -> NDArray[np.generic]:
    if min(pixels.shape) < PATCH_PX:
        size = list_in_both_units(pixels.shape, micrograph.pixel_size_nm)
        raise LabelError(
            f"{micrograph.name}: {size} holds no {PATCH_PX} x {PATCH_PX} patch; remove its labels"
        )
    top, left = (
        min(max(math.floor(at - PATCH_PX / 2 + 1), 0), length - PATCH_PX)
        for at, length in zip((label.y, label.x), pixels.shape, strict=True)
    )
    return pixels[top : top + PATCH_PX, left : left + PATCH_PX]
