"""Active learning: suggested windows are uncertain, apart from each other, and off the labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_model import write_small_model

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.simulation.crystals import LAYER_NM
from napari_stem_defects.training import active_learning
from napari_stem_defects.training.active_learning import suggest

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.networks.spec import Ensemble


def crystal(size: int = 256) -> Micrograph:
    y, x = np.mgrid[:size, :size]
    waves = np.cos(2 * np.pi * x / 13.9) + np.cos(2 * np.pi * y / 13.9)
    noise = np.random.default_rng(0).normal(size=(size, size))
    return Micrograph((100 * (waves + 0.1 * noise + 4)).astype(np.float32), "crystal", 0.027)


def small(folder: Path) -> Ensemble:
    return load_model(write_small_model(folder / "small.safetensors", lattice_nm=LAYER_NM))


def test_suggestions_keep_apart_and_off_the_labels(tmp_path: Path) -> None:
    ensemble = small(tmp_path)
    taken = [(100.0, 100.0)]
    found = suggest(crystal(), ensemble, taken=taken, count=8)
    assert len(found) == 8
    places = [*taken, *((each.y, each.x) for each in found)]
    for number, (y, x) in enumerate(places):
        for other in places[number + 1 :]:
            assert np.hypot(y - other[0], x - other[1]) >= 32
    assert {each.class_name for each in found} <= {"Bulk", "SF1"}
    assert all(0 <= each.probability <= 1 for each in found)


@pytest.fixture
def predicted(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Replace the predictions by those of four distant windows; return their probabilities."""
    probability = np.array([[0.9, 0.1], [0.6, 0.5], [0.9, 0.2], [0.3, 0.2]], np.float32)
    disagreement = np.array([[0.0, 0.0], [0.0, 0.0], [0.1, 0.4], [0.0, 0.0]], np.float32)
    y, x = np.array([20.0, 20.0, 220.0, 220.0]), np.array([20.0, 220.0, 20.0, 220.0])
    found = active_learning._Predictions(probability, disagreement, y, x)
    monkeypatch.setattr(active_learning, "_predict", lambda *_: found)
    return probability


def test_small_margins_and_disagreement_come_first(tmp_path: Path, predicted: np.ndarray) -> None:
    found = suggest(crystal(), small(tmp_path))
    assert [(each.y, each.x) for each in found] == [(220, 20), (20, 220), (220, 220), (20, 20)]
    assert [each.why for each in found] == [
        "members disagree on SF1",
        "SF1 is likely too",
        "no class is probable",
        "SF1 is likely too",
    ]
    assert [each.class_name for each in found] == ["Bulk"] * 4
    assert found[0].probability == pytest.approx(predicted[2, 0])


def test_count_and_labels_limit_the_suggestions(tmp_path: Path, predicted: np.ndarray) -> None:
    ensemble = small(tmp_path)
    assert len(suggest(crystal(), ensemble, count=2)) == 2
    assert suggest(crystal(), ensemble, count=0) == []
    left = suggest(crystal(), ensemble, taken=[(215.0, 25.0)])
    assert [(each.y, each.x) for each in left] == [(20, 220), (220, 220), (20, 20)]
