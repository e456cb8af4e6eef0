"""The evidence at a site is the same however the image lies, and that of the single windows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logit
from small_ensemble import SPEC, LimitedMemory, filtered_noise, small_ensemble

from napari_stem_defects.inference.predict import predict
from napari_stem_defects.inference.site_evidence import SiteEvidence, Window
from napari_stem_defects.inference.spatial_averaging import AVERAGING_NODES
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import Grid

ENSEMBLE = small_ensemble()
FILTERED = filtered_noise()
SITES = np.array([(75.5, 80.5), (3.5, 160.5), (149.0, 0.0), (40.5, 90.5)])


def probabilities(
    filtered: np.ndarray, ensemble: Ensemble, name: str, places: np.ndarray, device: str
) -> np.ndarray:
    return SiteEvidence(filtered, ensemble, name, device).probabilities(places)


def turned(places: np.ndarray, shape: tuple[int, int], turns: int, mirrored: bool) -> np.ndarray:
    """Return where places of an image are after quarter turns and a mirror."""
    for _ in range(turns):
        places = np.column_stack([shape[1] - 1 - places[:, 1], places[:, 0]])
        shape = shape[1], shape[0]
    return np.column_stack([places[:, 0], shape[1] - 1 - places[:, 1]]) if mirrored else places


@settings(max_examples=20, deadline=None)
@given(
    turns=st.integers(0, 3), mirrored=st.booleans(), y=st.integers(0, 148), x=st.integers(0, 168)
)
def test_the_orientation_of_the_image_does_not_matter(
    turns: int, mirrored: bool, y: int, x: int
) -> None:
    places = np.array(
        [(y + 0.5, x + 0.5)]
    )  # between pixels, where no window is a matter of rounding
    other = np.rot90(FILTERED, turns)
    other = np.ascontiguousarray(other[:, ::-1] if mirrored else other)
    before = probabilities(FILTERED, ENSEMBLE, "LC", places, "cpu")
    there = turned(places, FILTERED.shape, turns, mirrored)
    after = probabilities(other, ENSEMBLE, "LC", there, "cpu")
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_the_mean_logit_of_the_orientations_of_one_window() -> None:
    """Compare with the scan of the eight forms of the image, one window each."""
    logits = []
    for mirrored in (False, True):
        for turns in range(4):
            image = np.rot90(FILTERED, turns)
            image = np.ascontiguousarray(image[:, ::-1] if mirrored else image)
            (y, x), *_ = turned(SITES[:1], FILTERED.shape, turns, mirrored)
            grid = Grid(np.array([round(y + 0.5)]), np.array([round(x + 0.5)]))
            logits.append(logit(predict(image, ENSEMBLE, grid, device="cpu")[1, 0, 0]))
    found = probabilities(FILTERED, ENSEMBLE, "Bulk", SITES[:1], "cpu")
    assert logit(found[0]) == pytest.approx(np.mean(logits), abs=1e-4)


def test_models_that_average_neighbouring_windows_average_around_the_site() -> None:
    averaging = replace(SPEC, training={"spread_px": 2.0})
    found = probabilities(FILTERED, small_ensemble(averaging), "SF1", SITES[:1], "cpu")
    alone = [
        weight
        * logit(probabilities(FILTERED, ENSEMBLE, "SF1", SITES[:1] + 2.0 * np.array(node), "cpu"))
        for node, weight in AVERAGING_NODES.items()
    ]
    assert logit(found[0]) == pytest.approx(np.sum(alone), abs=1e-4)


def test_windows_of_models_of_whole_patches_stay_inside() -> None:
    """Their networks have never seen a window across the border."""
    whole = small_ensemble(replace(SPEC, training={"label_radius_px": 0}))
    corner = probabilities(FILTERED, whole, "LC", np.array([(0.0, 0.0)]), "cpu")
    inside = probabilities(FILTERED, whole, "LC", np.array([(31.5, 31.5)]), "cpu")
    np.testing.assert_array_equal(corner, inside)


def test_all_sites_at_once_are_as_one_by_one() -> None:
    together = probabilities(FILTERED, ENSEMBLE, "LC", SITES, "cpu")
    single = [probabilities(FILTERED, ENSEMBLE, "LC", SITES[n : n + 1], "cpu")[0] for n in range(4)]
    np.testing.assert_allclose(together, single, atol=1e-6)
    assert len(probabilities(FILTERED, ENSEMBLE, "LC", np.zeros((0, 2)), "cpu")) == 0


def test_little_memory_gives_the_same_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    sites = np.random.default_rng(0).uniform(0, 150, (80, 2))
    expected = probabilities(FILTERED, ENSEMBLE, "LC", sites, "cpu")
    limited = LimitedMemory(monkeypatch, "cpu", torch.OutOfMemoryError("CUDA out of memory"), 200)
    found = probabilities(FILTERED, ENSEMBLE, "LC", sites, "cpu")
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert max(count for _, count in limited.calls) > 200


DENSE = small_ensemble(
    replace(
        SPEC,
        preprocessing=PreprocessingSettings(representation="real"),
        architecture=Architecture(channels=(4, 6, 8), hidden=8, padded=False),
    )
)
NINE = np.array([(y, x) for y in (-5, 0, 6) for x in (-6, 0, 5)], float)
CROSS = np.array([(0, 0), (-4, 0), (4, 0), (0, -4), (0, 4)], float)


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 149), st.integers(0, 169)), min_size=1, max_size=5),
    st.sampled_from([CROSS, NINE]),
)
def test_windows_that_share_their_maps_have_the_same_evidence(
    middles: list[Window], around: np.ndarray
) -> None:
    """Around sites, some of which overlap or lie beside the border."""
    places = (np.array(middles, float)[:, None] + around).reshape(-1, 2)
    together = probabilities(FILTERED, DENSE, "LC", places, "cpu")
    alone = [
        probabilities(FILTERED, DENSE, "LC", place[None], "cpu")[0]
        for place in places  # a window by itself is not part of a tile
    ]
    np.testing.assert_allclose(together, alone, atol=2e-6)


def test_no_window_is_evaluated_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    whole, tiles = EnsembleNetwork.member_logits, EnsembleNetwork.member_logits_of_tiles

    def count_windows(network: EnsembleNetwork, seen: dict[str, torch.Tensor]) -> torch.Tensor:
        counted.append(len(seen["real"]) // 8)
        return whole(network, seen)

    def count_tiles(network: EnsembleNetwork, images: torch.Tensor, step: int) -> torch.Tensor:
        counted.append(len(images) // 8)
        return tiles(network, images, step)

    monkeypatch.setattr(EnsembleNetwork, "member_logits", count_windows)
    monkeypatch.setattr(EnsembleNetwork, "member_logits_of_tiles", count_tiles)
    evidence = SiteEvidence(FILTERED, DENSE, "LC", "cpu")
    first = evidence.probabilities(SITES[:1])
    cross = evidence.probabilities(SITES[:1] + CROSS)
    again = evidence.probabilities(SITES[:1] + CROSS + 0.2)  # of the same windows
    assert counted == [1, 1]  # a window, and one tile for its four neighbours
    assert first[0] == cross[0]
    np.testing.assert_array_equal(cross, again)


def test_nine_windows_around_each_site_share_the_first_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[tuple[int, int]] = []
    near = EnsembleNetwork.member_logits_of_places

    def count(network: EnsembleNetwork, tiles: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        counted.append((len(tiles) // 8, len(places) // 8))
        return near(network, tiles, places)

    monkeypatch.setattr(EnsembleNetwork, "member_logits_of_places", count)
    sites = (SITES[:, None] + NINE).reshape(-1, 2)
    SiteEvidence(FILTERED, DENSE, "LC", "cpu").probabilities(sites)
    assert counted == [(len(SITES), 9 * len(SITES))]
