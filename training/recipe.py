"""Description of how a pretrained ensemble is trained, whatever its crystal.

A script beside this module lists what is labelled and what is simulated (`EnsembleRecipe`).
`recipe_windows` makes windows of it; `recipe_runs` fits the members, calibrates them on scenes
that were not trained on, and evaluates a second model that was trained without some of the
labelled positions, crystals and doses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from measuring import Faults
    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.simulation.random_scenes import SceneDistribution
    from napari_stem_defects.training.dataset import TrainingSet

# Calibrated probabilities from which a class is predicted. An image holds far more windows without
# a point defect than the scenes show. A planar defect is visible in many windows: along it most of
# them have to predict it, and a few elsewhere are shorter than the shortest defect.
POINT_THRESHOLD, JUNCTION_THRESHOLD, PLANAR_THRESHOLD = 0.7, 0.3, 0.2


class Size(NamedTuple):
    """Amount of training data and number of epochs.

    Pretraining uses ``views`` of every labelled image, ``scenes`` of the crystal, and
    out-of-distribution samples: ``ood_scenes`` and ``ood_views`` of images of other crystals.
    Fine-tuning uses the same number of out-of-distribution samples again, ``ood_scenes`` scenes of
    the crystal and a few views of every image.
    """

    views: int
    scenes: int
    warm_up_scenes: int
    warm_up_epochs: int
    pretraining_epochs: int
    ood_scenes: int
    ood_views: int

    def to_dict(self) -> dict[str, int]:
        """Return JSON-safe values with the names used in the records beside this script."""
        stored = {
            "warm_up_scenes": "lesson_scenes",
            "warm_up_epochs": "lesson_epochs",
            "pretraining_epochs": "common_epochs",
            "ood_scenes": "stranger_scenes",
            "ood_views": "stranger_views",
        }
        return {stored.get(name, name): value for name, value in self._asdict().items()}


@dataclass(frozen=True)
class EnsembleRecipe:
    """Data and settings that a pretrained ensemble is trained with.

    Attributes
    ----------
    spec : EnsembleSpec
    crystal : str
        Key of `FAMILIES`.
    sites : callable
        Returns the labelled sites, given the data folder.
    divide : callable
        Splits sites into those held out for the evaluation and those that share no pixel with them.
    held_points : callable
        Returns which positions (y, x), shape (n, 2), in the edited images `divide` holds out.
    edited : tuple of str
        Names of the images with edited point defects.
    known : SceneDistribution
        Scenes that the evaluated model is trained on; the pretrained one is trained on all.
    unseen : dict of str to SceneDistribution
        Scenes that the evaluated model is not trained on, by their description.
    full, quick : Size
    warm_up_families : tuple of str
        Families of clearly visible scenes for the warm-up; empty for no warm-up.
    ood_sites : callable
        Returns out-of-distribution sites in images of other crystals at the ensemble's pixel size,
        given the data folder. No class is present at them.
    data, limits : str
        Texts of the model card.
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
    unseen: dict[str, SceneDistribution]
    full: Size
    quick: Size
    warm_up_families: tuple[str, ...]
    ood_sites: Callable[[Path], TrainingSet]
    data: str
    limits: str
    faults: Faults | None = None
