"""The representation of many windows at once, on whatever device the networks are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_stem_defects.preprocessing.filters import NO_SIGNAL
from napari_stem_defects.preprocessing.pipeline import window_profile

if TYPE_CHECKING:
    from torch import Tensor

    from napari_stem_defects.preprocessing.settings import (
        PreprocessingSettings,
    )


def features_on_device(patches: Tensor, settings: PreprocessingSettings) -> dict[str, Tensor]:
    """Return what `preprocessing.features` returns, of a tensor (N, P, P) on any device."""
    if settings.contrast_px == 0:
        patches = _by_own_maximum(patches)
    seen = {}
    if "fft" in settings.representation:
        weighted = patches
        if settings.window != "none":
            profile = torch.from_numpy(window_profile(settings.patch_px))
            weighted = patches * profile.to(patches.device)
        spectrum = _half_spectrum(weighted, settings.cutoff)
        limit = settings.threshold * spectrum.amax((-2, -1), keepdim=True)
        seen["fft"] = torch.where(spectrum >= limit, spectrum, 0.0)[:, None]
    if "real" in settings.representation:
        seen["real"] = patches[:, None]
    return seen


def _by_own_maximum(patches: Tensor) -> Tensor:
    highest = patches.abs().amax((-2, -1), keepdim=True)
    return torch.where(highest > NO_SIGNAL, patches / highest, 0.0)


def _half_spectrum(patches: Tensor, cutoff: float) -> Tensor:
    """Return log1p |FFT| of patches (N, P, P) up to the cutoff, each frequency once."""
    kept = round(cutoff * patches.shape[-1])
    transform = torch.fft.fft(torch.fft.rfft(patches)[..., : kept + 1], dim=-2)
    transform = torch.cat([transform[:, -kept:], transform[:, :kept]], 1)
    return transform.abs().log1p_()
