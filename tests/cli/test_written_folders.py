"""Every folder that a command writes, given to every command that takes a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_line import detect, one_line
from scored_images import write_manifest
from small_model import write_small_model
from written_surveys import write_crystal

from napari_stem_defects.cli import show
from napari_stem_defects.cli.main import main
from napari_stem_defects.io.labels.project import LabelProject
from napari_stem_defects.jobs.opened_folder import stored_kind

if TYPE_CHECKING:
    pass

NO_RESULT, A_SURVEY = "holds no result", "is a survey"
NO_PATCHES, NO_IMAGE = "holds no patches", "holds no image"
NOT_PATCHES, NOT_IMAGES = "not a folder of patches", "not a folder of images"
NOTHING = "no predictions for this image; it counts as all missed"
OTHER_SIZE = "was made of an image of"
ONE_OF_THEM = "give one of its folders"
DONE = ""
"""Instead of a line: the command ends well."""

COMMANDS = ("show", "report", "export", "track", "score", "detect", "survey", "train", "labels")
EXPECTED: dict[str, tuple[str, ...]] = {
    "detect": (
        DONE,
        DONE,
        DONE,
        "single frame",
        OTHER_SIZE,
        *(NOT_IMAGES,) * 2,
        *(NOT_PATCHES,) * 2,
    ),
    "batch": (DONE, DONE, DONE, ONE_OF_THEM, OTHER_SIZE, *(NO_IMAGE,) * 2, *(NOT_PATCHES,) * 2),
    "movie": (DONE, DONE, DONE, DONE, NOTHING, *(NOT_IMAGES,) * 2, *(NOT_PATCHES,) * 2),
    "survey": (DONE, DONE, *(A_SURVEY,) * 3, *(NOT_IMAGES,) * 2, *(NOT_PATCHES,) * 2),
    "surveys": (DONE, DONE, A_SURVEY, "surveys", A_SURVEY, *(NO_IMAGE,) * 2, *(NOT_PATCHES,) * 2),
    "preprocess": (*(NO_RESULT,) * 4, NOTHING, DONE, DONE, *("no class in its name",) * 2),
    "truth": (*(NO_RESULT,) * 4, NOTHING, DONE, DONE, *("no class in its name",) * 2),
    "report": (*(NO_RESULT,) * 4, NOTHING, *(NO_IMAGE,) * 2, *(NO_PATCHES,) * 2),
    "export": (*(NO_RESULT,) * 4, NOTHING, *(NO_IMAGE,) * 2, *(NO_PATCHES,) * 2),
    "project": (
        *(NO_RESULT, NO_RESULT, NO_RESULT, "is a label project", NOTHING),
        *(NO_IMAGE, NO_IMAGE, "there is nothing to train on", "labels export"),
    ),
    "empty": (*(NO_RESULT,) * 4, NOTHING, *(NO_IMAGE,) * 2, *(NO_PATCHES,) * 2),
}
OPENED = {"detect": "results", "batch": "results", "movie": "results"} | dict.fromkeys(
    ("survey", "surveys"), "survey"
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return one folder of each kind, written by the commands."""
    root = tmp_path_factory.mktemp("written")
    image = write_crystal(root / "in" / "a.npy", size=160)
    movie = write_crystal(root / "in" / "m.npy", 2, size=160)
    model = write_small_model(root / "small.safetensors")
    assert detect(image, root / "found", model) == 0
    assert detect(movie, root / "found", model) == 0
    out = {name: str(root / name) for name in ("preprocess", "simulate", "report", "export")}
    assert (
        main(["survey", str(image), str(image.with_name("m.npy")), "--out", str(root / "s")]) == 0
    )
    assert main(["preprocess", str(image), "--out", out["preprocess"]]) == 0
    assert main(["simulate", "--size", "200", "--out", out["simulate"]]) == 0
    assert main(["report", str(root / "found"), "--out", out["report"]]) == 0
    export = ["export", str(root / "found"), "--format", "geojson", "--out", out["export"]]
    assert main(export) == 0
    LabelProject.create(root / "mine.labels").close()
    (root / "empty").mkdir()
    return {
        "detect": root / "found" / "a",
        "batch": root / "found",
        "movie": root / "found" / "m",
        "survey": root / "s" / "a",
        "surveys": root / "s",
        "preprocess": root / "preprocess",
        "truth": next((root / "simulate").glob("*.truth")),
        "report": root / "report",
        "export": root / "export",
        "project": root / "mine.labels",
        "empty": root / "empty",
    }


def arguments(command: str, folder: Path, out: Path) -> list[str]:
    """Return the arguments that give a folder to a command."""
    given = str(folder)
    return {
        "show": ["show", given],
        "report": ["report", given, "--out", str(out)],
        "export": ["export", given, "--format", "geojson", "--out", str(out)],
        "track": ["track", given],
        "score": ["score", str(write_manifest(out)), "--predictions", given],
        "detect": ["detect", given, "--out", str(out)],
        "survey": ["survey", given, "--out", str(out)],
        "train": ["train", given, "--out", str(out / "m.safetensors")],
        "labels": ["labels", "import", str(out / "new.labels"), given],
    }[command]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", EXPECTED)
def test_the_command_ends_well_or_states_what_it_needs(
    kind: str,
    command: str,
    written: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = EXPECTED[kind][COMMANDS.index(command)]
    if command in ("detect", "survey") and expected == DONE:
        pytest.skip("images are searched, which other tests do")
    if command == "track":
        pytest.importorskip("trackpy")
    monkeypatch.setattr(show, "can_show", lambda: True)
    monkeypatch.setattr(show, "show_results", lambda image, folder: None)
    code = main(arguments(command, written[kind], tmp_path))
    if expected == DONE:
        assert code == 0
        return
    assert code == 2
    printed = capsys.readouterr().err
    lines = printed.splitlines() if expected == NOTHING else [one_line(printed)]
    for line in lines:
        assert expected in line
        assert "; " in line  # what to do


@pytest.mark.parametrize("kind", EXPECTED)
def test_what_opens_in_napari(kind: str, written: dict[str, Path]) -> None:
    assert stored_kind(written[kind]) == OPENED.get(kind, "")


@pytest.mark.parametrize("kind", EXPECTED)
def test_a_folder_is_no_model(
    kind: str, written: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for action in ("import", "verify", "show"):
        assert main(["models", action, str(written[kind])]) == 2
        assert written[kind].name in one_line(capsys.readouterr().err)
