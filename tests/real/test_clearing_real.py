"""No defect of the labelled micrographs hides in a window that the Bulk member clears."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from napari_stem_defects import DEFAULT_MODEL
from napari_stem_defects.core.ensemble import Ensemble
from napari_stem_defects.core.inference import predict
from napari_stem_defects.core.network import Network
from napari_stem_defects.core.preprocessing import features, flatten
from napari_stem_defects.core.window_scan import CLEARED, CONTRADICTION
from napari_stem_defects.core.windows import cut, pad_for_windows, window_grid
from napari_stem_defects.files.model_file import load_model
from napari_stem_defects.files.model_library import find_model
from napari_stem_defects.files.reading import read

IMAGES = ("CdTe_Training_Image", "CdTe_vacancies", "CdTe_interstitials")


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return load_model(find_model(DEFAULT_MODEL))


@pytest.mark.parametrize("name", IMAGES)
@pytest.mark.parametrize("stride", [48, pytest.param(8, marks=pytest.mark.long)])
def test_nothing_else_is_seen_where_bulk_is_sure(
    data_dir: Path, ensemble: Ensemble, name: str, stride: int
) -> None:
    flat = flatten(read(data_dir / "images" / f"{name}.tif").pixels, ensemble.spec.preprocessing)
    exact = predict(flat, ensemble, window_grid(flat.shape, stride))
    bulk = ensemble.spec.classes.index("Bulk")
    sure = exact[bulk] >= CLEARED
    assert sure.any()
    assert np.delete(exact, bulk, axis=0)[:, sure].max() < CONTRADICTION


@pytest.mark.parametrize(("name", "count"), [("CdTe_vacancies", 10), ("CdTe_interstitials", 25)])
def test_bulk_is_not_sure_at_any_labelled_point_defect(
    data_dir: Path, ensemble: Ensemble, name: str, count: int
) -> None:
    """At the window nearest to it, wherever the grid of a stride of 8 px lies."""
    places = json.loads((data_dir / "images" / "point_defects.json").read_text())
    centres = np.array(places[f"{name}.tif"]["points_yx"]).round().astype(int)
    settings, bulk = ensemble.spec.preprocessing, ensemble.spec.classes.index("Bulk")
    flat = flatten(read(data_dir / "images" / f"{name}.tif").pixels, settings)
    assert len(centres) == count
    for shift in ((0, 0), (-4, -4), (-4, 4), (4, -4), (4, 4)):
        y, x = (centres + shift).T
        windows = cut(pad_for_windows(flat, settings.patch_px), y, x, settings.patch_px)
        answers = Network(ensemble).probabilities(features(windows, settings))
        assert (answers[:, bulk] < CLEARED).all()
