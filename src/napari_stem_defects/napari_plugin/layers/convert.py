"""Conversion between napari layers and the types of this package: calibration, names, colours.

napari shows units and the scale bar only while all layers have the same units. Every layer that
the plugin adds therefore gets scale, translation, units and axis labels of its source layer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pint

from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.frame_input import FrameInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    from napari_stem_defects.base.defect_classes import DefectClass
    from napari_stem_defects.base.micrograph import Micrograph, PixelSizeSource

LayerData = tuple[Any, dict[str, Any], str]
"""Data, keywords and kind of a layer, in the form that napari readers return."""
METADATA_KEY = "stem_defects"
"""Key of the layer metadata under which the plugin records the origin of a layer."""
RESULT_KEY = "result"
"""Key in that record of the result folder that a layer was opened from."""
_SQUARE_TOLERANCE = 0.01


def layer_name(source: str, what: str) -> str:
    """Return the name of a layer: what it shows, then its image; lists cut the end of names."""
    return f"{what} - {source}"


def get_camera(viewer: ViewerModel) -> Any:
    """Return the camera of a viewer, which napari 0.9 moved to ``viewer.scene``."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def centre_on(viewer: ViewerModel, layer: Layer, y: float, x: float) -> None:
    """Centre the canvas on a point of a layer, given in px."""
    lead = tuple(0.0 for _ in range(layer.ndim - 2))
    get_camera(viewer).center = tuple(layer.data_to_world((*lead, y, x)))[-2:]


def position_in(layer: Layer, position: Sequence[float]) -> tuple[float, float]:
    """Return where a position of the canvas, in world coordinates, is in a layer (y, x), px."""
    y, x = layer.world_to_data(position[-layer.ndim :])[-2:]
    return float(y), float(x)


def is_plugin_layer(layer: Layer) -> bool:
    """Return whether the plugin made a layer, as opposed to data that the user opened."""
    return bool(layer.metadata.get(METADATA_KEY, {}).get("made"))


def spatial_keywords(source: Layer, ndim: int = 2) -> dict[str, Any]:
    """Return the keywords that place a new layer exactly on its source layer.

    Parameters
    ----------
    source : Layer
        The layer that the new one is made from.
    ndim : int
        Dimensions of the new layer; it gets the last ones of the source.

    Returns
    -------
    dict
        ``scale``, ``translate``, ``units`` and ``axis_labels``.
    """
    return {
        "scale": tuple(source.scale[-ndim:]),
        "translate": tuple(source.translate[-ndim:]),
        "units": tuple(source.units[-ndim:]),
        "axis_labels": tuple(source.axis_labels[-ndim:]),
    }


def frame_keywords(source: Layer, frame: int) -> dict[str, Any]:
    """Return the keywords that place a layer of one frame on its source layer.

    Parameters
    ----------
    source : Layer
        A single image, or a stack: the new layer then has a leading axis of length 1 and is seen
        at that frame only.
    frame : int
        Index of the frame in the stack.

    Returns
    -------
    dict
        ``scale``, ``translate``, ``units`` and ``axis_labels``.
    """
    keywords = spatial_keywords(source, source.ndim)
    if source.ndim == 3:
        first, *rest = keywords["translate"]
        keywords["translate"] = (first + frame * keywords["scale"][0], *rest)
    return keywords


def calibration_keywords(pixel_size_nm: float | None, ndim: int = 2) -> dict[str, Any]:
    """Return the keywords that calibrate a new image.

    Parameters
    ----------
    pixel_size_nm : float or None
        None leaves the image uncalibrated.
    ndim : int
        2 for (y, x), 3 for a stack (frame, y, x).

    Returns
    -------
    dict
        ``axis_labels`` and, with a pixel size, ``scale`` and ``units``.
    """
    labels = ("frame", "y", "x")[-ndim:]
    if pixel_size_nm is None:
        return {"axis_labels": labels}
    scale = (1.0, pixel_size_nm, pixel_size_nm)[-ndim:]
    return {"scale": scale, "units": ("pixel", "nm", "nm")[-ndim:], "axis_labels": labels}


def source_path(layer: Layer) -> Path | None:
    """Return the file that a layer was opened from; None if it was not opened from one."""
    path = layer.source.path or layer.metadata.get(METADATA_KEY, {}).get("path")
    return None if path is None else Path(path)


def pixel_size_nm(layer: Layer) -> float | None:
    """Return the pixel size of a layer.

    Parameters
    ----------
    layer : Layer

    Returns
    -------
    float or None
        Edge of a pixel in nm. If the layer is not calibrated in a unit of length, the size that its
        file states (`remember_pixel_size`); None if there is none.

    Raises
    ------
    InputError
        If the pixels are not square: no model was trained on such an image.
    """
    sizes = [_in_nm(s, u) for s, u in zip(layer.scale[-2:], layer.units[-2:], strict=True)]
    if sizes[0] is None or sizes[1] is None:
        size: float | None = layer.metadata.get(METADATA_KEY, {}).get("pixel_size_nm")
        return size
    if abs(sizes[0] - sizes[1]) > _SQUARE_TOLERANCE * sizes[0]:
        raise InputError(
            f"{layer.name}: pixels of {sizes[0]:.4g} x {sizes[1]:.4g} nm are not square;"
            " resample the image first"
        )
    return sizes[0]


def _in_nm(length: float, unit: pint.Unit) -> float | None:
    try:
        return float((length * unit).to("nm").magnitude)
    except pint.DimensionalityError:
        return None


def is_calibrated(layer: Layer) -> bool:
    """Return whether a layer itself has a scale in a unit of length, which the scale bar shows."""
    return all(_in_nm(1.0, unit) is not None for unit in layer.units[-2:])


