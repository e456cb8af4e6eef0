"""Crystals that repeat less often along one direction may have regular planar defects."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

import napari_stem_defects as sd
from napari_stem_defects.anomaly.long_cell import long_cell_statement
from napari_stem_defects.lattice.unit_cell import unit_cell

NO_ERROR = np.eye(2) * 1e-8


@pytest.mark.parametrize(("length", "stated"), [(10.0, False), (24.0, False), (47.0, True)])
def test_a_long_cell_is_stated(length, stated):
    cell = unit_cell(np.array([[0.1, 0.0], [0.0, 1 / length]]), NO_ERROR, 0.9)
    sentence = long_cell_statement(cell, 0.02)
    assert bool(sentence) == stated
    if stated:
        assert "47 px (0.94 nm)" in sentence
        assert "4.7 times" in sentence


def test_a_survey_of_twins_at_regular_distances_states_them():
    edge, period, layer = 300, 13.0, 12.0
    fine = np.zeros((3 * edge, 3 * edge), np.float32)
    shift = 0.0
    for number in range(-1, int(edge / layer) + 2):
        x = (np.arange(-2, edge / period + 2) + shift) * period
        at = np.rint(3 * np.stack([np.full(len(x), number * layer), x], axis=1)).astype(int)
        at = at[((at >= 0) & (at < 3 * edge)).all(axis=1)]
        fine[tuple(at.T)] = 1
        shift += 1 / 3 if number // 4 % 2 else -1 / 3
    signal = ndimage.gaussian_filter(fine, 6.5).reshape(edge, 3, edge, 3).mean(axis=(1, 3))
    counts = np.random.default_rng(0).poisson(40 * (0.3 + signal / signal.max()))
    survey = sd.survey(sd.Micrograph(counts.astype(np.float32), "twins"))
    assert "planar defects at regular distances are usual here and not listed" in survey.statement
