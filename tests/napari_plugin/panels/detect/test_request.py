"""Settings of one run."""

from __future__ import annotations

import numpy as np
from sample_results import SHAPE, model_entry

from napari_stem_defects.jobs.frame_input import FrameInput
from napari_stem_defects.napari_plugin.panels.detect.request import DetectRequest


def test_by_default_all_of_the_image_is_searched() -> None:
    def read(frame: int = 0) -> FrameInput:
        return FrameInput(np.full(SHAPE, frame, np.uint8), "CdTe")

    request = DetectRequest("CdTe", read, read, range(2), model_entry(), stride=8)
    assert request.area is None
    assert request.searched == "all of the image"
    assert request.read_frame(1).array[0, 0] == 1
