"""A model with random weights that runs in milliseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from napari_stem_defects.io.models.model_file import save_model
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.member import (
    collect_weights,
    new_member,
)
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.settings import PreprocessingSettings

if TYPE_CHECKING:
    from pathlib import Path


def write_small_model(
    path: Path, classes: tuple[str, ...] = ("Bulk", "SF1"), **described: object
) -> Path:
    """Write a model of small members, one per class, and return its path."""
    about: dict[str, Any] = {"architecture": Architecture(channels=(2, 2), hidden=2)} | described
    spec = EnsembleSpec(name=path.stem, classes=classes, pixel_size_nm=0.027, **about)
    torch.manual_seed(0)
    members = [[new_member(spec).eval()] for _ in spec.classes]
    save_model(Ensemble(spec, collect_weights(members)), path)
    return path


def write_dense_model(path: Path, **described: object) -> Path:
    """Write a small model without padding, as dense inference needs it."""
    return write_small_model(
        path,
        architecture=Architecture(channels=(2, 2), hidden=2, padded=False),
        preprocessing=PreprocessingSettings(representation="real"),
        **described,
    )
