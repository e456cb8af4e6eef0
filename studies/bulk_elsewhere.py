"""Is Bulk recognised by its source image? Test models of the public patches on another image.

    python studies/bulk_elsewhere.py [--data FOLDER] [--seeds 0 1 2]

All Bulk patches of the public CdTe set were cut from one image and all defects from another, so a
network may learn the image instead of the crystal. Here the default recipe for patches, trained on
that set, sees windows of the *other* image that hold no defect. Leaves its figures in
``studies/runs``; `results.py` writes them into ``docs/results.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.labels.load_dataset import read_training_data
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.preprocessing.pipeline import features, filter_image
from napari_stem_defects.training.pipeline import train
from napari_stem_defects.training.recipes import TrainingOptions

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "training"))
from cdte_110 import distance_to_lines  # noqa: E402  (where the defects of the micrograph lie)

PATCH_PX, STEP_PX = 64, 16
# A corner of a window is 45 px from its centre; the widest fault reaches 14 px from its line.
CLEAR_PX = 60


def bulk_windows(image: np.ndarray) -> np.ndarray:
    """Return the 64x64 windows of the CdTe micrograph that hold no defect, (n, 64, 64)."""
    half = PATCH_PX // 2
    rows, columns = (np.arange(half, length - half + 1, STEP_PX) for length in image.shape)
    y, x = (axis.ravel() for axis in np.meshgrid(rows, columns, indexing="ij"))
    clear = distance_to_lines(y.astype(float), x.astype(float)) > CLEAR_PX
    return np.stack(
        [image[r - half : r + half, c - half : c + half] for r, c in zip(y, x, strict=True)]
    )[clear]


def measured(data: Path, seed: int) -> dict[str, Any]:
    """Train on the patches; count the bulk windows of the micrograph that each class gets."""
    patches = read_training_data([data / "patches" / "DataSet_CdTe"])
    made = train(patches, TrainingOptions(name=f"bulk-{seed}", splits=("random",), seed=seed))
    image = read(data / "images" / "CdTe_Training_Image.tif").pixels
    spec = made.ensemble.spec
    seen = features(filter_image(bulk_windows(image), spec.preprocessing), spec.preprocessing)
    probability = EnsembleNetwork(made.ensemble).probabilities(seen)
    counts = (probability >= 0.5).sum(0)
    assigned = {name: int(n) for name, n in zip(spec.classes, counts, strict=True)}
    return {"seed": seed, "windows": len(probability), "claimed": assigned}


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    runs = [measured(options.data, seed) for seed in options.seeds]
    print(runs)
    write_bytes(
        ROOT / "studies" / "runs" / "bulk_elsewhere.json", json.dumps(runs, indent=1).encode()
    )


if __name__ == "__main__":
    main()
