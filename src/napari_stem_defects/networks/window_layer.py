"""First fully connected layer of all windows of an image, from feature maps that they share.

A window is a few values of the maps, and each value belongs to as many windows. Every value is
multiplied once with the weights of all places that it may have in a window, without a copy of the
maps; the sums of the windows are then sums of shifted results.
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
        self._bias = bias[:, :, None, None]
        self._members, inputs = weights.shape[:2]
        self._step, self._reach, self._channels = step, (edge - 1) * spacing, channels
        offsets = range(0, edge * spacing, spacing)
        self._places = list(product(offsets, offsets))
        by_place = torch.split(weights, channels, 1)
        self._maxima = by_place[-1] if inputs > channels * edge**2 else None
        # Places that the same values of the maps have in different windows.
        self._alike: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for y, x in self._places:
            self._alike.setdefault((y % step, x % step), []).append((y, x))
        self._weights = {
            first: torch.cat([by_place[self._places.index(each)] for each in places], -1)
            for first, places in self._alike.items()
        }

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
        shape = (self._members, len(maps), rows, columns, self._bias.shape[-1])
        total = self._bias.expand(shape).clone()
        for first, places in self._alike.items():
            values = maps[:, first[0] :: self._step, first[1] :: self._step]
            products = self._multiply(values, self._weights[first]).chunk(len(places), -1)
            for product_of_place, (y, x) in zip(products, places, strict=True):
                top, left = y // self._step, x // self._step
                total += product_of_place[:, :, top : top + rows, left : left + columns]
        if self._maxima is not None:
            total += self._multiply(self._largest(maps), self._maxima)
        return total

    def _multiply(self, maps: Tensor, weights: Tensor) -> Tensor:
        """Return the products (members, N, H, W, outputs) of maps with weights, as float32."""
        values = maps.reshape(-1, self._members, self._channels).transpose(0, 1)
        products = torch.bmm(values, weights).float()
        return products.reshape(self._members, *maps.shape[:3], -1)

    def _largest(self, maps: Tensor) -> Tensor:
        """Return the largest value of each channel in every window."""
        views = [
            maps[:, y : maps.shape[1] - self._reach + y, x : maps.shape[2] - self._reach + x]
            for y, x in self._places
        ]
        largest = views[0]
        for view in views[1:]:
            largest = torch.maximum(largest, view)
        return largest[:, :: self._step, :: self._step]
