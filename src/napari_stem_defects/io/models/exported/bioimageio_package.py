"""Packages of bioimage.io: the ONNX graph with its description, and the model file beside it.

The description follows version 0.5 of the model specification of bioimage.io; it is written as
JSON, which is YAML as well. Other programs run the graph; `package_file` reads the model file that
lies beside it, so that a model comes back as it was.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.lengths import both_units
from napari_stem_defects.base.version import __version__
from napari_stem_defects.inference.spatial_averaging import average_logits
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.models.exported.graph import OPSET
from napari_stem_defects.io.models.exported.onnx_file import (
    INPUT,
    OUTPUT,
    check_can_be_graph,
    onnx_bytes,
)
from napari_stem_defects.io.models.model_file import SUFFIX, load_model
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.windows import window_grid

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec

DESCRIPTION, DOCUMENTATION = "bioimageio.yaml", "README.md"
GRAPH, TEST_INPUT, TEST_OUTPUT = "model.onnx", "test_image.npy", "test_probability.npy"
FORMAT_VERSION = "0.5.4"
_TEST_STEPS = 24
# Names that the specification allows; others become underscores.
_ODD = re.compile(r"[^\w +().-]")
_SPDX = re.compile(r"[A-Za-z0-9.+-]{2,40}")


def write_package(model: Path, path: Path) -> Path:
    """Write a model as a package of bioimage.io.

    Parameters
    ----------
    model : Path
        The model file.
    path : Path
        ``.zip``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelError
        The model measures the lattice of each image, which no graph can express.
    InputError
        The package onnx is not installed.
    OutputError
        The file cannot be written.
    """
    ensemble = load_model(model)
    spec = ensemble.spec
    check_can_be_graph(spec)
    image = _test_image(spec)
    model_name = f"{_file_name(spec.name)}{SUFFIX}"
    files = {
        GRAPH: onnx_bytes(ensemble),
        model_name: model.read_bytes(),
        TEST_INPUT: _npy(image[None, None]),
        TEST_OUTPUT: _npy(_probability(ensemble, image)[None]),
        DOCUMENTATION: _documentation(spec).encode(),
    }
    description = _description(spec, files, model_name)
    text = json.dumps(description, indent=2, ensure_ascii=False, allow_nan=False)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in {DESCRIPTION: text.encode(), **files}.items():
            file.writestr(name, data)
    write_bytes(path, buffer.getvalue())
    return path


def _description(spec: EnsembleSpec, files: dict[str, bytes], model_name: str) -> dict[str, Any]:
    channel = {"type": "channel"}
    batch = {"type": "batch", "size": 1}
    tensors = {
        "inputs": [
            {
                "id": INPUT,
                "description": "intensities of one whole image at the pixel size of the model",
                "axes": [batch, {**channel, "channel_names": ["intensity"]}, *_space(spec, INPUT)],
                "data": {"type": "float32"},
                "test_tensor": _file(TEST_INPUT, files),
            }
        ],
        "outputs": [
            {
                "id": OUTPUT,
                "description": "calibrated probability of each class, one value per window",
                "axes": [
                    batch,
                    {**channel, "channel_names": [_file_name(name) for name in spec.classes]},
                    *_space(spec, OUTPUT),
                ],
                "data": {"type": "float32", "range": [0.0, 1.0]},
                "test_tensor": _file(TEST_OUTPUT, files),
            }
        ],
    }
    licence = {"license": spec.licence} if _SPDX.fullmatch(spec.licence) else {}
    return {
        "type": "model",
        "format_version": FORMAT_VERSION,
        "name": _file_name(spec.name).ljust(5, "_"),
        "description": (spec.description or "crystal defects in STEM images")[:1024],
        "authors": [{"name": "the napari-stem-defects developers"}],
        "tags": ["2d", "electron-microscopy", "STEM", "crystal-defects", "semantic-segmentation"],
        "documentation": _file(DOCUMENTATION, files),
        "attachments": [_file(model_name, files)],
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        **licence,
        **tensors,
        "weights": {"onnx": {**_file(GRAPH, files), "opset_version": OPSET}},
        "config": {"napari-stem-defects": {"version": __version__, "spec": spec.to_dict()}},
    }


def _space(spec: EnsembleSpec, tensor: str) -> list[dict[str, Any]]:
    """Return the axes y and x: of the image multiples of the stride, of the map that many."""
    stride, size = spec.inference.stride_px, spec.preprocessing.patch_px
    scale = spec.pixel_size_nm or 1.0
    unit = {} if spec.pixel_size_nm is None else {"unit": "nanometer"}
    # Without a margin a map has length / stride windows; with one, fewer by a window.
    offset = 1 - size // stride if spec.inference.margin_px else 0
    axes = []
    for name in "yx":
        about: dict[str, Any] = {"type": "space", "id": name, "scale": scale, **unit}
        if tensor == INPUT:
            about["size"] = {"min": _smallest(spec), "step": stride}
        else:
            about["scale"] = scale * stride
            about["size"] = {"tensor_id": INPUT, "axis_id": name, "offset": offset}
        axes.append(about)
    return axes


def _smallest(spec: EnsembleSpec) -> int:
    """Return the smallest length of an image: whole windows, and a multiple of the stride."""
    stride = spec.inference.stride_px
    return math.ceil(max(spec.preprocessing.patch_px, 64) / stride) * stride


def _test_image(spec: EnsembleSpec) -> NDArray[np.float32]:
    """Return a lattice of columns with a missing one and noise."""
    size = _smallest(spec) + _TEST_STEPS * spec.inference.stride_px
    y, x = np.indices((size, size - 4 * spec.inference.stride_px)) / 7.0
    columns = np.cos(2 * np.pi * y) * np.cos(2 * np.pi * (x + 0.3 * y))
    columns *= np.hypot(y - y.mean(), x - x.mean()) > 0.7
    noise = np.random.default_rng(0).normal(0, 0.2, y.shape)
    image: NDArray[np.float32] = (100 + 40 * (columns + noise)).astype(np.float32)
    return image


def _probability(ensemble: Ensemble, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what this package itself predicts for an image at the pixel size of the model."""
    from napari_stem_defects.detection.valid_windows import valid_windows
    from napari_stem_defects.inference.predict import predict

    spec = ensemble.spec
    filtered = filter_image(image, spec.preprocessing)
    rows, columns = image.shape
    grid = window_grid((rows, columns), spec.inference.stride_px, spec.inference.margin_px)
    probability = predict(filtered, ensemble, grid, mode="exact")
    probability = average_logits(probability, grid, spec.inference.averaging_px)
    valid = valid_windows(filtered, None, grid, spec.preprocessing)
    found: NDArray[np.float32] = (probability * valid).astype(np.float32)
    return found


