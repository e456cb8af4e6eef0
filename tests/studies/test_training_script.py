"""Training of the pretrained ensembles, reduced to seconds and to a simulated micrograph."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tifffile

from napari_stem_defects.simulation.simulate import simulate
from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet
from napari_stem_defects.training.evaluate import predict_logits
from napari_stem_defects.training.metrics import auroc

sys.path.insert(0, str(Path(__file__).parents[2] / "training"))
import measuring
import recipe
import recipe_runs
import recipe_windows
import sto_001

if TYPE_CHECKING:
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.training.sampling import Samples

TINY = recipe.Size(*(1, 8, 0), warm_up_epochs=0, pretraining_epochs=1, ood_scenes=2, ood_views=1)
RECIPE = sto_001.RECIPE


def sites(labels: tuple[str, ...]) -> TrainingSet:
    """Return clicks along the middle of a simulated SrTiO3 micrograph."""
    made = simulate("sto-100", size=200, pixel_size_nm=sto_001.PIXEL_SIZE_NM, seed=3)
    x = np.linspace(40.0, 160.0, len(labels))
    clicks = Clicks(made.micrograph.pixels, np.full(len(labels), 100.0), x, labels)
    return from_clicks([clicks], pixel_size_nm=sto_001.PIXEL_SIZE_NM)


KNOWN, STRANGE = sites(("Bulk", "Extra", "IExtra", "Mis")), sites(("other",) * 4)


@pytest.fixture(scope="module")
def trained() -> Ensemble:
    return recipe_runs.train(RECIPE, KNOWN, STRANGE, TINY, seed=5)[0]


@pytest.fixture(scope="module")
def scenes() -> Samples:
    return recipe_windows.simulated_samples(RECIPE, 8, seed=6)


def test_members_of_two_seeds_share_pretrained_weights(trained: Ensemble, scenes: Samples) -> None:
    assert trained.spec.seeds == (0, 1)
    one, two = (predict_logits(each, scenes) for each in measuring.split_by_seed(trained))
    assert not np.allclose(one, two)
    # They share pretrained weights, so their logits are correlated.
    assert np.corrcoef(one.ravel(), two.ravel())[0, 1] > 0.5
    np.testing.assert_allclose((one + two) / 2, predict_logits(trained, scenes), atol=1e-4)


def test_disagreement_counts_known_targets(trained: Ensemble, scenes: Samples) -> None:
    detection = measuring.measure_disagreement(trained, scenes)
    known = ~np.isnan(scenes.targets)
    probability = trained.spec.calibrated_probabilities(predict_logits(trained, scenes))
    wrong = ((probability >= 0.5) != (scenes.targets > 0.5))[known]
    assert detection["answers"] == known.sum()
    assert detection["wrong"] == pytest.approx(wrong.sum(), abs=1)
    assert len(detection["wrong_of_each_seed"]) == 2
    # Single and joint predictions are rounded differently, which may swap close ranks.
    uncertainty = auroc(wrong, -np.abs(probability - 0.5)[known])
    assert detection["auroc_of_doubt"] == pytest.approx(uncertainty, abs=1e-3)


def test_a_kept_model_is_not_trained_again(
    tmp_path: Path, trained: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def train(*_: object) -> tuple[Ensemble, list[dict[str, int]]]:
        calls.append(1)
        return trained, [{"epoch": 1}]

    monkeypatch.setattr(recipe_runs, "train", train)
    plain, kept = replace(RECIPE, ood_sites=lambda _: STRANGE), tmp_path / "kept.safetensors"
    for _ in range(2):
        ensemble, history, _ = recipe_runs.train_or_load(plain, KNOWN, TINY, 5, tmp_path, kept)
        assert history == [{"epoch": 1}]
        for name, array in trained.weights.items():
            np.testing.assert_array_equal(ensemble.weights[name], array)
    assert calls == [1]


def test_only_held_out_parts_of_a_fault_count(
    tmp_path: Path, trained: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    tifffile.imwrite(tmp_path / "faults.tif", np.eye(80, dtype=np.float32))
    masks = np.zeros((3, 80, 80), np.uint8)
    masks[0, 20, :30] = 1  # 30 px of the line under its name
    masks[1, 20, 30:35] = 1  # 5 under another
    masks[1, 60, 10:14] = 1  # 4 of bulk, and
    masks[2, 65:] = 1  # unknown, which is no defect
    detection = SimpleNamespace(mask_names=("SF1", "SF2", "unknown"), masks=masks)
    monkeypatch.setattr(measuring, "detect_frame", lambda *_, **__: detection)
    faults = measuring.Faults(
        "faults.tif", {"SF1": ((20.0, 0.0), (20.0, 79.0))}, lambda at: at[:, 1] < 40
    )
    counts = measuring.measure_faults(trained, tmp_path, faults)
    assert counts["SF1"] == {"pixels": 40, "found": 35, "named": 30}
    assert counts["Bulk"] == {"pixels": 39 * 40, "claimed": 4}


def test_scenes_are_counted_one_by_one(trained: Ensemble) -> None:
    made = [
        simulate("sto-100", size=160, pixel_size_nm=sto_001.PIXEL_SIZE_NM, defects=names, seed=4)
        for names in (("Mis",), ())
    ]
    counts = measuring.measure_scenes(trained, made)
    mis = counts["Mis"]
    assert mis["windows"][0] > 0
    assert mis["named"][0] <= mis["found"][0] <= mis["windows"][0]
    assert len(counts["Bulk"]["windows"]) == 2
