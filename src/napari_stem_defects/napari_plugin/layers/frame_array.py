"""Array of frames that are loaded when they are looked at, for layers of long stacks."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_KEPT = 8


class FrameArray:
    """Frames of one shape, indexed like an array (T, Y, X).

    The frames looked at last are kept. A frame that was painted on is kept as long as the array.

    Parameters
    ----------
    load : callable
        Returns a frame (Y, X) by its index.
    shape : (int, int, int)
        Frames, height and width.
    dtype : dtype
        Type of all frames; loaded ones are converted to it.
    """

    ndim = 3

    def __init__(
        self,
        load: Callable[[int], NDArray[Any]],
        shape: tuple[int, int, int],
        dtype: np.dtype[Any] | type[np.generic],
    ) -> None:
        self._load = load
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._recent: OrderedDict[int, NDArray[Any]] = OrderedDict()
        self._painted: dict[int, NDArray[Any]] = {}

    @property
    def size(self) -> int:
        """Number of pixels of all frames."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.shape[0]

    def __getitem__(self, key: Any) -> NDArray[Any]:
        """Return pixels; a single frame is returned as it is kept, and may be written to."""
        first, rest = self._split(key)
        if isinstance(first, int | np.integer):
            return self.frame(int(first))[rest] if rest else self.frame(int(first))
        if isinstance(first, slice):
            frames = range(*first.indices(len(self)))
            found = [np.asarray(self.frame(index)[rest]) for index in frames]
            empty = np.zeros((0, *self.shape[1:]), self.dtype)
            return np.stack(found) if found else empty[(slice(None), *rest)]
        return self._gather(np.asarray(first), rest)

    def __setitem__(self, key: Any, value: Any) -> None:
        """Paint on frames."""
        first, rest = self._split(key)
        if isinstance(first, int | np.integer):
            self._paint(int(first))[rest or ...] = value
        elif isinstance(first, slice):
            for index in range(*first.indices(len(self))):
                self._paint(index)[rest or ...] = value
        else:
            points, values = np.asarray(first), np.asarray(value)
            for index in np.unique(points):
                here = points == index
                own = values if values.ndim == 0 else values[here]
                self._paint(int(index))[tuple(np.asarray(each)[here] for each in rest)] = own

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return all frames as one array in memory."""
        whole = np.stack([self.frame(index) for index in range(len(self))])
        return whole if dtype is None else whole.astype(dtype, copy=False)

    def frame(self, index: int) -> NDArray[Any]:
        """Return a frame, loaded if necessary.

        Parameters
        ----------
        index : int
            Negative ones count from the end.

        Returns
        -------
        ndarray, shape (Y, X)

        Raises
        ------
        IndexError
            There is no such frame.
        """
        index = range(len(self))[index]
        if index in self._painted:
            return self._painted[index]
        if index not in self._recent:
            self._recent[index] = np.array(self._load(index), self.dtype)
            if len(self._recent) > _KEPT:
                self._recent.popitem(last=False)
        self._recent.move_to_end(index)
        return self._recent[index]

    def _paint(self, index: int) -> NDArray[Any]:
        index = range(len(self))[index]
        self._painted[index] = self.frame(index)
        return self._painted[index]

    def _gather(self, points: NDArray[Any], rest: tuple[Any, ...]) -> NDArray[Any]:
        """Return the pixels at the given points."""
        axes = np.broadcast_arrays(points, *(np.asarray(each) for each in rest))
        found = np.empty(axes[0].shape, self.dtype)
        for index in np.unique(axes[0]):
            here = axes[0] == index
            found[here] = self.frame(int(index))[tuple(each[here] for each in axes[1:])]
        return found

    def _split(self, key: Any) -> tuple[Any, tuple[Any, ...]]:
        """Return the index of the first axis, and those of the others."""
        parts = key if isinstance(key, tuple) else (key,)
        if Ellipsis in [each for each in parts if not isinstance(each, np.ndarray)]:
            at = next(i for i, each in enumerate(parts) if each is Ellipsis)
            missing = self.ndim - len(parts) + 1
            parts = (*parts[:at], *(slice(None),) * missing, *parts[at + 1 :])
        return (parts[0], tuple(parts[1:])) if parts else (slice(None), ())
