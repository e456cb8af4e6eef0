"""Train the evaluated and the final model of a recipe in parallel; write model, card and record."""

from __future__ import annotations

import argparse
import json
import os
import platform
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import window_metrics
from recipe_runs import final_run, held_out_run
from recipe_windows import EVALUATION_SEED, evaluation_scenes, simulated_samples

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.model_file import save_model
from napari_stem_defects.networks.model_card import model_card
from napari_stem_defects.training.augmentation import Augmentation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from recipe import EnsembleRecipe, Size
    from recipe_runs import Trained

    from napari_stem_defects.networks.spec import Ensemble, PlattCalibration
    from napari_stem_defects.training.dataset import TrainingSet

ROOT = Path(__file__).resolve().parents[1]


def run(recipe: EnsembleRecipe) -> None:
    """Train, evaluate, and write the model and its record."""
    options = _options(recipe.spec.name)
    size = recipe.quick if options.quick else recipe.full
    data = recipe.sites(options.data)
    parts = {name: _kept(options.keep, recipe, name) for name in ("held-out", "final")}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        held_out = pool.submit(held_out_run, recipe, data, size, options.data, parts["held-out"])
        final = pool.submit(final_run, recipe, data, size, options.data, parts["final"])
        calibration, figures = held_out.result()
        trained = final.result()
    finish(recipe, trained, calibration, data, size, figures, options.out)


def finish(
    recipe: EnsembleRecipe,
    trained: Trained,
    calibration: Mapping[str, PlattCalibration],
    data: TrainingSet,
    size: Size,
    figures: dict[str, Any],
    out: Path,
) -> None:
    """Copy the calibration of the evaluated ensemble, check it on new scenes, and write it."""
    ensemble = trained.ensemble
    ensemble = replace(ensemble, spec=replace(ensemble.spec, calibration=calibration))
    scenes = simulated_samples(recipe, evaluation_scenes(recipe, size), EVALUATION_SEED)
    record = {
        "sites": data.with_classes(recipe.spec.classes).counts(),
        "size": size.to_dict(),
        "augmentation": Augmentation().to_dict(),
        "seeds": list(recipe.spec.seeds),
        "on_new_scenes": window_metrics(ensemble, scenes)["classes"],
        "minutes": trained.minutes,
    }
    _write(recipe, ensemble, record, figures, trained.history, out)


def _kept(folder: Path | None, recipe: EnsembleRecipe, part: str) -> Path | None:
    return None if folder is None else folder / f"{recipe.spec.name}-{part}.safetensors"


def _options(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Train the bundled ensemble {name}.")
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, default=ROOT)
    parser.add_argument("--quick", action="store_true", help="a rehearsal of a few minutes")
    parser.add_argument(
        "--keep", type=Path, help="folder for both trained models; a later run only measures them"
    )
    return parser.parse_args()


def _write(
    recipe: EnsembleRecipe,
    ensemble: Ensemble,
    record: dict[str, Any],
    figures: dict[str, Any],
    history: list[dict[str, Any]],
    out: Path,
) -> None:
    versions = {name: version(name) for name in ("numpy", "scipy", "torch")}
    spec = replace(
        ensemble.spec,
        training=record,
        figures=figures["windows"],
        versions={"python": platform.python_version(), **versions},
    )
    models = out / "src" / "napari_stem_defects" / "pretrained"
    saved = save_model(replace(ensemble, spec=spec), models / f"{spec.name}.safetensors")
    card = model_card(saved.spec, saved.sha256, data=recipe.data, limits=recipe.limits)
    write_bytes(models / f"{spec.name}.md", card.encode())
    everything = {**record, "model_sha256": saved.sha256, "held_out": figures, "history": history}
    text = json.dumps(everything, indent=1)
    write_bytes(out / "training" / f"{spec.name.replace('-', '_')}.json", text.encode())
