"""Results with a point, a line and an area with a hole at known places, for tests of exports."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from napari_stem_defects.base.defect_classes import UNKNOWN, DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap, Region

SHAPE = (90, 140)
NM = 0.05
CLASSES = (
    DefectClass("Bulk", "bulk"),
    DefectClass("Vac", "point", "vacancy", "#d55e00"),
    DefectClass("SF1", "line", "fault", "#e69f00"),
    DefectClass("Ppt", "area", "precipitate", "#009e73"),
)
MODEL = {"name": "small", "sha256": "cd" * 32}
SITE = (20.25, 100.5)
"""Measured site (y, x) of the first vacancy of the first frame, px."""
MIDDLES = ((20, 100), (70, 30))
"""Centres (y, x) of the vacancies of the first frame; each frame they move by 3 px in x."""
FAULT_X = 60
"""The fault is vertical at this x, from the upper to the lower border."""
HOLE = (slice(50, 54), slice(110, 114))
BLOCK = (slice(40, 64), slice(100, 130))
"""The precipitate is this block without the hole."""


def masks(frame: int = 0) -> NDArray[np.uint8]:
    """Return the masks of the defect classes and of ``unknown``."""
    found = np.zeros((4, *SHAPE), np.uint8)
    y, x = np.indices(SHAPE)
    for middle_y, middle_x in MIDDLES:
        found[0] |= np.hypot(y - middle_y, x - middle_x - 3 * frame) <= 4
    found[1][:, FAULT_X - 3 : FAULT_X + 4] = 1
    found[2][BLOCK] = 1
    found[2][HOLE] = 0
    return found


def detection(image: Micrograph, frame: int = 0) -> Detection:
    """Return the regions of `masks`; the first vacancy has a measured site."""
    y, x = (np.arange(2, size, 4, dtype=np.float32) for size in SHAPE)
    probability = np.full((len(CLASSES), y.size, x.size), 0.7, np.float32)
    names = tuple(each.name for each in CLASSES)
    found = ProbabilityMap(probability, y, x, names, np.ones(probability.shape[1:], bool), CLASSES)
    stack = MaskStack.from_array((*names[1:], UNKNOWN), masks(frame))
    regions = list(measure_regions(found, stack, image=image.name, frame=frame, pixel_size_nm=NM))
    first = next(n for n, each in enumerate(regions) if each.class_name == "Vac")
    sites = {"site_y_px": SITE[0], "site_x_px": SITE[1] + 3 * frame, "sublattice": "A"}
    regions[first] = replace(regions[first], **sites)
    return Detection(
        image=image.name,
        frame=frame,
        map=found,
        mask_stack=stack,
        regions=tuple(regions),
        pixel_size_nm=NM,
        parameters={"stride_px": 4, "pixel_size_source": "file"},
    )


def write_image(path: Path, frames: int | None = None) -> Micrograph:
    """Write noise as a calibrated TIFF and return what is read from it."""
    shape = SHAPE if frames is None else (frames, *SHAPE)
    pixels = np.random.default_rng(len(path.name)).random(shape).astype(np.float32)
    axes = {"axes": "YX" if frames is None else "TYX", "PhysicalSizeX": NM, "PhysicalSizeY": NM}
    units = {"PhysicalSizeXUnit": "nm", "PhysicalSizeYUnit": "nm"}
    tifffile.imwrite(path, pixels, ome=True, metadata={**axes, **units})
    return read(path)


def write_sample(folder: Path, name: str = "lamella", frames: int | None = None) -> Path:
    """Write an image and its result; return the folder of the result."""
    folder.mkdir(parents=True, exist_ok=True)
    image = write_image(folder / f"{name}.ome.tif", frames)
    found = [detection(image, frame) for frame in range(frames or 1)]
    return write_results(folder / "results", image, found, MODEL)


def write_many(folder: Path, kind: Literal["point", "area"], edge: int = 100) -> Path:
    """Write an image with ``edge`` by ``edge`` discs of one class, and its result."""
    folder.mkdir(parents=True, exist_ok=True)
    path, pitch, radius = folder / "many.tif", 24, 8
    size = edge * pitch
    tifffile.imwrite(path, np.zeros((size, size), np.uint8))
    y, x = np.indices((size, size)) % pitch - pitch // 2
    disc = (y**2 + x**2 <= radius**2).astype(np.uint8)
    image, name = read(path), "Disc"
    area = int(disc[:pitch, :pitch].sum())
    middles = np.arange(edge) * pitch + pitch // 2
    regions = tuple(
        Region(
            *(image.name, 0, name, number, float(y), float(x), y * NM, x * NM),
            *(area, area * NM**2, 2 * radius * NM, 0.8, 0.9, kind),
        )
        for number, (y, x) in enumerate(product(middles, middles), 1)
    )
    centres = np.arange(8, size, 16, dtype=np.float32)
    classes = (DefectClass("Bulk", "bulk"), DefectClass(name, kind))
    found = ProbabilityMap(
        np.full((2, centres.size, centres.size), 0.8, np.float32),
        *(centres, centres, ("Bulk", name), np.ones((centres.size,) * 2, bool), classes),
    )
    stack = MaskStack.from_array((name, UNKNOWN), np.stack([disc, 0 * disc]))
    detected = Detection(image.name, 0, found, stack, regions, NM)
    return write_results(folder / "results", image, [detected], MODEL)
