"""Convolution blocks of all members of an ensemble, merged into grouped convolutions.

Equal layers of all members form one grouped convolution with batch normalisation folded into its
weights. `GroupedTrunk.__call__` computes the feature maps of separate windows. Where convolutions
are not padded, `GroupedTrunk.dense_maps` computes those of a whole image (dense, fully
convolutional inference): overlapping windows share them. Both agree to within rounding.
"""

from __future__ import annotations

from itertools import zip_longest
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
        shared = self.block_in_strips(0, _channels_last(images), 1, halved=False)
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
            left = blocks[0].left
            part: Tensor | None = rows if left is None else torch.cat([left, rows], 1)
            for each, following in zip_longest(blocks, blocks[1:]):
                if part is not None:
                    part = each.next_rows(part, None if following is None else following.left)
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
        maps = _channels_last(images)
        step = _chunk_length(maps, maps[0, ..., 0].numel() * self.width)
        parts = []
        for at in range(0, len(maps), step):
            part = self._convolve(0, maps[at : at + step])
            parts.append(nn.functional.selu_(_max_pool(part)).to(self._dtype))
        return torch.cat(parts)

    def block_in_strips(
        self,
        block: int,
        maps: Tensor,
        spacing: int,
        *,
        halved: bool,
        above: Tensor | None = None,
    ) -> Tensor:
        """Apply a block to images (N, H, W, C), some rows at a time.

        Rows ``above`` come first in the result, which is written in one piece.
        """
        reach = 2 if halved else 3 * spacing
        rows, columns = ((edge - reach) // (1 + halved) for edge in maps.shape[1:3])
        skipped = 0 if above is None else above.shape[1]
        shape = (len(maps), skipped + rows, columns, len(self._biases[block]))
        result = maps.new_empty(shape, dtype=self._dtype)
        if above is not None:
            result[:, :skipped] = above
        pairs = self._halved_strips if halved else self._dense_strips
        first = skipped
        for one, other in pairs(block, maps, spacing):
            part = result[:, first : first + one.shape[1]]
            if self._dtype == one.dtype:
                nn.functional.selu_(torch.maximum(one, other, out=part))
            else:
                part.copy_(nn.functional.selu_(torch.maximum(one, other)))
            first += one.shape[1]
        return result

    def _halved_strips(
        self, block: int, maps: Tensor, spacing: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what the values of a halved image are the maxima of, strip by strip."""
        rows = (maps.shape[1] - 2 * spacing) // 2
        step = self._rows_of_strip(block, maps, 2)
        for first in range(0, rows, step):
            last = min(first + step, rows)
            yield _halves(self._convolve(block, maps[:, 2 * first : 2 * last + 2]))

    def _dense_strips(
        self, block: int, maps: Tensor, spacing: int
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield what the values of an image that keeps its size are the maxima of.

        A maximum needs a row of another strip as well, which is kept until then.
        """
        rows, kept = maps.shape[1] - 2 * spacing, None
        step = max(spacing, self._rows_of_strip(block, maps, 1))
        for first in range(0, rows, step):
            strip = maps[:, first : min(first + step, rows) + 2 * spacing]
            convolved = self._convolve(block, strip, spacing).permute(0, 2, 3, 1)
            across = torch.maximum(convolved[:, :, :-spacing], convolved[:, :, spacing:])
            if kept is not None:
                across = torch.cat([kept, across], 1)
            kept = across[:, -spacing:]
            if across.shape[1] > spacing:
                yield across[:, :-spacing], across[:, spacing:]

    def _rows_of_strip(self, block: int, maps: Tensor, rows: int) -> int:
        """Return how many times some rows of maps (N, H, W, C) are convolved together."""
        return _chunk_length(maps, rows * len(maps) * maps.shape[2] * len(self._biases[block]))


class _RowsOfBlock:
    """A block of which the rows of images (N, H, W, C) come one part after another."""

    def __init__(self, trunk: GroupedTrunk, block: int, spacing: int, halved: bool) -> None:
        self._trunk, self._block = trunk, block
        self._spacing, self._halved = spacing, halved
        self.left: Tensor | None = None
        """The last rows, which the next part begins with."""

    def next_rows(self, rows: Tensor, above: Tensor | None) -> Tensor | None:
        """Return what rows that begin with those left complete, below rows ``above`` of it.

        None where they are too few.
        """
        spacing, step = self._spacing, 1 + self._halved
        reach = 2 if self._halved else 3 * spacing  # rows below the first one of a value
        count = (rows.shape[1] - reach) // step
        self.left = rows[:, max(0, count) * step :]
        if count <= 0:
            return None
        used = rows[:, : count * step + reach]
        return self._trunk.block_in_strips(
            self._block, used, spacing, halved=self._halved, above=above
        )


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


def _channels_last(images: Tensor) -> Tensor:
    """Return images (N, C, H, W) as (N, H, W, C), in memory as well.

    Strides of a single channel leave the order open; of several images, torch convolves those of
    channels last in a third of the time.
    """
    if images.shape[1] == 1 and len(images) > 1:
        return images[:, 0].contiguous()[..., None]
    return images.permute(0, 2, 3, 1).contiguous()


def _max_pool(images: Tensor) -> Tensor:
    """Return the 2x2 maximum (N, H // 2, W // 2, C) of channels-last images (N, C, H, W)."""
    return torch.maximum(*_halves(images))


def _halves(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return what the 2x2 maxima of channels-last images are the maxima of, (N, H/2, W/2, C) each.

    Two comparisons of halves: torch's own pooling also records the positions of the maxima, which
    takes two to eight times as long.
    """
    height, width = images.shape[2] // 2 * 2, images.shape[3] // 2 * 2
    last = images.permute(0, 2, 3, 1)[:, :height, :width]
    rows = torch.maximum(last[:, 0::2], last[:, 1::2])
    return rows[:, :, 0::2], rows[:, :, 1::2]
