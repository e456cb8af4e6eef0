"""A model records whether it was trained on bright or on dark columns."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

import napari_stem_defects as sd
from napari_stem_defects.training import column_contrast as module
from napari_stem_defects.training.column_contrast import measure_contrast
from napari_stem_defects.training.dataset import TrainingSet

if TYPE_CHECKING:
    from numpy.typing import NDArray


@pytest.fixture(scope="module")
def bright() -> NDArray[np.float32]:
    return sd.simulate("sto-001", size=160, defects=["missing"], seed=4).micrograph.pixels


def data_of(*images: NDArray[np.float32]) -> TrainingSet:
    """Return a training set with one site in each image."""
    number = np.arange(len(images))
    middle = np.full(len(images), 80.0)
    return TrainingSet(
        images=images,
        classes=("Bulk",),
        labels=("Bulk",) * len(images),
        image=number,
        y=middle,
        x=middle,
        targets=np.ones((len(images), 1), np.float32),
        source=number,
        source_y=middle,
        source_x=middle,
        extent_px=np.full(len(images), 8.0),
    )


def test_bright_dark_and_both_are_told_apart(bright: NDArray[np.float32]) -> None:
    dark = bright.max() - bright
    assert measure_contrast(data_of(bright)) == "bright"
    assert measure_contrast(data_of(dark, dark)) == "dark"
    assert measure_contrast(data_of(bright, dark)) == "both"


def test_what_is_not_clear_is_not_recorded(bright: NDArray[np.float32]) -> None:
    noise = np.random.default_rng(0).normal(size=bright.shape).astype(np.float32)
    assert measure_contrast(data_of(noise)) is None
    assert measure_contrast(data_of(bright, *[noise] * 14)) is None


def test_several_images_that_are_hardly_clear_are_clear_together(
    bright: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the public patches of 64 px, of which half reach 0.4."""
    monkeypatch.setattr(module, "column_sharpness", lambda pixels, cells: 0.3)
    assert measure_contrast(data_of(bright, bright)) is None
    assert measure_contrast(data_of(*[bright] * 6)) == "bright"


def test_images_without_labels_do_not_count(bright: NDArray[np.float32]) -> None:
    both = data_of(bright, bright.max() - bright)
    assert measure_contrast(replace(both, image=np.zeros(2, np.int64))) == "bright"
