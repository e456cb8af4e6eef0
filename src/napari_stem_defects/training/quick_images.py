"""Images and clicks prepared for quick models."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.anomaly.background import (
    background_residual,
    crystal_pixels,
    unsuited_window,
)
from napari_stem_defects.anomaly.contrast import column_sharpness
from napari_stem_defects.anomaly.residual import LatticeResidual, image_residual
from napari_stem_defects.anomaly.score import Thresholds, null_thresholds
from napari_stem_defects.anomaly.visibility import visibility
from napari_stem_defects.errors import LabelError
from napari_stem_defects.lattice.measurement import measure_lattices
from napari_stem_defects.lattice.plausible_scale import implausible_scale
from napari_stem_defects.lattice.unit_cell import lattice_period
from napari_stem_defects.matched_filter.examples import Click, ImageContext
from napari_stem_defects.matched_filter.fit import fit
from napari_stem_defects.matched_filter.fit_spots import fit_spots
from napari_stem_defects.matched_filter.levels import local_levels
from napari_stem_defects.matched_filter.line_views import with_views
from napari_stem_defects.matched_filter.symmetric_variants import with_symmetric_variants
from napari_stem_defects.matched_filter.unusual_patches import unusual_patches

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.anomaly.sampling import Scale
    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.lattice.unit_cell import UnitCell
    from napari_stem_defects.matched_filter.levels import Levels
    from napari_stem_defects.matched_filter.model import MatchedFilterModel, Window
    from napari_stem_defects.matched_filter.unusual_patches import Patch


class LabelledImage(NamedTuple):
    """A micrograph with its clicks.

    Attributes
    ----------
    micrograph : Micrograph
        One frame.
    y, x : ndarray of float64, shape (N,)
        Positions of the clicks in px.
    labels : tuple of str
        Class of each click, oldest first.
    """

    micrograph: Micrograph
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class PreparedImage:
    """Lattice residual of an image.

    Attributes
    ----------
    cell : UnitCell or None
        None for an image without a lattice, in which spots are sought.
    residual : LatticeResidual
    values : ndarray of float32, shape (Y, X)
        The whole residual.
    limits : Thresholds
    sharpness : float
        How clearly columns are bright, or, below 0, dark; see `anomaly.contrast`.
    window : Window or None
        Of the spots, in an image without a lattice.
    """

    cell: UnitCell | None
    residual: LatticeResidual
    values: NDArray[np.float32]
    limits: Thresholds
    sharpness: float = 0.0
    window: Window | None = None

    @property
    def sign(self) -> int:
        """1 for columns that are more probably bright, -1 for dark ones."""
        return -1 if self.sharpness < 0 else 1

    @property
    def period_px(self) -> float:
        """Lattice period in px of the image; without a lattice the window of the spots."""
        if self.cell is not None:
            return lattice_period(self.cell)
        return self.residual.sampled.period_px

    @property
    def unit_px(self) -> float:
        """Length unit in px of the image: the period, unless its cell has many columns."""
        return self.period_px / (self.residual.sampled.scale.units or 1.0)

    @cached_property
    def visibility(self) -> float:
        """Visibility of defects; see `anomaly.visibility`. Without a lattice it is not known."""
        return 0.0 if self.cell is None else visibility(self.residual)

    @cached_property
    def unusual(self) -> list[Patch]:
        """The most unusual places."""
        return unusual_patches(self.residual)

    @cached_property
    def levels(self) -> Levels | None:
        """Contrast and mean intensity on cells."""
        return local_levels(self.residual.sampled)

    def levels_for(self, model: MatchedFilterModel) -> Levels | None:
        """Return contrast and mean intensity on cells if a class of a model differs in them."""
        return self.levels if any(any(item.difference) for item in model.classes) else None

    def context(self, areas: bool) -> ImageContext:
        """Return what the image shows beside its residual, with levels if there are areas."""
        return ImageContext(self.visibility, self.levels if areas else None, self.residual)


def prepare_image(
    micrograph: Micrograph,
    scale: Scale | None = None,
    window: Window | None = None,
    lattice: LatticeMeasurement | None = None,
) -> PreparedImage:
    """Compute what quick models need of an image: once per image, whatever the clicks.

    Parameters
    ----------
    micrograph : Micrograph
        One frame.
    scale : Scale, optional
        Of the model; by default what suits the image.
    window : Window, optional
        Of spots that are sought without a lattice.
    lattice : LatticeMeasurement, optional
        Of the image, where it is known.

    Returns
    -------
    PreparedImage

    Raises
    ------
    LabelError
        If the image shows no lattice, or is too small for the window.
    """
    lattice = lattice or measure_lattices(micrograph.pixels, micrograph.pixel_size_nm)
    if window is not None:
        return _prepare_spots(micrograph, scale, window, lattice)
    if lattice.cell is None:
        raise LabelError(
            f"{micrograph.name}: {lattice.reason}; only quick models of clicked spots do without a"
            " lattice"
        )
    residual = image_residual(micrograph, lattice.cells, scale)
    values = residual.rows(slice(0, residual.shape[0]))
    residual = replace(residual, known=values)
    sharpness = column_sharpness(micrograph.pixels, lattice.cells)
    return PreparedImage(lattice.cell, residual, values, null_thresholds(residual), sharpness)


def _prepare_spots(
    micrograph: Micrograph,
    scale: Scale | None,
    window: Window,
    lattice: LatticeMeasurement,
) -> PreparedImage:
    """Whiten the background of an image for spots of a window."""
    window_px = window.in_image(micrograph.pixel_size_nm)
    if fault := unsuited_window(micrograph, window_px):
        raise LabelError(f"{micrograph.name}: {fault}")
    crystal = crystal_pixels(micrograph, lattice)
    samples = None if scale is None else scale.samples
    residual = background_residual(micrograph, window_px, samples, crystal)
    values = residual.rows(slice(0, residual.shape[0]))
    residual = replace(residual, known=values)
    return PreparedImage(None, residual, values, null_thresholds(residual), 0.0, window)


def scale_warnings(
    images: Sequence[LabelledImage], prepared: Sequence[PreparedImage]
) -> tuple[str, ...]:
    """Return a sentence for each image whose pixel size does not go with its lattice.

    Parameters
    ----------
    images : sequence of LabelledImage
    prepared : sequence of PreparedImage
        In the same order.

    Returns
    -------
    tuple of str
    """
    texts = [
        (image.micrograph.name, implausible_scale(ready.cell, image.micrograph.pixel_size_nm))
        for image, ready in zip(images, prepared, strict=True)
    ]
    return tuple(f"{name}: {text}." for name, text in texts if text)


def hidden_notes(model: MatchedFilterModel) -> tuple[str, ...]:
    """Return a sentence for each class whose clicks cannot be distinguished from noise.

    Parameters
    ----------
    model : MatchedFilterModel

    Returns
    -------
    tuple of str
    """
    return tuple(
        f"{item.name}: nothing is found of it, because the image is no more unusual at its clicks"
        " than elsewhere; click nearer to it or more often, or record it with less noise."
        for item in model.classes
        if item.is_hidden
    )


def model_from_clicks(
    prepared: Sequence[PreparedImage],
    clicks: Sequence[Click],
    classes: Sequence[DefectClass],
    thresholds: Mapping[str, float] | None = None,
) -> MatchedFilterModel:
    """Fit the matched filters.

    Parameters
    ----------
    prepared : sequence of PreparedImage
        All at the same scale.
    clicks : sequence of Click
    classes : sequence of DefectClass
        Their kinds are used.
    thresholds : mapping of str to float, optional
        See `matched_filter.fit.fit`.

    Returns
    -------
    MatchedFilterModel
    """
    if prepared[0].window is not None:
        images = [(ready.residual, ready.values) for ready in prepared]
        return fit_spots(images, clicks, prepared[0].window)
    scale = prepared[0].residual.sampled.scale
    kinds = {each.name: each.kind for each in classes}
    context = [ready.context("area" in kinds.values()) for ready in prepared]
    residuals = [ready.values for ready in prepared]
    model = fit(residuals, clicks, kinds, scale.samples, thresholds=thresholds, context=context)
    model = with_views(model, clicks, residuals, context)
    cell = prepared[0].cell
    if cell is None:
        raise LabelError("the first image shows no lattice; make a model of its spots")
    unit_px = lattice_period(cell) / (scale.units or 1.0)
    (y0, x0), (y1, x1) = (np.array(cell.vectors_px) / unit_px).tolist()
    model = replace(model, lattice=((y0, x0), (y1, x1)))
    used = sorted({click.image for click in clicks})
    return with_symmetric_variants(model, [p for n in used for p in prepared[n].unusual])
