"""Windows that pretrained ensembles are trained and evaluated on: images and simulated scenes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.simulation.imaging_model import Imaging
from napari_stem_defects.simulation.random_scenes import (
    DEFAULT_DISTRIBUTION,
    OUT_OF_DISTRIBUTION_FAMILIES,
    SceneDistribution,
)
from napari_stem_defects.simulation.simulate import FAMILIES, NEGATIVE_FAMILIES, random_scene
from napari_stem_defects.training.augmentation import Augmentation
from napari_stem_defects.training.sampling import (
    Samples,
    augmented_samples,
    join_samples,
    scene_samples,
)

if TYPE_CHECKING:
    from recipe import EnsembleRecipe, Size

    from napari_stem_defects.simulation.scene import Simulation
    from napari_stem_defects.training.dataset import TrainingSet

RADIUS_PX = 8.0
SCENE_PX = 224
WINDOWS_PER_SCENE = 14
# Windows per scene of the warm-up, of which only those on a defect are kept.
WARM_UP_BULK, WARM_UP_DEFECT = 12, 36
# Views of the labelled images in fine-tuning.
FINE_TUNING_VIEWS = 4
EVALUATION_SEED = 92
# Larger scenes, to detect in as a user does: this number of each family of the crystal.
DETECTED_PX, DETECTED_SCENES = 400, 12


def make_scene(
    recipe: EnsembleRecipe,
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


def detected_scenes(recipe: EnsembleRecipe, distribution: SceneDistribution) -> list[Simulation]:
    """Return scenes of every family of the crystal, to detect in."""
    rng = np.random.default_rng(EVALUATION_SEED)
    families = FAMILIES[recipe.crystal] * DETECTED_SCENES
    return [make_scene(recipe, rng, family, DETECTED_PX, distribution) for family in families]


def scene_windows(
    recipe: EnsembleRecipe,
    rng: np.random.Generator,
    family: str,
    count: int,
    distribution: SceneDistribution,
    imaging: Imaging | None = None,
) -> Samples:
    """Return windows of one random scene, a third on its defects and a third near them."""
    spec = recipe.spec
    scene = make_scene(recipe, rng, family, SCENE_PX, distribution, imaging)
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
    recipe: EnsembleRecipe,
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


def warm_up_samples(
    recipe: EnsembleRecipe, scenes: int, seed: int, distribution: SceneDistribution
) -> Samples:
    """Return windows on clearly visible planar defects and in Bulk; other targets are unknown."""
    rng = np.random.default_rng(seed)
    parts = []
    for number in range(scenes):
        family = recipe.warm_up_families[number % len(recipe.warm_up_families)]
        clear = Imaging(
            probe_fwhm_nm=rng.uniform(0.08, 0.13),
            dose=rng.uniform(150, 1000),
            tail_share=0.1,
            jitter_px=0.1,
        )
        count = WARM_UP_BULK if family == "bulk" else WARM_UP_DEFECT
        parts.append(scene_windows(recipe, rng, family, count, distribution, clear))
        if family != "bulk":
            on_defect = np.nansum(parts[-1].targets[:, 1:], axis=1) > 0
            parts[-1] = parts[-1].subset(on_defect)
    samples = join_samples(parts)
    is_extended = [each.kind != "point" for each in recipe.spec.class_data]
    return Samples(samples.features, np.where(is_extended, samples.targets, np.float32(np.nan)))


def fine_tuning_samples(
    recipe: EnsembleRecipe,
    learned: TrainingSet,
    ood_sites: TrainingSet,
    size: Size,
    seed: int,
    distribution: SceneDistribution,
) -> Samples:
    """Return windows for fine-tuning; half of them are out-of-distribution samples."""
    return join_samples(
        [
            augmented_views(recipe, learned, FINE_TUNING_VIEWS, seed),
            simulated_samples(recipe, size.ood_scenes, seed + 1, distribution),
            ood_samples(recipe, ood_sites, size, seed + 2),
        ]
    )


def ood_samples(recipe: EnsembleRecipe, ood_sites: TrainingSet, size: Size, seed: int) -> Samples:
    """Return windows of random lattices and of other crystals, where no class is present."""
    scenes = simulated_samples(recipe, size.ood_scenes, seed, families=OUT_OF_DISTRIBUTION_FAMILIES)
    return join_samples([scenes, augmented_views(recipe, ood_sites, size.ood_views, seed)])


def augmented_views(recipe: EnsembleRecipe, data: TrainingSet, views: int, seed: int) -> Samples:
    """Return windows of augmented views of labelled images."""
    settings = recipe.spec.preprocessing
    return augmented_samples(data, settings, Augmentation(), views=views, seed=seed)


def evaluation_scenes(recipe: EnsembleRecipe, size: Size) -> int:
    """Return the number of scenes for an evaluation: a tenth, but every family at least once."""
    return max(len(FAMILIES[recipe.crystal] + NEGATIVE_FAMILIES), size.scenes // 10)
