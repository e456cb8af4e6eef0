"""Masks from probabilities and the parameters of a detection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from probability_maps import HALF, SHAPE, blank_map, bump, count_components
from quick_models import quick_model
from small_ensemble import SPEC

from napari_stem_defects.detection.drawn_masks import (
    draw_masks,
    drawing_parameters,
    least_line_px,
    site_separation_px,
)
from napari_stem_defects.networks.inference_settings import InferenceSettings
from napari_stem_defects.postprocessing.masks import (
    MIN_PLANAR_LENGTH_PX,
    masks_from_probability,
)


def test_lengths_hold_at_the_pixel_size_of_the_model() -> None:
    """Two peaks 24 px apart are two defects, in an image magnified twice they are one."""
    found = blank_map("Bulk", "Vacancy_CdTe", stride=4)
    found.probability[1] = np.maximum(bump(found, 80, 60, 5), bump(found, 80, 84, 5))
    for factor, count in ((1.0, 2), (0.5, 1)):
        parameters = {"thresholds": HALF, "resampling_factor": factor}
        masks = draw_masks(found, SHAPE, parameters, None)
        assert count_components(masks.masks()[0]) == count
    stated = {"thresholds": HALF, "resampling_factor": 0.5, "separation_px": 10.0}
    assert count_components(draw_masks(found, SHAPE, stated, None).masks()[0]) == 2


def test_the_stored_lattice_gives_lines_their_direction() -> None:
    found = blank_map("SF1", shape=(256, 256))
    found.probability[0, 16, :] = 0.9
    tilt = np.radians(2.0)
    vectors = [[14 * np.sin(tilt), 14 * np.cos(tilt)], [-11 * np.cos(tilt), 11 * np.sin(tilt)]]
    parameters = {"thresholds": {"SF1": 0.5}, "lattice": {"vectors_px": vectors}}
    ((line,),) = draw_masks(found, (256, 256), parameters, None).centre_lines.values()
    (y0, x0), (y1, x1) = line
    assert np.degrees(np.arctan2(y1 - y0, x1 - x0)) == pytest.approx(2.0, abs=0.1)
    plain = masks_from_probability(found, (256, 256), {"SF1": 0.5})
    assert plain.centre_lines["SF1"][0][0][0] == pytest.approx(plain.centre_lines["SF1"][0][1][0])


@pytest.mark.parametrize(("stated", "end"), [({}, 255.0), ({"least_line_px": 8.0}, 230.0)])
def test_a_line_that_ends_inside_is_continued_as_far_as_its_model_is_unsure(stated, end) -> None:
    found = blank_map("SF1", shape=(256, 256))
    column = int(np.searchsorted(found.x, 228))
    found.probability[0, 16, :column] = 0.9
    parameters = {"thresholds": {"SF1": 0.5}, **stated}
    ((line,),) = draw_masks(found, (256, 256), parameters, None).centre_lines.values()
    assert max(x for _, x in line) == pytest.approx(end, abs=5)


def test_networks_judge_lines_by_their_window() -> None:
    assert least_line_px(SPEC) == MIN_PLANAR_LENGTH_PX


@pytest.mark.parametrize(
    ("extent", "separation"), [(None, 16.0), (0.0, 16.0), (2.45, 4.9), (8.0, 16.0)]
)
def test_the_separation_is_twice_the_label_extent(extent: float | None, separation: float) -> None:
    spec = SPEC
    assert spec.preprocessing.is_residual is False
    changed = replace(spec, training={**spec.training, "label_radius_px": extent})
    assert isinstance(changed.inference, InferenceSettings)
    assert site_separation_px(changed) == pytest.approx(separation)


def test_quick_models_state_that_areas_end_where_they_are_found() -> None:
    assert "areas_where_found" not in drawing_parameters(SPEC, 0.5)
    assert drawing_parameters(SPEC, 0.5)["separation_px"] == 2 * site_separation_px(SPEC)
    quick = quick_model().spec
    assert drawing_parameters(quick, 1.0)["areas_where_found"] is True
    taught = replace(SPEC, teacher=quick.architecture)
    assert drawing_parameters(taught, 1.0)["areas_where_found"] is True
