"""``docs/any-crystal.md`` from the record of the training and the benchmark with few clicks.

python studies/any_crystal_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_stem_defects.io.atomic import write_bytes
from napari_stem_defects.reporting.markdown import table
from napari_stem_defects.training.metrics import wilson_interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "training" / "any_crystal.json"
RUNS = ROOT / "studies" / "runs" / "few_clicks"
PERFECT = ROOT / "studies" / "runs" / "perfect_crystals.json"
LINES = ROOT / "studies" / "runs" / "generic_lines.json"
PAGE = ROOT / "docs" / "any-crystal.md"
INTRODUCTION = """\
# Generic names in any crystal

Written by `python studies/any_crystal_page.py` from `training/any_crystal.json` and the figures in
`studies/runs`; do not edit. `any-crystal` is the bundled ensemble that "auto" takes
where no special model fits. It sees the lattice residual, in which lattice and motif are gone, and
gives generic names. It has learned from simulated crystals alone, by
`python training/any_crystal.py`."""
NAMES = """\
## How often a name is right

Measured on simulated crystals of families (Bravais lattice, columns per cell) that the measured
model was not trained on: {families}. Its thresholds were set on two other families, {calibration},
to the lowest level at which four of five regions have the right name. Precision: share of the
regions of a name that lie on such a defect (points within 0.6 periods; half of a line or area
within 1.5), with its 95 % interval; points on lines or in areas, which consist of what looks like
points, count neither way. Found: share of the point defects, or of the pixels within half
a period of a line or in an area. A name of low precision is withheld by a high threshold; what has
no name is `unknown`, and the survey shows it.

Detection then gives a point its name only where the survey, too, finds something unusual, and shows
the networks points that crowd or stand out one by one. These figures are of the
state before."""
GEOMETRY = """\
## Fault or boundary: the crystal on both sides

The figures above are of the look of the residual alone. Detection then measures the lattices on
both sides of a line. Where they were measured they name it: one lattice with a shift is a fault,
two lattices, mirrored ones included, are a boundary, and one lattice without a shift is neither:
the line is `unknown`. Of two names at one place the longer line stays, and what could not be
measured has the name of the measured line that it continues.
`python studies/generic_lines.py`: {scenes} simulated crystals of any lattice with such lines,
of seeds that neither training nor thresholds used; families that the bundled model has
learned are among them. Where the mirror of a twin changes nothing, as along a side of a square
lattice, the simulation takes another one, and the twin counts as the boundary that it is; the table
above, and the training of the bundled model, count it as a fault. Lines are seen along their
length: without that, geometry gives 20 right and 2 wrong faults (0.27 found), and 47 right and
5 wrong boundaries (0.41 found)."""
NOTHING = """\
## What is named where nothing is

`python studies/perfect_crystals.py`: {images} simulated crystals without a defect, of any lattice,
half of them calibrated, searched with "auto"; it took `any-crystal` for {generic} and a special
model for {special}. Names cover {mean:.3f} % of the area on average (goal 0.2 %);
{free} images have none at all, {over} more than 0.2 %, the worst {most:.2f} %."""
FOUND = """\
## What is found without a label

The same tasks as in [few-clicks.md](few-clicks.md), but without a single click: all point defects,
lines or areas that the bundled model finds, whatever their generic name, against those that
the clicks of the benchmark leave to be found. Real defects of another class of the same kind count
as false. Times were taken beside other work on two cores."""


def page(
    record: Mapping[str, Any],
    runs: Sequence[Mapping[str, Any]],
    perfect: Sequence[Mapping[str, Any]] = (),
    lines: Mapping[str, Any] | None = None,
) -> str:
    """Return the page in Markdown."""
    held_out = record["held_out"]
    families = {name: _listed(held_out["families"][name]) for name in ("measured", "calibration")}
    names = NAMES.format(families=families["measured"], calibration=families["calibration"])
    blocks = [INTRODUCTION, names, table([NAME_HEAD, *_names(held_out["regions"])])]
    if lines:
        blocks += [GEOMETRY.format(scenes=lines["scenes"]), table([LINE_HEAD, *_lines(lines)])]
    if perfect:
        blocks.append(_nothing(perfect))
    if runs:
        blocks += [FOUND, table([("task", "images", "found", "false", "time"), *_found(runs)])]
    return "\n\n".join(blocks) + "\n"


def _nothing(images: Sequence[Mapping[str, Any]]) -> str:
    named = [100 * each["named"] for each in images]
    generic = sum(each["generic"] for each in images)
    return NOTHING.format(
        images=len(images),
        generic=generic,
        special=len(images) - generic or "none",
        mean=sum(named) / len(named),
        free=sum(share == 0 for share in named),
        over=sum(share > 0.2 for share in named),
        most=max(named),
    )


LINE_HEAD = ("name", "by", "right", "wrong", "precision", "found")


def _lines(record: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for title, each in sorted(record["names"].items(), reverse=True):
        name, how = title.split()
        share = wilson_interval(each["right"], each["right"] + each["wrong"])
        precision = f"{share.value:.2f} ({share.low:.2f} to {share.high:.2f})"
        found = each["found"] / max(each["found"] + each["missed"], 1)
        yield name, how, str(each["right"]), str(each["wrong"]), precision, f"{found:.2f}"


NAME_HEAD = ("name", "threshold", "right", "wrong", "precision", "found")


def _listed(families: Sequence[Sequence[object]]) -> str:
    return ", ".join(f"{name} with {count}" for name, count in families)


def _names(regions: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, each in regions.items():
        precision = "-"
        if each["precision"] is not None:
            low, high = each["precision_interval"]
            precision = f"{each['precision']:.2f} ({low:.2f} to {high:.2f})"
        yield (
            name,
            f"{each['threshold']:.2f}",
            str(each["right"]),
            str(each["wrong"]),
            precision,
            f"{each['found']:.2f}",
        )


def _found(runs: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[str]]:
    for each in sorted(runs, key=lambda run: (run["group"], run["kind"], run["title"])):
        (draw,) = each["draws"]
        if "f1" in draw:
            found = f"F1 {draw['f1']:.2f}"
            false = f"{draw['false']} of {draw['hits'] + draw['false']}"
        else:
            found = f"{draw['found']:.2f}"
            false = f"{100 * draw['false_area']:.2f} % of the area"
        yield each["title"], each["group"], found, false, f"{draw['search_s']:.1f} s"


def main() -> None:
    """Write the page."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    runs = [json.loads(path.read_text()) for path in sorted(RUNS.glob("*.any-crystal.json"))]
    perfect = json.loads(PERFECT.read_text())["images"] if PERFECT.exists() else ()
    lines = json.loads(LINES.read_text()) if LINES.exists() else None
    text = page(record, [run for run in runs if run["draws"]], perfect, lines)
    write_bytes(PAGE, text.encode())


if __name__ == "__main__":
    main()
