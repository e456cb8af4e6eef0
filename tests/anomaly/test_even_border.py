"""The border of an image is as usual as its inside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from crystal_images import HEXAGONAL, OBLIQUE, SQUARE, columns, crystal_image, render

from napari_stem_defects.anomaly import even_border
from napari_stem_defects.anomaly.even_border import with_even_border
from napari_stem_defects.anomaly.residual import LatticeResidual, image_residual
from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph

SIZE = 240


def _residual(seed: int = 0) -> LatticeResidual:
    image = crystal_image(OBLIQUE, spacing=16, size=SIZE, counts=200, seed=seed)
    return image_residual(image.micrograph, image.cells)


def test_the_tails_at_the_border_are_those_of_the_inside() -> None:
    residual = _residual()
    even, none = with_even_border(residual)
    assert none is None
    before, after = residual.whole(), even.whole()
    inner = np.quantile(np.abs(before[20:-20, 20:-20]), 0.9)
    outermost = [[values[0], values[-1], values[:, 0], values[:, -1]] for values in (before, after)]
    tails = np.quantile(np.abs(outermost), 0.9, axis=2) / inner
    assert tails[0].mean() > 1.3
    lines = np.quantile(np.abs(before[20:-20, 20:-20]), 0.9, axis=1) / inner
    assert tails[1].max() < np.quantile(lines, 0.95)
    np.testing.assert_array_equal(after[20:-20, 20:-20], before[20:-20, 20:-20])


def test_a_known_residual_and_one_computed_by_rows_agree() -> None:
    residual = _residual(1)
    values = residual.whole()
    kept = values.copy()
    even, known = with_even_border(residual, values)
    by_rows, _ = with_even_border(residual)
    assert known is not None
    np.testing.assert_array_equal(values, kept)
    np.testing.assert_array_equal(even.rows(slice(0, 30)), known[:30])
    limited = np.abs(values) < 20  # beyond, the limit comes before the factor or after it
    np.testing.assert_allclose(by_rows.whole()[limited], known[limited], atol=1e-4)


@pytest.mark.parametrize("shape", [HEXAGONAL, SQUARE, OBLIQUE])
def test_the_border_of_a_perfect_crystal_is_not_unusual(
    shape: tuple[tuple[float, float], tuple[float, float]],
) -> None:
    near = 0
    for seed in range(3):
        image = crystal_image(shape, spacing=15, size=SIZE, counts=150, seed=seed)
        found = survey_frame(image.micrograph).candidates
        near += sum(min(p.y, p.x, SIZE - 1 - p.y, SIZE - 1 - p.x) < image.period for p in found)
    assert near <= 1


def test_a_missing_column_beside_the_border_is_found() -> None:
    positions = columns(16.0 * np.asarray(HEXAGONAL), SIZE)
    border = np.minimum(positions, SIZE - 1 - positions).min(axis=1)
    chosen = int(np.argmin(np.abs(border - 6)))
    left = np.delete(positions, chosen, axis=0)
    image = render(left, np.ones(len(left)), SIZE, 2.7) + 0.2
    pixels = np.random.default_rng(5).poisson(60 * image).astype(np.float32)
    place = survey_frame(Micrograph(pixels, "crystal")).candidates[0]
    assert np.hypot(place.y - positions[chosen, 0], place.x - positions[chosen, 1]) < 8
    assert place.sign == "deficit"


def test_a_crystal_that_is_not_in_the_middle_rows_has_finite_scores(monkeypatch) -> None:
    monkeypatch.setattr(even_border, "_MOST", 40)
    residual = _residual()
    blocked = np.zeros(residual.shape, bool)
    blocked[40:] = True
    even, _ = with_even_border(replace(residual, blocked=blocked))
    assert all(np.isfinite(gain).all() for gain in even.gains)
    nothing, _ = with_even_border(replace(residual, blocked=np.ones(residual.shape, bool)))
    assert all(np.isfinite(gain).all() for gain in nothing.gains)


def test_a_grain_in_a_corner_does_not_hide_what_is_beside_the_border() -> None:
    residual = _residual()
    values = residual.whole()
    corner = values.copy()
    corner[:50, :50] *= 4
    (plain, _), (twinned, _) = (with_even_border(residual, each) for each in (values, corner))
    for one, other in zip(plain.gains, twinned.gains, strict=True):
        assert other.mean() == pytest.approx(one.mean(), rel=0.2)
