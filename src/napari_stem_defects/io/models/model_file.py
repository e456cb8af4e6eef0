"""Model files: one ``.safetensors`` file with all members, described by JSON metadata.

A model file cannot execute code. It is used only if this version knows the format, every tensor
has the declared name, type and shape, all weights are finite, the hash of the weights is correct,
and the network reproduces the stored probabilities for the stored patches (self-test).
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

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.io.messages import missing_file, one_line
from napari_stem_defects.io.models import unique_keys
from napari_stem_defects.matched_filter.storage import array_shapes
from napari_stem_defects.networks.architecture import MatchedFilterArchitecture, finds_spots
from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec
from napari_stem_defects.networks.weight_names import TEACHER
from napari_stem_defects.preprocessing.pipeline import features

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# 2: patches are no longer weighted by the window function.
# 3: descriptions have optional entries: kind, title and colour of the classes.
# 4: quick models may compare classes with like sites. Those without are still written as 3, which
# earlier versions read.
# 5: quick models may be of spots in images without a lattice. All others are written as 3 or 4.
# 6: a class may have views, and the comparison with like sites an observer; without, versions 3 to
# 5 are written.
FORMAT_VERSION = 6
READABLE_VERSIONS = (2, 3, 4, 5, FORMAT_VERSION)
_OF_SPOTS, _WITH_SITES, _PLAIN = 5, 4, 3
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
    """Write an ensemble in one atomic step, with a self-test.

    Parameters
    ----------
    ensemble : Ensemble
        The ensemble.
    path : str or Path
        A file name that ends in ``.safetensors``.

    Returns
    -------
    Ensemble
        The same ensemble with the SHA-256 of its weights.

    Raises
    ------
    ModelError
        The suffix is wrong, or weights are not finite because training failed.
    OutputError
        The file cannot be written.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise ModelError(one_line(path, f"model files end in {SUFFIX}", "rename the output"))
    # safetensors writes the memory as it is: arrays must be in C order.
    weights = {name: np.asarray(array, order="C") for name, array in ensemble.weights.items()}
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise ModelError(one_line(path, "training gave no finite weights", "train another model"))
    digest = hash_arrays(weights)
    header = {
        "format_version": _version(ensemble.spec),
        "weights_sha256": digest,
        "spec": ensemble.spec.to_dict(),
    }
    text = json.dumps(header, allow_nan=False)
    write_bytes(path, save({**weights, **_new_self_test(ensemble)}, {_METADATA: text}))
    return replace(ensemble, sha256=digest)


def _version(spec: EnsembleSpec) -> int:
    """Return the earliest format version whose readers understand a model."""
    filters = spec.architecture, spec.teacher
    if any(getattr(each, "views", ()) or getattr(each, "site_patterns", 0) for each in filters):
        return FORMAT_VERSION
    if finds_spots(spec.architecture):
        return _OF_SPOTS
    return _WITH_SITES if any(getattr(each, "sites", ()) for each in filters) else _PLAIN


def read_spec(path: str | Path) -> tuple[EnsembleSpec, str]:
    """Read only the description of a model; does not need torch.

    Parameters
    ----------
    path : str or Path
        A model file.

    Returns
    -------
    spec : EnsembleSpec
        The description.
    sha256 : str
        SHA-256 of the weights as stored in the file; not checked.

    Raises
    ------
    ModelError
        The file is not a model of a known format; one line with the file name.
    """
    with _opened(Path(path)) as file:
        return _header(file.metadata())


