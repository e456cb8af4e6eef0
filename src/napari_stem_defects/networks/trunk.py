"""The convolution blocks of all members of an ensemble, merged for answering.

Equal layers of all members are one convolution in groups, and batch norms are part of the
weights. Two ways lead through them: window by window (`GroupedTrunk.__call__`) and, where no
convolution is padded, over a whole image at once (`GroupedTrunk.everywhere`), where windows that overlap
share what they have in common. Both give the same numbers to within rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

# Values per thread that a convolution makes at a time (2.8 MB), so that pooling finds them in the
# cache: measured, the first block of 2 windows of seven members.
CONVOLVED_VALUES = 700_000


class GroupedTrunk:
    """One branch of all members: features in, what the last block gives out.

    Where convolutions are padded, the first block sees a second channel of ones. Through it the
    shift of the members' first batch norm ends at the border of the image exactly as behind a
    zero padding.

    Parameters
    ----------
    members : sequence of sequence of torch.nn.Module
        The layers of this branch, of each member.
    dtype : torch.dtype
        What the blocks after the first compute in.
    padded : bool
        Whether convolutions see zeros around their maps.

    Attributes
    ----------
    width : int
        Maps of all members after the first block.
    channels : int
        Maps of one member after the last block.
    """

    def __init__(
        self, members: Sequence[Sequence[Any]], dtype: torch.dtype, padded: bool = True
    ) -> None:
        self.depth = (len(members[0]) - 1) // 4
        self._groups = len(members)
        self._dtype = dtype
        self._padded = padded
        self._weights, self._biases = [], []
        for block in range(self.depth):
            folded = [_folded(layers, block, padded) for layers in members]
            kind = torch.float32 if block == 0 else dtype
            weight = torch.cat([weight for weight, _ in folded]).to(kind)
            self._weights.append(weight.contiguous(memory_format=torch.channels_last))
            self._biases.append(torch.cat([bias for _, bias in folded]).to(kind))
        self.width = len(self._biases[0])
        self.channels = len(self._biases[-1]) // self._groups

    def to(self, device: torch.device) -> GroupedTrunk:
        """Move the weights to a device."""
        self._weights = [weight.to(device) for weight in self._weights]
        self._biases = [bias.to(device) for bias in self._biases]
        return self

    def __call__(self, features: Tensor) -> Tensor:
        """Return (N, H, W, members x channels) of features (N, 1, rows, columns)."""
        seen = self._first(self._with_ones(features))
        for block in range(1, self.depth):
            seen = nn.functional.selu_(_pooled(self._convolved(block, seen)))
        return seen

    def everywhere(self, image: Tensor, step: int) -> tuple[Tensor, int, int]:
        """Return the last block's values of windows at every multiple of ``step``.

        While the windows' step is even, a block halves the image as it halves a window. From
        there on pooling keeps every place, and the next block reaches twice as far (Giusti et
        al., 2013, "Fast image scanning with deep max-pooling convolutional neural networks").

        Parameters
        ----------
        image : Tensor of float32, shape (1, 1, Y, X)
        step : int
            Px from window to window.

        Returns
        -------
        Tensor, shape (1, H, W, members x channels)
        int
            Values from window to window.
        int
            Values from one value of a window to its next.
        """
        seen, spacing = self._with_ones(image).permute(0, 2, 3, 1), 1
        for block in range(self.depth):
            halved = step % 2 == 0
            seen = self._in_strips(block, seen, spacing, halved)
            if halved:
                step //= 2
            else:
                spacing *= 2
        return seen, step, spacing

    def _with_ones(self, images: Tensor) -> Tensor:
        if not self._padded:
            return images
        return torch.stack([images[:, 0], torch.ones_like(images[:, 0])], 1)

    def _convolved(self, block: int, seen: Tensor, spacing: int = 1) -> Tensor:
        """Convolve (N, H, W, C); the result is (N, C, H, W), channels last in memory."""
        return nn.functional.conv2d(
            seen.permute(0, 3, 1, 2),
            self._weights[block],
            self._biases[block],
            padding=int(self._padded),
            dilation=spacing,
            groups=1 if block == 0 else self._groups,
        )

    def _first(self, seen: Tensor) -> Tensor:
        """Return the first block of images (N, C, rows, columns), few of them at a time.

        Before pooling its values are the largest of the network by far, and leave a CPU's cache.
        """
        seen = seen.permute(0, 2, 3, 1).contiguous()
        step = _at_a_time(seen, seen[0, ..., 0].numel() * self.width)
        parts = []
        for at in range(0, len(seen), step):
            part = self._convolved(0, seen[at : at + step])
            parts.append(nn.functional.selu_(_pooled(part)).to(self._dtype))
        return torch.cat(parts)

    def _in_strips(self, block: int, seen: Tensor, spacing: int, halved: bool) -> Tensor:
        """Return a block of one image (1, H, W, C), some rows at a time."""
        maps = len(self._biases[block])
        rows = seen.shape[1] - 2 * spacing
        rows = rows // 2 if halved else rows - spacing
        step = _at_a_time(seen, seen.shape[2] * maps * (1 + halved))
        parts = []
        for first in range(0, rows, step):
            last = min(first + step, rows)
            if halved:
                strip = seen[:, 2 * first : 2 * last + 2]
                part = _pooled(self._convolved(block, strip))
            else:
                strip = seen[:, first : last + 3 * spacing]
                part = _pooled_in_place(self._convolved(block, strip, spacing), spacing)
            parts.append(nn.functional.selu_(part).to(self._dtype))
        return torch.cat(parts, 1)


def _at_a_time(seen: Tensor, values: int) -> int:
    """Return how many pieces, of so many values after convolution, to convolve together."""
    if seen.device.type != "cpu":
        return 1 << 30
    return max(1, CONVOLVED_VALUES * torch.get_num_threads() // values)


def _folded(layers: Sequence[Any], block: int, padded: bool) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a block's convolution with the batch norms put into them."""
    convolution, norm = layers[1 + 4 * block], layers[2 + 4 * block]
    gain, shift = _gain(norm)
    weight = convolution.weight * gain[:, None, None, None]
    if block == 0:
        before, ones = _gain(layers[0])
        constant = (weight * ones[:, None, None]).sum(1, keepdim=True)
        weight = weight * before[:, None, None]
        if padded:
            weight = torch.cat([weight, constant], 1)
        else:
            shift = shift + constant.sum((1, 2, 3))
    return weight, shift


def _gain(norm: Any) -> tuple[Tensor, Tensor]:
    """Return the factor and the summand per channel that a trained batch norm comes to."""
    gain: Tensor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    return gain, norm.bias - norm.running_mean * gain


def _pooled(images: Tensor) -> Tensor:
    """Return the 2x2 maximum (N, H // 2, W // 2, C) of channels-last images (N, C, H, W).

    Two comparisons of halves: torch's own pooling records where the maxima were, which takes
    two to eight times as long.
    """
    height, width = images.shape[2] // 2 * 2, images.shape[3] // 2 * 2
    last = images.permute(0, 2, 3, 1)[:, :height, :width]
    rows = torch.maximum(last[:, 0::2], last[:, 1::2])
    return torch.maximum(rows[:, :, 0::2], rows[:, :, 1::2])


def _pooled_in_place(images: Tensor, spacing: int) -> Tensor:
    """Return the maximum of each value and its neighbours at a spacing, (N, H - s, W - s, C)."""
    last = images.permute(0, 2, 3, 1)
    rows = torch.maximum(last[:, :-spacing], last[:, spacing:])
    return torch.maximum(rows[:, :, :-spacing], rows[:, :, spacing:])
