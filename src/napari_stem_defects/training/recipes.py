"""What to train and how: the user's choices, and the protocol that suits the labels.

Whole patches, of which nobody knows where in them the defect is, are learned un-windowed, in the
eight ways a square can be laid down. Clicks are learned from free views of their parents with
windowed spectra, so that a window answers for its centre. Members have a common start either way.
The abstract's own protocol (un-windowed spectra, quarter turns, every member from nothing) can be
chosen instead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from napari_stem_defects.base.defect_classes import kind_of
from napari_stem_defects.errors import InputError, LabelError
from napari_stem_defects.networks.spec import Architecture
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
    Representation,
)
from napari_stem_defects.training.augmentation import Augmentation
from napari_stem_defects.training.label_extent import label_radius
from napari_stem_defects.training.splits import SplitKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.training.dataset import TrainingSet

Recipe = Literal["suited", "abstract"]

# The abstract's quarter turns, of which a Fourier magnitude sees two.
ABSTRACT_VIEWS = 4
# Quarter turns and their mirror images, unless there are so many patches that turns will do.
PATCH_WINDOWS = 40_000
FEWEST_PATCH_VIEWS, MOST_PATCH_VIEWS = 4, 8
# Few clicks are looked at more often than many, so that training takes minutes for either.
CLICK_WINDOWS = 12_000
FEWEST_VIEWS, MOST_VIEWS = 4, 64
# Where all columns of a lattice were clicked, a view shows some of them, others each time: or
# training would take an hour and see hardly anything of the rare defect among them.
MOST_PER_VIEW = 128
# Few patches and few epochs need many small steps; the abstract's epochs were counted so.
PATCH_BATCH, CLICK_BATCH = 32, 128
# Whole patches: a magnitude smears one odd column over all frequencies, where the members learned
# the training patches by heart instead; see docs/architecture.md.
PATCH_PREPROCESSING = replace(PreprocessingSettings.paper(), representation="real")
# The defect may lie anywhere in them, and few patches show it in every place.
PATCH_ARCHITECTURE = Architecture(maxima=True)
PATCH_COMMON_EPOCHS, PATCH_EPOCHS = 9, 2
# Few patches are passed over more often, until as many windows were seen as of some thousand
# patches in PATCH_COMMON_EPOCHS.
PATCH_WINDOWS_SEEN, MOST_COMMON_EPOCHS = 75_000, 16
# Phase tells a fault's kind apart, which a magnitude loses; see docs/architecture.md.
CLICK_PREPROCESSING = PreprocessingSettings(representation="fft+real", smoothing_px=0.7)
COMMON_EPOCHS = 6
CLICK_EPOCHS = 2
# Clicks on the columns of a lattice: what tells one column from the next lies within a few
# columns, where the patch itself shows it better than a spectrum. A window holds a column and its
# nearest neighbours, and the background is far wider, or a column is compared with columns that
# may be odd themselves. See docs/own-material.md.
COLUMN_PREPROCESSING = replace(
    CLICK_PREPROCESSING,
    representation="real",
    patch_px=20,
    smoothing_px=2.0,
    background_px=48.0,
    contrast_px=96.0,
)
# Such a background leaves most haze where it is, so that it has to be learned.
COLUMN_AUGMENTATION = Augmentation(haze=1.5, haze_px=(3.0, 48.0))
COLUMN_RADIUS_PX = 4.0
# Answers are averaged over so many of the radii at which a label holds.
COLUMN_SPREAD = 0.7
MOST_MEMBERS, MOST_EPOCHS = 64, 1000


@dataclass(frozen=True)
class TrainingOptions:
    """What the user may choose.

    Attributes
    ----------
    name : str
        Name of the ensemble.
    classes : tuple of str
        Classes to learn; all labelled ones where empty.
    epochs : mapping of str to int
        Passes over the samples, for classes that shall not get the protocol's number.
    splits : tuple of {"random", "site", "region", "image"}
        What is held out together. The model is the first split's; further ones train ensembles
        of their own, only to be measured beside it.
    preprocessing : Preprocessing or None
        Instead of the protocol's.
    representation : {"fft", "real", "fft+real"} or None
        Instead of the preprocessing's.
    recipe : {"suited", "abstract"}
        The protocol that suits the labels, or the abstract's.
    members : int
        Networks per class.
    seed : int
        Of the first member, the augmentation and the splits.
    """

    name: str = "ensemble"
    classes: tuple[str, ...] = ()
    epochs: Mapping[str, int] = field(default_factory=dict)
    splits: tuple[SplitKind, ...] = ("site",)
    preprocessing: PreprocessingSettings | None = None
    representation: Representation | None = None
    recipe: Recipe = "suited"
    members: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what no training can do."""
        if not 1 <= self.members <= MOST_MEMBERS:
            raise InputError(f"members {self.members}: choose 1 to {MOST_MEMBERS}")
        if not 0 <= self.seed < 2**31:
            raise InputError(f"seed {self.seed}: choose 0 to {2**31 - 1}")
        for name, count in self.epochs.items():
            if not 1 <= count <= MOST_EPOCHS:
                raise InputError(f"epochs of {name}: {count} is not 1 to {MOST_EPOCHS}")
        if self.recipe not in get_args(Recipe):
            raise InputError(f"recipe {self.recipe!r}: choose from {', '.join(get_args(Recipe))}")
        kinds = get_args(SplitKind)
        if not self.splits or not set(self.splits) <= set(kinds):
            raise InputError(f"split {', '.join(self.splits)}: choose from {', '.join(kinds)}")

    def of(self, data: TrainingSet) -> tuple[str, ...]:
        """Return the classes to learn from this data."""
        return self.classes or data.classes

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class TrainingRecipe:
    """How labels of a kind are learned.

    Attributes
    ----------
    name : {"patches", "clicks"}
    preprocessing : Preprocessing
    augmentation : Augmentation or None
        None for quarter turns and mirror images alone.
    views : int
        How often every label is looked at.
    common_epochs : int
        Passes of the members' common start.
    epochs : mapping of str to int
        Passes of each class's own; the abstract's for classes left out.
    batch : int
        Windows per step.
    most_per_view : int or None
        How many sites of a class a view of a micrograph shows.
    architecture : Architecture
    spread_px : float
        Over how many px answers are averaged; see `inference.spatial_averaging`.
    """

    name: str
    preprocessing: PreprocessingSettings
    augmentation: Augmentation | None
    views: int
    common_epochs: int
    epochs: Mapping[str, int]
    batch: int
    most_per_view: int | None = None
    architecture: Architecture = field(default_factory=Architecture)
    spread_px: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)


