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

from napari_stem_defects.errors import ModelError
from napari_stem_defects.networks.trunk import GroupedTrunk
from napari_stem_defects.preprocessing.pipeline import feature_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Architecture, Ensemble, EnsembleSpec

Shapes = Mapping[str, tuple[int, int, int]]
Precision = Literal["float32", "bfloat16", "float16"]

# Values per thread that the first blocks of the windows asked together make in all: measured, 16
# windows of seven members.
CACHED_VALUES = 5_600_000
# Rows of windows of an image that the fully connected layers are given together.
ROWS_AT_ONCE = 8


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
            nn.Conv2d(channels, width, 3, padding=int(sizes.padded), bias=False),
            nn.BatchNorm2d(width),
            nn.MaxPool2d(2),
            nn.SELU(),
        ]
        channels = width
    return nn.Sequential(*layers)


def _edges(shape: tuple[int, int, int], sizes: Architecture) -> tuple[int, int]:
    """Return rows and columns of the maps that the last block gives out."""
    rows, columns = shape[1:]
    for _ in sizes.channels:
        rows, columns = ((edge - 2 * (not sizes.padded)) // 2 for edge in (rows, columns))
    if min(rows, columns) < 1:
        raise ModelError(f"{len(sizes.channels)} poolings leave nothing of {shape[1:]} values")
    return rows, columns


def _flat_width(shape: tuple[int, int, int], sizes: Architecture) -> int:
    return sizes.channels[-1] * math.prod(_edges(shape, sizes))


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


def in_one_pass(spec: EnsembleSpec) -> bool:
    """Say whether overlapping windows share their feature maps, so that an image needs one pass.

    They do where a window is nothing but a part of the flattened image, and nothing is put
    around it.
    """
    settings = spec.preprocessing
    plain = settings.representation == "real" and settings.contrast_px > 0
    return plain and not spec.architecture.padded


def multiplications(spec: EnsembleSpec, step: int | None = None) -> int:
    """Count the multiplications of one window's answer from one member, convolutions and head.

    Parameters
    ----------
    spec : EnsembleSpec
    step : int, optional
        Px from window to window where they share their feature maps (`EnsembleNetwork.ask_everywhere`);
        a window by itself by default.
    """
    sizes, count = spec.architecture, 0
    for channels, *edges in feature_shapes(spec.preprocessing).values():
        count += _head_width((channels, edges[0], edges[1]), sizes) * sizes.hidden
        left = step
        for width in sizes.channels:
            edges = [edge - 2 * (not sizes.padded) for edge in edges]
            places = math.prod(edges) if left is None else left**2
            count += 9 * channels * width * places
            edges, channels = [edge // 2 for edge in edges], width
            if left is not None and left % 2 == 0:
                left //= 2
    return count


class EnsembleNetwork:
    """Members of an ensemble on one device, merged for answering.

    Equal layers of all members are one convolution in groups; batch normalisation is part of
    its weights, and inputs lie as channels-last. In float32 the answers are the members' own to
    within rounding. In half precision the first block stays in float32: rounding its inputs and
    weights caused most of the error, and with one input channel it gains nothing.

    Parameters
    ----------
    ensemble : Ensemble
    device : str
        A torch device name.
    precision : {"float32", "bfloat16", "float16"}
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
        self._branches: dict[str, GroupedTrunk] = {}
        self._hidden: dict[str, Tensor] = {}
        weights = torch.stack([one.weight for one, _ in heads])
        for name in members[0].branches:
            of_members = [list(cast("nn.Sequential", member.branches[name])) for member in members]
            padded = self.spec.architecture.padded
            branch = GroupedTrunk(of_members, self._dtype, padded).to(self.device)
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
        """Return logits (N, members)."""
        hidden = self._hidden_bias
        for name, branch in self._branches.items():
            seen = branch(features[name].to(self.device)).flatten(1, 2)
            hidden = hidden + self._hidden_of(name, seen)
        return self._out_of(hidden)

    def ask_everywhere(self, image: Tensor, step: int) -> Tensor:
        """Return logits (gy, gx, members) of the windows at every multiple of a step.

        Parameters
        ----------
        image : Tensor of float32, shape (Y, X)
            A flattened image on the device, at least as large as a window; the first window is
            its upper left corner. The ensemble must be one of those `in_one_pass` says yes to.
        step : int
            Px from window to window.
        """
        ((name, branch),) = self._branches.items()
        edge = _edges(feature_shapes(self.spec.preprocessing)[name], self.spec.architecture)[0]
        with torch.inference_mode():
            seen, step, spacing = branch.everywhere(image[None, None], step)
            reach = (edge - 1) * spacing
            rows, columns = (length - reach for length in seen.shape[1:3])
            parts = []
            for first in range(0, rows, step * ROWS_AT_ONCE):
                strip = seen[0, first : min(first + step * ROWS_AT_ONCE, rows) + reach]
                views = [
                    strip[y : len(strip) - reach + y : step, x : columns + x : step]
                    for y in range(0, edge * spacing, spacing)
                    for x in range(0, edge * spacing, spacing)
                ]
                flat = torch.stack(views, 2)
                hidden = self._hidden_bias + self._hidden_of(name, flat.flatten(0, 1))
                parts.append(self._out_of(hidden).reshape(*flat.shape[:2], -1))
            return torch.cat(parts)

    def _hidden_of(self, name: str, seen: Tensor) -> Tensor:
        """Return a branch's part (members, N, hidden) of maps (N, places, members x channels)."""
        maps = seen.reshape(*seen.shape[:2], self._count, -1).permute(2, 0, 1, 3)
        flat = maps.flatten(-2)
        if self.spec.architecture.maxima:
            flat = torch.cat([flat, maps.amax(2)], -1)
        return torch.bmm(flat, self._hidden[name]).float()

    def _out_of(self, hidden: Tensor) -> Tensor:
        """Return logits (N, members) of the hidden layer before its SELU, (members, N, hidden)."""
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
