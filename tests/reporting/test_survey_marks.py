"""Marks of a survey: lines and areas are drawn as they are, ranks stay in the image."""

from __future__ import annotations

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from napari_stem_defects.anomaly.candidates import Candidate
from napari_stem_defects.reporting.survey_marks import draw_places, number_places

SIZE = 200


def place(rank: int, kind: str, y: float, x: float, shape: tuple = ()) -> Candidate:
    return Candidate(rank, kind, y, x, 5.0, "", 30.0, 90.0, shape)  # type: ignore[arg-type]


LINE = place(1, "line", 100, 100, (((20.0, 20.0), (100.0, 100.0), (180.0, 180.0)),))
RING = tuple((60 + 25 * np.sin(a), 140 + 25 * np.cos(a)) for a in np.linspace(0, 2 * np.pi, 40))
AREA = place(2, "area", 60, 140, (RING,))
POINTS = [place(3 + n, "point", y, x) for n, (y, x) in enumerate([(1, 1), (1, 198), (198, 1)])]


def axes():
    figure = Figure((4, 4), dpi=100)
    FigureCanvasAgg(figure)
    drawn = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    drawn.imshow(np.zeros((SIZE, SIZE)), cmap="gray", extent=(-0.5, 199.5, 199.5, -0.5))
    return drawn


def test_lines_follow_their_centre_line_and_areas_their_outline() -> None:
    drawn = axes()
    draw_places(drawn, [LINE, AREA, *POINTS], 5.0)
    segments = [
        segment
        for each in drawn.collections
        if isinstance(each, LineCollection)
        for segment in each.get_segments()
    ]
    for wanted in (LINE, AREA):
        points = np.array(wanted.shape[0])[:, ::-1]
        assert any(each.shape == points.shape and np.allclose(each, points) for each in segments)


def test_points_lie_above_lines_and_these_above_areas() -> None:
    drawn = axes()
    draw_places(drawn, [POINTS[0], LINE, AREA], 5.0)
    order = [each.get_zorder() for each in drawn.collections]
    assert order == sorted(order)
    assert order[-1] > max(order[:-1])


def test_ranks_stay_inside_the_image_and_apart() -> None:
    drawn = axes()
    draw_places(drawn, [LINE, AREA, *POINTS], 5.0)
    number_places(drawn, [LINE, AREA, *POINTS], 5.0)
    figure = drawn.figure
    figure.canvas.draw()
    frame = drawn.get_window_extent()
    boxes = [text.get_window_extent() for text in drawn.texts]
    assert [text.get_text() for text in drawn.texts] == ["1", "2", "3", "4", "5"]
    for box in boxes:
        assert box.x0 >= frame.x0
        assert box.x1 <= frame.x1
        assert box.y0 >= frame.y0
        assert box.y1 <= frame.y1
    for number, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[number + 1 :])


def test_places_without_a_shape_get_a_circle() -> None:
    drawn = axes()
    draw_places(drawn, [place(1, "line", 50, 50)], 5.0)
    assert len(drawn.collections) == 1
