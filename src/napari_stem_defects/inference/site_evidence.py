"""Probability of a class at single sites, averaged over the orientations of the window.

The windows of a scan lie on a grid, and networks are not symmetric: the probability of one and the
same column depends on the step, on the crop and on which way the image lies. At a site the window
is centred on the column itself, and the mean logit of its eight orientations (four quarter turns,
each mirrored as well) is the same however the image was cut, turned or sampled.

No window is evaluated twice. Windows a few px apart, as those around a site, share their feature
maps where the networks allow it (`inference.dense`), or those of the first block.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from itertools import islice
from operator import itemgetter
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_stem_defects.inference.network_runner import NetworkRunner
from napari_stem_defects.inference.side_by_side import side_by_side
from napari_stem_defects.inference.spatial_averaging import AVERAGING_NODES
from napari_stem_defects.networks.ensemble import network_for, supports_dense_inference
from napari_stem_defects.preprocessing.pipeline_torch import features_on_device
from napari_stem_defects.preprocessing.windows import part_around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.networks.ensemble import EnsembleNetwork
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.tiled import FilteredImage

ORIENTATIONS = 8
_BATCH = 64  # sites at a time
_FEWEST_SITES = 4  # of a thread
_STEP, _ACROSS = 4, 3
"""Step, in px, and number along each axis of the windows of a tile, which share feature maps: two
blocks of the networks halve them together."""
_NEAR_PX = 12
"""Distance, along either axis, up to which windows share the first block."""
_FEWEST = 5
"""Number of such windows from which that takes less time."""

Window = tuple[int, int]
"""First row and column of a window."""


class SiteEvidence:
    """Evidence of a class in an image.

    Parameters
    ----------
    filtered : FilteredImage
        From `preprocessing.pipeline.filter_lazily`, at the ensemble's pixel size.
    ensemble : Ensemble
        Networks; its spatial averaging, if it has one, is done around each position.
    class_name : str
        A class of the ensemble.
    device : str
        A torch device name.
    """

    def __init__(
        self, filtered: FilteredImage, ensemble: Ensemble, class_name: str, device: str
    ) -> None:
        self._filtered, self._ensemble, self._device = filtered, ensemble, device
        self._spec = ensemble.spec
        self._index = ensemble.spec.classes.index(class_name)
        self._logits: dict[Window, float] = {}
        self._cutting = Lock()  # a large image is filtered where it is read, from top to bottom

    def probabilities(self, positions: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the probability of the class at positions.

        Parameters
        ----------
        positions : ndarray of float64, shape (N, 2)
            y and x in px of the filtered image.

        Returns
        -------
        ndarray of float32, shape (N,)
            Calibrated probabilities of the mean logits.

        Raises
        ------
        InputError
            The machine does not have enough memory for even a few windows.
        """
        if not len(positions):
            return np.zeros(0, np.float32)
        offsets, weights = _averaging(self._spec.inference.averaging_px)
        width = self._spec.preprocessing.patch_px
        # The first pixel of the window whose middle is nearest; a centre lies half a patch further.
        # Rounded from the middle, so that a mirrored image has the mirrored window.
        first = np.rint(positions[:, None] + offsets - (width - 1) / 2).astype(np.int64)
        if self._spec.inference.margin_px:  # such networks know no window across the border
            first = np.clip(first, 0, np.maximum(np.array(self._filtered.shape) - width, 0))
        windows = [(y, x) for y, x in first.reshape(-1, 2).tolist()]
        self._evaluate(set(windows) - self._logits.keys())
        logits = np.array([self._logits[each] for each in windows], np.float32)
        every = np.zeros((len(positions), len(self._spec.classes)), np.float32)
        every[:, self._index] = logits.reshape(len(positions), len(offsets)) @ weights
        probability: NDArray[np.float32] = self._spec.calibrated_probabilities(every)
        return probability[:, self._index]

    @cached_property
    def _runner(self) -> NetworkRunner[EnsembleNetwork]:
        """The networks of the class; most images have no candidate of most classes."""

        def network_on(device: torch.device) -> EnsembleNetwork:
            return network_for(self._ensemble, str(device), class_index=self._index)

        return NetworkRunner(self._device, network_on, lambda _: _BATCH)

    def _evaluate(self, windows: Iterable[Window]) -> None:
        """Find the logits of windows; rows of huge images are filtered in turn."""
        shared = supports_dense_inference(self._spec)
        groups = list(_groups(windows)) if shared else [[each] for each in sorted(windows)]
        tiles = [group for group in groups if len(group) > 1]
        alone = [group[0] for group in groups if len(group) == 1]
        near = [each for each in _neighbours(alone) if len(each) >= _FEWEST] if shared else []
        alone = sorted(set(alone) - {window for each in near for window in each})
        self._run([[each] for each in alone], 0, 1, self._of_windows)
        self._run(tiles, _STEP * (_ACROSS - 1), _STEP, self._of_tiles)
        self._run(near, _NEAR_PX, 1, self._of_places)

    def _run(
        self,
        groups: Sequence[Sequence[Window]],
        extent: int,
        step: int,
        evaluate: Callable[[Tensor, Tensor], Tensor],
    ) -> None:
        """Find the logits of windows by groups, each of which is one tile.

        ``evaluate`` gets tiles (N, Y, X), and which windows (N, K, K) of them are needed, the
        ``step`` apart up to the ``extent``; it returns the logits (N, K, K, members) of these.
        """
        if not groups:
            return
        width, across = self._spec.preprocessing.patch_px, extent // step + 1
        corners = [(min(y for y, _ in each), min(x for _, x in each)) for each in groups]
        places = {
            corner: tuple(((np.array(group) - corner) // step).T)
            for corner, group in zip(corners, groups, strict=True)
        }

        def compute(y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
            needed = np.zeros((len(y), across, across), bool)
            with self._cutting:
                tiles = [
                    part_around(self._filtered, (a, a + extent), (b, b + extent), width)
                    for a, b in zip(y.tolist(), x.tolist(), strict=True)
                ]
            for number, (a, b) in enumerate(zip(y.tolist(), x.tolist(), strict=True)):
                needed[number][places[a - width // 2, b - width // 2]] = True
            views = _orientations(self._runner.to_device(np.stack(tiles)))
            with torch.inference_mode():
                found = evaluate(views, _orientations(torch.from_numpy(needed)))
                mean = torch.stack(_turned_back(found)).mean((0, 4))
            result: NDArray[np.float32] = mean.cpu().numpy()
            return result

        centres = np.array(corners, np.int64).T + width // 2
        every: list[NDArray[np.float32]] = []

        def run(part: NDArray[np.int64]) -> NDArray[np.float32]:
            return self._runner.run(compute, *part)

        for found_here in side_by_side(run, self._parts(centres)):
            every.extend(found_here)
        for corner, group, found in zip(corners, groups, every, strict=True):
            self._logits |= zip(group, found[places[corner]].tolist(), strict=True)

    def _parts(self, centres: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """Return the centres (2, N) of tiles in parts, on a CPU at least one for each thread."""
        count = len(centres[0])
        threads = torch.get_num_threads() if self._runner.device.type == "cpu" else 1
        least = min(threads, -(-count // _FEWEST_SITES))
        return np.array_split(centres, max(least, -(-count // _BATCH)), axis=1)

    def _of_windows(self, windows: Tensor, _: Tensor) -> Tensor:
        features = features_on_device(windows, self._spec.preprocessing)
        return self._runner.networks.member_logits(features)[:, None, None]

    def _of_tiles(self, tiles: Tensor, _: Tensor) -> Tensor:
        return self._runner.networks.member_logits_of_tiles(tiles, _STEP)

    def _of_places(self, tiles: Tensor, needed: Tensor) -> Tensor:
        places = needed.nonzero().to(tiles.device)
        found = self._runner.networks.member_logits_of_places(tiles, places)
        logits = found.new_zeros((*needed.shape, found.shape[1]))
        logits[tuple(places.T)] = found
        return logits


def _groups(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Yield windows that fit into one tile together, from top to bottom."""
    left = dict.fromkeys(sorted(windows))
    reach = range(0, _STEP * _ACROSS, _STEP)
    while left:
        top, middle = next(iter(left))
        # The first one of its rows: others lie to both sides of it, or right of it.
        for start in (middle - _STEP * (_ACROSS // 2), middle):
            tile = [(top + down, start + right) for down in reach for right in reach]
            group = [each for each in tile if each in left]
            if len(group) > 1:
                break
        for each in group:
            del left[each]
        yield group


def _neighbours(windows: Iterable[Window]) -> Iterator[list[Window]]:
    """Yield windows that lie near each other, from top to bottom."""
    order, taken = sorted(windows), set[Window]()
    for number, (top, middle) in enumerate(order):
        if (top, middle) in taken:
            continue
        below = bisect_right(order, top + _NEAR_PX, key=itemgetter(0))
        beside = [
            each
            for each in islice(order, number, below)
            if abs(each[1] - middle) <= _NEAR_PX and each not in taken
        ]
        # The first one of its rows: others of its neighbourhood may lie to its left.
        first = min(x for _, x in beside)
        group = [each for each in beside if each[1] <= first + _NEAR_PX]
        taken.update(group)
        yield group


def _averaging(sigma_px: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return offsets (K, 2) in px and weights (K,) of the mean around a site."""
    nodes = AVERAGING_NODES if sigma_px > 0 else {(0.0, 0.0): 1.0}
    return sigma_px * np.array(list(nodes)), np.array(list(nodes.values()), np.float32)


def _orientations(windows: Tensor) -> Tensor:
    """Return the eight orientations (8 N, P, P) of windows (N, P, P)."""
    turned = [torch.rot90(windows, number, (-2, -1)) for number in range(4)]
    return torch.cat([*turned, *(view.flip(-1) for view in turned)])


def _turned_back(logits: Tensor) -> list[Tensor]:
    """Return the values (N, K, K, M) of `_orientations` (8 N, K, K, M) as the windows lie."""
    parts = logits.chunk(ORIENTATIONS)
    upright = [*parts[:4], *(part.flip(2) for part in parts[4:])]
    return [torch.rot90(part, -(number % 4), (1, 2)) for number, part in enumerate(upright)]
