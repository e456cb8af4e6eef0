"""How the bundled ensembles are trained, whatever their crystal.

A script beside this one says what is labelled and what is simulated (`Recipe`); this module
turns it into windows, fits the members, fits the probabilities on scenes nobody trained on, and
writes the model file, its card and its record. What the record says was measured on a second
model, which was trained without some of the labelled places, crystals and doses.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from measuring import figures_of, localised, named_in_scenes
from scipy.spatial import cKDTree

from napari_stem_defects.core.augmentation import Augmentation
from napari_stem_defects.core.calibration import calibrate
from napari_stem_defects.core.classes import kind_of
from napari_stem_defects.core.imaging_model import Imaging
from napari_stem_defects.core.measurement import logits_of
from napari_stem_defects.core.model_card import model_card
from napari_stem_defects.core.random_scenes import EVERYTHING, World
from napari_stem_defects.core.samples import Samples, augmented_samples, joined, scene_samples
from napari_stem_defects.core.simulation import FAMILIES, NEGATIVE_FAMILIES, random_scene
from napari_stem_defects.core.training import Schedule, fit
from napari_stem_defects.core.training_set import Clicks, TrainingSet, from_clicks, from_patches
from napari_stem_defects.files.atomic import write_bytes
from napari_stem_defects.files.model_file import save_model
from napari_stem_defects.files.patch_folder import read_patch_folder
from napari_stem_defects.files.reading import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_stem_defects.core.ensemble import Ensemble, EnsembleSpec
    from napari_stem_defects.core.progress import Progress
    from napari_stem_defects.core.scene import Simulation

ROOT = Path(__file__).resolve().parents[1]
RADIUS_PX = 8.0
SCENE_PX = 224
WINDOWS_PER_SCENE = 14
# Windows per scene of the lesson, of which only those on a defect are kept.
LESSON_BULK, LESSON_DEFECT = 12, 36
# Calibrated probabilities from which a class claims a window. An image holds far more windows
# without a point defect than the scenes show. A planar defect shows in many windows: along it most
# of them have to speak, and a few that speak elsewhere come to less than the shortest defect.
POINT_THRESHOLD, JUNCTION_THRESHOLD, PLANAR_THRESHOLD = 0.7, 0.3, 0.2
HELD_OUT_SEED, FINAL_SEED, CALIBRATION_SEED, MEASURED_SEED = 10, 20, 91, 92
PLACES = "Labelled places that the measured model was not trained on"
# Larger scenes, to detect in as a user does: so many of each family of the crystal.
DETECTED_PX, DETECTED_SCENES = 400, 6


class Size(NamedTuple):
    """How much is trained on, and how often.

    ``views`` of every labelled image, so many simulated ``scenes``, and the passes over them all:
    the lesson's, the common start's, each member's own.
    """

    views: int
    scenes: int
    lesson_scenes: int
    lesson_epochs: int
    common_epochs: int
    own_epochs: int


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
    data, limits : str
        For the card.
    """

    spec: EnsembleSpec
    crystal: str
    sites: Callable[[Path], TrainingSet]
    divide: Callable[[TrainingSet], tuple[TrainingSet, TrainingSet]]
    held_points: Callable[[NDArray[np.float64]], NDArray[np.bool_]]
    edited: tuple[str, ...]
    known: World
    strange: dict[str, World]
    full: Size
    quick: Size
    lesson_families: tuple[str, ...]
    data: str
    limits: str


def other_crystals(data: Path, names: tuple[str, ...], pixel_size_nm: float) -> TrainingSet:
    """Return clicks of no class on other crystals, so that a lattice is not always the model's."""
    parents = []
    for name in names:
        image = read(data / name).pixels
        y, x = np.mgrid[16 : image.shape[0] : 48, 16 : image.shape[1] : 48].reshape(2, -1)
        parents.append(Clicks(image, y.astype(float), x.astype(float), ("other",) * len(y)))
    return from_clicks(parents, pixel_size_nm=pixel_size_nm)


def patches_of(folder: Path, label: str) -> TrainingSet:
    """Return the patches of one class of a folder."""
    patches = read_patch_folder(folder)
    mine = np.array([name == label for name in patches.classes])
    return from_patches(patches.patches[mine], [label] * int(mine.sum()))


