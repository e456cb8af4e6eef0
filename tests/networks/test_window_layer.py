"""Tests of the layer that windows of an image share."""

from __future__ import annotations

import pytest
import torch

from napari_stem_defects.networks.window_layer import WindowLayer

MEMBERS, CHANNELS, HIDDEN = 3, 4, 5
BIAS = torch.randn(MEMBERS, 1, HIDDEN)


def window_by_window(
    maps: torch.Tensor, weights: torch.Tensor, edge: int, step: int, spacing: int
) -> torch.Tensor:
    """Return what the layer gives for each window by itself, (members, N, gy, gx, hidden)."""
    reach = (edge - 1) * spacing
    tops, lefts = (range(0, length - reach, step) for length in maps.shape[1:3])
    found = torch.empty(MEMBERS, len(maps), len(tops), len(lefts), HIDDEN)
    for row, y in enumerate(tops):
        for column, x in enumerate(lefts):
            window = maps[:, y : y + reach + 1 : spacing, x : x + reach + 1 : spacing]
            places = window.flatten(1, 2).unflatten(-1, (MEMBERS, CHANNELS)).permute(2, 0, 1, 3)
            inputs = torch.cat([places.flatten(2), places.amax(2)], -1)[..., : weights.shape[1]]
            found[:, :, row, column] = inputs @ weights + BIAS
    return found


@pytest.mark.parametrize("with_maxima", [False, True])
@pytest.mark.parametrize(
    ("edge", "step", "spacing"), [(2, 1, 1), (2, 1, 4), (2, 3, 1), (2, 5, 16), (1, 2, 1), (3, 2, 1)]
)
def test_windows_share_what_each_would_compute(
    edge: int, step: int, spacing: int, *, with_maxima: bool
) -> None:
    maps = torch.randn(2, 23, 19, MEMBERS * CHANNELS)
    weights = torch.randn(MEMBERS, (edge**2 + with_maxima) * CHANNELS, HIDDEN)
    layer = WindowLayer(weights, BIAS, CHANNELS, edge, step, spacing)
    wanted = window_by_window(maps, weights, edge, step, spacing)
    torch.testing.assert_close(layer(maps), wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("height", [17, 18, 19, 20])
@pytest.mark.parametrize(("step", "spacing"), [(1, 1), (1, 4), (2, 1), (5, 1), (5, 3)])
@pytest.mark.parametrize("at_once", [1, 3, 20])
def test_maps_may_come_in_parts(height: int, step: int, spacing: int, at_once: int) -> None:
    maps = torch.randn(1, height, 9, MEMBERS * CHANNELS)
    weights = torch.randn(MEMBERS, 4 * CHANNELS, HIDDEN)
    layer = WindowLayer(weights, BIAS, CHANNELS, 2, step, spacing)
    parts = torch.split(maps, at_once, dim=1)
    found = [layer(rows) for rows in layer.rows_of_windows(parts, 2)]
    assert all(each.shape[2] <= 2 for each in found)
    torch.testing.assert_close(torch.cat(found, 2), layer(maps), atol=1e-4, rtol=1e-4)
