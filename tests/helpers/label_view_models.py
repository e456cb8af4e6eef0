"""View models of labels without widgets, which remember their failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.napari_plugin.panels.label.view_model import LabelViewModel

if TYPE_CHECKING:
    from pathlib import Path

CLASSES = ("Bulk", "SF1")


def noise_micrograph(frames: int = 0) -> Micrograph:
    """Return an image of 100x120 px, or a stack."""
    shape = (frames, 100, 120) if frames else (100, 120)
    pixels = np.random.default_rng(0).random(shape, np.float32)
    return Micrograph(pixels, "CdTe", sha256="ab" * 32)


def labelling(project: Path) -> LabelViewModel:
    """Return a view model with a new project and an image."""
    made = LabelViewModel()
    made.failures = []  # type: ignore[attr-defined]
    made.failed.connect(made.failures.append)  # type: ignore[attr-defined]
    made.create(project, CLASSES)
    made.show(noise_micrograph())
    return made


def failures(view_model: LabelViewModel) -> list[str]:
    """Return the messages of a view model that `labelling` made."""
    messages: list[str] = view_model.failures  # type: ignore[attr-defined]
    return messages
