"""Training options of the user, and the training recipe that suits the labels.

Whole patches, which hold a defect at an unknown position, are trained on without a window function
and with the eight symmetry operations of a square as augmentation. Clicks are trained on with
randomly transformed views of their images and a window function, so that a window classifies its
centre. Both recipes start with shared pretraining and fine-tune one network per class. The recipe
of the abstract (no window function, quarter turns, no pretraining) can be chosen instead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from napari_stem_defects.base.defect_classes import Kind, check_kind
from napari_stem_defects.errors import InputError, LabelError
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.preprocessing.settings import PreprocessingSettings, Representation
from napari_stem_defects.training.augmentation import Augmentation
from napari_stem_defects.training.label_extent import defect_label_extent
from napari_stem_defects.training.splits import SplitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.training.dataset import TrainingSet

RecipeName = Literal["suited", "abstract", "quick", "few"]

# The quarter turns of the abstract, of which a Fourier magnitude distinguishes two.
ABSTRACT_VIEWS = 4
# Quarter turns and their mirror images; quarter turns alone for more than 5,000 patches.
PATCH_WINDOWS = 40_000
MIN_PATCH_VIEWS, MAX_PATCH_VIEWS = 4, 8
# Fewer clicks get more views, so that training takes minutes for few and for many.
CLICK_WINDOWS = 12_000
MIN_VIEWS, MAX_VIEWS = 4, 64
# If all columns of a lattice are labelled, each view draws some of them. Otherwise training would
# take an hour, and windows of the rare defect would be lost among the others (class imbalance).
MAX_SITES_PER_VIEW = 128
# Few patches and few epochs need many small steps; the epochs of the abstract assume these.
PATCH_BATCH, CLICK_BATCH = 32, 128
# Whole patches: the Fourier magnitude spreads one odd column over all frequencies, and members
# overfit the training patches; see docs/architecture.md.
PATCH_PREPROCESSING = replace(PreprocessingSettings.paper(), representation="real")
# The defect may be anywhere in them, and few patches do not show it at every position.
PATCH_ARCHITECTURE = Architecture(maxima=True)
PATCH_PRETRAINING_EPOCHS, PATCH_EPOCHS = 9, 4
# Few patches are trained on for more epochs, up to the number of windows that two thousand patches
# give in PATCH_PRETRAINING_EPOCHS.
PATCH_WINDOWS_SEEN, MAX_PRETRAINING_EPOCHS = 150_000, 32
# The kind of a fault is in the phase, which the magnitude loses; see docs/architecture.md.
CLICK_PREPROCESSING = PreprocessingSettings(representation="fft+real", smoothing_px=0.7)
CLICK_PRETRAINING_EPOCHS = 6
CLICK_EPOCHS = 2
# Clicks on the columns of a lattice: columns differ within a few column distances, which the patch
# itself shows better than a spectrum. A window holds a column and its nearest neighbours. The
# background filter is far wider, because otherwise a column is compared with neighbours that may
# be defects themselves. See docs/own-material.md.
COLUMN_PREPROCESSING = replace(
    CLICK_PREPROCESSING,
    representation="real",
    patch_px=20,
    smoothing_px=2.0,
    background_px=48.0,
    contrast_px=96.0,
)
# A wide background filter removes little surface contamination, so the members learn it.
COLUMN_AUGMENTATION = Augmentation(haze=1.5, haze_px=(3.0, 48.0))
# Labels with a smaller extent are on the columns of a lattice.
MAX_COLUMN_EXTENT_PX = 4.0
# Standard deviation of the spatial averaging of predictions, in label extents.
COLUMN_AVERAGING = 0.7
MAX_MEMBERS, MAX_EPOCHS = 64, 1000


@dataclass(frozen=True)
class TrainingOptions:
    """Options of a training that the user can choose.

    Attributes
    ----------
    name : str
        Name of the ensemble.
    classes : tuple of str
        Classes to learn; all labelled classes if empty.
    kinds : mapping of str to {"point", "line", "area"}
        Kinds of classes, which hold before those in the labels.
    epochs : mapping of str to int
        Epochs per class that override those of the recipe.
    splits : tuple of {"random", "site", "region", "image"}
        Train/test splits (see `splits.split`). The model is trained on the first one; for each
        of the others another ensemble is trained and evaluated for comparison.
    preprocessing : PreprocessingSettings or None
        Replaces that of the recipe.
    representation : {"fft", "real", "fft+real"} or None
        Replaces that of the preprocessing.
    recipe : {"suited", "abstract", "quick", "few"}
        The recipe that suits the labels, that of the abstract, a quick model (matched filters from
        a few clicks, in seconds and without networks), or networks from few clicks, which start
        from a pretrained ensemble.
    members : int
        Networks per class.
    seed : int
        Seed of the first member, the augmentation and the splits.

    Examples
    --------
    >>> options = sd.TrainingOptions(name="mine", members=3, splits=("random", "region"))
    >>> options.recipe, options.epochs
    ('suited', {})
    >>> sd.TrainingOptions(members=0)
    Traceback (most recent call last):
        ...
    napari_stem_defects.errors.InputError: members 0: choose 1 to 64
    """

    name: str = "ensemble"
    classes: tuple[str, ...] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)
    epochs: Mapping[str, int] = field(default_factory=dict)
    splits: tuple[SplitKind, ...] = ("site",)
    preprocessing: PreprocessingSettings | None = None
    representation: Representation | None = None
    recipe: RecipeName = "suited"
    members: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise `InputError` for values outside of their range."""
        if not 1 <= self.members <= MAX_MEMBERS:
            raise InputError(f"members {self.members}: choose 1 to {MAX_MEMBERS}")
        if not 0 <= self.seed < 2**31:
            raise InputError(f"seed {self.seed}: choose 0 to {2**31 - 1}")
        for name, count in self.epochs.items():
            if not 1 <= count <= MAX_EPOCHS:
                raise InputError(f"epochs of {name}: {count} is not 1 to {MAX_EPOCHS}")
        if self.recipe not in get_args(RecipeName):
            names = ", ".join(get_args(RecipeName))
            raise InputError(f"recipe {self.recipe!r}: choose from {names}")
        for name, kind in self.kinds.items():
            check_kind(name, kind)
        splits = get_args(SplitKind)
        if not self.splits or not set(self.splits) <= set(splits):
            raise InputError(f"split {', '.join(self.splits)}: choose from {', '.join(splits)}")

    def classes_in(self, data: TrainingSet) -> tuple[str, ...]:
        """Return the classes to learn from a training set.

        Parameters
        ----------
        data : TrainingSet

        Returns
        -------
        tuple of str
            The chosen classes, or all classes of the set.
        """
        return self.classes or data.classes

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe values."""
        return asdict(self)


# Fields of a recipe whose names in model files and reports are older.
_STORED_NAMES = {
    "pretraining_epochs": "common_epochs",
    "max_sites_per_view": "most_per_view",
    "averaging_px": "spread_px",
}


@dataclass(frozen=True)
class TrainingRecipe:
    """Preprocessing, augmentation, epochs and architecture for one kind of labels.

    Attributes
    ----------
    name : {"patches", "clicks"}
    preprocessing : PreprocessingSettings
    augmentation : Augmentation or None
        None for quarter turns and mirror images only.
    views : int
        Number of augmented views of every label.
    pretraining_epochs : int
        Epochs of the shared pretraining.
    epochs : mapping of str to int
        Epochs of fine-tuning for each class; those of the abstract for classes that are missing.
    batch : int
        Windows per step.
    max_sites_per_view : int or None
        Largest number of sites of a class in one view of an image.
    architecture : Architecture
    averaging_px : float
        Standard deviation in px of the spatial averaging of predictions; see
        `inference.spatial_averaging`.
    """

    name: str
    preprocessing: PreprocessingSettings
    augmentation: Augmentation | None
    views: int
    pretraining_epochs: int
    epochs: Mapping[str, int]
    batch: int
    max_sites_per_view: int | None = None
    architecture: Architecture = field(default_factory=Architecture)
    averaging_px: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-safe values with the names used in model files."""
        return {_STORED_NAMES.get(name, name): value for name, value in asdict(self).items()}


