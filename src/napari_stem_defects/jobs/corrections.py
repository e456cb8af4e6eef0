"""Manual corrections of detected regions: another class, or no defect."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from skimage.measure import label

from napari_stem_defects.postprocessing.mask_stack import MaskStack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.detection.frame_result import FrameResult
    from napari_stem_defects.postprocessing.results import Region


@dataclass(frozen=True)
class Correction:
    """The region that holds pixel (y, x) in the plane of ``found`` is really of another class.

    Attributes
    ----------
    frame : int
    y, x : int
        Where the region's probability is highest, so that it stays in it when thresholds rise.
    found, right : str
        The class it was given, and the one it is of; "Bulk" where there is no defect.
    """

    frame: int
    y: int
    x: int
    found: str
    right: str


def apply_corrections(result: FrameResult, corrections: Sequence[Correction]) -> FrameResult:
    """Return a result with manual corrections; regions below the thresholds are skipped."""
    mine = [each for each in corrections if each.frame == result.frame]
    if not mine:
        return result
    masks = (result.numbered > 0).astype(np.uint8)
    for each in mine:
        _correct(masks, result.names, each)
    planes = MaskStack.from_array(result.names, masks)
    return result.with_masks(planes, corrections=[asdict(each) for each in mine])


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
    """Return the region as a mask, shape (Y, X)."""
    plane = result.numbered[result.names.index(region.class_name)]
    mask: NDArray[np.bool_] = plane == region.region
    return mask


def probability_in(result: FrameResult, region: Region) -> NDArray[np.float32]:
    """Return the nearest windows' probability of the region's class, 0 outside it; (Y, X)."""
    mask = pixels_of(result, region)
    rows, columns = np.nonzero(mask)
    found = result.map
    near = found.probability[
        found.classes.index(region.class_name),
        _nearest(found.y, rows),
        _nearest(found.x, columns),
    ]
    weights = np.zeros(mask.shape, np.float32)
    weights[rows, columns] = np.maximum(near, np.finfo(np.float32).tiny)
    return weights


def _nearest(centres: NDArray[np.float32], at: NDArray[np.intp]) -> NDArray[np.intp]:
    middles = (centres[1:] + centres[:-1]) / 2
    return np.searchsorted(middles, at)
