"""Labels in and out of a project: patch folders and tables of points.

The functions named ``labels_*`` are the verbs of ``stem-defects labels``.
"""

from __future__ import annotations

import csv
import math
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_stem_defects.base.defect_classes import (
    PATCH_PX,
    check_class_name,
)
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.patch_folder import read_patch_folder
from napari_stem_defects.io.labels.pixels import pixel_hash
from napari_stem_defects.io.labels.project import LabelProject, is_label_project
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.labels.label import (
    Label,
    NewLabel,
)
from napari_stem_defects.lattice.template_matching import PatchSearch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.io.labels.patch_folder import PatchFolder

SAME_PLACE = 0.999
"""Correlation from which a patch counts as cut from a place.

An exact crop reaches 1.0. The same place without the defect still reaches 0.99 (measured on the
public interstitials, which were edited into their micrograph), so less would call bulk a defect.
"""

_EXACT = 0.99999
_TIE = 1e-6
_POSITION = ("y_px", "x_px")
# y, x, class, frame.
_Row = tuple[float, float, str, int]


@dataclass(frozen=True)
class ImportSummary:
    """What an import did.

    Attributes
    ----------
    placed : int
        New labels that have a place in a micrograph.
    unplaced : int
        New labels of patches that no micrograph contains, kept as images of their own.
    present : int
        Labels that the project held already.
    left_out : tuple of str
        Patches with pixels that have no value.
    """

    placed: int = 0
    unplaced: int = 0
    present: int = 0
    left_out: tuple[str, ...] = ()

    def __add__(self, other: ImportSummary) -> ImportSummary:
        """Return the sum of two imports."""
        return ImportSummary(
            self.placed + other.placed,
            self.unplaced + other.unplaced,
            self.present + other.present,
            self.left_out + other.left_out,
        )

    def text(self) -> str:
        """Return one line for the user."""
        spoilt = ", ".join(self.left_out)
        return (
            f"{self.placed} labels placed, {self.unplaced} patches kept without a micrograph,"
            f" {self.present} were there already"
            + (f"; left out for pixels without a value: {spoilt}" if spoilt else "")
        )


# The verbs of the command line


def labels_import(
    project: Path,
    sources: Sequence[Path],
    images: Sequence[Path] = (),
    report: ProgressCallback = silent,
    *,
    read_image: Callable[[Path], Micrograph] = read,
    read_patches: Callable[[Path], PatchFolder] = read_patch_folder,
) -> ImportSummary:
    """Import patch folders, and tables of points in one image, into a project.

    Parameters
    ----------
    project : Path
        A label project; made where there is none.
    sources : sequence of Path
        Patch folders and ``.csv`` tables; a table needs exactly one image.
    images : sequence of Path
        Micrographs that the patches or points belong to.
    report : callable
        Told after every patch.
    read_image, read_patches : callable
        How files are read; `workers.isolated_read` does it in a process of its own.

    Raises
    ------
    InputError
        If something cannot be read; what came before it is kept.
    """
    micrographs = [read_image(path) for path in images]
    # Faults of tables are told before a project is made for them.
    tables = {path: _points_of(path, micrographs) for path in sources if _is_table(path)}
    opener = LabelProject.open if is_label_project(project) else LabelProject.create
    done = ImportSummary()
    with opener(project) as opened:
        opened.check_writable()
        for source in sources:
            if source in tables:
                done += _import_table(opened, micrographs[0], source, tables[source])
            else:
                done += import_patches(opened, read_patches(source), micrographs, report=report)
    return done


def _is_table(source: Path) -> bool:
    return source.suffix.lower() == ".csv"


def _points_of(table: Path, micrographs: Sequence[Micrograph]) -> list[_Row]:
    if len(micrographs) != 1:
        raise LabelError(one_line(table, "a table needs one image", "give just that one"))
    return list(_rows(table, None))


def labels_export(project: Path, out: Path, report: ProgressCallback = silent) -> int:
    """Write a project's patches to a folder; see `export_patches`."""
    with LabelProject.open(project, read_only=True) as opened:
        return export_patches(opened, out, report=report)


# The same on open projects


