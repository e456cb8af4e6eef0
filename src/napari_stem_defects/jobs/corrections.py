"""Manual corrections of detected regions: another class, or no defect."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from skimage.measure import label

from napari_stem_defects.io.results.summary import CORRECTIONS
from napari_stem_defects.postprocessing.mask_stack import MaskStack

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.postprocessing.results import Region


@dataclass(frozen=True)
class Correction:
    """A correction: the region of class ``found`` at pixel (y, x) belongs to another class.

    Attributes
    ----------
    frame : int
    y, x : int
        Pixel with the highest probability, which stays in the region when thresholds rise.
    found, right : str
        The detected and the correct class; "Bulk" if there is no defect.
    """

    frame: int
    y: int
    x: int
    found: str
    right: str


def apply_corrections(result: FrameResult, corrections: Sequence[Correction]) -> FrameResult:
    """Apply manual corrections to a result.

    Parameters
    ----------
    result : FrameResult
    corrections : sequence of Correction
        Those of other frames are ignored, those of regions below the thresholds have no effect.

    Returns
    -------
    FrameResult
        The corrected result; ``result`` itself if it has no corrections. Corrections that the
        parameters of ``result`` name and that are not given were undone.
    """
    mine = [each for each in corrections if each.frame == result.frame]
    if not mine:
        if CORRECTIONS not in result.parameters:
            return result
        kept = {name: value for name, value in result.parameters.items() if name != CORRECTIONS}
        return replace(result, parameters=kept)
    masks = (result.numbered > 0).astype(np.uint8)
    for each in mine:
        _correct(masks, result.names, each)
    planes = MaskStack.from_array(result.names, masks)
    return result.with_masks(planes, corrections=[asdict(each) for each in mine])


def differs(
    result: FrameResult, thresholds: Mapping[str, float], corrections: Sequence[Correction]
) -> bool:
    """Return whether a result has other thresholds or corrections than given.

    Parameters
    ----------
    result : FrameResult
    thresholds : mapping of str to float
        Of some classes.
    corrections : sequence of Correction
        Those of other frames are ignored.

    Returns
    -------
    bool
    """
    mine = [asdict(each) for each in corrections if each.frame == result.frame]
    stored = result.parameters.get(CORRECTIONS) or ()
    has_mine = mine == [{**each, "frame": result.frame} for each in stored]
    limits = result.parameters.get("thresholds", {})
    return not has_mine or any(limits.get(name) != value for name, value in thresholds.items())


def _correct(masks: NDArray[np.uint8], names: Sequence[str], correction: Correction) -> None:
    if correction.found not in names:
        return
    plane = masks[names.index(correction.found)]
    blobs = label(plane, connectivity=2)
    number = blobs[correction.y, correction.x]
    if number:
        region = blobs == number
        plane[region] = 0
        if correction.right in names:
            masks[names.index(correction.right)][region] = 1


def pixels_of(result: FrameResult, region: Region) -> NDArray[np.bool_]:
    """Return the mask of a region.

    Parameters
    ----------
    result : FrameResult
    region : Region
        One of its regions.

    Returns
    -------
    ndarray of bool, shape (Y, X)
    """
    plane = result.numbered[result.names.index(region.class_name)]
    mask: NDArray[np.bool_] = plane == region.region
    return mask


def probability_in(result: FrameResult, region: Region) -> NDArray[np.float32]:
    """Return the probability of a region's class in its pixels.

    Parameters
    ----------
    result : FrameResult
    region : Region
        One of its regions.

    Returns
    -------
    ndarray of float32, shape (Y, X)
        Probability of the nearest window, more than 0 inside the region and 0 outside.
    """
    mask = pixels_of(result, region)
    rows, columns = np.nonzero(mask)
    found = result.map
    known = region.class_name in found.classes
    # A line that geometry contradicts has no class; the most probable one counts.
    values = (
        found.probability[found.classes.index(region.class_name)]
        if known
        else found.probability.max(axis=0)
    )
    near = values[_nearest(found.y, rows), _nearest(found.x, columns)]
    weights = np.zeros(mask.shape, np.float32)
    weights[rows, columns] = np.maximum(near, np.finfo(np.float32).tiny)
    return weights


def _nearest(centres: NDArray[np.float32], at: NDArray[np.intp]) -> NDArray[np.intp]:
    middles = (centres[1:] + centres[:-1]) / 2
    return np.searchsorted(middles, at)
