"""The benchmark with few clicks: clicks, scores, baselines, page."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "studies"))
import few_clicks_families as families
import few_clicks_methods as methods
import few_clicks_scores as scores
from few_clicks_areas import area_overlap
from few_clicks_methods import Found, Teaching, pixel_forest, plain_matched_filter
from few_clicks_page import page
from few_clicks_public import public_tasks
from few_clicks_source import source_digest
from few_clicks_tasks import Click, Draw, Labelled, Task, draw_clicks, painted, perfect_places
from random_forest import train_forest

import napari_stem_defects as sd
from napari_stem_defects.base.micrograph import Micrograph
from napari_stem_defects.simulation.any_lattice import make_crystal
from napari_stem_defects.simulation.any_lattice_scene import LatticeScene, simulate_lattice
from napari_stem_defects.simulation.any_lattice_specimen import LatticeDefect

STUDIES = Path(__file__).parents[2] / "studies"
PERIOD = 10.0
NONE = np.zeros((0, 2))


def image(**places: object) -> Labelled:
    return Labelled(Micrograph(np.zeros((200, 300), np.float32), "flat"), PERIOD, **places)  # type: ignore[arg-type]


def task(kind: str, **more: object) -> Task:
    return Task("t", "T", "design", kind, "X", lambda _: None, **more)  # type: ignore[arg-type, return-value]


POINTS = np.stack([np.arange(20.0, 180, 16), np.arange(30.0, 280, 25)], axis=1)
LINE = np.stack([np.full(600, 100.0), np.linspace(0, 299, 600)], axis=1)


def test_point_clicks_are_near_some_defects_and_the_others_are_left() -> None:
    labelled = image(points={"X": POINTS})
    drawn = draw_clicks(task("point"), labelled, labelled, 3, 0)
    assert drawn is not None
    assert (len(drawn.clicks), len(drawn.clicked_points), len(drawn.left_points)) == (3, 3, 7)
    away = [
        np.hypot(c.y - p[0], c.x - p[1])
        for c, p in zip(drawn.clicks, drawn.clicked_points, strict=True)
    ]
    assert 0 < max(away) < 0.6 * PERIOD
    again = draw_clicks(task("point"), labelled, labelled, 3, 0)
    assert again is not None
    assert again.clicks == drawn.clicks
    other = draw_clicks(task("point"), labelled, labelled, 3, 1)
    assert other is not None
    assert other.clicks != drawn.clicks
    assert draw_clicks(task("point"), labelled, labelled, 9, 0) is None
    assert len(drawn.bulk) == 5
    distance = labelled.distance()
    assert min(distance[int(b.y), int(b.x)] for b in drawn.bulk) > 2.5 * PERIOD


def test_all_defects_of_another_image_are_left() -> None:
    first, second = image(points={"X": POINTS}), image(points={"X": POINTS[:4]})
    drawn = draw_clicks(task("point"), first, second, 10, 0)
    assert drawn is not None
    assert len(drawn.left_points) == 4
    assert len(drawn.clicked_points) == 0


@pytest.mark.parametrize("draw", range(5))
def test_line_clicks_are_on_one_half_and_the_other_is_scored(draw: int) -> None:
    labelled = image(lines={"X": (LINE,)})
    drawn = draw_clicks(task("line"), labelled, labelled, 7, draw)
    assert drawn is not None
    x = np.array([click.x for click in drawn.clicks])
    scored = np.flatnonzero(drawn.left_mask.any(0))
    gap = max(scored.min() - x.max(), x.min() - scored.max())
    assert gap >= PERIOD - 1
    assert len(scored) == pytest.approx(140, abs=3)
    assert max(abs(click.y - 100) for click in drawn.clicks) <= 0.25 * PERIOD


def test_area_clicks_are_in_one_area() -> None:
    masks = []
    for left in (20, 120, 220):
        mask = np.zeros((200, 300), bool)
        mask[50:100, left : left + 50] = True
        masks.append(mask)
    labelled = image(areas={"X": tuple(masks)})
    drawn = draw_clicks(task("area"), labelled, labelled, 4, 0)
    assert drawn is not None
    inside = [
        n for n, mask in enumerate(masks) if mask[int(drawn.clicks[0].y), int(drawn.clicks[0].x)]
    ]
    assert all(masks[inside[0]][int(c.y), int(c.x)] for c in drawn.clicks)
    assert drawn.left_mask.sum() == 2 * 50 * 50
    assert not (drawn.left_mask & masks[inside[0]]).any()


def found(points: np.ndarray = NONE, mask: np.ndarray | None = None) -> Found:
    return Found(np.zeros((200, 300), bool) if mask is None else mask, points, 0.0, 0.0)


def test_f1_counts_neither_clicked_defects_nor_their_detections() -> None:
    labelled = image(points={"X": POINTS})
    drawn = Draw((), (), POINTS[:3], POINTS[3:], painted(POINTS[3:], (200, 300)))
    near = POINTS + np.array([0.0, 3.9])
    false = np.array([[5.0, 200.0]])
    all_found = scores.scored(task("point"), labelled, drawn, found(near))
    assert (all_found["hits"], all_found["false"], all_found["missed"]) == (7, 0, 0)
    some = scores.scored(task("point"), labelled, drawn, found(np.concatenate([near[:5], false])))
    assert (some["hits"], some["false"], some["missed"]) == (2, 1, 5)
    assert some["f1"] == pytest.approx(2 * 2 / (2 * 2 + 1 + 5), abs=1e-4)
    far = scores.scored(task("point"), labelled, drawn, found(POINTS + np.array([0.0, 4.2])))
    assert far["hits"] == 0
    twice = scores.scored(task("point"), labelled, drawn, found(np.concatenate([POINTS, near])))
    assert (twice["hits"], twice["false"]) == (7, 10)


def test_detections_beyond_the_labelled_part_do_not_count() -> None:
    labelled = image(points={"X": POINTS}, part=(10.0, 10.0, 190.0, 290.0))
    drawn = Draw((), (), NONE, POINTS, painted(POINTS, (200, 300)))
    figures = scores.scored(
        task("point"), labelled, drawn, found(np.concatenate([POINTS, [[2.0, 2.0]]]))
    )
    assert figures["false"] == 0


def test_lines_are_found_within_half_a_period_and_false_beyond_one_and_a_half() -> None:
    labelled = image(lines={"X": (LINE,)})
    drawn = draw_clicks(task("line"), labelled, labelled, 1, 0)
    assert drawn is not None

    def figures(rows: slice) -> tuple[float, float]:
        mask = np.zeros((200, 300), bool)
        mask[rows] = True
        made = scores.scored(task("line"), labelled, drawn, found(mask=mask))
        return made["found"], made["false_area"]

    assert figures(slice(105, 106)) == (1.0, 0.0)
    assert figures(slice(106, 116)) == (0.0, 0.0)
    assert figures(slice(116, 120)) == (0.0, pytest.approx(4 / 200))
    half = np.zeros((200, 300), bool)
    columns = np.flatnonzero(drawn.left_mask.any(0))
    half[100, columns[: len(columns) // 2]] = True
    made = scores.scored(task("line"), labelled, drawn, found(mask=half))
    assert made["found"] == pytest.approx(0.5, abs=0.05)


def test_areas_overlap_with_those_that_were_not_clicked() -> None:
    masks = []
    for left in (20, 150):
        mask = np.zeros((200, 300), bool)
        mask[50:100, left : left + 50] = True
        masks.append(mask)
    labelled = image(areas={"X": tuple(masks)})
    drawn = Draw((), (), NONE, NONE, masks[1])

    def overlap(shift: int) -> float:
        mask = np.roll(masks[1], shift, axis=1) | masks[0]
        return area_overlap(task("area"), labelled, drawn, found(mask=mask))["overlap"]

    assert overlap(0) == 1.0
    assert overlap(10) == pytest.approx(40 / 60, abs=1e-4)
    assert overlap(60) == 0.0


def test_auroc() -> None:
    assert scores.auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert scores.auroc(np.array([1.0]), np.array([0.0, 1.0, 2.0])) == 0.5


def test_survey_is_scored_at_defects_against_perfect_places(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labelled = image(points={"X": POINTS})
    anomaly = painted(POINTS + np.array([3.0, 0.0]), (200, 300)).astype(np.float32)
    survey = SimpleNamespace(anomaly=anomaly, seconds=0.5)
    monkeypatch.setattr(scores.sd, "survey", lambda _: survey, raising=False)
    assert scores.survey_auroc(task("point"), labelled)["auroc"] == 1.0
    survey.anomaly = painted(POINTS + np.array([6.0, 0.0]), (200, 300)).astype(np.float32)
    assert scores.survey_auroc(task("point"), labelled)["auroc"] == 0.5


def test_perfect_places_are_far_from_defects() -> None:
    labelled = image(points={"X": POINTS}, lines={"Y": (LINE,)})
    places = perfect_places(labelled, 200, np.random.default_rng(0)).astype(int)
    assert labelled.distance()[places[:, 0], places[:, 1]].min() > 2.5 * PERIOD


def vacancies() -> Labelled:
    crystal = make_crystal("square", PERIOD, rotation_deg=10)
    defect = LatticeDefect("missing", "X", count=12)
    made = simulate_lattice(LatticeScene(crystal, (defect,), shape=(240, 240)), 3)
    return families.labelled(made, "vacancies")


@pytest.mark.parametrize(("method", "least"), [(plain_matched_filter, 0.9), (pixel_forest, 0.5)])
def test_baselines_find_missing_columns(method: object, least: float) -> None:
    labelled = vacancies()
    wanted = task("point")
    drawn = draw_clicks(wanted, labelled, labelled, 5, 0)
    assert drawn is not None
    teaching = Teaching(labelled.micrograph, PERIOD, "point", "X", drawn.clicks, drawn.bulk)
    result = method(teaching, labelled.micrograph)  # type: ignore[operator]
    assert scores.scored(wanted, labelled, drawn, result)["f1"] >= least


@pytest.mark.parametrize("bulk", [False, True])
def test_recipes_get_the_clicks_as_a_label_project(
    bulk: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    labelled = vacancies()
    clicks = (Click(50.0, 60.0, "X"), Click(70.0, 80.5, "X"))
    teaching = Teaching(
        labelled.micrograph, PERIOD, "line", "X", clicks, (Click(5.0, 6.0, "Bulk"),)
    )
    seen = {}

    def train(sources: list[Path], out: Path, options: object) -> None:
        with sd.LabelProject.open(sources[0]) as project:
            seen["labels"] = {(x.class_name, x.y, x.x) for x in project.labels()}
            seen["kind"] = {each.name: each.kind for each in project.classes}["X"]
        seen["recipe"] = options

    region = SimpleNamespace(class_name="X", y_px=1.0, x_px=2.0)
    mask = np.ones((2, 4, 4), np.uint8)
    detection = SimpleNamespace(regions=[region], masks=mask, mask_names=("X", "unknown"))
    monkeypatch.setattr(methods.sd, "train", train, raising=False)
    monkeypatch.setattr(methods.sd, "detect", lambda *_: detection, raising=False)
    monkeypatch.setattr(
        methods.sd, "TrainingOptions", lambda **given: given["recipe"], raising=False
    )
    result = methods.TrainedModel("quick", bulk=bulk)(teaching, labelled.micrograph)
    wanted = {("X", 50.0, 60.0), ("X", 70.0, 80.5)} | ({("Bulk", 5.0, 6.0)} if bulk else set())
    assert seen == {"labels": wanted, "kind": "line", "recipe": "quick"}
    assert result.points.tolist() == [[1.0, 2.0]]
    assert result.mask.all()


def test_the_forest_learns_what_no_single_feature_shows() -> None:
    rng = np.random.default_rng(0)
    samples = rng.uniform(-1, 1, (1500, 4)).astype(np.float32)
    positive = samples[:, 0] * samples[:, 2] > 0
    forest = train_forest(samples[:1000], positive[:1000], 30, seed=1)
    right = (forest.predict(samples[1000:]) > 0.5) == positive[1000:]
    assert right.mean() > 0.9


def test_report_families_share_nothing_with_design_families() -> None:
    assert {f.seed for f in families.DESIGN}.isdisjoint({f.seed for f in families.REPORT})
    assert {f.crystal for f in families.DESIGN}.isdisjoint({f.crystal for f in families.REPORT})
    tasks = families.simulated_tasks("report")
    assert {each.dose for each in tasks} == {"low", "mid", "high"}
    names = [each.name for each in (*tasks, *families.simulated_tasks("design"), *public_tasks())]
    assert len(set(names)) == len(names) >= 10


def test_every_design_task_has_clicks() -> None:
    for each in families.simulated_tasks("design"):
        taught, target = each.load(Path())
        drawn = draw_clicks(each, taught, target, 7, 0)
        assert drawn is not None
        assert len(drawn.clicks) == 7
        assert drawn.left_mask.any()


def test_public_tasks_have_clicks(data_dir: Path) -> None:
    for each in public_tasks():
        taught, target = each.load(data_dir)
        drawn = draw_clicks(each, taught, target, 3, 0)
        assert drawn is not None
        assert len(drawn.clicks) == 3


def test_the_page_has_the_means_of_the_draws() -> None:
    about = {"title": "Some task", "group": "report", "family": "f", "dose": "mid"}
    seconds = {"learning_s": 1.0, "search_s": 0.5}
    draws = [{"clicks": 7, "draw": n, "f1": f1, **seconds} for n, f1 in enumerate((0.5, 0.7, 0.9))]
    lines = [{"clicks": 7, "draw": 0, "found": 0.25, "false_area": 0.0125, **seconds}]
    text = page(
        [
            {**about, "task": "a", "kind": "point", "method": "quick", "draws": draws},
            {**about, "task": "b", "kind": "line", "method": "forest", "draws": lines},
            {
                **about,
                "task": "a",
                "kind": "point",
                "method": "survey",
                "auroc": 0.9876,
                "defects": 9,
                "seconds": 1.0,
            },
        ]
    )
    assert "F1 0.70" in text
    assert "| Some task | 0.70 (0.50 to 0.90) | 1.5 s |" in text
    assert "| Some task | 0.25 (one draw) / 1.25 % | 1.5 s |" in text
    assert "0.988" in text


def test_the_summary_compares_methods_on_the_same_tasks() -> None:
    about = {"title": "T", "group": "public", "family": "", "dose": "", "kind": "point"}
    seconds = {"learning_s": 1.0, "search_s": 1.0, "source": "a"}

    def of(task_name: str, method: str, f1: float) -> dict:
        draws = [{"clicks": 7, "draw": 0, "f1": f1, **seconds}]
        return {**about, "task": task_name, "method": method, "draws": draws}

    easy, hard = of("easy", "forest", 0.8), of("hard", "forest", 0.2)
    text = page([easy, hard, of("easy", "quick", 0.9), of("easy", "few", 0.7)])
    (row,) = [line for line in text.splitlines() if "| public |" in line]
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[3:9] == ["1 of 2", "F1 0.90", "F1 0.70", "-", "-", "F1 0.80"]


def test_the_page_begins_with_quick_models_and_ends_with_the_history() -> None:
    about = {"title": "T", "group": "public", "family": "", "dose": "", "kind": "line"}
    seconds = {"learning_s": 1.0, "search_s": 1.0, "source": "a"}

    def of(task_name: str, method: str, found: dict[int, float]) -> dict:
        values = [{"clicks": k, "found": share, "false_area": 0.01} for k, share in found.items()]
        draws = [{**each, "draw": 0, **seconds} for each in values]
        return {**about, "task": task_name, "method": method, "draws": draws}

    some = of("c", "quick", {7: 0.0})
    both = [of("a", "quick", {1: 0.4, 3: 0.5, 7: 0.6}), of("b", "quick", {1: 0.6, 3: 1.0, 7: 1.0})]
    text = page([*both, some, of("a", "forest", {7: 0.1})])
    # Only tasks with all the numbers of clicks have a part in the first table.
    assert "| public | line |     2 | 0.50 / 1.00 % | 0.75 / 1.00 % | 0.80 / 1.00 % |" in text
    order = (
        "## Quick models by number of clicks",
        "## Beside other methods, 7 clicks",
        "### Lines: found / false area, quick model",
        "## How to read and repeat this",
        "### Lines: found / false area, pixel random forest",
        "## How the methods were developed",
    )
    places = [text.index(title) for title in order]
    assert places == sorted(places)
    assert all(text.count(title) == 1 for title in order)


def test_the_page_warns_of_figures_of_several_states_of_the_code() -> None:
    about = {"title": "T", "group": "report", "family": "", "dose": "", "kind": "point"}
    draw = {"clicks": 7, "draw": 0, "f1": 1.0, "learning_s": 1.0, "search_s": 1.0}

    def text(*sources: str | None) -> str:
        draws = [{**draw, **({"source": each} if each else {})} for each in sources]
        return page([{**about, "task": "a", "method": "quick", "draws": draws}])

    assert "several or unrecorded" not in text("a", "a")
    assert "figures of the quick model come from several or unrecorded" in text("a", "b")
    assert "several or unrecorded" in text(None)


def test_the_source_of_baselines_does_not_depend_on_the_whole_package() -> None:
    whole, own = (source_digest(package=package) for package in (True, False))
    assert whole != own
    assert own == source_digest(package=False)


def test_the_command_measures_what_is_missing_and_continues(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import few_clicks\n"
        "from pathlib import Path\n"
        "few_clicks.RUNS = Path(sys.argv.pop(1)); few_clicks.PAGE = few_clicks.RUNS / 'page.md'\n"
        "few_clicks.main()"
    )
    words = ["--method", "matched-filter", "--group", "design", "--task", "hexagonal-fault-mid"]

    def run(clicks: str) -> str:
        command = [sys.executable, "-c", code, str(STUDIES), str(tmp_path / "runs"), *words]
        made = subprocess.run(
            [*command, "--clicks", *clicks.split(), "--draws", "1"],
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout

    assert len(run("3").splitlines()) == 1
    assert len(run("3 7").splitlines()) == 1
    assert run("3 7") == ""
    path = tmp_path / "runs" / "hexagonal-fault-mid.matched-filter.json"
    record = json.loads(path.read_text())
    record["draws"][0]["source"] = "of other code"
    path.write_text(json.dumps(record))
    assert len(run("3 7").splitlines()) == 1
    assert len(json.loads(path.read_text())["draws"]) == 2
    assert "close-packed" in (tmp_path / "runs" / "page.md").read_text()
