"""Result folders with the image that they belong to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import tifffile
from result_samples import MODEL, detection

from napari_stem_defects.io.images.read import read
from napari_stem_defects.io.results.result_folder import write_results

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SHAPE = (96, 128)


def write_image(path: Path, frames: int | None = None, *, seed: int = 0) -> Path:
    """Write noise as a calibrated TIFF and return its path."""
    shape = SHAPE if frames is None else (frames, *SHAPE)
    noise = np.random.default_rng(seed).random(shape).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, noise, photometric="minisblack")
    return path


def write_result(
    image: Path, out: Path, frames: Sequence[int] | None = None, *, threshold: float = 0.5
) -> Path:
    """Write the result of an image, for all or for some of its frames; return its folder."""
    micrograph = replace(read(image), pixel_size_nm=0.05, pixel_size_source="user")
    chosen = range(micrograph.frame_count) if frames is None else frames
    found = [detection(micrograph, frame, threshold=threshold) for frame in chosen]
    return write_results(out, micrograph, found, MODEL)
