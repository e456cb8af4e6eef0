"""Train the bundled ensemble ``cdte-110``.

    python training/cdte_110.py [--data FOLDER] [--quick] [--keep FOLDER]

Learns from clicks on the public CdTe micrograph and on its copies with edited vacancies and
interstitials, the public Bulk patches (another image), two other crystals without any of
the classes, and scenes of the linear imaging model. Writes the model, and
``training/cdte_110.json`` with every parameter and figure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
from bundle import run
from labelled import other_crystals, patches_of, scaled_other_crystals, without_neighbours
from measuring import Faults
from recipe import (
    JUNCTION_THRESHOLD,
    PLANAR_THRESHOLD,
    POINT_THRESHOLD,
    EnsembleRecipe,
    Size,
)
from scipy.spatial import cKDTree

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.io.images.read import read
from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.simulation.random_scenes import FAULT_CLASSES, SceneDistribution
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet, join

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = (BULK, "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial")
PIXEL_SIZE_NM = 0.02692  # {111} planes of CdTe, 0.3742 nm, are 13.9 px apart in the micrograph
LATTICE_NM = 0.3742
GEOMETRY = LatticeGeometry(70.53, spacing_nm=LATTICE_NM, crystal="CdTe along [110]")
# Centre lines (y, x) and the offsets across the band at which it is clicked.
LINES = {
    "SF1": ((0.0, 333.0), (328.0, 337.5), (-8.0, 0.0, 8.0)),
    "SF2": ((244.5, 0.0), (346.0, 307.0), (-10.0, -2.0, 2.0, 10.0)),
    "Twin_Bound": ((674.0, 0.0), (766.0, 276.0), (-3.0, 3.0)),
}
JUNCTION = ((342.0, 328.0), (348.0, 335.0), (354.0, 342.0))
# Rare defects are repeated in every view, each time with another random shift.
REPEATS = {"LC": 8, "Vacancy_CdTe": 6, "interstitial": 3}
STEP_PX = 5.0
BULK_STEP_PX = 26
CLEAR_PX = 27.0

# The patch alone, without its spectrum, shows the kind of a fault; see docs/architecture.md.
PREPROCESSING = PreprocessingSettings(representation="real", smoothing_px=0.7)
THRESHOLDS = {
    BULK: 0.5,
    **dict.fromkeys(("SF1", "SF2", "Twin_Bound"), PLANAR_THRESHOLD),
    **dict.fromkeys(("Vacancy_CdTe", "interstitial"), POINT_THRESHOLD),
    "LC": JUNCTION_THRESHOLD,
}
ARCHITECTURE = Architecture(channels=(12, 24, 64, 96), padded=False)
# Held out to measure: these margins of the micrograph, which hold a third of each fault, and the
# right third of the edited copies' point defects. The one junction cannot be held out.
MARGIN_PX = {"left": 110, "top": 130, "right": 690}
HELD_POINTS_FROM_PX = 480
KNOWN = ("CdTe", "CdTe again", "GaAs", "GaSb", "ZnTe", "GaP")
STRANGE = ("Si", "InAs", "HgTe")
DIM, BRIGHT = (15.0, 40.0), (40.0, 1500.0)
THIN, THICK = (0.0, 0.6), (0.6, 1.0)
EDITED = ("CdTe_vacancies.tif", "CdTe_interstitials.tif")
DESCRIPTION = (
    "Stacking faults (SF1 single, SF2 double), Lomer-Cottrell junctions, twin boundaries,"
    " vacancies and interstitials in zincblende crystals seen along [110]. Trained on one public"
    " CdTe micrograph, two edited copies of it and simulated scenes."
)
DATA = """\
- Clicks on the public CdTe [110] micrograph of Ayyubi et al. (npj Computational Materials, 2026,
  s41524-026-02024-x) and on its two copies with edited vacancies and interstitials: one fault of
  each kind, one junction, one twin boundary, 10 vacancies, 25 interstitials.
- The Bulk patches of the same set, which show another image.
- One SrTiO3 and one WSe2 micrograph, in which none of the classes is present.
- Scenes of the linear imaging model: Si, GaAs, GaSb, InSb, InAs, ZnTe, CdTe, HgTe and GaP with
  faults, twins, junctions and point defects, and scenes without any crystal of that kind.

Trained by `python training/cdte_110.py`; every parameter is in `training/cdte_110.json`."""
LIMITS = """\
- All real defects in the training data are in one micrograph. The one junction could not be held
  out, so its figures come from simulated junctions alone.
- SF1 and SF2 are names of the public set: SF1 a single (intrinsic or overlapped) fault, SF2 a
  double (extrinsic or paired) one. A single fault, a double one and a twin boundary differ by a
  row of dumbbells; at low dose or where dumbbells are not resolved their names are confused.
- Vacancies and interstitials were edited into the micrograph or simulated; real ones may look
  otherwise.
- Other zone axes and crystals are outside the training data; much of them is reported as
  `unknown`, not all."""


FULL = Size(14, 9000, 4200, warm_up_epochs=4, pretraining_epochs=10, ood_scenes=754, ood_views=12)
QUICK = Size(2, 104, 60, warm_up_epochs=1, pretraining_epochs=1, ood_scenes=26, ood_views=1)

Point = tuple[float, float]


def line_clicks() -> tuple[list[Point], list[str]]:
    """Return clicks along the extended defects of the training micrograph."""
    points: list[Point] = []
    names: list[str] = []
    for name, (start, end, offsets) in LINES.items():
        first, last = np.array(start), np.array(end)
        along = last - first
        normal = np.array([-along[1], along[0]]) / np.hypot(*along)
        for share in np.arange(0, 1, STEP_PX / np.hypot(*along)):
            for offset in offsets:
                y, x = first + share * along + offset * normal
                points.append((float(y), float(x)))
                names.append(name)
    junction = list(JUNCTION) * REPEATS["LC"]
    return points + junction, names + ["LC"] * len(junction)


def distance_to_lines(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance in px to the nearest clicked defect."""
    points, _ = line_clicks()
    distance: NDArray[np.float64] = cKDTree(points).query(np.column_stack([y, x]))[0]
    return distance


