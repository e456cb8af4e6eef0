"""Fixtures for tests of detection in one frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from frame_samples import ensemble_of

from napari_stem_defects.inference import predict as predict_module

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.windows import Grid


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return ensemble_of()


@pytest.fixture
def predict_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Replace the networks by a function of the filtered image and the grid."""

    def replace_networks(function: Any) -> None:
        def fake(filtered: np.ndarray, ensemble: Ensemble, grid: Grid, **_: Any) -> np.ndarray:
            return function(filtered, grid).astype(np.float32)

        monkeypatch.setattr(predict_module, "predict", fake)

    return replace_networks
