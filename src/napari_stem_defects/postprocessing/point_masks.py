"""How point defects are drawn: each class by its own probability, touching ones cut apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.morphology import h_maxima
from skimage.segmentation import watershed

from napari_stem_defects.postprocessing.connected_components import EIGHT, StripLabeller

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.connected_components import Box
    from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap


@dataclass(frozen=True)
class PointClass:
    """How a point defect is drawn: by its own probability alone.

    Attributes
    ----------
    values : ndarray of float32, shape (gy, gx)
    limit : float
    passing : ndarray of bool, shape (gy, gx)
        The windows that reach the limit.
    joins : ndarray of int, shape (N, 2)
        Pixels between windows that pass across a corner.
    raster : Raster
    """

    values: NDArray[np.float32]
    limit: float
    passing: NDArray[np.bool_]
    joins: NDArray[np.intp]
    raster: WindowInterpolator

    @classmethod
    def of(
        cls, map: ProbabilityMap, name: str, limit: float, raster: WindowInterpolator
    ) -> PointClass:
        """Prepare a class that claims a window from a probability of ``limit``."""
        values = map.probability[map.classes.index(name)]
        passing = map.called & (values >= limit)
        return cls(values, limit, passing, _joins_across_corners(passing, map, raster), raster)

    def draw(self, mask: NDArray[np.uint8], rows: slice) -> None:
        """Draw some rows of the plane."""
        if not self.passing[self.raster.concerned(rows)].any():
            return
        reached = self.raster.bilinear(self.values, rows) >= self.limit
        mask[:] = reached | (self.raster.at_centres(self.passing, rows) > 0)
        y, x = within(self.joins, rows)
        mask[y, x] = 1

    def valleys(self, rough: MaskStack, name: str, prominence: float) -> NDArray[np.intp]:
        """Return the pixels (N, 2) along which regions with several peaks are cut apart."""
        cuts = [np.zeros((0, 2), np.intp)]
        if self.passing.any():
            tops = self.passing & (h_maxima(self.values, prominence) > 0)
            peaks, _ = ndimage.label(tops, EIGHT)
            cuts += [
                self._valley(rough.crop(name, box), box, of)
                for box, of in self._crowded(rough, name, peaks)
            ]
        return np.concatenate(cuts)

    def _crowded(
        self, rough: MaskStack, name: str, peaks: NDArray[np.int32]
    ) -> Iterator[tuple[Box, NDArray[np.intp]]]:
        """Yield the box of each region with several peaks, and these: (n, 3), peak, y and x."""
        pieces, met = StripLabeller(), []
        for rows, mask in rough.parts_of(name):
            numbers = pieces.add(mask)
            at = self.raster.at_centres(peaks, rows) * mask
            y, x = np.nonzero(at)
            met.append(np.column_stack([numbers[y, x], at[y, x], y + rows.start, x]))
        piece, *seen = np.concatenate(met).T
        region, boxes = pieces.regions()[piece], pieces.region_boxes()
        pairs = np.unique(np.column_stack([region, seen[0]]), axis=0)
        numbers, peaks_in = np.unique(pairs[:, 0], return_counts=True)
        for number in numbers[peaks_in > 1]:
            yield boxes[number - 1], np.column_stack(seen)[region == number]

    def _valley(
        self, mask: NDArray[np.uint8], box: Box, peaks: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return the pixels between the peaks of a region inside its box."""
        corner = np.array([box[0].start, box[1].start])
        (y, x), markers = (peaks[:, 1:] - corner).T, np.zeros(mask.shape, np.int32)
        markers[y, x] = peaks[:, 0]
        blobs, _ = ndimage.label(mask, EIGHT)
        blob = blobs == blobs[y[0], x[0]]
        # The cut is drawn here because watershed_line with 8 neighbours takes minutes.
        heights = self.raster.bilinear(self.values, *box)
        basins = watershed(-heights, markers, connectivity=2, mask=blob)
        between = blob & (ndimage.maximum_filter(basins, size=3) != basins)
        valley: NDArray[np.intp] = np.argwhere(between) + corner
        return valley


def _joins_across_corners(
    passing: NDArray[np.bool_], map: ProbabilityMap, raster: WindowInterpolator
) -> NDArray[np.intp]:
    """Return the pixels (N, 2) of lines between the centres of windows that pass across a corner.

    Halfway the bilinear map is the mean of four windows, two of which may see nothing of a
    defect smaller than their step.
    """
    upper, lower = passing[:-1], passing[1:]
    pixels = [np.zeros((0, 2), np.intp)]
    for first, second, step in (
        (upper[:, :-1], lower[:, 1:], 1),
        (upper[:, 1:], lower[:, :-1], -1),
    ):
        rows, columns = np.nonzero(first & second)
        columns = columns + (step < 0)
        y, x = (map.y[rows], map.y[rows + 1]), (map.x[columns], map.x[columns + step])
        longest = max((np.abs(b - a).max(initial=0) for a, b in (y, x)))
        for share in np.linspace(0, 1, int(longest) + 2):
            at = [np.rint(a + share * (b - a)).astype(np.intp) for a, b in (y, x)]
            pixels.append(np.column_stack(at))
    joined = np.unique(np.concatenate(pixels), axis=0)
    inside: NDArray[np.intp] = np.clip(joined, 0, np.array(raster.shape) - 1)
    return inside


def within(pixels: NDArray[np.intp], rows: slice) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return those of some pixels (N, 2) that lie in some rows, counted from the first of these."""
    y, x = pixels.T
    here = (y >= rows.start) & (y < rows.stop)
    return y[here] - rows.start, x[here]
