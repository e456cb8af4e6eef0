"""What a model leaves open in a frame: parts not searched, and places that no class fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_stem_defects.anomaly.outside_crystal import share_statement
from napari_stem_defects.base.defect_classes import BULK, UNKNOWN
from napari_stem_defects.detection.model_choice import spot_warning
from napari_stem_defects.networks.architecture import finds_spots
from napari_stem_defects.postprocessing.searched_share import NO_PROBABILITY, NOT_SEARCHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.lattice.measurement import LatticeMeasurement
    from napari_stem_defects.networks.spec import EnsembleSpec
    from napari_stem_defects.postprocessing.results import ProbabilityMap, Region

_CLEAR = 0.25
"""Probability of Bulk, in units of its threshold 0.5, up to which a place is clearly unusual."""


def unexplained_places(map: ProbabilityMap, thresholds: Mapping[str, float]) -> int:
    """Return the number of clearly unusual places that no class fits.

    Parameters
    ----------
    map : ProbabilityMap
        Of a model that sees the lattice residual.
    thresholds : mapping of str to float
        Probability from which each class of the map is assigned.

    Returns
    -------
    int
        Connected places; 0 if the model does not know Bulk.
    """
    if BULK not in map.classes:
        return 0
    limits = np.array([thresholds[name] for name in map.classes], np.float32)[:, None, None]
    unassigned = map.valid & (map.probability < limits).all(axis=0) & ~outside(map)
    bulk = map.probability[map.classes.index(BULK)]
    clear = unassigned & (bulk < 2 * _CLEAR * thresholds[BULK])
    places, count = ndimage.label(unassigned, np.ones((3, 3)))
    return len(np.unique(places[clear])) if count else 0


def outside(map: ProbabilityMap) -> NDArray[np.bool_]:
    """Return the windows outside of the crystal, where no class has any probability.

    Parameters
    ----------
    map : ProbabilityMap
        Of a model that sees the lattice residual.

    Returns
    -------
    ndarray of bool, shape (gy, gx)
    """
    none: NDArray[np.bool_] = map.valid & ~map.probability.any(axis=0)
    return none


def outside_share(map: ProbabilityMap) -> float:
    """Return the share of the valid windows that are not searched.

    Parameters
    ----------
    map : ProbabilityMap
        Of a model that sees the lattice residual, or of one of spots.

    Returns
    -------
    float
    """
    return float(outside(map).sum() / max(map.valid.sum(), 1))


def outside_statement(map: ProbabilityMap) -> str:
    """Return what to state about the part of an image that shows no lattice; "" without one.

    Parameters
    ----------
    map : ProbabilityMap
        Of a model that sees the lattice residual, for an image with a lattice.

    Returns
    -------
    str
    """
    share = outside_share(map)
    return share_statement(share) if share > 0 else ""


def about_search(lattice: LatticeMeasurement, spec: EnsembleSpec) -> dict[str, str]:
    """Return the parameter of a result whose model does not search all of the image.

    Parameters
    ----------
    lattice : LatticeMeasurement
        Of the image.
    spec : EnsembleSpec
        The model.

    Returns
    -------
    dict
        See `searched_share.searched_share`. Empty for models of the image itself, and for an image
        without the lattice that the model needs.
    """
    if finds_spots(spec.architecture) or (spec.sees_residual and lattice.cell is not None):
        return {NO_PROBABILITY: NOT_SEARCHED}
    return {}


def search_statements(
    map: ProbabilityMap, lattice: LatticeMeasurement, spec: EnsembleSpec
) -> list[str]:
    """Return what to state about the part of an image that was not searched.

    Parameters
    ----------
    map : ProbabilityMap
        Of an image that the model can search.
    lattice : LatticeMeasurement
        Of the image.
    spec : EnsembleSpec
        The model.

    Returns
    -------
    list of str
        One sentence or none.
    """
    if finds_spots(spec.architecture):
        stated = spot_warning(lattice, spec, outside_share(map))
    elif spec.sees_residual and lattice.cell is not None:
        stated = outside_statement(map)
    else:
        stated = ""
    return [stated] if stated else []


def unexplained_statement(
    map: ProbabilityMap, thresholds: Mapping[str, float], regions: Sequence[Region]
) -> str:
    """Return what to state where a model names nothing although there is something.

    Parameters
    ----------
    map : ProbabilityMap
        Of a model that sees the lattice residual.
    thresholds : mapping of str to float
        Probability from which each class of the map is assigned.
    regions : sequence of Region
        What was found.

    Returns
    -------
    str
        One sentence; "" where a class was found, or nothing is unusual.
    """
    if any(region.class_name != UNKNOWN for region in regions):
        return ""
    count = unexplained_places(map, thresholds)
    if not count:
        return ""
    places = "1 unusual place" if count == 1 else f"{count} unusual places"
    return f"{places} that no class of the model fits: see the survey of this image"
