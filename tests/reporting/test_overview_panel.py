"""One frame of an overview: which defects are drawn, how, and with which names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageColor
from result_samples import detection, micrograph

from napari_stem_defects.base.defect_classes import UNKNOWN, default_class
from napari_stem_defects.reporting import overview_canvas
from napari_stem_defects.reporting.overview_canvas import fit_frame
from napari_stem_defects.reporting.overview_panel import draw_panel, draw_swatch


def near(picture: Image.Image, colour: str, within: int = 12) -> np.ndarray:
    away = np.abs(np.asarray(picture, int) - ImageColor.getrgb(colour)).max(axis=2)
    return away < within


def panel(*, names: bool = True, bar: bool = False, empty: bool = False) -> Image.Image:
    image = micrograph()
    layout = fit_frame(image.frame_shape, (640, 640), (100, 100))
    found = detection(image, empty=empty)
    return draw_panel(image.pixels, found, layout, show_names=names, show_scale_bar=bar)


@pytest.fixture
def tags(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collect the names that are drawn."""
    found: list[str] = []
    original = overview_canvas.FrameCanvas.draw_tag

    def draw_tag(self: object, box: object, text: str, colour: str) -> None:
        found.append(text)
        original(self, box, text, colour)  # type: ignore[arg-type]

    monkeypatch.setattr(overview_canvas.FrameCanvas, "draw_tag", draw_tag)
    return found


def test_defects_are_drawn_where_they_are() -> None:
    image = micrograph()
    picture, found = panel(names=False), detection(image)
    zoom = picture.width / image.frame_shape[1]
    for region in found.regions:
        y, x = np.nonzero(near(picture, default_class(region.class_name).colour, 40))
        distance = np.hypot(y / zoom - region.y_px, x / zoom - region.x_px)
        assert distance.min() < 3 * np.sqrt(region.area_px)


def test_names_are_drawn_on_demand(tags: list[str]) -> None:
    panel(names=False)
    assert tags == []
    panel()
    assert sorted(tags)[0] == "SF1"
    assert all(tag.startswith("Vacancy_CdTe ") for tag in sorted(tags)[1:])


def test_without_defects_only_the_image_is_drawn() -> None:
    picture = panel(empty=True)
    channels = np.asarray(picture, int)
    assert np.ptp(channels, axis=2).max() <= 2


def test_a_scale_bar_is_drawn_on_demand() -> None:
    with_bar, without = (np.asarray(panel(bar=bar), int) for bar in (True, False))
    y, _ = np.nonzero(np.abs(with_bar - without).max(axis=2) > 60)
    assert y.min() > with_bar.shape[0] / 2


def test_an_image_larger_than_the_panel_is_averaged_in_blocks() -> None:
    image = micrograph(shape=(700, 701))
    layout = fit_frame(image.frame_shape, (100, 100), (50, 50))
    picture = draw_panel(
        image.pixels, detection(image), layout, show_names=True, show_scale_bar=True
    )
    assert picture.size == layout.panel


def test_labels_are_drawn_without_a_pixel_size() -> None:
    image = micrograph()
    found = replace(detection(image), pixel_size_nm=None)
    layout = fit_frame(image.frame_shape, (640, 640), (100, 100))
    picture = draw_panel(image.pixels, found, layout, show_names=False, show_scale_bar=True)
    assert picture.size == layout.panel


@pytest.mark.parametrize("name", ["SF1", "Vacancy_CdTe", "anything", UNKNOWN])
def test_swatches_show_the_colour_of_the_class(name: str) -> None:
    swatch = draw_swatch(default_class(name), (52, 36))
    assert swatch.size == (52, 36)
    assert near(swatch, default_class(name).colour, 90).sum() > 20
