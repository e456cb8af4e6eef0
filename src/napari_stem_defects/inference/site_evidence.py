"""Probability of a class at single sites, averaged over the orientations of the window.

The windows of a scan lie on a grid, and networks are not symmetric: the probability of one and the
same column depends on the step, on the crop and on which way the image lies. At a site the window
is centred on the column itself, and the mean logit of its eight orientations (four quarter turns,
each mirrored as well) is the same however the image was cut, turned or sampled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from napari_stem_defects.inference.network_runner import NetworkRunner
from napari_stem_defects.inference.spatial_averaging import AVERAGING_NODES
from napari_stem_defects.networks.ensemble import network_for
from napari_stem_defects.preprocessing.pipeline_torch import features_on_device
from napari_stem_defects.preprocessing.windows import part_around

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.networks.ensemble import EnsembleNetwork
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.tiled import FilteredImage

ORIENTATIONS = 8
_BATCH = 64  # sites at a time


def site_probabilities(
    filtered: FilteredImage,
    ensemble: Ensemble,
    class_name: str,
    positions: NDArray[np.float64],
    device: str,
) -> NDArray[np.float32]:
    """Return the probability of a class at positions.

    Parameters
    ----------
    filtered : FilteredImage
        From `preprocessing.pipeline.filter_lazily`, at the ensemble's pixel size.
    ensemble : Ensemble
        Networks; its spatial averaging, if it has one, is done around each position.
    class_name : str
        A class of the ensemble.
    positions : ndarray of float64, shape (N, 2)
        y and x in px of the filtered image.
    device : str
        A torch device name.

    Returns
    -------
    ndarray of float32, shape (N,)
        Calibrated probabilities of the mean logits.

    Raises
    ------
    InputError
        The machine does not have enough memory for even a few windows.
    """
    spec, index = ensemble.spec, ensemble.spec.classes.index(class_name)
    if not len(positions):
        return np.zeros(0, np.float32)
    offsets, weights = _averaging(spec.inference.averaging_px)
    width = spec.preprocessing.patch_px
    # The first pixel of the window whose middle is nearest; a centre lies half a patch further.
    # Rounded from the middle, so that a mirrored image has the mirrored window.
    first = np.rint(positions[:, None] + offsets - (width - 1) / 2).astype(np.int64)
    if spec.inference.margin_px:  # the networks have never seen a window across the border
        first = np.clip(first, 0, np.maximum(np.array(filtered.shape) - width, 0))
    centres = first.reshape(-1, 2) + width // 2
    by_row = np.argsort(centres[:, 0], kind="stable")  # rows of huge images are filtered in turn

    def compute(y: NDArray[np.int64], x: NDArray[np.int64]) -> NDArray[np.float32]:
        windows = np.stack(
            [part_around(filtered, (a, a), (b, b), width) for a, b in zip(y, x, strict=True)]
        )
        views = _orientations(runner.to_device(windows))
        with torch.inference_mode():
            found = runner.networks.member_logits(features_on_device(views, spec.preprocessing))
        mean: NDArray[np.float32] = (
            found.reshape(ORIENTATIONS, len(y), -1).mean((0, 2)).cpu().numpy()
        )
        return mean

    def network_on(device: torch.device) -> EnsembleNetwork:
        return network_for(ensemble, str(device), class_index=index)

    runner: NetworkRunner[EnsembleNetwork] = NetworkRunner(device, network_on, lambda _: _BATCH)
    logits = np.empty(len(centres), np.float32)
    logits[by_row] = runner.run(compute, *centres[by_row].T)
    every = np.zeros((len(positions), len(spec.classes)), np.float32)
    every[:, index] = logits.reshape(len(positions), -1) @ weights
    probability: NDArray[np.float32] = spec.calibrated_probabilities(every)[:, index]
    return probability


def _averaging(sigma_px: float) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return offsets (K, 2) in px and weights (K,) of the mean around a site."""
    nodes = AVERAGING_NODES if sigma_px > 0 else {(0.0, 0.0): 1.0}
    return sigma_px * np.array(list(nodes)), np.array(list(nodes.values()), np.float32)


def _orientations(windows: Tensor) -> Tensor:
    """Return the eight orientations (8 N, P, P) of windows (N, P, P)."""
    turned = [torch.rot90(windows, number, (-2, -1)) for number in range(4)]
    return torch.cat([*turned, *(view.flip(-1) for view in turned)])
