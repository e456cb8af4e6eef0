"""How the bundled ensembles are trained, whatever their crystal.

A script beside this one says what is labelled and what is simulated (`Recipe`); this module
turns it into windows, fits the members, fits the probabilities on scenes nobody trained on, and
writes the model file, its card and its record. What the record says was measured on a second
model, which was trained without some of the labelled places, crystals and doses.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from labelled import checkered
from measuring import (
    Faults,
    disagreement_of,
    figures_of,
    found_along,
    localised,
    named_in_scenes,
)

from napari_stem_defects.base.defect_classes import kind_of
from napari_stem_defects.inference.sliding_window import fast_precision
from napari_stem_defects.io.models.model_file import load_model, save_model
from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.random_scenes import (
    DEFAULT_DISTRIBUTION,
    OUT_OF_DISTRIBUTION_FAMILIES,
    SceneDistribution,
)
from napari_stem_defects.simulation.simulate import FAMILIES, NEGATIVE_FAMILIES, random_scene
from napari_stem_defects.training.augmentation import Augmentation
from napari_stem_defects.training.calibration import calibrate
from napari_stem_defects.training.dataset import TrainingSet, join
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.fit import fit
from napari_stem_defects.training.schedule import Schedule
from napari_stem_defects.training.sampling import (
    Samples,
    augmented_samples,
    join_samples,
    scene_samples,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.progress import Progress
    from napari_stem_defects.networks.spec import PlattCalibration, Ensemble, EnsembleSpec
    from napari_stem_defects.simulation.scene import Simulation

RADIUS_PX = 8.0
SCENE_PX = 224
WINDOWS_PER_SCENE = 14
# Windows per scene of the lesson, of which only those on a defect are kept.
LESSON_BULK, LESSON_DEFECT = 12, 36
# Views of the labelled images in the members' own pass.
OWN_VIEWS = 4
# Calibrated probabilities from which a class claims a window. An image holds far more windows
# without a point defect than the scenes show. A planar defect shows in many windows: along it most
# of them have to speak, and a few that speak elsewhere come to less than the shortest defect.
POINT_THRESHOLD, JUNCTION_THRESHOLD, PLANAR_THRESHOLD = 0.7, 0.3, 0.2
HELD_OUT_SEED, FINAL_SEED, CALIBRATION_SEED, MEASURED_SEED = 10, 20, 91, 92
PLACES = "Labelled places that the measured model was not trained on"
# Larger scenes, to detect in as a user does: so many of each family of the crystal.
DETECTED_PX, DETECTED_SCENES = 400, 12


class Size(NamedTuple):
    """How much is trained on, and how often.

    ``views`` of every labelled image, so many simulated ``scenes``, ``stranger_scenes`` and
    ``stranger_views`` of images of other crystals, and the passes over them: the lesson's, those
    of the start that all members have in common. Then every member's own pass over as many
    strangers again, as many scenes of the crystal and a few views of every image.
    """

    views: int
    scenes: int
    lesson_scenes: int
    warm_up_epochs: int
    pretraining_epochs: int
    stranger_scenes: int
    stranger_views: int


@dataclass(frozen=True)
class Recipe:
    """What an ensemble is trained on.

    Attributes
    ----------
    spec : EnsembleSpec
    crystal : str
        Key of `FAMILIES`.
    sites : callable
        Returns the labelled sites, given the data folder.
    divide : callable
        Splits sites into those held out to measure on and those that share no pixel with them.
    held_points : callable
        Says of places (y, x), shape (n, 2), in the edited images whether `divide` holds them out.
    edited : tuple of str
        Names of the images with edited point defects.
    known : World
        What the measured model sees; the bundled one sees everything.
    strange : dict of str to World
        What it does not see, by what is strange about it.
    full, quick : Size
    lesson_families : tuple of str
        Families the networks see clearly first; none for no lesson.
    strangers : callable
        Returns sites in images of other crystals at the ensemble's pixel size, which no class may
        claim, given the data folder.
    data, limits : str
        For the card.
    faults : Faults, optional
        Real extended defects that are partly held out.
    """

    spec: EnsembleSpec
    crystal: str
    sites: Callable[[Path], TrainingSet]
    divide: Callable[[TrainingSet], tuple[TrainingSet, TrainingSet]]
    held_points: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
    edited: tuple[str, ...]
    known: SceneDistribution
    strange: dict[str, SceneDistribution]
    full: Size
    quick: Size
    lesson_families: tuple[str, ...]
    strangers: Callable[[Path], TrainingSet]
    data: str
    limits: str
    faults: Faults | None = None


def a_scene(
    recipe: Recipe,
    rng: np.random.Generator,
    family: str,
    size: int,
    distribution: SceneDistribution,
    imaging: Imaging | None = None,
) -> Simulation:
    """Return a random scene at about the ensemble's pixel size."""
    size_nm = (recipe.spec.pixel_size_nm or 0) * float(np.exp(rng.uniform(-0.17, 0.17)))
    return random_scene(
        rng,
        crystal=recipe.crystal,
        family=family,
        size=size,
        pixel_size_nm=size_nm,
        imaging=imaging,
        distribution=distribution,
    )


