"""Interface of the inference strategies: sliding window and dense."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from napari_stem_defects.base.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from napari_stem_defects.preprocessing.windows import Grid

InferenceMode = Literal["exact", "fast"]


class Batch(NamedTuple):
    """Windows that are predicted between two progress reports.

    Attributes
    ----------
    rows, columns : ndarray of int64, shape (N,)
        Indices of the windows in the grid.
    ends_coarse_grid : bool
        Whether the coarse grid is complete with this batch.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]
    ends_coarse_grid: bool = False


@dataclass(frozen=True, kw_only=True)
class CoarseMapProgress(Progress):
    """The step of a scan that completes the coarse grid, with its probabilities.

    Attributes
    ----------
    probability : ndarray of float32, shape (C, gy, gx)
        Probabilities after probability calibration.
    y : ndarray of int64, shape (gy,)
    x : ndarray of int64, shape (gx,)
        Window centres in px.
    """

    probability: NDArray[np.float32]
    y: NDArray[np.int64]
    x: NDArray[np.int64]


class InferenceStrategy(ABC):
    """A way to predict the windows of one image."""

    @abstractmethod
    def batches(self, grid: Grid) -> Iterator[Batch]:
        """Yield the windows of a grid, each exactly once.

        Parameters
        ----------
        grid : Grid

        Yields
        ------
        Batch
        """

    @abstractmethod
    def predict(self, y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the probabilities of the windows of a batch.

        Parameters
        ----------
        y, x : ndarray of int64, shape (N,)
            Window centres in px.

        Returns
        -------
        ndarray of float32, shape (N, C)
            Probabilities after probability calibration.

        Raises
        ------
        InputError
            The machine does not have enough memory for even a few windows.
        """

    def results(self, grid: Grid) -> Generator[tuple[Batch, NDArray[np.float32]]]:
        """Predict the windows of a grid.

        Parameters
        ----------
        grid : Grid

        Yields
        ------
        batch : Batch
        probability : ndarray of float32, shape (N, C)
            Of its windows.

        Raises
        ------
        InputError
            The machine does not have enough memory for even a few windows.
        """
        for batch in self.batches(grid):
            yield batch, self.predict(grid.y[batch.rows], grid.x[batch.columns])

    def use_coarse_grid(self, probability: NDArray[np.float32]) -> None:
        """Receive the probabilities (C, gy, gx) of the complete coarse grid; ignored by default."""
        return None
