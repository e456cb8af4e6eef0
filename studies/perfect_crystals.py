"""What "auto" names in perfect crystals of other kinds: every name there is wrong.

    python studies/perfect_crystals.py

Detects in 60 simulated crystals without a defect, of any lattice, motif, contrast and dose, half of
them calibrated, as a user does who gives no model. Writes ``studies/runs/perfect_crystals.json``,
which ``studies/any_crystal_page.py`` reads.
"""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

import napari_stem_defects as sd
from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.simulation.any_lattice_random import random_lattice_scene
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice

FIGURES = Path(__file__).resolve().parent / "runs" / "perfect_crystals.json"
IMAGES, EDGE_PX, PERIOD_PX = 60, 400, (7.0, 24.0)
LATTICE_NM = 0.28


def named_area(seed: int) -> dict[str, Any]:
    """Return the share of an image that gets a name, and whether names are generic."""
    torch.set_num_threads(1)
    rng = np.random.default_rng([seed, 991])
    period = float(np.exp(rng.uniform(*np.log(PERIOD_PX))))
    scene = random_lattice_scene(rng, (EDGE_PX, EDGE_PX), period_px=period, forms=())
    micrograph = simulate_lattice(scene, seed).micrograph()
    if seed % 2:
        micrograph = micrograph.with_pixel_size(LATTICE_NM / period, "user")
    found = sd.detect(micrograph, device="cpu")
    named = np.zeros(micrograph.frame_shape, bool)
    for name, mask in zip(found.mask_names, found.masks, strict=True):
        if name != UNKNOWN:
            named |= mask.astype(bool)
    generic = "Core" in found.mask_names
    return {"seed": seed, "generic": generic, "named": round(float(named.mean()), 6)}


def main() -> None:
    """Measure and write the figures."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        images = list(pool.map(named_area, range(IMAGES)))
    write_bytes(FIGURES, json.dumps({"images": images}, indent=1).encode())
    print(f"named: {100 * np.mean([each['named'] for each in images]):.3f} % of the area")


if __name__ == "__main__":
    main()
