"""Where the public patches with point defects were cut, and whether they show their defect.

    python studies/patch_places.py [--data FOLDER]

The point defects of the public sets were edited into a micrograph, and the patches are crops of
it. Each patch is located by its normalised cross-correlation with that image. The defects' centres
are known, so it is known how far inside its patch the nearest one lies. Leaves its figures in
``studies/runs/patch_places.json``; `results.py` measures the default recipe without the patches
whose defect lies outside, and writes both into ``docs/results.md``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from skimage.feature import match_template

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.images.read import read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.training.dataset import TrainingSet

ROOT = Path(__file__).resolve().parents[1]
PLACES = ROOT / "studies" / "runs" / "patch_places.json"
# Overlapping interstitial patches differ, so some are not exact crops of the composite.
LEAST_CORRELATION = 0.95


def depth_px(patch: NDArray[np.float32], image: NDArray[np.float32], centres: Any) -> float:
    """Return how far inside its patch the nearest defect of an image lies; negative outside."""
    found = match_template(image, patch)
    if found.max() < LEAST_CORRELATION:
        raise ValueError(f"the patch is no crop of the image: correlation {found.max():.3f}")
    corner = np.array(np.unravel_index(int(found.argmax()), found.shape))
    last = corner + np.array(patch.shape) - 1
    inside = np.minimum(np.asarray(centres) - corner, last - np.asarray(centres)).min(axis=1)
    return float(inside.max())


def outside(data: Path, name: str) -> dict[str, Any]:
    """Return for each class with known centres how many patches there are and which miss it."""
    known = json.loads((data / "images" / "point_defects.json").read_text())
    composites = {entry["class"]: (file, entry["points_yx"]) for file, entry in known.items()}
    figures: dict[str, Any] = {}
    for label, (file, centres) in composites.items():
        paths = sorted((data / "patches" / f"DataSet_{name}").glob(f"{label}_*.tif"))
        if not paths:
            continue
        image = read(data / "images" / file).pixels
        depths = {path.name: depth_px(read(path).pixels, image, centres) for path in paths}
        missing = {patch: round(depth, 1) for patch, depth in depths.items() if depth < 0}
        figures[label] = {"patches": len(paths), "outside": missing}
    return figures


def showing_their_defect(data: TrainingSet, name: str) -> TrainingSet:
    """Return a patch set without the patches whose defect lies outside."""
    places = json.loads(PLACES.read_text(encoding="utf-8"))[name]
    missing = {patch for figures in places.values() for patch in figures["outside"]}
    return data.subset(np.array([data.names[int(n)] not in missing for n in data.image]))


def main() -> None:
    """Locate all patches and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    options = parser.parse_args()
    places = {name: outside(options.data, name) for name in ("CdTe", "STO")}
    write_bytes(PLACES, json.dumps(places, indent=1).encode())
    print(json.dumps(places, indent=1))


if __name__ == "__main__":
    main()
