"""Both ways to compute the logits of windows agree where both are possible."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_models import DENSE, PLAIN, ensemble_with, exported_map, half_blank

from napari_stem_defects.io.models.exported import onnx_file
from napari_stem_defects.networks.architecture import Architecture

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    "architecture", [DENSE, Architecture(channels=(4, 6, 8), hidden=8, maxima=True, padded=False)]
)
def test_whole_images_and_windows_give_the_same(
    architecture: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensemble = ensemble_with(preprocessing=PLAIN, architecture=architecture)
    image = half_blank()
    dense = exported_map(ensemble, image)
    monkeypatch.setattr(onnx_file, "is_dense", lambda _: False)
    np.testing.assert_allclose(exported_map(ensemble, image), dense, atol=1e-5)
    assert np.ptp(dense) > 0.1
