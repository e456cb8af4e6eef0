"""Dense inference gives the probabilities of single windows, for less work."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_stem_defects.inference import dense
from napari_stem_defects.inference.dense import quicker_stride
from napari_stem_defects.inference.predict import PartialProbabilities, predict
from napari_stem_defects.inference.strategy import InferenceMode
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.ensemble import (
    EnsembleNetwork,
    supports_dense_inference,
)
from napari_stem_defects.networks.member import (
    collect_weights,
    new_member,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import features
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
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
    """Return members whose batch normalisation has running statistics."""
    spec = replace(SPEC, architecture=replace(SPEC.architecture, maxima=maxima))
    torch.manual_seed(0)
    members = [[new_member(spec) for _ in spec.seeds] for _ in spec.classes]
    with torch.no_grad():
        for member in (one for same in members for one in same):
            member({"real": 0.5 + torch.randn(4, 1, 64, 64)})
    return Ensemble(spec, collect_weights(members))


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    return ensemble_of()


def image_of(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(height, width)).astype(np.float32)


def window_by_window(image: np.ndarray, ensemble: Ensemble, grid: Grid) -> np.ndarray:
    y, x = (axis.ravel() for axis in np.meshgrid(*grid, indexing="ij"))
    windows = cut(pad_for_windows(image, 64), y, x, 64)
    probability = EnsembleNetwork(ensemble).probabilities(
        features(windows, ensemble.spec.preprocessing)
    )
    return probability.T.reshape(-1, len(grid.y), len(grid.x))


@given(
    st.integers(64, 180),
    st.integers(64, 180),
    st.integers(1, 40),
    st.sampled_from([64, 100, 300]),
    st.booleans(),
)
@settings(max_examples=15, deadline=None)
def test_probabilities_are_those_of_single_windows(
    height: int, width: int, step: int, tile: int, maxima: bool
) -> None:
    grid = window_grid((height, width), step)
    grid = Grid(grid.y[:16], grid.x[-14:])
    ensemble = ensemble_of(maxima)
    image = image_of(height, width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dense, "TILE_PX", tile)
        strategy = dense.DenseInference(image, ensemble, "cpu", grid, "exact")
        probability = np.full((len(grid.y), len(grid.x), 3), np.nan, np.float32)
        for batch in strategy.batches(grid):
            part = strategy.predict(grid.y[batch.rows], grid.x[batch.columns])
            assert np.isnan(probability[batch.rows, batch.columns]).all()
            probability[batch.rows, batch.columns] = part
    wanted = window_by_window(image, ensemble, grid)
    np.testing.assert_allclose(probability.transpose(2, 0, 1), wanted, atol=1e-5)
    assert np.ptp(wanted) > 0.01 or grid.windows < 4


@given(st.integers(64, 9000), st.integers(64, 9000), st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_tiles_are_of_about_one_size_and_hold_a_limited_number_of_windows(
    height: int, width: int, step: int
) -> None:
    grid = window_grid((height, width), step)
    strategy = dense.DenseInference(image_of(64, 64), ensemble_of(), "cpu", grid, "exact")
    tiles = list(strategy.batches(grid))
    sizes = np.array([(len(set(each.rows)), len(set(each.columns))) for each in tiles])
    assert sizes.prod(axis=1).sum() == grid.windows
    assert (np.ptp(sizes, axis=0) <= 1).all()
    assert sizes.prod(axis=1).max() <= max(25_600, (449 // step + 1) ** 2)
    assert (sizes.max() - 1) * step + 64 <= 1440


@pytest.mark.parametrize("mode", ["exact", "fast"])
def test_predict_uses_dense_inference_where_it_is_faster(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch, mode: InferenceMode
) -> None:
    image, grid = image_of(150, 120), window_grid((150, 120), 8)
    monkeypatch.setattr(
        EnsembleNetwork, "member_logits", lambda *_: pytest.fail("predicted window by window")
    )
    monkeypatch.setattr(dense, "TILE_PX", 80)
    shown: list[int] = []

    def watch(so_far: PartialProbabilities) -> None:
        shown.append(int(so_far.predicted.sum()))

    probability = predict(image, ensemble, grid, mode=mode, watch=watch)
    monkeypatch.undo()
    np.testing.assert_allclose(probability, window_by_window(image, ensemble, grid), atol=1e-5)
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

    def network_for(ensemble: Ensemble, device: str, precision: str) -> None:
        made.append((device, precision))

    monkeypatch.setattr(dense, "network_for", network_for)
    monkeypatch.setattr(dense, "free_gpu_values", lambda: 10**9)
    dense.DenseInference(image_of(100, 100), ensemble, device, window_grid((100, 100), 8), mode)
    assert made == [(device, wanted)]


def test_dense_inference_needs_shared_feature_maps() -> None:
    assert supports_dense_inference(SPEC)
    settings = SPEC.preprocessing
    for other in (
        replace(SPEC, architecture=replace(SPEC.architecture, padded=True)),
        replace(SPEC, preprocessing=replace(settings, representation="fft+real")),
        replace(SPEC, preprocessing=replace(settings, contrast_px=0.0)),
    ):
        assert not supports_dense_inference(other)
        assert not dense.is_dense_faster(other, window_grid((200, 200), 8))


def test_dense_inference_is_faster_at_small_and_even_strides() -> None:
    faster = {
        step for step in range(1, 64) if dense.is_dense_faster(SPEC, window_grid((500, 500), step))
    }
    assert set(range(1, 8)) | {8, 10, 12, 16, 24, 32} <= faster
    assert not faster & {31, 33, 63}
    assert not dense.is_dense_faster(SPEC, Grid(np.array([3]), np.array([5])))
    assert not dense.is_dense_faster(SPEC, Grid(np.array([0, 8, 17]), np.array([0, 8, 16])))


def test_short_memory_makes_tiles_smaller(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    image, grid = image_of(200, 230), window_grid((200, 230), 8)
    wanted = predict(image, ensemble, grid)
    compute, held = EnsembleNetwork.member_logits_dense, 120 * 400

    def short(network: EnsembleNetwork, tile: torch.Tensor, step: int) -> torch.Tensor:
        if tile.numel() > held:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return compute(network, tile, step)

    monkeypatch.setattr(EnsembleNetwork, "member_logits_dense", short)
    with caplog.at_level(logging.WARNING):
        probability = predict(image, ensemble, grid)
    np.testing.assert_allclose(probability, wanted, atol=1e-6)
    assert "out of memory" in caplog.messages[0]


def test_a_finer_step_that_is_quicker_is_found() -> None:
    """Steps that are multiples of 8 px share most; the default of a model needs no advice."""
    spec = load_model(find_model("cdte-110")).spec
    found = {stride: quicker_stride(spec, stride) for stride in range(1, 17)}
    assert [stride for stride, quicker in found.items() if quicker is None] == [1, 2, 4, 8, 12, 16]
    assert (found[3], found[5], found[6], found[7], found[10]) == (2, 4, 4, 4, 8)


def test_models_that_go_window_by_window_get_no_advice() -> None:
    spec = EnsembleSpec("padded", ("Bulk", "SF1"))
    assert quicker_stride(spec, 5) is None


def test_all_threads_have_as_much_to_do_where_an_image_is_high_enough() -> None:
    """Lower tiles overlap more, so that small images are left whole and others hardly divided."""
    before, tiles = torch.get_num_threads(), {}
    try:
        for threads in (1, 2, 4, 8):
            torch.set_num_threads(threads)
            for edge in (200, 512, 1024, 4096):
                grid = window_grid((edge, edge), 16)
                strategy = dense.DenseInference(
                    image_of(64, 64), ensemble_of(), "cpu", grid, "exact"
                )
                tiles[threads, edge] = len(list(strategy.batches(grid)))
    finally:
        torch.set_num_threads(before)
    assert [tiles[threads, 200] for threads in (1, 2, 4, 8)] == [1, 1, 1, 1]
    assert [tiles[threads, 512] for threads in (1, 2, 4, 8)] == [1, 2, 2, 2]
    assert [tiles[threads, 1024] for threads in (1, 2, 4, 8)] == [1, 2, 4, 4]
    assert [tiles[threads, 4096] for threads in (1, 2, 4, 8)] == [9, 12, 12, 24]


def test_threads_change_no_probability() -> None:
    image, ensemble, grid = image_of(420, 300), ensemble_of(), window_grid((420, 300), 8)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(predict(image, ensemble, grid))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_allclose(found[1], found[0], atol=1e-6)
