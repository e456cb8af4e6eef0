"""Requests of the live map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_stem_defects.base.defect_classes import DefectClass
from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.jobs.live_map_request import (
    ClickedFrame,
    FrameKey,
    LiveMapRequest,
    PlacedLabel,
)

KEY = FrameKey("ab" * 32, 0)
CLICKED = (ClickedFrame(KEY, (PlacedLabel(3.0, 4.0, "Vac"),)),)
REQUEST = LiveMapRequest(Path("labels"), CLICKED, (DefectClass("Vac"),), KEY)


def test_requests_are_equal_if_clicks_classes_and_frame_are() -> None:
    pixels = FrameInput(np.zeros((8, 8), np.float32), "crystal")
    assert replace(REQUEST, pixels=pixels) == REQUEST
    assert replace(REQUEST, classes=(DefectClass("Vac", "line"),)) != REQUEST
    assert replace(REQUEST, shown=FrameKey("ab" * 32, 1)) != REQUEST
    moved = (ClickedFrame(KEY, (PlacedLabel(3.0, 4.5, "Vac"),)),)
    assert replace(REQUEST, clicked=moved) != REQUEST
