"""Whether an ensemble reports ``unknown`` where it should.

Known are windows of crystals like those the ensemble is for, on defects and off them; unknown
those of other crystals, other zone axes, amorphous films and vacuum with noise. The score of a
window is the highest probability any class gives it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.images.read import read
from napari_stem_defects.simulation.random_scenes import FAMILIES, random_scene
from napari_stem_defects.training.metrics import auroc

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.networks.spec import Ensemble

SEED, SCENES, SCENE_PX, STRIDE = 4001, 6, 192, 16
MOST_WINDOWS = 400
EVERYWHERE = (0.0, np.inf)
# By model, title: file, whether it is known, and from which row to which.
REAL = {
    "cdte-110": {
        "Si [110]": ("other/Si110_clean.png", True, EVERYWHERE),
        "Ge [110], below the interface": ("other/STO_Ge_3044px.jpg", True, (1950.0, np.inf)),
        "SrTiO3 with a crack, above it": ("other/STO_Ge_3044px.jpg", False, (0.0, 1750.0)),
        "WSe2, a frame not trained on": ("wse2/frame_11.dm4", False, EVERYWHERE),
    },
    "sto-001": {
        "SrTiO3 with a crack, above the interface": (
            *("other/STO_Ge_3044px.jpg", True, (0.0, 1750.0)),
        ),
        "Ge [110], below it": ("other/STO_Ge_3044px.jpg", False, (1950.0, np.inf)),
        "Si [110]": ("other/Si110_clean.png", False, EVERYWHERE),
        "WSe2, a frame not trained on": ("wse2/frame_11.dm4", False, EVERYWHERE),
    },
}
NEGATIVE = ("amorphous", "vacuum", "other_crystal")


def scores(
    ensemble: Ensemble, micrograph: Micrograph, rows: tuple[float, float] = EVERYWHERE
) -> NDArray[np.float32]:
    """Return the highest probability that any class gives each window that shows something.

    The rows are searched as an image of their own: a lattice is measured in a whole image.
    """
    pixels = micrograph.pixels[int(rows[0]) : int(min(rows[1], len(micrograph.pixels)))]
    part = replace(micrograph, pixels=pixels)
    found = detect_frame(part, ensemble, stride=STRIDE, mode="exact").map
    best: NDArray[np.float32] = found.probability.max(axis=0)[found.valid]
    return best


def simulated(
    ensemble: Ensemble, crystal: str, family: str, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the scores of new random scenes of a family."""
    size_nm = ensemble.spec.pixel_size_nm or 0.0
    scenes = [
        random_scene(rng, crystal=crystal, family=family, size=SCENE_PX, pixel_size_nm=size_nm)
        for _ in range(SCENES)
    ]
    return np.concatenate([scores(ensemble, scene.micrograph) for scene in scenes])


def apart(known: NDArray[np.float32], unknown: NDArray[np.float32]) -> float | None:
    """Return the chance that a known window scores higher than an unknown one."""
    there = np.repeat([True, False], [len(known), len(unknown)])
    return auroc(there, np.concatenate([known, unknown]))


def measured(ensemble: Ensemble, crystal: str, data: Path) -> dict[str, Any]:
    """Score every source; compare the known ones, each as weighty as the others, with the rest."""
    rng = np.random.default_rng(SEED)
    sources: dict[str, tuple[bool, NDArray[np.float32]]] = {}
    for title, (name, known, rows) in REAL[ensemble.spec.name].items():
        sources[title] = (known, scores(ensemble, read(data / name), rows))
    for family in (*FAMILIES[crystal], *NEGATIVE):
        title = f"simulated {family.replace('_', ' ')}"
        found = simulated(ensemble, crystal, family, rng)
        sources[title] = (family not in NEGATIVE, found)
    thinned = {
        title: (known, rng.permutation(found)[:MOST_WINDOWS])
        for title, (known, found) in sources.items()
    }
    known = np.concatenate([found for is_known, found in thinned.values() if is_known])
    unknown = np.concatenate([found for is_known, found in thinned.values() if not is_known])
    return {
        "auroc": apart(known, unknown),
        "sources": {
            title: {
                "known": is_known,
                "windows": len(found),
                "unclaimed": float((found < 0.5).mean()),
                "auroc": None if is_known else apart(known, found),
            }
            for title, (is_known, found) in sources.items()
        },
    }
