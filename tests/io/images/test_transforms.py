from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.io.images.transforms import is_transform

IMAGE = np.random.default_rng(0).random((60, 82))


@pytest.mark.parametrize("shape", [(60, 82), (61, 83), (8, 9)])
@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_transforms_of_images(shape: tuple[int, int], centred: bool, mean: float) -> None:
    image = IMAGE[:8, :9] if shape == (8, 9) else np.random.default_rng(1).random(shape)
    transform = np.fft.fft2(image - image.mean() + mean)
    assert is_transform(np.fft.fftshift(transform) if centred else transform)


@pytest.mark.parametrize(
    "array",
    [
        IMAGE,
        np.exp(1j * IMAGE),
        IMAGE * np.exp(1j * IMAGE[::-1]),
        IMAGE + 0j,
        np.zeros((60, 82), complex),
        np.ones((60, 82), complex),
        np.zeros(9, complex),
    ],
)
def test_what_is_no_transform(array: np.ndarray) -> None:
    assert not is_transform(array)
