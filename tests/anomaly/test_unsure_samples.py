"""Samples that disturbed rows hide."""

from __future__ import annotations

import numpy as np
from crystal_images import SQUARE, crystal_image
from scan_rows import lost

from napari_stem_defects.anomaly.sampling import sample
from napari_stem_defects.anomaly.unsure_samples import unsure_samples
from napari_stem_defects.preprocessing.scan_rows import mend_scan_rows


def unsure(spacing: float, rows: list[int]) -> tuple[np.ndarray | None, float]:
    image = crystal_image(SQUARE, spacing=spacing, counts=200, rotation_deg=0)
    scan_rows = mend_scan_rows(lost(image.pixels, rows), image.period)
    assert scan_rows.rows == len(rows)
    sampled = sample(scan_rows.pixels, image.cells)
    return unsure_samples(scan_rows, sampled), sampled.factor[0]


def test_samples_of_a_wide_gap_and_beside_it_are_unsure():
    found, factor = unsure(12.0, [100, 101])
    rows = np.flatnonzero(found.any(axis=1))
    assert rows.min() <= 100 * factor <= 101 * factor <= rows.max()
    assert len(rows) <= 5


def test_a_narrow_gap_is_filled_by_what_is_beside_it():
    assert unsure(24.0, [100])[0] is None
