"""Pictures never cost a result: whatever fails in drawing is stated, and the data are written."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
import tifffile
from crystal_images import OBLIQUE, crystal_image
from labelled_crystals import click_project, vacancies
from result_samples import MODEL, detection, micrograph
from small_model import write_small_model

import napari_stem_defects
from napari_stem_defects.cli.main import main
from napari_stem_defects.io.models.model_file import save_model
from napari_stem_defects.io.results.result_folder import write_results
from napari_stem_defects.networks.spec import Ensemble
from napari_stem_defects.training.quick import train_quick
from napari_stem_defects.training.recipes import TrainingOptions

SOURCE = Path(napari_stem_defects.__file__).parent
FAULT = "IndexError: drawn beyond the page"


@dataclass(frozen=True)
class Picture:
    """A command that draws, and what must be there though drawing fails.

    Attributes
    ----------
    prepare : str
        Name of the function below that returns the words of the command.
    drawn_by : str
        Function that draws, which raises.
    title : str
        How the picture is named in the note.
    data : tuple of str
        Files of data that must not be missing.
    noted_in : str
        File of the result that states the fault; "" where the command writes pictures of data only.
    """

    prepare: str
    drawn_by: str
    title: str
    data: tuple[str, ...]
    noted_in: str


RESULT = ("masks.ome.tif", "probability.npz", "regions.csv")
SURVEY = ("anomaly.ome.tif", "survey.csv", "grains.geojson")
PICTURES = {
    "overview.png": Picture(
        "detect_image",
        "io.results.result_folder.draw_overview",
        "The overview",
        tuple(f"image/{name}" for name in (*RESULT, "overview.png")),
        "image/summary.json",
    ),
    "page of a frame": Picture(
        "detect_stack",
        "io.results.frame_pages.draw_frame_page",
        "The page of frame",
        tuple(f"stack/{name}" for name in RESULT),
        "stack/summary.json",
    ),
    "survey.png": Picture(
        "detect_unknown",
        "io.results.survey_folder.draw_survey",
        "The picture of the survey",
        tuple(f"unknown/{name}" for name in (*RESULT, *SURVEY, "overview.png", "survey.png")),
        "unknown/summary.json",
    ),
    "overview.png of a survey": Picture(
        "survey",
        "io.results.survey_folder.draw_survey",
        "The picture of the survey",
        tuple(f"unknown/{name}" for name in (*SURVEY, "overview.png")),
        "unknown/summary.json",
    ),
    "charts of report.html": Picture(
        "report",
        "reporting.results_page.charts.new_figure",
        "The chart",
        ("densities.csv", "regions.csv"),
        "report.html",
    ),
    "report.png of a training": Picture(
        "train",
        "io.models.report_folder.report_picture",
        "The page of charts",
        ("quick.safetensors", "quick.report/report.md", "quick.report/predictions.csv"),
        "quick.report/report.json",
    ),
    "report.png of an evaluation": Picture(
        "evaluate",
        "io.models.report_folder.report_picture",
        "The page of charts",
        ("report.md", "predictions.csv"),
        "report.json",
    ),
    "counts.png": Picture(
        "track",
        "io.results.tracks_folder.count_chart",
        "The chart of counts",
        ("tracks/tracks.csv", "tracks/histories.csv", "tracks/counts.csv"),
        "tracks/tracking.json",
    ),
    "stages.png": Picture(
        "preprocess",
        "io.images.write_stages.contact_sheet",
        "The sheet of all stages",
        ("a_original.tif", "d_spectrum.tif"),
        "",
    ),
    "a stage": Picture(
        "preprocess",
        "io.images.write_stages.to_grey8",
        "The picture of background removed",
        ("a_original.tif", "d_spectrum.tif"),
        "",
    ),
}


def unknown_crystal(folder: Path) -> str:
    path = folder / "unknown.tif"
    tifffile.imwrite(path, crystal_image(OBLIQUE, missing=5, size=200).pixels)
    return str(path)


def with_small_model(folder: Path, image: Path) -> list[str]:
    model = write_small_model(folder / "small.safetensors")
    given = ["--model", str(model), "--stride", "32", "--pixel-size", "0.027"]
    return ["detect", str(image), *given, "--pictures", "all"]


def detect_image(folder: Path) -> list[str]:
    tifffile.imwrite(folder / "image.tif", vacancies().pixels)
    return with_small_model(folder, folder / "image.tif")


def detect_stack(folder: Path) -> list[str]:
    np.save(folder / "stack.npy", np.stack([vacancies().pixels[:128, :128]] * 2))
    return with_small_model(folder, folder / "stack.npy")


def detect_unknown(folder: Path) -> list[str]:
    return ["detect", unknown_crystal(folder)]


def survey(folder: Path) -> list[str]:
    return ["survey", unknown_crystal(folder)]


def report(folder: Path) -> list[str]:
    image = micrograph()
    return ["report", str(write_results(folder / "results", image, [detection(image)], MODEL))]


def train(folder: Path) -> list[str]:
    project = click_project(folder / "clicks.labels", vacancies())
    return ["train", str(project), "--recipe", "quick"]


def evaluate(folder: Path) -> list[str]:
    project = click_project(folder / "clicks.labels", vacancies())
    return ["evaluate", str(quick(project, folder)), str(project)]


def track(folder: Path) -> list[str]:
    movie = micrograph(frames=2)
    found = [detection(movie, frame) for frame in range(2)]
    return ["track", str(write_results(folder / "out", movie, found, MODEL)), "--no-drift"]


def preprocess(folder: Path) -> list[str]:
    return ["preprocess", unknown_crystal(folder)]


def quick(project: Path, folder: Path) -> Path:
    from napari_stem_defects.api.train import read_clicks

    images, _ = read_clicks([project], {})
    ensemble: Ensemble = train_quick(images, (), TrainingOptions("quick")).ensemble
    save_model(ensemble, folder / "quick.safetensors")
    return folder / "quick.safetensors"


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_that_fails_costs_no_data(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> NoReturn:
        raise IndexError("drawn beyond the page")

    picture, out = PICTURES[name], tmp_path / "out"
    words = globals()[picture.prepare](tmp_path)
    if words[0] == "train":
        words += ["--out", str(out / "quick.safetensors")]
    elif words[0] != "track":
        words += ["--out", str(out)]
    else:
        out = Path(words[1])
    monkeypatch.setattr(f"napari_stem_defects.{picture.drawn_by}", fail)
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert picture.title in printed
    assert f"could not be drawn ({FAULT}); no data are missing." in printed
    assert [each for each in picture.data if not (out / each).stat().st_size] == []
    if picture.noted_in:
        noted = (out / picture.noted_in).read_text(encoding="utf-8")
        assert picture.title in noted
        assert FAULT in noted


def test_all_files_of_pictures_are_written_by_modules_that_guard_the_drawing() -> None:
    unguarded = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if _writes_pictures(tree := ast.parse(path.read_text(encoding="utf-8")))
        and "draw_or_state" not in _names(tree)
    }
    # The first only writes what is drawn elsewhere; the others show pixels that are there already.
    assert unguarded == {
        "io/results/picture_file.py",
        "io/results/report_sources.py",
        "reporting/notebook/html_card.py",
    }


def _names(tree: ast.Module) -> set[str]:
    return {each.id for each in ast.walk(tree) if isinstance(each, ast.Name)}


def _writes_pictures(tree: ast.Module) -> bool:
    saved = (
        each
        for each in ast.walk(tree)
        if isinstance(each, ast.Call) and getattr(each.func, "attr", "") == "save"
    )
    given = (value for call in saved for value in (*call.args, *(k.value for k in call.keywords)))
    formats = {each.value for each in given if isinstance(each, ast.Constant)}
    return bool({"PNG", "JPEG"} & formats) or "write_picture" in _names(tree)
