"""Grouped convolutions compute what the feature extractors of the members compute."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from napari_stem_defects.networks import trunk
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.member import FeatureExtractor
from napari_stem_defects.networks.trunk import GroupedTrunk


def extractors(count: int, *, padded: bool) -> list[FeatureExtractor]:
    """Return feature extractors with batch normalisation unlike the identity."""
    torch.manual_seed(0)
    sizes = Architecture(channels=(3, 4, 5), hidden=6, padded=padded)
    made = [FeatureExtractor(1, sizes) for _ in range(count)]
    with torch.no_grad():
        for extractor in made:
            for _ in range(3):
                extractor(0.5 + torch.randn(4, 1, 40, 40))
    return [extractor.eval() for extractor in made]


def expected_maps(members: list[FeatureExtractor], windows: torch.Tensor) -> torch.Tensor:
    return torch.cat([member(windows) for member in members], 1).permute(0, 2, 3, 1)


@torch.inference_mode()
@pytest.mark.parametrize("padded", [True, False])
@pytest.mark.parametrize("values", [1, 10**9])
def test_maps_of_windows_are_those_of_the_members(
    monkeypatch: pytest.MonkeyPatch, *, padded: bool, values: int
) -> None:
    monkeypatch.setattr(trunk, "CONVOLVED_VALUES", values)
    members, windows = extractors(2, padded=padded), torch.randn(3, 1, 37, 32)
    merged = GroupedTrunk(members, torch.float32, padded)
    assert (merged.width, merged.channels) == (6, 5)
    torch.testing.assert_close(
        merged(windows), expected_maps(members, windows), atol=1e-4, rtol=1e-4
    )


@torch.inference_mode()
@pytest.mark.parametrize("stride", [1, 3, 4, 6, 8])
@pytest.mark.parametrize("rows_at_once", [1, 5, 16, 100])
def test_dense_maps_hold_the_maps_of_every_window(
    monkeypatch: pytest.MonkeyPatch, stride: int, rows_at_once: int
) -> None:
    monkeypatch.setattr(trunk, "ROWS_AT_ONCE", rows_at_once)
    monkeypatch.setattr(trunk, "PIXELS_AT_ONCE", 0)
    members, image = extractors(2, padded=False), torch.randn(60, 70)
    merged = GroupedTrunk(members, torch.float32, padded=False)
    parts, step, spacing = merged.dense_maps(image[None, None], stride)
    maps = torch.cat(list(parts), 1)
    for row, column in ((0, 0), (1, 2), (2, 1)):
        top, left = row * stride, column * stride
        window = image[None, None, top : top + 32, left : left + 32]
        wanted = expected_maps(members, window)
        rows = slice(row * step, row * step + wanted.shape[1] * spacing, spacing)
        columns = slice(column * step, column * step + wanted.shape[2] * spacing, spacing)
        torch.testing.assert_close(maps[:, rows, columns], wanted, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("edge", [32, 31])
@pytest.mark.parametrize("values", [1, 10**9])
def test_maps_of_places_are_those_of_their_windows(
    monkeypatch: pytest.MonkeyPatch, edge: int, values: int
) -> None:
    monkeypatch.setattr(trunk, "CONVOLVED_VALUES", values)
    members, images = extractors(2, padded=False), torch.randn(3, 1, edge + 7, edge + 5)
    merged = GroupedTrunk(members, torch.float32, padded=False)
    places = torch.tensor([(0, 0, 0), (0, 7, 5), (1, 3, 2), (2, 4, 1), (2, 4, 2)])
    windows = torch.cat(
        [images[n : n + 1, :, y : y + edge, x : x + edge] for n, y, x in places.tolist()]
    )
    found = merged.maps_of_places(images, places, edge)
    torch.testing.assert_close(found, expected_maps(members, windows), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_the_first_block_stays_in_float32() -> None:
    members, windows = extractors(2, padded=True), torch.randn(3, 1, 32, 32)
    halved = GroupedTrunk(members, torch.bfloat16)(windows)
    assert halved.dtype == torch.bfloat16
    wanted = expected_maps(members, windows)
    assert 0 < (halved.float() - wanted).abs().max() < 0.1 * wanted.abs().max()


@torch.inference_mode()
def test_windows_reach_the_first_block_with_channels_last_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Other strides of one channel take a convolution three times as long."""
    strides = []
    convolve = GroupedTrunk._convolve

    def observed(self: GroupedTrunk, block: int, maps: Tensor, spacing: int = 1) -> Tensor:
        strides.append(maps.stride())
        return convolve(self, block, maps, spacing)

    monkeypatch.setattr(GroupedTrunk, "_convolve", observed)
    members, images = extractors(2, padded=False), torch.randn(3, 1, 38, 36)
    merged = GroupedTrunk(members, torch.float32, padded=False)
    merged.maps_of_places(images, torch.tensor([(0, 0, 0), (2, 4, 1)]), 32)
    merged(images)
    assert len(strides) >= 2 * 3
    assert all(each[-1] == 1 for each in strides)