def import_patches(
    project: LabelProject,
    patches: PatchFolder,
    images: Sequence[Micrograph] = (),
    *,
    same_place: float = SAME_PLACE,
    report: ProgressCallback = silent,
) -> ImportSummary:
    """Import patches, each as a weak label at its centre in the micrograph it was cut from.

    Weak, because a patch shows its defect anywhere: those of the public sets have point defects
    a median of 22 to 26 px from their centres. A patch that no micrograph contains is kept as an
    image of its own. Importing the same folder again adds nothing. The import is one step for
    undo, and a cancelled one leaves nothing.

    Parameters
    ----------
    project : LabelProject
        Where the labels go.
    patches : PatchFolder
        Patches with their classes.
    images : sequence of Micrograph
        Micrographs or stacks that the patches may come from; the first to contain one wins.
    same_place : float
        Least correlation with a place, see `SAME_PLACE`.
    report : callable
        Told after every patch.
    """
    parents = _parents(images, patches.patches.shape[1:])
    places = []
    for number, patch in enumerate(patches.patches):
        place = _find(patch, parents, same_place)
        places.append(place or _lone(patch, patches.names[number]))
        report(Progress("placing patches", number + 1, len(patches.patches)))
    for micrograph in {place.micrograph.sha256: place.micrograph for place in places}.values():
        project.add_image(micrograph)
    points = [
        NewLabel(place.micrograph.sha256, place.y, place.x, class_name, place.frame)
        for place, class_name in zip(places, patches.classes, strict=True)
    ]
    parent_names = {image.sha256 for image in images}
    done = _add_new(project, points, parent_names, weak=True)
    return replace(done, left_out=patches.left_out)


def import_points(
    project: LabelProject, image: Micrograph, table: Path, class_column: str | None = None
) -> ImportSummary:
    """Import a table of points in one micrograph.

    Parameters
    ----------
    project : LabelProject
        Where the labels go.
    image : Micrograph
        The micrograph, or stack, that the points lie in.
    table : Path
        CSV with the columns ``y_px``, ``x_px``, the class, and ``frame`` where it matters.
    class_column : str or None
        Name of the class's column; by default ``class``, or the only one that is left.
    """
    return _import_table(project, image, table, list(_rows(table, class_column)))


def _import_table(
    project: LabelProject, image: Micrograph, table: Path, rows: list[_Row]
) -> ImportSummary:
    project.add_image(image)
    points = [NewLabel(image.sha256, y, x, name, frame) for y, x, name, frame in rows]
    try:
        return _add_new(project, points, {image.sha256}, weak=False)
    except LabelError as error:
        raise LabelError(f"{table}: {error}") from None


