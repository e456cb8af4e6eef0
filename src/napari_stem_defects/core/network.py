"""The custom CNN of the abstract: one binary network per class, and the ensemble of them.

Each block is a 3x3 convolution (He-normal start), batch normalisation, 2x2 maximum and SELU;
the abstract pools after SELU, which gives the same numbers (SELU is monotonic) at four times the
cost. A representation of two parts ("fft+real") gives each part convolutions of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_stem_defects.core.preprocessing import feature_shapes
from napari_stem_defects.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.core.ensemble import Architecture, Ensemble, EnsembleSpec

Shapes = Mapping[str, tuple[int, int, int]]


class Member(nn.Module):
    """One binary network: features of N patches in, N logits out.

    Parameters
    ----------
    shapes : mapping of str to (int, int, int)
        Channels, rows and columns of each part of the representation.
    sizes : Architecture
    outputs : int
        1 for a member; the number of classes for the common start of all members.
    """

    def __init__(self, shapes: Shapes, sizes: Architecture, outputs: int = 1) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(
            {name: _branch(shape[0], sizes) for name, shape in shapes.items()}
        )
        width = sum(_flat_width(shape, sizes) for shape in shapes.values())
        self.head = nn.Sequential(
            nn.Dropout(sizes.dropout),
            nn.Linear(width, sizes.hidden),
            nn.SELU(),
            nn.Dropout(sizes.dropout),
            nn.Linear(sizes.hidden, outputs),
        )
        for layer in self.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight)
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)

    def forward(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return logits (N, outputs) of features {name: (N, C, H, W)}."""
        seen = [branch(features[name]).flatten(1) for name, branch in self.branches.items()]
        logits: Tensor = self.head(torch.cat(seen, 1))
        return logits


def _branch(channels: int, sizes: Architecture) -> nn.Sequential:
    layers: list[nn.Module] = [nn.BatchNorm2d(channels)]
    for width in sizes.channels:
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.MaxPool2d(2),
            nn.SELU(),
        ]
        channels = width
    return nn.Sequential(*layers)


def _flat_width(shape: tuple[int, int, int], sizes: Architecture) -> int:
    shrink = 1 << len(sizes.channels)
    left = (shape[1] // shrink) * (shape[2] // shrink)
    if left == 0:
        raise ModelError(f"{len(sizes.channels)} poolings leave nothing of {shape[1:]} values")
    return sizes.channels[-1] * left


def new_member(spec: EnsembleSpec, outputs: int = 1) -> Member:
    """Build an untrained member for an ensemble; weights follow torch's random state."""
    return Member(feature_shapes(spec.preprocessing), spec.architecture, outputs)


def placed(member: Member, device: torch.device) -> Member:
    """Move a member to a device, its images as channels-last, which convolutions like best."""
    # torch's type information leaves memory_format out.
    return member.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def weight_shapes(spec: EnsembleSpec) -> dict[str, tuple[int, ...]]:
    """List every tensor a model file of this description must hold, with its shape."""
    with torch.device("meta"):
        state = new_member(spec).state_dict()
    return {
        f"{index}.{seed}.{name}": tuple(tensor.shape)
        for index in range(len(spec.classes))
        for seed in range(len(spec.seeds))
        for name, tensor in state.items()
    }


def weights_of(members: list[list[Member]]) -> dict[str, NDArray[Any]]:
    """Collect the tensors of members [class][seed] under the names `weight_shapes` lists."""
    return {
        f"{index}.{seed}.{name}": tensor.detach().cpu().numpy()
        for index, same_class in enumerate(members)
        for seed, member in enumerate(same_class)
        for name, tensor in member.state_dict().items()
    }


class Network:
    """All members of an ensemble on one device.

    Parameters
    ----------
    ensemble : Ensemble
    device : str
        A torch device name.
    """

    def __init__(self, ensemble: Ensemble, device: str = "cpu") -> None:
        self.spec = ensemble.spec
        self.device = torch.device(device)
        self._members = [
            [self._load(ensemble, index, seed) for seed in range(len(self.spec.seeds))]
            for index in range(len(self.spec.classes))
        ]

    def _load(self, ensemble: Ensemble, index: int, seed: int) -> Member:
        with torch.device("meta"):
            member = new_member(self.spec)
        prefix = f"{index}.{seed}."
        state = {
            name.removeprefix(prefix): torch.from_numpy(np.array(tensor))
            for name, tensor in ensemble.weights.items()
            if name.startswith(prefix)
        }
        member.load_state_dict(state, assign=True)
        return placed(member, self.device).eval()

    def logits(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return every member's answer.

        Parameters
        ----------
        features : mapping of str to ndarray of float32, shape (N, C, H, W)
            What `preprocessing.features` gave.

        Returns
        -------
        ndarray of float32, shape (K, N, classes)
            Uncalibrated logits of the K seeds.
        """
        # inference_mode is a property of the thread, so it is entered on every call.
        with torch.inference_mode():
            inputs = {
                name: torch.from_numpy(array).to(self.device, memory_format=torch.channels_last)
                for name, array in features.items()
            }
            answers = [[member(inputs)[:, 0] for member in same] for same in self._members]
            stacked = torch.stack([torch.stack(same) for same in answers])
        result: NDArray[np.float32] = stacked.permute(1, 2, 0).float().cpu().numpy()
        return result

    def probabilities(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return calibrated probabilities (N, classes): the members' mean logit, calibrated."""
        return self.spec.calibrated(self.logits(features).mean(0))