def detected_scenes(recipe: Recipe, distribution: SceneDistribution) -> list[Simulation]:
    """Return scenes of every family of the crystal, to detect in."""
    rng = np.random.default_rng(MEASURED_SEED)
    families = FAMILIES[recipe.crystal] * DETECTED_SCENES
    return [a_scene(recipe, rng, family, DETECTED_PX, distribution) for family in families]


def scene_windows(
    recipe: Recipe,
    rng: np.random.Generator,
    family: str,
    count: int,
    distribution: SceneDistribution,
    imaging: Imaging | None = None,
) -> Samples:
    """Return windows of one random scene, a third on its defects and a third near them."""
    spec = recipe.spec
    scene = a_scene(recipe, rng, family, SCENE_PX, distribution, imaging)
    return scene_samples(
        scene.micrograph.pixels,
        {name: scene.distance(name) for name in spec.classes[1:] if name in scene.masks},
        spec.classes,
        spec.preprocessing,
        crystal=scene.crystal,
        count=count,
        radius_px=RADIUS_PX,
        seed=int(rng.integers(2**31)),
    )


def simulated_samples(
    recipe: Recipe,
    scenes: int,
    seed: int,
    distribution: SceneDistribution = DEFAULT_DISTRIBUTION,
    families: tuple[str, ...] = (),
) -> Samples:
    """Return windows of random scenes, every family (all by default) as often as any other."""
    rng = np.random.default_rng(seed)
    families = families or FAMILIES[recipe.crystal] + NEGATIVE_FAMILIES
    return join_samples(
        [
            scene_windows(
                recipe, rng, families[number % len(families)], WINDOWS_PER_SCENE, distribution
            )
            for number in range(scenes)
        ]
    )


def lesson_samples(
    recipe: Recipe, scenes: int, seed: int, distribution: SceneDistribution
) -> Samples:
    """Return windows on clearly seen planar defects and in bulk; other classes are not asked."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(scenes):
        family = recipe.lesson_families[number % len(recipe.lesson_families)]
        clear = Imaging(
            probe_fwhm_nm=rng.uniform(0.08, 0.13),
            dose=rng.uniform(150, 1000),
            tail_share=0.1,
            jitter_px=0.1,
        )
        count = LESSON_BULK if family == "bulk" else LESSON_DEFECT
        parts.append(scene_windows(recipe, rng, family, count, distribution, clear))
        if family != "bulk":
            on_defect = np.nansum(parts[-1].targets[:, 1:], axis=1) > 0
            parts[-1] = parts[-1].subset(on_defect)
    samples = join_samples(parts)
    asked = [kind_of(name) != "point" for name in recipe.spec.classes]
    return Samples(samples.features, np.where(asked, samples.targets, np.float32(np.nan)))


def own_samples(
    recipe: Recipe,
    learned: TrainingSet,
    strangers: TrainingSet,
    size: Size,
    seed: int,
    distribution: SceneDistribution,
) -> Samples:
    """Return windows for the members' own pass: half of them show what no class may claim."""
    return join_samples(
        [
            views_of(recipe, learned, OWN_VIEWS, seed),
            simulated_samples(recipe, size.stranger_scenes, seed + 1, distribution),
            stranger_samples(recipe, strangers, size, seed + 2),
        ]
    )


