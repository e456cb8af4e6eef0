"""Between napari layers and our types: calibration, names and colours, all in this one place.

napari shows units and the scale bar only while all layers agree about them, so whatever we add
gets scale, translation, units and axis labels of the layer it was made from.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pint

from napari_stem_defects.base.defect_classes import colour_of
from napari_stem_defects.errors import InputError
from napari_stem_defects.jobs.frame_input import FrameInput

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph, PixelSizeSource
    from napari_stem_defects.postprocessing.results import Region

METADATA_KEY = "stem_defects"
"""Where a layer's metadata keeps what we know about its origin."""
_SQUARE_WITHIN = 0.01


def layer_name(source: str, what: str) -> str:
    """Name a layer after the image it belongs to and what it shows."""
    return f"{source} · {what}"


def camera_of(viewer: ViewerModel) -> Any:
    """Return the viewer's camera, which napari 0.9 has moved."""
    return viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera


def look_at(viewer: ViewerModel, layer: Layer, y: float, x: float) -> None:
    """Bring a point of a layer, px, to the middle of the canvas."""
    lead = tuple(0.0 for _ in range(layer.ndim - 2))
    camera_of(viewer).center = tuple(layer.data_to_world((*lead, y, x)))[-2:]


def is_made_by_us(layer: Layer) -> bool:
    """Say whether a layer shows results of ours rather than data of the user's."""
    return bool(layer.metadata.get(METADATA_KEY, {}).get("made"))


def spatial(source: Layer, ndim: int = 2) -> dict[str, Any]:
    """Return the keywords that place a new layer exactly on ``source``.

    Parameters
    ----------
    source : Layer
        The layer the new one is made from.
    ndim : int
        Dimensions of the new layer; the last ones of the source are taken.
    """
    return {
        "scale": tuple(source.scale[-ndim:]),
        "translate": tuple(source.translate[-ndim:]),
        "units": tuple(source.units[-ndim:]),
        "axis_labels": tuple(source.axis_labels[-ndim:]),
    }


def calibration(pixel_size_nm: float | None, ndim: int = 2) -> dict[str, Any]:
    """Return the keywords that calibrate a new image; the leading axis is that of the frames."""
    labels = ("frame", "y", "x")[-ndim:]
    if pixel_size_nm is None:
        return {"axis_labels": labels}
    scale = (1.0, pixel_size_nm, pixel_size_nm)[-ndim:]
    return {"scale": scale, "units": ("pixel", "nm", "nm")[-ndim:], "axis_labels": labels}


def pixel_size_nm(layer: Layer) -> float | None:
    """Return the edge of a pixel in nm, None where the layer is not calibrated in a length.

    Raises
    ------
    InputError
        If pixels are not square: no model was trained on such an image.
    """
    sizes = [_in_nm(s, u) for s, u in zip(layer.scale[-2:], layer.units[-2:], strict=True)]
    if sizes[0] is None or sizes[1] is None:
        return None
    if abs(sizes[0] - sizes[1]) > _SQUARE_WITHIN * sizes[0]:
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


def set_pixel_size(layer: Layer, size_nm: float) -> None:
    """Calibrate a layer in place; leading axes keep what they have."""
    layer.scale = (*layer.scale[:-2], size_nm, size_nm)
    layer.units = (*layer.units[:-2], "nm", "nm")
    layer.translate = (*layer.translate[:-2], 0.0, 0.0)


def frame_count(layer: Image) -> int:
    """Return how many frames an image layer has.

    Raises
    ------
    InputError
        If it is neither one image nor one stack of frames.
    """
    shape = _full_resolution(layer).shape[: -1 if layer.rgb else None]
    if len(shape) not in (2, 3):
        raise InputError(
            f"{layer.name}: {len(shape)} axes; take an image (y, x) or a stack (frame, y, x)"
        )
    return int(shape[0]) if len(shape) == 3 else 1


def frame_shape(layer: Image) -> tuple[int, int]:
    """Return height and width of a frame in px."""
    shape = _full_resolution(layer).shape[: -1 if layer.rgb else None]
    return int(shape[-2]), int(shape[-1])


