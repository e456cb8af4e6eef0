"""The figures of docs/method.md are those that the studies measured."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")


def figures(name: str) -> dict:
    return json.loads((ROOT / "studies" / "runs" / name).read_text(encoding="utf-8"))


def test_errors_of_sites_are_those_measured() -> None:
    for name, found in figures("site_accuracy.json").items():
        error, most = found["error_px"]["root_mean_square"], found["error_px"]["90 %"]
        measured = f"{found['measured']} of {found['defects']}"
        ratio = found["ratio_within_2_errors"]
        shown = "" if ratio is None else f"{100 * ratio:.0f} %"
        assert f"| {name} | {measured} | {error:.3f} | {most:.3f} | {shown} |" in PAGE


def test_sites_are_as_exact_as_promised() -> None:
    """At 100 electrons per px, pairs that the probe does not resolve included."""
    for name, values in figures("site_accuracy.json").items():
        if "100 electrons" in name:
            assert values["error_px"]["root_mean_square"] <= 0.1


def test_contrast_is_as_sure_as_stated() -> None:
    rows = figures("contrast.json")["simulated"]
    bright, dark = (
        [row for row in rows if row["columns"] == columns] for columns in ("bright", "dark")
    )
    assert sum(row["called_dark"] for row in bright) == 0
    text = " ".join(PAGE.split())
    assert f"none of {sum(row['with_a_lattice'] for row in bright)} with bright columns" in text
    called, all_of = (sum(row[key] for row in dark) for key in ("called_dark", "with_a_lattice"))
    assert f"{called} of {all_of} with dark columns were" in text
    right = (
        sum(row["with_a_lattice"] - row["more_probably_dark"] for row in bright),
        sum(row["more_probably_dark"] for row in dark),
    )
    assert "was right for {} with bright and {} with dark columns".format(*right) in text
    assert figures("contrast.json")["public"]
    for found in figures("contrast.json")["public"].values():
        assert (found["as it is"]["is_dark"], found["inverted"]["is_dark"]) == (0, 1)