def without_neighbours(
    data: TrainingSet, held: NDArray[np.bool_], patch_px: int
) -> tuple[TrainingSet, TrainingSet]:
    """Return the held-out sites, and the others whose windows share no pixel with theirs."""
    free = ~held
    at = np.column_stack([data.canvas_y, data.canvas_x])
    for canvas in np.unique(data.canvas[held]):
        mine = data.canvas == canvas
        distance = cKDTree(at[held & mine]).query(at, p=np.inf)[0]
        free &= ~mine | (distance >= patch_px)
    return data.only(held), data.only(free)


def a_scene(
    recipe: Recipe,
    rng: np.random.Generator,
    family: str,
    size: int,
    world: World,
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
        world=world,
    )


def detected_scenes(recipe: Recipe, world: World) -> list[Simulation]:
    """Return scenes of every family of the crystal, to detect in."""
    rng = np.random.default_rng(MEASURED_SEED)
    families = FAMILIES[recipe.crystal] * DETECTED_SCENES
    return [a_scene(recipe, rng, family, DETECTED_PX, world) for family in families]


def scene_windows(
    recipe: Recipe,
    rng: np.random.Generator,
    family: str,
    count: int,
    world: World,
    imaging: Imaging | None = None,
) -> Samples:
    """Return windows of one random scene, a third on its defects and a third near them."""
    spec = recipe.spec
    scene = a_scene(recipe, rng, family, SCENE_PX, world, imaging)
    return scene_samples(
        scene.micrograph.pixels,
        {name: scene.distance(name) for name in spec.classes[1:] if name in scene.masks},
        spec.classes,
        spec.preprocessing,
        crystalline=family not in NEGATIVE_FAMILIES,
        count=count,
        radius_px=RADIUS_PX,
        seed=int(rng.integers(2**31)),
    )


def simulated_samples(recipe: Recipe, scenes: int, seed: int, world: World = EVERYTHING) -> Samples:
    """Return windows of random scenes, every family as often as any other."""
    rng = np.random.default_rng(seed)
    families = FAMILIES[recipe.crystal] + NEGATIVE_FAMILIES
    return joined(
        [
            scene_windows(recipe, rng, families[number % len(families)], WINDOWS_PER_SCENE, world)
            for number in range(scenes)
        ]
    )


def lesson_samples(recipe: Recipe, scenes: int, seed: int, world: World) -> Samples:
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
        parts.append(scene_windows(recipe, rng, family, count, world, clear))
        if family != "bulk":
            on_defect = np.nansum(parts[-1].targets[:, 1:], axis=1) > 0
            parts[-1] = parts[-1].only(on_defect)
    samples = joined(parts)
    asked = [kind_of(name) != "point" for name in recipe.spec.classes]
    return Samples(samples.features, np.where(asked, samples.targets, np.float32(np.nan)))


