"""Networks as nodes of a graph: all members merged into grouped convolutions.

Batch normalisation is folded into the convolutions, as `networks.trunk` does. Where overlapping
windows share their feature maps, the image is convolved as a whole (`dense_logits`); otherwise the
windows are cut out and transformed row by row (`window_logits`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from napari_stem_defects.io.models.exported.image_nodes import cropped_to_windows, padded_image
from napari_stem_defects.networks.weight_names import select_member_weights
from napari_stem_defects.preprocessing.filters import NO_SIGNAL
from napari_stem_defects.preprocessing.pipeline import feature_shapes, window_profile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_stem_defects.io.models.exported.graph import GraphBuilder
    from napari_stem_defects.io.models.exported.image_nodes import WindowAxis
    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
    from napari_stem_defects.preprocessing.settings import PreprocessingSettings

_EPSILON = 1e-5  # of torch's batch normalisation

_Weights = dict[str, "NDArray[Any]"]


class _Layer(NamedTuple):
    """Weight and bias of a convolution of all members."""

    weight: NDArray[np.floating[Any]]
    bias: NDArray[np.floating[Any]]


def dense_logits(
    graph: GraphBuilder,
    filtered: str,
    ensemble: Ensemble,
    axes: tuple[WindowAxis, WindowAxis],
    stride: int,
) -> str:
    """Add the logits of all windows by convolutions of the whole image.

    Parameters
    ----------
    graph : GraphBuilder
    filtered : str
        The filtered image, (1, 1, Y, X).
    ensemble : Ensemble
        One whose windows are plain parts of the image, without padded convolutions.
    axes : tuple of WindowAxis
        Of rows and columns.
    stride : int
        Step between windows in px.

    Returns
    -------
    str
        Mean logits of the members, (1, C, gy, gx).
    """
    spec, members = ensemble.spec, _members(ensemble)
    ((part, _),) = feature_shapes(spec.preprocessing).items()
    size = spec.preprocessing.patch_px
    padded = padded_image(graph, filtered, size)
    maps, step, spacing = cropped_to_windows(graph, padded, axes, size, stride), stride, 1
    for block in range(len(spec.network.channels)):
        layer, halved = _block(members, part, block, padded=False), step % 2 == 0
        groups = 1 if block == 0 else len(members)
        maps = _convolved(graph, maps, layer, groups, dilations=[spacing] * 2)
        pool = {"strides": [2, 2]} if halved else {"dilations": [spacing] * 2}
        maps = graph.add("Selu", graph.add("MaxPool", maps, kernel_shape=[2, 2], **pool))
        step, spacing = (step // 2, spacing) if halved else (step, spacing * 2)
    spread = {"dilations": [spacing] * 2, "strides": [step] * 2}
    return _mean_logits(graph, {part: maps}, spec, members, spread)


def window_logits(
    graph: GraphBuilder,
    filtered: str,
    ensemble: Ensemble,
    axes: tuple[WindowAxis, WindowAxis],
    stride: int,
) -> str:
    """Add the logits of all windows, one row of windows after another.

    Parameters
    ----------
    graph : GraphBuilder
    filtered : str
        The filtered image, (1, 1, Y, X).
    ensemble : Ensemble
    axes : tuple of WindowAxis
        Of rows and columns.
    stride : int
        Step between windows in px.

    Returns
    -------
    str
        Mean logits of the members, (1, C, gy, gx).
    """
    spec, members = ensemble.spec, _members(ensemble)
    size = spec.preprocessing.patch_px
    padded = padded_image(graph, filtered, size)
    rows, columns = (_window_pixels(graph, each, size, stride) for each in axes)
    body = graph.body()
    float_type, int_type = (getattr(graph.onnx.TensorProto, name) for name in ("FLOAT", "INT64"))
    band = body.add("Gather", padded, "row", axis=2)  # (1, 1, P, X)
    cut = body.add("Gather", band, columns, axis=3)  # (1, 1, P, gx, P)
    cut = body.add("Transpose", cut, perm=[3, 0, 1, 2, 4])
    patches = body.add("Reshape", cut, body.constant([-1, 1, size, size]))
    maps = {
        part: _window_maps(body, features, spec, members, part)
        for part, features in _features(body, patches, spec.preprocessing).items()
    }
    logits = _mean_logits(body, maps, spec, members, {})  # (gx, C, 1, 1)
    found = body.add("Squeeze", logits, body.constant([2, 3]))
    helper = graph.onnx.helper
    scanned = helper.make_graph(
        body.nodes,
        "row_of_windows",
        [helper.make_tensor_value_info("row", int_type, [size])],
        [helper.make_tensor_value_info(found, float_type, [None, len(spec.classes)])],
    )
    every = graph.add("Scan", rows, num_scan_inputs=1, body=scanned)  # (gy, gx, C)
    ordered = graph.add("Transpose", every, perm=[2, 0, 1])
    return graph.add("Unsqueeze", ordered, graph.constant([0]))


def _window_pixels(graph: GraphBuilder, axis: WindowAxis, size: int, stride: int) -> str:
    """Return the index of each pixel of each window along an axis, (windows, P)."""
    number = graph.numbers(graph.constant(0), axis.windows)
    first = graph.add("Add", graph.add("Mul", number, graph.constant(stride)), axis.first)
    column = graph.add("Unsqueeze", first, graph.constant([1]))
    return graph.add("Add", column, graph.constant(np.arange(size)))


def _features(graph: GraphBuilder, patches: str, settings: PreprocessingSettings) -> dict[str, str]:
    """Add stages d and e of patches (N, 1, P, P)."""
    if settings.contrast_px == 0:
        highest = graph.reduced("ReduceMax", graph.add("Abs", patches))
        has_signal = graph.add("Greater", highest, graph.constant(NO_SIGNAL))
        divisor = graph.add("Where", has_signal, highest, graph.constant(1.0))
        scaled = graph.add("Div", patches, divisor)
        patches = graph.add("Where", has_signal, scaled, graph.constant(0.0))
    found = {}
    if "fft" in settings.representation:
        found["fft"] = _spectrum(graph, patches, settings)
    if "real" in settings.representation:
        found["real"] = patches
    return found


def _spectrum(graph: GraphBuilder, patches: str, settings: PreprocessingSettings) -> str:
    """Add the thresholded log magnitude up to the cutoff, by products with Fourier matrices."""
    size = settings.patch_px
    if settings.window != "none":
        patches = graph.add("Mul", patches, graph.constant(window_profile(size)))
    kept, place = round(settings.cutoff * size), np.arange(size)
    across = 2 * np.pi / size * np.outer(place, np.arange(kept + 1))
    down = 2 * np.pi / size * np.outer(np.arange(-kept, kept), place)
    real = graph.add("MatMul", patches, graph.constant(np.cos(across)))
    imaginary = graph.add("MatMul", patches, graph.constant(-np.sin(across)))
    cosine, sine = graph.constant(np.cos(down)), graph.constant(np.sin(down))
    both = (
        ("Add", (cosine, real), (sine, imaginary)),
        ("Sub", (cosine, imaginary), (sine, real)),
    )
    squares = []
    for operator, first, second in both:
        part = graph.add(operator, graph.add("MatMul", *first), graph.add("MatMul", *second))
        squares.append(graph.add("Mul", part, part))
    magnitude = graph.add("Sqrt", graph.add("Add", *squares))
    spectrum = graph.add("Log", graph.add("Add", magnitude, graph.constant(1.0)))
    if settings.threshold == 0:
        return spectrum
    highest = graph.reduced("ReduceMax", spectrum)
    limit = graph.add("Mul", highest, graph.constant(settings.threshold))
    is_low = graph.add("Less", spectrum, limit)
    return graph.add("Where", is_low, graph.constant(0.0), spectrum)


def _window_maps(
    graph: GraphBuilder, features: str, spec: EnsembleSpec, members: Sequence[_Weights], part: str
) -> str:
    """Add the feature maps of windows after the last block."""
    padded, maps = spec.network.padded, features
    if padded:  # ones beside the image: what is added to it ends at its border, like the padding
        ones = graph.add("Add", graph.add("Mul", maps, graph.constant(0.0)), graph.constant(1.0))
        maps = graph.add("Concat", maps, ones, axis=1)
    for block in range(len(spec.network.channels)):
        layer = _block(members, part, block, padded=padded)
        groups = 1 if block == 0 else len(members)
        maps = _convolved(graph, maps, layer, groups, pads=[int(padded)] * 4)
        pooled = graph.add("MaxPool", maps, kernel_shape=[2, 2], strides=[2, 2])
        maps = graph.add("Selu", pooled)
    return maps


def _mean_logits(
    graph: GraphBuilder,
    maps: Mapping[str, str],
    spec: EnsembleSpec,
    members: Sequence[_Weights],
    spread: Mapping[str, list[int]],
) -> str:
    """Add the fully connected layers as convolutions over the feature maps of a window.

    ``spread`` states where the maps of a window lie in those of an image.
    """
    sizes, count = spec.network, len(members)
    bias = np.concatenate([each["head.1.bias"] for each in members])
    rest = np.concatenate([each["head.1.weight"] for each in members])
    hidden = ""
    for part, shape in feature_shapes(spec.preprocessing).items():
        rows, columns = shape[1:]
        for _ in sizes.channels:
            rows, columns = ((edge - 2 * (not sizes.padded)) // 2 for edge in (rows, columns))
        width = sizes.channels[-1]
        weight, rest = np.split(rest, [width * rows * columns], axis=1)
        layer = _Layer(weight.reshape(-1, width, rows, columns), bias)
        found = _convolved(graph, maps[part], layer, count, **spread)
        hidden = graph.add("Add", hidden, found) if hidden else found
        bias = np.zeros_like(bias)  # it is added once
        if sizes.maxima:
            weight, rest = np.split(rest, [width], axis=1)
            pool = {**spread, "kernel_shape": [rows, columns]}
            highest = graph.add("MaxPool", maps[part], **pool)
            layer = _Layer(weight.reshape(-1, width, 1, 1), bias)
            hidden = graph.add("Add", hidden, _convolved(graph, highest, layer, count))
    activated = graph.add("Selu", hidden)
    output = _Layer(
        np.stack([each["head.4.weight"] for each in members]).reshape(count, -1, 1, 1),
        np.concatenate([each["head.4.bias"] for each in members]),
    )
    logits = _convolved(graph, activated, output, count)
    seeds = len(spec.seeds)
    mean = np.kron(np.eye(len(spec.classes)), np.full((1, seeds), 1 / seeds))
    return graph.add("Conv", logits, graph.constant(mean.reshape(*mean.shape, 1, 1)))


def _convolved(
    graph: GraphBuilder, maps: str, layer: _Layer, groups: int, **attributes: Any
) -> str:
    names = graph.constant(layer.weight), graph.constant(layer.bias)
    return graph.add("Conv", maps, *names, group=groups, **attributes)


def _members(ensemble: Ensemble) -> list[_Weights]:
    """Return the weights of all members, by class, then by seed."""
    spec = ensemble.spec
    return [
        select_member_weights(ensemble.weights, index, seed)
        for index in range(len(spec.classes))
        for seed in range(len(spec.seeds))
    ]


def _block(members: Sequence[_Weights], part: str, block: int, *, padded: bool) -> _Layer:
    """Return a convolution of all members with its batch normalisations folded in."""
    folded = [_folded(each, f"branches.{part}", block, padded=padded) for each in members]
    return _Layer(*(np.concatenate([each[n] for each in folded]) for n in (0, 1)))


def _folded(weights: _Weights, part: str, block: int, *, padded: bool) -> _Layer:
    gain, shift = _gain_and_shift(weights, f"{part}.{2 + 4 * block}")
    weight = weights[f"{part}.{1 + 4 * block}.weight"] * gain[:, None, None, None]
    if block == 0:
        input_gain, input_shift = _gain_and_shift(weights, f"{part}.0")
        constant = (weight * input_shift[:, None, None]).sum(axis=1, keepdims=True)
        weight = weight * input_gain[:, None, None]
        if padded:
            weight = np.concatenate([weight, constant], axis=1)
        else:
            shift = shift + constant.sum(axis=(1, 2, 3))
    return _Layer(weight, shift)


def _gain_and_shift(
    weights: _Weights, layer: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the factor and the offset per channel of a trained batch normalisation."""
    gain, bias, mean, variance = (
        weights[f"{layer}.{name}"].astype(np.float64)
        for name in ("weight", "bias", "running_mean", "running_var")
    )
    factor = gain / np.sqrt(variance + _EPSILON)
    return factor, bias - mean * factor
