"""One pass over an image answers what window by window does, for less work."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.inference import dense, strategy
from napari_stem_defects.inference.predict import PartialProbabilities, predict
from napari_stem_defects.inference.strategy import (
    InferenceMode,
)
from napari_stem_defects.networks.ensemble import (
    EnsembleNetwork,
    in_one_pass,
    multiplications,
    new_member,
    weights_of,
)
from napari_stem_defects.networks.spec import Architecture, Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import (
    features,
)
from napari_stem_defects.preprocessing.settings import (
    PreprocessingSettings,
)
from napari_stem_defects.preprocessing.windows import Grid, cut, pad_for_windows, window_grid

SPEC = EnsembleSpec(
    "small",
    ("Bulk", "SF1", "LC"),
    seeds=(0, 1),
    preprocessing=PreprocessingSettings(representation="real"),
    architecture=Architecture(channels=(3, 4, 5), hidden=6, padded=False),
)


@lru_cache
def ensemble_of(maxima: bool = False) -> Ensemble:
    """Return members whose batch norms have seen something, so that their shifts count."""
    spec = replace(SPEC, architecture=replace(SPEC.architecture, maxima=maxima))
    torch.manual_seed(0)
    members = [[new_member(spec) for _ in spec.seeds] for _ in spec.classes]
    with torch.no_grad():
        for member in (one for same in members for one in same):
            member({"real": 0.5 + torch.randn(4, 1, 64, 64)})
    return Ensemble(spec, weights_of(members))


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return ensemble_of()


def image_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)


def window_by_window(image: np.ndarray, ensemble: Ensemble, grid: Grid) -> np.ndarray:
    y, x = (axis.ravel() for axis in np.meshgrid(*grid, indexing="ij"))
    windows = cut(pad_for_windows(image, 64), y, x, 64)
    answers = EnsembleNetwork(ensemble).probabilities(
        features(windows, ensemble.spec.preprocessing)
    )
    return answers.T.reshape(-1, len(grid.y), len(grid.x))


@given(
    st.integers(64, 180),
    st.integers(64, 180),
    st.integers(1, 40),
    st.sampled_from([64, 100, 300]),
    st.booleans(),
)
@settings(max_examples=25, deadline=None)
def test_answers_are_those_of_every_window_by_itself(
    height: int, width: int, step: int, tile: int, maxima: bool
) -> None:
    grid = window_grid((height, width), step)
    grid = Grid(grid.y[:16], grid.x[-14:])
    ensemble = ensemble_of(maxima)
    image = image_of(height, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "TILE_PX", tile)
        tiles = dense.DenseInference(image, ensemble, "cpu", grid, "exact")
        answers = np.full((len(grid.y), len(grid.x), 3), np.nan, np.float32)
        for batch in tiles.batches(grid):
            part = tiles.ask(grid.y[batch.rows], grid.x[batch.columns])
            assert np.isnan(answers[batch.rows, batch.columns]).all()
            answers[batch.rows, batch.columns] = part
    wanted = window_by_window(image, ensemble, grid)
    np.testing.assert_allclose(answers.transpose(2, 0, 1), wanted, atol=1e-5)
    assert np.ptp(wanted) > 0.01 or grid.windows < 4


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_predict_takes_the_one_pass_where_it_pays(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch, mode: InferenceMode
) -> None:
    image, grid = image_of(150, 120), window_grid((150, 120), 8)
    monkeypatch.setattr(EnsembleNetwork, "ask", lambda *_: pytest.fail("asked window by window"))
    monkeypatch.setattr(dense, "TILE_PX", 100)
    shown: list[int] = []

    def watch(so_far: PartialProbabilities) -> None:
        shown.append(int(so_far.answered.sum()))

    answers = predict(image, ensemble, grid, mode=mode, watch=watch)
    monkeypatch.undo()
    np.testing.assert_allclose(answers, window_by_window(image, ensemble, grid), atol=1e-5)
    assert shown == sorted(set(shown))
    assert len(shown) > 4
    assert shown[-1] == grid.windows


@pytest.mark.parametrize(
    ("device", "mode", "wanted"),
    [
        ("cpu", "fast", "float32"),
        ("cpu", "exact", "float32"),
        ("cuda", "exact", "float32"),
        ("cuda", "fast", "float16"),
        ("mps", "fast", "float16"),
    ],
)
def test_a_gpu_computes_in_half_precision_where_it_may(
    ensemble: Ensemble,
    monkeypatch: pytest.MonkeyPatch,
    device: str,
    mode: InferenceMode,
    wanted: str,
) -> None:
    made: list[tuple[str, str]] = []

    def network_of(ensemble: Ensemble, device: str, precision: str, column: None) -> None:
        made.append((device, precision))

    monkeypatch.setattr(strategy, "network_of", network_of)
    monkeypatch.setattr(dense, "values_that_fit", lambda: 10**9)
    dense.DenseInference(image_of(100, 100), ensemble, device, window_grid((100, 100), 8), mode)
    assert made == [(device, wanted)]


def test_half_precision_is_nearly_exact(ensemble: Ensemble) -> None:
    image = torch.from_numpy(image_of(96, 96))
    exact = EnsembleNetwork(ensemble).ask_everywhere(image, 8)
    halved = EnsembleNetwork(ensemble, precision="float16").ask_everywhere(image, 8)
    apart = (torch.sigmoid(exact) - torch.sigmoid(halved)).abs().max()
    assert 0 < float(apart) < 0.004


def test_only_windows_that_share_their_maps_are_answered_in_one_pass() -> None:
    assert in_one_pass(SPEC)
    settings = SPEC.preprocessing
    for other in (
        replace(SPEC, architecture=replace(SPEC.architecture, padded=True)),
        replace(SPEC, preprocessing=replace(settings, representation="fft+real")),
        replace(SPEC, preprocessing=replace(settings, contrast_px=0.0)),
    ):
        assert not in_one_pass(other)
        assert not dense.pays(other, window_grid((200, 200), 8))


def test_it_pays_at_small_and_even_steps() -> None:
    paying = {step for step in range(1, 64) if dense.pays(SPEC, window_grid((500, 500), step))}
    assert set(range(1, 8)) | {8, 10, 12, 16, 24, 32} <= paying
    assert not paying & {31, 33, 63}
    assert not dense.pays(SPEC, Grid(np.array([3]), np.array([5])))
    assert not dense.pays(SPEC, Grid(np.array([0, 8, 17]), np.array([0, 8, 16])))


def test_work_is_counted_by_hand() -> None:
    tiny = replace(SPEC, architecture=Architecture(channels=(2, 3), hidden=5, padded=False))
    head = (14 * 14 * 3) * 5
    assert multiplications(tiny) == 9 * 2 * 62**2 + 9 * 6 * 29**2 + head
    assert multiplications(tiny, 8) == 9 * 2 * 64 + 9 * 6 * 16 + head
    assert multiplications(tiny, 3) == 9 * 2 * 9 + 9 * 6 * 9 + head
    padded = replace(tiny, architecture=Architecture(channels=(2, 3), hidden=5))
    assert multiplications(padded) == 9 * 2 * 64**2 + 9 * 6 * 32**2 + (16 * 16 * 3) * 5


def test_short_memory_makes_tiles_smaller(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    image, grid = image_of(200, 230), window_grid((200, 230), 8)
    wanted = predict(image, ensemble, grid)
    ask, held = EnsembleNetwork.ask_everywhere, 120 * 400

    def short(network: EnsembleNetwork, tile: torch.Tensor, step: int) -> torch.Tensor:
        if tile.numel() > held:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return ask(network, tile, step)

    monkeypatch.setattr(EnsembleNetwork, "ask_everywhere", short)
    with caplog.at_level(logging.WARNING):
        answers = predict(image, ensemble, grid)
    np.testing.assert_allclose(answers, wanted, atol=1e-6)
    assert "out of memory" in caplog.messages[0]
