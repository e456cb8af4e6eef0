"""Train the bundled ensemble ``sto-001``.

    python training/sto_001.py [--data FOLDER] [--quick] [--keep FOLDER]

Learns from clicks on the three public SrTiO3 micrographs with edited columns, the untouched
micrograph they were made from, two other crystals without any of the classes, and scenes of the
linear imaging model. Writes the model, and ``training/sto_001.json`` with every parameter and
figure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from bundle import run
from labelled import other_crystals, scaled_other_crystals, without_neighbours
from recipe import POINT_THRESHOLD, EnsembleRecipe, Size
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK, default_kind
from napari_stem_defects.io.images.read import read
from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.simulation.random_scenes import SceneDistribution
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet, join

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = (BULK, "Extra", "IExtra", "Mis")
PIXEL_SIZE_NM = 0.01637  # {100} planes of SrTiO3, 0.3905 nm, are 23.85 px apart in the micrograph
LATTICE_NM = 0.3905
GEOMETRY = LatticeGeometry(90.0, spacing_nm=LATTICE_NM, crystal="SrTiO3 along [001]")
EDITED = ("STO_extra.tif", "STO_iextra.tif", "STO_missing.tif")
# Rare defects are repeated in every view, each time with another random shift.
REPEATS = 8
BULK_STEP_PX = 26
CLEAR_PX = 27.0
# Held out to measure: the right half of the micrograph and of its edited copies.
HELD_FROM_PX = 255
KNOWN = ("SrTiO3", "SrTiO3 again", "BaTiO3")
DIM, BRIGHT = (15.0, 40.0), (40.0, 1500.0)
THIN, THICK = (0.0, 0.6), (0.6, 1.0)

PREPROCESSING = PreprocessingSettings(representation="real", smoothing_px=0.7)
THRESHOLDS = {name: POINT_THRESHOLD if default_kind(name) == "point" else 0.5 for name in CLASSES}
DESCRIPTION = (
    "Extra columns (Extra), interstitial columns (IExtra) and missing Sr columns (Mis) in"
    " SrTiO3 and crystals like it, seen along [001]. Trained on one public micrograph, three"
    " edited copies of it and simulated scenes."
)
DATA = """\
- Clicks on the three edited copies of the public SrTiO3 [001] micrograph of Ayyubi et al. (npj
  Computational Materials, 2026, s41524-026-02024-x): 7 extra, 5 interstitial and 9 missing
  columns; Bulk around them and all over the untouched micrograph.
- One CdTe and one WSe2 micrograph, in which none of the classes is present.
- Scenes of the linear imaging model: SrTiO3, BaTiO3 and LaMnO3 with the three defects, and scenes
  without any crystal of that kind.

Trained by `python training/sto_001.py`; every parameter is in `training/sto_001.json`."""
LIMITS = """\
- All defects in the training data were edited into one micrograph or simulated; real ones may look
  otherwise.
- Other zone axes and crystals are outside the training data; much of them is reported as
  `unknown`, not all."""


def sites(data: Path) -> TrainingSet:
    """Return everything that is labelled."""
    folder = data / "images"
    ground_truth = json.loads((folder / "point_defects.json").read_text())
    parents = [clicks_of(folder / "STO_Training_Image.jpg", [], "")]
    parents += [
        clicks_of(folder / n, ground_truth[n]["points_yx"], ground_truth[n]["class"])
        for n in EDITED
    ]
    others = ("images/CdTe_Training_Image.tif", "wse2/frame_02.dm4")
    return join(
        [
            from_clicks(parents, pixel_size_nm=PIXEL_SIZE_NM),
            other_crystals(data, others, PIXEL_SIZE_NM),
        ]
    )


def clicks_of(path: Path, points: list[list[float]], name: str) -> Clicks:
    """Add Bulk clicks on a grid, clear of every defect, to the clicks of an image."""
    image = read(path).pixels
    grid = np.mgrid[4 : image.shape[0] : BULK_STEP_PX, 4 : image.shape[1] : BULK_STEP_PX]
    bulk = grid.reshape(2, -1).T.astype(float)
    if points:
        bulk = bulk[cKDTree(points).query(bulk)[0] > CLEAR_PX]
    at = np.concatenate([np.array(points * REPEATS).reshape(-1, 2), bulk])
    names = (name,) * (len(points) * REPEATS) + (BULK,) * len(bulk)
    return Clicks(image, at[:, 0], at[:, 1], names)


def ood_sites(data: Path) -> TrainingSet:
    """Return out-of-distribution sites in other crystals at this ensemble's pixel size."""
    sizes_nm = {"images/CdTe_Training_Image.tif": 0.02692, "wse2/frame_02.dm4": 0.03988}
    return scaled_other_crystals(data, sizes_nm, PIXEL_SIZE_NM)


def halves(data: TrainingSet) -> tuple[TrainingSet, TrainingSet]:
    """Divide sites into the right half and those that share no pixel with it."""
    held = (data.image <= len(EDITED)) & held_points(np.column_stack([data.y, data.x]))
    return without_neighbours(data, held, PREPROCESSING.patch_px)


def held_points(at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which positions (y, x), shape (n, 2), are held out."""
    return at[:, 1] > HELD_FROM_PX


RECIPE = EnsembleRecipe(
    spec=EnsembleSpec(
        name="sto-001",
        classes=CLASSES,
        seeds=(0, 1),
        preprocessing=PREPROCESSING,
        architecture=Architecture(channels=(12, 24, 64, 96), padded=False),
        pixel_size_nm=PIXEL_SIZE_NM,
        lattice_nm=LATTICE_NM,
        lattice_geometry=GEOMETRY,
        thresholds=THRESHOLDS,
        description=DESCRIPTION,
        licence="BSD-3-Clause",
    ),
    crystal="sto-001",
    sites=sites,
    divide=halves,
    held_points=held_points,
    edited=EDITED,
    known=SceneDistribution(KNOWN, BRIGHT, THIN),
    unseen={
        "A crystal it was not trained on: LaMnO3": SceneDistribution(("LaMnO3",), BRIGHT, THIN),
        "Doses it was not trained on: 15 to 40 electrons per px": SceneDistribution(
            KNOWN, DIM, THIN
        ),
        "Thicknesses it was not trained on: more background and a broader probe": SceneDistribution(
            KNOWN, BRIGHT, THICK
        ),
    },
    full=Size(16, 3200, 0, warm_up_epochs=0, pretraining_epochs=5, ood_scenes=600, ood_views=5),
    quick=Size(2, 64, 0, warm_up_epochs=0, pretraining_epochs=1, ood_scenes=16, ood_views=1),
    warm_up_families=(),
    ood_sites=ood_sites,
    data=DATA,
    limits=LIMITS,
)

if __name__ == "__main__":
    run(RECIPE)
