"""Connected defects of the masks, measured in pixels and nanometres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist
from skimage.measure import label, regionprops

from napari_stem_defects.core.classes import UNKNOWN, kind_of
from napari_stem_defects.core.detection_result import Region
from napari_stem_defects.core.fusion import rasterise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from napari_stem_defects.core.detection_result import ProbabilityMap


@dataclass(frozen=True)
class ClassTotal:
    """All regions of one class together; nm figures are None without calibration."""

    count: int
    area_px: int
    area_nm2: float | None
    length_nm: float | None


def measure_regions(
    map: ProbabilityMap,
    names: tuple[str, ...],
    masks: NDArray[np.uint8],
    *,
    image: str,
    frame: int = 0,
    pixel_size_nm: float | None = None,
) -> tuple[Region, ...]:
    """Measure the 8-connected regions of each defect plane.

    Parameters
    ----------
    map : ProbabilityMap
    names : tuple of str
        Names of the planes; ``unknown`` is left out.
    masks : ndarray of uint8, shape (len(names), Y, X)
    image, frame
        Copied into each region.
    pixel_size_nm : float or None

    Returns
    -------
    tuple of Region
        In the order of ``names``, then of y, then of x; ``region`` counts from 1 per class.
        Positions take the centre of pixel (0, 0) as origin. The centroid is weighted with the
        probability; for point defects with what it exceeds the region's rim by, which puts it
        at the peak.
    """
    found: list[Region] = []
    for name, mask in zip(names, masks, strict=True):
        if name == UNKNOWN or not mask.any():
            continue
        for number, blob in enumerate(_sorted_blobs(map, name, mask), start=1):
            found.append(_region(blob, name, number, image, frame, pixel_size_nm))
    return tuple(found)


def number_regions(
    map: ProbabilityMap, names: tuple[str, ...], masks: NDArray[np.uint8]
) -> NDArray[np.uint32]:
    """Return the masks with the number of its region in every pixel, 0 for background.

    The numbers are those `measure_regions` gives; ``unknown`` keeps its 0 and 1.
    """
    numbered = masks.astype(np.uint32)
    for name, mask, plane in zip(names, masks, numbered, strict=True):
        if name == UNKNOWN or not mask.any():
            continue
        blobs = _sorted_blobs(map, name, mask)
        numbers = np.zeros(len(blobs) + 1, np.uint32)
        numbers[[blob.label for blob in blobs]] = np.arange(1, len(blobs) + 1)
        plane[:] = numbers[label(mask, connectivity=2)]
    return numbered


def totals(regions: Iterable[Region], names: Iterable[str]) -> Mapping[str, ClassTotal]:
    """Add up the regions of each class in ``names``; classes without a region count 0."""
    by_class: dict[str, list[Region]] = {name: [] for name in names if name != UNKNOWN}
    for region in regions:
        by_class[region.class_name].append(region)
    return {name: _total(members) for name, members in by_class.items()}


def longest_extent_px(mask: NDArray[np.bool_]) -> float:
    """Return the maximum Feret diameter of a region, px; shape (Y, X), not empty.

    The outline runs through the middles of the outer pixels' edges, so a row of N pixels is
    N long and a single pixel 1, as in scikit-image's ``feret_diameter_max``; that one builds
    the hull as an image and compares all pairs of its outline, too much for a region that
    fills a large micrograph.
    """
    rim = np.vstack([_ends(mask), _ends(mask.T)[:, ::-1]])
    corners = rim[ConvexHull(rim).vertices]
    return float(pdist(corners).max())


@dataclass(frozen=True)
class _Blob:
    """A region in pixels, before it has a name and a number."""

    label: int
    y: float
    x: float
    area: int
    length: float
    mean: float
    max: float


def _sorted_blobs(map: ProbabilityMap, name: str, mask: NDArray[np.uint8]) -> list[_Blob]:
    pixels = rasterise(map.probability[map.classes.index(name)], map.y, map.x, mask.shape)
    found = _blobs(mask, pixels, kind_of(name) == "point")
    return sorted(found, key=lambda blob: (blob.y, blob.x))


def _blobs(mask: NDArray[np.uint8], pixels: NDArray[np.float32], at_peak: bool) -> Iterator[_Blob]:
    for found in regionprops(label(mask, connectivity=2), intensity_image=pixels):
        probability = found.image_intensity[found.image].astype(np.float64)
        weight = probability - probability.min() if at_peak else probability
        if not weight.any():
            weight = np.ones_like(weight)
        y, x = np.average(found.coords, axis=0, weights=weight)
        yield _Blob(
            label=int(found.label),
            y=float(y),
            x=float(x),
            area=int(found.area),
            length=longest_extent_px(found.image),
            mean=float(probability.mean()),
            max=float(probability.max()),
        )


def _region(
    blob: _Blob, name: str, number: int, image: str, frame: int, nm: float | None
) -> Region:
    return Region(
        image=image,
        frame=frame,
        class_name=name,
        region=number,
        y_px=blob.y,
        x_px=blob.x,
        y_nm=None if nm is None else blob.y * nm,
        x_nm=None if nm is None else blob.x * nm,
        area_px=blob.area,
        area_nm2=None if nm is None else blob.area * nm**2,
        length_nm=None if nm is None else blob.length * nm,
        mean_probability=blob.mean,
        max_probability=blob.max,
    )


def _total(members: list[Region]) -> ClassTotal:
    areas = [region.area_nm2 for region in members]
    lengths = [region.length_nm for region in members]
    return ClassTotal(
        count=len(members),
        area_px=sum(region.area_px for region in members),
        area_nm2=_sum(areas),
        length_nm=_sum(lengths),
    )


def _sum(values: list[float | None]) -> float | None:
    """Add, None where a value is missing because its frame has no pixel size."""
    known = [value for value in values if value is not None]
    return sum(known, 0.0) if len(known) == len(values) else None


def _ends(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the middles of the first and last pixel edge of each row that has one; (n, 2)."""
    rows = np.flatnonzero(mask.any(axis=1))
    first = mask[rows].argmax(axis=1) - 0.5
    last = mask.shape[1] - mask[rows, ::-1].argmax(axis=1) - 0.5
    return np.concatenate([np.column_stack([rows, first]), np.column_stack([rows, last])])
