"""Exports of a result with 10,000 regions, beside reading it: ``python benchmarks/exports.py``.

Writes ``figures/exports.json``. In one process, the packages of a format imported before; the best
of three. Point defects are exported as points, areas as outlines.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tifffile

import napari_stem_defects as sd
from napari_stem_defects.base.defect_classes import UNKNOWN, DefectClass
from napari_stem_defects.io.export.registry import FORMATS
from napari_stem_defects.io.results.read_results import read_results
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.postprocessing.mask_stack import MaskStack
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap, Region

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.base.defect_classes import Kind

EDGE, PITCH_PX, RADIUS_PX, NM = 100, 24, 8, 0.02
MODEL = {"name": "discs", "sha256": "0" * 64}


def write_discs(folder: Path, kind: Kind, edge: int = EDGE) -> Path:
    """Write an image with ``edge`` by ``edge`` discs of one class, and return its result."""
    size = edge * PITCH_PX
    folder.mkdir(parents=True)
    tifffile.imwrite(folder / "discs.tif", np.zeros((size, size), np.uint8))
    image = sd.read(folder / "discs.tif")
    y, x = np.indices((size, size)) % PITCH_PX - PITCH_PX // 2
    discs = (y**2 + x**2 <= RADIUS_PX**2).astype(np.uint8)
    area = int(discs[:PITCH_PX, :PITCH_PX].sum())
    middles = (np.arange(edge) * PITCH_PX + PITCH_PX // 2).tolist()
    regions = tuple(
        Region(
            *(image.name, 0, "Disc", number, float(y), float(x), y * NM, x * NM),
            *(area, area * NM**2, 2 * RADIUS_PX * NM, 0.8, 0.9, kind),
        )
        for number, (y, x) in enumerate(product(middles, middles), 1)
    )
    centres = np.arange(8, size, 16, dtype=np.float32)
    found = ProbabilityMap(
        np.full((2, centres.size, centres.size), 0.8, np.float32),
        *(centres, centres, ("Bulk", "Disc"), np.ones((centres.size,) * 2, bool)),
        (DefectClass("Bulk", "bulk"), DefectClass("Disc", kind)),
    )
    masks = MaskStack.from_array(("Disc", UNKNOWN), np.stack([discs, 0 * discs]))
    detection = Detection(image.name, 0, found, masks, regions, NM)
    return write_results(folder / "results", image, [detection], MODEL)


def best(work: Callable[[], object]) -> dict[str, float]:
    """Return processor and clock seconds of the fastest of three calls."""
    found = []
    for _ in range(3):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        found.append((time.process_time() - processor, time.perf_counter() - clock))
    processor, clock = min(found)
    return {"processor_s": round(processor, 3), "clock_s": round(clock, 3)}


def measured(folder: Path, kind: Kind) -> dict[str, dict[str, float]]:
    """Return the times of reading and of every format."""
    few = write_discs(folder / "few", kind, 3)
    result = write_discs(folder / "many", kind)
    times = {"read": best(lambda: read_results(result))}
    for name in FORMATS:
        sd.export(few, name, folder / "imported")
        times[name] = best(lambda name=name: sd.export(result, name, folder / "out"))
        print(kind, name, times[name], flush=True)
    return times


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = Path(__file__).parent / "figures" / "exports.json"
    parser.add_argument("--json", type=Path, default=default)
    options = parser.parse_args()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory() as folder:
        kinds = {kind: measured(Path(folder) / kind, kind) for kind in ("point", "area")}
    figures = {"regions": EDGE**2, "cores": os.cpu_count(), "load_before": load, "kinds": kinds}
    options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
