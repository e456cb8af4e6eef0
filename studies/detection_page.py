"""``docs/detection.md`` and its plots, from the figures of `detection` and of the trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import bootstrap

from napari_stem_defects.base.defect_classes import BULK, default_class
from napari_stem_defects.reporting.chart_layout import new_figure
from napari_stem_defects.reporting.markdown import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

Figures = dict[str, Any]

INTRODUCTION = """\
# Pretrained ensembles on whole images

Written by `python studies/detection.py` from `studies/runs` and from the records of the trainings,
`training/*.json`; do not edit. Results of models trained on the public patches are in
[results.md](results.md)."""
HELD_OUT = """\
A second model, trained by the same script without the places, crystals, doses and thicknesses
below, was evaluated on them. Its probabilities were calibrated on simulated scenes, and those of
Bulk also on every other 128 px square of the places held out; the squares between were evaluated.
The pretrained model has the same calibration. Windows within 8 px of a defect count as showing it,
windows further than 20 px away as not showing it. Predictions are those of single windows at
probability 0.5."""
IN_SCENES = """\
The same model on whole scenes, as a user detects (stride 8, the thresholds of the model): of the
windows within 8 px of a defect, the share that lies in the mask of its class, and in any mask; of
the Bulk windows, further than 20 px from all defects, the share in any mask. Scenes of all
families, 400 px wide, as difficult as those used for training. Intervals are bootstrapped over
scenes, not windows, where scenes were counted one by one."""
DISAGREEMENT = """\
Each class has two ensemble members that share pretrained weights. Wrong predictions of their mean
and of either member, for all classes and the windows above, and how well two scores separate wrong
from right predictions (AUROC): the disagreement of the members, and the uncertainty of their mean,
its nearness to 0.5."""
FAULTS = """\
The same model on the public micrograph: of the centre line of each fault, where it was held out of
the training, the share under its own name and in any mask; of the bulk held out, more than 20 px
from all of them, the share in any mask."""
LOCALISED = """\
The same model on the public images with edited point defects: defects at held-out places that it
found within 12 px, and regions of that class anywhere in the image that are false. Defects at
places it was trained on do not count. One of the columns that are listed as missing in
`STO_missing.tif`, at (30.5, 500.8), is still there: the edit removed only its left rim. It counts
as a miss, and was learned as missing."""
SCALE = """\
Simulated micrographs of new seeds with every defect that the ensemble knows, at other pixel sizes
and orientations; the pretrained model resamples them to its own pixel size. Planar defects: the
share of the centre line under the right name. Point defects: F1 within 0.32 nm. At a magnification
of 2 a column is twice as wide as in training."""
UNKNOWN = """\
*Unassigned* is the share of windows to which no class, Bulk included, gives 0.5. The AUROC is the
probability that a window of the known sources (up to 400 of each) gets a higher probability from
its most probable class than a window of the unknown ones. None of the real images was used for
training."""


def page(figures: Mapping[str, Figures], records: Mapping[str, Figures]) -> str:
    """Return the whole page in Markdown."""
    blocks = [INTRODUCTION]
    for model, record in records.items():
        blocks += [f"## {model}", *_held_out(record["held_out"])]
        if scale := figures.get(f"scale.{model}"):
            blocks += ["### Magnification and rotation", SCALE]
            blocks += [f"![{model}](images/scale-{model}.png)", table(_worst(scale["views"]))]
        if unknown := figures.get(f"unknown.{model}"):
            blocks += ["### Unknown material", UNKNOWN]
            blocks += [f"AUROC of all sources: {unknown['auroc']:.3f}."]
            blocks += [table(_sources(unknown["sources"]))]
    return "\n\n".join(blocks) + "\n"


def _held_out(held_out: Figures) -> Iterator[str]:
    yield "### Held-out places, crystals and doses"
    yield HELD_OUT
    for title, found in held_out["windows"].items():
        yield f"{title}:"
        yield table(_windows(found))
    if scenes := held_out.get("scenes"):
        yield IN_SCENES
        for title, found in scenes.items():
            yield f"{title}:"
            yield table(_in_scenes(found))
    if disagreement := held_out.get("disagreement"):
        yield DISAGREEMENT
        yield table(_disagreement(disagreement))
    if faults := held_out.get("faults"):
        yield FAULTS
        yield table(_faults(faults))
    yield LOCALISED
    yield table(_localised(held_out["localisation"]))


def _in_scenes(found: Figures) -> Iterator[Sequence[str]]:
    yield ("class", "windows", "under its name", "in any mask")
    for name, each in found.items():
        windows = str(sum(each["windows"]))
        if name == BULK:
            yield (name, windows, "-", _share(each, "claimed"))
        else:
            yield (name, windows, _share(each, "named"), _share(each, "found"))


def _disagreement(of_scenes: Figures) -> Iterator[Sequence[str]]:
    yield ("scenes", "predictions", "wrong", "wrong of one member", "disagreement", "uncertainty")
    for title, each in of_scenes.items():
        alone = " ".join(str(wrong) for wrong in each["wrong_of_each_seed"])
        separated = (_number(each[f"auroc_of_{score}"]) for score in ("disagreement", "doubt"))
        yield (title, str(each["answers"]), str(each["wrong"]), alone, *separated)


def _share(counts: Figures, of: str) -> str:
    """Return the share of windows in all scenes, with an interval bootstrapped over scenes."""
    there = np.array(counts["windows"])
    hits, whole = np.array(counts[of])[there > 0], there[there > 0]
    if not len(whole):
        return "-"
    share = f"{_ratio(hits, whole):.3f}"
    if len(whole) < 2:
        return share
    drawn = bootstrap((hits, whole), _ratio, paired=True, method="percentile", rng=0)
    low, high = drawn.confidence_interval
    return f"{share} ({low:.3f}-{high:.3f})"


def _ratio(hits: NDArray[np.int64], whole: NDArray[np.int64], axis: int = -1) -> NDArray[Any]:
    ratio: NDArray[Any] = hits.sum(axis) / whole.sum(axis)
    return ratio


def _windows(found: Figures) -> Iterator[Sequence[str]]:
    yield ("class", "windows", "precision", "recall", "AUROC", "calibration error")
    for name, each in found["classes"].items():
        there = each["tp"] + each["fn"]
        rates = (_interval(each, "precision"), _interval(each, "recall"))
        yield (
            *(name, str(there), *rates),
            *(_number(each["auroc"]), _number(each["calibration_error"])),
        )


def _interval(figures: Figures, name: str) -> str:
    if figures[name] is None:
        return "-"
    low, high = figures[f"{name}_interval"]
    return f"{figures[name]:.3f} ({low:.3f}-{high:.3f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _faults(counts: Figures) -> Iterator[Sequence[str]]:
    yield ("class", "px held out", "under its name", "in any mask")
    for name, each in counts.items():
        in_any = each["claimed" if name == BULK else "found"] / each["pixels"]
        named = "-" if name == BULK else f"{each['named'] / each['pixels']:.3f}"
        yield (name, str(each["pixels"]), named, f"{in_any:.3f}")


def _localised(images: Figures) -> Iterator[Sequence[str]]:
    yield ("image", "class", "held out", "found", "false", "F1", "other regions")
    for name, each in images.items():
        others = ", ".join(f"{n} {other}" for other, n in each["other_regions"].items())
        counts = (str(each[key]) for key in ("held_out", "found", "false"))
        yield (name, each["class"], *counts, f"{each['f1']:.3f}", others or "none")


def score(views: Sequence[Figures], name: str) -> float | None:
    """Return F1 of a class's points, or the share of its line under its name, over views."""
    found = [view["classes"][name] for view in views if name in view["classes"]]
    if default_class(name).kind == "line":
        whole = sum(each["pixels"] for each in found)
        return sum(each["named"] for each in found) / whole if whole else None
    hits, there, false = (sum(each[key] for each in found) for key in ("found", "defects", "false"))
    return 2 * hits / (hits + there + false) if there else None