def frame_count(layer: Image) -> int:
    """Return the number of frames of an image layer; 1 for a single image.

    Raises
    ------
    InputError
        If the layer is neither an image nor a stack of frames.
    """
    shape = _full_resolution(layer).shape[: -1 if layer.rgb else None]
    if len(shape) not in (2, 3):
        raise InputError(
            f"{layer.name}: {len(shape)} axes; take an image (y, x) or a stack (frame, y, x)"
        )
    return int(shape[0]) if len(shape) == 3 else 1


def current_frame(viewer: ViewerModel, layer: Image | None) -> int:
    """Return the frame of a stack that the viewer shows; 0 for a single image or none.

    Raises
    ------
    InputError
        If the layer is neither an image nor a stack of frames.
    """
    if layer is None or layer.ndim < 3:
        return 0
    return min(int(viewer.dims.current_step[0]), frame_count(layer) - 1)


def frame_shape(layer: Image) -> tuple[int, int]:
    """Return height and width of a frame in px."""
    shape = _full_resolution(layer).shape[: -1 if layer.rgb else None]
    return int(shape[-2]), int(shape[-1])


def frame_pixels(layer: Image, frame: int) -> NDArray[Any]:
    """Return the unconverted pixels of a frame: (Y, X), or (Y, X, 3 or 4) if in colour."""
    data = _full_resolution(layer)
    return np.asarray(data[frame] if data.ndim - bool(layer.rgb) == 3 else data)


def _full_resolution(layer: Image) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def frame_input(layer: Image, frame: int) -> FrameInput:
    """Return one frame of an image layer as the input of a job.

    Parameters
    ----------
    layer : Image
    frame : int
        Frame of a stack; ignored for a single image.

    Returns
    -------
    FrameInput
        Pixels, name, pixel size in nm and origin.

    Raises
    ------
    InputError
        If the pixels are not square.
    """
    invalid = layer.metadata.get(METADATA_KEY, {}).get("invalid")
    if invalid is not None and invalid.ndim == 3:
        invalid = invalid[frame]
    return _as_input(layer, frame_pixels(layer, frame), invalid)


def whole_input(layer: Image) -> FrameInput:
    """Return an image layer with all its frames as the input of a job; see `frame_input`."""
    invalid = layer.metadata.get(METADATA_KEY, {}).get("invalid")
    return _as_input(layer, np.asarray(_full_resolution(layer)), invalid)


def _as_input(layer: Image, array: NDArray[Any], invalid: NDArray[np.bool_] | None) -> FrameInput:
    origin = layer.metadata.get(METADATA_KEY, {})
    size = pixel_size_nm(layer)
    return FrameInput(
        array=array,
        name=layer.name,
        colour=bool(layer.rgb),
        pixel_size_nm=size,
        pixel_size_source=_size_source(size, origin),
        path=source_path(layer),
        sha256=origin.get("sha256", ""),
        signal=origin.get("signal", ""),
        invalid=invalid,
    )


def _size_source(size_nm: float | None, origin: Mapping[str, Any]) -> PixelSizeSource:
    """Return the source of the pixel size; the user may have changed it since the file was read."""
    if size_nm is None:
        return "unknown"
    known = origin.get("pixel_size_nm")
    unchanged = known is not None and abs(size_nm - known) < 1e-6 * known
    source: PixelSizeSource = origin["pixel_size_source"] if unchanged else "user"
    return source


def image_layer(micrograph: Micrograph) -> LayerData:
    """Return a micrograph as napari layer data.

    Parameters
    ----------
    micrograph : Micrograph

    Returns
    -------
    (data, keywords, kind)
        A calibrated image layer with the origin of the micrograph in its metadata.
    """
    origin = {
        "pixel_size_nm": micrograph.pixel_size_nm,
        "pixel_size_source": micrograph.pixel_size_source,
        "sha256": micrograph.sha256,
        "signal": micrograph.signal,
        "invalid": micrograph.invalid,
        "notes": list(micrograph.notes),
        "file": dict(micrograph.metadata),
    }
    keywords = calibration_keywords(micrograph.pixel_size_nm, micrograph.pixels.ndim) | {
        "name": micrograph.name,
        "metadata": {METADATA_KEY: origin},
    }
    return micrograph.pixels, keywords, "image"


def edited_copy(source: Image, pixels: NDArray[np.float32], what: str) -> Image:
    """Return an image layer with edited pixels of another one, at the same position.

    Parameters
    ----------
    source : Image
        The layer that was edited.
    pixels : ndarray of float32, shape (Y, X)
        Its edited pixels.
    what : str
        What was edited; part of the name of the new layer.
    """
    from napari.layers import Image

    return Image(pixels, name=layer_name(source.name, what), **spatial_keywords(source))


def class_layer(
    entry: DefectClass,
    numbered: NDArray[np.integer[Any]],
    source: Layer,
    features: Mapping[str, Sequence[object]],
) -> LayerData:
    """Return one defect class as napari layer data: all regions in the colour of the class.

    Parameters
    ----------
    entry : DefectClass
        Its name and colour are used.
    numbered : ndarray of integers, shape (Y, X) or (T, Y, X)
        0 for background, otherwise the number of the region.
    source : Layer
        The image the labels belong to.
    features : mapping
        Columns of the features table, ``index`` (the number of the region) among them.

    Returns
    -------
    (data, keywords, kind)
        A labels layer.
    """
    keywords = spatial_keywords(source, numbered.ndim) | {
        "name": layer_name(source.name, entry.name),
        "colormap": {0: "transparent", None: entry.colour},
        "features": features,
        "opacity": 0.55,
        "metadata": {METADATA_KEY: {"made": "detection", "class": entry.name, "kind": entry.kind}},
    }
    return numbered, keywords, "labels"
