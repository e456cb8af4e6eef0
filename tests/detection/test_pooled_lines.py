"""Lines that are seen along their length."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.detection.pooled_lines import with_pooled_lines
from napari_stem_defects.postprocessing.results import ProbabilityMap

PERIOD, STEP, EDGE = 14.0, 4.0, 90
CLASSES = (DefectClass("Fault", "line"), DefectClass("Boundary", "line"))
LIMITS = {"Bulk": 0.5, "Fault": 0.6, "Boundary": 0.6}


def _map(on_line=None, faint=-0.4, usual=-4.5, seed=0, *, turned=False):
    """Return windows of noise with a faint fault through the middle, from ``on_line`` on."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(usual, 0.8, (3, EDGE, EDGE))
    rows, columns = np.indices((EDGE, EDGE))
    away = (rows - columns * 0.4 - 26) / np.hypot(1, 0.4) if turned else rows - 45
    if on_line is not None:
        line = (np.abs(away) < 1.0) & (columns >= on_line)
        logits[1, line] = rng.normal(faint, 1.0, int(line.sum()))
    centres = np.arange(EDGE, dtype=np.float32) * np.float32(STEP)
    return ProbabilityMap(
        expit(logits).astype(np.float32),
        centres,
        centres,
        ("Bulk", "Fault", "Boundary"),
        np.ones((EDGE, EDGE), bool),
        (DefectClass("Bulk", "bulk"), *CLASSES),
    )


def _passing(found, name="Fault"):
    return found.probability[found.classes.index(name)] >= LIMITS[name]


@pytest.mark.parametrize("turned", [False, True])
def test_a_line_that_no_window_is_sure_of_has_no_gaps(turned) -> None:
    faint = _map(0, faint=-0.4, turned=turned)
    before, after = _passing(faint), _passing(with_pooled_lines(faint, LIMITS, PERIOD))
    assert before.any(axis=0).mean() < 0.7
    assert after.any(axis=0).mean() > 0.95
    rows, columns = np.indices(after.shape)
    away = np.abs((rows - columns * 0.4 - 26) / np.hypot(1, 0.4)) if turned else np.abs(rows - 45)
    assert (away[after & ~before] <= 2).mean() > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_lines(seed) -> None:
    noise = _map(seed=seed)
    assert with_pooled_lines(noise, LIMITS, PERIOD) is noise


def test_a_line_ends_where_it_ends() -> None:
    after = _passing(with_pooled_lines(_map(45, faint=1.0), LIMITS, PERIOD))
    assert after[:, 58:].any(axis=0).all()
    assert not after[:, :43].any()


def test_a_single_sure_window_is_no_line() -> None:
    found = _map()
    found.probability[1, 45, 45] = 0.99999
    after = with_pooled_lines(found, LIMITS, PERIOD)
    assert _passing(after).sum() == 1


def test_a_line_has_one_name() -> None:
    found = _map(0, faint=-0.4)
    # Here and there the other name is the more probable one.
    found.probability[2, 44:47, 20:24] = 0.55
    after = with_pooled_lines(found, LIMITS, PERIOD)
    assert _passing(after).any(axis=0).mean() > 0.95
    assert not _passing(after, "Boundary").any()


def test_what_is_not_searched_decides_nothing() -> None:
    found = _map(0, faint=0.5)
    found.probability[:, :, 50:] = 0
    after = _passing(with_pooled_lines(found, LIMITS, PERIOD))
    assert after[:, :50].any(axis=0).all()
    assert not after[:, 50:].any()
    found.valid[:, :10] = False
    after = _passing(with_pooled_lines(found, LIMITS, PERIOD))
    assert after[:, 10:50].any(axis=0).all()


def test_the_threshold_of_a_class_counts() -> None:
    faint = _map(0, faint=float(logit(0.35)))
    strict = {**LIMITS, "Fault": 0.95}
    assert not _passing(faint).all()
    after = with_pooled_lines(faint, strict, PERIOD)
    assert (after.probability[1] >= 0.95).sum() < 5


def test_a_map_of_one_window_stays() -> None:
    one = ProbabilityMap(
        np.full((3, 1, 1), 0.9, np.float32),
        np.zeros(1, np.float32),
        np.zeros(1, np.float32),
        ("Bulk", "Fault", "Boundary"),
        np.ones((1, 1), bool),
        (DefectClass("Bulk", "bulk"), *CLASSES),
    )
    assert with_pooled_lines(one, LIMITS, PERIOD) is one
