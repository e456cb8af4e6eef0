"""Continuation of a crystal beyond the border."""

from __future__ import annotations

import numpy as np
import pytest

from napari_stem_defects.anomaly.continuation import best_lattice, padded_rows

VECTORS = np.array([(1.5, 6.5), (7.25, -1.0)])


def _wave(y, x, vectors=VECTORS):
    """A smooth function with the period of the lattice."""
    reciprocal = np.linalg.inv(vectors)
    phases = np.tensordot(np.stack([y, x], axis=-1), reciprocal, axes=1)
    return np.cos(2 * np.pi * phases).sum(axis=-1).astype(np.float32)


def _image(shape=(60, 80), vectors=VECTORS):
    return _wave(*np.mgrid[: shape[0], : shape[1]], vectors)


def test_the_margin_continues_the_lattice():
    half = 8
    padded = padded_rows(_image(), slice(0, 60), half, VECTORS)
    y, x = np.mgrid[-half : 60 + half, -half : 80 + half]
    # Linear interpolation between samples loses a few percent of the amplitude of 2.
    assert np.abs(padded - _wave(y, x)).max() < 0.5
    reflected = padded_rows(_image(), slice(0, 60), half, None)
    assert np.abs(reflected - _wave(y, x)).max() > 1.5


@pytest.mark.parametrize("rows", [slice(0, 20), slice(20, 41), slice(41, 60), slice(3, 55)])
def test_rows_are_a_part_of_the_whole(rows):
    half = 8
    whole = padded_rows(_image(), slice(0, 60), half, VECTORS)
    part = padded_rows(_image(), rows, half, VECTORS)
    np.testing.assert_allclose(part, whole[rows.start : rows.stop + 2 * half], atol=1e-5)


def test_without_a_lattice_the_margin_is_a_reflection():
    image = _image()
    np.testing.assert_array_equal(
        padded_rows(image, slice(0, 60), 5, None), np.pad(image, 5, mode="reflect")
    )


def test_an_image_that_is_too_small_is_padded_all_the_same():
    assert padded_rows(_image((12, 12)), slice(0, 12), 6, VECTORS).shape == (24, 24)


def test_the_lattice_of_a_part_is_recognised():
    other = np.array([(0.0, 9.0), (5.0, 2.0)])
    for vectors in (VECTORS, other):
        chosen = best_lattice(_image((50, 50), vectors), [VECTORS, other])
        assert chosen is vectors
    assert best_lattice(_image(), []) is None
