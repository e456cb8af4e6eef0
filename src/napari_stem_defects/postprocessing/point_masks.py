"""Masks of point defects: one class by its own probability, one connected region per defect.

A defect is a site: the place of the most evidence, with no other one of its class within the
separation (non-maximum suppression). The separation is the size of a column in the windows of the
model, not a number of windows, so that the step between windows does not change the count:
fragments within it are joined, and only sites further apart are split.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.draw import line as draw_line
from skimage.segmentation import watershed

from napari_stem_defects.postprocessing.connected_components import EIGHT_CONNECTED, StripLabeller
from napari_stem_defects.postprocessing.interpolation import ALMOST
from napari_stem_defects.postprocessing.point_sites import Sites, find_sites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.connected_components import BoundingBox
    from napari_stem_defects.postprocessing.interpolation import WindowInterpolator
    from napari_stem_defects.postprocessing.mask_stack import MaskStack
    from napari_stem_defects.postprocessing.results import ProbabilityMap


@dataclass(frozen=True)
class PointClass:
    """A class of point defects, prepared for drawing.

    Attributes
    ----------
    values : ndarray of float32, shape (gy, gx)
        Probability of the class.
    threshold : float
    passing : ndarray of bool, shape (gy, gx)
        The valid windows that reach the threshold.
    sites : Sites
        The windows of the defects, at least one in each fragment or joined with it.
    joins : ndarray of int, shape (N, 2)
        Pixels between passing windows that touch at a corner, and between fragments of one site.
    interpolator : WindowInterpolator
    """

    values: NDArray[np.float32]
    threshold: float
    passing: NDArray[np.bool_]
    sites: Sites
    joins: NDArray[np.intp]
    interpolator: WindowInterpolator

    @classmethod
    def from_map(
        cls,
        map: ProbabilityMap,
        name: str,
        threshold: float,
        interpolator: WindowInterpolator,
        *,
        prominence: float,
        separation_px: float,
    ) -> PointClass:
        """Prepare a class with its probability threshold.

        Parameters
        ----------
        map : ProbabilityMap
            Probabilities of all windows.
        name : str
            A point class of the map.
        threshold : float
            Probability from which the class is assigned.
        interpolator : WindowInterpolator
            From the windows to the pixels.
        prominence : float
            Dip of the probability between two peaks of two defects.
        separation_px : float
            Least distance of two defects of the class in px of the image.

        Returns
        -------
        PointClass
            The class, ready to draw.
        """
        values = map.probability[map.classes.index(name)]
        passing = map.valid & (values >= threshold)
        sites = find_sites(map, values, passing, prominence, separation_px)
        joins = np.concatenate(
            [
                _joins_at_corners(passing, map, interpolator),
                _joins_of_fragments(sites, interpolator),
            ]
        )
        return cls(values, threshold, passing, sites, joins, interpolator)

    def draw(self, mask: NDArray[np.uint8], rows: slice) -> None:
        """Draw some rows of the mask.

        Parameters
        ----------
        mask : ndarray of uint8, shape (rows, X)
            Changed in place.
        rows : slice
            Rows of pixels, with start and stop.
        """
        # No pixel between lower windows can reach the threshold, but by rounding.
        near = self.values >= ALMOST * self.threshold
        for down, across in self.interpolator.parts_around(near, rows):
            reached = self.interpolator.bilinear(self.values, down, across) >= self.threshold
            mask[down.start - rows.start : down.stop - rows.start, across] |= reached
        y, x, _ = self.interpolator.centres_in(self.passing, rows)
        mask[y, x] = 1
        y, x = pixels_in_rows(self.joins, rows)
        mask[y, x] = 1

    def valleys(self, draft: MaskStack, name: str) -> NDArray[np.intp]:
        """Return the pixels (N, 2) along which regions with several sites are split.

        Parameters
        ----------
        draft : MaskStack
            Masks before touching defects are split.
        name : str
            Name of the class.

        Returns
        -------
        ndarray of int, shape (N, 2)
            Row and column of the pixels to clear.
        """
        cuts = [np.zeros((0, 2), np.intp)]
        if len(self.sites.windows) > 1:
            peaks = np.zeros(self.passing.shape, np.int32)
            peaks[tuple(self.sites.windows.T)] = np.arange(1, len(self.sites.windows) + 1)
            cuts += [
                self._valley(draft.crop(name, box), box, of)
                for box, of in self._with_several_peaks(draft, name, peaks)
            ]
        return np.concatenate(cuts)

    def _with_several_peaks(
        self, draft: MaskStack, name: str, peaks: NDArray[np.int32]
    ) -> Iterator[tuple[BoundingBox, NDArray[np.intp]]]:
        """Yield the box of each region with several peaks, and the peaks (n, 3): number, y, x."""
        labeller, found = StripLabeller(), []
        for rows, mask in draft.blocks_of(name):
            segments = labeller.add(mask)
            y, x, number = self.interpolator.centres_in(peaks, rows)
            inside = mask[y, x] > 0
            y, x, number = y[inside], x[inside], number[inside]
            found.append(np.column_stack([segments[y, x], number, y + rows.start, x]))
        segment, *peak = np.concatenate(found).T
        components = labeller.components()
        region, boxes = components[segment], labeller.component_boxes(components)
        pairs = np.unique(np.column_stack([region, peak[0]]), axis=0)
        numbers, peaks_in = np.unique(pairs[:, 0], return_counts=True)
        for number in numbers[peaks_in > 1]:
            yield boxes[number - 1], np.column_stack(peak)[region == number]

    def _valley(
        self, mask: NDArray[np.uint8], box: BoundingBox, peaks: NDArray[np.intp]
    ) -> NDArray[np.intp]:
        """Return the watershed lines between the peaks of a region inside its box."""
        corner = np.array([box[0].start, box[1].start])
        (y, x), markers = (peaks[:, 1:] - corner).T, np.zeros(mask.shape, np.int32)
        markers[y, x] = peaks[:, 0]
        blobs, _ = ndimage.label(mask, EIGHT_CONNECTED)
        blob = blobs == blobs[y[0], x[0]]
        # The line is drawn here because watershed_line with 8 neighbours takes minutes.
        heights = self.interpolator.bilinear(self.values, *box)
        basins = watershed(-heights, markers, connectivity=2, mask=blob)
        between = blob & (ndimage.maximum_filter(basins, size=3) != basins) & (markers == 0)
        # What the line cuts off from every site is part of no defect.
        parts, _ = ndimage.label(blob & ~between, EIGHT_CONNECTED)
        removed = blob & ~np.isin(parts, parts[y, x])
        valley: NDArray[np.intp] = np.argwhere(removed) + corner
        return valley


def _joins_of_fragments(sites: Sites, interpolator: WindowInterpolator) -> NDArray[np.intp]:
    """Return the pixels (N, 2) of straight lines from fragments to their site."""
    pixels = [np.zeros((0, 2), np.intp)]
    for ends in sites.joined:
        y, x = interpolator.pixel_y[ends[:, 0]], interpolator.pixel_x[ends[:, 1]]
        pixels.append(np.column_stack(draw_line(y[0], x[0], y[1], x[1])))
    return np.concatenate(pixels)


def _joins_at_corners(
    passing: NDArray[np.bool_], map: ProbabilityMap, interpolator: WindowInterpolator
) -> NDArray[np.intp]:
    """Return the pixels (N, 2) of lines between passing windows that touch at a corner.

    Halfway between them the bilinear map is the mean of four windows, two of which may show
    nothing of a defect smaller than the stride.
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
    inside: NDArray[np.intp] = np.clip(joined, 0, np.array(interpolator.shape) - 1)
    return inside


def pixels_in_rows(
    pixels: NDArray[np.intp], rows: slice
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns of the pixels (N, 2) in some rows, relative to the first row.

    Parameters
    ----------
    pixels : ndarray of int, shape (N, 2)
        Row and column of each pixel.
    rows : slice
        Rows of pixels, with start and stop.

    Returns
    -------
    ndarray of int, ndarray of int
        Rows, counted from the first of ``rows``, and columns.
    """
    y, x = pixels.T
    here = (y >= rows.start) & (y < rows.stop)
    return y[here] - rows.start, x[here]
