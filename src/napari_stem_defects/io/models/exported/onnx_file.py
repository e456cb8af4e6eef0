"""ONNX files of models: a whole calibrated image in, the probability map out.

The graph contains what is the same for every image: normalisation, background, local contrast,
windows, spectra, networks, calibration, and which windows are blank. The image must have the pixel
size of the model. Masks, regions and the choice of a model are not part of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.base.version import __version__
from napari_stem_defects.errors import ModelError
from napari_stem_defects.inference.spatial_averaging import MAX_LOGIT
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.exported.graph import OPSET, GraphBuilder
from napari_stem_defects.io.models.exported.image_nodes import (
    averaged_logits,
    filtered_image,
    window_axis,
    windows_with_contrast,
)
from napari_stem_defects.io.models.exported.network_nodes import dense_logits, window_logits
from napari_stem_defects.networks.spec import PlattCalibration

if TYPE_CHECKING:
    from pathlib import Path

    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec

INPUT, OUTPUT = "image", "probability"


def write_onnx(ensemble: Ensemble, path: Path) -> Path:
    """Write a model as an ONNX file.

    Parameters
    ----------
    ensemble : Ensemble
    path : Path
        ``.onnx``.

    Returns
    -------
    Path
        The file. Its input ``image`` is float32 (1, 1, Y, X), its output ``probability`` float32
        (1, C, gy, gx), one value per window; the metadata state classes, pixel size, the step
        between windows, thresholds and the description of the model.

    Raises
    ------
    ModelError
        The model measures the lattice of each image, which no graph can express.
    InputError
        The package onnx is not installed.
    OutputError
        The file cannot be written.
    """
    write_bytes(path, onnx_bytes(ensemble))
    return path


def onnx_bytes(ensemble: Ensemble) -> bytes:
    """Return the content of the file of `write_onnx`."""
    check_can_be_graph(ensemble.spec)
    onnx = load_package("onnx", "onnx", "export of ONNX")
    for part in ("onnx.helper", "onnx.numpy_helper"):
        load_package(part, "onnx", "export of ONNX")
    data: bytes = _model(onnx, ensemble).SerializeToString()
    return data


def check_can_be_graph(spec: EnsembleSpec) -> None:
    """Refuse models whose input depends on the lattice that is measured in each image.

    Parameters
    ----------
    spec : EnsembleSpec

    Raises
    ------
    ModelError
        The model is a quick one, or sees the lattice residual.
    """
    if spec.is_quick or spec.preprocessing.is_residual:
        what = "compares templates with" if spec.is_quick else "sees"
        raise ModelError(
            f"{spec.name} {what} the lattice residual, which is measured in each image and is no"
            " fixed graph; export an ensemble trained on images or spectra"
        )


def is_dense(spec: EnsembleSpec) -> bool:
    """Return whether the graph convolves the image as a whole, not window by window."""
    return spec.preprocessing.is_plain and not spec.network.padded


def _model(onnx: Any, ensemble: Ensemble) -> Any:
    graph, spec = GraphBuilder(onnx), ensemble.spec
    probability = _probability(graph, ensemble)
    graph.nodes.append(onnx.helper.make_node("Identity", [probability], [OUTPUT]))
    value, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    made = onnx.helper.make_graph(
        graph.nodes,
        "stem_defects",
        [value(INPUT, kind, [1, 1, "y", "x"])],
        [value(OUTPUT, kind, [1, len(spec.classes), "window_y", "window_x"])],
        initializer=[each for each in graph.constants if each.name in graph.used],
        doc_string=spec.description,
    )
    model = onnx.helper.make_model(
        made,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=8,
        producer_name="napari-stem-defects",
        producer_version=__version__,
    )
    onnx.helper.set_model_props(model, _metadata(ensemble))
    onnx.checker.check_model(model)
    return model


def _probability(graph: GraphBuilder, ensemble: Ensemble) -> str:
    """Add everything from the image to the probabilities of the windows."""
    spec = ensemble.spec
    settings, inference = spec.preprocessing, spec.inference
    stride = inference.stride_px
    filtered = filtered_image(graph, INPUT, settings)
    rows, columns = (
        window_axis(graph, filtered, axis, stride, inference.margin_px) for axis in (2, 3)
    )
    axes = rows, columns
    add_logits = dense_logits if is_dense(spec) else window_logits
    logits = add_logits(graph, filtered, ensemble, axes, stride)
    pairs = [spec.calibration.get(name, PlattCalibration()) for name in spec.classes]
    scale = graph.constant([[[float(pair.scale)]] for pair in pairs])
    shift = graph.constant([[[float(pair.shift)]] for pair in pairs])
    calibrated = graph.add("Add", graph.add("Mul", logits, scale), shift)
    probability = graph.add("Sigmoid", calibrated)
    if inference.averaging_px:
        sigma = inference.averaging_px / stride
        probability = averaged_logits(graph, probability, sigma, MAX_LOGIT)
    valid = windows_with_contrast(graph, filtered, axes, settings, stride)
    return graph.add("Mul", probability, valid)


def _metadata(ensemble: Ensemble) -> dict[str, str]:
    spec = ensemble.spec
    values = {
        "classes": list(spec.classes),
        "pixel_size_nm": spec.pixel_size_nm,
        "window_px": spec.preprocessing.patch_px,
        "stride_px": spec.inference.stride_px,
        "margin_px": spec.inference.margin_px,
        "thresholds": {name: spec.threshold(name) for name in spec.classes},
        "sha256": ensemble.sha256,
        "spec": spec.to_dict(),
    }
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
    }
