"""Crystals with clicks, as arrays and as label projects."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from crystal_images import CrystalImage, crystal_image

import napari_stem_defects as sd
from napari_stem_defects.training.quick_images import LabelledImage


def labelled(image: CrystalImage, clicks: int, name: str = "Vac") -> LabelledImage:
    """Return an image with clicks on its first defects."""
    y, x = image.defects[:clicks].T
    return LabelledImage(image.micrograph, y, x, (name,) * clicks)


def vacancies(seed: int = 0, **options: Any) -> CrystalImage:
    """Return a crystal with nine missing columns."""
    return crystal_image(**{"missing": 9, "size": 300, "seed": seed, **options})


def click_project(
    folder: Path,
    image: CrystalImage,
    clicks: int = 4,
    *,
    name: str = "Vac",
    bulk: int = 0,
    pixel_size_nm: float | None = None,
) -> Path:
    """Write a label project with clicks on the first defects, and some on the perfect crystal."""
    micrograph = image.micrograph
    if pixel_size_nm is not None:
        micrograph = micrograph.with_pixel_size(pixel_size_nm, "user")
    with sd.LabelProject.create(folder) as labels:
        labels.add_class(name)
        stored = labels.add_image(micrograph)
        for y, x in image.defects[:clicks]:
            labels.add(stored, float(y), float(x), name)
        if bulk:
            labels.add_class("Bulk")
        rng = np.random.default_rng(1)
        while bulk:
            y, x = rng.uniform(40, min(image.pixels.shape) - 40, 2)
            if np.hypot(*(image.defects - (y, x)).T).min() > 3 * image.period:
                labels.add(stored, float(y), float(x), "Bulk")
                bulk -= 1
    return folder
