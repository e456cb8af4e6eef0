"""Interface that the inference strategies share."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.small_ensemble import filtered_noise, small_ensemble
from napari_stem_defects.base.progress import Progress
from napari_stem_defects.inference.dense import DenseInference
from napari_stem_defects.inference.sliding_window import SlidingWindowInference
from napari_stem_defects.inference.strategy import (
    Batch,
    CoarseMapProgress,
    InferenceStrategy,
)
from napari_stem_defects.preprocessing.windows import window_grid


def test_strategies_implement_the_interface() -> None:
    assert issubclass(DenseInference, InferenceStrategy)
    assert issubclass(SlidingWindowInference, InferenceStrategy)
    with pytest.raises(TypeError, match="abstract"):
        InferenceStrategy()  # type: ignore[abstract]


def test_batches_do_not_end_the_coarse_grid_by_default() -> None:
    assert not Batch(np.arange(2), np.arange(2)).ends_coarse_grid


def test_a_coarse_map_is_a_step_of_the_scan() -> None:
    y, x = np.array([32, 64]), np.array([32])
    step = CoarseMapProgress(
        "scanning", 2, 9, probability=np.full((3, 2, 1), 0.5, np.float32), y=y, x=x
    )
    assert isinstance(step, Progress)
    assert (step.stage, step.done, step.total, step.saving) == ("scanning", 2, 9, False)
    assert step.probability.shape == (3, len(step.y), len(step.x))


def test_predicting_batches_separately_gives_the_same_probabilities() -> None:
    image, ensemble = filtered_noise(), small_ensemble()
    strategy: InferenceStrategy = SlidingWindowInference(image, ensemble, "cpu", "exact")
    grid = window_grid(image.shape, 40)
    (coarse, rest) = strategy.batches(grid)
    for batch in (coarse, rest):
        y, x = grid.y[batch.rows], grid.x[batch.columns]
        whole = strategy.predict(y, x)
        single = [strategy.predict(y[n : n + 1], x[n : n + 1])[0] for n in range(len(y))]
        np.testing.assert_allclose(single, whole, atol=1e-6)
