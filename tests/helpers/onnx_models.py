"""Exported graphs run by onnxruntime, and what the package itself predicts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from small_ensemble import SPEC, small_ensemble

from napari_stem_defects.detection.valid_windows import valid_windows
from napari_stem_defects.inference.predict import predict
from napari_stem_defects.inference.spatial_averaging import average_logits
from napari_stem_defects.io.models.exported.onnx_file import onnx_bytes
from napari_stem_defects.networks.architecture import Architecture
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.preprocessing.pipeline import filter_image
from napari_stem_defects.preprocessing.settings import PreprocessingSettings
from napari_stem_defects.preprocessing.windows import window_grid

DENSE = Architecture(channels=(4, 8), hidden=8, padded=False)
PLAIN = PreprocessingSettings(representation="real")


def ensemble_with(**changes: Any) -> Ensemble:
    """Return a small untrained ensemble of three classes with two members each."""
    return small_ensemble(replace(SPEC, pixel_size_nm=0.027, **changes))


def run_graph(data: bytes, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the map (C, gy, gx) of a graph for an image (Y, X)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"image": image[None, None]})
    result: NDArray[np.float32] = found[0]
    return result


def exported_map(ensemble: Ensemble, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the map of the exported graph."""
    return run_graph(onnx_bytes(ensemble), image)


def own_map(ensemble: Ensemble, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the map that detection computes, at the pixel size of the model."""
    spec = ensemble.spec
    filtered = filter_image(image, spec.preprocessing)
    shape = image.shape[0], image.shape[1]
    grid = window_grid(shape, spec.inference.stride_px, spec.inference.margin_px)
    probability = predict(filtered, ensemble, grid, mode="exact")
    probability = average_logits(probability, grid, spec.inference.averaging_px)
    found: NDArray[np.float32] = probability * valid_windows(
        filtered, None, grid, spec.preprocessing
    )
    return found


def half_blank(shape: tuple[int, int] = (100, 133)) -> NDArray[np.float32]:
    """Return noise, some of it below zero, beside an area without contrast."""
    image = np.random.default_rng(0).random(shape, dtype=np.float32) * 50 - 3
    image[:, : shape[1] // 2] = 20
    return image