def _documentation(spec: EnsembleSpec) -> str:
    size = spec.pixel_size_nm
    scale = "the scale of the training images" if size is None else f"{size} nm per px"
    window, step = (
        both_units(length, size)
        for length in (spec.preprocessing.patch_px, spec.inference.stride_px)
    )
    classes = "\n".join(
        f"- {each.name} ({each.kind}): {each.title}, from a probability of"
        f" {spec.threshold(each.name):g}"
        for each in spec.class_data
    )
    return f"""# {spec.name}

{spec.description or "Crystal defects in atomic-resolution STEM images."}

Input: one whole image as float32 in any unit of intensity, resampled to {scale}, without invalid
pixels. Do not cut it into tiles: intensities and contrast are normalised over the whole image.
Output: the probability of each class for windows of {window}, one every {step},
calibrated. The graph contains normalisation, background, local
contrast, networks and calibration.

Not in the graph: matching the pixel size, the second look at each point defect, the choice of a
model by the lattice, dark contrast, masks and measured regions. `stem-defects models import` on
this package and `stem-defects detect` do all of that.

## Classes

{classes}

## Validation

The test image is synthetic and shows that a program computes the graph correctly, not how good the
model is; measured figures are in the description under `config`.
"""


def _file(name: str, files: dict[str, bytes]) -> dict[str, str]:
    return {"source": name, "sha256": hashlib.sha256(files[name]).hexdigest()}


def _file_name(name: str) -> str:
    return _ODD.sub("_", name)


def _npy(array: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