def recipe_for(data: TrainingSet, choices: TrainingOptions) -> TrainingRecipe:
    """Choose how to learn, by what most of the labels are."""
    patches, clicks = _kinds(data)
    kind = "patches" if patches.sum() > clicks.sum() else "clicks"
    recipe = _as_in_abstract if choices.recipe == "abstract" else _SUITED[kind]
    protocol = recipe(kind, Counter(data.labels), choices.of(data))
    if recipe is _for_clicks and _on_columns(data, choices):
        protocol = _for_columns(protocol, label_radius(data))
    settings = choices.preprocessing or protocol.preprocessing
    if choices.representation:
        settings = replace(settings, representation=choices.representation)
    epochs = {**protocol.epochs, **choices.epochs}
    return replace(protocol, preprocessing=settings, epochs=epochs)


def _as_in_abstract(kind: str, _labels: Counter[str], _classes: tuple[str, ...]) -> TrainingRecipe:
    """Return the abstract's protocol; its epochs are those of `training.Schedule`."""
    return TrainingRecipe(
        kind, PreprocessingSettings.paper(), None, ABSTRACT_VIEWS, 0, {}, PATCH_BATCH
    )


def _for_patches(kind: str, labels: Counter[str], classes: tuple[str, ...]) -> TrainingRecipe:
    views = PATCH_WINDOWS // max(labels.total(), 1)
    views = int(np.clip(views, FEWEST_PATCH_VIEWS, MOST_PATCH_VIEWS))
    passes = round(PATCH_WINDOWS_SEEN / max(views * labels.total(), 1))
    common = int(np.clip(passes, PATCH_COMMON_EPOCHS, MOST_COMMON_EPOCHS))
    epochs = dict.fromkeys(classes, PATCH_EPOCHS)
    return TrainingRecipe(
        *(kind, PATCH_PREPROCESSING, None, views, common, epochs, PATCH_BATCH),
        architecture=PATCH_ARCHITECTURE,
    )