def recipe_for(data: TrainingSet, options: TrainingOptions) -> TrainingRecipe:
    """Choose the training recipe for the kind of most labels.

    Parameters
    ----------
    data : TrainingSet
    options : TrainingOptions

    Returns
    -------
    TrainingRecipe
        With the preprocessing and epochs of the options, if they set any.
    """
    is_patch, is_click = _kinds_of_sites(data)
    kind = "patches" if is_patch.sum() > is_click.sum() else "clicks"
    make = _abstract_recipe if options.recipe == "abstract" else _SUITED[kind]
    recipe = make(kind, Counter(data.labels), options.classes_in(data))
    if make is _click_recipe and _has_labelled_columns(data, options):
        recipe = _column_recipe(recipe, defect_label_extent(data.extent_px))
    settings = options.preprocessing or recipe.preprocessing
    if options.representation:
        settings = replace(settings, representation=options.representation)
    epochs = {**recipe.epochs, **options.epochs}
    return replace(recipe, preprocessing=settings, epochs=epochs)


def _abstract_recipe(kind: str, _labels: Counter[str], _classes: tuple[str, ...]) -> TrainingRecipe:
    """Return the recipe of the abstract; its epochs are those of `schedule.EPOCHS`."""
    return TrainingRecipe(
        kind, PreprocessingSettings.paper(), None, ABSTRACT_VIEWS, 0, {}, PATCH_BATCH
    )


