"""Training and evaluation runs of a recipe: a held-out run that is evaluated, and the final run."""

from __future__ import annotations

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from labelled import is_on_white_square
from measuring import (
    measure_disagreement,
    measure_faults,
    measure_localisation,
    measure_scenes,
    window_metrics,
)
from recipe_windows import (
    EVALUATION_SEED,
    augmented_views,
    detected_scenes,
    evaluation_scenes,
    fine_tuning_samples,
    ood_samples,
    simulated_samples,
    warm_up_samples,
)

from napari_stem_defects.base.progress import EpochProgress
from napari_stem_defects.inference.sliding_window import fast_precision
from napari_stem_defects.io.models.model_file import load_model, save_model
from napari_stem_defects.simulation.random_scenes import (
    DEFAULT_DISTRIBUTION,
    SceneDistribution,
)
from napari_stem_defects.training.augmentation import Augmentation
from napari_stem_defects.training.calibration import calibrate
from napari_stem_defects.training.dataset import TrainingSet, join
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.fit import fit
from napari_stem_defects.training.sampling import (
    Samples,
    augmented_samples,
    join_samples,
)
from napari_stem_defects.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from recipe import EnsembleRecipe, Size

    from napari_stem_defects.base.progress import Progress
    from napari_stem_defects.networks.spec import Ensemble, PlattCalibration

HELD_OUT_SEED, FINAL_SEED, CALIBRATION_SEED = 10, 20, 91
PLACES = "Labelled places that the measured model was not trained on"


