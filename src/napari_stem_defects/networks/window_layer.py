"""First fully connected layer of all windows of an image, from feature maps that they share.

A window is a few values of the maps, and each value belongs to as many windows. On a CPU, the
values of some windows are multiplied place by place and member by member, so that copies and sums
stay in the cache.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch import Tensor


class WindowLayer:
    """The layer of all members, for the windows of images.

    Parameters
    ----------
    weights : Tensor, shape (members, inputs, hidden)
        Inputs are ordered by place in the window, row by row, then by channel; where there are
        more of them, the last ones are the largest value of each channel in the window.
    bias : Tensor of float32, shape (members, 1, hidden)
    channels : int
        Feature maps of one member.
    edge : int
        Values of a window along each axis.
    step : int
        Step between windows in values of the maps.
    spacing : int
        Distance between neighbouring values of one window.
    """

    def __init__(
        self, weights: Tensor, bias: Tensor, channels: int, edge: int, step: int, spacing: int
    ) -> None:
        self._bias = bias
        self._members = len(weights)
        self._channels, self._edge, self._step, self._spacing = channels, edge, step, spacing
        self._reach = (edge - 1) * spacing
        by_place = torch.split(weights, channels, 1)
        self._maxima = by_place[edge**2] if len(by_place) > edge**2 else None
        places = product(range(edge), range(edge))
        self._weights = dict(zip(places, by_place, strict=False))

    def rows_of_windows(self, parts: Iterable[Tensor], most: int) -> Iterator[Tensor]:
        """Yield maps of whole rows of windows, from maps that come part after part.

        Parameters
        ----------
        parts : iterable of Tensor, shape (N, rows, W, members x channels)
            From top to bottom.
        most : int
            Rows of windows that are yielded together.

        Yields
        ------
        Tensor, shape (N, rows, W, members x channels)
        """
        needed, left = max(self._reach + 1, self._step), None
        for part in parts:
            maps = part if left is None else torch.cat([left, part], 1)
            count = (maps.shape[1] - needed) // self._step + 1
            for first in range(0, count, most):
                last = min(first + most, count) - 1
                yield maps[:, first * self._step : last * self._step + self._reach + 1]
            left = maps[:, max(0, count) * self._step :]
        if left is not None and left.shape[1] > self._reach:  # where steps are wider than windows
            yield left

    def __call__(self, maps: Tensor) -> Tensor:
        """Return the values of the layer, before its activation.

        Parameters
        ----------
        maps : Tensor, shape (N, H, W, members x channels)
            The first window begins with the first value.

        Returns
        -------
        Tensor of float32, shape (members, N, gy, gx, hidden)
        """
        rows, columns = (-(-(edge - self._reach) // self._step) for edge in maps.shape[1:3])
        windows = self._windows(maps, rows, columns)
        at_once = 1 if maps.device.type == "cpu" else self._members
        firsts = range(0, self._members, at_once)
        sums = [self._sums(windows, slice(first, first + at_once)) for first in firsts]
        return torch.cat(sums).reshape(*windows.shape[:4], -1)

    def _sums(self, windows: Tensor, members: slice) -> Tensor:
        """Return the values (members, N x rows x columns, hidden) of some members."""
        of_members, total = windows[members].flatten(1, 3), self._bias[members]
        for (y, x), weights in self._weights.items():
            total = total + torch.bmm(of_members[:, :, y, x], weights[members]).float()
        if self._maxima is not None:
            largest = of_members.amax((2, 3))
            total = total + torch.bmm(largest, self._maxima[members]).float()
        return total

    def _windows(self, maps: Tensor, rows: int, columns: int) -> Tensor:
        """Return a view (members, N, rows, columns, edge, edge, channels) of the values of maps."""
        image, row, column, value = maps.stride()
        return maps.as_strided(
            (self._members, len(maps), rows, columns, self._edge, self._edge, self._channels),
            (
                self._channels * value,
                image,
                self._step * row,
                self._step * column,
                self._spacing * row,
                self._spacing * column,
                value,
            ),
        )