def _patch_recipe(kind: str, labels: Counter[str], classes: tuple[str, ...]) -> TrainingRecipe:
    views = PATCH_WINDOWS // max(labels.total(), 1)
    views = int(np.clip(views, MIN_PATCH_VIEWS, MAX_PATCH_VIEWS))
    epochs = round(PATCH_WINDOWS_SEEN / max(views * labels.total(), 1))
    return TrainingRecipe(
        name=kind,
        preprocessing=PATCH_PREPROCESSING,
        augmentation=None,
        views=views,
        pretraining_epochs=int(np.clip(epochs, PATCH_PRETRAINING_EPOCHS, MAX_PRETRAINING_EPOCHS)),
        epochs=dict.fromkeys(classes, PATCH_EPOCHS),
        batch=PATCH_BATCH,
        architecture=PATCH_ARCHITECTURE,
    )


def _click_recipe(kind: str, labels: Counter[str], classes: tuple[str, ...]) -> TrainingRecipe:
    sites = sum(min(count, MAX_SITES_PER_VIEW) for count in labels.values())
    return TrainingRecipe(
        name=kind,
        preprocessing=CLICK_PREPROCESSING,
        augmentation=Augmentation(),
        views=int(np.clip(CLICK_WINDOWS // max(sites, 1), MIN_VIEWS, MAX_VIEWS)),
        pretraining_epochs=CLICK_PRETRAINING_EPOCHS,
        epochs=dict.fromkeys(classes, CLICK_EPOCHS),
        batch=CLICK_BATCH,
        max_sites_per_view=MAX_SITES_PER_VIEW,
    )


def _has_labelled_columns(data: TrainingSet, options: TrainingOptions) -> bool:
    """Return whether single columns of a lattice are labelled with different classes.

    Faults need larger windows than columns, and so do the spectra that a user may choose.
    """
    has_no_faults = not set(data.kinds()) & {"line", "area"}
    is_dense = 0 < defect_label_extent(data.extent_px) <= MAX_COLUMN_EXTENT_PX
    return has_no_faults and is_dense and "fft" not in (options.representation or "")


def _column_recipe(recipe: TrainingRecipe, extent_px: float) -> TrainingRecipe:
    return replace(
        recipe,
        preprocessing=COLUMN_PREPROCESSING,
        augmentation=COLUMN_AUGMENTATION,
        averaging_px=COLUMN_AVERAGING * extent_px,
    )


_SUITED = {"patches": _patch_recipe, "clicks": _click_recipe}


def select_usable_sites(
    data: TrainingSet, options: TrainingOptions
) -> tuple[TrainingSet, tuple[str, ...]]:
    """Check the options against the labels, and drop labels that do not fit most others.

    Parameters
    ----------
    data : TrainingSet
    options : TrainingOptions

    Returns
    -------
    TrainingSet
    tuple of str
        One sentence about each kind of labels that was dropped or treated differently.

    Raises
    ------
    InputError
        If the options set epochs of a class that is not trained.
    LabelError
        If a class has no label, or would have none left.
    """
    classes = data.with_classes(options.classes_in(data)).classes
    if unknown := sorted(set(options.epochs) - set(classes)):
        raise InputError(f"epochs of {unknown[0]}: this class is not trained; check the spelling")
    is_patch, is_click = _kinds_of_sites(data)
    if not (is_patch.any() and is_click.any()):
        return data, ()
    if is_patch.sum() > is_click.sum():
        # Sites beside clicks are negative at their position, not anywhere in their window.
        note = f"{is_click.sum()} clicks were learned like the {is_patch.sum()} whole patches."
        return data.subset(is_patch | is_click), (note,)
    return _without_point_patches(data, is_patch, classes)


def _kinds_of_sites(data: TrainingSet) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which sites are whole patches, and which are clicks rather than beside one."""
    is_patch = data.extent_px == 0
    return is_patch, ~is_patch & np.array([bool(name) for name in data.labels])


def _without_point_patches(
    data: TrainingSet, is_patch: NDArray[np.bool_], classes: tuple[str, ...]
) -> tuple[TrainingSet, tuple[str, ...]]:
    """Drop patches of point defects, whose position is unknown; the recipe for clicks needs it."""
    dropped = is_patch & np.array([kind == "point" for kind in data.kinds()])
    if not dropped.any():
        return data, ()
    kept = data.subset(~dropped)
    for name in classes:
        if name not in kept.labels:
            raise LabelError(
                f"{name}: imported patches do not give the position of the defect and cannot be"
                " trained on together with clicks; move their labels onto the defects, or train"
                " on the patches alone"
            )
    return kept, (
        f"{dropped.sum()} imported patches of point defects were left out: together with clicks,"
        " the position of the defect must be known.",
    )