def load_model(path: str | Path) -> Ensemble:
    """Load an ensemble from a file and run its self-test.

    Parameters
    ----------
    path : str or Path
        A model file ``.safetensors``.

    Returns
    -------
    Ensemble
        The ensemble with its weights.

    Raises
    ------
    ModelError
        The file is missing or damaged, has an unknown format, or fails the self-test; one line
        with the file name.

    Examples
    --------
    >>> import napari_stem_defects as sd
    >>> ensemble = sd.load_model("my_model.safetensors")  # doctest: +SKIP
    >>> detection = sd.detect(sd.read("lamella.dm4"), ensemble)  # doctest: +SKIP
    """
    with _opened(Path(path)) as file:
        spec, digest = _header(file.metadata())
        tensors = _checked_tensors(file, spec)
        tests = {name: tensors.pop(name) for name in (_INPUT, _OUTPUT)}
        if hash_arrays(tensors) != digest:
            raise ModelError("the weights have changed since they were saved (hash differs)")
        ensemble = Ensemble(spec, tensors, digest)
        _self_test(ensemble, tests)
    return ensemble


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yield the open file; turn any error into one line with the file name."""
    if not path.is_file():
        raise ModelError(missing_file(path, "there is no such model file", "check the path"))
    try:
        if path.stat().st_size > SIZE_LIMIT:
            raise ModelError(f"larger than {SIZE_LIMIT // 2**20} MiB, too big for an ensemble")
        with safe_open(path, framework="numpy") as file:
            unique_keys.check_header(path)
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
        header = unique_keys.parse(text)
        version, spec, digest = (
            header[key] for key in ("format_version", "spec", "weights_sha256")
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ModelError("its description is not readable") from None
    if version not in READABLE_VERSIONS:
        raise ModelError(f"format version {version} is unknown here (this is {FORMAT_VERSION})")
    if not isinstance(spec, dict):
        raise ModelError("its description is not readable")
    return _checked_name(EnsembleSpec.from_dict(spec)), str(digest)


def _checked_name(spec: EnsembleSpec) -> EnsembleSpec:
    """Refuse a name with separators of paths or control characters."""
    if not spec.name.isprintable() or {"/", "\\"} & set(spec.name) or len(spec.name) > LONGEST_NAME:
        raise ModelError(f"its name {spec.name[:40]!r} is not a valid model name")
    return spec


def _checked_tensors(file: Any, spec: EnsembleSpec) -> Tensors:
    """Read exactly the expected tensors after comparing names, types and shapes."""
    patch = spec.preprocessing.patch_px
    expected = {
        **_weight_shapes(spec),
        _INPUT: (SELF_TEST_PATCHES, patch, patch),
        _OUTPUT: (SELF_TEST_PATCHES, len(spec.classes)),
    }
    odd = sorted(set(file.keys()) ^ set(expected))
    if odd:
        raise ModelError(f"unexpected or missing tensors: {', '.join(odd[:3])}")
    return {name: _checked_tensor(file, name, shape) for name, shape in expected.items()}


def _weight_shapes(spec: EnsembleSpec) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the tensors that a description promises."""
    if isinstance(spec.architecture, MatchedFilterArchitecture):
        return _template_shapes(spec, spec.architecture)
    from napari_stem_defects.networks.member import weight_shapes

    shapes = weight_shapes(spec)
    if spec.teacher is not None:
        of_teacher = _template_shapes(spec, spec.teacher)
        shapes |= {TEACHER + name: shape for name, shape in of_teacher.items()}
    return shapes


def _template_shapes(
    spec: EnsembleSpec, sizes: MatchedFilterArchitecture
) -> dict[str, tuple[int, ...]]:
    kinds = [each.kind for each in spec.class_data[1:]]
    if len(kinds) != len(sizes.templates) or "bulk" in kinds or spec.classes[0] != BULK:
        raise ModelError("its classes do not agree with its templates")
    return array_shapes(
        sizes.samples,
        kinds,
        sizes.templates,
        sizes.negatives,
        sizes.decisions,
        sizes.sites,
        sizes.views,
        site_patterns=sizes.site_patterns or 2,
        of_spots=sizes.window_px is not None,
    )


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


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Return the SHA-256 of named arrays.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        Arrays of any type and shape.

    Returns
    -------
    str
        64 hexadecimal digits; independent of the order of the mapping and of the memory layout.
    """
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _new_self_test(ensemble: Ensemble) -> Tensors:
    """Return patches of noise and the probabilities of the ensemble for them."""
    size = ensemble.spec.preprocessing.patch_px
    noise = np.random.default_rng(0).normal(size=(SELF_TEST_PATCHES, size, size))
    patches = noise.astype(np.float32)
    return {_INPUT: patches, _OUTPUT: np.ascontiguousarray(_predict(ensemble, patches))}


def _self_test(ensemble: Ensemble, tests: Tensors) -> None:
    with np.errstate(all="ignore"):  # a damaged file must cause one error and no warnings
        difference = np.abs(_predict(ensemble, tests[_INPUT]) - tests[_OUTPUT])
    if not (difference <= SELF_TEST_TOLERANCE).all():  # NaN fails as well
        raise ModelError("self-test failed: it does not reproduce its stored probabilities")


def _predict(ensemble: Ensemble, patches: NDArray[np.float32]) -> NDArray[np.float32]:
    if ensemble.spec.is_quick:
        from napari_stem_defects.detection.detect_matched import quick_model
        from napari_stem_defects.matched_filter.responses import responses

        return responses(quick_model(ensemble), patches)
    from napari_stem_defects.networks.ensemble import network_for

    network = network_for(ensemble, "cpu")  # that of a search on the CPU, too
    return network.probabilities(features(patches, ensemble.spec.preprocessing))
