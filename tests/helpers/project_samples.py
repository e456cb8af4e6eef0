"""Label projects, micrographs and patch folders for tests of label projects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tifffile

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.io.labels.project import LabelProject

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHA = "ab" * 32
PIXELS = np.random.default_rng(0).random((80, 100), dtype=np.float32)
# Upper left corners of the crops in `write_patches`.
CROPS = {"SF1_0": (0, 0), "SF1_1": (36, 56), "LC_0": (13, 27)}


def sample_micrograph(folder: Path) -> Micrograph:
    return Micrograph(PIXELS, "a", 0.02, "file", path=folder / "data" / "a.tif", sha256=SHA)


def reopened(project: LabelProject) -> LabelProject:
    """Return the project as another process reads it from disk."""
    return LabelProject.open(project.path, read_only=True)


def noise(seed: int, shape: tuple[int, int] = (100, 120)) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)


def write_parent(folder: Path) -> Path:
    tifffile.imwrite(folder / "parent.tif", noise(0))
    return folder / "parent.tif"


def write_patches(folder: Path) -> Path:
    """Write three crops of the parent image and one patch from elsewhere."""
    patches = folder / "patches"
    patches.mkdir()
    for name, (top, left) in CROPS.items():
        tifffile.imwrite(patches / f"{name}.tif", noise(0)[top : top + 64, left : left + 64])
    tifffile.imwrite(patches / "Bulk_0.tif", noise(9, (64, 64)))
    return patches
