"""The overview of a survey."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from crystal_images import crystal_image

from napari_stem_defects.anomaly.survey_frame import survey_frame
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.lattice.grains import GrainMap
from napari_stem_defects.reporting.survey_overview import draw_survey


def test_the_page_shows_image_and_map_side_by_side() -> None:
    image = crystal_image(missing=6).micrograph
    page = draw_survey(image, survey_frame(image))
    assert page.mode == "RGB"
    assert page.width == 1600
    pixels = np.asarray(page).astype(int)
    left, right = np.array_split(pixels, 2, axis=1)
    colourful = (np.ptp(right, axis=2) > 60).mean()
    assert colourful > 0.1 > (np.ptp(left, axis=2) > 60).mean() > 0


def test_long_statements_are_shown_whole() -> None:
    image = crystal_image(missing=6).micrograph
    survey = survey_frame(image)
    pages = [
        draw_survey(image, replace(survey, statement=words))
        for words in ("word " * 20, "word " * 80, "word " * 80 + "end")
    ]
    assert pages[1].height > pages[0].height
    texts = [np.asarray(page.convert("L"))[80 : pages[1].height - 850] for page in pages[1:]]
    assert (texts[0] != texts[1]).any()
    assert (np.asarray(pages[1])[:, -20:] == 255).all()


def test_an_image_without_lattice_and_a_tall_one_are_drawn() -> None:
    for shape in ((96, 96), (400, 60), (60, 400)):
        image = Micrograph(np.zeros(shape, np.float32), "a" * 40)
        assert draw_survey(image, survey_frame(image)).width == 1600


def test_grains_are_outlined_in_green() -> None:
    image = crystal_image(size=320, spacing=10, grain_deg=18).micrograph
    survey = survey_frame(image)
    alone = replace(survey, grain_map=GrainMap())
    first, second = (np.asarray(draw_survey(image, each)).astype(int) for each in (survey, alone))
    green = [(page[..., 1] - page[..., [0, 2]].max(axis=-1) > 30).sum() for page in (first, second)]
    assert green[0] > green[1] + 200


def test_the_legend_of_a_calibrated_image_ends_before_the_colour_bar() -> None:
    """A full legend, densities and grains included, leaves the right half below the map alone."""
    image = crystal_image(size=320, spacing=10, grain_deg=18, missing=9)
    survey = survey_frame(image.micrograph.with_pixel_size(0.02, "user"))
    point = replace(survey.candidates[0], kind="point")
    full = tuple(
        replace(point, kind=kind) for kind in ("point", "line", "area") for _ in range(999)
    )
    pages = [
        np.asarray(draw_survey(image.micrograph, replace(survey, candidates=each)))
        for each in (full, ())
    ]
    first, second = (page[-90:, 800:] for page in pages)  # colour bar and its caption
    assert np.array_equal(first, second)
    assert not np.array_equal(pages[0][-90:, :800], pages[1][-90:, :800])
