"""Networks of an ensemble, merged into grouped convolutions for inference.

`EnsembleNetwork.member_logits` predicts batches of windows (sliding-window inference);
`EnsembleNetwork.member_logits_dense` predicts all windows of an image (dense inference).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor, nn

from napari_stem_defects.networks.member import (
    Member,
    head_inputs,
    map_shape,
    map_values,
    new_member,
)
from napari_stem_defects.networks.trunk import GroupedTrunk
from napari_stem_defects.networks.weight_names import select_member_weights
from napari_stem_defects.networks.window_layer import WindowLayer
from napari_stem_defects.preprocessing.pipeline import feature_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec

Precision = Literal["float32", "bfloat16", "float16"]

# Values per thread that the first blocks compute for the windows of a batch: measured, 16 windows
# of seven members fill the cache.
CACHED_VALUES = 5_600_000
# Rows of windows of an image that the fully connected layers process together; on a CPU as many as
# have so many windows, so that their values stay in the cache.
ROWS_PER_BATCH, WINDOWS_ON_CPU = 16, 1000


def supports_dense_inference(spec: EnsembleSpec) -> bool:
    """Return whether an ensemble can be applied fully convolutionally, to an image as a whole.

    Overlapping windows share their feature maps where a window is a plain part of the filtered
    image (representation "real" with local contrast normalisation, or "residual") and convolutions
    are not zero-padded.

    Parameters
    ----------
    spec : EnsembleSpec
    """
    return spec.preprocessing.is_plain and not spec.network.padded


def count_multiplications(spec: EnsembleSpec, stride_px: int | None = None) -> int:
    """Count the multiplications of one member per window, in convolutions and hidden layer.

    Parameters
    ----------
    spec : EnsembleSpec
    stride_px : int, optional
        Stride of dense inference, where windows share their feature maps
        (`EnsembleNetwork.member_logits_dense`). By default, the count of a single window.

    Returns
    -------
    int
    """
    sizes, count = spec.network, 0
    for channels, *edges in feature_shapes(spec.preprocessing).values():
        count += head_inputs((channels, edges[0], edges[1]), sizes) * sizes.hidden
        left = stride_px
        for width in sizes.channels:
            edges = [edge - 2 * (not sizes.padded) for edge in edges]
            positions = math.prod(edges) if left is None else left**2
            count += 9 * channels * width * positions
            edges, channels = [edge // 2 for edge in edges], width
            if left is not None and left % 2 == 0:
                left //= 2
    return count


class EnsembleNetwork:
    """Members of an ensemble on one device, merged for inference.

    Equal layers of all members form one grouped convolution; batch normalisation is folded into
    its weights, and inputs are channels-last in memory. In float32 the logits equal the members'
    own to within rounding. In half precision the first block stays in float32: rounding its
    inputs and weights caused most of the error, and with one input channel it gains nothing.

    Parameters
    ----------
    ensemble : Ensemble
    device : str
        A torch device name.
    precision : {"float32", "bfloat16", "float16"}
        Precision of the blocks after the first.
    classes : sequence of int, optional
        Indices of the classes whose members are included; all by default.
    """

    def __init__(
        self,
        ensemble: Ensemble,
        device: str = "cpu",
        *,
        precision: Precision = "float32",
        classes: Sequence[int] | None = None,
    ) -> None:
        self.spec = ensemble.spec
        self.device = torch.device(device)
        self._dtype = getattr(torch, precision)
        chosen = range(len(self.spec.classes)) if classes is None else classes
        seeds = range(len(self.spec.seeds))
        with torch.inference_mode():
            members = [_load_member(ensemble, index, seed) for index in chosen for seed in seeds]
            self._count = len(members)
            self._trunks = {name: self._merge_trunks(members, name) for name in members[0].branches}
            self._merge_heads(members)

    def _merge_trunks(self, members: Sequence[Member], part: str) -> GroupedTrunk:
        extractors = [member.feature_extractor(part) for member in members]
        trunk = GroupedTrunk(extractors, self._dtype, self.spec.network.padded)
        return trunk.to(self.device)

    def _merge_heads(self, members: Sequence[Member]) -> None:
        hidden = [member.head.hidden_layer for member in members]
        output = [member.head.output_layer for member in members]
        sizes = self.spec.network
        self._hidden: dict[str, Tensor] = {}
        rest = torch.stack([layer.weight for layer in hidden])
        for name, trunk in self._trunks.items():
            shape = feature_shapes(self.spec.preprocessing)[name]
            values, inputs = map_values(shape, sizes), head_inputs(shape, sizes)
            weights, rest = rest[..., :inputs], rest[..., inputs:]
            # The maps of a member are ordered channels first; here channels come last.
            maps = weights[..., :values].reshape(*weights.shape[:2], trunk.channels, -1)
            weights = torch.cat([maps.transpose(-1, -2).flatten(-2), weights[..., values:]], -1)
            self._hidden[name] = weights.transpose(1, 2).to(self.device, self._dtype)
        self._hidden_bias = torch.stack([layer.bias for layer in hidden])[:, None].to(self.device)
        self._output = torch.stack([layer.weight.T for layer in output]).to(self.device)
        self._output_bias = torch.stack([layer.bias for layer in output])[:, None].to(self.device)

    def logits(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return the logits of every member.

        Parameters
        ----------
        features : mapping of str to ndarray of float32, shape (N, C, H, W)
            Features of N windows, from `preprocessing.pipeline.features`.

        Returns
        -------
        ndarray of float32, shape (K, N, classes)
            Logits of the K seeds, before probability calibration.
        """
        inputs = {name: torch.from_numpy(array) for name, array in features.items()}
        found, seeds = self.member_logits(inputs), len(self.spec.seeds)
        by_seed = found.reshape(len(found), self._count // seeds, seeds).permute(2, 0, 1)
        result: NDArray[np.float32] = by_seed.cpu().numpy()
        return result

    def probabilities(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return probabilities: the members' mean logits after probability calibration.

        Parameters
        ----------
        features : mapping of str to ndarray of float32, shape (N, C, H, W)

        Returns
        -------
        ndarray of float32, shape (N, classes)
        """
        return self.spec.calibrated_probabilities(self.logits(features).mean(0))

    def member_logits(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return the logits of windows on the device.

        Parameters
        ----------
        features : mapping of str to Tensor of float32, shape (N, C, H, W)

        Returns
        -------
        Tensor of float32, shape (N, members)
            Members are ordered by class, then by seed.
        """
        # inference_mode is a property of the thread, so it is entered on every call.
        with torch.inference_mode():
            count = len(next(iter(features.values())))
            step = self._batch_size(features)
            parts = [
                self._logits_of_batch({name: x[at : at + step] for name, x in features.items()})
                for at in range(0, count, step)
            ]
            return torch.cat(parts) if parts else torch.zeros(0, self._count, device=self.device)

    def _batch_size(self, features: Mapping[str, Tensor]) -> int:
        """Return how many windows to process together: on a CPU as many as fit its cache."""
        if self.device.type != "cpu":
            return max(1, len(next(iter(features.values()))))
        largest = max(
            math.prod(x.shape[1:]) * trunk.width
            for x, trunk in zip(features.values(), self._trunks.values(), strict=True)
        )
        return max(1, CACHED_VALUES * torch.get_num_threads() // largest)

    def _logits_of_batch(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return logits (N, members)."""
        maps = {name: trunk(features[name].to(self.device)) for name, trunk in self._trunks.items()}
        return self._logits_of_maps(maps)

    def _logits_of_maps(self, maps: Mapping[str, Tensor]) -> Tensor:
        """Return logits (N, members) of feature maps (N, H, W, members x channels)."""
        hidden = self._hidden_bias
        for name, each in maps.items():
            hidden = hidden + self._hidden_part(name, each.flatten(1, 2))
        return self._output_logits(hidden)

    def member_logits_dense(self, image: Tensor, stride_px: int) -> Tensor:
        """Return the logits of all windows of an image by dense (fully convolutional) inference.

        Parameters
        ----------
        image : Tensor of float32, shape (Y, X)
            Filtered image on the device, at least as large as a window. The first window is its
            upper left corner. The ensemble must be one that `supports_dense_inference`.
        stride_px : int
            Step between windows in px.

        Returns
        -------
        Tensor of float32, shape (gy, gx, members)
        """
        with torch.inference_mode():
            return self._logits_of_images(image[None], stride_px)[0]

    def member_logits_of_tiles(self, tiles: Tensor, stride_px: int) -> Tensor:
        """Return the logits of all windows of small images, as `member_logits_dense` of each.

        Parameters
        ----------
        tiles : Tensor of float32, shape (N, Y, X)
        stride_px : int
            Step between windows in px.

        Returns
        -------
        Tensor of float32, shape (N, gy, gx, members)
        """
        with torch.inference_mode():
            step = self._batch_size({"": tiles[:, None]})
            parts = [
                self._logits_of_images(tiles[at : at + step], stride_px)
                for at in range(0, len(tiles), step)
            ]
            return torch.cat(parts)

    def member_logits_of_places(self, tiles: Tensor, places: Tensor) -> Tensor:
        """Return the logits of some windows of small images, at any distance from each other.

        Parameters
        ----------
        tiles : Tensor of float32, shape (N, Y, X)
            The ensemble must be one that `supports_dense_inference`.
        places : Tensor of int64, shape (M, 3)
            Tile, first row and first column of each window, in the order of the tiles.

        Returns
        -------
        Tensor of float32, shape (M, members)
        """
        ((name, trunk),) = self._trunks.items()
        edge = self.spec.preprocessing.patch_px
        with torch.inference_mode():
            # Windows, not tiles, fill the cache.
            batch, parts = self._batch_size({"": tiles[:, None]}), []
            step = max(1, batch * len(tiles) // max(1, len(places)))
            for first in range(0, len(tiles), step):
                here = places[(places[:, 0] >= first) & (places[:, 0] < first + step)]
                if not len(here):
                    continue
                here = here - torch.tensor([first, 0, 0], device=here.device)
                maps = trunk.maps_of_places(tiles[first : first + step, None], here, edge)
                parts.append(self._logits_of_maps({name: maps}))
            return torch.cat(parts) if parts else torch.zeros(0, self._count, device=self.device)

    def _logits_of_images(self, images: Tensor, stride_px: int) -> Tensor:
        """Return logits (N, gy, gx, members) of the windows of images (N, Y, X)."""
        ((name, trunk),) = self._trunks.items()
        edge = map_shape(feature_shapes(self.spec.preprocessing)[name], self.spec.network)[0]
        maps = trunk.dense_maps(images[:, None], stride_px)
        weights, bias = self._hidden[name], self._hidden_bias
        layer = WindowLayer(weights, bias, trunk.channels, edge, maps.step, maps.spacing)
        parts = []
        columns = (images.shape[2] - self.spec.preprocessing.patch_px) // stride_px + 1
        on_cpu = images.device.type == "cpu"
        at_once = max(1, WINDOWS_ON_CPU // columns) if on_cpu else ROWS_PER_BATCH
        for rows in layer.rows_of_windows(maps.parts, at_once):
            hidden = layer(rows)
            found = self._output_logits(hidden.flatten(1, 3))
            parts.append(found.reshape(*hidden.shape[1:4], -1))
        return torch.cat(parts, 1)

    def _hidden_part(self, name: str, maps: Tensor) -> Tensor:
        """Return the contribution of maps (N, positions, members x channels) to the hidden layer.

        The result has the shape (members, N, hidden).
        """
        maps = maps.reshape(*maps.shape[:2], self._count, -1).permute(2, 0, 1, 3)
        values = maps.flatten(-2)
        if self.spec.network.maxima:
            values = torch.cat([values, maps.amax(2)], -1)
        return torch.bmm(values, self._hidden[name]).float()

    def _output_logits(self, hidden: Tensor) -> Tensor:
        """Return logits (N, members) of the hidden layer before its SELU, (members, N, hidden)."""
        activated = nn.functional.selu(hidden)
        return torch.baddbmm(self._output_bias, activated, self._output)[..., 0].T


def network_for(
    ensemble: Ensemble,
    device: str,
    precision: Precision = "float32",
    class_index: int | None = None,
) -> EnsembleNetwork:
    """Return the network of an ensemble, built once per device, precision and class.

    The ensemble holds the networks (`Ensemble.cached`): all frames of a stack share them, and
    they are released together with the ensemble.

    Parameters
    ----------
    ensemble : Ensemble
    device : str
        A torch device name.
    precision : {"float32", "bfloat16", "float16"}
        Precision of the blocks after the first.
    class_index : int, optional
        Include only the members of this class; those of all classes by default.

    Returns
    -------
    EnsembleNetwork
    """
    classes = None if class_index is None else [class_index]
    return ensemble.cached(
        (EnsembleNetwork.__name__, device, precision, class_index),
        lambda: EnsembleNetwork(ensemble, device, precision=precision, classes=classes),
    )


def _load_member(ensemble: Ensemble, class_index: int, seed_index: int) -> Member:
    with torch.device("meta"):
        member = new_member(ensemble.spec)
    weights = select_member_weights(ensemble.weights, class_index, seed_index)
    state = {name: torch.from_numpy(np.array(tensor)) for name, tensor in weights.items()}
    member.load_state_dict(state, assign=True)
    return member.eval()