def export_patches(project: LabelProject, out: Path, *, report: ProgressCallback = silent) -> int:
    """Write a patch of 64 x 64 px for every label, named as in the public sets.

    A label near an edge gets the nearest patch that lies inside: no border is invented. Images
    of whole numbers keep them, as uint8 or uint16; others are written as float32.

    Returns
    -------
    int
        Number of files ``<class>_<n>.tif``.

    Raises
    ------
    LabelError
        If an image is too small for a patch.
    OutputError
        If the folder holds files already or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(one_line(out, "exists and is not empty", "choose a new folder"))
    total, numbers = len(project.labels()), Counter[str]()
    for micrograph, labels in project.by_frame():
        pixels = _smallest_type(micrograph.pixels)
        for label in labels:
            patch = _cut(pixels, label, micrograph.name)
            with replacing(out / f"{label.class_name}_{numbers[label.class_name]}.tif") as path:
                tifffile.imwrite(path, patch)
            numbers[label.class_name] += 1
            report(Progress("writing patches", numbers.total(), total))
    return numbers.total()


@dataclass(frozen=True)
class _Parent:
    micrograph: Micrograph
    frame: int
    search: PatchSearch


@dataclass(frozen=True)
class _Place:
    """The centre of a patch in a micrograph."""

    micrograph: Micrograph
    y: float
    x: float
    frame: int = 0


def _parents(images: Sequence[Micrograph], patch_shape: tuple[int, int]) -> list[_Parent]:
    for image in images:
        if image.frame_shape[0] < patch_shape[0] or image.frame_shape[1] < patch_shape[1]:
            raise LabelError(f"{image.name}: smaller than the patches; give their micrograph")
    return [
        _Parent(image, frame, PatchSearch(image.frame(frame).pixels, patch_shape))
        for image in images
        for frame in range(image.frame_count)
    ]


def _find(
    patch: NDArray[np.float32], parents: Iterable[_Parent], same_place: float
) -> _Place | None:
    """Return where a patch comes from: the first exact place, else the best one."""
    best, place = same_place, None
    for parent in parents:
        match = parent.search.find(patch)
        if match and match.score >= best:
            y, x = _centre(match.top, patch.shape[0]), _centre(match.left, patch.shape[1])
            best, place = match.score + _TIE, _Place(parent.micrograph, y, x, parent.frame)
        if best >= _EXACT:
            break
    return place


def _lone(patch: NDArray[np.float32], name: str) -> _Place:
    height, width = patch.shape
    micrograph = Micrograph(patch, Path(name).stem, sha256=pixel_hash(patch))
    return _Place(micrograph, _centre(0, height), _centre(0, width))


def _centre(first: int, length: int) -> float:
    return first + (length - 1) / 2


def _add_new(
    project: LabelProject, points: Iterable[NewLabel], parents: set[str], *, weak: bool
) -> ImportSummary:
    """Add the points that the project does not hold yet."""
    held = {NewLabel(e.image, e.y, e.x, e.class_name, e.frame) for e in project.labels()}
    wanted = list(points)
    new = [point for point in dict.fromkeys(wanted) if point not in held]
    project.add_many(new, source="imported", weak=weak)
    placed = sum(point.image in parents for point in new)
    return ImportSummary(placed, len(new) - placed, len(wanted) - len(new))


def _rows(table: Path, class_column: str | None) -> Iterator[_Row]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            column = _class_column(table, reader.fieldnames or (), class_column)
            for row in reader:
                yield _row(table, reader.line_num, row, column)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fault = f"cannot be read ({getattr(error, 'strerror', None) or error})"
        raise LabelError(one_line(table, fault, "give a CSV table")) from error


def _class_column(table: Path, columns: Sequence[str], wanted: str | None) -> str:
    others = [name for name in columns if name not in (*_POSITION, "frame")]
    if wanted is None:
        wanted = others[0] if len(others) == 1 else "class"
    if missing := [name for name in (*_POSITION, wanted) if name not in columns]:
        fault = f"has no column {', '.join(missing)}"
        raise LabelError(one_line(table, fault, "it needs y_px, x_px and one with the class"))
    return wanted


def _row(table: Path, line: int, row: dict[str, str | None], column: str) -> _Row:
    try:
        y, x = (float(row[name] or "") for name in _POSITION)
        if not (math.isfinite(y) and math.isfinite(x)):
            raise ValueError(f"{y}, {x} is not a place")
        name = check_class_name((row[column] or "").strip())
        return y, x, name, int(row.get("frame") or 0)
    except (TypeError, ValueError, LabelError) as error:
        raise LabelError(one_line(table, f"line {line}: {error}", "mend or remove it")) from error


def _smallest_type(pixels: NDArray[np.float32]) -> NDArray[np.generic]:
    """Return pixels in the smallest type that holds them without loss."""
    for kind in (np.uint8, np.uint16):
        with np.errstate(invalid="ignore"):
            converted = pixels.astype(kind)
        if np.array_equal(converted, pixels):
            return converted
    return pixels


def _cut(pixels: NDArray[np.generic], label: Label, name: str) -> NDArray[np.generic]:
    if min(pixels.shape) < PATCH_PX:
        size = f"{pixels.shape[0]} x {pixels.shape[1]} px"
        raise LabelError(
            f"{name}: {size} holds no {PATCH_PX} x {PATCH_PX} patch; remove its labels"
        )
    top, left = (
        min(max(math.floor(at - PATCH_PX / 2 + 1), 0), length - PATCH_PX)
        for at, length in zip((label.y, label.x), pixels.shape, strict=True)
    )
    return pixels[top : top + PATCH_PX, left : left + PATCH_PX]
