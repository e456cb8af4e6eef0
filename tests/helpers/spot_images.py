"""Simulated images of spots on an amorphous film, without a lattice."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

import napari_stem_defects as sd
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.training.quick_images import LabelledImage


class SpotImage(NamedTuple):
    """An image with the places (y, x) of its spots in px."""

    micrograph: Micrograph
    spots: NDArray[np.float64]
    fwhm: float

    def found(self, places: NDArray[np.float64]) -> tuple[int, int]:
        """Return how many spots have a place within half their width, and how many have none."""
        near = np.hypot(*(self.spots[:, None] - places[None]).transpose(2, 0, 1)) < self.fwhm / 2
        return int(near.any(axis=1).sum()), int((~near.any(axis=0)).sum())


def film(shape: tuple[int, int], fwhm: float, seed: int) -> NDArray[np.float64]:
    """Return an amorphous film: speckle as wide as the probe, and slow changes of thickness."""
    rng = np.random.default_rng(seed)
    total = np.zeros(shape)
    for sigma, height in ((fwhm / 2.355, 1.0), (2 * fwhm, 0.7), (min(shape) / 8, 2.0)):
        part = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
        total += height * part / part.std()
    return total


def spot_image(
    seed: int = 0,
    *,
    count: int = 30,
    fwhm: float = 5.0,
    height: float = 14.0,
    shape: tuple[int, int] = (256, 256),
    pixel_size_nm: float | None = None,
) -> SpotImage:
    """Return spots on a film, with the noise of counted electrons.

    ``height`` is in standard deviations of the speckle; negative for dark spots.
    """
    rng = np.random.default_rng(seed)
    spots: list[NDArray[np.float64]] = []
    while len(spots) < count:
        place = rng.uniform(2 * fwhm, np.array(shape) - 2 * fwhm)
        if all(np.hypot(*(place - other)) > 1.7 * fwhm for other in spots):
            spots.append(place)
    y, x = np.indices(shape)
    image = film(shape, fwhm, seed + 1000)
    for at in spots:
        square = (y - at[0]) ** 2 + (x - at[1]) ** 2
        image += height * np.exp(-square / (2 * (fwhm / 2.355) ** 2))
    image += 5 - image.min()
    counted = rng.poisson(8 * image).astype(np.float32)
    micrograph = Micrograph(counted, "film")
    if pixel_size_nm is not None:
        micrograph = micrograph.with_pixel_size(pixel_size_nm, "file")
    return SpotImage(micrograph, np.array(spots).reshape(-1, 2), fwhm)


def clicked_spots(image: SpotImage, clicks: int, name: str = "Atom") -> LabelledImage:
    """Return an image with clicks near its first spots."""
    aim = np.random.default_rng(clicks).normal(0, 0.15 * image.fwhm, (clicks, 2))
    y, x = (image.spots[:clicks] + aim).T
    return LabelledImage(image.micrograph, y, x, (name,) * clicks)


def spot_project(folder: Path, image: SpotImage, clicks: int = 7, kind: str = "point") -> Path:
    """Write a label project with clicks on the first spots."""
    with sd.LabelProject.create(folder) as labels:
        labels.add_class("Atom", kind=kind)
        stored = labels.add_image(image.micrograph)
        for y, x in image.spots[:clicks]:
            labels.add(stored, float(y), float(x), "Atom")
    return folder
