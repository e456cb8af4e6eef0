"""Layers that stay on their image, also when it is calibrated or moved after they were made."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np

from napari_stem_defects.napari_plugin.layers.convert import METADATA_KEY, get_camera
from napari_stem_defects.napari_plugin.layers.owned_layers import alive

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

_PLACED = ("scale", "translate", "units")


def keep_on(layer: Layer, source: Layer) -> None:
    """Make a layer follow its source layer from now on.

    Where the scale, the position or the unit of the source changes, those of the layer change in
    the same proportion, so that both show the same pixels at the same place.

    Parameters
    ----------
    layer : Layer
        A layer that the plugin has made of the source and placed on it; it follows one source, the
        last one named.
    source : Layer
    """
    _followers[layer] = _Follower(layer, source)


def calibrate(viewer: ViewerModel | None, image: Layer, size_nm: float) -> None:
    """Calibrate an image in nm; what is in view stays in view.

    Parameters
    ----------
    viewer : ViewerModel or None
        The viewer of the image; None leaves its camera where it is.
    image : Layer
    size_nm : float
        Edge of a pixel in nm.
    """
    before, start = np.array(image.scale[-2:]), np.array(image.translate[-2:])
    set_pixel_size(image, size_nm)
    if viewer is None:
        return
    camera = get_camera(viewer)
    centre = (np.array(camera.center[-2:]) - start) / before * size_nm
    zoom = camera.zoom * float(before[-1]) / size_nm
    camera.center = (*camera.center[:-2], *centre)
    camera.zoom = zoom


def remember_pixel_size(layer: Layer, size_nm: float | None) -> None:
    """Record the pixel size that the file of a layer states, nm; None if it states none."""
    origin = layer.metadata.setdefault(METADATA_KEY, {})
    origin |= {"pixel_size_nm": size_nm, "pixel_size_source": "file"}
    layer.events.metadata()


def set_pixel_size(layer: Layer, size_nm: float) -> None:
    """Calibrate a layer in place, in nm; leading axes keep their scale and unit."""
    layer.scale = (*layer.scale[:-2], size_nm, size_nm)
    layer.units = (*layer.units[:-2], "nm", "nm")
    layer.translate = (*layer.translate[:-2], 0.0, 0.0)


class _Follower:
    """Moves a layer as its source moves; both are held weakly."""

    def __init__(self, layer: Layer, source: Layer) -> None:
        self._layer, self._source = weakref.ref(layer), weakref.ref(source)
        self._scale, self._start = _placement(source)
        for name in _PLACED:
            getattr(source.events, name).connect(self._follow)

    def _follow(self) -> None:
        layer, source = alive(self._layer), alive(self._source)
        if layer is None or source is None or _followers.get(layer) is not self:
            return
        scale, start = _placement(source)
        ratio = scale / self._scale
        moved = start + (np.array(layer.translate[-2:]) - self._start) * ratio
        wanted = {
            "scale": (*layer.scale[:-2], *(layer.scale[-2:] * ratio)),
            "translate": (*layer.translate[:-2], *moved),
            "units": (*layer.units[:-2], *source.units[-2:]),
        }
        for name, value in wanted.items():
            if tuple(getattr(layer, name)) != value:
                setattr(layer, name, value)
        self._scale, self._start = scale, start


_followers: weakref.WeakKeyDictionary[Layer, _Follower] = weakref.WeakKeyDictionary()


def _placement(layer: Layer) -> tuple[np.ndarray, np.ndarray]:
    return np.array(layer.scale[-2:], float), np.array(layer.translate[-2:], float)
