"""Training recipes: they suit the kind and number of the labels."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from learning_samples import striped_clicks, striped_patches

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import InputError, LabelError
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet
from napari_stem_defects.training.recipes import TrainingOptions, recipe_for, select_usable_sites


def mixed(labels: tuple[str, ...], weak: tuple[bool, ...]) -> TrainingSet:
    """Return labels in one image, of which some hold just somewhere around their place."""
    rng = np.random.default_rng(0)
    image = rng.random((300, 300)).astype(np.float32)
    y, x = rng.uniform(40, 260, (2, len(labels)))
    return from_clicks([Clicks(image, y, x, labels, np.array(weak))])


def test_whole_patches_get_no_window_function() -> None:
    recipe = recipe_for(striped_patches(), TrainingOptions(epochs={"SF1": 5}))
    assert recipe.name == "patches"
    assert recipe.preprocessing.window == "none"
    assert "real" in recipe.preprocessing.representation
    assert recipe.augmentation is None
    assert recipe.views == 8
    assert recipe.pretraining_epochs > 0
    assert recipe.epochs["SF1"] == 5
    assert set(recipe.epochs) == {"Bulk", "SF1"}
    assert recipe.architecture.maxima


def test_the_recipe_of_the_abstract_can_be_chosen() -> None:
    recipe = recipe_for(striped_patches(), TrainingOptions(recipe="abstract", epochs={"SF1": 5}))
    assert recipe.preprocessing == PreprocessingSettings.paper()
    assert recipe.augmentation is None
    assert recipe.views == 4
    assert recipe.pretraining_epochs == 0
    assert recipe.epochs == {"SF1": 5}
    assert not recipe.architecture.maxima
    assert recipe_for(striped_clicks(), TrainingOptions(recipe="abstract")).name == "clicks"


def test_many_patches_get_fewer_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("napari_stem_defects.training.recipes.PATCH_WINDOWS", 120)
    assert recipe_for(striped_patches(), TrainingOptions()).views == 5
    assert recipe_for(striped_patches(100), TrainingOptions()).views == 4


def test_few_patches_are_pretrained_for_more_epochs() -> None:
    few, some, many = (
        recipe_for(striped_patches(each), TrainingOptions()).pretraining_epochs
        for each in (20, 400, 1000)
    )
    assert few > some > many


def test_clicks_get_a_window_function_and_augmentation() -> None:
    recipe = recipe_for(striped_clicks(), TrainingOptions(epochs={"SF1": 5}))
    assert recipe.preprocessing.window == "hann"
    assert recipe.augmentation is not None
    assert recipe.pretraining_epochs > 0
    assert recipe.epochs["SF1"] == 5
    assert set(recipe.epochs) == {"Bulk", "SF1"}


def test_few_clicks_get_more_views() -> None:
    few, many = (recipe_for(striped_clicks(each), TrainingOptions()).views for each in (5, 400))
    assert few > many > 1


def every_column(apart: int, odd: str) -> TrainingSet:
    """Return clicks on all columns of a lattice, 30 of them odd."""
    y, x = np.mgrid[20:280:apart, 20:280:apart].reshape(2, -1).astype(float)
    labels = (odd,) * 30 + ("Bulk",) * (len(y) - 30)
    image = np.random.default_rng(0).random((300, 300)).astype(np.float32)
    order = np.random.default_rng(1).permutation(len(y))
    return from_clicks([Clicks(image, y[order], x[order], labels)])


def test_labelled_columns_get_small_windows_and_averaging() -> None:
    near, far = (recipe_for(every_column(d, "odd"), TrainingOptions()) for d in (8, 16))
    assert near.preprocessing.patch_px < far.preprocessing.patch_px
    assert near.preprocessing.representation == "real"
    assert near.averaging_px > far.averaging_px == 0
    assert near.augmentation is not None
    assert near.augmentation.haze > 0


def test_faults_and_spectra_among_columns_get_large_windows() -> None:
    usual = recipe_for(every_column(16, "odd"), TrainingOptions()).preprocessing
    fault = recipe_for(every_column(8, "SF1"), TrainingOptions())
    assert fault.preprocessing == usual
    spectral = recipe_for(every_column(8, "odd"), TrainingOptions(representation="fft"))
    assert spectral.preprocessing == replace(usual, representation="fft")
    abstract = recipe_for(every_column(8, "odd"), TrainingOptions(recipe="abstract"))
    assert abstract.preprocessing == PreprocessingSettings.paper()
    assert fault.averaging_px == spectral.averaging_px == abstract.averaging_px == 0


def test_a_rare_defect_among_many_columns_gets_many_views() -> None:
    data = every_column(4, "odd column")
    recipe = recipe_for(data, TrainingOptions())
    assert len(data) > 4000
    assert recipe.views >= 30
    assert recipe.max_sites_per_view is not None
    assert recipe.views * recipe.max_sites_per_view < 12_000


def test_options_replace_the_preprocessing() -> None:
    own = PreprocessingSettings(smoothing_px=0.5)
    assert recipe_for(striped_patches(), TrainingOptions(preprocessing=own)).preprocessing == own
    options = TrainingOptions(representation="fft+real", recipe="abstract")
    recipe = recipe_for(striped_patches(), options)
    assert recipe.preprocessing == replace(PreprocessingSettings.paper(), representation="fft+real")


def test_options_and_recipe_become_json() -> None:
    data, options = (
        striped_clicks(),
        TrainingOptions(preprocessing=PreprocessingSettings(), epochs={"SF1": 2}),
    )
    json.dumps([options.to_dict(), recipe_for(data, options).to_dict()], allow_nan=False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"members": 0},
        {"seed": -1},
        {"epochs": {"SF1": 0}},
        {"splits": ()},
        {"splits": ("by chance",)},
        {"recipe": "my own"},
    ],
)
def test_impossible_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        TrainingOptions(**wrong)


def test_misspelt_classes_are_named() -> None:
    with pytest.raises(LabelError, match="SF9"):
        select_usable_sites(striped_patches(), TrainingOptions(classes=("Bulk", "SF9")))
    with pytest.raises(InputError, match="SF9"):
        select_usable_sites(striped_patches(), TrainingOptions(epochs={"SF9": 3}))


def test_labels_of_one_kind_are_unchanged() -> None:
    for data in (striped_patches(), striped_clicks()):
        assert select_usable_sites(data, TrainingOptions()) == (data, ())


def test_few_clicks_among_patches_are_trained_on_like_patches() -> None:
    data = mixed(("Bulk",) * 4 + ("Mis",) * 6, (True,) * 4 + (False, False) + (True,) * 4)
    assert "" in data.labels
    usable, (note,) = select_usable_sites(data, TrainingOptions())
    assert "2 clicks" in note
    assert sorted(usable.labels) == ["Bulk"] * 4 + ["Mis"] * 6
    assert recipe_for(usable, TrainingOptions()).name == "patches"


def test_patches_of_point_defects_are_left_out_beside_clicks() -> None:
    data = mixed(("Bulk",) * 6 + ("Mis",) * 3 + ("SF1",), (False,) * 7 + (True,) * 3)
    usable, (note,) = select_usable_sites(data, TrainingOptions())
    assert note.startswith("2 imported patches")
    assert usable.counts() == {"Bulk": 6, "Mis": 1, "SF1": 1}
    assert recipe_for(usable, TrainingOptions()).name == "clicks"


def test_a_class_without_usable_labels_is_an_error() -> None:
    data = mixed(("Bulk",) * 6 + ("Mis",) * 3, (False,) * 6 + (True,) * 3)
    with pytest.raises(LabelError, match="Mis"):
        select_usable_sites(data, TrainingOptions())
    select_usable_sites(data, TrainingOptions(classes=("Bulk",)))


def test_stored_names_do_not_change() -> None:
    """Model files and reports of earlier versions have these names, in this order."""
    recipe = recipe_for(striped_clicks(), TrainingOptions())
    values = recipe.to_dict()
    assert list(values) == [
        *("name", "preprocessing", "augmentation", "views", "common_epochs", "epochs", "batch"),
        *("most_per_view", "architecture", "spread_px"),
    ]
    assert values["common_epochs"] == recipe.pretraining_epochs > 0
    assert values["most_per_view"] == recipe.max_sites_per_view
    assert list(TrainingOptions().to_dict()) == [
        *("name", "classes", "kinds", "epochs", "splits", "preprocessing", "representation"),
        *("recipe", "members", "seed"),
    ]


def test_the_kind_of_a_class_decides_about_the_recipe_for_columns() -> None:
    """Dense clicks of a user's own class: small windows for points, large ones for lines."""
    rng = np.random.default_rng(0)
    y, x = (np.mgrid[20:280:6, 20:280:6].reshape(2, -1)).astype(float)
    labels = tuple(np.where(rng.random(len(y)) < 0.3, "mine", "Bulk").tolist())
    image = rng.random((300, 300)).astype(np.float32)
    sizes = {}
    for kind in ("point", "line", "area"):
        classes = (DefectClass("mine", kind),)
        data = from_clicks([Clicks(image, y, x, labels, class_data=classes)])
        sizes[kind] = recipe_for(data, TrainingOptions()).preprocessing.patch_px
    assert sizes == {"point": 20, "line": 64, "area": 64}


def test_kinds_in_the_options_are_checked() -> None:
    assert TrainingOptions(kinds={"SF": "line"}).to_dict()["kinds"] == {"SF": "line"}
    with pytest.raises(InputError, match="class SF: kind 'plane' must be"):
        TrainingOptions(kinds={"SF": "plane"})  # type: ignore[dict-item]