def frame_pixels(layer: Image, frame: int) -> NDArray[Any]:
    """Return the pixels of one frame as they are: (Y, X), or (Y, X, 3 or 4) of a colour image."""
    data = _full_resolution(layer)
    return np.asarray(data[frame] if data.ndim - bool(layer.rgb) == 3 else data)


def _full_resolution(layer: Image) -> Any:
    return layer.data[0] if layer.multiscale else layer.data


def frame_input(layer: Image, frame: int) -> FrameInput:
    """Return one frame of an image layer, ready to go to a worker."""
    return _as_input(layer, frame_pixels(layer, frame))


def whole_input(layer: Image) -> FrameInput:
    """Return an image layer with all its frames."""
    return _as_input(layer, np.asarray(_full_resolution(layer)))


def _as_input(layer: Image, array: NDArray[Any]) -> FrameInput:
    origin = layer.metadata.get(METADATA_KEY, {})
    size = pixel_size_nm(layer)
    return FrameInput(
        array=array,
        name=layer.name,
        colour=bool(layer.rgb),
        pixel_size_nm=size,
        pixel_size_source=_size_source(size, origin),
        path=None if layer.source.path is None else Path(layer.source.path),
        sha256=origin.get("sha256", ""),
    )


def _size_source(size_nm: float | None, origin: Mapping[str, Any]) -> PixelSizeSource:
    """Return where a layer's calibration came from; the user may have changed it since."""
    if size_nm is None:
        return "unknown"
    known = origin.get("pixel_size_nm")
    unchanged = known is not None and abs(size_nm - known) < 1e-6 * known
    source: PixelSizeSource = origin["pixel_size_source"] if unchanged else "user"
    return source


def image_layer(micrograph: Micrograph) -> tuple[NDArray[np.float32], dict[str, Any], str]:
    """Return a micrograph as napari layer data, calibrated, its origin in the metadata."""
    origin = {
        "pixel_size_nm": micrograph.pixel_size_nm,
        "pixel_size_source": micrograph.pixel_size_source,
        "sha256": micrograph.sha256,
        "notes": list(micrograph.notes),
        "file": dict(micrograph.metadata),
    }
    keywords = calibration(micrograph.pixel_size_nm, micrograph.pixels.ndim) | {
        "name": micrograph.name,
        "metadata": {METADATA_KEY: origin},
    }
    return micrograph.pixels, keywords, "image"


def edited_copy(source: Image, pixels: NDArray[np.float32], what: str) -> Image:
    """Return a new image layer that lies where another lies, named after it."""
    from napari.layers import Image

    return Image(pixels, name=layer_name(source.name, what), **spatial(source))


def class_layer(
    class_name: str,
    numbered: NDArray[np.integer[Any]],
    source: Layer,
    features: Mapping[str, Sequence[object]],
) -> tuple[NDArray[np.integer[Any]], dict[str, Any], str]:
    """Return one defect class as napari layer data: every region in the class's colour.

    Parameters
    ----------
    class_name : str
    numbered : ndarray of integers, shape (Y, X) or (T, Y, X)
        0 for background, otherwise the region's number.
    source : Layer
        The image the labels belong to.
    features : mapping
        Columns of the features table, ``index`` (the region's number) among them.
    """
    keywords = spatial(source, numbered.ndim) | {
        "name": layer_name(source.name, class_name),
        "colormap": {0: "transparent", None: colour_of(class_name)},
        "features": features,
        "opacity": 0.55,
        "metadata": {METADATA_KEY: {"made": "detection", "class": class_name}},
    }
    return numbered, keywords, "labels"


def region_features(regions: Sequence[Region]) -> dict[str, list[object]]:
    """Return regions as the columns of a labels layer's features table, background first."""
    return {
        "index": [0, *(r.region for r in regions)],
        "class": ["", *(r.class_name for r in regions)],
        "area_nm2": [np.nan, *(_number(r.area_nm2) for r in regions)],
        "length_nm": [np.nan, *(_number(r.length_nm) for r in regions)],
        "area_px": [0, *(r.area_px for r in regions)],
        "mean_probability": [np.nan, *(r.mean_probability for r in regions)],
        "max_probability": [np.nan, *(r.max_probability for r in regions)],
    }


def _number(value: float | None) -> float:
    return np.nan if value is None else value
