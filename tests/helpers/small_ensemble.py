"""Small untrained ensembles, a noise image and a memory limit for tests of inference."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.ensemble import EnsembleNetwork
from napari_stem_defects.networks.member import collect_weights, new_member
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

SPEC = EnsembleSpec(
    "small",
    ("SF1", "Bulk", "LC"),
    seeds=(0, 1),
    preprocessing=PreprocessingSettings(representation="fft+real"),
    architecture=Architecture(channels=(4, 8), hidden=8),
)


def small_ensemble(spec: EnsembleSpec = SPEC) -> Ensemble:
    torch.manual_seed(0)
    members = [[new_member(spec).eval() for _ in spec.seeds] for _ in spec.classes]
    return Ensemble(spec, collect_weights(members))


def filtered_noise() -> np.ndarray:
    """Return a filtered image of noise, 150 x 170 px."""
    noise = np.random.default_rng(0).random((150, 170), dtype=np.float32)
    return filter_image(noise, SPEC.preprocessing)


class LimitedMemory:
    """Makes networks on a device run out of memory above a number of windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, device: str, error: Exception, holds: int):
        self.calls: list[tuple[str, int]] = []
        compute = EnsembleNetwork.member_logits

        def limited(network: EnsembleNetwork, seen: dict[str, torch.Tensor]) -> torch.Tensor:
            count = len(next(iter(seen.values())))
            self.calls.append((network.device.type, count))
            if network.device.type == device and count > holds:
                raise error
            return compute(network, seen)

        monkeypatch.setattr(EnsembleNetwork, "member_logits", limited)
