"""Measure the bundled ensembles on whole images, and write ``docs/detection.md``.

    python studies/detection.py [--data FOLDER] [--model NAME ...] [--page-only]

Magnification and rotation (`scale`), what is called unknown (`unknown`), and, from the records of
the trainings, held-out places, crystals and doses. Leaves its figures in ``studies/runs``.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import scale
import unknown
from detection_page import page, plots

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "studies" / "runs"
MODELS = {"cdte-110": "cdte-110", "sto-001": "sto-001"}


def run(data: Path, names: list[str]) -> None:
    """Measure bundled ensembles."""
    for name in names:
        crystal = MODELS[name]
        ensemble = load_model(find_model(name))
        whose = {"model": name, "sha256": ensemble.sha256}
        rows = []
        for view in scale.views():
            rows.append(scale.measured(ensemble, crystal, view))
            print(name, view, flush=True)
        _write(f"scale.{name}.json", {**whose, "views": rows})
        if name in unknown.REAL:
            _write(f"unknown.{name}.json", {**whose, **unknown.measured(ensemble, crystal, data)})


def _write(name: str, values: dict[str, Any]) -> None:
    write_bytes(RUNS / name, json.dumps(values, indent=1).encode())


def main() -> None:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--page-only", action="store_true", help="from figures there are")
    parser.add_argument("--model", nargs="+", choices=list(MODELS), default=list(MODELS))
    options = parser.parse_args()
    if not options.page_only:
        run(options.data, options.model)
    figures = {path.stem: json.loads(path.read_text()) for path in RUNS.glob("*.*-*.json")}
    records = {
        name: json.loads((ROOT / "training" / f"{name.replace('-', '_')}.json").read_text())
        for name in MODELS
    }
    plots(figures, ROOT / "docs" / "images")
    write_bytes(ROOT / "docs" / "detection.md", page(figures, records).encode())


if __name__ == "__main__":
    main()
