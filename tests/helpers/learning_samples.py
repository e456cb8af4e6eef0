"""Small labelled data sets that are learned within one or two epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tifffile

from napari_stem_defects.training.clicks import Clicks, from_clicks
from napari_stem_defects.training.dataset import TrainingSet, from_patches

PERIODS = {"Bulk": 5.0, "SF1": 10.0, "SF2": 3.0}


def stripes(
    period: float, rng: np.random.Generator, shape: tuple[int, int] = (64, 64)
) -> np.ndarray:
    """Return stripes with a period in px, a random phase and noise."""
    phase = 2 * np.pi * (np.arange(shape[1]) / period + rng.random())
    return (2 + np.sin(phase) + rng.normal(0, 0.1, shape)).astype(np.float32)


def striped_patches(
    each: int = 12, seed: int = 0, classes: tuple[str, ...] = ("Bulk", "SF1")
) -> TrainingSet:
    """Return patches that do not overlap."""
    rng = np.random.default_rng(seed)
    labels = [name for name in classes for _ in range(each)]
    patches = np.stack([stripes(PERIODS[name], rng) for name in labels])
    return from_patches(patches, labels, [f"{name}_{i}.tif" for i, name in enumerate(labels)])


def striped_clicks(each: int = 8, seed: int = 0, images: int = 2) -> TrainingSet:
    """Return clicks in images whose left half is Bulk and whose right half is SF1."""
    rng = np.random.default_rng(seed)
    parents = []
    for number in range(images):
        halves = [stripes(PERIODS[name], rng, (200, 100)) for name in ("Bulk", "SF1")]
        y = rng.uniform(30, 170, 2 * each)
        x = rng.uniform(25, 75, 2 * each) + np.repeat([0, 100], each)
        labels = ("Bulk",) * each + ("SF1",) * each
        parents.append(Clicks(np.hstack(halves), y, x, labels, name=f"image {number}"))
    return from_clicks(parents, pixel_size_nm=0.03)


def write_striped_folder(folder: Path, each: int = 8) -> Path:
    """Write a folder with this number of striped patches of each class; return it."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for name in ("Bulk", "SF1"):
        for number in range(each):
            pixels = np.clip(60 * stripes(PERIODS[name], rng), 0, 255).astype(np.uint8)
            tifffile.imwrite(folder / f"{name}_{number}.tif", pixels)
    return folder
