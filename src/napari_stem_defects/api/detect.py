"""The verb ``detect``: one frame of a micrograph, the model by name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.base.defaults import DEFAULT_MODEL
from napari_stem_defects.base.progress import Report, silent
from napari_stem_defects.base.search_area import (
    SearchArea,
)
from napari_stem_defects.detection.cutout import (
    Cutout,
)
from napari_stem_defects.detection.detect_frame import detect_frame
from napari_stem_defects.io.models.library import find_model
from napari_stem_defects.io.models.model_file import load_model
from napari_stem_defects.networks.spec import Ensemble

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.base.search_area import (
        SearchAreaLike,
    )
    from napari_stem_defects.postprocessing.results import Detection

Model = Ensemble | str | Path
"""A loaded ensemble, the name of one in the library, or its file."""


def detect(
    micrograph: Micrograph,
    model: Model = DEFAULT_MODEL,
    *,
    frame: int = 0,
    stride: int | None = None,
    thresholds: Mapping[str, float] | None = None,
    device: str = "auto",
    area: SearchArea | SearchAreaLike | None = None,
    report: Report = silent,
) -> Detection:
    """Find the defects of one frame of a micrograph; see `detection.detect_frame.detect_frame`.

    Parameters
    ----------
    area : (top, left, bottom, right) or outlines of (y, x) points, optional
        Search only this part, px; results are in px of the whole frame all the same.

    Raises
    ------
    InputError
        The model cannot be used, there is no such frame, or the image does not suit the model.
    """
    ensemble = model if isinstance(model, Ensemble) else load_model(find_model(model))
    shown = micrograph.frame(frame)
    cutout = Cutout.of(shown, None if area is None else SearchArea.of(area), ensemble.spec)
    found = detect_frame(
        cutout.part,
        ensemble,
        stride=stride,
        thresholds=thresholds,
        device=device,
        frame=frame,
        report=report,
    )
    return found if cutout.area is None else cutout.result(found).detection()