def _for_clicks(kind: str, labels: Counter[str], classes: tuple[str, ...]) -> TrainingRecipe:
    shown = sum(min(count, MOST_PER_VIEW) for count in labels.values())
    views = int(np.clip(CLICK_WINDOWS // max(shown, 1), FEWEST_VIEWS, MOST_VIEWS))
    epochs = dict.fromkeys(classes, CLICK_EPOCHS)
    return TrainingRecipe(
        *(kind, CLICK_PREPROCESSING, Augmentation(), views, COMMON_EPOCHS, epochs, CLICK_BATCH),
        most_per_view=MOST_PER_VIEW,
    )


def _on_columns(data: TrainingSet, choices: TrainingOptions) -> bool:
    """Say whether columns of a lattice were clicked one by one, to be told apart.

    Faults need larger windows than columns, and so do the spectra that a user may ask for.
    """
    columns = all(kind_of(name) != "extended" for name in data.labels if name)
    dense = 0 < label_radius(data) <= COLUMN_RADIUS_PX
    return columns and dense and "fft" not in (choices.representation or "")


def _for_columns(protocol: TrainingRecipe, radius_px: float) -> TrainingRecipe:
    return replace(
        protocol,
        preprocessing=COLUMN_PREPROCESSING,
        augmentation=COLUMN_AUGMENTATION,
        spread_px=COLUMN_SPREAD * radius_px,
    )


_SUITED = {"patches": _for_patches, "clicks": _for_clicks}


def usable_data(data: TrainingSet, choices: TrainingOptions) -> tuple[TrainingSet, tuple[str, ...]]:
    """Check the choices against the labels, and leave out labels that do not go with most others.

    Returns
    -------
    TrainingSet
    tuple of str
        What was done with which labels, one sentence each.
    """
    classes = data.restricted(choices.of(data)).classes
    if odd := sorted(set(choices.epochs) - set(classes)):
        raise InputError(f"epochs of {odd[0]}: this class is not trained; check the spelling")
    patches, clicks = _kinds(data)
    if not (patches.any() and clicks.any()):
        return data, ()
    if patches.sum() > clicks.sum():
        # The places beside clicks say "not here", which is not "nowhere in this window".
        note = f"{clicks.sum()} clicks were learned like the {patches.sum()} whole patches."
        return data.only(patches | clicks), (note,)
    return _without_placeless(data, patches, classes)


def _kinds(data: TrainingSet) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which sites are whole patches and which are clicks; places beside clicks are neither."""
    whole = data.radius_px == 0
    return whole, ~whole & np.array([bool(name) for name in data.labels])


def _without_placeless(
    data: TrainingSet, patches: NDArray[np.bool_], classes: tuple[str, ...]
) -> tuple[TrainingSet, tuple[str, ...]]:
    """Leave out patches of point defects: beside clicks they would have to say where it is."""
    placeless = patches & np.array([kind_of(name) == "point" for name in data.labels])
    if not placeless.any():
        return data, ()
    kept = data.only(~placeless)
    for name in classes:
        if name not in kept.labels:
            raise LabelError(
                f"{name}: imported patches that do not say where the defect is cannot be learned"
                " beside clicks; move their labels onto the defects, or train patches apart"
            )
    return kept, (
        f"{placeless.sum()} imported patches of point defects were left out, because beside"
        " clicks a label has to say where the defect is.",
    )
