"""What the Bulk member clears on labelled micrographs: ``python benchmarks/clearing.py OUT.json``.

Every window of each image is shown to all members. A defect can only be lost in a window that
Bulk claims with at least `CLEARED` although another class is there.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import numpy as np

from napari_stem_defects import DEFAULT_MODEL
from napari_stem_defects.core.classes import BULK
from napari_stem_defects.core.ensemble import Ensemble
from napari_stem_defects.core.inference import predict
from napari_stem_defects.core.preprocessing import flatten
from napari_stem_defects.core.window_scan import CLEARED
from napari_stem_defects.core.windows import window_grid
from napari_stem_defects.files.model_file import load_model
from napari_stem_defects.files.model_library import find_model
from napari_stem_defects.files.reading import read

IMAGES = ("CdTe_Training_Image.tif", "CdTe_vacancies.tif", "CdTe_interstitials.tif")
DATA = Path(os.environ.get("STEM_DEFECTS_DATA", Path(__file__).parents[2] / "shared" / "data"))


def cleared(path: Path, ensemble: Ensemble, stride: int) -> dict[str, object]:
    """Return what would be cleared in one image, and the surest other class there."""
    flat = flatten(read(path).pixels, ensemble.spec.preprocessing)
    grid = window_grid(flat.shape, stride)
    exact = predict(flat, ensemble, grid)
    bulk = ensemble.spec.classes.index(BULK)
    sure, others = exact[bulk] >= CLEARED, np.delete(exact, bulk, axis=0)
    limits = [ensemble.spec.threshold(name) for name in ensemble.spec.classes if name != BULK]
    lost = (others >= np.array(limits)[:, None, None]).any(0) & sure
    return {
        "image": path.stem,
        "windows": grid.windows,
        "cleared": float(sure.mean()),
        "surest_other_class_there": float(others.max(0)[sure].max(initial=0)),
        "defects_lost": int(lost.sum()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--stride", type=int, default=8)
    options = parser.parse_args()
    options.out.parent.mkdir(parents=True, exist_ok=True)
    ensemble = load_model(find_model(DEFAULT_MODEL))
    figures = [cleared(DATA / "images" / name, ensemble, options.stride) for name in IMAGES]
    text = json.dumps({"limit": CLEARED, "stride_px": options.stride, "images": figures}, indent=1)
    options.out.write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
