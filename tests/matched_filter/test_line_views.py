"""Lines that have the same residual are distinguished by what the image shows around them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.matched_filter.class_maps import class_maps
from napari_stem_defects.matched_filter.like_sites import image_part
from napari_stem_defects.matched_filter.line_views import divided_by_view
from napari_stem_defects.training.quick import click_classes, clicks_of
from napari_stem_defects.training.quick_images import (
    LabelledImage,
    PreparedImage,
    model_from_clicks,
    prepare_image,
)

PERIOD, SIZE = 10.0, 240
FIRST, SECOND = 75.0, 165.0
SIDES = "left", "right"


def faulted(first: float, second: float, seed: int = 0) -> Micrograph:
    """Return a square crystal with two faults along rows, of shifts in periods."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    shift = np.where(y > FIRST, first, 0) + np.where(y > SECOND, second, 0)
    rows = 1 + np.cos(2 * np.pi * (y - FIRST - PERIOD / 2) / PERIOD)
    columns = 1 + np.cos(2 * np.pi * (x / PERIOD - shift))
    signal = 8 + 3 * rows * columns
    pixels = np.random.default_rng(seed).poisson(signal).astype(np.float32)
    return Micrograph(pixels=pixels, name="faults", sha256="0" * 64)


def learned(image: Micrograph, names: tuple[str, ...] = SIDES):
    """Return the prepared image and a model of three clicks on the left half of each fault."""
    x = np.array([40.0, 63.0, 97.0])
    clicked = LabelledImage(
        image,
        np.concatenate([np.full(3, FIRST + 1.5), np.full(3, SECOND - 1.5)]),
        np.concatenate([x, x]),
        (names[0],) * 3 + (names[-1],) * 3,
    )
    ready = prepare_image(image)
    clicks, _ = clicks_of([clicked], [ready])
    classes = click_classes(clicks, [DefectClass(name, "line") for name in names])
    return ready, model_from_clicks([ready], clicks, classes)


def shares(ready: PreparedImage, model) -> dict[str, tuple[float, float]]:
    """Return the share of each fault that each class holds."""
    maps = class_maps(ready.residual, model, ready.limits)
    y = ready.residual.sampled.to_image(np.column_stack([maps.y, np.zeros_like(maps.y)]))[:, 0]
    held = {}
    for name, layer in zip(maps.classes[1:], maps.probability[1:], strict=True):
        near = [np.abs(y - height) < 0.5 * PERIOD for height in (FIRST, SECOND)]
        first, second = (float((layer[rows].max(axis=0) >= 0.5).mean()) for rows in near)
        held[name] = first, second
    return held


@pytest.mark.parametrize("shift", [0.3, -0.25])
def test_faults_of_opposite_shift_are_two_classes(shift):
    held = shares(*learned(faulted(shift, -shift)))
    assert min(held["left"][0], held["right"][1]) > 0.9
    assert max(held["left"][1], held["right"][0]) < 0.05


def test_the_residual_alone_does_not_distinguish_them():
    ready, model = learned(faulted(0.3, -0.3))
    blind = replace(model, classes=tuple(replace(item, views=()) for item in model.classes))
    held = shares(ready, blind)
    assert max(held["left"][1], held["right"][0]) > 0.1


def test_a_line_that_its_clicks_show_uncertainly_has_what_looks_like_it():
    ready, model = learned(faulted(0.3, -0.3))
    left, right = model.classes
    uncertain = replace(model, classes=(left, replace(right, threshold=2.0)))
    held = shares(ready, uncertain)
    assert held["right"][1] > 0.9
    assert held["left"][1] < 0.05


def test_what_is_only_unusual_looks_like_no_line():
    ready, model = learned(faulted(0.3, -0.3))
    left, right = model.classes
    unusual = replace(left, templates=(), threshold=0.5, template_threshold=0.5)
    model = replace(model, classes=(unusual, right))
    everywhere = np.ones(ready.residual.shape, np.float32)
    part = image_part(ready.residual, np.s_[:, :], ready.values)
    divided = dict(divided_by_view([everywhere, 0 * everywhere], model, part))
    assert (divided[0] == 1).all()
    assert (divided[1] == 0).all()


def test_one_class_needs_no_view():
    _, model = learned(faulted(0.3, -0.3), ("fault",))
    assert [len(item.views) for item in model.classes] == [0]


def test_lines_of_one_shift_are_left_to_the_residual():
    ready, model = learned(faulted(0.3, 0.3))
    blind = replace(model, classes=tuple(replace(item, views=()) for item in model.classes))
    assert all(item.views for item in model.classes)
    assert shares(ready, model) == shares(ready, blind)
