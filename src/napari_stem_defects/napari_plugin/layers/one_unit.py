"""One unit of length for all layers of a viewer.

napari draws layers of different units of length in one place, but passes mouse positions in the
smallest of them to layers of all units (0.7.1 to 0.9.2): beside an image in angstrom, clicks,
strokes and drawn shapes of layers in nm lie ten times too far from the origin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pint
    from napari.layers import Layer

_UNIT = "nm"


def show_in_one_unit(layers: Iterable[Layer]) -> None:
    """Give all layers the same unit of length, nm, if they have several; none moves or scales.

    Parameters
    ----------
    layers : iterable of Layer
        All layers of a viewer. Axes in other units, such as frames or seconds, are left.
    """
    layers = tuple(layers)
    if len({unit for layer in layers for unit in layer.units if _is_length(unit)}) < 2:
        return
    wanted = [(layer, _placement(layer)) for layer in layers]
    # Layers that follow another one are moved with it: the second time all are where they were.
    for layer, placement in wanted * 2:
        for name, value in placement.items():
            setattr(layer, name, value)


def _is_length(unit: pint.Unit) -> bool:
    return bool(unit.dimensionality == {"[length]": 1})


def _placement(layer: Layer) -> dict[str, Any]:
    """Return scale, translation, affine transform and units of a layer, lengths in nm."""
    lengths = [_is_length(unit) for unit in layer.units]
    factors = np.array(
        [
            float((1 * unit).to(_UNIT).magnitude) if is_length else 1
            for unit, is_length in zip(layer.units, lengths, strict=True)
        ]
    )
    affine = np.array(layer.affine.affine_matrix)
    affine[:-1, :-1] *= factors[:, None] / factors
    affine[:-1, -1] *= factors
    return {
        "scale": layer.scale * factors,
        "translate": layer.translate * factors,
        "affine": affine,
        "units": tuple(
            _UNIT if is_length else unit
            for unit, is_length in zip(layer.units, lengths, strict=True)
        ),
    }
