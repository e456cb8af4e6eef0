"""An ensemble in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_stem_defects.base.optional_packages import load_package
from napari_stem_defects.errors import InputError
from napari_stem_defects.reporting.notebook.html_card import Swatch, card
from napari_stem_defects.reporting.notebook.image_axes import axes_or_new
from napari_stem_defects.reporting.split_titles import split_title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from napari_stem_defects.networks.spec import Ensemble, EnsembleSpec

# Evaluations from the strictest split to the one that leaks.
_SPLITS = ("image", "region", "site", "random")
_SHOWN = ("precision", "recall", "f1")
_TONES = ("#56b4e9", "#e69f00")


def html(ensemble: Ensemble) -> str:
    """Return the card: what the model knows, and how good it is by class."""
    spec = ensemble.spec
    split = _strictest(spec)
    figures = {} if split is None else spec.figures[split]["classes"]
    rows = [
        (
            Swatch(each.name, each.colour),
            each.own_title,
            each.kind,
            spec.threshold(each.name),
            *(_rounded(figures.get(each.name, {}), name) for name in _SHOWN),
        )
        for each in spec.class_data
    ]
    facts = [_facts(spec)]
    if spec.description:
        facts.append(spec.description)
    if split is not None:
        facts.append(f"Precision, recall and F1 of single windows: {_title(split)}.")
    columns = ("class", "", "kind", "threshold", "precision", "recall", "F1")
    return card(f"model {spec.name}", facts, (), columns, rows)


def _facts(spec: EnsembleSpec) -> str:
    size = spec.pixel_size_nm
    scale = "no pixel size" if size is None else f"{size:.4g} nm per px"
    members = len(spec.seeds)
    per_class = "1 member" if members == 1 else f"{members} members"
    return f"{len(spec.classes)} classes, {per_class} per class, {scale}"


def table(ensemble: Ensemble) -> Any:
    """Return the table: a row per class and evaluation."""
    pandas = load_package("pandas", "pandas", "to_dataframe")
    spec = ensemble.spec
    rows = []
    for each in spec.class_data:
        about = {
            "class": each.name,
            "kind": each.kind,
            "title": each.title,
            "colour": each.colour,
            "threshold": spec.threshold(each.name),
            "is_calibrated": each.name in spec.calibration,
        }
        for split in spec.figures or (None,):
            found = {} if split is None else spec.figures[split].get("classes", {})
            figures = found.get(each.name, {})
            counts = {name: figures.get(name) for name in ("tp", "fp", "fn", "tn")}
            shares = {name: figures.get(name) for name in (*_SHOWN, "auroc")}
            rows.append({**about, "split": split, **counts, **shares})
    return pandas.DataFrame(rows)


def plot(ensemble: Ensemble, axes: Axes | None) -> Axes:
    """Draw precision and recall of each class in the strictest evaluation."""
    spec = ensemble.spec
    split = _strictest(spec)
    if split is None:
        fault = "holds no evaluation, so there is nothing to plot"
        raise InputError(f"{spec.name}: {fault}; measure it with sd.evaluate")
    figures = spec.figures[split]["classes"]
    names = [
        name
        for name in spec.classes
        if any(figures.get(name, {}).get(shown) is not None for shown in _SHOWN[:2])
    ]
    axes = axes_or_new(axes, (6.0, 1.0 + 0.45 * len(names)))
    places = np.arange(len(names))
    for shift, (name, tone) in enumerate(zip(_SHOWN[:2], _TONES, strict=True)):
        values = [figures[each].get(name) or 0.0 for each in names]
        axes.barh(places + 0.4 * (shift - 0.5), values, 0.38, color=tone, label=name)
    axes.set_yticks(places, [spec.class_table[name].title for name in names])
    axes.set(xlim=(0, 1), xlabel="share")
    axes.invert_yaxis()
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    axes.set_title(f"{spec.name}: {_title(split)}", fontsize="medium")
    return axes


def _strictest(spec: EnsembleSpec) -> str | None:
    """Return the name of the strictest evaluation that has figures by class."""
    names = [name for name, figures in spec.figures.items() if figures.get("classes")]
    ranked = sorted(names, key=lambda name: _SPLITS.index(name) if name in _SPLITS else -1)
    return ranked[0] if ranked else None


def _title(split: str) -> str:
    return split_title(split) if split in _SPLITS else split


def _rounded(figures: Mapping[str, Any], name: str) -> float | None:
    value = figures.get(name)
    return None if value is None else round(float(value), 3)
