"""Images without a lattice, prepared for quick models of spots."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.background import WINDOW_SIGMAS
from napari_stem_defects.anomaly.outside_crystal import is_particle, with_edge
from napari_stem_defects.anomaly.sampling import at_samples, near_invalid
from napari_stem_defects.anomaly.score import POINT_POOL, local_rms
from napari_stem_defects.base.defect_classes import BULK, complete_classes
from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.errors import LabelError
from napari_stem_defects.matched_filter.model import Window
from napari_stem_defects.matched_filter.spot_scale import ClickedSpots, spot_sigma

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.training.quick_images import LabelledImage, PreparedImage

_MOST = 0.5
_NEAR_UNITS = 0.3
"""Distance in length units of a click from the middle of what was clicked."""
LESS_CERTAIN = 3
"""Clicks below which the size of the spots depends on each of them."""


def window_of_clicks(
    images: Sequence[LabelledImage],
    lattices: Sequence[LatticeMeasurement],
    given: Sequence[DefectClass] = (),
) -> Window | None:
    """Return the window of the clicked spots where no image shows a lattice.

    Parameters
    ----------
    images : sequence of LabelledImage
        At least one.
    lattices : sequence of LatticeMeasurement
        Of the images, in their order.
    given : sequence of DefectClass
        Kinds of the classes; those that are missing get the defaults of their names.

    Returns
    -------
    Window or None
        None where the images show a lattice, or no click shows a defect.

    Raises
    ------
    LabelError
        If some of the images show a lattice and others do not, or a class is a line or an area.
    """
    without = [n for n, each in enumerate(lattices) if each.cell is None]
    if not without:
        return None
    name, reason = images[without[0]].micrograph.name, lattices[without[0]].reason
    if len(without) < len(images):
        raise LabelError(
            f"{name}: {reason}; other clicked images show a lattice: make a model of each kind"
        )
    names = sorted({label for image in images for label in image.labels} - {BULK})
    for each in complete_classes((BULK, *names), given)[1:]:
        if each.kind != "point":
            raise LabelError(
                f"{name}: {reason}; without a lattice only points are learned, and {each.name} is"
                f" of the kind {each.kind}"
            )
    return _window([_clicked(image) for image in images])


def window_outside(
    images: Sequence[LabelledImage],
    prepared: Sequence[PreparedImage],
    given: Sequence[DefectClass] = (),
) -> Window | None:
    """Return the window of spots most of which were clicked where images of a crystal show none.

    On the film beside a crystal, for example, or on the atoms of a particle of so few periods that
    hardly any place in it is away from its edge. What its lattice does not predict is a defect.

    Parameters
    ----------
    images : sequence of LabelledImage
        At least one.
    prepared : sequence of PreparedImage
        With their lattices, in their order.
    given : sequence of DefectClass
        Kinds of the classes.

    Returns
    -------
    Window or None
        None where most clicks are in the crystal, or a class is a line or an area. Clicks near
        pixels without a value do not count.
    """
    names = sorted({label for image in images for label in image.labels} - {BULK})
    if any(each.kind != "point" for each in complete_classes((BULK, *names), given)[1:]):
        return None
    spots, counted = [], []
    for image, ready in zip(images, prepared, strict=True):
        sampled, outside = ready.residual.sampled, ready.residual.outside
        if outside is None:
            return None
        if is_particle(outside, sampled.period):
            outside = outside | (with_edge(outside, sampled.period) & ~_unusual(ready))
        micrograph = image.micrograph
        missing = at_samples(
            near_invalid(micrograph.invalid, micrograph.frame_shape, ready.period_px), sampled
        )
        spots.append(_clicked(image, outside & ~missing))
        at = np.rint(sampled.to_samples(spots[-1].clicks)).astype(int)
        row, column = np.clip(at, 0, np.array(outside.shape) - 1).T
        # Where pixels are missing, nothing shows whether there is a crystal.
        counted.append(outside[row, column][~missing[row, column]])
    votes = np.concatenate(counted)
    return _window(spots) if len(votes) and votes.mean() > _MOST else None


def _unusual(ready: PreparedImage) -> NDArray[np.bool_]:
    """Return the samples at which an image has what its lattice does not predict: no atom of it."""
    samples = ready.residual.sampled.samples
    score = local_rms(ready.values, POINT_POOL * samples)
    score[ready.residual.blocked] = 0
    found = score > ready.limits.point
    return np.asarray(ndimage.maximum_filter(found, 2 * round(_NEAR_UNITS * samples) + 1))


def _window(spots: Sequence[ClickedSpots]) -> Window | None:
    """Return the window of some spots; None without a click."""
    if not any(len(each.clicks) for each in spots):
        return None
    px, sizes = WINDOW_SIGMAS * spot_sigma(spots), [each.pixel_size_nm for each in spots]
    # As `spot_sigma` compares them: in nm only where all pixel sizes are known.
    return Window(px, px * sizes[0] if sizes[0] and all(sizes) else None)


def _clicked(image: LabelledImage, film: NDArray[np.bool_] | None = None) -> ClickedSpots:
    """Return the clicks on spots of an image, of which the samples ``film`` are the background."""
    shows = np.array([label != BULK for label in image.labels], bool)
    clicks = np.column_stack([image.y, image.x]).astype(np.float64)[shows]
    pixels, size = image.micrograph.pixels, image.micrograph.pixel_size_nm
    if pixels.min() == pixels.max():
        raise LabelError(f"{image.micrograph.name}: the image is empty: all pixels are equal")
    if film is None:
        return ClickedSpots(pixels, clicks, size)
    rows, columns = (
        np.arange(length) * count // length
        for length, count in zip(pixels.shape, film.shape, strict=True)
    )
    return ClickedSpots(pixels, clicks, size, film[np.ix_(rows, columns)])


def window_statement(window: Window, clicks: int, pixel_size_nm: float | None) -> str:
    """Return the statement on what takes the place of the lattice.

    Parameters
    ----------
    window : Window
    clicks : int
        On spots.
    pixel_size_nm : float or None
        Of the first image.

    Returns
    -------
    str
        One sentence.
    """
    length = both_units(round(window.px, 1), pixel_size_nm)
    few = "; with so few clicks it is uncertain" if clicks < LESS_CERTAIN else ""
    return (
        f"No lattice at the clicks: spots are sought in a window of {length}, from the clicks{few}."
    )
