"""On a labelled micrograph the bundled ensembles answer in one pass what they answer by window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects.inference.dense import is_dense_faster
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.preprocessing.pipeline import features, filter_image
from napari_stem_defects.preprocessing.windows import Grid, cut, pad_for_windows, window_grid


@pytest.mark.parametrize(
    ("model", "image"),
    [("cdte-110", "CdTe_vacancies.tif"), ("sto-001", "STO_missing.tif")],
)
def test_one_pass_is_window_by_window(data_dir: Path, model: str, image: str) -> None:
    ensemble = load_model(find_model(model))
    settings = ensemble.spec.preprocessing
    flat = filter_image(read(data_dir / "images" / image).pixels, settings)
    grid = window_grid(flat.shape, 8)
    assert is_dense_faster(ensemble.spec, grid)
    exact, fast = (predict(flat, ensemble, grid, mode=mode) for mode in ("exact", "fast"))
    np.testing.assert_array_equal(exact, fast)
    some = Grid(grid.y[::9], grid.x[::9])
    y, x = (axis.ravel() for axis in np.meshgrid(*some, indexing="ij"))
    windows = cut(pad_for_windows(flat, settings.patch_px), y, x, settings.patch_px)
    wanted = EnsembleNetwork(ensemble).probabilities(features(windows, settings))
    got = exact[:, ::9, ::9].reshape(len(wanted[0]), -1).T
    np.testing.assert_allclose(got, wanted, atol=1e-4)
    assert np.ptp(got) > 0.9
