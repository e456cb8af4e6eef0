"""Write ``docs/geometry.md`` from the figures of `invariance` and `planar_geometry`.

python studies/geometry_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from napari_stem_defects.io.atomic import write_bytes

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "studies" / "runs"
Json = dict[str, Any]


REASONS = (
    "",
    "Reasons seen so far: evidence at the threshold, so that other windows decide otherwise; and",
    "two names, Extra and IExtra, whose places of most evidence lie up to 10 px apart beside one",
    "column that is measured for both.",
    "",
)


def page(invariance: Json, geometry: Json) -> str:
    """Return the page."""
    return "\n".join(
        [
            "# Counts, lengths and the geometry of planar defects: measured",
            "",
            "Written by `python studies/geometry_page.py` from `studies/runs/invariance.json` and",
            "`studies/runs/planar_geometry.json`; do not edit. [method.md](method.md) states how",
            "each figure is made.",
            "",
            *_invariance(invariance),
            *_exactness(geometry),
            *_names(geometry),
            *_tilt(geometry),
            *_cost(geometry),
        ]
    )


def _invariance(figures: Json) -> list[str]:
    rows = [
        "## The same counts for every form of an image",
        "",
        "An image as it is against the same image flipped, turned by quarters, cropped by up to",
        "32 px, with another gain and offset, with other steps between windows, and with other",
        "tiles and numbers of threads; compared in what both show. Simulated scenes: CdTe and",
        "SrTiO3 with every defect of their ensemble, 400 px wide, in any direction; none of them",
        "was looked at while the program was mended (the public images were). A point is where",
        "its column was measured, or else in the middle of its mask.",
        "",
        "| images | cases | points identical | lines identical | length to 2 % | largest error"
        " | points within 0.5 px |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    odd: list[str] = []
    for key, title in (("public", "public micrographs"), ("scenes", "simulated scenes")):
        cases = [(image, row) for image in figures[key] for row in image["changes"]]
        points = sum(row["points_same"] for _, row in cases)
        lines = sum(row["lines_same"] for _, row in cases)
        errors = np.array([each for _, row in cases for each in row["length_errors"]])
        within = float((errors <= 0.02).mean()) if len(errors) else 1.0
        apart = np.array([each for _, row in cases for each in row["points_apart_px"]])
        rows.append(
            f"| {len(figures[key])} {title} | {len(cases)} | {_share(points, len(cases))}"
            f" | {_share(lines, len(cases))} | {100 * within:.1f} % of {len(errors)}"
            f" | {100 * errors.max(initial=0):.1f} %"
            f" | {100 * float((apart <= 0.5).mean()):.1f} % of {len(apart)} |"
        )
        for image, row in cases:
            if not row["points_same"]:
                odd.append(f"- {image['image']}, {row['change']}: {_points(row['points'])}")
            if not row["lines_same"]:
                odd.append(f"- {image['image']}, {row['change']}: lines {_lines(row['lines'])}")
    return [
        *rows,
        "",
        *_lengths(figures),
        *(["Cases that differ:", "", *odd, *REASONS] if odd else []),
    ]


def _lengths(figures: Json) -> list[str]:
    truth = [image["simulated"] for image in figures["scenes"] if "simulated" in image]
    errors = np.array([each for image in truth for each in image["length_errors"]])
    if not len(errors):
        return []
    every = sum(image["lines"] for image in truth)
    return [
        f"Against the simulation, {int((errors <= 0.02).sum())} of the {every} lines in these",
        "scenes as they are have their length to 2 % (median error"
        f" {100 * np.median(errors):.2f} %, largest {100 * errors.max():.1f} %).",
        "",
    ]


def _points(pair: list[dict[str, int]]) -> str:
    names = [name for name in {**pair[0], **pair[1]} if pair[0].get(name) != pair[1].get(name)]
    return ", ".join(f"{name} {pair[0].get(name, 0)} and {pair[1].get(name, 0)}" for name in names)


def _lines(lines: dict[str, list[int]]) -> str:
    odd = {name: pair for name, pair in lines.items() if pair[0] != pair[1]}
    return ", ".join(f"{name} {pair[0]} and {pair[1]}" for name, pair in odd.items())


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({100 * part / whole:.1f} %)"


def _exactness(figures: Json) -> list[str]:
    faults = [row for row in figures["cdte"] if row["kind"] != "twin"]
    twins = [row for row in figures["cdte"] if row["kind"] == "twin"]
    grains = [row for row in figures["others"] if row["form"] == "grain"]
    others = [row for row in figures["others"] if row["form"] == "fault"]
    shift = _known(faults, "shift_error_pm")
    rows = [
        "## Shift and misorientation",
        "",
        "Lines at their true places in simulated images of 512 px; CdTe along [110] at 0.027 nm",
        "per px (13.8 nm wide) with the default dose, faults in any direction.",
        "",
        "| figure | images | median | 95 % below | largest | goal |",
        "|---|---:|---:|---:|---:|---:|",
        _row("shift of CdTe faults, error in pm", shift, "5"),
        _row(
            "misorientation of CdTe twins, error in degrees",
            _known(twins, "angle_error_deg"),
            "0.3",
        ),
        _row(
            "misorientation of grains, other lattices, error in degrees",
            _known(grains, "angle_error_deg"),
            "0.3",
        ),
        _row(
            "shift of faults, other lattices, error in periods",
            _known(others, "shift_error_periods"),
            "-",
            4,
        ),
        "",
        f"Intrinsic or extrinsic is right in {sum(row['layers_right'] for row in faults)} of"
        f" {len(faults)} faults. The stated standard error has a median of"
        f" {np.median(_known(faults, 'stated_error_pm')):.1f} pm.",
        "",
    ]
    return rows


def _known(rows: list[Json], name: str) -> np.ndarray:
    return np.array([row[name] for row in rows if row[name] is not None], float)


def _row(title: str, values: np.ndarray, goal: str, digits: int = 2) -> str:
    median, high = np.quantile(values, [0.5, 0.95])
    return (
        f"| {title} | {len(values)} | {median:.{digits}f} | {high:.{digits}f}"
        f" | {values.max():.{digits}f} | {goal} |"
    )


def _names(figures: Json) -> list[str]:
    rows = [
        "## Names after the check",
        "",
        "Whole scenes of 512 px, searched by `cdte-110`: of the length that has a name, the share",
        "with the right one; and the length that the check made unknown.",
        "",
        "| defect | scenes | length found / true | length to 2 % | rightly named"
        " | made unknown (nm) | confirmed |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    kinds = dict.fromkeys(row["kind"] for row in figures["names"])
    for kind in [*kinds, "all"]:
        mine = [row for row in figures["names"] if kind in (row["kind"], "all")]
        right, named = (sum(row[key] for row in mine) for key in ("right_nm", "named_nm"))
        true = sum(row["true_nm"] for row in mine)
        verdicts = [each for row in mine for each in row["geometry"]]
        exact = sum(abs(row["right_nm"] / row["true_nm"] - 1) <= 0.02 for row in mine)
        rows.append(
            f"| {kind} | {len(mine)} | {named / true:.3f} | {exact} of {len(mine)}"
            f" | {right / max(named, 1e-9):.3f}"
            f" | {sum(row['unknown_nm'] for row in mine):.1f}"
            f" | {verdicts.count('confirmed')} of {len(verdicts)} |"
        )
    return [*rows, ""]


def _tilt(figures: Json) -> list[str]:
    rows = figures["tilt"]
    called = sum(row["called_nm"] > 0 for row in rows)
    unknown = sum(row["unknown_nm"] > 0 for row in rows)
    errors = [each for row in rows for each in row["error_deg"]]
    text = (
        f"{len(rows)} simulated boundaries of CdTe, turned by 5 to 85 degrees and not within"
        f" 3 degrees of the twin, searched by `cdte-110`: {called} are called a fault or a twin"
        f" (goal 0), {unknown} are `unknown` with the angle of the boundary"
    )
    if errors:
        text += f" (error up to {max(errors):.2f} degrees)"
    return ["## General tilt boundaries", "", text + ".", ""]


def _cost(figures: Json) -> list[str]:
    cost = figures["cost"]
    rest = cost["whole_s"] - cost["place_s"] - cost["check_s"]
    shares = [100 * cost[name] / rest for name in ("place_s", "check_s")]
    return [
        "## Cost",
        "",
        f"Processor time at {cost['size_px']} x {cost['size_px']} px with {cost['lines']} lines,"
        " best of three runs; the goal is 15 % for the check.",
        "",
        "| stage | s | of the rest of the path |",
        "|---|---:|---:|",
        f"| lines placed where the lattices meet | {cost['place_s']:.2f} | {shares[0]:.0f} % |",
        f"| check by geometry | {cost['check_s']:.2f} | {shares[1]:.0f} % |",
        "",
    ]


def main() -> None:
    """Write the page."""
    figures = [
        json.loads((RUNS / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("invariance", "planar_geometry")
    ]
    write_bytes(ROOT / "docs" / "geometry.md", page(*figures).encode())


if __name__ == "__main__":
    main()
