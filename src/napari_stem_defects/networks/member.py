"""Binary convolutional network of one class: a member of an ensemble.

Each block is a 3x3 convolution (He-normal initialisation), batch normalisation, 2x2 maximum
pooling and SELU. The abstract pools after SELU, which gives the same numbers (SELU is monotonic)
at four times the cost. Each part of the representation has its own blocks.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import torch
from torch import Tensor, nn

from napari_stem_defects.errors import ModelError
from napari_stem_defects.networks.weight_names import weight_name
from napari_stem_defects.preprocessing.pipeline import feature_shapes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.networks.architecture import Architecture
    from napari_stem_defects.networks.spec import EnsembleSpec

LAYERS_PER_BLOCK = 4


class ConvolutionBlock(NamedTuple):
    """Layers with parameters of one block."""

    convolution: nn.Conv2d
    norm: nn.BatchNorm2d


class FeatureExtractor(nn.Sequential):
    """Convolution blocks for one part of the representation.

    A plain sequence, because model files name layers by their position (see
    `networks.weight_names`); the properties name them for code.

    Parameters
    ----------
    channels : int
        Channels of the input features.
    sizes : Architecture
    """

    def __init__(self, channels: int, sizes: Architecture) -> None:
        layers: list[nn.Module] = [nn.BatchNorm2d(channels)]
        for width in sizes.channels:
            layers += [
                nn.Conv2d(channels, width, 3, padding=int(sizes.padded), bias=False),
                nn.BatchNorm2d(width),
                nn.MaxPool2d(2),
                nn.SELU(),
            ]
            channels = width
        super().__init__(*layers)

    @property
    def input_norm(self) -> nn.BatchNorm2d:
        """Batch normalisation of the input features."""
        return cast("nn.BatchNorm2d", self[0])

    @property
    def blocks(self) -> list[ConvolutionBlock]:
        """Convolution and batch normalisation of each block."""
        layers: list[Any] = list(self)
        starts = range(1, len(layers), LAYERS_PER_BLOCK)
        return [ConvolutionBlock(layers[start], layers[start + 1]) for start in starts]


class Head(nn.Sequential):
    """Fully connected layers of a member; positions of layers as in `networks.weight_names`.

    Parameters
    ----------
    inputs : int
        Values per window from all feature extractors.
    sizes : Architecture
    outputs : int
        Logits per window.
    """

    def __init__(self, inputs: int, sizes: Architecture, outputs: int) -> None:
        super().__init__(
            nn.Dropout(sizes.dropout),
            nn.Linear(inputs, sizes.hidden),
            nn.SELU(),
            nn.Dropout(sizes.dropout),
            nn.Linear(sizes.hidden, outputs),
        )

    @property
    def hidden_layer(self) -> nn.Linear:
        """Fully connected layer before the SELU."""
        return cast("nn.Linear", self[1])

    @property
    def output_layer(self) -> nn.Linear:
        """Fully connected layer that gives the logits."""
        return cast("nn.Linear", self[4])


class Member(nn.Module):
    """One binary network: features of N windows to N logits.

    Parameters
    ----------
    shapes : mapping of str to (int, int, int)
        Channels, rows and columns of each part of the representation.
    sizes : Architecture
    outputs : int
        1 for a member; the number of classes for the network of the shared pretraining.

    Attributes
    ----------
    branches : torch.nn.ModuleDict of FeatureExtractor
        By part of the representation; the name is part of the stored tensor names.
    head : Head
    """

    def __init__(
        self, shapes: Mapping[str, tuple[int, int, int]], sizes: Architecture, outputs: int = 1
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(
            {name: FeatureExtractor(shape[0], sizes) for name, shape in shapes.items()}
        )
        self._maxima = sizes.maxima
        inputs = sum(head_inputs(shape, sizes) for shape in shapes.values())
        self.head = Head(inputs, sizes, outputs)
        for layer in self.modules():
            # Random numbers of shapes alone load torch's compiler: 0.9 s for nothing.
            if isinstance(layer, (nn.Conv2d, nn.Linear)) and not layer.weight.is_meta:
                nn.init.kaiming_normal_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def feature_extractor(self, part: str) -> FeatureExtractor:
        """Return the convolution blocks of a part of the representation, such as "fft"."""
        return cast("FeatureExtractor", self.branches[part])

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return logits (N, outputs) of features {part: (N, C, H, W)}, float32."""
        inputs = []
        for name, extractor in self.branches.items():
            maps = extractor(features[name])
            inputs.append(maps.flatten(1))
            if self._maxima:
                inputs.append(maps.amax((2, 3)))
        logits: Tensor = self.head(torch.cat(inputs, 1))
        return logits


def map_shape(shape: tuple[int, int, int], sizes: Architecture) -> tuple[int, int]:
    """Return rows and columns of the feature maps after the last block.

    Parameters
    ----------
    shape : (int, int, int)
        Channels, rows and columns of the input features.
    sizes : Architecture

    Raises
    ------
    ModelError
        The input is too small for so many poolings.
    """
    rows, columns = shape[1:]
    for _ in sizes.channels:
        rows, columns = ((edge - 2 * (not sizes.padded)) // 2 for edge in (rows, columns))
    if min(rows, columns) < 1:
        raise ModelError(f"{len(sizes.channels)} poolings leave nothing of {shape[1:]} values")
    return rows, columns


def map_values(shape: tuple[int, int, int], sizes: Architecture) -> int:
    """Return the number of values in all feature maps after the last block; see `map_shape`."""
    return sizes.channels[-1] * math.prod(map_shape(shape, sizes))


def head_inputs(shape: tuple[int, int, int], sizes: Architecture) -> int:
    """Return how many values of a part the head receives: feature maps and their maxima."""
    return map_values(shape, sizes) + sizes.maxima * sizes.channels[-1]


def new_member(spec: EnsembleSpec, outputs: int = 1) -> Member:
    """Build an untrained member; the initial weights follow torch's random state.

    Parameters
    ----------
    spec : EnsembleSpec
    outputs : int
        Logits per window.
    """
    return Member(feature_shapes(spec.preprocessing), spec.network, outputs)


def move_to_device(member: Member, device: torch.device) -> Member:
    """Move a member to a device in channels-last memory format, the fastest for convolutions."""
    # torch's type information leaves memory_format out.
    return member.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def weight_shapes(spec: EnsembleSpec) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor that a model file of this description must hold.

    Parameters
    ----------
    spec : EnsembleSpec

    Returns
    -------
    dict of str to tuple of int
        By the names described in `networks.weight_names`.
    """
    with torch.device("meta"):
        state = new_member(spec).state_dict()
    return {
        weight_name(index, seed, name): tuple(tensor.shape)
        for index in range(len(spec.classes))
        for seed in range(len(spec.seeds))
        for name, tensor in state.items()
    }


def collect_weights(members: list[list[Member]]) -> dict[str, NDArray[Any]]:
    """Collect the tensors of trained members for a model file.

    Parameters
    ----------
    members : list of list of Member
        By class, then by seed.

    Returns
    -------
    dict of str to ndarray
        By the names described in `networks.weight_names`.
    """
    return {
        weight_name(index, seed, name): tensor.detach().cpu().numpy()
        for index, same_class in enumerate(members)
        for seed, member in enumerate(same_class)
        for name, tensor in member.state_dict().items()
    }
