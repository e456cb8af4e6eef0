"""Members: architecture, initialisation and the names of their weights."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from napari_stem_defects.errors import ModelError
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.member import (
    FeatureExtractor,
    collect_weights,
    head_inputs,
    map_shape,
    move_to_device,
    new_member,
    weight_shapes,
)
from napari_stem_defects.networks.spec import EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import feature_shapes
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

SMALL = Architecture(channels=(4, 8), hidden=8)
SPEC = EnsembleSpec(
    "small",
    ("Bulk", "SF1", "LC"),
    seeds=(0, 1),
    preprocessing=PreprocessingSettings(representation="fft+real"),
    architecture=SMALL,
)


def test_weights_have_the_names_and_shapes_a_file_must_hold() -> None:
    found = {
        name: array.shape
        for name, array in collect_weights(
            [[new_member(SPEC) for _ in SPEC.seeds] for _ in SPEC.classes]
        ).items()
    }
    assert found == weight_shapes(SPEC)
    assert len({name.split(".")[0] for name in found}) == 3
    assert len({name.split(".")[1] for name in found}) == 2


def test_initial_weights_are_he_normal() -> None:
    torch.manual_seed(0)
    spec = replace(SPEC, architecture=Architecture(channels=(32, 64), hidden=64))
    state = new_member(spec).state_dict()
    for name in ("branches.fft.5.weight", "head.1.weight"):
        weight = state[name].numpy()
        fan_in = weight[0].size
        assert weight.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.05)
    assert not state["head.1.bias"].any()


def test_each_part_of_the_representation_has_a_feature_extractor() -> None:
    for representation in ("fft", "real", "fft+real"):
        settings = PreprocessingSettings(representation=representation)
        names = weight_shapes(replace(SPEC, preprocessing=settings))
        branches = {name.split(".")[3] for name in names if ".branches." in name}
        assert branches == set(feature_shapes(settings))


def test_too_many_poolings_are_rejected() -> None:
    spec = replace(SPEC, architecture=Architecture(channels=(4,) * 6))
    with pytest.raises(ModelError, match="leave nothing"):
        weight_shapes(spec)


def test_sizes_shrink_by_halves() -> None:
    shapes = weight_shapes(replace(SPEC, preprocessing=PreprocessingSettings()))
    widths = [shapes[f"0.0.branches.fft.{1 + 4 * block}.weight"] for block in range(2)]
    assert all(after[1] == before[0] for before, after in pairwise(widths))
    assert shapes["0.0.head.1.weight"] == (8, 8 * 12 * 6)


def test_layers_have_names_for_code_and_positions_in_files() -> None:
    member = new_member(SPEC)
    state = member.state_dict()
    extractor = member.feature_extractor("fft")
    assert extractor.input_norm.weight is member.branches["fft"][0].weight
    assert len(extractor.blocks) == len(SMALL.channels)
    for number, (convolution, norm) in enumerate(extractor.blocks):
        stored = state[f"branches.fft.{1 + 4 * number}.weight"]
        assert stored.data_ptr() == convolution.weight.data_ptr()
        stored = state[f"branches.fft.{2 + 4 * number}.running_mean"]
        assert stored.data_ptr() == norm.running_mean.data_ptr()
    assert state["head.1.weight"].data_ptr() == member.head.hidden_layer.weight.data_ptr()
    assert state["head.4.bias"].data_ptr() == member.head.output_layer.bias.data_ptr()


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("maxima", [False, True])
def test_logits_have_one_column_per_output(*, outputs: int, maxima: bool) -> None:
    spec = replace(SPEC, architecture=replace(SMALL, maxima=maxima))
    member = move_to_device(new_member(spec, outputs), torch.device("cpu")).eval()
    shapes = feature_shapes(spec.preprocessing)
    features = {name: torch.zeros(2, *shape) for name, shape in shapes.items()}
    assert member(features).shape == (2, outputs)
    inputs = sum(head_inputs(shape, spec.architecture) for shape in shapes.values())
    assert member.head.hidden_layer.in_features == inputs


@pytest.mark.parametrize(("padded", "shape"), [(True, (16, 8)), (False, (14, 6))])
def test_map_shape_is_that_of_the_feature_maps(padded: bool, shape: tuple[int, int]) -> None:
    sizes = replace(SMALL, padded=padded)
    assert map_shape((1, 64, 32), sizes) == shape
    assert FeatureExtractor(1, sizes)(torch.zeros(1, 1, 64, 32)).shape[2:] == shape
