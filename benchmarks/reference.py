"""A straightforward implementation of the method, the baseline of all speed figures.

Seven separate members in float32, the full spectrum of every window, pooling after SELU, one
batch of windows at a time. It takes weights and filtered images from the package and nothing
else: features and networks are implemented here independently.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn

from napari_stem_defects.networks.member import new_member

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings
    from napari_stem_defects.preprocessing.windows import Grid

BATCH = 64


def predict(filtered: NDArray[np.float32], ensemble: Ensemble, grid: Grid) -> NDArray[np.float32]:
    """Return probabilities (C, gy, gx) as `inference.predict` does."""
    spec = ensemble.spec
    size = spec.preprocessing.patch_px
    views = sliding_window_view(np.pad(filtered, size // 2), (size, size))
    centres = [(y, x) for y in grid.y for x in grid.x]
    members = [
        [_member(ensemble, n, k) for k in range(len(spec.seeds))] for n in range(len(spec.classes))
    ]
    parts = []
    with torch.inference_mode():
        for start in range(0, len(centres), BATCH):
            patches = np.stack([views[centre] for centre in centres[start : start + BATCH]])
            seen = _features(patches, spec.preprocessing)
            logits = [sum(member(seen)[:, 0] for member in same) / len(same) for same in members]
            parts.append(spec.calibrated_probabilities(torch.stack(logits, 1).numpy()))
    shape = (len(grid.y), len(grid.x), len(spec.classes))
    return np.concatenate(parts).reshape(shape).transpose(2, 0, 1)


def _features(patches: NDArray[np.float32], settings: PreprocessingSettings) -> dict[str, Tensor]:
    if settings.contrast_px == 0:
        highest = np.abs(patches).max((1, 2), keepdims=True)
        patches = patches / np.where(highest > 1e-6, highest, np.inf)
    size = settings.patch_px
    profile = np.ones(size)
    if settings.window == "hann":
        profile = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(size) + 0.5) / size)
    seen = {}
    if "fft" in settings.representation:
        spectrum = np.log1p(np.abs(np.fft.fft2(patches * np.outer(profile, profile))))
        kept = round(settings.cutoff * size)
        spectrum = spectrum[:, np.arange(-kept, kept)][:, :, : kept + 1]
        limit = settings.threshold * spectrum.max((1, 2), keepdims=True)
        seen["fft"] = np.where(spectrum >= limit, spectrum, 0)
    if "real" in settings.representation:
        seen["real"] = patches
    return {name: torch.from_numpy(x[:, None].astype(np.float32)) for name, x in seen.items()}


def _member(ensemble: Ensemble, index: int, seed: int) -> nn.Module:
    """Return a member with its weights and each pooling after its SELU, as in the abstract."""
    member = new_member(ensemble.spec)
    prefix = f"{index}.{seed}."
    member.load_state_dict(
        {
            name.removeprefix(prefix): torch.from_numpy(np.array(tensor))
            for name, tensor in ensemble.weights.items()
            if name.startswith(prefix)
        }
    )
    for name, branch in member.branches.items():
        layers = list(branch)
        for at in range(3, len(layers), 4):
            layers[at], layers[at + 1] = layers[at + 1], layers[at]
        member.branches[name] = nn.Sequential(*layers)
    return member.eval()
