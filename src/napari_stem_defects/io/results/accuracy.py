"""Measured precision and recall of the classes of a model, for statistics of its results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_stem_defects.base.defect_classes import BULK
from napari_stem_defects.errors import ModelError
from napari_stem_defects.io.models.library import list_models
from napari_stem_defects.io.models.model_file import read_spec
from napari_stem_defects.io.results.json_file import read_json_or_empty
from napari_stem_defects.statistics.rates import Accuracy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from napari_stem_defects.networks.spec import EnsembleSpec

ACCURACY = ".accuracy.json"
"""Ending of the file beside a model with the accuracy of whole defects."""

# Evaluations of a training from the strictest split to the one that leaks.
_SPLITS = ("image", "region", "site", "random")


def find_accuracy(sha256: str) -> Mapping[str, Accuracy]:
    """Return the accuracy of each class of a model in the library.

    Parameters
    ----------
    sha256 : str
        Hash of its weights, as results state it.

    Returns
    -------
    mapping of str to Accuracy
        Classes that were not measured are missing; empty for a model that is not in the library.
    """
    for entry in list_models():
        try:
            spec, found = read_spec(entry.path)
        except ModelError:
            continue
        if found == sha256:
            return model_accuracy(entry.path, spec, sha256)
    return {}


def model_accuracy(path: Path, spec: EnsembleSpec, sha256: str) -> Mapping[str, Accuracy]:
    """Return the accuracy of each class of a model.

    Parameters
    ----------
    path : Path
        The model file. A file of the same name that ends with `ACCURACY` states the accuracy of
        whole defects; without it, point defects get the precision and recall of single windows
        from the evaluation in the model file. Those of lines are not used: many windows show a
        line, and the name of a line is a vote of them.
    spec : EnsembleSpec
        Description of the model.
    sha256 : str
        Hash of its weights; a file of accuracy for other weights is ignored.

    Returns
    -------
    mapping of str to Accuracy
        By class.
    """
    stored = read_json_or_empty(path.with_name(f"{path.stem}{ACCURACY}"))
    if stored.get("sha256") == sha256:
        return dict(_of_defects(stored))
    points = {each.name for each in spec.class_data if each.kind == "point"}
    return {name: value for name, value in _of_windows(spec.figures) if name in points}


def _of_defects(stored: Mapping[str, Any]) -> Iterator[tuple[str, Accuracy]]:
    source = str(stored.get("measured_on", ""))
    for name, numbers in stored.get("classes", {}).items():
        found, false, missed = (
            float(numbers[f"{key}s"])
            for key in ("true_positive", "false_positive", "false_negative")
        )
        if found > 0 and min(false, missed) >= 0:
            yield name, Accuracy(found, false, missed, source)


def _of_windows(figures: Mapping[str, Any]) -> Iterator[tuple[str, Accuracy]]:
    """Yield the accuracy of each class in the strictest evaluation that contains it."""
    names = sorted(
        figures, key=lambda name: _SPLITS.index(name) if name in _SPLITS else len(_SPLITS)
    )
    done: set[str] = set()
    for split in names:
        about = f"single windows, {split}"
        tested = figures[split].get("counts", {}).get("test", {})
        if tested.get(BULK, 1) == 0:
            continue  # without windows of perfect crystal, names in it are not counted
        for name, counts in figures[split].get("classes", {}).items():
            if name not in done and counts.get("tp", 0) > 0:
                done.add(name)
                yield name, Accuracy(counts["tp"], counts["fp"], counts["fn"], about)
