"""The window of clicked spots."""

from __future__ import annotations

import numpy as np
import pytest
from labelled_crystals import labelled, vacancies
from spot_images import clicked_spots, spot_image

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.errors import LabelError
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.training.spot_images import window_of_clicks, window_statement


def window_of(images, classes=()):
    lattices = [measure_lattices(image.micrograph.pixels) for image in images]
    return window_of_clicks(images, lattices, classes)


def test_the_window_is_five_standard_deviations_of_the_spots():
    window = window_of([clicked_spots(spot_image(pixel_size_nm=0.02), 7)])
    assert window.px == pytest.approx(5 * 5 / 2.355, rel=0.35)
    assert window.nm == pytest.approx(0.02 * window.px)


def test_without_a_pixel_size_it_is_known_in_px_alone():
    assert window_of([clicked_spots(spot_image(), 7)]).nm is None


@pytest.mark.parametrize("sizes", [(0.02, None), (None, 0.02), (0.02, 0.02)])
def test_where_a_pixel_size_is_missing_all_images_share_the_window_in_px(sizes):
    images = [
        clicked_spots(spot_image(seed, pixel_size_nm=size), 5) for seed, size in enumerate(sizes)
    ]
    window = window_of(images)
    assert (window.nm is None) == (None in sizes)
    lengths = [window.in_image(image.micrograph.pixel_size_nm) for image in images]
    assert lengths == pytest.approx([window.px] * 2)
    other = [window.in_image(size) for size in (0.01, None)]
    assert other[1] == window.px
    assert other[0] == pytest.approx(window.px * (1 if None in sizes else 2))


def test_images_of_a_lattice_have_none():
    assert window_of([labelled(vacancies(), 3)]) is None


def test_clicks_on_bulk_alone_have_none():
    image = clicked_spots(spot_image(), 2, "Bulk")
    assert window_of([image]) is None


def test_images_with_and_without_a_lattice_make_no_common_model():
    images = [labelled(vacancies(), 3), clicked_spots(spot_image(), 3)]
    with pytest.raises(LabelError, match=r"^film: .* make a model of each kind$"):
        window_of(images)


@pytest.mark.parametrize("kind", ["line", "area"])
def test_lines_and_areas_need_a_lattice(kind):
    image = clicked_spots(spot_image(), 3)
    with pytest.raises(LabelError, match=f"Atom is of the kind {kind}") as error:
        window_of([image], (DefectClass("Atom", kind=kind),))
    assert "\n" not in str(error.value)


def test_the_statement_gives_the_window_and_whether_it_is_certain():
    window = window_of([clicked_spots(spot_image(pixel_size_nm=0.02), 7)])
    assert window_statement(window, 7, 0.02).startswith(
        "No lattice at the clicks: spots are sought in a window"
    )
    assert "uncertain" in window_statement(window, 1, 0.02)
    assert "nm" in window_statement(window, 7, 0.02)
    assert np.isfinite(window.px)
