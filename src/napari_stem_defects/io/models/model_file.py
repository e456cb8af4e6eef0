"""Model files: one `.safetensors` with every member and its description as JSON metadata.

Nothing in the file is executed. A file is used only if its description is one this version
knows, every tensor has the declared name, type and shape, all weights are finite, the hash of
the weights agrees, and the network gives the stored answer to the stored input.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.messages import one_line
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.preprocessing.pipeline import features

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# 2: the patch a network sees is not weighted by the window function.
FORMAT_VERSION = 2
SUFFIX = ".safetensors"
SIZE_LIMIT = 256 * 2**20
LONGEST_NAME = 200
SELF_TEST_PATCHES = 4
SELF_TEST_TOLERANCE = 1e-3
_INPUT, _OUTPUT = "self_test.input", "self_test.output"
_METADATA = "napari_stem_defects"
_ADVICE = "update the plugin, get the file again or train a new model"

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

    Raises
    ------
    ModelError
        The path ends otherwise, or the weights are not finite: their training failed.
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ModelError(one_line(path, f"model files end in {SUFFIX}", "rename the output"))
    # safetensors writes the memory as it lies: arrays must be in C order.
    weights = {name: np.asarray(array, order="C") for name, array in ensemble.weights.items()}
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise ModelError(one_line(path, "training gave no finite weights", "train another model"))
    digest = _hash(weights)
    header = {
        "format_version": FORMAT_VERSION,
        "weights_sha256": digest,
        "spec": ensemble.spec.to_dict(),
    }
    text = json.dumps(header, allow_nan=False)
    write_bytes(path, save({**weights, **_new_self_test(ensemble)}, {_METADATA: text}))
    return replace(ensemble, sha256=digest)


def read_spec(path: str | Path) -> tuple[EnsembleSpec, str]:
    """Read the description and the weights' hash only; needs no torch.

    Raises
    ------
    ModelError
        One line naming the file where it is no model of a known kind.
    """
    with _opened(Path(path)) as file:
        return _header(file.metadata())


def load_model(path: str | Path) -> Ensemble:
    """Read a model file and prove that it works here.

    Raises
    ------
    ModelError
        One line naming the file and what is wrong with it.
    """
    with _opened(Path(path)) as file:
        spec, digest = _header(file.metadata())
        tensors = _checked_tensors(file, spec)
        tests = {name: tensors.pop(name) for name in (_INPUT, _OUTPUT)}
        if _hash(tensors) != digest:
            raise ModelError("the weights are not the ones that were saved (hash differs)")
        ensemble = Ensemble(spec, tensors, digest)
        _self_test(ensemble, tests)
    return ensemble


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Lend the open file; any fault found in it becomes one line that names it."""
    if not path.is_file():
        raise ModelError(one_line(path, "there is no such model file", "check the path"))
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise ModelError(f"larger than {SIZE_LIMIT // 2**20} MiB, which no ensemble is")
        with safe_open(path, framework="numpy") as file:
            yield file
    except ModelError as error:
        raise ModelError(one_line(path, str(error), _ADVICE)) from None
    except (SafetensorError, OSError) as error:
        fault = f"not a readable {SUFFIX} file ({error})"
        raise ModelError(one_line(path, fault, _ADVICE)) from None


def _header(metadata: Mapping[str, str] | None) -> tuple[EnsembleSpec, str]:
    text = (metadata or {}).get(_METADATA)
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
    return _checked_name(EnsembleSpec.from_dict(spec)), str(digest)


def _checked_name(spec: EnsembleSpec) -> EnsembleSpec:
    """Refuse a name that a path or a terminal would take for something else."""
    if not spec.name.isprintable() or {"/", "\\"} & set(spec.name) or len(spec.name) > LONGEST_NAME:
        raise ModelError(f"its name {spec.name[:40]!r} is no name of a model")
    return spec


def _checked_tensors(file: Any, spec: EnsembleSpec) -> Tensors:
    """Read exactly the declared tensors; names, types and shapes are compared before."""
    from napari_stem_defects.networks.member import (
        weight_shapes,
    )

    patch = spec.preprocessing.patch_px
    expected = {
        **weight_shapes(spec),
        _INPUT: (SELF_TEST_PATCHES, patch, patch),
        _OUTPUT: (SELF_TEST_PATCHES, len(spec.classes)),
    }
    odd = sorted(set(file.keys()) ^ set(expected))
    if odd:
        raise ModelError(f"unexpected or missing tensors: {', '.join(odd[:3])}")
    return {name: _checked_tensor(file, name, shape) for name, shape in expected.items()}


def _checked_tensor(file: Any, name: str, shape: tuple[int, ...]) -> NDArray[Any]:
    stored = file.get_slice(name)
    wanted = "I64" if name.endswith("num_batches_tracked") else "F32"
    if stored.get_dtype() != wanted:
        raise ModelError(f"tensor {name} has type {stored.get_dtype()}, not {wanted}")
    if tuple(stored.get_shape()) != shape:
        raise ModelError(f"tensor {name} has shape {tuple(stored.get_shape())}, not {shape}")
    values: NDArray[Any] = file.get_tensor(name)
    if not np.isfinite(values).all():
        raise ModelError(f"tensor {name} holds values that are not finite")
    return values


def _hash(weights: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256()
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(weights[name]).tobytes())
    return digest.hexdigest()


def _new_self_test(ensemble: Ensemble) -> Tensors:
    """Return patches of noise and what the ensemble answers to them."""
    size = ensemble.spec.preprocessing.patch_px
    noise = np.random.default_rng(0).normal(size=(SELF_TEST_PATCHES, size, size))
    patches = noise.astype(np.float32)
    return {_INPUT: patches, _OUTPUT: np.ascontiguousarray(_answers(ensemble, patches))}


def _self_test(ensemble: Ensemble, tests: Tensors) -> None:
    with np.errstate(all="ignore"):  # whatever the file holds, one line is said
        apart = np.abs(_answers(ensemble, tests[_INPUT]) - tests[_OUTPUT])
    if not (apart <= SELF_TEST_TOLERANCE).all():  # NaN fails as well
        raise ModelError("self-test failed: it does not give its stored answers here")


def _answers(ensemble: Ensemble, patches: NDArray[np.float32]) -> NDArray[np.float32]:
    from napari_stem_defects.networks.ensemble import EnsembleNetwork

    return EnsembleNetwork(ensemble).probabilities(features(patches, ensemble.spec.preprocessing))
