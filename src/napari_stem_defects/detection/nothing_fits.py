"""Result of an image that no model fits: no names, all of it unknown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.lattice.plausible_scale import implausible_scale
from napari_stem_defects.postprocessing.masks import masks_from_probability
from napari_stem_defects.postprocessing.results import Detection, ProbabilityMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement

NO_MODEL = "none"
"""Name of the model in results that no model was used for."""
_STEP_PX = 8
_THRESHOLDS = {BULK: 0.5}


def nothing_fits(
    micrograph: Micrograph, measured: LatticeMeasurement, statement: str, frame: int = 0
) -> Detection:
    """Return the result of a frame whose lattice no model knows.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    measured : LatticeMeasurement
        Its lattice.
    statement : str
        What the lattice is, what the models know and what to do; see `choose_model`.
    frame : int
        Index of the frame in its stack.

    Returns
    -------
    Detection
        With Bulk as the only class, nowhere present, so that all valid pixels are unknown. Its
        parameters state ``recognised`` (False), ``model_choice`` and ``lattice``.
    """
    started = time.perf_counter()
    odd = implausible_scale(measured.cell, micrograph.pixel_size_nm)
    height, width = micrograph.frame_shape
    y, x = _centres(height), _centres(width)
    found = ProbabilityMap(
        probability=np.zeros((1, len(y), len(x)), np.float32),
        y=y,
        x=x,
        classes=(BULK,),
        valid=np.ones((len(y), len(x)), bool),
    )
    return Detection(
        image=micrograph.name,
        frame=frame,
        map=found,
        mask_stack=masks_from_probability(found, (height, width), _THRESHOLDS, micrograph.invalid),
        regions=(),
        pixel_size_nm=micrograph.pixel_size_nm,
        parameters={
            "thresholds": _THRESHOLDS,
            "resampling_factor": 1.0,
            "pixel_size_source": micrograph.pixel_size_source,
            "scale_statement": "No model was used.",
            "lattice": measured.to_json(micrograph.pixel_size_nm),
            "model_choice": statement,
            "recognised": False,
            "recognition": statement,
            "warnings": [odd] if odd else [],
        },
        seconds=time.perf_counter() - started,
        model={"name": NO_MODEL, "sha256": ""},
    )


def _centres(length: int) -> NDArray[np.float32]:
    """Return window centres along an axis: one at least, however short it is."""
    return np.arange(min(_STEP_PX, length) // 2, length, _STEP_PX).astype(np.float32)
