"""Train the bundled ensemble ``cdte-110``.

    python training/cdte_110.py [--data FOLDER] [--quick]

Learns from three sources: clicks on the public CdTe micrograph and on its copies with edited
vacancies and interstitials, the public Bulk patches (another image), and scenes of the linear
imaging model. Writes the model, and ``training/cdte_110.json`` with every parameter and figure.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.core.classes import BULK
from napari_stem_defects.core.samples import Samples, joined, scene_samples
from napari_stem_defects.core.simulation import FAMILIES, NEGATIVE_FAMILIES, random_scene
from napari_stem_defects.core.training_set import Clicks, TrainingSet, from_clicks

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.core.preprocessing import Preprocessing

CLASSES = (BULK, "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial")
PIXEL_SIZE_NM = 0.02692  # {111} planes of CdTe, 0.3742 nm, are 13.9 px apart in the micrograph
LATTICE_NM = 0.3742
# Centre lines (y, x) and the offsets across the band at which it is clicked.
LINES = {
    "SF1": ((0.0, 333.0), (328.0, 337.5), (-8.0, 0.0, 8.0)),
    "SF2": ((244.5, 0.0), (346.0, 307.0), (-10.0, -2.0, 2.0, 10.0)),
    "Twin_Bound": ((674.0, 0.0), (766.0, 276.0), (-3.0, 3.0)),
}
JUNCTION = ((342.0, 328.0), (348.0, 335.0), (354.0, 342.0))
# Rare defects are looked at more often in every view, shifted anew each time.
REPEATS = {"LC": 8, "Vacancy_CdTe": 6, "interstitial": 3}
STEP_PX = 5.0
BULK_STEP_PX = 26
CLEAR_PX = 27.0
RADIUS_PX = 8.0


def line_clicks() -> tuple[list[tuple[float, float]], list[str]]:
    """Return clicks along the extended defects of the training micrograph."""
    points, names = [], []
    for name, (start, end, offsets) in LINES.items():
        first, last = np.array(start), np.array(end)
        along = last - first
        normal = np.array([-along[1], along[0]]) / np.hypot(*along)
        for share in np.arange(0, 1, STEP_PX / np.hypot(*along)):
            for offset in offsets:
                points.append(tuple(first + share * along + offset * normal))
                names.append(name)
    junction = list(JUNCTION) * REPEATS["LC"]
    return points + junction, names + ["LC"] * len(junction)


def distance_to_lines(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance in px to the nearest clicked defect."""
    from scipy.spatial import cKDTree

    points, _ = line_clicks()
    distance: NDArray[np.float64] = cKDTree(points).query(np.column_stack([y, x]))[0]
    return distance


def clicks_of(
    image: NDArray[np.float32],
    points: list[tuple[float, float]],
    names: list[str],
    *,
    bulk_within: float = np.inf,
) -> Clicks:
    """Add Bulk clicks on a grid, clear of every defect, to the clicks of an image."""
    from scipy.spatial import cKDTree

    rows, columns = np.mgrid[4 : image.shape[0] : BULK_STEP_PX, 4 : image.shape[1] : BULK_STEP_PX]
    y, x = rows.ravel().astype(float), columns.ravel().astype(float)
    near = cKDTree(points).query(np.column_stack([y, x]))[0]
    clear = (distance_to_lines(y, x) > CLEAR_PX) & (near > CLEAR_PX) & (near < bulk_within)
    inside = [
        (p, n)
        for p, n in zip(points, names, strict=True)
        if 0 <= p[0] < image.shape[0] and 0 <= p[1] < image.shape[1]
    ]
    return Clicks(
        image,
        np.concatenate([[p[0] for p, _ in inside], y[clear]]),
        np.concatenate([[p[1] for p, _ in inside], x[clear]]),
        tuple(n for _, n in inside) + (BULK,) * int(clear.sum()),
    )


def real_data(data: Path) -> TrainingSet:
    """Return the clicks on the micrograph and on its two edited copies."""
    from napari_stem_defects.files.reading import read

    folder = data / "images"
    truth = json.loads((folder / "point_defects.json").read_text())
    parents = [clicks_of(read(folder / "CdTe_Training_Image.tif").pixels, *line_clicks())]
    for name in ("CdTe_vacancies.tif", "CdTe_interstitials.tif"):
        label = truth[name]["class"]
        points = [tuple(point) for point in truth[name]["points_yx"]] * REPEATS[label]
        names = [label] * len(points)
        parents.append(clicks_of(read(folder / name).pixels, points, names, bulk_within=80))
    return from_clicks(parents, pixel_size_nm=PIXEL_SIZE_NM)


def simulated_samples(
    preprocessing: Preprocessing, scenes: int, seed: int, families: tuple[str, ...] | None = None
) -> Samples:
    """Return windows of random scenes, every family as often as any other."""
    rng = np.random.default_rng(seed)
    drawn = families or FAMILIES["cdte-110"] + NEGATIVE_FAMILIES
    parts = []
    for number in range(scenes):
        family = drawn[number % len(drawn)]
        size_nm = PIXEL_SIZE_NM * float(np.exp(rng.uniform(-0.17, 0.17)))
        scene = random_scene(rng, family=family, size=224, pixel_size_nm=size_nm)
        parts.append(
            scene_samples(
                scene.micrograph.pixels,
                {name: scene.distance(name) for name in CLASSES[1:] if name in scene.masks},
                CLASSES,
                preprocessing,
                crystalline=family not in NEGATIVE_FAMILIES,
                count=24,
                radius_px=RADIUS_PX,
                seed=int(rng.integers(2**31)),
            )
        )
    return joined(parts)
