"""Search of an image whose lattice residual is known with a quick model."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.detection.detect_matched import map_of_residual
from napari_stem_defects.detection.drawn_masks import draw_masks, drawing_parameters

if TYPE_CHECKING:
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.matched_filter.model import MatchedFilterModel
    from napari_stem_defects.networks.spec import Ensemble
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap
    from napari_stem_defects.training.quick_images import PreparedImage


class Found(NamedTuple):
    """What a search found in one image.

    Attributes
    ----------
    map : ProbabilityMap
    masks : MaskStack
    """

    map: ProbabilityMap
    masks: MaskStack


def search_prepared(
    micrograph: Micrograph, ready: PreparedImage, model: MatchedFilterModel, ensemble: Ensemble
) -> Found:
    """Search an image as a detection does, with the residual that is kept.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    ready : PreparedImage
        Of the frame, at the samples per length unit of the model.
    model : MatchedFilterModel
    ensemble : Ensemble
        The same model.

    Returns
    -------
    Found
    """
    residual = ready.residual
    about = ready.limits, ready.visibility
    found = map_of_residual(residual, model, ready.cell, ensemble, micrograph, *about)
    factor = float(np.sqrt(residual.sampled.factor[0] * residual.sampled.factor[1]))
    parameters = {
        "thresholds": {name: ensemble.spec.threshold(name) for name in found.classes},
        "resampling_factor": factor,
        **drawing_parameters(ensemble.spec, factor),
    }
    if ready.cell is not None:
        parameters["lattice"] = {"vectors_px": ready.cell.vectors_px}
    masks = draw_masks(found, micrograph.frame_shape, parameters, micrograph.invalid)
    return Found(found, masks)
