"""Train the bundled ensemble ``any-crystal``.

    python training/any_crystal.py [--quick] [--keep FOLDER]

Learns generic kinds of defects from the lattice residual of simulated crystals: random lattices,
motifs, contrasts, doses and defects. Two ensembles are trained. One learns without five of the
fifteen crystal families (Bravais lattice and number of columns per cell): two of them calibrate it
and set its thresholds, the other three measure it. The bundled one learns from all families and
takes over calibration and thresholds. Writes the model, its card, and
``training/any_crystal.json`` with every parameter and figure.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from any_crystal_detection import Judged, judged_regions, shares, thresholds_for
from any_crystal_scenes import CLASSES, WINDOW_PX, Family, scene_samples
from measuring import window_metrics
from recipe_runs import copy_to_seeds

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.progress import EpochProgress, Progress
from napari_stem_defects.inference.sliding_window import fast_precision
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.model_file import load_model, save_model
from napari_stem_defects.lattice.geometry import LatticeGeometry
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.model_card import model_card
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.training.calibration import calibrate
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.fit import fit
from napari_stem_defects.training.schedule import Schedule

if TYPE_CHECKING:
    from napari_stem_defects.training.sampling import Samples

ROOT = Path(__file__).resolve().parents[1]
LATTICES = ("hexagonal", "square", "rectangular", "centred", "oblique")
FAMILIES: frozenset[Family] = frozenset(itertools.product(LATTICES, (1, 2, 3)))
CALIBRATION: frozenset[Family] = frozenset({("hexagonal", 2), ("rectangular", 3)})
MEASURED: frozenset[Family] = frozenset({("square", 2), ("oblique", 2), ("centred", 1)})

# Lengths in samples, of which a lattice period has 7; those of `anomaly.sampling`.
PREPROCESSING = PreprocessingSettings(
    patch_px=WINDOW_PX,
    representation="residual",
    smoothing_px=0.84,
    background_px=10.5,
    contrast_px=28.0,
)
ARCHITECTURE = Architecture(channels=(16, 32, 64), padded=False, dropout=0.1)
# Any lattice: angle and ratio are those of no crystal in particular.
GEOMETRY = LatticeGeometry(75.0, 2.0, angle_tolerance_deg=20.0, ratio_tolerance=3.0)
SEEDS = (0, 1)
LABEL_RADIUS_PX = 2.45
FINE_TUNING_SHARE = 0.25
CLASS_DATA = (
    DefectClass("Missing", "point", "missing or weaker column", "#ffd600"),
    DefectClass("Added", "point", "added or brighter column", "#ff7f7f"),
    DefectClass("Fault", "line", "planar fault, same lattice on both sides", "#00bcd4"),
    DefectClass("Boundary", "line", "twin or grain boundary", "#b388ff"),
    DefectClass("Core", "point", "dislocation core", "#ff9800"),
    DefectClass("Other", "area", "area of another kind", "#8bc34a"),
)
DESCRIPTION = (
    "Generic kinds of defects in crystals of any lattice: missing or weaker and added or brighter"
    " columns, planar faults, twin and grain boundaries, dislocation cores, other areas. Sees the"
    " lattice residual, in which no crystal is left. For a first look where no special model fits."
)
DATA = """\
- Simulated images of random crystals: five Bravais lattices, motifs of one to three columns, bright
  and dark contrast, 600 to 60,000 electrons per lattice period squared, strain, drift, haze, with
  random defects of nine forms. No real image.

Trained by `python training/any_crystal.py`; every parameter is in `training/any_crystal.json`."""
LIMITS = """\
- The names are generic. Which column is missing, or which fault it is, only labels can teach.
- Fault and boundary are distinguished by the residual alone in these figures. Detection then
  measures the lattices on both sides, and names the line by them where they were measured.
- Thresholds are set so that four of five regions have the right name in simulated crystals of
  families that were not learned. Real images were not used.
