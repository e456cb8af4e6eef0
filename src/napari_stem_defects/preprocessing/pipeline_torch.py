"""Stages d and e for tensors, on the device of the networks; the twin of `pipeline.features`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from napari_stem_defects.preprocessing.filters import NO_SIGNAL
from napari_stem_defects.preprocessing.pipeline import window_profile

if TYPE_CHECKING:
    from torch import Tensor

    from napari_stem_defects.preprocessing.settings import PreprocessingSettings


def features_on_device(patches: Tensor, settings: PreprocessingSettings) -> dict[str, Tensor]:
    """Compute the input of the networks from filtered patches, as `pipeline.features` does.

    Parameters
    ----------
    patches : Tensor of float32, shape (N, P, P)
        Patches of an image from `pipeline.filter_image`, on any device.
    settings : PreprocessingSettings
        Representation, window function, cutoff and threshold.

    Returns
    -------
    dict of Tensor
        ``"fft"``, shape (N, 1, rows, columns), ``"real"`` and ``"residual"``, shape (N, 1, P, P);
        only those that the representation names.
    """
    if settings.is_residual:
        return {"residual": patches[:, None]}
    if settings.contrast_px == 0:
        patches = _divide_by_maximum(patches)
    network_input = {}
    if "fft" in settings.representation:
        windowed = patches
        if settings.window != "none":
            profile = torch.from_numpy(window_profile(settings.patch_px))
            windowed = patches * profile.to(patches.device)
        spectrum = _half_spectrum(windowed, settings.cutoff)
        limit = settings.threshold * spectrum.amax((-2, -1), keepdim=True)
        network_input["fft"] = torch.where(spectrum >= limit, spectrum, 0.0)[:, None]
    if "real" in settings.representation:
        network_input["real"] = patches[:, None]
    return network_input


def _divide_by_maximum(patches: Tensor) -> Tensor:
    highest = patches.abs().amax((-2, -1), keepdim=True)
    return torch.where(highest > NO_SIGNAL, patches / highest, 0.0)


def _half_spectrum(patches: Tensor, cutoff: float) -> Tensor:
    """Return log1p |FFT| of patches (N, P, P) up to the cutoff, each frequency once."""
    kept = round(cutoff * patches.shape[-1])
    transform = torch.fft.fft(torch.fft.rfft(patches)[..., : kept + 1], dim=-2)
    transform = torch.cat([transform[:, -kept:], transform[:, :kept]], 1)
    return transform.abs().log1p_()