def train(
    recipe: Recipe, data: TrainingSet, size: Size, seed: int, world: World = EVERYTHING
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Fit all members on views of labelled sites and windows of simulated scenes."""
    spec = recipe.spec
    learned = data.restricted(spec.classes)
    views = augmented_samples(
        learned, spec.preprocessing, Augmentation(), views=size.views, seed=seed
    )
    samples = joined([views, simulated_samples(recipe, size.scenes, seed + 1, world)])
    lesson = None
    if size.lesson_scenes:
        lesson = lesson_samples(recipe, size.lesson_scenes, seed + 2, world)
    print(f"training on {len(samples)} windows", flush=True)

    def report(progress: Progress) -> None:
        loss = progress.detail.get("loss", float("nan"))
        print(f"{progress.stage} {progress.done}/{progress.total} loss {loss:.4f}", flush=True)

    schedule = Schedule(
        epochs=dict.fromkeys(spec.classes, size.own_epochs),
        common_epochs=size.common_epochs,
        lesson_epochs=size.lesson_epochs,
        naming=1.0 if recipe.lesson_families else 0.0,
        seeds=spec.seeds,
        learning_rate=3e-3,
        mixed_precision=True,
    )
    torch.set_num_threads(1)  # two runs share the machine
    return fit(spec, samples, None, schedule, lesson=lesson, report=report)


def calibrated(recipe: Recipe, ensemble: Ensemble, scenes: int, world: World) -> Ensemble:
    """Fit the probabilities on scenes of a seed that nothing is trained or measured on."""
    samples = simulated_samples(recipe, scenes, CALIBRATION_SEED, world)
    fitted = calibrate(ensemble.spec.classes, logits_of(ensemble, samples), samples.targets)
    return replace(ensemble, spec=replace(ensemble.spec, calibration=fitted))


def held_out_run(recipe: Recipe, data: TrainingSet, size: Size, folder: Path) -> dict[str, Any]:
    """Train without some places, crystals and doses; measure there, and on new known scenes."""
    sides = recipe.divide(data)
    held, learned = (side.restricted(recipe.spec.classes) for side in sides)
    print("held out:", held.counts(), "left to learn from:", learned.counts(), flush=True)
    ensemble, history = train(recipe, learned, size, HELD_OUT_SEED, recipe.known)
    scenes = _few(recipe, size)
    ensemble = calibrated(recipe, ensemble, scenes, recipe.known)
    settings = ensemble.spec.preprocessing
    figures: dict[str, Any] = {
        "held_out_sites": held.counts(),
        "training_sites": learned.counts(),
        "calibration": {name: asdict(c) for name, c in ensemble.spec.calibration.items()},
        "history": history,
        "windows": {
            PLACES: figures_of(
                ensemble, augmented_samples(held, settings, Augmentation(), views=12, seed=77)
            )
        },
        "localisation": localised(ensemble, folder, recipe.edited, recipe.held_points),
        "scenes": {},
    }
    for title, world in {"New scenes": recipe.known, **recipe.strange}.items():
        samples = simulated_samples(recipe, scenes, MEASURED_SEED, world)
        figures["windows"][title] = figures_of(ensemble, samples)
        figures["scenes"][title] = named_in_scenes(ensemble, detected_scenes(recipe, world))
    return figures


def final_run(
    recipe: Recipe, data: TrainingSet, size: Size
) -> tuple[Ensemble, list[dict[str, Any]]]:
    """Train on everything there is, and fit the probabilities."""
    ensemble, history = train(recipe, data, size, FINAL_SEED)
    return calibrated(recipe, ensemble, _few(recipe, size), EVERYTHING), history


def _few(recipe: Recipe, size: Size) -> int:
    """Return how many scenes are enough to measure on: a fifth, and every family at least once."""
    return max(len(FAMILIES[recipe.crystal] + NEGATIVE_FAMILIES), size.scenes // 5)


def run(recipe: Recipe) -> None:
    """Train, measure, write the model and its record."""
    options = _options(recipe.spec.name)
    size = recipe.quick if options.quick else recipe.full
    started = time.perf_counter()
    data = recipe.sites(options.data)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        measured = pool.submit(held_out_run, recipe, data, size, options.data)
        final = pool.submit(final_run, recipe, data, size)
        figures = measured.result()
        ensemble, history = final.result()
    record = {
        "sites": data.restricted(recipe.spec.classes).counts(),
        "size": size._asdict(),
        "augmentation": Augmentation().to_dict(),
        "seeds": list(recipe.spec.seeds),
        "minutes": round((time.perf_counter() - started) / 60, 1),
    }
    _write(recipe, ensemble, record, figures, history, options.out)


def _options(name: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=f"Train the bundled ensemble {name}.")
    default = os.environ.get("STEM_DEFECTS_DATA", str(ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=Path(default))
    parser.add_argument("--out", type=Path, default=ROOT)
    parser.add_argument("--quick", action="store_true", help="a rehearsal of a few minutes")
    return parser.parse_args()


def _write(
    recipe: Recipe,
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
    models = out / "src" / "napari_stem_defects" / "models"
    saved = save_model(replace(ensemble, spec=spec), models / f"{spec.name}.safetensors")
    card = model_card(saved.spec, saved.sha256, data=recipe.data, limits=recipe.limits)
    write_bytes(models / f"{spec.name}.md", card.encode())
    everything = {**record, "model_sha256": saved.sha256, "held_out": figures, "history": history}
    text = json.dumps(everything, indent=1)
    write_bytes(out / "training" / f"{spec.name.replace('-', '_')}.json", text.encode())