def train(
    recipe: EnsembleRecipe,
    data: TrainingSet,
    ood_sites: TrainingSet,
    size: Size,
    seed: int,
    distribution: SceneDistribution = DEFAULT_DISTRIBUTION,
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Fit all members on views of labelled sites and windows of simulated scenes."""
    spec = recipe.spec
    both = join([data, ood_sites]).with_classes(spec.classes)
    is_ood = np.arange(len(both)) >= len(data)
    learned, unseen = both.subset(~is_ood), both.subset(is_ood)
    samples = join_samples(
        [
            augmented_views(recipe, learned, size.views, seed),
            simulated_samples(recipe, size.scenes, seed + 1, distribution),
            ood_samples(recipe, unseen, size, seed + 2),
        ]
    )
    warm_up = None
    if size.warm_up_scenes:
        warm_up = warm_up_samples(recipe, size.warm_up_scenes, seed + 3, distribution)
    print(f"training on {len(samples)} windows", flush=True)

    def report(progress: Progress) -> None:
        loss = progress.training_loss if isinstance(progress, EpochProgress) else float("nan")
        print(f"{progress.stage} {progress.done}/{progress.total} loss {loss:.4f}", flush=True)

    pretraining = Schedule(
        epochs=dict.fromkeys(spec.classes, 0),
        pretraining_epochs=size.pretraining_epochs,
        warm_up_epochs=size.warm_up_epochs,
        auxiliary_weight=1.0 if recipe.warm_up_families else 0.0,
        seeds=spec.seeds[:1],
        learning_rate=3e-3,
        mixed_precision=fast_precision("cpu") == "bfloat16",
    )
    torch.set_num_threads(1)  # two runs share the machine
    ensemble, history = fit(spec, samples, None, pretraining, warm_up=warm_up, report=report)
    fine_tuning = replace(
        pretraining,
        epochs=dict.fromkeys(spec.classes, 1),
        seeds=spec.seeds,
        pretraining_epochs=0,
        auxiliary_weight=0.0,
    )
    others = fine_tuning_samples(recipe, learned, unseen, size, seed + 4, distribution)
    start = copy_to_seeds(ensemble, spec.seeds)
    ensemble, last = fit(spec, others, None, fine_tuning, initial=start, report=report)
    return ensemble, [*history, *last]


class Trained(NamedTuple):
    """An ensemble, the loss of every epoch, and the duration beside the other run in minutes."""

    ensemble: Ensemble
    history: list[dict[str, Any]]
    minutes: float


def train_or_load(
    recipe: EnsembleRecipe,
    data: TrainingSet,
    size: Size,
    seed: int,
    folder: Path,
    kept: Path | None,
    distribution: SceneDistribution = DEFAULT_DISTRIBUTION,
) -> Trained:
    """Load the model that an earlier run kept in a file, or train it and keep it there."""
    if kept is not None and kept.exists():
        ensemble = load_model(kept)
        return Trained(ensemble, **ensemble.spec.training)
    started = time.perf_counter()
    ensemble, history = train(recipe, data, recipe.ood_sites(folder), size, seed, distribution)
    done = Trained(ensemble, history, round((time.perf_counter() - started) / 60, 1))
    if kept is not None:
        spec = replace(ensemble.spec, training={"history": history, "minutes": done.minutes})
        save_model(replace(ensemble, spec=spec), kept)
    return done


def copy_to_seeds(ensemble: Ensemble, seeds: tuple[int, ...]) -> Ensemble:
    """Copy the members of the only seed to every seed."""
    weights = {}
    for name, array in ensemble.weights.items():
        column, _, parameter = name.split(".", 2)
        weights |= {f"{column}.{number}.{parameter}": array for number in range(len(seeds))}
    return replace(ensemble, spec=replace(ensemble.spec, seeds=seeds), weights=weights)


def calibrate_ensemble(
    recipe: EnsembleRecipe, ensemble: Ensemble, scenes: Samples, places: Samples
) -> Ensemble:
    """Calibrate the probabilities on scenes and labelled sites that were not trained on.

    Only Bulk is calibrated on both, half on each: the sites show many kinds of Bulk, but of each
    extended defect only the one that was held out.
    """
    bulk_alone = np.where(np.arange(places.targets.shape[1]) == 0, places.targets, np.nan)
    places = Samples(places.features, bulk_alone.astype(np.float32))
    repeats = max(1, round(len(scenes) / max(len(places), 1)))
    samples = join_samples([scenes] + [places] * repeats)
    fitted = calibrate(ensemble.spec.classes, predict_logits(ensemble, samples), samples.targets)
    return replace(ensemble, spec=replace(ensemble.spec, calibration=fitted))


def held_out_run(
    recipe: EnsembleRecipe, data: TrainingSet, size: Size, folder: Path, kept: Path | None
) -> tuple[Mapping[str, PlattCalibration], dict[str, Any]]:
    """Train without some positions, crystals, doses and thicknesses, and evaluate on these."""
    held, learned = (side.with_classes(recipe.spec.classes) for side in recipe.divide(data))
    print("held out:", held.counts(), "left to learn from:", learned.counts(), flush=True)
    done = train_or_load(recipe, learned, size, HELD_OUT_SEED, folder, kept, recipe.known)
    return evaluate(recipe, done.ensemble, held, size, folder, {"history": done.history})


def evaluate(
    recipe: EnsembleRecipe,
    ensemble: Ensemble,
    held: TrainingSet,
    size: Size,
    folder: Path,
    figures: dict[str, Any],
) -> tuple[Mapping[str, PlattCalibration], dict[str, Any]]:
    """Calibrate on half of the held-out sites and on scenes; evaluate on all the others."""
    fitted, left = (
        augmented_samples(part, recipe.spec.preprocessing, Augmentation(), views=12, seed=77)
        for part in (held.subset(is_on_white_square(held)), held.subset(~is_on_white_square(held)))
    )
    count = evaluation_scenes(recipe, size)
    scenes = simulated_samples(recipe, count, CALIBRATION_SEED, recipe.known)
    ensemble = calibrate_ensemble(recipe, ensemble, scenes, fitted)
    figures |= {
        "held_out_sites": held.counts(),
        "calibration": {name: asdict(c) for name, c in ensemble.spec.calibration.items()},
        "windows": {PLACES: window_metrics(ensemble, left)},
        "localisation": measure_localisation(ensemble, folder, recipe.edited, recipe.held_points),
        "scenes": {},
        "disagreement": {},
    }
    if recipe.faults:
        figures["faults"] = measure_faults(ensemble, folder, recipe.faults)
    for title, distribution in {"New scenes": recipe.known, **recipe.unseen}.items():
        samples = simulated_samples(recipe, count, EVALUATION_SEED, distribution)
        figures["windows"][title] = window_metrics(ensemble, samples)
        figures["disagreement"][title] = measure_disagreement(ensemble, samples)
        scenes_to_detect = detected_scenes(recipe, distribution)
        figures["scenes"][title] = measure_scenes(ensemble, scenes_to_detect)
    return ensemble.spec.calibration, figures


def final_run(
    recipe: EnsembleRecipe, data: TrainingSet, size: Size, folder: Path, kept: Path | None
) -> Trained:
    """Train on all data."""
    return train_or_load(recipe, data, size, FINAL_SEED, folder, kept)
