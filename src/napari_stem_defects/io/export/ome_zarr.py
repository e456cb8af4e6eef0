"""OME-Zarr 0.4: each image with a label image per class, calibrated in nm, as pyramids.

The centre of the first pixel is at 0, as in the results. The pixels of a region have its number; in
a stack the numbers go on from frame to frame, and the properties of the labels state which region
of which frame each is.
"""

from __future__ import annotations

import secrets
import shutil
import time
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import UNKNOWN
from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.errors import OutputError
from napari_stem_defects.io.atomic import move_into_place, output_error
from napari_stem_defects.io.export.options import alone, name_files
from napari_stem_defects.io.export.pyramid import level_shapes, maxima, means, placement
from napari_stem_defects.io.export.shapes import measured, rgb
from napari_stem_defects.io.folder_names import make_folder_name
from napari_stem_defects.io.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.io.export.exported_results import ExportedFrame, ExportedImage
    from napari_stem_defects.io.export.options import ExportOptions

VERSION = "0.4"
_CHUNK_PX = 1024
_REMOVALS, _PAUSE_S = 20, 0.025
"""How often an unfinished folder is removed: zarr writes several files at once, in threads, which
go on for a moment after one of them has failed."""


def write(images: Sequence[ExportedImage], out: Path, options: ExportOptions) -> list[Path]:
    """Write ``NAME.ome.zarr`` for each image; see `api.export.export`."""
    zarr = load_package("zarr", "zarr", "export of OME-Zarr")
    written = []
    for image, path in name_files(images, out, ".ome.zarr"):
        if path.exists() and not (path / ".zattrs").is_file():
            fault = "exists and is no OME-Zarr folder"
            raise OutputError(one_line(path, fault, "choose another folder"))
        with options.leaving_out(image):
            micrograph = image.read_image(options.read_image, options.images)
            with alone(path):
                _replace(zarr, path, image, micrograph)
            written.append(path)
    return written


def _replace(zarr: Any, path: Path, image: ExportedImage, micrograph: Micrograph) -> None:
    """Write an image whole, or nothing of it, in place of an earlier one."""
    temporary = path.with_name(f".{secrets.token_hex(4)}.part.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_image(zarr, temporary, image, micrograph)
        if path.exists():
            shutil.rmtree(path)
        move_into_place(temporary, path)
    except BaseException as error:
        for _ in range(_REMOVALS):
            shutil.rmtree(temporary, ignore_errors=True)
            time.sleep(_PAUSE_S)
        if isinstance(error, OSError):
            raise output_error(path, error) from error
        raise


def _write_image(zarr: Any, path: Path, image: ExportedImage, micrograph: Micrograph) -> None:
    described = _multiscales(image.name, image, micrograph, "local mean")
    group = zarr.create_group(path, zarr_format=2, attributes={"multiscales": described})
    levels = _arrays(group, micrograph, micrograph.pixels.dtype)
    for index in range(micrograph.frame_count):
        _store(levels, index, micrograph, means(micrograph.frame(index).pixels))
    folders = {name: make_folder_name(name) for name in image.mask_names}
    labels = group.create_group("labels", attributes={"labels": list(folders.values())})
    arrays, properties = {}, dict[str, list[dict[str, Any]]]()
    for name, folder in folders.items():
        described = _multiscales(name, image, micrograph, "local maximum")
        each = labels.create_group(folder, attributes={"multiscales": described})
        arrays[name], properties[name] = _arrays(each, micrograph, "int32"), []
    for frame in image.frames():
        for name, array in arrays.items():
            numbered = frame.numbered(name)
            first = len(properties[name])
            if numbered.any():
                numbered[numbered > 0] += first
                _store(array, frame.index, micrograph, maxima(numbered))
            properties[name] += _properties(frame, name, first)
    for name, folder in folders.items():
        labels[folder].attrs["image-label"] = _image_label(image, name, properties[name])


def _store(
    arrays: Sequence[Any], index: int, micrograph: Micrograph, levels: Iterable[NDArray[Any]]
) -> None:
    """Write all levels of one frame."""
    for array, level in zip(arrays, levels, strict=True):
        array[index if micrograph.is_stack else ...] = level


def _properties(frame: ExportedFrame, name: str, first: int) -> list[dict[str, Any]]:
    if name == UNKNOWN:
        return []
    return [
        {
            "label-value": first + region.region,
            "class": name,
            "frame": region.frame,
            "region": region.region,
            **numbers,
            **texts,
        }
        for region in frame.regions_of(name)
        for numbers, texts in [measured(region)]
    ]


def _image_label(
    image: ExportedImage, name: str, described: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    colour = [*rgb(image.classes[name]), 255]
    values = [each["label-value"] for each in described] or [1]
    return {
        "version": VERSION,
        "colors": [{"label-value": value, "rgba": colour} for value in values],
        **({"properties": [*described]} if described else {}),  # the format wants one at least
        "source": {"image": "../../"},
    }


def _arrays(group: Any, micrograph: Micrograph, dtype: Any) -> list[Any]:
    """Create an array for each level of an image."""
    frames = (micrograph.frame_count,) if micrograph.is_stack else ()
    return [
        group.create_array(
            str(level),
            shape=(*frames, *shape),
            chunks=(*(1 for _ in frames), *(min(size, _CHUNK_PX) for size in shape)),
            dtype=dtype,
            fill_value=0,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )
        for level, shape in enumerate(level_shapes(micrograph.frame_shape))
    ]


def _multiscales(
    name: str, image: ExportedImage, micrograph: Micrograph, kind: str
) -> list[dict[str, Any]]:
    size = image.pixel_size_nm
    space = [
        {"name": axis, "type": "space", **({} if size is None else {"unit": "nanometer"})}
        for axis in "yx"
    ]
    frames = [{"name": "t", "type": "time"}] if micrograph.is_stack else []
    datasets = [
        {"path": str(level), "coordinateTransformations": _placed(level, size or 1.0, len(frames))}
        for level in range(len(level_shapes(micrograph.frame_shape)))
    ]
    axes = [*frames, *space]
    return [{"version": VERSION, "name": name, "type": kind, "axes": axes, "datasets": datasets}]


def _placed(level: int, pixel_size: float, leading: int) -> list[dict[str, Any]]:
    """Return scale and, of coarser levels, where the centre of their first pixel is."""
    size, offset = placement(level, pixel_size)
    scale = {"type": "scale", "scale": [*(1.0,) * leading, size, size]}
    moved = {"type": "translation", "translation": [*(0.0,) * leading, offset, offset]}
    return [scale, moved] if offset else [scale]
