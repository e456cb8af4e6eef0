"""Model files: one `.safetensors` with every member and its description as JSON metadata.

Nothing in the file is executed. A file is used only if its description is one this version
knows, every tensor has the declared name, shape and type, all weights are finite, the hash of
the weights agrees, and the network gives the stored answer to the stored input.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_stem_defects.core.ensemble import Ensemble, EnsembleSpec
from napari_stem_defects.core.preprocessing import features
from napari_stem_defects.errors import ModelError
from napari_stem_defects.files.atomic import write_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT_VERSION = 1
SIZE_LIMIT = 256 * 2**20
SELF_TEST_TOLERANCE = 1e-3
_INPUT, _OUTPUT = "self_test.input", "self_test.output"

Tensors = dict[str, NDArray[Any]]


def save_model(ensemble: Ensemble, path: str | Path) -> Ensemble:
    """Write an ensemble, whole or not at all, with a self-test made from its own answers.

    Parameters
    ----------
    ensemble : Ensemble
    path : path
        Ends in ``.safetensors``.

    Returns
    -------
    Ensemble
        The same ensemble with the hash of its weights.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ModelError(f"{path}: model files end in .safetensors; rename the output")
    weights = {name: np.asarray(array, order="C") for name, array in ensemble.weights.items()}
    digest = _hash(weights)
    noise = np.random.default_rng(0).normal(size=(4, *[ensemble.spec.preprocessing.patch_px] * 2))
    patches = noise.astype(np.float32)
    # safetensors writes the memory as it lies: arrays must be in C order.
    tests = {_INPUT: patches, _OUTPUT: np.ascontiguousarray(_answers(ensemble, patches))}
    header = {
        "format_version": FORMAT_VERSION,
        "weights_sha256": digest,
        "spec": ensemble.spec.to_dict(),
    }
    text = json.dumps(header, allow_nan=False)
    write_bytes(path, save({**weights, **tests}, {"napari_stem_defects": text}))
    return replace(ensemble, sha256=digest)


def read_spec(path: str | Path) -> tuple[EnsembleSpec, str]:
    """Read the description and the weights' hash only; needs no torch.

    Raises
    ------
    ModelError
        One line naming the file where it is no model of a known kind.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            return _header(file.metadata())
    except ModelError as error:
        raise _named(path, error) from None


def load_model(path: str | Path) -> Ensemble:
    """Read a model file and prove that it works here.

    Raises
    ------
    ModelError
        One line naming the file and what is wrong with it.
    """
    path = Path(path)
    try:
        with _opened(path) as file:
            spec, digest = _header(file.metadata())
            tensors = _checked_tensors(file, spec)
        tests = {name: tensors.pop(name) for name in (_INPUT, _OUTPUT)}
        if _hash(tensors) != digest:
            raise ModelError("the weights are not the ones that were saved (hash differs)")
        ensemble = Ensemble(spec, tensors, digest)
        _self_test(ensemble, tests)
    except ModelError as error:
        raise _named(path, error) from None
    return ensemble


def _named(path: Path, error: ModelError) -> ModelError:
    return ModelError(f"{path}: {error}; get the file again or train a new model")


def _opened(path: Path) -> Any:
    if not path.is_file():
        raise ModelError("there is no such model file")
    if path.stat().st_size > SIZE_LIMIT:
        raise ModelError(f"larger than {SIZE_LIMIT // 2**20} MiB, which no ensemble is")
    try:
        return safe_open(path, framework="numpy")
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"not a readable .safetensors file ({_short(error)})") from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:80]


def _header(metadata: Mapping[str, str] | None) -> tuple[EnsembleSpec, str]:
    text = (metadata or {}).get("napari_stem_defects")
    if text is None:
        raise ModelError("not a napari-stem-defects model (its description is missing)")
    try:
        header = json.loads(text)
        version, spec, digest = (
            header[key] for key in ("format_version", "spec", "weights_sha256")
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelError("its description is not readable") from None
    if version != FORMAT_VERSION:
        raise ModelError(f"format version {version} is unknown here (this is {FORMAT_VERSION})")
    if not isinstance(spec, dict):
        raise ModelError("its description is not readable")
    return EnsembleSpec.from_dict(spec), str(digest)


def _checked_tensors(file: Any, spec: EnsembleSpec) -> Tensors:
    """Read exactly the declared tensors; shapes are compared before anything is allocated."""
    from napari_stem_defects.core.network import weight_shapes

    expected: dict[str, tuple[int, ...]] = dict(weight_shapes(spec))
    rows = file.get_slice(_INPUT).get_shape()[0] if _INPUT in file.keys() else 0
    patch = spec.preprocessing.patch_px
    expected |= {_INPUT: (rows, patch, patch), _OUTPUT: (rows, len(spec.classes))}
    names = set(file.keys())
    if names != set(expected):
        odd = ", ".join(sorted(names ^ set(expected))[:3])
        raise ModelError(f"unexpected or missing tensors: {odd}")
    tensors: Tensors = {}
    for name, shape in expected.items():
        found = tuple(file.get_slice(name).get_shape())
        if found != shape:
            raise ModelError(f"tensor {name} has shape {found}, not {shape}")
        tensors[name] = file.get_tensor(name)
        wanted = np.int64 if name.endswith("num_batches_tracked") else np.float32
        if tensors[name].dtype != wanted:
            raise ModelError(f"tensor {name} has type {tensors[name].dtype}")
        if not np.isfinite(tensors[name]).all():
            raise ModelError(f"tensor {name} holds values that are not finite")
    return tensors


def _hash(weights: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()


def _answers(ensemble: Ensemble, patches: NDArray[np.float32]) -> NDArray[np.float32]:
    from napari_stem_defects.core.network import Network

    return Network(ensemble).probabilities(features(patches, ensemble.spec.preprocessing))


def _self_test(ensemble: Ensemble, tests: Tensors) -> None:
    given = _answers(ensemble, tests[_INPUT])
    if len(given) == 0 or np.abs(given - tests[_OUTPUT]).max() > SELF_TEST_TOLERANCE:
        raise ModelError("self-test failed: it does not give its stored answers here")
