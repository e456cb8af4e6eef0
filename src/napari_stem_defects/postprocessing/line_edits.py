"""Changes to the masks of planar defects, applied in row blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from skimage.draw import polygon

from napari_stem_defects.postprocessing.connected_components import components_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.region_shapes import RegionShape

    Array = NDArray[np.float64]


Line = tuple[tuple[float, float], ...]

_AT_BORDER_PX = 0.75
"""Distance from the border of the image up to which a line runs out at it."""
_MOST_SLOPE = 4.0
"""Cotangent of the smallest angle between a line and the border that its band allows for."""


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
    shapes : mapping of bytes to RegionShape, optional
        What was measured of kept components, by `Component.digest`.

    Attributes
    ----------
    shapes : mapping of bytes to RegionShape
    """

    def __init__(
        self,
        kept: Mapping[str, Mapping[int, str]],
        bands: Sequence[Band],
        draft: MaskStack,
        shapes: Mapping[bytes, RegionShape] | None = None,
    ) -> None:
        self.shapes = shapes or {}
        self._bands, self._shape, self._names = bands, draft.shape, tuple(kept)
        self._kept = [
            (target, component)
            for name, chosen in kept.items()
            if chosen
            for number, component in enumerate(components_of(draft.blocks_of(name)), start=1)
            if (target := chosen.get(number)) is not None
        ]

    @property
    def centre_lines(self) -> dict[str, tuple[Line, ...]]:
        """The centre lines (y, x) in px of the straight defects of each class."""
        return {
            name: tuple(
                _as_line(band.ends) for band in self._bands if band.name == name and band.is_whole
            )
            for name in self._names
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
        for mask in masks.values():
            mask[:] = 0
        for target, component in self._kept:
            for (down, across), inside in component.within(rows):
                masks[target][down, across] |= inside
        for band in self._bands:
            y, x = _band_pixels(band, self._shape, rows)
            masks[band.name][y, x] = 1


def _as_line(ends: Array) -> Line:
    (y0, x0), (y1, x1) = sorted(np.round(ends, 2).tolist())
    return (y0, x0), (y1, x1)


def _band_pixels(
    band: Band, shape: tuple[int, int], rows: slice
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the pixels of a band in a row block, rows relative to the first one."""
    along = band.ends[1] - band.ends[0]
    along = along / max(float(np.hypot(*along)), 1e-9)
    offset = band.half_width * np.array([-along[1], along[0]])
    first = band.ends[0] - _past_border(band.ends[0], along, band.half_width, shape) * along
    last = band.ends[1] + _past_border(band.ends[1], along, band.half_width, shape) * along
    corners = np.stack([first - offset, first + offset, last + offset, last - offset])
    if corners[:, 0].max() < rows.start or corners[:, 0].min() >= rows.stop:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    y, x = polygon(corners[:, 0] - rows.start, corners[:, 1], (rows.stop - rows.start, shape[1]))
    return y, x


def _past_border(
    end: NDArray[np.float64], along: NDArray[np.float64], half_width: float, shape: tuple[int, int]
) -> float:
    """Return how far a band is drawn past its end, so that it fills the border it runs out at.

    A band that meets the border at an angle would end across its direction otherwise, and leave a
    wedge of the border out.
    """
    slopes = [
        abs(along[1 - axis]) / max(abs(along[axis]), 1e-9)
        for axis in (0, 1)
        if min(abs(end[axis] + 0.5), abs(end[axis] - (shape[axis] - 0.5))) <= _AT_BORDER_PX
    ]
    return half_width * min(*slopes, _MOST_SLOPE) if slopes else 0.0
