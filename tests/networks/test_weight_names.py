"""Names of weights in model files."""

from __future__ import annotations

import pytest

from napari_stem_defects.networks.weight_names import (
    is_output_layer,
    select_member_weights,
    weight_name,
)


def test_names_hold_class_seed_and_parameter() -> None:
    assert weight_name(2, 0, "branches.fft.1.weight") == "2.0.branches.fft.1.weight"


def test_the_weights_of_one_member_are_selected() -> None:
    weights = {"1.0.a": 1, "1.0.b": 2, "1.1.a": 3, "11.0.a": 4, "0.1.0.a": 5}
    assert select_member_weights(weights, 1, 0) == {"a": 1, "b": 2}
    assert select_member_weights(weights, 7, 0) == {}


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("head.4.weight", True),
        ("head.4.bias", True),
        ("head.1.weight", False),
        ("head.40.x", 0),
    ],
)
def test_the_output_layer_is_recognised(parameter: str, expected: bool) -> None:
    assert is_output_layer(parameter) == expected
