"""One frame of an overview: its defects are tinted, outlined, ringed, hatched and named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_stem_defects.base.defect_classes import UNKNOWN, DefectClass
from napari_stem_defects.postprocessing.mask_stack import reduce_squares, row_slices
from napari_stem_defects.postprocessing.regions import number_blocks
from napari_stem_defects.reporting.contrast import to_grey8
from napari_stem_defects.reporting.label_placement import LabelPlacer
from napari_stem_defects.reporting.overview_canvas import (
    FrameCanvas,
    Line,
    PanelLayout,
    ring,
    text_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.postprocessing.results import Detection, Region

_LABEL_PAD_PX, _LABEL_GAP_PX = 5, 4
_MOST_NAMED_POINTS = 3
_MOST_LABELS = 80
_MOST_ANCHORS = 24


def draw_panel(
    pixels: NDArray[np.float32],
    detection: Detection,
    layout: PanelLayout,
    *,
    show_names: bool,
    show_scale_bar: bool,
) -> Image.Image:
    """Draw one frame with its defects.

    Lines and areas are tinted and outlined, point defects have rings, unknown areas are hatched.

    Parameters
    ----------
    pixels : ndarray of float32, shape (Y, X)
    detection : Detection
    layout : PanelLayout
    show_names, show_scale_bar : bool
        Whether regions are named and a scale bar is drawn.

    Returns
    -------
    PIL.Image.Image
        RGB, of the size ``layout.panel``.
    """
    edge = max(1, int(1 / layout.zoom))
    canvas = FrameCanvas(Image.fromarray(to_grey8(_mean_of_blocks(pixels, edge))), layout)
    planes, classes = detection.mask_stack, detection.class_table
    masks = {
        name: reduce_squares(planes.blocks_of(name), planes.shape, edge, np.maximum, np.uint8)
        for name in planes.names
        if name == UNKNOWN or _is_extended(classes[name])
    }
    for name, mask in masks.items():
        if name == UNKNOWN:
            canvas.hatch(mask)
        else:
            canvas.tint(mask, classes[name].colour)
    defects = {name: mask for name, mask in masks.items() if name != UNKNOWN}
    outlines = [
        (line, classes[name].colour)
        for name, mask in defects.items()
        for line in canvas.outlines(mask)
    ]
    rings = list(_rings(canvas, detection.regions, classes))
    canvas.stroke([*outlines, *rings])
    occupied = canvas.occupied(defects.values(), outlines, rings)
    placer = LabelPlacer(occupied, _LABEL_GAP_PX)
    if show_scale_bar:
        canvas.draw_scale_bar(placer, detection.pixel_size_nm)
    if show_names:
        _name_regions(canvas, placer, detection, masks, edge)
    return canvas.image


def draw_swatch(entry: DefectClass, size: tuple[int, int]) -> Image.Image:
    """Draw a class for the legend as it looks in the picture.

    Parameters
    ----------
    entry : DefectClass
        A class, or that of "unknown".
    size : (width, height)
        In px.

    Returns
    -------
    PIL.Image.Image
        RGB.
    """
    width, height = size
    canvas = FrameCanvas(Image.new("L", size, 84), PanelLayout(size, size, 1.0))
    box = np.zeros((height, width), np.uint8)
    box[5:-5, 6:-6] = 1
    if entry.name == UNKNOWN:
        canvas.hatch(np.ones_like(box))
    elif _is_extended(entry):
        canvas.tint(box, entry.colour)
        canvas.stroke((line, entry.colour) for line in canvas.outlines(box))
    else:
        canvas.stroke([(ring(width / 2, height / 2, 0.3 * height), entry.colour)])
    return canvas.image


def _is_extended(entry: DefectClass) -> bool:
    return entry.kind in ("line", "area")


def _mean_of_blocks(pixels: NDArray[np.float32], edge: int) -> NDArray[np.float32]:
    """Average blocks of pixels that the panel cannot show; those at the border may be smaller."""
    if edge == 1:
        return pixels
    shape = pixels.shape[0], pixels.shape[1]
    parts = ((rows, pixels[rows]) for rows in row_slices(shape))
    total = reduce_squares(parts, shape, edge, np.add, np.float32)
    down, across = (np.diff([*range(0, length, edge), length]) for length in shape)
    mean: NDArray[np.float32] = (total / np.outer(down, across)).astype(np.float32)
    return mean


def _rings(
    canvas: FrameCanvas, regions: Iterable[Region], classes: Mapping[str, DefectClass]
) -> Iterator[tuple[Line, str]]:
    for region in regions:
        entry = classes[region.class_name]
        if not _is_extended(entry):
            x, y = canvas.position(region.y_px, region.x_px)
            yield ring(x, y, canvas.radius(region)), entry.colour


def _name_regions(
    canvas: FrameCanvas,
    placer: LabelPlacer,
    detection: Detection,
    masks: Mapping[str, NDArray[np.uint8]],
    edge: int,
) -> None:
    """Name the regions, the largest first, where there is room."""
    counts = dict.fromkeys(detection.mask_names, 0)
    for region in detection.regions:
        counts[region.class_name] += 1
    largest = sorted(detection.regions, key=lambda region: -region.area_px)[:_MOST_LABELS]
    rims = _rims(canvas, detection, largest, masks, edge)
    for region in largest:
        entry = detection.class_table[region.class_name]
        extended = _is_extended(entry)
        text = _label(region, counts[region.class_name], extended)
        anchors = rims.get(region) or [canvas.position(region.y_px, region.x_px)]
        width, height = text_size(text)
        reach, pad = 0.0 if extended else canvas.radius(region), 2 * _LABEL_PAD_PX
        box = placer.place_beside(anchors, reach, (width + pad, height + pad))
        if box is not None:
            canvas.draw_tag(box, text, entry.colour)


def _label(region: Region, count: int, extended: bool) -> str:
    """Return the class, with the region's number where there are several."""
    if region.class_name == UNKNOWN and region.looks_like:
        return f"{UNKNOWN}: {region.looks_like}"
    if count == 1:
        return region.class_name
    if extended or count <= _MOST_NAMED_POINTS:
        return f"{region.class_name} {region.region}"
    return str(region.region)


