"""Canvas of an overview's frame: its size, its scale bar, and what is drawn on it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageColor

from napari_stem_defects.base.defect_classes import UNKNOWN, default_class
from napari_stem_defects.reporting.label_placement import LabelPlacer, TextBox
from napari_stem_defects.reporting.overview_canvas import (
    FrameCanvas,
    PanelLayout,
    fit_frame,
    ring,
    scale_bar,
    text_size,
)


def canvas() -> FrameCanvas:
    return FrameCanvas(Image.new("L", (40, 30), 84), PanelLayout((400, 300), (400, 300), 10.0))


def changed(drawn: FrameCanvas) -> np.ndarray:
    """Return where a canvas differs from an empty one."""
    before = np.asarray(canvas().image, int)
    return np.abs(np.asarray(drawn.image, int) - before).max(axis=2) > 8


@pytest.mark.parametrize(
    ("longest_px", "nm", "expected"),
    [(150, 0.027, "2 nm"), (300, 0.02, "5 nm"), (40, 0.01, "0.2 nm"), (150, None, "100 px")],
)
def test_scale_bars_have_round_lengths(longest_px: float, nm: float | None, expected: str) -> None:
    length, text = scale_bar(longest_px, nm)
    assert text == expected
    assert length * (nm or 1) == pytest.approx(float(text.split()[0]))


@given(st.floats(1e-3, 1e6), st.floats(1e-6, 1e3))
def test_a_scale_bar_is_between_four_tenths_and_all_of_its_room(longest: float, nm: float) -> None:
    length, _ = scale_bar(longest, nm)
    assert 0.399 * longest <= length <= 1.001 * longest


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_frames_keep_their_proportions(height: int, width: int) -> None:
    fitted = fit_frame((height, width), (1000, 1200), (200, 100))
    assert fitted.frame[0] <= 1000
    assert fitted.frame[1] <= 1200
    assert fitted.panel[0] >= max(200, fitted.frame[0])
    assert abs(fitted.frame[0] - max(1, width * fitted.zoom)) <= 1


def test_an_elongated_frame_lies_in_the_middle_of_its_panel() -> None:
    layout = fit_frame((10, 400), (400, 400), (400, 100))
    assert layout == PanelLayout((400, 100), (400, 10), 1.0)
    assert FrameCanvas(Image.new("L", (400, 10), 0), layout).corner == (0, 45)


def test_a_tint_covers_the_mask_and_nothing_else() -> None:
    drawn = canvas()
    mask = np.zeros((30, 40), np.uint8)
    mask[10:20, 5:15] = 1
    drawn.tint(mask, "#ff0000")
    found = changed(drawn)
    assert found[110:190, 60:140].all()
    assert not found[:, 170:].any()


def test_a_hatch_has_bright_lines_on_a_tint() -> None:
    drawn = canvas()
    drawn.hatch(np.ones((30, 40), np.uint8))
    levels = np.unique(np.asarray(drawn.image)[..., 0])
    white = ImageColor.getrgb(default_class(UNKNOWN).colour)[0]
    assert 84 < levels.min() < levels.max() <= white
    empty = canvas()
    empty.hatch(np.zeros((30, 40), np.uint8))
    assert not changed(empty).any()


def test_outlines_follow_a_mask_and_stay_inside_the_frame() -> None:
    drawn = canvas()
    mask = np.zeros((30, 40), np.uint8)
    mask[:, :20] = 1
    (line,) = drawn.outlines(mask)
    x, y = np.array(line).T
    assert x.max() == pytest.approx(20 * 10, abs=1)
    assert x.min() > 0
    assert 0 < y.min() < y.max() < 300


def test_lines_have_a_halo_and_occupy_pixels() -> None:
    drawn = canvas()
    line = ring(200, 150, 50), "#ff0000"
    drawn.stroke([line])
    occupied = drawn.occupied([], [line], [])
    assert occupied.shape == (300, 400)
    assert changed(drawn).sum() > occupied.sum()
    assert occupied[150, 248:252].any()
    assert not occupied[150, 200]
    # What a ring surrounds is the defect itself.
    assert drawn.occupied([], [], [line])[150, 150:251].all()


def test_lines_are_as_opaque_as_the_part_of_a_pixel_that_they_cover() -> None:
    drawn = canvas()
    drawn.stroke([(np.array([(20.0, 100.25), (380.0, 100.25)]), "#ffff00")])
    red, _, blue = np.asarray(drawn.image, int)[60:140, 200].T
    inside = red == 255
    assert blue[inside].max() == 0
    assert inside.sum() == pytest.approx(drawn.line, abs=1)
    # Beside it half a pixel of the line at most, and the halo, which is dark.
    beside = np.flatnonzero(inside)[[0, -1]] + [-1, 1]
    assert (red[beside] < 255).all()
    assert (blue[beside] < 84).all()
    assert not changed(drawn)[:80].any()


def test_labels_and_scale_bars_lie_where_they_were_placed() -> None:
    drawn = canvas()
    drawn.draw_tag(TextBox(50, 25, 130, 50), "SF1 µ", "#e69f00")
    y, x = np.nonzero(changed(drawn))
    assert (x.min(), y.min()) == (50, 25)
    assert (x.max(), y.max()) == (129, 49)


def test_a_scale_bar_avoids_the_corner_that_is_occupied() -> None:
    occupied = np.zeros((300, 400), bool)
    occupied[:, :200] = True
    drawn = canvas()
    drawn.draw_scale_bar(LabelPlacer(occupied), 0.1)
    _, x = np.nonzero(changed(drawn))
    assert x.min() > 200


def test_a_longer_text_is_wider() -> None:
    assert text_size("SF1")[0] < text_size("SF1 12")[0]
    assert text_size("a")[1] == text_size("Å")[1]


@pytest.mark.parametrize("zoom", [0.37, 1.0, 2.7])
def test_the_part_of_a_mask_is_scaled_as_the_whole(zoom: float) -> None:
    shape = (90, 120)
    layout = fit_frame(shape, (round(120 * zoom), round(90 * zoom)), (1, 1))
    drawn = FrameCanvas(Image.new("L", shape[::-1], 84), layout)
    mask = np.zeros(shape, np.uint8)
    mask[31:50, 17:80] = np.random.default_rng(0).integers(0, 2, (19, 63))
    whole = Image.fromarray(mask * np.uint8(255)).resize(drawn.frame, Image.Resampling.BILINEAR)
    scaled = drawn._scaled(mask)
    found = np.zeros(drawn.frame[::-1], np.uint8)
    left, top, right, bottom = scaled.box((0, 0))
    found[top:bottom, left:right] = scaled.picture
    np.testing.assert_allclose(found.astype(int), np.asarray(whole, int), atol=1)


def test_sharp_corners_of_lines_are_round() -> None:
    drawn = FrameCanvas(Image.new("L", (80, 60), 84), PanelLayout((800, 600), (800, 600), 10.0))
    corner = (400.5, 300.5)
    for angle in np.linspace(0.2, 3, 8):
        end = (400 + 200 * np.cos(angle), 300 + 200 * np.sin(angle))
        drawn.stroke([(np.array([(600.0, 300.0), corner, end]), "#ff0000")])
        red = np.asarray(drawn.image)[..., 0] == 255
        y, x = np.mgrid[:600, :800] + 0.5
        near = np.hypot(x - corner[0], y - corner[1]) < drawn.line / 2 - 0.5
        assert near.any()
        assert red[near].all()
