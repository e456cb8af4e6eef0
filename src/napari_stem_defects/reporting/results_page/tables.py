"""The figures of a page of results: rates with intervals, comparisons, distances and lengths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from napari_stem_defects.statistics.comparison import (
    Comparison,
    compare,
    equal_rates_p_value,
    mean_with_interval,
)
from napari_stem_defects.statistics.nearest_neighbours import NearestNeighbours, nearest_neighbours
from napari_stem_defects.statistics.pair_correlation import PairCorrelation, pair_correlation
from napari_stem_defects.statistics.rates import Accuracy, Estimate, Observed, rate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from napari_stem_defects.base.defect_classes import Kind
    from napari_stem_defects.reporting.results_page.data import ReportedImage, ReportedResults

Quantity = Literal["number", "length"]

FEWEST_POINTS = 10
"""Number of points of a class from which their arrangement is reported."""

FEWEST_LINES = 3
"""Number of lines on each side from which their lengths are compared."""

_MOST_BINS, _FEWEST_BINS = 24, 8
_BORDER_PX = 24.0


FrameMeans = Literal["no", "some", "all"]


@dataclass(frozen=True)
class RateRow:
    """The rate of one class in some images.

    Attributes
    ----------
    images : str
        Which images: all, a group or one.
    class_name : str
    kind : {"point", "line", "area"}
    quantity : {"number", "length"}
        Number per nm², or length per area in nm⁻¹.
    count : float
        Number of defects; of repeated frames the mean of one.
    total : float
        Sum of lengths in nm, or the number; of repeated frames the mean of one.
    area_nm2 : float
        The area that was searched.
    reported : Estimate
        What the model reported, with the interval of counting statistics.
    corrected : Estimate or None
        With precision and recall; None where they were not measured.
    accuracy : Accuracy or None
    frame_means : {"no", "some", "all"}
        Whether count and total are sums of means of the frames of movies: of no image, of some of
        them, or of all.
    """

    images: str
    class_name: str
    kind: Kind
    quantity: Quantity
    count: float
    total: float
    area_nm2: float
    reported: Estimate
    corrected: Estimate | None
    accuracy: Accuracy | None
    frame_means: FrameMeans = "no"

    @property
    def best(self) -> Estimate:
        """The corrected rate where there is one, else the reported rate."""
        return self.reported if self.corrected is None else self.corrected


@dataclass(frozen=True)
class ComparisonRow:
    """A rate in one group of images relative to that in the first one.

    Attributes
    ----------
    first, second : str
        The ratio is that of the first to the second.
    class_name : str
    quantity : {"number", "length"}
    comparison : Comparison
    """

    first: str
    second: str
    class_name: str
    quantity: Quantity
    comparison: Comparison


@dataclass(frozen=True)
class LengthRow:
    """The lengths of the lines of a class.

    Attributes
    ----------
    class_name : str
    lengths_nm : tuple of float
    mean_nm : Estimate
        With the interval of Student's t distribution.
    cut : int
        Number of lines that reach the border of the image, and may be longer.
    """

    class_name: str
    lengths_nm: tuple[float, ...]
    mean_nm: Estimate
    cut: int


@dataclass(frozen=True)
class ArrangementRow:
    """The arrangement of the point defects of a class.

    Attributes
    ----------
    class_name : str
    count : int
    neighbours : NearestNeighbours or None
    pairs : PairCorrelation or None
    """

    class_name: str
    count: int
    neighbours: NearestNeighbours | None
    pairs: PairCorrelation | None


def rate_rows(images: Sequence[ReportedImage], name: str) -> list[RateRow]:
    """Return the rates of all classes in some images together.

    Parameters
    ----------
    images : sequence of ReportedImage
        Those without a pixel size, and classes unknown to the model of an image, do not count.
    name : str
        What these images are called in the table.

    Returns
    -------
    list of RateRow
        Numbers of all classes that any model of the images knows; of lines also lengths.
    """
    rows: list[RateRow] = []
    for class_name, kind in _classes(images):
        for quantity in _quantities(kind):
            used = [each for each in images if _knows(each, class_name)]
            observed = [_observed(each, class_name, quantity) for each in used]
            if not sum(each.area for each in observed):
                continue
            accuracy = _shared_accuracy(used, class_name)
            rows.append(
                RateRow(
                    name,
                    class_name,
                    kind,
                    quantity,
                    sum(len(each.weights) / each.repeats for each in observed),
                    sum(each.total for each in observed),
                    sum(each.area for each in observed),
                    rate(observed),
                    None if accuracy is None else rate(observed, accuracy),
                    accuracy,
                    _frame_means(observed),
                )
            )
    return rows


def comparison_rows(results: ReportedResults) -> list[ComparisonRow]:
    """Compare each group, or of one group each image, with the first one.

    Parameters
    ----------
    results : ReportedResults

    Returns
    -------
    list of ComparisonRow
        Empty with one image.
    """
    (reference, first), *others = units_to_compare(results)
    rows = []
    for name, images in others:
        for class_name, kind in _classes([*first, *images]):
            for quantity in _quantities(kind):
                sides = [
                    [each for each in side if _knows(each, class_name)] for side in (images, first)
                ]
                above, below = (
                    [_observed(each, class_name, quantity) for each in side] for side in sides
                )
                areas = [sum(each.area for each in side) for side in (above, below)]
                if min(areas) <= 0 or not _enough(above, below, quantity):
                    continue
                accuracies = [_shared_accuracy(side, class_name) for side in sides]
                found = compare(above, below, (accuracies[0], accuracies[1]))
                rows.append(ComparisonRow(name, reference, class_name, quantity, found))
    return rows


def units_to_compare(results: ReportedResults) -> list[tuple[str, list[ReportedImage]]]:
    """Return what is compared: the groups, or the images where there is one group.

    Parameters
    ----------
    results : ReportedResults
        With at least one image.

    Returns
    -------
    list of (str, list of ReportedImage)
        Name and images of each.
    """
    if len(results.groups) < 2:
        return [(image.folder, [image]) for image in results.images]
    return [
        (group, [image for image in results.images if image.group == group])
        for group in results.groups
    ]


def dispersion_p_values(images: Sequence[ReportedImage]) -> dict[str, float]:
    """Return how well the counts of a class in images agree with one density.

    Parameters
    ----------
    images : sequence of ReportedImage

    Returns
    -------
    dict of str to float
        p-value by class; a small one means that the images differ by more than counting
        statistics. Classes that occur in no image, or in one that was searched, are missing.
    """
    found: dict[str, float] = {}
    for class_name, _ in _classes(images):
        used = [each for each in images if _knows(each, class_name)]
        value = equal_rates_p_value([[_observed(each, class_name, "number")] for each in used])
        if value is not None:
            found[class_name] = value
    return found


def length_rows(images: Sequence[ReportedImage]) -> list[LengthRow]:
    """Return the lengths of the lines of each class.

    Parameters
    ----------
    images : sequence of ReportedImage
        Of a stack of one place the first frame counts.

    Returns
    -------
    list of LengthRow
        For classes that occur, in images with a pixel size.
    """
    rows = []
    for class_name, kind in _classes(images):
        lines = [
            (region, image)
            for image in images
            for region in image.regions_of(class_name)
            if kind == "line" and region.length_nm is not None
            if image.independent_frames or region.frame == image.frames[0].index
        ]
        lengths = tuple(float(region.length_nm or 0) for region, _ in lines)
        if lengths:
            cut = sum(_reaches_border(image, region.centre_line) for region, image in lines)
            rows.append(LengthRow(class_name, lengths, mean_with_interval(lengths), cut))
    return rows


def arrangement_rows(images: Sequence[ReportedImage]) -> list[ArrangementRow]:
    """Return the arrangement of the point defects of each class that is frequent enough.

    Parameters
    ----------
    images : sequence of ReportedImage
        Of a stack of one place the first frame counts.

    Returns
    -------
    list of ArrangementRow
    """
    rows = []
    for class_name, kind in _classes(images):
        if kind != "point":
            continue
        patterns = [
            frame.pattern(class_name, image.pixel_size_nm)
            for image in images
            if image.pixel_size_nm is not None and _knows(image, class_name)
            for frame in (image.frames if image.independent_frames else image.frames[:1])
        ]
        count = sum(len(each.points) for each in patterns)
        if count < FEWEST_POINTS:
            continue
        shortest = min(min(each.mask.shape) * each.spacing for each in patterns)
        bins = min(_MOST_BINS, max(_FEWEST_BINS, round(1.5 * count**0.5)))
        edges = np.linspace(0, shortest / 2, bins + 1)
        pairs = pair_correlation(patterns, edges)
        rows.append(ArrangementRow(class_name, count, nearest_neighbours(patterns), pairs))
    return rows


def _classes(images: Sequence[ReportedImage]) -> list[tuple[str, Kind]]:
    return list({each.name: each.kind for image in images for each in image.defects}.items())


def _quantities(kind: Kind) -> Iterator[Quantity]:
    yield "number"
    if kind == "line":
        yield "length"


def _knows(image: ReportedImage, class_name: str) -> bool:
    return image.searched_nm2 is not None and any(each.name == class_name for each in image.defects)


def _frame_means(observed: Sequence[Observed]) -> FrameMeans:
    means = [each.repeats > 1 for each in observed]
    return "all" if all(means) else "some" if any(means) else "no"


def _observed(image: ReportedImage, class_name: str, quantity: Quantity) -> Observed:
    regions = image.regions_of(class_name)
    area = image.searched_nm2 or 0.0
    if quantity == "length":
        lengths = tuple(float(each.length_nm or 0) for each in regions)
        return Observed(lengths, area, image.repeats, None)
    return Observed((1.0,) * len(regions), area, image.repeats)


def _enough(above: Sequence[Observed], below: Sequence[Observed], quantity: Quantity) -> bool:
    """Return whether there is anything to compare: one defect, or some lines on each side."""
    first, second = (sum(len(each.weights) for each in side) for side in (above, below))
    return min(first, second) >= FEWEST_LINES if quantity == "length" else first + second > 0


def _shared_accuracy(images: Sequence[ReportedImage], class_name: str) -> Accuracy | None:
    """Return the accuracy of a class, if it is the same in all images."""
    found = {image.accuracy.get(class_name) for image in images}
    return found.pop() if len(found) == 1 else None


def _reaches_border(image: ReportedImage, line: Sequence[tuple[float, float]]) -> bool:
    """Return whether a line ends near the border, where half of a window is empty."""
    height, width = image.summary["image"]["frame_shape"]
    return bool(line) and any(
        min(y, x, height - 1 - y, width - 1 - x) < _BORDER_PX for y, x in (line[0], line[-1])
    )
