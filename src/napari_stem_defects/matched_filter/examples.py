"""The clicks of a class, with what their images show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.anomaly.score import EXTENDED_POOL, local_rms
from napari_stem_defects.matched_filter.choose_look import PEAK_RADIUS
from napari_stem_defects.matched_filter.class_similarity import class_similarity
from napari_stem_defects.matched_filter.extended_classes import anomaly_similarity
from napari_stem_defects.matched_filter.like_sites import image_part
from napari_stem_defects.matched_filter.similarity import best_similarity, local_maxima

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.residual import LatticeResidual
    from napari_stem_defects.matched_filter.levels import Levels
    from napari_stem_defects.matched_filter.model import ClassFilter
    from napari_stem_defects.matched_filter.templates import Template

_AROUND = 7.0
"""Half the edge, in periods, of the part around a click that shows enough of its like sites."""


_LINE_RADIUS = 0.7
"""Distance in lattice periods within which a line is at a click: half of that after which it
repeats, and what a click is off it."""


class ImageContext(NamedTuple):
    """What an image shows beside its residual.

    Attributes
    ----------
    visibility : float
        Of defects; see `anomaly.visibility`.
    levels : Levels or None
        Contrast and mean intensity on cells; None where no class is an area.
    residual : LatticeResidual or None
        With the filtered image; None where point classes are found by templates alone.
    """

    visibility: float
    levels: Levels | None = None
    residual: LatticeResidual | None = None


class Click(NamedTuple):
    """One labelled place.

    Attributes
    ----------
    image : int
        Index of the image.
    y, x : float
        Position in samples.
    class_name : str
    """

    image: int
    y: float
    x: float
    class_name: str


@dataclass(frozen=True)
class Examples:
    """Residuals of the images and the clicks of one class in them."""

    residuals: Sequence[NDArray[np.float32]]
    clicks: Sequence[Click]
    samples: float
    context: Sequence[ImageContext] = ()

    @property
    def visibility(self) -> float:
        """Median visibility of defects at the clicks; 0 where it is not known."""
        known = [self.context[click.image].visibility for click in self.clicks if self.context]
        return float(np.median(known)) if known else 0.0

    def by_image(self) -> list[NDArray[np.float64]]:
        """Return the clicks (N, 2) in every image that has some."""
        used = sorted({click.image for click in self.clicks})
        return [np.array([(c.y, c.x) for c in self.clicks if c.image == n]) for n in used]

    def images(self) -> list[NDArray[np.float32]]:
        """Return the residual of every image that has clicks, in the order of `by_image`."""
        return [self.residuals[n] for n in sorted({click.image for click in self.clicks})]

    def at_clicks(self) -> list[tuple[NDArray[np.float32], NDArray[np.float64]]]:
        """Return the residual of the image, and the position (2,), of each click."""
        return [(self.residuals[c.image], np.array([c.y, c.x])) for c in self.clicks]


@dataclass(frozen=True)
class Found:
    """Where images look like a class: computed once, where it is needed."""

    images: Sequence[NDArray[np.float32]]
    templates: Sequence[Template]
    samples: float

    def with_template(self, template: Template) -> Found:
        """Return where the images look like the class with a further template.

        Parameters
        ----------
        template : Template

        Returns
        -------
        Found
        """
        both = Found(self.images, (*self.templates, template), self.samples)
        pairs = zip(self.images, self.similar, strict=True)
        similar = [np.maximum(own, best_similarity(image, [template])) for image, own in pairs]
        both.__dict__["similar"] = similar  # the cached property, computed from what is known
        return both

    @cached_property
    def similar(self) -> list[NDArray[np.float32]]:
        """Similarity of every place of each image."""
        return [best_similarity(image, self.templates) for image in self.images]

    @cached_property
    def heights(self) -> NDArray[np.float32]:
        """Similarity at the local maxima of all images."""
        radius = PEAK_RADIUS * self.samples
        return np.concatenate([local_maxima(each, radius)[1] for each in self.similar])


class Peak(NamedTuple):
    """Where a click shows a class.

    Attributes
    ----------
    at : (float, float)
        y and x in samples of the highest similarity near the click.
    height : float
        That similarity.
    around : float
        The highest similarity as near to that place: higher where the click lies beside another.
    """

    at: tuple[float, float]
    height: float
    around: float


def similarity_at(examples: Examples, item: ClassFilter) -> list[float]:
    """Return the highest similarity to a class near each click.

    Parameters
    ----------
    examples : Examples
    item : ClassFilter
        With templates.

    Returns
    -------
    list of float
    """
    return [peak.height for peak in peaks_at(examples, item)]


def peaks_at(examples: Examples, item: ClassFilter) -> list[Peak]:
    """Return where near each click the similarity to a class is highest.

    Parameters
    ----------
    examples : Examples
    item : ClassFilter

    Returns
    -------
    list of Peak
        Of a class without templates, see `extended_classes.anomaly_similarity`.
    """
    near = round((_LINE_RADIUS if item.kind == "line" else PEAK_RADIUS) * examples.samples)
    if not item.templates:
        whole = max((max(each.shape) for each in examples.residuals), default=0)

        def unusual(number: int, cut: tuple[slice, slice]) -> NDArray[np.float32]:
            pooled = local_rms(examples.residuals[number], EXTENDED_POOL * examples.samples)
            return anomaly_similarity(pooled, item)[cut]

        return _peaks(examples, near, whole, unusual)  # compared with what is usual everywhere
    reach = 2 * near + item.templates[0].weight.shape[0] // 2
    reach = max(reach, round(_AROUND * examples.samples)) if item.sites else reach

    def similar(number: int, cut: tuple[slice, slice]) -> NDArray[np.float32]:
        values = examples.residuals[number][cut]
        residual = examples.context[number].residual if item.sites else None
        part = None if residual is None else image_part(residual, cut, values)
        return class_similarity(values, item, part)

    return _peaks(examples, near, reach, similar)


def _peaks(
    examples: Examples,
    near: int,
    reach: int,
    similar: Callable[[int, tuple[slice, slice]], NDArray[np.float32]],
) -> list[Peak]:
    """Return the highest value near each click, in parts of the images or in whole ones.

    ``similar`` gives the values of a part of an image, right where it extends ``reach`` further.
    """
    found = {}
    for number in {click.image for click in examples.clicks}:
        here = [n for n, click in enumerate(examples.clicks) if click.image == number]
        height, width = examples.residuals[number].shape
        is_whole = len(here) * (2 * reach + 1) ** 2 >= height * width
        whole = similar(number, np.s_[0:height, 0:width]) if is_whole else None
        for n in here:
            y, x = round(examples.clicks[n].y), round(examples.clicks[n].x)
            top, left = (0, 0) if is_whole else (max(0, y - reach), max(0, x - reach))
            cut = slice(top, min(height, y + reach + 1)), slice(left, min(width, x + reach + 1))
            values = similar(number, cut) if whole is None else whole
            (row, column), highest = peak_near(values, y - top, x - left, near)
            around = peak_near(values, round(row), round(column), near)[1]
            found[n] = Peak((row + top, column + left), highest, around)
    return [found[n] for n in range(len(examples.clicks))]


def peak_near(
    similar: NDArray[np.float32], y: int, x: int, near: int
) -> tuple[tuple[float, float], float]:
    """Return where a similarity is highest near a place, and how high.

    Parameters
    ----------
    similar : ndarray of float32, shape (Y, X)
    y, x : int
        The place.
    near : int
        Half the edge of the square around it.

    Returns
    -------
    (float, float), float
        y and x in samples, and the similarity.
    """
    top, left = max(0, y - near), max(0, x - near)
    box = similar[top : y + near + 1, left : x + near + 1]
    row, column = np.unravel_index(int(box.argmax()), box.shape)
    return (float(top + row), float(left + column)), float(box.max())
