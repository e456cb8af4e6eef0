"""A detection in a notebook."""

from __future__ import annotations

from dataclasses import fields
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.defect_classes import UNKNOWN, DefectClass
from napari_stem_defects.base.lengths import format_density
from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.postprocessing.mask_stack import reduce_squares
from napari_stem_defects.postprocessing.regions import totals
from napari_stem_defects.postprocessing.results import Region
from napari_stem_defects.reporting.notebook.html_card import Swatch, card, enlarged, step_of
from napari_stem_defects.reporting.notebook.image_axes import (
    MOST_PX,
    WITH_LEGEND,
    axes_or_new,
    box_of,
    frame_axes,
    searched_pixels,
    show_image,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from napari_stem_defects.base.micrograph import Micrograph
    from napari_stem_defects.postprocessing.results import Detection

_BACKGROUND, _UNKNOWN = 245, 190
_TINT = 0.35
_COLUMNS = ("class", "", "defects", "per nm²", "length (nm)", "area (nm²)")


def html(detection: Detection) -> str:
    """Return the card: the masks in the colours of the classes, counts, lengths and areas."""
    classes = detection.class_table
    found = totals(detection.regions, {**dict.fromkeys(detection.mask_names)})
    rows = [
        (
            Swatch(name, classes[name].colour),
            classes[name].own_title,
            total.count,
            format_density(total.count, detection.searched_nm2).removesuffix(" per nm²")
            if classes[name].kind == "point"
            else "",
            total.length_nm if classes[name].kind == "line" else None,
            total.area_nm2 if classes[name].kind == "area" else None,
        )
        for name, total in found.items()
        if total.count
    ]
    model = str(detection.parameters.get("model_choice") or "")
    warnings = map(str, detection.parameters.get("warnings") or ())
    facts = [text for text in (model, *warnings) if text]
    picture = enlarged(_picture(detection, step_of(detection.mask_stack.shape)))
    return card(_title(detection), facts, [picture], _COLUMNS, rows)


def _title(detection: Detection) -> str:
    count = len(detection.regions)
    what = "no defects" if not count else f"{count} defect{'s' if count > 1 else ''}"
    frame = f", frame {detection.frame}" if detection.frame else ""
    return f"{detection.image}{frame}: {what}"


def _picture(detection: Detection, edge: int) -> NDArray[np.uint8]:
    """Return the masks as an RGB picture; later classes lie above earlier ones."""
    stack = detection.mask_stack
    small = [-(-length // edge) for length in stack.shape]
    picture = np.full((*small, 3), _BACKGROUND, np.uint8)
    picture[_mask(detection, UNKNOWN, edge)] = _UNKNOWN
    for name in detection.mask_names:
        if name != UNKNOWN:
            picture[_mask(detection, name, edge)] = _rgb(detection.class_table[name])
    return picture


def _mask(detection: Detection, name: str, edge: int) -> NDArray[np.bool_]:
    stack = detection.mask_stack
    if name not in stack.names:
        return np.zeros([-(-length // edge) for length in stack.shape], bool)
    return reduce_squares(stack.blocks_of(name), stack.shape, edge, np.maximum, np.uint8) > 0


def _rgb(entry: DefectClass) -> tuple[int, ...]:
    return tuple(bytes.fromhex(entry.colour[1:]))


def table(detection: Detection) -> Any:
    """Return the table: a row per region, with the columns of ``regions.csv``."""
    pandas = load_package("pandas", "pandas", "to_dataframe")
    names = [each.name for each in fields(Region) if each.name != "centre_line"]
    columns = {
        ("class" if name == "class_name" else name): [
            nan if (value := getattr(region, name)) is None else value
            for region in detection.regions
        ]
        for name in names
    }
    return pandas.DataFrame(columns)


def plot(detection: Detection, micrograph: Micrograph | None, axes: Axes | None) -> Axes:
    """Draw lines and areas in the colours of their classes, and circles around points."""
    shape, size = detection.mask_stack.shape, detection.pixel_size_nm
    axes = axes_or_new(axes, WITH_LEGEND)
    if micrograph is None:
        frame_axes(axes, shape, size)
    else:
        pixels = searched_pixels(micrograph, detection.frame, shape, "detection")
        show_image(axes, pixels, size)
    _draw_masks(axes, detection)
    handles = [
        handle
        for name in detection.mask_names
        if (handle := _draw_class(axes, detection, name)) is not None
    ]
    if handles:
        axes.legend(handles=handles, loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    axes.set_title(_title(detection))
    return axes


def _draw_masks(axes: Axes, detection: Detection) -> None:
    """Tint lines, areas and what is unknown."""
    shape = detection.mask_stack.shape
    edge = max(1, -(-max(shape) // MOST_PX))
    overlay = np.zeros((*(-(-length // edge) for length in shape), 4), np.float32)
    for name in detection.mask_names:
        entry = detection.class_table[name]
        if name == UNKNOWN or entry.kind != "point":
            colour = (0.5, 0.5, 0.5) if name == UNKNOWN else np.array(_rgb(entry)) / 255
            overlay[_mask(detection, name, edge)] = (*colour, _TINT)
    box = box_of(shape, detection.pixel_size_nm)
    axes.imshow(overlay, extent=(box[0], box[1], box[2], box[3]), interpolation="nearest")


def _draw_class(axes: Axes, detection: Detection, name: str) -> Any:
    """Draw centre lines and points of a class; return its entry of the legend."""
    regions = [each for each in detection.regions if each.class_name == name]
    if not regions:
        return None
    lines = load_package("matplotlib.lines", "matplotlib", "plot")
    entry, scale = detection.class_table[name], detection.pixel_size_nm or 1.0
    for region in regions:
        if region.centre_line:
            y, x = np.array(region.centre_line).T * scale
            axes.plot(x, y, color=entry.colour, linewidth=1.5)
    points = _points([each for each in regions if each.kind == "point"]) * scale
    style: dict[str, Any] = {"facecolors": "none", "edgecolors": entry.colour, "linewidths": 1.5}
    axes.scatter(points[:, 1], points[:, 0], s=80, **style)
    is_point = entry.kind == "point"
    return lines.Line2D(
        [],
        [],
        color=entry.colour,
        marker="o" if is_point else "",
        markerfacecolor="none",
        linestyle="" if is_point else "-",
        label=f"{entry.title} ({len(regions)})",
    )


def _points(regions: Sequence[Region]) -> NDArray[np.float64]:
    """Return the sites (y, x) of point defects in px, centroids where none was measured."""
    sites = [
        (each.y_px, each.x_px)
        if each.site_y_px is None or each.site_x_px is None
        else (each.site_y_px, each.site_x_px)
        for each in regions
    ]
    return np.array(sites, float).reshape(-1, 2)
