"""Folders of surveys with the image that they belong to."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from crystal_images import crystal_image

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.survey_folder import write_survey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.survey_frame import Survey

SIZE_NM = 0.02


@cache
def crystal(seed: int = 0, size: int = 200) -> NDArray[np.float32]:
    """Return the pixels of a crystal without some of its columns."""
    return crystal_image(missing=5, size=size, seed=seed).pixels


def write_crystal(path: Path, frames: int | None = None, *, seed: int = 0, size: int = 200) -> Path:
    """Write a crystal, or a stack of them, as .npy and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seeds = range(seed, seed + (frames or 1))
    stack = np.stack([crystal(each, size) for each in seeds])
    np.save(path, stack if frames else stack[0])
    return path


def write_surveys(
    image: Path, out: Path, frames: Sequence[int] | None = None
) -> tuple[Path, list[Survey]]:
    """Survey an image, or some of its frames; return the folder and what was written."""
    micrograph = read(image).with_pixel_size(SIZE_NM, "user")
    chosen = range(micrograph.frame_count) if frames is None else frames
    found = [survey_frame(micrograph.frame(frame), frame=frame) for frame in chosen]
    return write_survey(out, micrograph, found, len(found)), found
