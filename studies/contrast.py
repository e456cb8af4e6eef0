"""Are bright and dark columns distinguished? On crystals of any lattice, and on public images.

    python studies/contrast.py

Simulates perfect crystals of any lattice and motif with bright and with dark columns at three
doses, and inverts the public images in the folder named by ``STEM_DEFECTS_DATA``. Writes
``studies/runs/contrast.json``.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

import napari_stem_defects as sd
from napari_stem_defects.anomaly.contrast import column_contrast, column_sharpness
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.simulation.any_lattice_random import random_lattice_scene
from napari_stem_defects.simulation.any_lattice_scene import simulate_lattice

TARGET = Path(__file__).resolve().parent / "runs" / "contrast.json"
CRYSTALS, EDGE_PX, PERIOD_PX = 100, 320, (7.0, 24.0)
PER_PERIOD = (600, 4000, 60000)
PUBLIC = ("images/*.tif", "images/*.jpg", "other/Si110_clean.png", "wse2/*.dm4")


def examined(pixels: np.ndarray[Any, Any]) -> dict[str, float] | None:
    """Return what both measures find in an image; None without a lattice."""
    cells = measure_lattices(pixels).cells
    if not cells:
        return None
    sharpness = column_sharpness(pixels, cells)
    return {
        "sharpness": round(sharpness, 3),
        "is_dark": float(column_contrast(pixels, cells) == "dark"),
        "sign": -1.0 if sharpness < 0 else 1.0,
    }


def simulated(seed: int, contrast: Literal["bright", "dark"], per_period: float) -> Any:
    """Return a simulated crystal of any lattice."""
    rng = np.random.default_rng([seed, 5])
    period = float(np.exp(rng.uniform(*np.log(PERIOD_PX))))
    scene = random_lattice_scene(rng, (EDGE_PX, EDGE_PX), period_px=period, forms=())
    dose = float(np.clip(per_period / period**2, 1.5, 2000))
    imaging = replace(scene.imaging, contrast=contrast, dose=dose)
    return simulate_lattice(replace(scene, imaging=imaging), seed).micrograph().pixels


def public_images() -> dict[str, dict[str, Any]]:
    """Return what is found in the public images and in their inverse."""
    default = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
    folder = Path(os.environ.get("STEM_DEFECTS_DATA", default))
    paths = [path for pattern in PUBLIC for path in sorted(folder.glob(pattern))]
    found: dict[str, dict[str, Any]] = {}
    for path in paths:
        pixels = sd.read(path).pixels
        found[path.name] = {"as it is": examined(pixels), "inverted": examined(-pixels)}
    return found


def main() -> None:
    """Examine all images and write what was found."""
    rows = []
    for contrast in ("bright", "dark"):
        for per_period in PER_PERIOD:
            found = [examined(simulated(seed, contrast, per_period)) for seed in range(CRYSTALS)]
            known = [each for each in found if each is not None]
            rows.append(
                {
                    "columns": contrast,
                    "electrons_per_period": per_period,
                    "with_a_lattice": len(known),
                    "called_dark": sum(each["is_dark"] > 0 for each in known),
                    "more_probably_dark": sum(each["sign"] < 0 for each in known),
                    "least_sharpness": min(each["sharpness"] for each in known),
                    "most_sharpness": max(each["sharpness"] for each in known),
                }
            )
            print(rows[-1], flush=True)
    content = {"crystals": CRYSTALS, "simulated": rows, "public": public_images()}
    TARGET.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
