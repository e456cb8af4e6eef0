"""Counted work, which no busy machine changes: windows asked, operations, bytes written.

A change that makes the engine do more than this has to say why, here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from probability_maps import blank_map, bump
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from napari_stem_defects.inference.predict import predict
from napari_stem_defects.networks import trunk
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.member import (
    collect_weights,
    new_member,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.postprocessing.connected_components import StripLabeller
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.regions import measure_regions
from napari_stem_defects.preprocessing.pipeline import feature_shapes
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import window_grid

CLASSES = ("Bulk", "LC", "SF1", "SF2", "Twin_Bound", "Vacancy_CdTe", "interstitial")
SPEC = EnsembleSpec(
    "counted",
    CLASSES,
    preprocessing=PreprocessingSettings(representation="fft+real"),
    architecture=Architecture(channels=(12, 24, 48, 64)),
)
WINDOWS = 32


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    torch.manual_seed(0)
    members = [[new_member(SPEC).eval()] for _ in CLASSES]
    return Ensemble(SPEC, collect_weights(members))


class Written(TorchDispatchMode):
    """Counts the bytes of all results that are no views of their inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        result = function(*args, **(kwargs or {}))
        inputs = {
            leaf.untyped_storage().data_ptr()
            for leaf in tree_leaves((args, kwargs))
            if isinstance(leaf, torch.Tensor)
        }
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                inplace = function.__name__.split(".")[0].endswith("_")
                if inplace or leaf.untyped_storage().data_ptr() not in inputs:
                    self.bytes += leaf.nbytes
        return result


def seen() -> dict[str, torch.Tensor]:
    shapes = feature_shapes(SPEC.preprocessing)
    return {name: torch.rand(WINDOWS, *shape) for name, shape in shapes.items()}


def operations_of_the_members() -> int:
    """Return two operations per weight and place, as the seven members need them."""
    total = 0
    for _, rows, columns in feature_shapes(SPEC.preprocessing).values():
        before = 1
        for channels in SPEC.architecture.channels:
            total += 2 * rows * columns * 9 * before * channels
            rows, columns, before = rows // 2, columns // 2, channels
        total += 2 * rows * columns * before * SPEC.architecture.hidden
    return len(CLASSES) * (total + 2 * SPEC.architecture.hidden)


def test_operations_are_the_members_and_a_channel_of_ones(ensemble: Ensemble) -> None:
    network = EnsembleNetwork(ensemble)
    with FlopCounterMode(display=False) as counter:
        network.member_logits(seen())
    first = sum(
        2 * rows * columns * 9 * SPEC.architecture.channels[0] * len(CLASSES)
        for _, rows, columns in feature_shapes(SPEC.preprocessing).values()
    )
    assert counter.get_total_flops() == WINDOWS * (operations_of_the_members() + first)
    assert operations_of_the_members() == pytest.approx(136e6, rel=0.02)


def test_bytes_written_do_not_grow(ensemble: Ensemble) -> None:
    network, features = EnsembleNetwork(ensemble), seen()
    with Written() as exact:
        network.member_logits(features)
    # The first convolution's result, its pooling by rows and columns and SELU are most of it.
    assert 6e6 < exact.bytes / WINDOWS < 7.1e6


def test_a_first_look_by_bulk_is_a_seventh_of_the_work(ensemble: Ensemble) -> None:
    with FlopCounterMode(display=False) as counter:
        EnsembleNetwork(ensemble, classes=[0]).member_logits(seen())
    alone = counter.get_total_flops()
    with FlopCounterMode(display=False) as counter:
        EnsembleNetwork(ensemble).member_logits(seen())
    assert 7 * alone == counter.get_total_flops()


@pytest.mark.parametrize("stride", [2, 3, 16])
def test_no_row_is_convolved_twice_in_strips(monkeypatch: pytest.MonkeyPatch, stride: int) -> None:
    spec = replace(
        SPEC,
        preprocessing=PreprocessingSettings(representation="real", contrast_px=24.0),
        architecture=Architecture(channels=(3, 4, 5), hidden=4, padded=False),
    )
    members = [[new_member(spec).eval()] for _ in CLASSES]
    network = EnsembleNetwork(Ensemble(spec, collect_weights(members)))

    def operations(values_of_a_strip: int) -> int:
        monkeypatch.setattr(trunk, "CONVOLVED_VALUES", values_of_a_strip)
        with FlopCounterMode(display=False) as counter:
            network.member_logits_dense(torch.zeros(90, 80), stride)
        return counter.get_total_flops()

    assert operations(1) == operations(10**9) > 0


def test_exact_scans_ask_about_every_window_once(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def count(network: EnsembleNetwork, features: dict[str, torch.Tensor]) -> torch.Tensor:
        asked.append(len(features["fft"]))
        return torch.zeros(asked[-1], len(CLASSES))

    monkeypatch.setattr(EnsembleNetwork, "member_logits", count)
    grid = window_grid((300, 200), 8)
    predict(np.zeros((300, 200), np.float32), ensemble, grid)
    assert sum(asked) == grid.windows
    assert len(asked) <= 2 + grid.windows // 512


def test_masks_are_labelled_once_to_be_drawn_and_once_to_be_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A straight line and two vacancies; what has to stay of a bent line is labelled again."""
    found = blank_map("Bulk", "SF1", "Vacancy_CdTe")
    found.probability[1, 12, :] = 0.9
    found.probability[2] = bump(found, 60, 50) + bump(found, 60, 135)
    labelled: list[int] = []
    add = StripLabeller.add

    def count(labeller: StripLabeller, mask: np.ndarray) -> np.ndarray:
        labelled.append(mask.size)
        return add(labeller, mask)

    monkeypatch.setattr(StripLabeller, "add", count)
    limits = {"Bulk": 0.5, "SF1": 0.5, "Vacancy_CdTe": 0.5}
    masks = masks_from_probability(found, (160, 200), limits)
    drawn = len(labelled)
    regions = measure_regions(found, masks, image="a")
    assert [each.class_name for each in regions] == ["SF1", "Vacancy_CdTe", "Vacancy_CdTe"]
    assert drawn == len(labelled) - drawn == 2