def stranger_samples(recipe: Recipe, strangers: TrainingSet, size: Size, seed: int) -> Samples:
    """Return windows of lattices of chance and of other crystals; no class may claim them."""
    scenes = simulated_samples(
        recipe, size.stranger_scenes, seed, families=OUT_OF_DISTRIBUTION_FAMILIES
    )
    return join_samples([scenes, views_of(recipe, strangers, size.stranger_views, seed)])


def views_of(recipe: Recipe, data: TrainingSet, views: int, seed: int) -> Samples:
    """Return windows of augmented views of labelled images."""
    settings = recipe.spec.preprocessing
    return augmented_samples(data, settings, Augmentation(), views=views, seed=seed)


def train(
    recipe: Recipe,
    data: TrainingSet,
    strangers: TrainingSet,
    size: Size,
    seed: int,
    distribution: SceneDistribution = DEFAULT_DISTRIBUTION,
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Fit all members on views of labelled sites and windows of simulated scenes."""
    spec = recipe.spec
    both = join([data, strangers]).with_classes(spec.classes)
    strange_ones = np.arange(len(both)) >= len(data)
    learned, strange = both.subset(~strange_ones), both.subset(strange_ones)
    samples = join_samples(
        [
            views_of(recipe, learned, size.views, seed),
            simulated_samples(recipe, size.scenes, seed + 1, distribution),
            stranger_samples(recipe, strange, size, seed + 2),
        ]
    )
    warm_up = None
    if size.lesson_scenes:
        warm_up = lesson_samples(recipe, size.lesson_scenes, seed + 3, distribution)
    print(f"training on {len(samples)} windows", flush=True)

    def report(progress: Progress) -> None:
        loss = progress.detail.get("loss", float("nan"))
        print(f"{progress.stage} {progress.done}/{progress.total} loss {loss:.4f}", flush=True)

    common = Schedule(
        epochs=dict.fromkeys(spec.classes, 0),
        pretraining_epochs=size.pretraining_epochs,
        warm_up_epochs=size.warm_up_epochs,
        auxiliary_weight=1.0 if recipe.lesson_families else 0.0,
        seeds=spec.seeds[:1],
        learning_rate=3e-3,
        mixed_precision=fast_precision("cpu") == "bfloat16",
    )
    torch.set_num_threads(1)  # two runs share the machine
    ensemble, history = fit(spec, samples, None, common, warm_up=warm_up, report=report)
    own = replace(
        common,
        epochs=dict.fromkeys(spec.classes, 1),
        seeds=spec.seeds,
        pretraining_epochs=0,
        auxiliary_weight=0.0,
    )
    others = own_samples(recipe, learned, strange, size, seed + 4, distribution)
    start = for_every_seed(ensemble, spec.seeds)
    ensemble, last = fit(spec, others, None, own, start=start, report=report)
    return ensemble, [*history, *last]


class Trained(NamedTuple):
    """An ensemble, the loss of every epoch, and how long it took beside the other training."""

    ensemble: Ensemble
    history: list[dict[str, Any]]
    minutes: float


def trained(
    recipe: Recipe,
    data: TrainingSet,
    size: Size,
    seed: int,
    folder: Path,
    kept: Path | None,
    distribution: SceneDistribution = DEFAULT_DISTRIBUTION,
) -> Trained:
    """Train, or take what an earlier run kept in a file; keep what was trained there."""
    if kept is not None and kept.exists():
        ensemble = load_model(kept)
        return Trained(ensemble, **ensemble.spec.training)
    started = time.perf_counter()
    ensemble, history = train(recipe, data, recipe.strangers(folder), size, seed, distribution)
    done = Trained(ensemble, history, round((time.perf_counter() - started) / 60, 1))
    if kept is not None:
        spec = replace(ensemble.spec, training={"history": history, "minutes": done.minutes})
        save_model(replace(ensemble, spec=spec), kept)
    return done


def for_every_seed(ensemble: Ensemble, seeds: tuple[int, ...]) -> Ensemble:
    """Give the members of every seed the weights of the one seed there is."""
    weights = {}
    for name, array in ensemble.weights.items():
        column, _, parameter = name.split(".", 2)
        weights |= {f"{column}.{number}.{parameter}": array for number in range(len(seeds))}
    return replace(ensemble, spec=replace(ensemble.spec, seeds=seeds), weights=weights)


def calibrated(recipe: Recipe, ensemble: Ensemble, scenes: Samples, places: Samples) -> Ensemble:
    """Fit the probabilities on scenes and places that it was not trained on.

    Only Bulk is fitted on both, half on each: the places hold bulk of many kinds, but of each
    extended defect just the one that was held out.
    """
    bulk_alone = np.where(np.arange(places.targets.shape[1]) == 0, places.targets, np.nan)
    places = Samples(places.features, bulk_alone.astype(np.float32))
    repeats = max(1, round(len(scenes) / max(len(places), 1)))
    samples = join_samples([scenes] + [places] * repeats)
    fitted = calibrate(ensemble.spec.classes, predict_logits(ensemble, samples), samples.targets)
    return replace(ensemble, spec=replace(ensemble.spec, calibration=fitted))


def held_out_run(
    recipe: Recipe, data: TrainingSet, size: Size, folder: Path, kept: Path | None
) -> tuple[Mapping[str, PlattCalibration], dict[str, Any]]:
    """Train without some places, crystals, doses and thicknesses, and measure there."""
    held, learned = (side.with_classes(recipe.spec.classes) for side in recipe.divide(data))
    print("held out:", held.counts(), "left to learn from:", learned.counts(), flush=True)
    done = trained(recipe, learned, size, HELD_OUT_SEED, folder, kept, recipe.known)
    return measured(recipe, done.ensemble, held, size, folder, {"history": done.history})


def measured(
    recipe: Recipe,
    ensemble: Ensemble,
    held: TrainingSet,
    size: Size,
    folder: Path,
    figures: dict[str, Any],
) -> tuple[Mapping[str, PlattCalibration], dict[str, Any]]:
    """Calibrate on half of the places held out and on scenes; measure on all the rest."""
    fitted, left = (
        augmented_samples(part, recipe.spec.preprocessing, Augmentation(), views=12, seed=77)
        for part in (held.subset(checkered(held)), held.subset(~checkered(held)))
    )
    count = few_of(recipe, size)
    scenes = simulated_samples(recipe, count, CALIBRATION_SEED, recipe.known)
    ensemble = calibrated(recipe, ensemble, scenes, fitted)
    figures |= {
        "held_out_sites": held.counts(),
        "calibration": {name: asdict(c) for name, c in ensemble.spec.calibration.items()},
        "windows": {PLACES: figures_of(ensemble, left)},
        "localisation": localised(ensemble, folder, recipe.edited, recipe.held_points),
        "scenes": {},
        "disagreement": {},
    }
    if recipe.faults:
        figures["faults"] = found_along(ensemble, folder, recipe.faults)
    for title, distribution in {"New scenes": recipe.known, **recipe.strange}.items():
        samples = simulated_samples(recipe, count, MEASURED_SEED, distribution)
        figures["windows"][title] = figures_of(ensemble, samples)
        figures["disagreement"][title] = disagreement_of(ensemble, samples)
        figures["scenes"][title] = named_in_scenes(ensemble, detected_scenes(recipe, distribution))
    return ensemble.spec.calibration, figures


def final_run(
    recipe: Recipe, data: TrainingSet, size: Size, folder: Path, kept: Path | None
) -> Trained:
    """Train on everything there is."""
    return trained(recipe, data, size, FINAL_SEED, folder, kept)


def few_of(recipe: Recipe, size: Size) -> int:
    """Return how many scenes are enough to measure on: a tenth, and every family at least once."""
    return max(len(FAMILIES[recipe.crystal] + NEGATIVE_FAMILIES), size.scenes // 10)
