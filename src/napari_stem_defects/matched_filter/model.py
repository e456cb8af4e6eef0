"""A matched-filter model: the templates and thresholds of its classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from napari_stem_defects.anomaly.sampling import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_stem_defects.matched_filter.like_sites import SiteFilter
    from napari_stem_defects.matched_filter.templates import Template

Values = TypeVar("Values", float, "NDArray[np.float32]")
HIDDEN = 1e6
"""Anomaly score that nothing reaches, by which a class that shows no more than noise is stored."""
_NEAREST = 0.05
"""A threshold counts as if it were at least so far below 1."""


class Window(NamedTuple):
    """Length that takes the place of the lattice period where there is no lattice.

    Attributes
    ----------
    px : float
        In px of the first image that was clicked.
    nm : float or None
        The same in nm, if the pixel sizes of all clicked images were known.
    """

    px: float
    nm: float | None = None

    def in_image(self, pixel_size_nm: float | None) -> float:
        """Return the window in px of an image: as many nm, or as many px where these are unknown.

        Parameters
        ----------
        pixel_size_nm : float or None
            Of the image.

        Returns
        -------
        float
        """
        return self.px if self.nm is None or pixel_size_nm is None else self.nm / pixel_size_nm


@dataclass(frozen=True)
class ClassFilter:
    """How one class is recognised.

    Attributes
    ----------
    name : str
    kind : {"point", "line", "area"}
    templates : tuple of Template
        The similarity to a class is the highest one to any of its templates.
    threshold : float
        Similarity from which a place is assigned.
    anomaly : float
        Anomaly score of the clicks. Classes without templates, whose clicks have no look in
        common, are recognised by it; `HIDDEN` where it is no more than that of any place.
    consistency : float
        Median similarity of a click to the template of the others; 1 for a single click.
    visibility : float
        Of defects where it was clicked, see `anomaly.visibility`; 0 where it is not known.
    difference : (float, float)
        Differences of an area from the crystal around it, see `levels.local_levels`; zeros where
        they are not known.
    floor : float
        Similarity that noise reaches in an image in which the class is fainter than where it was
        clicked; 0 elsewhere.
    is_faint : bool
        Whether a class without templates is so faint in an image that noise reaches it here and
        there.
    sites : tuple of SiteFilter
        By which a point class is distinguished from the like sites of an image, beside its
        templates; none where the templates alone separate it as well.
    template_threshold : float
        Similarity to the templates alone from which a place is assigned where an image shows no
        like sites; without site filters the threshold is that.
    views : tuple of ndarray of float32, shape (w, w)
        What the image shows around the clicks of a line, by which it is distinguished from other
        lines; see `line_views`.
    """

    name: str
    kind: str
    templates: tuple[Template, ...]
    threshold: float
    anomaly: float
    consistency: float
    visibility: float = 0.0
    difference: tuple[float, float] = (0.0, 0.0)
    floor: float = 0.0
    is_faint: bool = False
    sites: tuple[SiteFilter, ...] = ()
    template_threshold: float = 0.0
    views: tuple[NDArray[np.float32], ...] = ()

    @property
    def is_hidden(self) -> bool:
        """Whether the clicks show no more than noise, so that nothing of the class is found."""
        return not self.templates and self.anomaly >= HIDDEN

    @property
    def has_observer(self) -> bool:
        """Whether sites are compared by an observer, unlike in models of earlier versions."""
        return any(site.observer is not None for site in self.sites)

    @property
    def limit(self) -> float:
        """Similarity from which a place of an image is assigned."""
        return max(self.threshold, self.floor)

    @property
    def template_limit(self) -> float:
        """The same for the similarity to the templates alone."""
        return self.to_templates(self.limit)

    @property
    def _steepness(self) -> float:
        """Change of the similarity with sites for one of that to templates.

        A straight line from 1, the like of the class, to both thresholds.
        """
        if not self.sites:
            return 1.0
        away = (max(1 - each, _NEAREST) for each in (self.threshold, self.template_threshold))
        return next(away) / next(away)

    def from_templates(self, similar: Values) -> Values:
        """Return a similarity to the templates on the scale of `threshold`.

        Parameters
        ----------
        similar : ndarray or float

        Returns
        -------
        ndarray or float
            The same without site filters; otherwise the template threshold becomes the threshold,
            and 1 stays 1.
        """
        return similar if not self.sites else 1 - (1 - similar) * self._steepness

    def to_templates(self, similar: Values) -> Values:
        """Return a similarity to the class on the scale of the similarity to templates.

        Parameters
        ----------
        similar : ndarray or float

        Returns
        -------
        ndarray or float
        """
        return similar if not self.sites else 1 - (1 - similar) / self._steepness


@dataclass(frozen=True)
class MatchedFilterModel:
    """Classes learned from clicks.

    Attributes
    ----------
    samples : float
        Samples per length unit of all templates.
    classes : tuple of ClassFilter
        The defects; Bulk is what the lattice predicts.
    negatives : tuple of Template
        Residuals at Bulk clicks that are not noise: places like these are no defect.
    lattice : ((float, float), (float, float))
        Base vectors (y, x) of the lattice of the first image, in length units, from which follows
        how far another image is turned.
    window : Window or None
        Of a model of spots in images without a lattice; None for all others.
    """

    samples: float
    classes: tuple[ClassFilter, ...]
    negatives: tuple[Template, ...] = ()
    lattice: tuple[tuple[float, float], tuple[float, float]] = ((1.0, 0.0), (0.0, 1.0))
    window: Window | None = None

    @property
    def scale(self) -> Scale:
        """Samples per length unit, and units per lattice period, of the images it suits."""
        units = round(float(np.sqrt(abs(np.linalg.det(self.lattice)))), 4)
        return Scale(self.samples, max(units, 1.0))

    @property
    def has_sites(self) -> bool:
        """Whether a class is compared with the like sites of an image."""
        return any(item.sites for item in self.classes)

    @property
    def sees_image(self) -> bool:
        """Whether the image itself is compared, with like sites or views, beside its residual."""
        return self.has_sites or any(item.views for item in self.classes)
