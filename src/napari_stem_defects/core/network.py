"""The custom CNN of the abstract: one binary network per class, and the ensemble of them.

Each block is a 3x3 convolution (He-normal start), batch normalisation, 2x2 maximum and SELU;
the abstract pools after SELU, which gives the same numbers (SELU is monotonic) at four times the
cost. A representation of two parts ("fft+real") gives each part convolutions of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

import numpy as np
import torch
from torch import Tensor, nn

from napari_stem_defects.core.preprocessing import feature_shapes
from napari_stem_defects.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.core.ensemble import Architecture, Ensemble, EnsembleSpec

Shapes = Mapping[str, tuple[int, int, int]]
Precision = Literal["float32", "bfloat16"]

# Values per thread that the first block makes at a time (2.8 MB), and that the first blocks of
# the windows asked together make in all: measured, 2 and 16 windows of seven members.
FIRST_VALUES = 700_000
CACHED_VALUES = 5_600_000


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
        self._maxima = sizes.maxima
        width = sum(_head_width(shape, sizes) for shape in shapes.values())
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
        seen = []
        for name, branch in self.branches.items():
            maps = branch(features[name])
            seen.append(maps.flatten(1))
            if self._maxima:
                seen.append(maps.amax((2, 3)))
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


def _head_width(shape: tuple[int, int, int], sizes: Architecture) -> int:
    """Return how many numbers of a branch the head is given."""
    return _flat_width(shape, sizes) + sizes.maxima * sizes.channels[-1]


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
    """Members of an ensemble on one device, merged for answering.

    Equal layers of all members are one convolution in groups; batch normalisation is part of
    its weights, and inputs lie as channels-last. In float32 the answers are the members' own to
    within rounding. In bfloat16 the first block stays in float32: rounding its inputs and
    weights caused most of the error, and with one input channel it gains nothing.

    Parameters
    ----------
    ensemble : Ensemble
    device : str
        A torch device name.
    precision : {"float32", "bfloat16"}
        What the blocks after the first compute in.
    classes : sequence of int, optional
        Indices of the classes whose members are asked; all by default.
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
        asked = range(len(self.spec.classes)) if classes is None else classes
        with torch.inference_mode():
            self._merge([_loaded(ensemble, n, k) for n in asked for k in self._seeds])

    @property
    def _seeds(self) -> range:
        return range(len(self.spec.seeds))

    def _merge(self, members: Sequence[Member]) -> None:
        self._count = len(members)
        heads: list[tuple[Any, Any]] = [(member.head[1], member.head[4]) for member in members]
        self._branches: dict[str, _Branch] = {}
        self._hidden: dict[str, Tensor] = {}
        weights = torch.stack([one.weight for one, _ in heads])
        for name in members[0].branches:
            of_members = [list(cast("nn.Sequential", member.branches[name])) for member in members]
            branch = _Branch(of_members, self._dtype).to(self.device)
            shape = feature_shapes(self.spec.preprocessing)[name]
            flat, size = (
                width(shape, self.spec.architecture) for width in (_flat_width, _head_width)
            )
            part, weights = weights[..., :size], weights[..., size:]
            # Members flatten channels first, here they come last.
            maps = part[..., :flat].reshape(*part.shape[:2], branch.channels, -1)
            part = torch.cat([maps.transpose(-1, -2).flatten(-2), part[..., flat:]], -1)
            self._hidden[name] = part.transpose(1, 2).to(self.device, self._dtype)
            self._branches[name] = branch
        self._hidden_bias = torch.stack([one.bias for one, _ in heads])[:, None].to(self.device)
        self._out = torch.stack([two.weight.T for _, two in heads]).to(self.device)
        self._out_bias = torch.stack([two.bias for _, two in heads])[:, None].to(self.device)

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
        inputs = {name: torch.from_numpy(array) for name, array in features.items()}
        asked, seeds = self.ask(inputs), len(self.spec.seeds)
        answers = asked.reshape(len(asked), self._count // seeds, seeds)
        result: NDArray[np.float32] = answers.permute(2, 0, 1).cpu().numpy()
        return result

    def probabilities(self, features: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        """Return calibrated probabilities (N, classes): the members' mean logit, calibrated."""
        return self.spec.calibrated(self.logits(features).mean(0))

    def ask(self, features: Mapping[str, Tensor]) -> Tensor:
        """Return logits (N, members) of features (N, C, H, W); all float32, on the device.

        Members are ordered by class, then by seed.
        """
        # inference_mode is a property of the thread, so it is entered on every call.
        with torch.inference_mode():
            count = len(next(iter(features.values())))
            step = self._step(features)
            parts = [
                self._ask_at_once({name: x[at : at + step] for name, x in features.items()})
                for at in range(0, count, step)
            ]
            return torch.cat(parts) if parts else torch.zeros(0, self._count, device=self.device)

    def _step(self, features: Mapping[str, Tensor]) -> int:
        """Return how many windows to ask about together: on a CPU what its cache holds."""
        if self.device.type != "cpu":
            return max(1, len(next(iter(features.values()))))
        largest = max(
            math.prod(x.shape[1:]) * branch.width
            for x, branch in zip(features.values(), self._branches.values(), strict=True)
        )
        return max(1, CACHED_VALUES * torch.get_num_threads() // largest)

    def _ask_at_once(self, features: Mapping[str, Tensor]) -> Tensor:
        hidden = self._hidden_bias
        for name, branch in self._branches.items():
            seen = branch(features[name].to(self.device))
            seen = seen.reshape(len(seen), -1, self._count, branch.channels)
            seen = seen.permute(2, 0, 1, 3)
            flat = seen.flatten(-2)
            if self.spec.architecture.maxima:
                flat = torch.cat([flat, seen.amax(2)], -1)
            hidden = hidden + torch.bmm(flat, self._hidden[name]).float()
        return torch.baddbmm(self._out_bias, nn.functional.selu(hidden), self._out)[..., 0].T


def _loaded(ensemble: Ensemble, index: int, seed: int) -> Member:
    """Return the member of a class and a seed."""
    with torch.device("meta"):
        member = new_member(ensemble.spec)
    prefix = f"{index}.{seed}."
    state = {
        name.removeprefix(prefix): torch.from_numpy(np.array(tensor))
        for name, tensor in ensemble.weights.items()
        if name.startswith(prefix)
    }
    member.load_state_dict(state, assign=True)
    return member.eval()


class _Branch:
    """One branch of all members: features in, what the last block gives out.

    Its first block sees a second channel of ones. Through it the shift of the members' first
    batch norm ends at the border of the image exactly as behind a zero padding.
    """

    def __init__(self, members: Sequence[Sequence[Any]], dtype: torch.dtype) -> None:
        self.depth = (len(members[0]) - 1) // 4
        self._groups = len(members)
        self._dtype = dtype
        self._weights, self._biases = [], []
        for block in range(self.depth):
            folded = [_folded(layers, block) for layers in members]
            kind = torch.float32 if block == 0 else dtype
            weight = torch.cat([weight for weight, _ in folded]).to(kind)
            self._weights.append(weight.contiguous(memory_format=torch.channels_last))
            self._biases.append(torch.cat([bias for _, bias in folded]).to(kind))
        self.width = len(self._biases[0])
        self.channels = len(self._biases[-1]) // self._groups

    def to(self, device: torch.device) -> _Branch:
        """Move the weights to a device."""
        self._weights = [weight.to(device) for weight in self._weights]
        self._biases = [bias.to(device) for bias in self._biases]
        return self

    def __call__(self, features: Tensor) -> Tensor:
        """Return (N, H, W, members x channels) of features (N, 1, rows, columns)."""
        seen = torch.stack([features[:, 0], torch.ones_like(features[:, 0])], -1)
        seen = self._first(seen.permute(0, 3, 1, 2))
        for weight, bias in zip(self._weights[1:], self._biases[1:], strict=True):
            seen = nn.functional.conv2d(
                seen.permute(0, 3, 1, 2), weight, bias, padding=1, groups=self._groups
            )
            seen = nn.functional.selu_(_pooled(seen))
        return seen

    def _first(self, seen: Tensor) -> Tensor:
        """Return the first block of images (N, 2, rows, columns), few of them at a time.

        Before pooling its values are the largest of the network by far, and leave a CPU's cache.
        """
        step = max(1, len(seen))
        if seen.device.type == "cpu":
            step = max(
                1, FIRST_VALUES * torch.get_num_threads() // (seen[0, 0].numel() * self.width)
            )
        parts = []
        for at in range(0, len(seen), step):
            part = nn.functional.conv2d(
                seen[at : at + step], self._weights[0], self._biases[0], padding=1
            )
            parts.append(nn.functional.selu_(_pooled(part)).to(self._dtype))
        return torch.cat(parts)


def _folded(layers: Sequence[Any], block: int) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a block's convolution with the batch norms put into them."""
    convolution, norm = layers[1 + 4 * block], layers[2 + 4 * block]
    gain, shift = _gain(norm)
    weight = convolution.weight * gain[:, None, None, None]
    if block == 0:
        before, ones = _gain(layers[0])
        scaled, constant = weight * before[:, None, None], weight * ones[:, None, None]
        weight = torch.cat([scaled, constant.sum(1, keepdim=True)], 1)
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
