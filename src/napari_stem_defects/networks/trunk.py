"""Convolution blocks of all members of an ensemble, merged into grouped convolutions.

Equal layers of all members form one grouped convolution with batch normalisation folded into its
weights. `GroupedTrunk.__call__` computes the feature maps of separate windows. Where convolutions
are not padded, `GroupedTrunk.dense_maps` computes those of a whole image (dense, fully
convolutional inference): overlapping windows share them. Both agree to within rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_stem_defects.networks.member import FeatureExtractor

# Values per thread that a convolution computes before pooling (2.8 MB), so that they stay in the
# cache: measured, the first block of 2 windows of seven members.
CONVOLVED_VALUES = 700_000
# Least rows and pixels of an image that pass through all blocks together: with fewer, strips get
# too thin, and small images fit the cache as a whole.
ROWS_AT_ONCE, PIXELS_AT_ONCE = 32, 2**15


class DenseMaps(NamedTuple):
    """Feature maps of all windows of images.

    Attributes
    ----------
    parts : iterator of Tensor, shape (N, rows, W, members x channels)
        From top to bottom.
    step : int
        Step between windows in values of the maps.
    spacing : int
        Distance between neighbouring values of one window (dilation).
    """

    parts: Iterator[Tensor]
    step: int
    spacing: int


class GroupedTrunk:
    """Feature extractors of all members for one part of the representation.

    Where convolutions are padded, the first block receives a second channel of ones. It makes
    the shift of the members' input normalisation end at the border of the image, exactly as with
    zero padding.

    Parameters
    ----------
    extractors : sequence of FeatureExtractor
        One of each member.
    dtype : torch.dtype
        Precision of the blocks after the first.
    padded : bool
        Whether convolutions are zero-padded.

    Attributes
    ----------
    width : int
        Feature maps of all members after the first block.
    channels : int
        Feature maps of one member after the last block.
    """

    def __init__(
        self, extractors: Sequence[FeatureExtractor], dtype: torch.dtype, padded: bool = True
    ) -> None:
        self._depth = len(extractors[0].blocks)
        self._groups = len(extractors)
        self._dtype = dtype
        self._padded = padded
        self._weights, self._biases = [], []
        for block in range(self._depth):
            folded = [_fold_batch_norm(each, block, padded) for each in extractors]
            precision = torch.float32 if block == 0 else dtype
            weight = torch.cat([weight for weight, _ in folded]).to(precision)
            self._weights.append(weight.contiguous(memory_format=torch.channels_last))
            self._biases.append(torch.cat([bias for _, bias in folded]).to(precision))
        self.width = len(self._biases[0])
        self.channels = len(self._biases[-1]) // self._groups

    def to(self, device: torch.device) -> GroupedTrunk:
        """Move the weights to a device."""
        self._weights = [weight.to(device) for weight in self._weights]
        self._biases = [bias.to(device) for bias in self._biases]
        return self

    def __call__(self, features: Tensor) -> Tensor:
        """Return the feature maps of windows after the last block.

        Parameters
        ----------
        features : Tensor of float32, shape (N, 1, rows, columns)

        Returns
        -------
        Tensor, shape (N, H, W, members x channels)
        """
        return self._later_blocks(self._first_block(self._append_ones(features)))

    def maps_of_places(self, images: Tensor, places: Tensor, edge: int) -> Tensor:
        """Return the feature maps of some windows of images, which share the first block.

        Its values depend on their surroundings alone, so they are computed once for each pixel;
        every window takes those at its own even places. Without zero padding.

        Parameters
        ----------
        images : Tensor of float32, shape (N, 1, Y, X)
        places : Tensor of int64, shape (M, 3)
            Image, first row and first column of each window.
        edge : int
            Edge of the windows in px.

        Returns
        -------
        Tensor, shape (M, H, W, members x channels)
        """
        shared = self.block_in_strips(0, images.permute(0, 2, 3, 1), 1, halved=False)
        count, rows, columns, channels = shared.shape
        left = (edge - 2) // 2
        last = 2 * left - 1
        image, row, column, channel = shared.stride()
        windows = shared.as_strided(
            (count, rows - last + 1, columns - last + 1, left, left, channels),
            (image, row, column, 2 * row, 2 * column, channel),
        )
        return self._later_blocks(windows[tuple(places.T)])

    def _later_blocks(self, maps: Tensor) -> Tensor:
        """Apply all blocks but the first to the maps (N, H, W, C) of windows."""
        for block in range(1, self._depth):
            maps = nn.functional.selu_(_max_pool(self._convolve(block, maps)))
        return maps

    def dense_maps(self, images: Tensor, stride_px: int) -> DenseMaps:
        """Return the feature maps, after the last block, of all windows of images of one size.

        As long as the step between windows is even, a block halves the image as it halves a
        window. From then on pooling keeps every position, and the next block is dilated by a
        factor of two (Giusti et al., 2013, "Fast image scanning with deep max-pooling
        convolutional neural networks"). On a CPU, some rows of a large image pass through all
        blocks before the next ones, so that what a block gives the next one stays in the cache.

        Parameters
        ----------
        images : Tensor of float32, shape (N, 1, Y, X)
        stride_px : int
            Step between windows in px.

        Returns
        -------
        DenseMaps
        """
        maps, step, spacing = self._append_ones(images).permute(0, 2, 3, 1), stride_px, 1
        blocks = []
        for block in range(self._depth):
            halved = step % 2 == 0
            blocks.append(_RowsOfBlock(self, block, spacing, halved))
            if halved:
                step //= 2
            else:
                spacing *= 2
        return DenseMaps(self._pass_rows(maps, blocks), step, spacing)

    @staticmethod
    def _pass_rows(maps: Tensor, blocks: Sequence[_RowsOfBlock]) -> Iterator[Tensor]:
        """Yield what the rows of images complete after the last block, from top to bottom."""
        height, width = maps.shape[1:3]
        at_once = max(ROWS_AT_ONCE, PIXELS_AT_ONCE // width)
        in_parts = maps.device.type == "cpu" and len(maps) == 1 and height > 2 * at_once
        for rows in torch.split(maps, at_once if in_parts else height, dim=1):
            part: Tensor | None = rows
            for each in blocks:
                part = None if part is None else each.add(part)
            if part is not None:
                yield part

    def _append_ones(self, images: Tensor) -> Tensor:
        if not self._padded:
            return images
        return torch.stack([images[:, 0], torch.ones_like(images[:, 0])], 1)

    def _convolve(self, block: int, maps: Tensor, spacing: int = 1) -> Tensor:
        """Convolve (N, H, W, C); the result is (N, C, H, W), channels last in memory."""
        return nn.functional.conv2d(
            maps.permute(0, 3, 1, 2),
            self._weights[block],
            self._biases[block],
            padding=int(self._padded),
            dilation=spacing,
            groups=1 if block == 0 else self._groups,
        )

    def _first_block(self, images: Tensor) -> Tensor:
        """Apply the first block to images (N, C, rows, columns), few of them at a time.

        Before pooling its values are by far the most of the network and exceed a CPU's cache.
        """
        maps = images.permute(0, 2, 3, 1).contiguous()
        step = _chunk_length(maps, maps[0, ..., 0].numel() * self.width)
        parts = []
        for at in range(0, len(maps), step):
            part = self._convolve(0, maps[at : at + step])
            parts.append(nn.functional.selu_(_max_pool(part)).to(self._dtype))
        return torch.cat(parts)

    def block_in_strips(self, block: int, maps: Tensor, spacing: int, halved: bool) -> Tensor:
        """Apply a block to images (N, H, W, C), some rows at a time."""
        channels = len(maps) * len(self._biases[block])
        rows = maps.shape[1] - 2 * spacing
        rows = rows // 2 if halved else rows - spacing
        step = _chunk_length(maps, maps.shape[2] * channels * (1 + halved))
        parts = []
        for first in range(0, rows, step):
            last = min(first + step, rows)
            if halved:
                strip = maps[:, 2 * first : 2 * last + 2]
                part = _max_pool(self._convolve(block, strip))
            else:
                strip = maps[:, first : last + 3 * spacing]
                part = _dense_max_pool(self._convolve(block, strip, spacing), spacing)
            parts.append(nn.functional.selu_(part).to(self._dtype))
        return torch.cat(parts, 1)


class _RowsOfBlock:
    """A block of which the rows of images (N, H, W, C) come one part after another."""

    def __init__(self, trunk: GroupedTrunk, block: int, spacing: int, halved: bool) -> None:
        self._trunk, self._block = trunk, block
        self._spacing, self._halved = spacing, halved
        self._left: Tensor | None = None

    def add(self, rows: Tensor) -> Tensor | None:
        """Return what the next rows complete; None where they are too few."""
        if self._left is not None:
            rows = torch.cat([self._left, rows], 1)
        spacing, step = self._spacing, 1 + self._halved
        reach = 2 if self._halved else 3 * spacing  # rows below the first one of a value
        count = (rows.shape[1] - reach) // step
        self._left = rows[:, max(0, count) * step :]
        if count <= 0:
            return None
        used = rows[:, : count * step + reach]
        return self._trunk.block_in_strips(self._block, used, spacing, self._halved)


def _chunk_length(maps: Tensor, values: int) -> int:
    """Return how many chunks of ``values`` convolved values each to compute together."""
    if maps.device.type != "cpu":
        return 1 << 30
    return max(1, CONVOLVED_VALUES * torch.get_num_threads() // values)


def _fold_batch_norm(
    extractor: FeatureExtractor, block: int, padded: bool
) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a block's convolution with batch normalisation folded in."""
    convolution, norm = extractor.blocks[block]
    gain, shift = _gain_and_shift(norm)
    weight = convolution.weight * gain[:, None, None, None]
    if block == 0:
        input_gain, input_shift = _gain_and_shift(extractor.input_norm)
        constant = (weight * input_shift[:, None, None]).sum(1, keepdim=True)
        weight = weight * input_gain[:, None, None]
        if padded:
            weight = torch.cat([weight, constant], 1)
        else:
            shift = shift + constant.sum((1, 2, 3))
    return weight, shift


def _gain_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """Return the factor and the offset per channel that a trained batch normalisation applies."""
    # Members always keep running statistics; torch's types allow None.
    mean, variance = cast("Tensor", norm.running_mean), cast("Tensor", norm.running_var)
    gain = norm.weight / torch.sqrt(variance + norm.eps)
    return gain, norm.bias - mean * gain


def _max_pool(images: Tensor) -> Tensor:
    """Return the 2x2 maximum (N, H // 2, W // 2, C) of channels-last images (N, C, H, W).

    Two comparisons of halves: torch's own pooling also records the positions of the maxima, which
    takes two to eight times as long.
    """
    height, width = images.shape[2] // 2 * 2, images.shape[3] // 2 * 2
    last = images.permute(0, 2, 3, 1)[:, :height, :width]
    rows = torch.maximum(last[:, 0::2], last[:, 1::2])
    return torch.maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def _dense_max_pool(images: Tensor, spacing: int) -> Tensor:
    """Return the 2x2 maximum at a spacing (dilated pooling, stride 1), (N, H - s, W - s, C)."""
    last = images.permute(0, 2, 3, 1)
    rows = torch.maximum(last[:, :-spacing], last[:, spacing:])
    return torch.maximum(rows[:, :, :-spacing], rows[:, :, spacing:])