def _series(views: Sequence[Figures]) -> dict[str, dict[float, list[Figures]]]:
    """Sort views by what they vary."""
    sorted_views: dict[str, dict[float, list[Figures]]] = {"magnification": {}, "rotation_deg": {}}
    for view in views:
        key = "magnification" if view["rotation_deg"] is None else "rotation_deg"
        sorted_views[key].setdefault(view[key], []).append(view)
    return sorted_views


def _worst(views: Sequence[Figures]) -> Iterator[Sequence[str]]:
    series = _series(views)
    middle = [v for m, some in series["magnification"].items() if 0.75 <= m <= 1.35 for v in some]
    turned = list(series["rotation_deg"].values())
    yield ("class", "0.75x to 1.35x", "at 0.5x", "at 2x", "over rotations", "worst rotation")
    for name in _classes(views):
        of_rotations = [score(some, name) for some in turned]
        yield (
            name,
            _number(score(middle, name)),
            *(_number(score(series["magnification"][m], name)) for m in (0.5, 2.0)),
            _number(score([view for some in turned for view in some], name)),
            _number(min((s for s in of_rotations if s is not None), default=None)),
        )


def _classes(views: Sequence[Figures]) -> list[str]:
    return list(dict.fromkeys(name for view in views for name in view["classes"]))


def _sources(sources: Figures) -> Iterator[Sequence[str]]:
    yield ("source", "", "windows", "unassigned", "AUROC against all known")
    for title, each in sources.items():
        known = "known" if each["known"] else "unknown"
        unassigned = f"{each['unclaimed']:.3f}"
        yield (title, known, str(each["windows"]), unassigned, _number(each["auroc"]))


def plots(figures: Mapping[str, Figures], folder: Path) -> None:
    """Draw one picture of magnification and rotation for every model."""
    for key, found in figures.items():
        if key.startswith("scale."):
            _plot(found["views"]).savefig(folder / f"scale-{key.removeprefix('scale.')}.png")


def _plot(views: Sequence[Figures]) -> Figure:
    figure = new_figure(528, 221, dpi=150)
    classes, series = _classes(views), _series(views)
    ranges = {"magnification": (0.4, 2.1), "rotation_deg": (0.0, 330.0)}
    names = {"magnification": "magnification", "rotation_deg": "rotation / degrees"}
    for number, (key, groups) in enumerate(series.items()):
        axes = figure.add_axes((0.055 + 0.5 * number, 0.29, 0.425, 0.6))
        axes.set(xlim=ranges[key], ylim=(0, 1))
        axes.set_xlabel(names[key], size=8)
        axes.set_title("named, or F1", size=8, loc="left")
        axes.tick_params(labelsize=7, length=0)
        axes.grid(color="#d9d9d9", linewidth=0.6)
        for name in classes:
            values = [(at, score(some, name)) for at, some in sorted(groups.items())]
            known = [(at, value) for at, value in values if value is not None]
            style = "--" if default_class(name).kind == "point" else "-"
            axes.plot(
                [at for at, _ in known],
                [value for _, value in known],
                style,
                color=default_class(name).colour,
                label=name,
            )
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=6, fontsize=7, frameon=False)
    return figure