- Needs a lattice: amorphous images and vacuum are not recognised."""


class Size(NamedTuple):
    """Scenes to learn from, to calibrate and to measure with, and epochs of the pretraining."""

    scenes: int
    held_out: int
    epochs: int


FULL, QUICK = Size(4000, 240, 8), Size(60, 24, 1)


class Trained(NamedTuple):
    """An ensemble, the loss of every epoch, and the duration in minutes."""

    ensemble: Ensemble
    history: list[dict[str, Any]]
    minutes: float


def specification() -> EnsembleSpec:
    """Return the description of the ensemble without figures."""
    return EnsembleSpec(
        name="any-crystal",
        classes=CLASSES,
        seeds=SEEDS,
        preprocessing=PREPROCESSING,
        architecture=ARCHITECTURE,
        training={"label_radius_px": LABEL_RADIUS_PX},
        description=DESCRIPTION,
        licence="BSD-3-Clause",
        class_data=CLASS_DATA,
        lattice_geometry=GEOMETRY,
    )


def train(families: frozenset[Family], size: Size, seed: int, kept: Path | None) -> Trained:
    """Fit an ensemble to scenes of some families, or load the one that an earlier run kept."""
    if kept is not None and kept.exists():
        ensemble = load_model(kept)
        return Trained(ensemble, ensemble.spec.training["history"], 0.0)
    started = time.perf_counter()
    torch.set_num_threads(1)  # two runs share the machine
    samples = scene_samples(range(seed, seed + size.scenes), families, workers=1)
    print(f"{len(samples)} windows of {len(families)} families", flush=True)
    first = Schedule(
        epochs=dict.fromkeys(CLASSES, 0),
        pretraining_epochs=size.epochs,
        batch=256,
        seeds=SEEDS[:1],
        learning_rate=4e-3,
        weight_decay=1e-2,
        mixed_precision=fast_precision("cpu") == "bfloat16",
    )
    spec = specification()
    ensemble, history = fit(spec, samples, None, first, report=_print)
    some = np.random.default_rng(seed).random(len(samples)) < FINE_TUNING_SHARE
    last = replace(first, epochs=dict.fromkeys(CLASSES, 1), seeds=SEEDS, pretraining_epochs=0)
    start = copy_to_seeds(ensemble, SEEDS)
    ensemble, tuned = fit(spec, samples.subset(some), None, last, initial=start, report=_print)
    minutes = round((time.perf_counter() - started) / 60, 1)
    history = [*history, *tuned]
    if kept is not None:
        keep = replace(ensemble.spec, training={**ensemble.spec.training, "history": history})
        save_model(replace(ensemble, spec=keep), kept)
    return Trained(ensemble, history, minutes)


def _print(progress: Progress) -> None:
    loss = progress.training_loss if isinstance(progress, EpochProgress) else float("nan")
    print(f"{progress.stage} {progress.done}/{progress.total} loss {loss:.4f}", flush=True)


def held_out_run(size: Size, kept: Path | None) -> tuple[EnsembleSpec, dict[str, Any]]:
    """Train without the held-out families; calibrate on some of them, measure on the others."""
    done = train(FAMILIES - CALIBRATION - MEASURED, size, 100_000, kept)
    ensemble = _calibrated(done.ensemble, size)
    limits = thresholds_for(_judged(ensemble, 300_000, CALIBRATION, size))
    ensemble = replace(ensemble, spec=replace(ensemble.spec, thresholds=limits))
    measured = _judged(ensemble, 400_000, MEASURED, size)
    windows = scene_samples(range(500_000, 500_000 + size.held_out), MEASURED)
    figures = {
        "windows": {
            "Crystal families that the measured model was not trained on": window_metrics(
                ensemble, windows
            )
        },
        "regions": shares(measured, limits),
        "families": {
            "calibration": sorted(map(list, CALIBRATION)),
            "measured": sorted(map(list, MEASURED)),
        },
        "thresholds": limits,
        "history": done.history,
        "minutes": done.minutes,
    }
    return ensemble.spec, figures


def _calibrated(ensemble: Ensemble, size: Size) -> Ensemble:
    seeds = range(200_000, 200_000 + size.held_out)
    windows: Samples = scene_samples(seeds, CALIBRATION, evenly=True)
    fitted = calibrate(CLASSES, predict_logits(ensemble, windows), windows.targets)
    return replace(ensemble, spec=replace(ensemble.spec, calibration=fitted))


def _judged(ensemble: Ensemble, seed: int, families: frozenset[Family], size: Size) -> list[Judged]:
    return judged_regions(ensemble, range(seed, seed + size.held_out), families)


def final_run(size: Size, kept: Path | None) -> Trained:
    """Train on all families."""
    return train(FAMILIES, size, 10_000, kept)


def main() -> None:
    """Train both ensembles in parallel; write the model, its card and the record."""
    parser = argparse.ArgumentParser(description="Train the bundled ensemble any-crystal.")
    parser.add_argument("--out", type=Path, default=ROOT)
    parser.add_argument("--quick", action="store_true", help="a rehearsal of a few minutes")
    parser.add_argument(
        "--keep", type=Path, help="folder for both trained models, to measure again"
    )
    options = parser.parse_args()
    size = QUICK if options.quick else FULL
    kept = [
        None if options.keep is None else options.keep / f"any-crystal-{part}.safetensors"
        for part in ("held-out", "final")
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        held_out = pool.submit(held_out_run, size, kept[0])
        final = pool.submit(final_run, size, kept[1])
        measured, figures = held_out.result()
        trained = final.result()
    write(trained, measured, figures, size, options.out)


def write(
    trained: Trained, measured: EnsembleSpec, figures: dict[str, Any], size: Size, out: Path
) -> None:
    """Write the model with the calibration and thresholds of the measured one."""
    record = {
        "label_radius_px": LABEL_RADIUS_PX,
        "size": size._asdict(),
        "seeds": list(SEEDS),
        "minutes": trained.minutes,
    }
    versions = {name: version(name) for name in ("numpy", "scipy", "torch")}
    spec = replace(
        trained.ensemble.spec,
        calibration=measured.calibration,
        thresholds=measured.thresholds,
        training=record,
        figures=figures["windows"],
        versions={"python": platform.python_version(), **versions},
    )
    models = out / "src" / "napari_stem_defects" / "pretrained"
    saved = save_model(replace(trained.ensemble, spec=spec), models / f"{spec.name}.safetensors")
    card = model_card(saved.spec, saved.sha256, data=DATA, limits=LIMITS)
    write_bytes(models / f"{spec.name}.md", card.encode())
    calibration = {name: asdict(each) for name, each in measured.calibration.items()}
    everything = {
        **record,
        "model_sha256": saved.sha256,
        "calibration": calibration,
        "held_out": figures,
        "history": trained.history,
    }
    write_bytes(out / "training" / "any_crystal.json", json.dumps(everything, indent=1).encode())


if __name__ == "__main__":
    main()
