"""Preprocessing as nodes of a graph: filters, grid of windows, windows with contrast.

The twins of `preprocessing.pipeline.filter_image`, `preprocessing.windows.window_grid` and
`detection.valid_windows`, for one image (1, 1, Y, X) of any size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from napari_stem_defects.detection.valid_windows import BLANK_CONTRAST
from napari_stem_defects.preprocessing.filters import (
    CONTRAST_FLOOR,
    NO_SIGNAL,
    background_sigma,
    blur_radius,
)
from napari_stem_defects.preprocessing.gaussian_blur import gaussian_kernel

if TYPE_CHECKING:
    from napari_stem_defects.io.models.exported.graph import GraphBuilder
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings


class WindowAxis(NamedTuple):
    """Window centres along an axis: names of the first one and of their number."""

    first: str
    windows: str


def filtered_image(graph: GraphBuilder, image: str, settings: PreprocessingSettings) -> str:
    """Add stages b and c.

    Parameters
    ----------
    graph : GraphBuilder
    image : str
        Intensities, (1, 1, Y, X).
    settings : PreprocessingSettings

    Returns
    -------
    str
        The filtered image, of the same shape.
    """
    zero = graph.constant(0.0)
    lowest = graph.add("Min", graph.reduced("ReduceMin", image), zero)
    span = graph.add("Sub", graph.reduced("ReduceMax", image), lowest)
    # An image without a span is zero everywhere: what it is divided by does not matter.
    has_span = graph.add("Greater", span, zero)
    divisor = graph.add("Where", has_span, span, graph.constant(1.0))
    normalised = graph.add("Div", graph.add("Sub", image, lowest), divisor)
    smooth = _blurred(graph, normalised, settings.smoothing_px)
    sigma = background_sigma(settings.background_px, settings.smoothing_px)
    filtered = graph.add("Sub", smooth, _blurred(graph, normalised, sigma))
    overall = graph.add("Sqrt", graph.reduced("ReduceMean", graph.add("Mul", filtered, filtered)))
    has_signal = graph.add("Greater", overall, graph.constant(NO_SIGNAL))
    filtered = graph.add("Where", has_signal, filtered, zero)
    if settings.contrast_px == 0:
        return filtered
    squares = _blurred(graph, graph.add("Mul", filtered, filtered), settings.contrast_px)
    local = graph.add("Sqrt", graph.add("Max", squares, zero))
    floor = graph.add("Mul", overall, graph.constant(CONTRAST_FLOOR))
    floor = graph.add("Max", floor, graph.constant(NO_SIGNAL))
    return graph.add("Div", filtered, graph.add("Max", local, floor))


def _blurred(graph: GraphBuilder, image: str, sigma: float) -> str:
    if sigma == 0:
        return image
    radius = blur_radius(sigma)
    kernel = gaussian_kernel(sigma, radius)
    eight = graph.constant(8.0)
    mean = graph.add("Mul", graph.reduced("ReduceMean", image), eight)
    offset = graph.add("Div", graph.add("Round", mean), eight)
    shifted = graph.add("Sub", image, offset)
    down = graph.add(
        "Conv",
        mirrored(graph, shifted, 2, radius, radius),
        graph.constant(kernel.reshape(1, 1, -1, 1)),
    )
    across = graph.add(
        "Conv",
        mirrored(graph, down, 3, radius, radius),
        graph.constant(kernel.reshape(1, 1, 1, -1)),
    )
    return graph.add("Add", across, offset)


def mirrored(graph: GraphBuilder, image: str, axis: int, before: int, after: int) -> str:
    """Pad an axis with its mirror image, the outermost pixel included, as often as needed.

    Parameters
    ----------
    graph : GraphBuilder
    image : str
    axis : int
    before, after : int
        Padding in px.

    Returns
    -------
    str
    """
    length = graph.length(image, axis)
    end = graph.add("Add", length, graph.constant(after))
    twice = graph.add("Mul", length, graph.constant(2))
    place = graph.add("Mod", graph.numbers(graph.constant(-before), end), twice)
    back = graph.add("Sub", graph.add("Sub", twice, graph.constant(1)), place)
    return graph.add("Gather", image, graph.add("Min", place, back), axis=axis)


def window_axis(graph: GraphBuilder, image: str, axis: int, stride: int, margin: int) -> WindowAxis:
    """Add first centre and number of the windows along an axis.

    Parameters
    ----------
    graph : GraphBuilder
    image : str
        The filtered image.
    axis : int
    stride, margin : int
        Of `preprocessing.windows.window_grid`.

    Returns
    -------
    WindowAxis
    """
    length = graph.length(image, axis)
    step, one = graph.constant(stride), graph.constant(1)
    positions, start = length, graph.constant(0)
    if margin:
        half = graph.add("Div", length, graph.constant(2))
        start = graph.add("Min", graph.constant(margin), half)
        inside = graph.add("Sub", length, graph.add("Mul", start, graph.constant(2)))
        positions = graph.add("Add", inside, one)
    last = graph.add("Sub", positions, one)
    offset = graph.add("Div", graph.add("Mod", last, step), graph.constant(2))
    count = graph.add("Div", graph.add("Sub", last, offset), step)
    return WindowAxis(graph.add("Add", start, offset), graph.add("Add", count, one))


def padded_image(graph: GraphBuilder, filtered: str, patch_px: int) -> str:
    """Pad the filtered image with half a window of zeros on every side."""
    half = patch_px // 2
    return graph.add("Pad", filtered, graph.constant([0, 0, half, half, 0, 0, half, half]))


def cropped_to_windows(
    graph: GraphBuilder, padded: str, axes: tuple[WindowAxis, WindowAxis], size: int, stride: int
) -> str:
    """Cut an image to what the windows cover, so that the first one is its upper left corner.

    Parameters
    ----------
    graph : GraphBuilder
    padded : str
        Image in which the window around centre c begins at c.
    axes : tuple of WindowAxis
        Of rows and columns.
    size, stride : int
        Edge of a window, and step between two of them, in px.

    Returns
    -------
    str
    """
    one, step, edge = graph.constant(1), graph.constant(stride), graph.constant(size)
    for axis, each in zip((2, 3), axes, strict=True):
        way = graph.add("Mul", graph.add("Sub", each.windows, one), step)
        end = graph.add("Add", graph.add("Add", each.first, way), edge)
        ends = graph.vector(each.first), graph.vector(end)
        padded = graph.add("Slice", padded, *ends, graph.constant([axis]))
    return padded


def windows_with_contrast(
    graph: GraphBuilder,
    filtered: str,
    axes: tuple[WindowAxis, WindowAxis],
    settings: PreprocessingSettings,
    stride: int,
) -> str:
    """Add which windows are not blank.

    Parameters
    ----------
    graph : GraphBuilder
    filtered : str
    axes : tuple of WindowAxis
    settings : PreprocessingSettings
    stride : int

    Returns
    -------
    str
        1 or 0, (1, 1, gy, gx).
    """
    width = settings.patch_px // 2
    squares = graph.add("Mul", filtered, filtered)
    usual = graph.constant(1.0)
    if settings.contrast_px == 0:
        usual = graph.reduced("ReduceMean", squares)
    before, after = width // 2, width - width // 2 - 1
    for axis in (2, 3):
        squares = mirrored(graph, squares, axis, before, after)
    part = cropped_to_windows(graph, squares, axes, width, stride)
    local = graph.add("AveragePool", part, kernel_shape=[width, width], strides=[stride, stride])
    limit = graph.add("Mul", usual, graph.constant(BLANK_CONTRAST**2))
    return graph.add("Cast", graph.add("Greater", local, limit), to=graph.onnx.TensorProto.FLOAT)


def averaged_logits(graph: GraphBuilder, probability: str, sigma: float, highest: float) -> str:
    """Average the logits of neighbouring windows, as `inference.spatial_averaging` does.

    Parameters
    ----------
    graph : GraphBuilder
    probability : str
        (1, C, gy, gx).
    sigma : float
        Standard deviation in steps of the grid.
    highest : float
        Magnitude to which logits are clipped.

    Returns
    -------
    str
        Probabilities of the same shape.
    """
    lowest = 1 / (1 + np.exp(highest))
    clipped = graph.add(
        "Clip", probability, graph.constant(float(lowest)), graph.constant(float(1 - lowest))
    )
    other = graph.add("Sub", graph.constant(1.0), clipped)
    logits = graph.add("Log", graph.add("Div", clipped, other))
    radius = int(4 * sigma + 0.5)  # as scipy truncates
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    # Classes become images of their own, which one kernel averages.
    apart = graph.add("Transpose", logits, perm=[1, 0, 2, 3])
    pads = graph.constant([0, 0, radius, radius, 0, 0, radius, radius])
    apart = graph.add("Pad", apart, pads, mode="edge")
    apart = graph.add("Conv", apart, graph.constant(kernel.reshape(1, 1, -1, 1)))
    apart = graph.add("Conv", apart, graph.constant(kernel.reshape(1, 1, 1, -1)))
    return graph.add("Sigmoid", graph.add("Transpose", apart, perm=[1, 0, 2, 3]))
