"""Export of a simulated micrograph with its ground truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.io.atomic import replacing
from napari_stem_defects.io.csv_cells import TableWriter
from napari_stem_defects.io.folder_kinds import TRUTH
from napari_stem_defects.io.images.write_stages import write_tiff
from napari_stem_defects.io.json_safe import plain
from napari_stem_defects.io.results.formats import write_masks
from napari_stem_defects.io.results.json_file import write_json
from napari_stem_defects.postprocessing.mask_stack import MaskStack

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_stem_defects.simulation.simulate import GroundTruthPoint, Simulation

POINT_COLUMNS = ("class", "y_px", "x_px", "y_nm", "x_nm")


def write_simulation(folder: Path, simulation: Simulation) -> list[Path]:
    """Write ``NAME.tif`` and ``NAME.truth/`` with masks, points and parameters.

    The ground truth is in a sub-folder, so that detection in ``folder`` reads only images.

    Parameters
    ----------
    folder : Path
        Created if necessary.
    simulation : Simulation
        The simulated micrograph.

    Returns
    -------
    list of Path
        ``NAME.tif`` (float32, with pixel size), ``points.csv``, ``truth.json`` (centre lines and
        all parameters) and, unless the crystal is perfect, ``masks.ome.tif`` (uint8, one 0/1 mask
        per class).

    Raises
    ------
    OutputError
        The disk is full or the folder is not writable.
    """
    micrograph = simulation.micrograph
    size_nm = micrograph.pixel_size_nm
    name = "{crystal}_seed{seed}".format(**simulation.parameters)
    image, truth = folder / f"{name}.tif", folder / f"{name}.truth"
    points, parameters, masks = (truth / part for part in ("points.csv", TRUTH, "masks.ome.tif"))
    write_tiff(image, micrograph.pixels, size_nm)
    _write_points(points, simulation.points, size_nm)
    lines = [line._asdict() for line in simulation.lines]
    write_json(parameters, plain({"parameters": simulation.parameters, "lines": lines}))
    if not simulation.masks:
        masks.unlink(missing_ok=True)  # of an earlier simulation
        return [image, points, parameters]
    mask_arrays = np.stack([mask.astype(np.uint8) for mask in simulation.masks.values()])
    write_masks(
        masks, iter([MaskStack.from_array(tuple(simulation.masks), mask_arrays)]), None, size_nm
    )
    return [image, points, parameters, masks]


def _write_points(path: Path, points: Sequence[GroundTruthPoint], size_nm: float | None) -> None:
    with (
        replacing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        table = TableWriter(file)
        table.writerow(POINT_COLUMNS)
        for point in points:
            place = (point.y_px, point.x_px)
            in_nm = ("", "") if size_nm is None else (f"{size_nm * px:.6g}" for px in place)
            table.writerow([point.class_name, *(f"{px:.6g}" for px in place), *in_nm])
