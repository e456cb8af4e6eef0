"""A detection in a notebook."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from export_samples import NM, SHAPE, SITE, detection
from html_cards import Card

import napari_stem_defects as sd
from napari_stem_defects.io.results.formats import REGION_COLUMNS, region_values

IMAGE = sd.Micrograph(np.random.default_rng(0).random(SHAPE).astype(np.float32), "lamella", NM)


def test_the_card_counts_the_defects_in_the_colours_of_their_classes() -> None:
    found = Card(detection(IMAGE)._repr_html_())
    assert "lamella: 4 defects" in found.texts
    assert [row[:3] for row in found.rows[1:]] == [
        ["Vac", "vacancy", "2"],
        ["SF1", "fault", "1"],
        ["Ppt", "precipitate", "1"],
    ]
    assert float(found.rows[2][4]) == pytest.approx(90 * NM, abs=NM)  # along the fault
    (picture,) = found.pictures
    assert picture.shape == (180, 280, 3)
    assert tuple(picture[80, 2 * 105]) == (0x00, 0x9E, 0x73)
    assert tuple(picture[2 * 20, 2 * 100]) == (0xD5, 0x5E, 0x00)


def test_no_defect_is_stated() -> None:
    empty = replace(detection(IMAGE), regions=(), frame=3)
    assert repr(empty) == "Detection('lamella', frame 3, no defects)"
    assert "lamella, frame 3: no defects" in Card(empty._repr_html_()).texts
    assert repr(detection(IMAGE)) == "Detection('lamella', frame 0, 2 Vac, 1 SF1, 1 Ppt)"
    assert empty.plot().get_legend() is None


def test_the_table_has_the_columns_of_the_file() -> None:
    pytest.importorskip("pandas")
    made = detection(IMAGE)
    found = made.to_dataframe()
    assert tuple(found.columns) == tuple(REGION_COLUMNS)
    assert len(found) == 4
    for row, region in zip(found.itertuples(index=False), made.regions, strict=True):
        for value, expected in zip(row, region_values(region), strict=True):
            assert value == expected or (expected is None and np.isnan(value))
    assert found["width_nm"].dtype == float


def test_defects_are_drawn_on_the_image_in_nm() -> None:
    axes = detection(IMAGE).plot(IMAGE)
    assert len(axes.images) == 2
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert legend == ["vacancy (2)", "fault (1)", "precipitate (1)"]
    points = axes.collections[0].get_offsets()
    np.testing.assert_allclose(points[0], np.array(SITE[::-1]) * NM)
    (line,) = axes.lines
    np.testing.assert_allclose(line.get_xdata(), 60 * NM, atol=0.5 * NM)
    tint = np.asarray(axes.images[1].get_array())
    assert tint[45, 105, 3] > 0
    assert tint[52, 112, 3] == 0  # the hole
    assert tint[20, 100, 3] == 0  # points have circles only


def test_another_image_is_refused() -> None:
    other = sd.Micrograph(np.zeros((9, 8), np.float32), "other")
    with pytest.raises(sd.InputError, match="other: has 8x9 px, the detection 140x90; give"):
        detection(IMAGE).plot(other)


def test_frames_of_stacks_and_results_without_a_scale() -> None:
    stack = sd.Micrograph(np.stack([IMAGE.pixels] * 3), "series")
    made = replace(detection(IMAGE, frame=2), pixel_size_nm=None)
    axes = made.plot(stack)
    assert axes.get_xlabel() == "x (px)"
    assert Card(made._repr_html_()).rows[1][3] == ""
