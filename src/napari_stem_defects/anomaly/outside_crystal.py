"""Parts of an image outside of its crystal: an amorphous film or support, vacuum, contamination.

Everything there is unlike the crystal, so that nothing there is unusual: it is no defect. What the
crystal encloses, as an amorphous precipitate, and another crystal, are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.sampling import near_invalid
from napari_stem_defects.base.lengths import format_share
from napari_stem_defects.lattice.measurement import measure_lattices

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.lattice.grains import GrainMap

_DEEP = 3.0
"""Radius in lattice periods of a disc that such a part contains: smaller ones are places of
defects."""
_UNSURE = 2.0
"""How far the edge of the crystal may be from where the grain ends, in lattice periods."""
_LEAST_INNER = 0.25
"""Share of a crystal that is not at its edge, below which it is a particle."""
_AT_BORDER = 0.25
"""Smallest share of its outline, that of a square of its size, that lies on the image border."""


def with_edge(outside: NDArray[np.bool_], period: float) -> NDArray[np.bool_]:
    """Return what is outside of a crystal or at its edge.

    Parameters
    ----------
    outside : ndarray of bool, shape (Y, X)
        Parts outside of the crystal, in px or samples.
    period : float
        Lattice period in the same unit.

    Returns
    -------
    ndarray of bool, shape (Y, X)
    """
    return near_invalid(outside, outside.shape, period, _UNSURE)


def is_particle(outside: NDArray[np.bool_], period: float) -> bool:
    """Return whether a crystal has so few periods that hardly any of it is away from its edge.

    Parameters
    ----------
    outside : ndarray of bool, shape (Y, X)
        Parts outside of the crystal, in px or samples.
    period : float
        Lattice period in the same unit.

    Returns
    -------
    bool
    """
    inner = ~with_edge(outside, period)
    return bool(inner.mean() < _LEAST_INNER * (~outside).mean())


def share_statement(share: float) -> str:
    """Return what to state about the part of an image that shows no lattice.

    Parameters
    ----------
    share : float
        Share of the image, more than 0; 1 if nothing is searched.

    Returns
    -------
    str
        One sentence without a full stop.
    """
    if share >= 1:
        return (
            "nothing is searched: the image shows too little of a lattice beside an amorphous film,"
            " a support or vacuum"
        )
    return (
        f"{format_share(share)} of the image is not searched: it shows no lattice, as an amorphous"
        " film, a support or vacuum, or is at the edge of the crystal"
    )


def outside_crystal(pixels: NDArray[np.float32], grain_map: GrainMap) -> NDArray[np.bool_] | None:
    """Find the parts of an image that show no lattice and reach its border.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
        The image.
    grain_map : GrainMap
        Its grains.

    Returns
    -------
    ndarray of bool, shape (Y, X), or None
        None where the crystal fills the image, and where there is none.
    """
    cells = grain_map.outside
    if cells is None or not cells.any() or cells.all():
        return None
    depth = ndimage.distance_transform_edt(np.pad(cells, 1))[1:-1, 1:-1]
    parts, count = ndimage.label(cells)
    outside = np.zeros_like(cells)
    for number in range(1, count + 1):
        part = parts == number
        middle = np.unravel_index(int(np.where(part, depth, 0).argmax()), depth.shape)
        if depth[middle] < _DEEP or not reaches_border(part):
            continue
        reach = depth[middle] / np.sqrt(2)
        # A film has the reflections of the crystal beside it, faint ones.
        square = _square(pixels, cells.shape, middle, reach)
        if measure_lattices(square, faint=False).cell is None:
            outside |= part
    if not outside.any():
        return None
    rows, columns = (
        np.arange(length) * count // length
        for length, count in zip(pixels.shape, cells.shape, strict=True)
    )
    found: NDArray[np.bool_] = outside[np.ix_(rows, columns)]
    return found


def reaches_border(part: NDArray[np.bool_], outside: NDArray[np.bool_] | None = None) -> bool:
    """Return whether a part lies along the border of its crystal, so that none encloses it.

    Parameters
    ----------
    part : ndarray of bool, shape (rows, columns)
        Cells that cover the image evenly; at least one of the part.
    outside : ndarray of bool, shape (rows, columns), optional
        Cells that are no crystal. By default the crystal ends at the border of the image.

    Returns
    -------
    bool
    """
    if outside is None:
        outside = np.zeros_like(part)
    around = np.pad(outside, 1, constant_values=True)
    beside = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    on_border = sum(int((part & each).sum()) for each in beside)
    return on_border >= _AT_BORDER * 4 * float(np.sqrt(part.sum()))


def _square(
    pixels: NDArray[np.float32],
    cells: tuple[int, ...],
    middle: tuple[np.intp, ...],
    reach: float,
) -> NDArray[np.float32]:
    """Return the pixels of a square, whose middle and half edge are in cells."""
    box = []
    for place, count, length in zip(middle, cells, pixels.shape, strict=True):
        size = length / count
        centre = (float(place) + 0.5) * size
        low, high = round(centre - reach * size), round(centre + reach * size)
        box.append(slice(max(0, low), min(length, high)))
    return pixels[box[0], box[1]]
