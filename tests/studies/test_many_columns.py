"""The study of cells of many columns, in miniature, and its section of the page."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import many_columns
from few_clicks_page import page

from napari_stem_defects import survey
from napari_stem_defects.simulation.any_lattice import fill_disk

BY_NAME = {cell.name: cell for cell in many_columns.CELLS}


def test_names_and_seeds_are_not_shared() -> None:
    assert len(BY_NAME) == len({cell.seed for cell in many_columns.CELLS}) == 15
    assert {cell.group for cell in many_columns.CELLS} == {"design", "report"}


@pytest.mark.parametrize("cell", many_columns.CELLS, ids=lambda cell: cell.name)
def test_a_cell_has_its_columns_at_their_mean_spacing(cell: many_columns.Cell) -> None:
    crystal = many_columns.crystal_of(cell)
    first, second = crystal.base
    assert abs(np.linalg.det(crystal.base)) == pytest.approx(cell.columns * cell.spacing**2)
    assert np.hypot(*second) / np.hypot(*first) == pytest.approx(cell.ratio)
    places = np.array([[column.u, column.v] for column in crystal.motif])
    steps = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 1, 2)
    around = (places + steps).reshape(-1, 2) @ crystal.base
    assert len(places) == cell.columns
    assert cKDTree(around).query(places @ crystal.base, k=2)[0][:, 1].min() > 0.8 * cell.spacing


@pytest.mark.parametrize(("name", "after"), [("oblique-12", 0.35), ("rhombus-8", 1.0)])
def test_point_defects_are_columns_of_one_site_away_from_each_other(
    name: str, after: float
) -> None:
    cell = BY_NAME[name]
    crystal = many_columns.crystal_of(cell)
    size = cell.edge + 2 * many_columns.MARGIN
    perfect = fill_disk(crystal, np.full(2, size / 2), np.full(2, size / 2), size / 2)
    changed = many_columns.with_defects(cell, crystal, perfect, np.random.default_rng(0))
    different = np.flatnonzero(changed.brightness != perfect.brightness)
    assert len(different) == len(changed.places) == 22
    assert len(np.unique(perfect.site[different])) == 1
    heights = [column.brightness for column in crystal.motif]
    assert np.allclose(changed.brightness[different], after * max(heights))
    apart = cKDTree(changed.places).query(changed.places, k=2)[0][:, 1]
    assert apart.min() > 2.5 * cell.spacing


def test_lines_lie_where_one_side_passes_into_the_other() -> None:
    for name in ("rectangle-10", "oblique-5"):
        image = many_columns.image_of(BY_NAME[name])
        (line,) = image.lines["defect"]
        assert len(line) > 1.8 * BY_NAME[name].edge
        assert ((line >= 0) & (line <= BY_NAME[name].edge - 1)).all()
        found = survey(image.micrograph).candidates[0]
        assert found.kind == "line"
        assert np.hypot(*(line - (found.y, found.x)).T).min() < 2 * BY_NAME[name].spacing


def test_figures_of_a_cell_are_stated_in_the_page() -> None:
    vacant = many_columns.measured(replace(BY_NAME["oblique-12"], edge=448))
    faulted = many_columns.measured(replace(BY_NAME["rectangle-10"], edge=320))
    assert [draw["clicks"] for draw in faulted["draws"]] == [1, 1, 7, 7]
    assert vacant["survey"]["auroc"] > 0.95
    assert np.mean([draw["f1"] for draw in vacant["draws"]]) > 0.8
    assert np.mean([draw["found"] for draw in faulted["draws"]]) > 0.8
    about = {"task": "a", "title": "A", "group": "report", "kind": "point", "method": "quick"}
    draw = {"clicks": 7, "draw": 0, "f1": 0.5, "learning_s": 1.0, "search_s": 1.0}
    other = [{**about, "draws": [draw]}]
    text = page(other, json.loads(json.dumps([vacant, faulted])))
    rows = [line for line in text.splitlines() if "columns, " in line]
    mean = np.mean([draw["f1"] for draw in vacant["draws"] if draw["clicks"] == 7])
    assert f"F1 {mean:.2f}" in rows[0]
    assert f"{vacant['survey']['auroc']:.3f}" in rows[0]
    false = np.mean([draw["false_area"] for draw in faulted["draws"] if draw["clicks"] == 1])
    assert f" / {100 * false:.2f} %" in rows[1]
    assert "## Cells of many columns" not in page(other)
