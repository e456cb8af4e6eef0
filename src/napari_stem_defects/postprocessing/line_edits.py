"""Changes to the masks of planar defects, applied in row blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from skimage.draw import polygon

from napari_stem_defects.postprocessing.connected_components import StripLabeller

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.mask_stack import MaskStack

    Array = NDArray[np.float64]


Line = tuple[tuple[float, float], ...]


class Band(NamedTuple):
    """A straight band to add to the mask of a class.

    Attributes
    ----------
    name : str
        The class.
    ends : ndarray of float64, shape (2, 2)
        Both ends (y, x) of its centre line in px.
    half_width : float
        Half its width in px.
    is_whole : bool
        Whether it is a whole defect, not a part of one.
    """

    name: str
    ends: Array
    half_width: float
    is_whole: bool = False


class LineEdits:
    """What becomes of each component of the drafted masks of planar defects, and what is added.

    Parameters
    ----------
    kept : mapping of str to mapping of int to str
        For each class of the kind "line", the components of its drafted mask that are kept, by
        their number from 1, and the class whose mask they go to; others are removed.
    bands : sequence of Band
    draft : MaskStack
        The masks that are changed.
    """

    def __init__(
        self, kept: Mapping[str, Mapping[int, str]], bands: Sequence[Band], draft: MaskStack
    ) -> None:
        self._bands, self._shape = bands, draft.shape
        self._labellers = {name: StripLabeller() for name in kept}
        self._targets = {name: _by_segment(draft, name, each) for name, each in kept.items()}

    @property
    def centre_lines(self) -> dict[str, tuple[Line, ...]]:
        """The centre lines (y, x) in px of the straight defects of each class."""
        return {
            name: tuple(
                _as_line(band.ends) for band in self._bands if band.name == name and band.is_whole
            )
            for name in self._targets
        }

    def apply(self, masks: Mapping[str, NDArray[np.uint8]], rows: slice) -> None:
        """Change the masks of all planar classes in a row block, in place.

        Parameters
        ----------
        masks : mapping of str to ndarray of uint8, shape (rows, X)
            The drafted masks of the block by class; blocks come in their order.
        rows : slice
            Rows of the block.
        """
        segments = {name: each.add(masks[name]) for name, each in self._labellers.items()}
        for mask in masks.values():
            mask[:] = 0
        for name, targets in self._targets.items():
            for target, chosen in targets.items():
                masks[target] |= chosen[segments[name]]
        for band in self._bands:
            y, x = _band_pixels(band, self._shape, rows)
            masks[band.name][y, x] = 1


def _as_line(ends: Array) -> Line:
    (y0, x0), (y1, x1) = sorted(np.round(ends, 2).tolist())
    return (y0, x0), (y1, x1)


def _by_segment(
    draft: MaskStack, name: str, kept: Mapping[int, str]
) -> dict[str, NDArray[np.uint8]]:
    """Return, for each class that components go to, which segments do, as 0 and 1."""
    labeller = StripLabeller()
    for _, mask in draft.blocks_of(name):
        labeller.add(mask)
    components = labeller.components()
    return {
        target: np.isin(components, [n for n, other in kept.items() if other == target]).astype(
            np.uint8
        )
        for target in set(kept.values())
    }


def _band_pixels(
    band: Band, shape: tuple[int, int], rows: slice
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pixels of a band in a row block, rows relative to the first one."""
    along = band.ends[1] - band.ends[0]
    across = np.array([-along[1], along[0]]) / max(float(np.hypot(*along)), 1e-9)
    offset = band.half_width * across
    corners = np.stack(
        [band.ends[0] - offset, band.ends[0] + offset, band.ends[1] + offset, band.ends[1] - offset]
    )
    y, x = polygon(corners[:, 0] - rows.start, corners[:, 1], (rows.stop - rows.start, shape[1]))
    return y, x