def clicks_of(
    image: NDArray[np.float32],
    points: list[Point],
    names: list[str],
    *,
    bulk_within: float = np.inf,
) -> Clicks:
    """Add Bulk clicks on a grid, clear of every defect, to the clicks of an image."""
    grid = np.mgrid[4 : image.shape[0] : BULK_STEP_PX, 4 : image.shape[1] : BULK_STEP_PX]
    y, x = grid.reshape(2, -1).astype(float)
    near = cKDTree(points).query(np.column_stack([y, x]))[0]
    clear = (distance_to_lines(y, x) > CLEAR_PX) & (near > CLEAR_PX) & (near < bulk_within)
    at = np.array(points)
    inside = ((at >= 0) & (at <= np.array(image.shape) - 1)).all(1)
    return Clicks(
        image,
        np.concatenate([at[inside, 0], y[clear]]),
        np.concatenate([at[inside, 1], x[clear]]),
        tuple(np.array(names)[inside].tolist()) + (BULK,) * int(clear.sum()),
    )


def clicked_images(data: Path) -> TrainingSet:
    """Return the clicks on the micrograph and on its two edited copies."""
    folder = data / "images"
    ground_truth = json.loads((folder / "point_defects.json").read_text())
    parents = [clicks_of(read(folder / "CdTe_Training_Image.tif").pixels, *line_clicks())]
    for name in EDITED:
        label = ground_truth[name]["class"]
        points = [(float(y), float(x)) for y, x in ground_truth[name]["points_yx"]] * REPEATS[label]
        image = read(folder / name).pixels
        parents.append(clicks_of(image, points, [label] * len(points), bulk_within=80))
    return from_clicks(parents, pixel_size_nm=PIXEL_SIZE_NM)


def sites(data: Path) -> TrainingSet:
    """Return everything that is labelled."""
    others = ("images/STO_Training_Image.jpg", "wse2/frame_02.dm4")
    return join(
        [
            clicked_images(data),
            other_crystals(data, others, PIXEL_SIZE_NM),
            patches_of(data / "patches" / "DataSet_CdTe", BULK),
        ]
    )


def ood_sites(data: Path) -> TrainingSet:
    """Return out-of-distribution sites in other crystals at this ensemble's pixel size."""
    sizes_nm = {"images/STO_Training_Image.jpg": 0.01637, "wse2/frame_02.dm4": 0.03988}
    return scaled_other_crystals(data, sizes_nm, PIXEL_SIZE_NM)


def margins_and_rest(data: TrainingSet) -> tuple[TrainingSet, TrainingSet]:
    """Divide sites into those held out and those that share no pixel with them."""
    at = np.column_stack([data.y, data.x])
    point = np.array([kind == "point" for kind in data.kinds()])
    edited = np.isin(data.image, np.arange(1, 1 + len(EDITED)))
    held = in_margins(at) & (edited | (data.image == 0)) | (held_points(at) & edited & point)
    return without_neighbours(data, held, PREPROCESSING.patch_px)


def held_points(at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which point defects (y, x), shape (n, 2), are held out."""
    return in_margins(at) | (at[:, 1] > HELD_POINTS_FROM_PX)


def in_margins(at: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which positions (y, x), shape (n, 2), are in the margins."""
    y, x = at.T
    return (x < MARGIN_PX["left"]) | (y < MARGIN_PX["top"]) | (x > MARGIN_PX["right"])


RECIPE = EnsembleRecipe(
    spec=EnsembleSpec(
        name="cdte-110",
        classes=CLASSES,
        seeds=(0, 1),
        preprocessing=PREPROCESSING,
        architecture=ARCHITECTURE,
        pixel_size_nm=PIXEL_SIZE_NM,
        lattice_nm=LATTICE_NM,
        lattice_geometry=GEOMETRY,
        thresholds=THRESHOLDS,
        description=DESCRIPTION,
        licence="BSD-3-Clause",
    ),
    crystal="cdte-110",
    sites=sites,
    divide=margins_and_rest,
    held_points=held_points,
    edited=EDITED,
    known=SceneDistribution(KNOWN, BRIGHT, THIN),
    unseen={
        "Crystals it was not trained on: Si, InAs, HgTe": SceneDistribution(STRANGE, BRIGHT, THIN),
        "Doses it was not trained on: 15 to 40 electrons per px": SceneDistribution(
            KNOWN, DIM, THIN
        ),
        "Thicknesses it was not trained on: more background and a broader probe": SceneDistribution(
            KNOWN, BRIGHT, THICK
        ),
    },
    full=FULL,
    quick=QUICK,
    warm_up_families=("bulk", "twin", *FAULT_CLASSES),
    ood_sites=ood_sites,
    data=DATA,
    limits=LIMITS,
    faults=Faults(
        "images/CdTe_Training_Image.tif",
        {name: (start, end) for name, (start, end, _) in LINES.items()},
        in_margins,
    ),
)

if __name__ == "__main__":
    run(RECIPE)
