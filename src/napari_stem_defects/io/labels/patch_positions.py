"""Positions of patches in the micrographs that they were cut from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.base.progress import Progress, ProgressCallback, silent
from napari_stem_defects.errors import LabelError
from napari_stem_defects.io.labels.pixels import pixel_hash
from napari_stem_defects.lattice.template_matching import PatchSearch

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

MIN_CORRELATION = 0.999
"""Least correlation of a patch with the position that it was cut from.

An exact crop reaches 1.0. The same position without the defect still reaches 0.99 (measured on
the public interstitials, which were edited into their micrograph), so a lower value would label
bulk as a defect.
"""

_EXACT = 0.99999
_TIE = 1e-6


@dataclass(frozen=True)
class _SearchFrame:
    """One frame of a micrograph in which patches are searched."""

    micrograph: Micrograph
    frame: int
    search: PatchSearch


@dataclass(frozen=True)
class PatchCentre:
    """The centre of a patch in a micrograph.

    Attributes
    ----------
    micrograph : Micrograph
        The micrograph that contains the patch, or the patch itself.
    y, x : float
        Position in px.
    frame : int
        Index of the frame.
    """

    micrograph: Micrograph
    y: float
    x: float
    frame: int = 0


def find_patch_centres(
    patches: NDArray[np.float32],
    names: Sequence[str],
    images: Sequence[Micrograph],
    *,
    min_correlation: float = MIN_CORRELATION,
    report: ProgressCallback = silent,
) -> list[PatchCentre]:
    """Find the centre of each patch in the micrograph that it was cut from.

    Parameters
    ----------
    patches : ndarray of float32, shape (N, Y, X)
        The patches.
    names : sequence of str
        Name of each patch.
    images : sequence of Micrograph
        Micrographs or stacks that the patches may come from; the first exact match is used.
    min_correlation : float
        Least correlation with a position, see `MIN_CORRELATION`.
    report : callable
        Called with the progress after every patch.

    Returns
    -------
    list of PatchCentre
        For a patch that no image contains, the centre of the patch as an image of its own.

    Raises
    ------
    LabelError
        An image is smaller than the patches.
    """
    frames = _search_frames(images, patches.shape[1:])
    centres = []
    for number, patch in enumerate(patches):
        centre = _locate(patch, frames, min_correlation)
        centres.append(centre or _unplaced_centre(patch, names[number]))
        report(Progress("placing patches", number + 1, len(patches)))
    return centres


def _search_frames(
    images: Sequence[Micrograph], patch_shape: tuple[int, int]
) -> list[_SearchFrame]:
    for image in images:
        if image.frame_shape[0] < patch_shape[0] or image.frame_shape[1] < patch_shape[1]:
            raise LabelError(f"{image.name}: smaller than the patches; give their micrograph")
    return [
        _SearchFrame(image, frame, PatchSearch(image.frame(frame).pixels, patch_shape))
        for image in images
        for frame in range(image.frame_count)
    ]


def _locate(
    patch: NDArray[np.float32], frames: Iterable[_SearchFrame], min_correlation: float
) -> PatchCentre | None:
    """Return the position a patch was cut from: the first exact match, else the best match."""
    best, centre = min_correlation, None
    for frame in frames:
        match = frame.search.find(patch)
        if match and match.score >= best:
            y, x = _centre(match.top, patch.shape[0]), _centre(match.left, patch.shape[1])
            best, centre = match.score + _TIE, PatchCentre(frame.micrograph, y, x, frame.frame)
        if best >= _EXACT:
            break
    return centre


def _unplaced_centre(patch: NDArray[np.float32], name: str) -> PatchCentre:
    height, width = patch.shape
    micrograph = Micrograph(patch, Path(name).stem, sha256=pixel_hash(patch))
    return PatchCentre(micrograph, _centre(0, height), _centre(0, width))


def _centre(first: int, length: int) -> float:
    return first + (length - 1) / 2