def _rims(
    canvas: FrameCanvas,
    detection: Detection,
    regions: Sequence[Region],
    masks: Mapping[str, NDArray[np.uint8]],
    edge: int,
) -> dict[Region, list[tuple[float, float]]]:
    """Return points on the outlines of the extended ones among some regions."""
    rims: dict[Region, list[tuple[float, float]]] = {}
    planes = detection.mask_stack
    for name in {region.class_name for region in regions}:
        if not _is_extended(detection.class_table[name]):
            continue
        mine = [region for region in regions if region.class_name == name]
        rims |= {each: _sides(canvas, each) for each in mine if each.centre_line}
        mine = [region for region in mine if not region.centre_line]
        if len(mine) == 1 and sum(each.class_name == name for each in detection.regions) == 1:
            rims[mine[0]] = _rim(canvas, masks[name] > 0, mine[0], edge)
        elif mine:
            parts = number_blocks(detection.map, planes, name)
            plane = reduce_squares(parts, planes.shape, edge, np.maximum, np.uint32)
            rims |= {each: _rim(canvas, plane == each.region, each, edge) for each in mine}
    return rims


def _sides(canvas: FrameCanvas, region: Region) -> list[tuple[float, float]]:
    """Return points on both sides of a line, those nearest to its centroid first."""
    line = np.array(region.centre_line)
    reached = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    steps = np.linspace(0, reached[-1], _MOST_ANCHORS // 2)
    points = np.column_stack([np.interp(steps, reached, axis) for axis in line.T])
    along = np.gradient(points, axis=0)
    across = (
        np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    )
    half = region.area_px / max(reached[-1], 1.0) / 2
    points = np.concatenate([points + half * across, points - half * across])
    away = np.hypot(points[:, 0] - region.y_px, points[:, 1] - region.x_px)
    return [canvas.position(y, x) for y, x in points[np.argsort(away, kind="stable")]]


def _rim(
    canvas: FrameCanvas, inside: NDArray[np.bool_], region: Region, edge: int
) -> list[tuple[float, float]]:
    """Return points on a region's outline, those nearest to its centroid first.

    A pixel of its mask is a block of ``edge`` px. All blocks of a small region may belong to
    another one.
    """
    rows = np.flatnonzero(inside.any(axis=1))
    inside = inside[rows]
    first = inside.argmax(axis=1)
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)
    points = np.concatenate([np.column_stack([rows, last]), np.column_stack([rows, first])])
    points = (points[:: max(1, len(points) // _MOST_ANCHORS)] + 0.5) * edge - 0.5
    away = np.hypot(points[:, 0] - region.y_px, points[:, 1] - region.x_px)
    return [canvas.position(y, x) for y, x in points[np.argsort(away)]]
